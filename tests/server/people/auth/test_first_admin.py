"""The administrator of the environment is there, and what is there stays untouched."""

import asyncio

import pytest

from persistence.people.accounts import Account
from persistence.postgres.pool import Pool
from server.base.settings import ConfigError
from server.people.auth.first_admin import ensure_admin
from server.people.auth.passwords import passwords as module
from server.people.auth.passwords.passwords import Passwords
from tests.persistence.persons import accounts_of
from tests.server.conftest import quick_hasher

pytestmark = pytest.mark.postgres
EMAIL, PASSWORD = "admin@example.org", "correct horse battery"
SUSPEND = "UPDATE account SET suspended_at = now(), suspended_reason = 'x'"


@pytest.fixture
async def pool(database_url):
    pool = await Pool.open(database_url)
    yield pool
    await pool.close()


@pytest.fixture
def passwords(monkeypatch):
    monkeypatch.setattr(module, "PasswordHasher", quick_hasher)
    passwords = Passwords()
    yield passwords
    passwords.close()


async def row_of(pool):
    """All of the account, and which transaction wrote it."""
    (row,) = await pool.fetch("SELECT xmin::text, * FROM account")
    return dict(row)


async def test_a_start_that_changes_nothing_writes_nothing(pool, passwords):
    accounts = accounts_of(pool)
    await ensure_admin(accounts, passwords, EMAIL, PASSWORD)
    first = await row_of(pool)
    assert (first["email"], first["role"]) == (EMAIL, "admin")
    assert await passwords.verify(first["password_hash"], PASSWORD)
    for _ in range(3):
        await ensure_admin(accounts, passwords, EMAIL, PASSWORD)
    assert await row_of(pool) == first


async def test_processes_that_start_at_once_make_one_account(pool, passwords):
    accounts = accounts_of(pool)
    starts = [ensure_admin(accounts, passwords, EMAIL, PASSWORD) for _ in range(6)]
    await asyncio.gather(*starts)
    made = await row_of(pool)
    assert await passwords.verify(made["password_hash"], PASSWORD)
    await ensure_admin(accounts, passwords, EMAIL, PASSWORD)
    assert await row_of(pool) == made


async def test_a_later_change_stays_whatever_the_environment_says(pool, passwords):
    accounts = accounts_of(pool)
    await ensure_admin(accounts, passwords, EMAIL, PASSWORD)
    account = await accounts.find_by_email(EMAIL)
    assert account is not None
    chosen = await passwords.hash("another password")
    await accounts.change_password(account, chosen, [])
    await pool.fetch(SUSPEND)
    await pool.fetch("UPDATE account SET role = 'customer'")
    changed = await row_of(pool)
    for password in (PASSWORD, "a third of them"):
        await ensure_admin(accounts, passwords, EMAIL, password)
    assert await row_of(pool) == changed


async def test_who_was_deleted_does_not_come_back_with_the_next_start(pool, passwords):
    accounts = accounts_of(pool)
    await ensure_admin(accounts, passwords, EMAIL, PASSWORD)
    await ensure_admin(accounts, passwords, "second@example.org", PASSWORD)
    account = await accounts.find_by_email(EMAIL)
    assert account is not None
    await accounts.delete(account.user_id)
    await ensure_admin(accounts, passwords, EMAIL, PASSWORD)
    assert await accounts.find_by_email(EMAIL) is None


async def test_an_administrator_of_a_former_version_keeps_the_password(pool, passwords):
    accounts = accounts_of(pool)
    await accounts.create(Account("usr_1", EMAIL, "hash", "admin", "Anna"))
    # A weak one in the environment is nothing to stop for: it is not used.
    await ensure_admin(accounts, passwords, EMAIL, "password1")
    assert (await row_of(pool))["password_hash"] == "hash"


@pytest.mark.parametrize("password", ["short 7", "Password2026!", "12345678"])
async def test_a_weak_password_makes_no_administrator(pool, passwords, password):
    with pytest.raises(ConfigError, match="ONSALE_ADMIN_PASSWORD"):
        await ensure_admin(accounts_of(pool), passwords, EMAIL, password)
    assert await pool.fetch("SELECT FROM account") == []


async def test_who_has_the_address_but_not_the_right_is_given_both(pool, passwords):
    accounts = accounts_of(pool)
    await accounts.create(Account("usr_1", EMAIL, "hash", "customer", "Anna"))
    await ensure_admin(accounts, passwords, EMAIL, PASSWORD)
    made = await row_of(pool)
    assert (made["user_id"], made["role"]) == ("usr_1", "admin")
    assert await passwords.verify(made["password_hash"], PASSWORD)
