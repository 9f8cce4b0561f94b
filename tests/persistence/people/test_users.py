"""Users as administrators change them, in a real Postgres."""

import asyncio

import pytest

from persistence.people.accounts import Account
from persistence.people.users import LastAdmin, Users
from persistence.postgres.pool import Pool
from tests.persistence.persons import (
    ALONE_S,
    ANNA,
    PHONE,
    TOKEN_S,
    accounts_of,
    digest,
    revoked,
    sessions_of,
)

pytestmark = pytest.mark.postgres
ADMINS = [
    Account(f"usr_a{n}", f"admin{n}@example.org", "hash", "admin", f"Admin {n}")
    for n in (1, 2)
]


@pytest.fixture
async def pool(database_url):
    pool = await Pool.open(database_url)
    for account in (*ADMINS, ANNA):
        await accounts_of(pool).create(account)
    yield pool
    await pool.close()


@pytest.fixture
def users(pool):
    return Users(pool, token_s=TOKEN_S, alone_s=ALONE_S)


async def sign_in(pool, user="usr_1", session="ses_1"):
    sessions = sessions_of(pool)
    return await sessions.open(session, user, "hash", digest(session), PHONE)


async def found(users, **wanted):
    page, _ = await users.search(limit=50, **wanted)
    return {user.user_id for user in page}


async def test_a_user_is_shown_without_what_proves_who_it_is(users):
    anna = await users.find("usr_1")
    assert (anna.role, anna.email, anna.name) == ("customer", ANNA.email, "Anna")
    assert (anna.verified_at, anna.suspended_at, anna.suspended_reason) == (None,) * 3
    assert "hash" not in repr(anna)
    assert await users.find("usr_nobody") is None


async def test_a_deleted_account_is_no_user(users, pool):
    await accounts_of(pool).delete("usr_1")
    assert await users.find("usr_1") is None
    assert await users.change("usr_1", role="admin") is None
    assert await found(users) == {"usr_a1", "usr_a2"}


async def test_users_are_found_by_address_name_role_and_state(users):
    await users.change("usr_1", suspended=True, reason="resale")
    assert await found(users, text="ANNA@") == {"usr_1"}
    assert await found(users, text="dmin 2") == {"usr_a2"}
    # No letter means anything but itself.
    assert await found(users, text="%") == set()
    assert await found(users, text="_") == set()
    assert await found(users, role="admin") == {"usr_a1", "usr_a2"}
    assert await found(users, suspended=True) == {"usr_1"}
    assert await found(users, suspended=False, text="example") == {"usr_a1", "usr_a2"}


async def test_pages_of_users_follow_each_other(users, pool):
    for n in range(20):
        made = Account(f"usr_b{n}", f"b{n}@example.org", "hash", "customer", "B")
        await accounts_of(pool).create(made)
    # All in one instant: then the id decides.
    await pool.fetch("UPDATE account SET created_at = now()")
    seen, cursor = [], None
    while True:
        page, cursor = await users.search(text="b", limit=7, cursor=cursor)
        seen += [user.user_id for user in page]
        if cursor is None:
            break
    assert len(seen) == 20
    assert seen == sorted(set(seen), reverse=True)


async def test_who_is_suspended_is_signed_out_and_signs_in_no_more(users, pool):
    assert await sign_in(pool) == []
    changed = await users.change("usr_1", suspended=True, reason="resale")
    assert changed.before.suspended_at is None
    assert changed.after.suspended_at is not None
    assert changed.after.suspended_reason == "resale"
    assert sorted(changed.ended) == ["ses_1", "usr_1"]
    ended = await revoked(sessions_of(pool))
    assert (ended["ses_1"], ended["usr_1"]) == (True, True)
    assert await sign_in(pool, session="ses_2") is None
    account = await accounts_of(pool).find("usr_1")
    assert account is not None
    assert account.suspended
    assert not ANNA.suspended


async def test_who_is_let_in_again_signs_in_again(users, pool):
    await users.change("usr_1", suspended=True, reason="resale")
    changed = await users.change("usr_1", suspended=False)
    assert (changed.after.suspended_at, changed.after.suspended_reason) == (None, None)
    assert changed.ended == []
    assert await sign_in(pool) == []


async def test_what_changes_nothing_ends_nothing(users, pool):
    await sign_in(pool)
    changed = await users.change("usr_1", role="customer", suspended=False)
    assert changed.before == changed.after
    assert changed.ended == []
    await users.change("usr_1", suspended=True, reason="resale")
    again = await users.change("usr_1", suspended=True, reason="fraud")
    assert again.after.suspended_at == again.before.suspended_at
    assert (again.after.suspended_reason, again.ended) == ("fraud", [])
    renamed = await users.change("usr_1", role="organizer")
    assert renamed.after.suspended_reason == "fraud"


async def test_another_role_ends_what_the_old_one_was_good_for(users, pool):
    await sign_in(pool)
    changed = await users.change("usr_1", role="organizer")
    assert (changed.before.role, changed.after.role) == ("customer", "organizer")
    assert "ses_1" in changed.ended


@pytest.mark.parametrize(
    "change", [{"role": "customer"}, {"suspended": True, "reason": "x"}]
)
async def test_the_last_administrator_stays(users, change):
    await users.change("usr_a1", **change)
    with pytest.raises(LastAdmin):
        await users.change("usr_a2", **change)
    still = await users.find("usr_a2")
    assert (still.role, still.suspended_at) == ("admin", None)
    # Others may still be changed, and somebody else be made one.
    await users.change("usr_1", role="admin")
    await users.change("usr_a2", **change)


async def test_two_who_unmake_each_other_do_not_both_succeed(users):
    done = await asyncio.gather(
        *(users.change(admin.user_id, role="customer") for admin in ADMINS),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in done) == ["Changed", "LastAdmin"]
    assert len(await found(users, role="admin")) == 1


async def test_the_administrator_of_the_environment_stays_suspended(users, pool):
    await users.change("usr_a1", suspended=True, reason="x")
    await accounts_of(pool).make_admin("usr_x", ADMINS[0].email, "new")
    assert (await users.find("usr_a1")).suspended_at is not None


async def test_a_suspended_account_can_be_deleted(users, pool):
    await users.change("usr_1", suspended=True, reason="resale")
    assert await accounts_of(pool).delete("usr_1") is not None
    sql = "SELECT suspended_reason FROM account WHERE user_id = 'usr_1'"
    assert (await pool.fetch_one(sql))["suspended_reason"] is None
