import asyncio

import pytest

from persistence.people import sessions as module
from persistence.people.sessions import Refreshed, Stolen
from persistence.postgres.pool import Pool
from tests.persistence.persons import (
    ALONE_S,
    ANNA,
    LAPTOP,
    PHONE,
    accounts_of,
    digest,
    revoked,
    sessions_of,
)

pytestmark = pytest.mark.postgres
SALT = b"of r2"


def good(salt):
    return Refreshed("ses_1", "usr_1", "customer", salt)


@pytest.fixture
async def sessions(store):
    await accounts_of(store.pool).create(ANNA)
    await store.pool.fetch("DELETE FROM revocation")
    return sessions_of(store.pool)


async def open_one(sessions, name="ses_1", refresh="r1", device=PHONE):
    return await sessions.open(name, "usr_1", "hash", digest(refresh), device)


async def refresh(sessions, old, new, device=PHONE):
    salt = f"of {new}".encode()
    return await sessions.refresh(digest(old), digest(new), salt, device)


async def let_pass(store, seconds):
    """Make what was used as old as it will be then."""
    await store.pool.fetch(
        "UPDATE refresh_token SET used_at = used_at - $1 * interval '1 s'", seconds
    )


async def test_a_session_needs_the_password_of_now(sessions):
    assert await sessions.open("s", "usr_1", "other", digest("r"), PHONE) is None
    assert await sessions.open("s", "usr_2", "hash", digest("r"), PHONE) is None
    assert await open_one(sessions) == []
    (row,) = await sessions.of_user("usr_1")
    assert (row.session_id, row.user_agent) == ("ses_1", "phone")
    assert (row.expires_at - row.created_at).days == 30


async def test_a_refresh_token_is_replaced_by_the_next(sessions):
    await open_one(sessions)
    assert await refresh(sessions, "nonsense", "r2") is None
    assert await refresh(sessions, "r1", "r2", LAPTOP) == good(b"of r2")
    assert await refresh(sessions, "r2", "r3", LAPTOP) == good(b"of r3")
    (row,) = await sessions.of_user("usr_1")
    assert (row.user_agent, row.address) == ("laptop", "2001:db8::/48")


async def test_a_refresh_token_that_comes_twice_ends_its_session_and_no_other(sessions):
    await open_one(sessions)
    await open_one(sessions, "ses_2", "q1")
    await refresh(sessions, "r1", "r2")
    await refresh(sessions, "r2", "r3")
    assert await refresh(sessions, "r1", "stolen") == Stolen("ses_1", "usr_1")
    assert await refresh(sessions, "r3", "r4") is None
    assert await revoked(sessions) == {"ses_1": True}
    assert [one.session_id for one in await sessions.of_user("usr_1")] == ["ses_2"]


async def test_how_long_ago_a_session_began_is_known_by_its_owner(store, sessions):
    await open_one(sessions)
    assert await sessions.is_fresh("usr_1", "ses_1", 300)
    assert not await sessions.is_fresh("usr_2", "ses_1", 300)
    assert not await sessions.is_fresh("usr_1", "", 300)
    await store.pool.fetch("UPDATE session SET created_at = now() - interval '301 s'")
    # To go on with it is no proof of anything.
    await refresh(sessions, "r1", "r2")
    assert not await sessions.is_fresh("usr_1", "ses_1", 300)


async def test_many_who_show_one_token_at_once_get_the_same_next_one(
    database_url, store, sessions
):
    """In several processes, too: each has a pool of its own."""
    await open_one(sessions)
    others = [await Pool.open(database_url) for _ in range(3)]
    every = [sessions, *map(sessions_of, others)]
    tries = (refresh(every[n % 4], "r1", f"new {n}") for n in range(12))
    found = await asyncio.gather(*tries)
    assert len({one.salt for one in found}) == 1
    assert found[0] == good(found[0].salt)
    rows = await store.pool.fetch(
        "SELECT hash FROM refresh_token WHERE used_at IS NULL"
    )
    following = found[0].salt.decode().removeprefix("of ")
    assert [row["hash"] for row in rows] == [digest(following)]
    for pool in others:
        await pool.close()


