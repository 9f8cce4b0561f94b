"""The administrator of the environment is there, and what is there stays untouched."""

import asyncio
from functools import partial

import pytest
from argon2 import PasswordHasher

from persistence.people.accounts import Account
from persistence.postgres.pool import Pool
from server.people.auth import passwords as module
from server.people.auth.first_admin import ensure_admin
from server.people.auth.passwords import Passwords
from tests.persistence.persons import accounts_of

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
    quick = partial(PasswordHasher, time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(module, "PasswordHasher", quick)
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


async def test_processes_that_start_at_once_with_a_new_password_set_it_once(
    pool, passwords
):
    accounts = accounts_of(pool)
    await ensure_admin(accounts, passwords, EMAIL, "another password")
    user = (await row_of(pool))["user_id"]
    starts = [ensure_admin(accounts, passwords, EMAIL, PASSWORD) for _ in range(6)]
    await asyncio.gather(*starts)
    made = await row_of(pool)
    assert made["user_id"] == user
    assert await passwords.verify(made["password_hash"], PASSWORD)


async def test_who_has_the_password_but_not_the_right_is_given_it(pool, passwords):
    accounts = accounts_of(pool)
    hashed = await passwords.hash(PASSWORD)
    await accounts.create(Account("usr_1", EMAIL, hashed, "customer", "Anna"))
    await ensure_admin(accounts, passwords, EMAIL, PASSWORD)
    made = await row_of(pool)
    assert (made["role"], made["password_hash"]) == ("admin", hashed)
    await pool.fetch(SUSPEND)
    await ensure_admin(accounts, passwords, EMAIL, PASSWORD)
    assert (await row_of(pool))["suspended_at"] is None
