"""Accounts: registering, sessions, and what ends them."""

import asyncio
import secrets
import time

import jwt
import pytest
from aiohttp import WSServerHandshakeError

from tests.contract.client import Api, Json, Person, check_problem

PASSWORD = "a password of some length"
CLOSED_S_MAX = ENDED_S_MAX = 30.0
"""Promised are 5 s. A machine that runs all tests may take longer, but not for ever."""
PROCESSES_ASKED = 8
"""So many refusals in a row: one after the other may come from other processes."""


def new_email() -> str:
    return f"{secrets.token_hex(6)}@example.org"


def person(body: Json) -> Person:
    return Person(body["user"]["id"], body["user"]["role"], body["access_token"])


async def registered(api: Api, who: Person | None = None, **fields: object) -> Json:
    """Register somebody and give the answer, with the email that was used."""
    body = {"email": new_email(), "password": PASSWORD, "name": "Olga"} | fields
    answer = await api.good("POST", "/v1/auth/register", body, who=who)
    return {**answer, "email": body["email"]}


async def refreshed(api: Api, token: str, **headers: str):
    sent = {"refresh_token": token}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.request("POST", "/v1/auth/refresh", sent, headers=named)


async def is_refused(api: Api, who: Person) -> bool:
    answer = await api.get("/v1/me", who)
    if answer.status == 401:
        assert check_problem(answer)["code"] == "unauthenticated"
    return answer.status == 401


async def is_refused_soon(api: Api, who: Person) -> bool:
    """Return whether a token ends in time, in whichever process is asked."""
    ends, refused = time.monotonic() + ENDED_S_MAX, 0
    while refused < PROCESSES_ASKED and time.monotonic() < ends:
        refused = refused + 1 if await is_refused(api, who) else 0
    return refused == PROCESSES_ASKED


async def test_whoever_registers_is_a_customer_and_logged_in(api):
    made = await registered(api)
    assert made["user"]["role"] == "customer"
    assert made["token_type"] == "Bearer"
    assert 0 < made["expires_in"] <= 3600
    assert made["refresh_expires_in"] > made["expires_in"]
    me = await api.good("GET", "/v1/me", who=person(made))
    assert me["id"] == made["user"]["id"]
    assert (me["email"], me["name"], me["role"]) == (made["email"], "Olga", "customer")
    assert me["email_verified"] is False
    again = await api.login(made["email"].upper(), PASSWORD)
    assert again.status == 200
    assert again.body["user"] == made["user"]
    assert again.body["refresh_token"] != made["refresh_token"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "no address"}, "email"),
        ({"email": "a@b\r\nBcc: c@d"}, "email"),
        ({"password": "short 7"}, "password"),
        ({"password": "x" * 1025}, "password"),
        ({"password": None}, "password"),
        ({"name": ""}, "name"),
        ({"role": "admin"}, "role"),
    ],
)
async def test_what_is_wrong_with_a_registration_is_told(api, change, field):
    body = {"email": new_email(), "password": PASSWORD, "name": "Olga"} | change
    answer = await api.request("POST", "/v1/auth/register", body)
    problem = check_problem(answer, 422)
    assert problem["code"] == "bad_field"
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_a_password_of_any_letters_will_do(api):
    made = await registered(api, password="пароль" + "\u0301" + "🎟️ ")
    assert (await api.login(made["email"], "пароль" + "\u0301" + "🎟️ ")).status == 200
    assert (await api.login(made["email"], "пароль" + "\u0301" + "🎟️")).status == 401
    long = await registered(api, password="x" * 1024)
    assert (await api.login(long["email"], "x" * 1024)).status == 200
    assert (await api.login(long["email"], "x" * 1023)).status == 401


async def test_an_address_has_one_account(api):
    made = await registered(api)
    body = {"email": made["email"].title(), "password": PASSWORD, "name": "Eve"}
    answer = await api.request("POST", "/v1/auth/register", body)
    assert check_problem(answer, 409)["code"] == "email_taken"


