"""Who one is cannot be kept, guessed or worn out by who is somebody else."""

import asyncio
import hmac

import pytest

from server.people.auth.sessions import NEXT
from server.transport.ratelimit.request_limits import MAILS_BURST, NOTICES_BURST
from tests.contract.client import Answer, Api
from tests.contract.teams import api_key, by_machine, draft_of, team
from tests.contract.test_accounts import (
    PASSWORD,
    ends_in_time,
    new_email,
    person,
    refreshed,
    registered,
)

pytestmark = pytest.mark.attack
TRIES = 12


async def register(
    api: Api, email: str, password: str = PASSWORD, **headers: str
) -> Answer:
    body = {"email": email, "password": password, "name": "Olga"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.request("POST", "/v1/auth/register", body, headers=named)


async def test_mails_to_a_stranger_end_whatever_becomes_of_the_account(strict_api):
    """Registering and deleting in turn mails an address five times, and no more."""
    email, made = new_email(), 0
    for _ in range(TRIES):
        answer = await register(strict_api, email)
        if answer.status == 201:
            made += 1
            gone = await strict_api.request("DELETE", "/v1/me", who=person(answer.body))
            assert gone.status == 204
        else:
            assert (answer.status, answer.body["code"]) == (429, "rate_limited")
            assert int(answer.headers["retry-after"]) > 0
    assert made == MAILS_BURST
    # Not by another way, either, and others are served.
    forgot = {"email": email.upper()}
    answer = await strict_api.request("POST", "/v1/auth/password/forgot", forgot)
    assert answer.status == 429
    assert (await register(strict_api, new_email())).status == 201


async def test_notices_to_a_stranger_end_as_well(strict_api):
    """Changing a password again and again mails its owner five times, and no more."""
    made = await registered(strict_api)
    who, now, done = person(made), PASSWORD, 0
    for n in range(NOTICES_BURST + 2):
        body = {"current_password": now, "new_password": f"{PASSWORD} {n}"}
        answer = await strict_api.request("POST", "/v1/me/password", body, who=who)
        if answer.status == 429:
            continue
        assert answer.status == 200
        who, now, done = person(answer.body), body["new_password"], done + 1
    assert done == NOTICES_BURST
    # What was refused changed nothing.
    assert (await strict_api.login(made["email"], now)).status == 200


async def test_a_registration_s_key_guesses_no_password(strict_api):
    """Who knows the key that somebody registered with has five guesses, not 60."""
    email = new_email()
    made = await register(strict_api, email, Idempotency_Key="1")
    assert made.status == 201
    tries = [
        (await register(strict_api, email, f"a guess {n}", Idempotency_Key="1")).status
        for n in range(TRIES)
    ]
    assert tries.count(422) < MAILS_BURST
    assert set(tries) == {422, 429}


async def test_an_old_refresh_token_and_a_known_key_make_no_next_one(api):
    """The next refresh token cannot be computed from what a client knows."""
    made, key = await registered(api), "constant"
    following = await refreshed(api, made["refresh_token"], Idempotency_Key=key)
    for secret in (key.encode(), b"", made["refresh_token"].encode()):
        computed = hmac.digest(made["refresh_token"].encode(), NEXT + secret, "sha256")
        assert computed.hex() != following.body["refresh_token"]
        assert (await refreshed(api, computed.hex())).status == 401
    assert (await refreshed(api, following.body["refresh_token"])).status == 200


async def test_a_guest_s_socket_is_not_the_account_s(api):
    """A socket that was opened as a guest ends where the guest registers."""
    event, guest = await api.sale("small"), await api.guest()
    async with (
        await api.socket(guest) as one,
        await api.socket(guest, hello=True) as two,
    ):
        customer = person(await registered(api, guest))
        assert await ends_in_time(one)
        assert await ends_in_time(two)
    assert customer.id == guest.id
    async with await api.socket(customer) as socket:
        await socket.ok("hold", event=event, seats=["A-1"])


@pytest.mark.parametrize("change", ["role", "suspended"])
async def test_what_an_administrator_takes_ends_every_socket(api, change):
    """Another role, or a suspension, ends every socket of the user at once."""
    made = await registered(api)
    who = person(made)
    body = (
        {"role": "organizer"}
        if change == "role"
        else {"suspended": True, "reason": "resale"}
    )
    async with (
        await api.socket(who) as one,
        await api.socket(who, hello=True) as two,
    ):
        await api.good("PATCH", f"/v1/users/{who.id}", body, who=api.admin)
        assert await ends_in_time(one)
        assert await ends_in_time(two)


async def test_who_is_removed_follows_no_draft_any_more(api):
    """Whoever is removed from an organisation sees its drafts on no open socket."""
    one = await team(api)
    event = await draft_of(api, one)
    async with (
        await api.socket(one.staff) as socket,
        await api.socket(one.leader) as other,
    ):
        await socket.watch(event)
        await other.watch(event)
        path = f"{one.path}/members/{one.staff.id}"
        assert (await api.request("DELETE", path, who=one.owner)).status == 204
        assert await ends_in_time(socket)
        await other.ok("ping")
    async with await api.socket(one.staff) as socket:
        await socket.refused("event_not_found", "watch", event=event)


async def made_by_leader(api: Api, one) -> tuple[str, str]:
    """Make a key as the leader; give its path and its text."""
    body = {"name": "Gate", "scopes": ["events:read"]}
    made = await api.good("POST", f"{one.path}/api-keys", body, who=one.leader)
    assert (made["created_by"], made["held_by"]) == (one.leader.id, one.leader.id)
    return f"{one.path}/api-keys/{made['id']}", made["key"]


async def status_of(api: Api, key: str) -> int:
    return (await by_machine(api, key, "GET", "/v1/events")).status


async def test_a_key_ends_with_who_was_shown_it(api):
    """Who is removed keeps no API key that nobody else was shown since."""
    one = await team(api)
    _, lost = await made_by_leader(api, one)
    path, kept = await made_by_leader(api, one)
    await api.good("POST", f"{path}/rotate", {"overlap_s": 600}, who=one.owner)
    others = (await api_key(api, one))["key"]
    async with await api.socket(X_API_Key=lost) as socket:
        assert await status_of(api, kept) == 200
        removed = f"{one.path}/members/{one.leader.id}"
        assert (await api.request("DELETE", removed, who=one.owner)).status == 204
        assert await ends_in_time(socket)
    assert await status_of(api, lost) == 401
    assert await status_of(api, kept) == 401
    assert await status_of(api, others) == 200
    shown = await api.good("GET", path, who=one.owner)
    assert (shown["created_by"], shown["held_by"]) == (one.leader.id, one.owner.id)
    assert shown["revoked_at"] is None


async def test_who_removes_may_keep_keys_and_who_leaves_may_not(api):
    """Who leaves an organisation takes no key along, whatever is asked for."""
    one = await team(api)
    _, key = await made_by_leader(api, one)
    mine = f"{one.path}/members/me?keys=keep"
    answer = await api.request("DELETE", mine, who=one.leader)
    assert (answer.status, answer.body["code"]) == (403, "forbidden")
    path = f"{one.path}/members/{one.leader.id}"
    answer = await api.request("DELETE", f"{path}?keys=maybe", who=one.owner)
    assert answer.status == 422
    body = {"role": "staff", "keys": "keep"}
    await api.good("PATCH", path, body, who=one.owner)
    answer = await api.request("DELETE", f"{path}?keys=keep", who=one.owner)
    assert answer.status == 204
    assert await status_of(api, key) == 200


async def test_who_is_demoted_keeps_no_key(api):
    """Who may make no keys any more keeps none of those that were shown to them."""
    one = await team(api)
    _, key = await made_by_leader(api, one)
    path = f"{one.path}/members/{one.leader.id}"
    await api.good("PATCH", path, {"role": "staff"}, who=one.owner)
    assert await status_of(api, key) == 401


async def test_keys_rest_while_their_holder_or_all_owners_are_suspended(api):
    """A suspended user, and a suspended organisation, have no machine that works."""
    one = await team(api)
    (_, leaders), owners = await made_by_leader(api, one), await api_key(api, one)
    keys = (leaders, owners["key"])

    async def suspend(user: str) -> list[int]:
        body = {"suspended": True, "reason": "resale"}
        await api.good("PATCH", f"/v1/users/{user}", body, who=api.admin)
        return [await status_of(api, key) for key in keys]

    async def let_in(user: str) -> list[int]:
        await api.good(
            "PATCH", f"/v1/users/{user}", {"suspended": False}, who=api.admin
        )
        return [await status_of(api, key) for key in keys]

    assert [await status_of(api, key) for key in keys] == [200, 200]
    async with await api.socket(X_API_Key=leaders) as socket:
        assert await suspend(one.leader.id) == [401, 200]
        assert await ends_in_time(socket)
    assert await let_in(one.leader.id) == [200, 200]
    assert await suspend(one.owner.id) == [401, 401]
    assert await let_in(one.owner.id) == [200, 200]


async def test_an_account_that_ends_takes_its_keys_along(api):
    """The API keys of a deleted account are dead with it."""
    one = await team(api)
    _, key = await made_by_leader(api, one)
    assert await status_of(api, key) == 200
    answer = await api.request("DELETE", "/v1/me", who=one.leader)
    assert answer.status == 204
    assert await status_of(api, key) == 401


async def test_many_changes_at_once_leave_no_socket_behind(api):
    """Sockets that open while their session ends are closed with it."""
    made = await registered(api)
    who = person(made)

    async def opened():
        try:
            socket = await api.socket(who)
        except Exception as error:
            return getattr(error, "status", error)
        async with socket:
            return await socket.close_code_within()

    tries = [asyncio.create_task(opened()) for _ in range(20)]
    answer = await api.request("POST", "/v1/auth/logout-everywhere", who=who)
    assert answer.status == 204
    # 1006 is a close whose answer came too late for the server to wait for it.
    assert set(await asyncio.gather(*tries)) <= {4001, 1006, 401}
