"""People signed in, and out, without a request."""

import asyncio
from time import time

import pytest
from argon2 import PasswordHasher

from persistence.errors import Stale, Unavailable
from persistence.people.users import Users
from server.base.refusals.refusals import Refusal
from server.people.auth.passwords import passwords
from server.people.auth.service import WRONG_S
from server.transport.ratelimit.meter import RateLimited
from server.transport.ratelimit.request_limits import GUESTS_BURST, LOGINS_BURST
from tests.persistence.persons import ALONE_S, LAPTOP, PHONE, TOKEN_S
from tests.server.identities import ADMIN, GUEST, MIA, OLGA, person
from tests.server.meters import Counter, uncounted
from tests.server.people.entrance import PASSWORD

pytestmark = pytest.mark.postgres


async def test_guests_are_made_as_often_as_an_address_may(entrance):
    meter = Counter().of()
    guests = [entrance.service.become_guest(meter) for _ in range(GUESTS_BURST)]
    assert len({guest.user for guest in guests}) == GUESTS_BURST
    who = entrance.tokens.check(guests[0].access_token, int(time()))
    assert (who.user, who.role) == (guests[0].user, "guest")
    assert guests[0].access_token not in repr(guests[0])
    with pytest.raises(RateLimited):
        entrance.service.become_guest(meter)


async def test_who_has_the_password_is_signed_in(entrance):
    await entrance.choose(MIA)
    signed = await entrance.log_in(MIA)
    who = entrance.tokens.check(signed.access_token, int(time()))
    assert (who.user, who.session) == (MIA.user, signed.session)
    with pytest.raises(Refusal, match="unauthenticated"):
        await entrance.log_in(MIA, "another password")
    # Whose it was is told before it is known whether it is right.
    assert entrance.tried == [MIA.user, MIA.user]
    with pytest.raises(Refusal, match="unauthenticated"):
        await entrance.service.log_in(
            "nobody@example.org",
            PASSWORD,
            PHONE,
            uncounted(),
            tried=entrance.tried.append,
        )
    assert len(entrance.tried) == 2


async def test_a_login_hashes_anew_what_was_hashed_with_other_costs(entrance):
    await entrance.choose(MIA)
    fresh = (await entrance.account(MIA)).password_hash
    await entrance.log_in(MIA)
    assert (await entrance.account(MIA)).password_hash == fresh
    before = PasswordHasher(time_cost=2, memory_cost=64, parallelism=4).hash(PASSWORD)
    await store_hash(entrance, before)
    with pytest.raises(Refusal, match="unauthenticated"):
        await entrance.log_in(MIA, "another password")
    assert (await entrance.account(MIA)).password_hash == before
    session = (await entrance.log_in(MIA)).session
    after = (await entrance.account(MIA)).password_hash
    assert not entrance.passwords.is_outdated(after)
    # It is the same password, and no other session ends for it.
    again = entrance.who(await entrance.log_in(MIA))
    rows = await entrance.service.sessions_of(again)
    assert session in {row.session_id for row in rows}
    assert (await entrance.account(MIA)).password_hash == after


async def test_two_logins_at_once_both_succeed_where_the_hash_is_renewed(entrance):
    before = PasswordHasher(time_cost=2, memory_cost=64, parallelism=4).hash(PASSWORD)
    await store_hash(entrance, before)
    signed = await asyncio.gather(*(entrance.log_in(MIA) for _ in range(4)))
    assert len({one.session for one in signed}) == 4


async def test_a_hash_that_cannot_be_renewed_now_is_no_reason_to_refuse(
    entrance, monkeypatch
):
    before = PasswordHasher(time_cost=2, memory_cost=64, parallelism=4).hash(PASSWORD)
    await store_hash(entrance, before)

    async def away(*_: object) -> None:
        raise Unavailable("away")

    monkeypatch.setattr(entrance.accounts, "renew_hash", away)
    assert (await entrance.log_in(MIA)).user == MIA.user
    assert (await entrance.account(MIA)).password_hash == before


async def store_hash(entrance, stored_hash: str) -> None:
    account = await entrance.account(MIA)
    assert await entrance.accounts.change_password(account, stored_hash, []) is not None


@pytest.mark.parametrize("whose", ["nobody's", "of today", "of before"])
async def test_a_wrong_password_is_answered_no_sooner_whosever_it_is(
    entrance, whose, monkeypatch
):
    naps: list[float] = []
    sleep = asyncio.sleep

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", nap)
    await entrance.choose(MIA)
    if whose == "of before":
        await store_hash(entrance, PasswordHasher().hash(PASSWORD))
    account = None if whose == "nobody's" else await entrance.account(MIA)
    began = time()
    meter = uncounted()
    assert not await entrance.service.has_password(account, "x@y.z", "wrong", meter)
    worked_s = time() - began
    # What it worked and what it rested are together the same for all; the loop's clock
    # counts milliseconds.
    assert naps[-1] + worked_s >= WRONG_S - 0.01
    assert naps[-1] <= WRONG_S + 0.001  # Differences of clocks are rounded.


