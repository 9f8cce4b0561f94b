import asyncio

import msgspec
import pytest

from persistence.accounts import Account, Accounts

pytestmark = pytest.mark.postgres

ANNA = Account("usr_1", "Anna@Example.org", "hash", "customer", "Anna")


@pytest.fixture
def accounts(store):
    return Accounts(store.pool)


async def test_an_account_is_found_however_its_address_is_written(accounts):
    assert await accounts.create(ANNA) == ANNA
    assert await accounts.find_by_email("anna@example.ORG") == ANNA
    assert await accounts.find("usr_1") == ANNA
    assert await accounts.find_by_email("other@example.org") is None


async def test_an_address_is_one_account_s_only(accounts):
    await accounts.create(ANNA)
    again = msgspec.structs.replace(ANNA, user_id="usr_2", email="ANNA@example.org")
    assert await accounts.create(again) is None
    assert await accounts.create(msgspec.structs.replace(ANNA, email="b@c.de")) is None


async def test_an_administrator_is_made_once_and_keeps_the_id(accounts):
    first = await accounts.ensure_admin("usr_1", "admin@example.org", "hash")
    again = await accounts.ensure_admin("usr_2", "Admin@example.org", "other")
    assert (first.user_id, first.role) == ("usr_1", "admin")
    assert (again.user_id, again.password_hash) == ("usr_1", "other")


async def test_a_customer_with_the_administrator_s_address_becomes_one(accounts):
    await accounts.create(ANNA)
    admin = await accounts.ensure_admin("usr_2", "anna@example.org", "new")
    assert (admin.user_id, admin.role, admin.name) == ("usr_1", "admin", "Anna")


async def test_servers_that_start_together_sign_with_one_key(accounts):
    answers = await asyncio.gather(*(accounts.signing_keys() for _ in range(4)))
    assert all(keys == answers[0] for keys in answers)
    (key,) = answers[0]
    assert len(key.secret) == 32


async def test_no_log_shows_a_secret(accounts):
    (key,) = await accounts.signing_keys()
    assert repr(key) == "StoredKey('1')"
    assert "hash" not in repr(ANNA)