async def test_a_registration_sent_twice_under_a_key_makes_one_account(api):
    body = {"email": new_email(), "password": PASSWORD, "name": "Olga"}
    key = {"Idempotency-Key": "once"}
    path = "/v1/auth/register"
    first = await api.request("POST", path, body, headers=key)
    again = await api.request("POST", path, body, headers=key)
    assert (first.status, again.status) == (201, 201)
    assert first.body["user"] == again.body["user"]
    other = await api.request("POST", path, body | {"password": "x" * 9}, headers=key)
    assert check_problem(other, 422)["code"] == "key_reused"
    other = await api.request("POST", path, body, headers={"Idempotency-Key": "2"})
    assert check_problem(other, 409)["code"] == "email_taken"


async def test_a_guest_who_registers_keeps_holds_and_bookings(api):
    event = await api.sale("small")
    guest = await api.guest()
    held = await api.ok(event, guest, "hold", seats=["A-1"])
    booked = await api.ok(event, guest, "book", hold=held["hold"])
    held = await api.ok(event, guest, "hold", seats=["A-2"])
    customer = person(await registered(api, guest))
    assert (customer.id, customer.role) == (guest.id, "customer")
    holding = await api.ok(event, customer, "holding")
    assert "A-2" in str(holding)
    shown = await api.good("GET", f"/v1/bookings/{booked['booking']}", who=customer)
    assert shown["seats"] == ["A-1"]
    await api.ok(event, customer, "book", hold=held["hold"])
    # What the guest was known by is known to whoever gave it.
    assert await is_refused_soon(api, guest)
    with pytest.raises(WSServerHandshakeError):
        await api.socket(guest)


async def test_a_guest_has_no_account_to_change(api):
    guest = await api.guest()
    me = await api.good("GET", "/v1/me", who=guest)
    assert (me["id"], me["role"], me["email"]) == (guest.id, "guest", None)
    for method, path, body in (
        ("PATCH", "/v1/me", {"name": "x"}),
        ("DELETE", "/v1/me", None),
        ("POST", "/v1/me/password", {}),
        ("GET", "/v1/auth/sessions", None),
        ("POST", "/v1/auth/logout-everywhere", None),
    ):
        answer = await api.request(method, path, body, who=guest)
        assert check_problem(answer, 403)["code"] == "forbidden", path


async def test_a_name_is_changed(api):
    who = person(await registered(api))
    me = await api.good("PATCH", "/v1/me", {"name": "Olga B."}, who=who)
    assert me["name"] == "Olga B."
    assert await api.good("GET", "/v1/me", who=who) == me
    answer = await api.request("PATCH", "/v1/me", {"id": "usr_1"}, who=who)
    check_problem(answer, 422)


async def test_a_session_goes_on_with_its_refresh_token(api):
    made = await registered(api)
    answer = await refreshed(api, made["refresh_token"])
    assert answer.status == 200
    assert answer.body["user"] == made["user"]
    assert answer.body["session"] == made["session"]
    assert answer.body["refresh_token"] != made["refresh_token"]
    assert not await is_refused(api, person(answer.body))
    for wrong in ("nonsense", made["access_token"]):
        refused = await refreshed(api, wrong)
        assert check_problem(refused, 401)["code"] == "unauthenticated"


async def test_a_refresh_token_that_comes_twice_ends_the_session_with_its_sockets(api):
    made = await registered(api)
    other = await api.login(made["email"], PASSWORD)
    stolen = await refreshed(api, made["refresh_token"])
    # Whoever shows the next one has got it: there are no two tabs that wait for it.
    stolen = await refreshed(api, stolen.body["refresh_token"])
    async with await api.socket(person(stolen.body)) as socket:
        check_problem(await refreshed(api, made["refresh_token"]), 401)
        assert await ends_in_time(socket)
    check_problem(await refreshed(api, stolen.body["refresh_token"]), 401)
    assert await is_refused_soon(api, person(stolen.body))
    assert await is_refused_soon(api, person(made))
    assert not await is_refused(api, person(other.body))


