"""A correct password is let in, whatever happens to the account meanwhile."""

import pytest

from server.people.auth.passwords.passwords import Passwords
from tests.database import query
from tests.server.conftest import ADMIN

REHASH = "UPDATE account SET password_hash = $1"


@pytest.fixture
def changed_meanwhile(monkeypatch, database_url):
    """Store another hash of the same password each time that one was checked."""
    times = [0]

    def let(count: int) -> None:
        usual = Passwords.verify

        async def verify(self, stored_hash, password):
            proven = await usual(self, stored_hash, password)
            if times[0] < count:
                times[0] += 1
                await query(database_url, REHASH, await self.hash(password))
            return proven

        monkeypatch.setattr(Passwords, "verify", verify)

    return let


@pytest.mark.parametrize("count", [1, 2])
async def test_a_password_that_is_stored_anew_meanwhile_is_looked_at_again(
    client, changed_meanwhile, count
):
    changed_meanwhile(count)
    answer = await client.post("/v1/auth/login", ADMIN)
    assert answer.status == 200, answer.body


async def test_an_account_that_never_comes_to_rest_is_not_called_wrong(
    client, changed_meanwhile
):
    changed_meanwhile(100)
    answer = await client.post("/v1/auth/login", ADMIN)
    assert (answer.status, answer.body["code"]) == (503, "unavailable")


async def test_a_wrong_password_stays_wrong(client, changed_meanwhile):
    changed_meanwhile(1)
    wrong = ADMIN | {"password": "another password"}
    answer = await client.post("/v1/auth/login", wrong)
    assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
