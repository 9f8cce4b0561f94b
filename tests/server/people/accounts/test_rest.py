"""One's own account, over a server with its database."""

import pytest

from persistence.postgres.pool import Pool
from server.people.auth.lifetimes import FRESH_S
from tests.server.people.activity.test_rest import OLGA

pytestmark = pytest.mark.postgres

WAIT = "UPDATE session SET created_at = created_at - $1 * interval '1 s'"


@pytest.fixture
async def pool(database_url):
    pool = await Pool.open(database_url)
    yield pool
    await pool.close()


@pytest.fixture
async def olga(client):
    made = await client.good("POST", "/v1/auth/register", OLGA | {"name": "Olga"})
    known = client.as_(made["access_token"])
    known.refresh = made["refresh_token"]
    return known


@pytest.mark.attack
async def test_a_token_alone_deletes_no_account_once_the_sign_in_is_old(olga, pool):
    """Who found a token cannot end the account with it, nor with the next one."""
    await pool.fetch(WAIT, FRESH_S + 1)
    body = {"refresh_token": olga.refresh}
    later = await olga.good("POST", "/v1/auth/refresh", body)
    thief = olga.as_(later["access_token"])
    nothing: list[dict[str, str] | None] = [None, {}]
    for sent in nothing:
        answer = await thief.send("DELETE", "/v1/me", sent)
        assert (answer.status, answer.body["code"]) == (403, "password_needed")
    answer = await thief.send("DELETE", "/v1/me", {"current_password": "a guess"})
    assert (answer.status, answer.body["code"]) == (403, "wrong_password")
    assert (await olga.get("/v1/me")).status == 200
    body = {"current_password": OLGA["password"]}
    assert (await olga.send("DELETE", "/v1/me", body)).status == 204
    assert (await olga.get("/v1/me")).status == 401


async def test_who_just_signed_in_need_not_show_the_password_again(olga, pool):
    await pool.fetch(WAIT, FRESH_S + 1)
    again = await olga.good("POST", "/v1/auth/login", OLGA)
    wrong = {"current_password": "a guess"}
    fresh = olga.as_(again["access_token"])
    # What is sent is looked at all the same.
    assert (await fresh.send("DELETE", "/v1/me", wrong)).status == 403
    assert (await fresh.send("DELETE", "/v1/me")).status == 204


@pytest.mark.attack
@pytest.mark.parametrize("password", ["Password1!", "12345678", "summer2026"])
async def test_a_password_that_everybody_tries_first_is_nobody_s(olga, password):
    """Passwords that everybody tries first are refused wherever one is chosen."""
    new = {"email": "bert@example.org", "password": password, "name": "Bert"}
    change = {"current_password": OLGA["password"], "new_password": password}
    reset = {"code": "c" * 43, "password": password}
    for path, body, field in (
        ("/v1/auth/register", new, "password"),
        ("/v1/me/password", change, "new_password"),
        ("/v1/auth/password/reset", reset, "password"),
    ):
        answer = await olga.post(path, body)
        assert answer.status == 422, (path, answer)
        assert [one["field"] for one in answer.body["errors"]] == [field]
        assert "tried first" in answer.body["errors"][0]["detail"]