async def test_an_answer_that_was_lost_is_had_again_with_the_same_key(api):
    made = await registered(api)
    first = await refreshed(api, made["refresh_token"], Idempotency_Key="k")
    again = await refreshed(api, made["refresh_token"], Idempotency_Key="k")
    assert (first.status, again.status) == (200, 200)
    assert first.body["refresh_token"] == again.body["refresh_token"]
    following = await refreshed(api, first.body["refresh_token"])
    check_problem(await refreshed(api, made["refresh_token"], Idempotency_Key="k"), 401)
    check_problem(await refreshed(api, following.body["refresh_token"]), 401)


@pytest.mark.parametrize("keys", [[None] * 3, ["a", "b", None]])
async def test_tabs_that_refresh_at_once_get_the_same_next_token(api, keys):
    made = await registered(api)
    token = made["refresh_token"]
    sent: list[dict[str, str]] = [
        {"Idempotency_Key": key} if key else {} for key in keys
    ]
    answers = await asyncio.gather(*(refreshed(api, token, **one) for one in sent))
    assert [answer.status for answer in answers] == [200] * 3
    (following,) = {answer.body["refresh_token"] for answer in answers}
    for answer in answers:
        assert not await is_refused(api, person(answer.body))
    # A fourth tab, that slept a little.
    late = await refreshed(api, token)
    assert late.body["refresh_token"] == following
    after = await refreshed(api, following)
    assert after.status == 200
    # Whoever shows the old one now has stolen it.
    check_problem(await refreshed(api, token), 401)
    check_problem(await refreshed(api, after.body["refresh_token"]), 401)


async def ends_in_time(socket) -> bool:
    """Return whether the server closes a socket soon, and says why."""
    began = time.monotonic()
    assert await socket.close_code_within() == 4001
    assert socket.seen("bye", code=4001)
    return time.monotonic() - began < CLOSED_S_MAX


async def test_sessions_are_listed_and_ended_one_by_one(api):
    made = await registered(api)
    agent = {"email": made["email"], "password": PASSWORD}
    phone = await api.good(
        "POST", "/v1/auth/login", agent, headers={"User-Agent": "A phone"}
    )
    path, here = "/v1/auth/sessions", person(made)
    listed = await api.good("GET", path, who=here)
    assert listed["next_cursor"] is None
    by_id = {item["id"]: item for item in listed["items"]}
    assert set(by_id) == {made["session"], phone["session"]}
    assert by_id[made["session"]]["current"] is True
    assert by_id[phone["session"]]["current"] is False
    assert by_id[phone["session"]]["user_agent"] == "A phone"
    assert by_id[phone["session"]]["address"] == "127.0.0.0/24"
    async with await api.socket(person(phone)) as socket:
        gone = await api.request("DELETE", f"{path}/{phone['session']}", who=here)
        assert gone.status == 204
        assert await ends_in_time(socket)
    assert await is_refused_soon(api, person(phone))
    check_problem(await refreshed(api, phone["refresh_token"]), 401)
    assert not await is_refused(api, here)
    gone = await api.request("DELETE", f"{path}/{phone['session']}", who=here)
    assert check_problem(gone, 404)["code"] == "session_not_found"


async def test_nobody_ends_the_session_of_another(api):
    made, eve = await registered(api), await registered(api)
    path = f"/v1/auth/sessions/{made['session']}"
    answer = await api.request("DELETE", path, who=person(eve))
    assert check_problem(answer, 404)["code"] == "session_not_found"
    assert not await is_refused(api, person(made))


async def test_logging_out_ends_this_session_only(api):
    made = await registered(api)
    other = await api.login(made["email"], PASSWORD)
    answer = await api.request("POST", "/v1/auth/logout", who=person(made))
    assert answer.status == 204
    assert await is_refused_soon(api, person(made))
    check_problem(await refreshed(api, made["refresh_token"]), 401)
    assert not await is_refused(api, person(other.body))