async def test_only_a_guest_who_logs_in_loses_sockets(entrance):
    await entrance.choose(MIA)
    with pytest.raises(Refusal, match="unauthenticated"):
        await entrance.log_in(MIA, "another password", before=GUEST)
    await entrance.log_in(MIA, before=OLGA)
    await entrance.log_in(MIA)
    assert entrance.closed == []
    await entrance.log_in(MIA, before=GUEST)
    assert entrance.closed == [(GUEST.user, GUEST.user)]


async def test_guesses_are_counted_right_or_wrong(entrance):
    await entrance.choose(MIA)
    counter = Counter()
    account = await entrance.account(MIA)

    async def guess(password: str) -> bool:
        email, meter = account.email, counter.of()
        return bool(
            await entrance.service.has_password(account, email, password, meter)
        )

    right = [await guess(PASSWORD if n % 2 else "wrong") for n in range(LOGINS_BURST)]
    assert right == [False, True] * (LOGINS_BURST // 2)
    with pytest.raises(RateLimited):
        await guess(PASSWORD)


async def test_that_an_account_is_suspended_is_told_to_its_owner_alone(entrance):
    await entrance.choose(MIA)
    users = Users(entrance.pool, token_s=TOKEN_S, alone_s=ALONE_S)
    await users.change(
        MIA.user, role=None, suspended=True, reason="Scalping", seen=None
    )
    with pytest.raises(Refusal, match="unauthenticated"):
        await entrance.log_in(MIA, "another password")
    with pytest.raises(Refusal, match="account_suspended"):
        await entrance.log_in(MIA)


async def test_a_session_goes_on_with_its_refresh_token(entrance):
    await entrance.choose(MIA)
    signed = await entrance.log_in(MIA)
    following = await entrance.service.refresh(signed.refresh_token, LAPTOP)
    assert following.session == signed.session
    assert following.refresh_token != signed.refresh_token
    with pytest.raises(Refusal, match="unauthenticated"):
        await entrance.service.refresh("never one", LAPTOP)


async def test_who_was_looked_at_before_a_change_is_not_signed_in(entrance):
    await entrance.choose(MIA)
    account = await entrance.account(MIA)
    await entrance.choose(MIA, "another password")
    with pytest.raises(Refusal, match="unauthenticated"):
        await entrance.service.sign_in(account, PHONE)


async def test_one_sees_and_ends_ones_own_sessions(entrance):
    await entrance.choose(MIA)
    await entrance.choose(OLGA)
    one, two = [entrance.who(await entrance.log_in(MIA)) for _ in range(2)]
    olga = entrance.who(await entrance.log_in(OLGA))
    rows = await entrance.service.sessions_of(one)
    assert {row.session_id for row in rows} == {one.session, two.session}
    for other in (olga.session, "ses_none"):
        with pytest.raises(Refusal, match="session_not_found"):
            await entrance.service.end_session(one, other, None)
    with pytest.raises(Stale):
        await entrance.service.end_session(one, two.session, (1,))
    await entrance.service.end_session(one, two.session, (0,))
    assert entrance.closed == [(MIA.user, two.session)]
    # Who has no session ends none.
    await entrance.service.log_out(MIA)
    await entrance.service.log_out(one)
    assert await entrance.service.sessions_of(MIA) == []
    assert len(await entrance.service.sessions_of(olga)) == 1
    await entrance.log_in(OLGA)
    await entrance.service.log_out_everywhere(olga)
    assert await entrance.service.sessions_of(olga) == []


async def test_only_a_session_that_just_began_is_fresh(entrance):
    await entrance.choose(MIA)
    who = entrance.who(await entrance.log_in(MIA))
    assert await entrance.service.is_fresh(who)
    assert not await entrance.service.is_fresh(MIA)
    await entrance.pool.fetch(
        "UPDATE session SET created_at = now() - interval '6 min'"
    )
    assert not await entrance.service.is_fresh(who)


async def test_a_new_password_is_another_and_none_that_all_try_first(entrance):
    await entrance.choose(MIA)
    account = await entrance.account(MIA)
    with pytest.raises(Refusal, match="bad_field") as refused:
        await entrance.service.refuse_same(account, PASSWORD, "new")
    assert [fault.field for fault in refused.value.faults] == ["new"]
    await entrance.service.refuse_same(account, "another password", "new")
    for weak in ("short", "password123"):
        with pytest.raises(Refusal, match="bad_field"):
            await entrance.service.hash_new(weak, "new")
    assert await entrance.service.hash_new("another password", "new") != ""


async def test_too_many_passwords_at_once_are_refused(entrance, monkeypatch):
    account = await entrance.account(MIA)
    monkeypatch.setattr(passwords, "WAITING_MAX", -passwords.THREADS)
    for asked in (
        entrance.service.hash_new("another password", "new"),
        entrance.service.refuse_same(account, "another password", "new"),
        entrance.service.has_password(account, account.email, PASSWORD, uncounted()),
    ):
        with pytest.raises(Refusal, match="overloaded"):
            await asked


@pytest.mark.parametrize("who", [ADMIN, GUEST, person("gone")])
async def test_who_has_no_account_is_nobody(entrance, who):
    with pytest.raises(Refusal, match="unauthenticated"):
        await entrance.service.account_of(who)