async def test_a_token_shown_again_is_theft_once_the_next_one_was_used(sessions):
    await open_one(sessions)
    assert await refresh(sessions, "r1", "r2") == good(SALT)
    assert await refresh(sessions, "r1", "other") == good(SALT)
    assert await refresh(sessions, "r2", "r3") == good(b"of r3")
    assert await refresh(sessions, "r1", "another") == Stolen("ses_1", "usr_1")
    assert await sessions.of_user("usr_1") == []


@pytest.mark.parametrize(("seconds", "stolen"), [(29, False), (31, True)])
async def test_a_token_shown_again_later_is_theft(store, sessions, seconds, stolen):
    await open_one(sessions)
    await refresh(sessions, "r1", "r2")
    await let_pass(store, seconds)
    again = await refresh(sessions, "r1", "other")
    assert again == (Stolen("ses_1", "usr_1") if stolen else good(SALT))
    assert bool(await sessions.of_user("usr_1")) is not stolen


async def test_a_token_used_before_there_were_salts_is_good_once(store, sessions):
    await open_one(sessions)
    await refresh(sessions, "r1", "r2")
    await store.pool.fetch("UPDATE refresh_token SET salt = NULL, followed_by = NULL")
    assert isinstance(await refresh(sessions, "r1", "other"), Stolen)


async def test_a_session_that_was_not_refreshed_in_time_is_over(store, sessions):
    await sessions_of(store.pool, lasts_s=0).open(
        "ses_0", "usr_1", "hash", digest("r0"), PHONE
    )
    assert await refresh(sessions, "r0", "r1") is None
    assert await sessions.of_user("usr_1") == []
    await sessions.forget(3_600)
    assert await store.pool.fetch("SELECT * FROM refresh_token") == []


async def test_one_session_is_ended_by_its_owner_only(sessions):
    await open_one(sessions)
    assert not await sessions.end("usr_2", "ses_1")
    assert await revoked(sessions) == {}
    assert await sessions.end("usr_1", "ses_1")
    assert not await sessions.end("usr_1", "ses_1")
    assert await revoked(sessions) == {"ses_1": True}
    assert await refresh(sessions, "r1", "r2") is None


async def test_all_sessions_are_ended_and_what_belongs_to_none(sessions):
    await open_one(sessions)
    await open_one(sessions, "ses_2", "q1")
    ended = await sessions.end_all("usr_1", ALONE_S)
    assert set(ended) == {"usr_1", "ses_1", "ses_2"}
    assert await revoked(sessions) == dict.fromkeys(ended, True)
    assert await sessions.end_all("usr_1", ALONE_S) == ["usr_1"]


async def test_with_too_many_sessions_the_one_not_seen_for_longest_ends(
    sessions, monkeypatch
):
    monkeypatch.setattr(module, "SESSIONS_PER_USER_MAX", 2)
    await open_one(sessions, "ses_1", "r1")
    await open_one(sessions, "ses_2", "q1")
    await refresh(sessions, "r1", "r2")
    assert await open_one(sessions, "ses_3", "s1") == ["ses_2"]
    assert await revoked(sessions) == {"ses_2": True}


async def test_what_was_revoked_is_told_until_it_has_expired_anyway(store, sessions):
    await open_one(sessions)
    await sessions.end("usr_1", "ses_1")
    (one,) = await sessions.revoked_since(0)
    assert 900 < one.until_s - one.at_s <= 960
    # Again for a while, for somebody's commit may come after ours.
    assert await sessions.revoked_since(one.at_s + 29) == [one]
    assert await sessions.revoked_since(one.at_s + 31) == []
    await store.pool.fetch("UPDATE revocation SET until = now() - interval '1 s'")
    assert await sessions.revoked_since(0) == []
    await sessions.forget(3_600)
    assert await store.pool.fetch("SELECT * FROM revocation") == []


async def test_used_refresh_tokens_are_forgotten_in_the_end(store, sessions):
    await open_one(sessions)
    await refresh(sessions, "r1", "r2")
    await sessions.forget(3_600)
    await store.pool.fetch(
        "UPDATE refresh_token SET used_at = used_at - '2 h'::interval"
    )
    await sessions.forget(3_600)
    (row,) = await store.pool.fetch("SELECT hash FROM refresh_token")
    assert row["hash"] == digest("r2")