async def test_logging_out_everywhere_closes_every_socket(api):
    made = await registered(api)
    other = (await api.login(made["email"], PASSWORD)).body
    async with (
        await api.socket(person(made)) as one,
        await api.socket(person(other), hello=True) as two,
    ):
        path = "/v1/auth/logout-everywhere"
        answer = await api.request("POST", path, who=person(other))
        assert answer.status == 204
        assert await ends_in_time(one)
        assert await ends_in_time(two)
    for each in (made, other):
        assert await is_refused_soon(api, person(each))
        check_problem(await refreshed(api, each["refresh_token"]), 401)
        with pytest.raises(WSServerHandshakeError):
            await api.socket(person(each))
    assert (await api.login(made["email"], PASSWORD)).status == 200


async def test_a_new_password_ends_all_sessions_and_opens_one(api):
    made = await registered(api)
    other = (await api.login(made["email"], PASSWORD)).body
    path = "/v1/me/password"
    wrong = {"current_password": "a guess at it", "new_password": "x" * 20}
    answer = await api.request("POST", path, wrong, who=person(made))
    assert check_problem(answer, 403)["code"] == "wrong_password"
    assert not await is_refused(api, person(other))
    async with await api.socket(person(other)) as socket:
        right = wrong | {"current_password": PASSWORD}
        changed = await api.good("POST", path, right, who=person(made))
        assert await ends_in_time(socket)
    assert changed["user"] == made["user"]
    assert not await is_refused(api, person(changed))
    for each in (made, other):
        assert await is_refused_soon(api, person(each))
        check_problem(await refreshed(api, each["refresh_token"]), 401)
    assert (await api.login(made["email"], PASSWORD)).status == 401
    assert (await api.login(made["email"], "x" * 20)).status == 200


async def test_a_deleted_account_is_nobody_s_and_the_books_are_right(api):
    event = await api.sale("small")
    made = await registered(api)
    who = person(made)
    held = await api.ok(event, who, "hold", seats=["A-1", "A-2"])
    booked = await api.ok(event, who, "book", hold=held["hold"])
    async with await api.socket(who) as socket:
        assert (await api.request("DELETE", "/v1/me", who=who)).status == 204
        assert await ends_in_time(socket)
    assert await is_refused_soon(api, who)
    check_problem(await refreshed(api, made["refresh_token"]), 401)
    assert (await api.login(made["email"], PASSWORD)).status == 401
    # The seats stay sold, and the journal still says so.
    letters = await api.letters(event)
    assert (letters["A-1"], letters["A-2"]) == ("b", "b")
    receipt = await api.good("GET", f"/v1/events/{event}/audit", who=api.admin)
    assert receipt["ok"] is True
    again = await registered(api, email=made["email"])
    assert again["user"]["id"] != made["user"]["id"]
    path = f"/v1/bookings/{booked['booking']}"
    check_problem(await api.get(path, person(again)), 404)


async def test_the_administrator_cannot_delete_himself(api):
    answer = await api.request("DELETE", "/v1/me", who=api.admin)
    assert check_problem(answer, 403)["code"] == "forbidden"


async def test_others_can_check_a_token_with_the_public_keys(api):
    made = await registered(api)
    answer = await api.get("/.well-known/jwks.json")
    assert answer.status == 200
    assert "max-age" in answer.headers["cache-control"]
    keys = jwt.PyJWKSet.from_dict(answer.body)
    kid = jwt.get_unverified_header(made["access_token"])["kid"]
    key = keys[kid]
    claims = jwt.decode(made["access_token"], key, ["EdDSA"], issuer="onsale")
    assert (claims["sub"], claims["role"]) == (made["user"]["id"], "customer")
    shown = {"kty", "crv", "x", "kid", "use", "alg"}
    assert all(set(one) == shown for one in answer.body["keys"])


async def test_sessions_and_their_end_survive_a_restart(own_server):
    async with Api(own_server) as api:
        made, gone = await registered(api), await registered(api)
        guest = await api.guest()
        await api.good("POST", "/v1/auth/logout", who=person(gone))
    own_server.stop()
    own_server.start()
    async with Api(own_server) as api:
        assert not await is_refused(api, person(made))
        assert not await is_refused(api, guest)
        assert await is_refused_soon(api, person(gone))
        answer = await refreshed(api, made["refresh_token"])
        assert answer.status == 200
        check_problem(await refreshed(api, gone["refresh_token"]), 401)
