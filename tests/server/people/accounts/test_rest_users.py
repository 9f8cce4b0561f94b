"""Users in the hands of administrators, over a server with its database."""

import pytest

from tests.server.people.activity.test_rest import OLGA, told

pytestmark = pytest.mark.postgres


@pytest.fixture
async def olga(client):
    made = await client.good("POST", "/v1/auth/register", OLGA | {"name": "Olga"})
    known = client.as_(made["access_token"])
    known.id, known.refresh = made["user"]["id"], made["refresh_token"]
    return known


async def test_an_administrator_finds_users(admin, olga):
    found = await admin.good("GET", "/v1/users?q=OLGA@")
    (one,) = found["items"]
    assert one == await admin.good("GET", f"/v1/users/{olga.id}")
    assert (one["id"], one["role"], one["email"]) == (
        olga.id,
        "customer",
        OLGA["email"],
    )
    assert (one["suspended"], one["suspended_reason"]) == (False, None)
    everybody = await admin.good("GET", "/v1/users?limit=1")
    assert [user["id"] for user in everybody["items"]] == [olga.id]
    path = f"/v1/users?limit=1&cursor={everybody['next_cursor']}"
    assert (await admin.good("GET", path))["items"][0]["role"] == "admin"
    assert len((await admin.good("GET", "/v1/users?role=admin"))["items"]) == 1
    assert (await admin.good("GET", "/v1/users?suspended=true"))["items"] == []


async def test_nobody_else_does(client, guest, olga, admin):
    for who, status in ((client, 401), (guest, 403), (olga, 403)):
        assert (await who.get("/v1/users")).status == status
        assert (await who.get(f"/v1/users/{olga.id}")).status == status
        answer = await who.send("PATCH", f"/v1/users/{olga.id}", {"role": "admin"})
        assert answer.status == status
    assert (await admin.good("GET", f"/v1/users/{olga.id}"))["role"] == "customer"


async def test_who_is_suspended_is_out_at_once_until_let_in_again(admin, olga, client):
    path = f"/v1/users/{olga.id}"
    changed = await admin.good("PATCH", path, {"suspended": True, "reason": "resale"})
    assert (changed["suspended"], changed["suspended_reason"]) == (True, "resale")
    assert (await olga.get("/v1/me")).status == 401
    refresh = {"refresh_token": olga.refresh}
    assert (await client.post("/v1/auth/refresh", refresh)).status == 401
    refused = await client.post("/v1/auth/login", OLGA)
    assert (refused.status, refused.body["code"]) == (403, "account_suspended")
    # Who does not have the password learns nothing.
    wrong = await client.post("/v1/auth/login", OLGA | {"password": "a wrong one"})
    assert (wrong.status, wrong.body["code"]) == (401, "unauthenticated")
    await admin.good("PATCH", path, {"suspended": False})
    assert (await client.post("/v1/auth/login", OLGA)).status == 200


async def test_a_new_role_counts_from_the_next_login_and_the_old_one_no_more(
    admin, olga, client
):
    await admin.good("PATCH", f"/v1/users/{olga.id}", {"role": "organizer"})
    assert (await olga.get("/v1/me")).status == 401
    again = await client.good("POST", "/v1/auth/login", OLGA)
    assert again["user"]["role"] == "organizer"


async def test_each_change_is_in_the_log_with_what_it_changed(admin, olga):
    path = f"/v1/users/{olga.id}"
    await admin.good("PATCH", path, {"role": "organizer"})
    await admin.good("PATCH", path, {"suspended": True, "reason": "resale"})
    await admin.good("PATCH", path, {"suspended": False})
    rows = await told(admin, "?method=PATCH&route=/v1/users/{user}", count=3)
    assert [row["details"] for row in rows] == [
        {"suspended": [True, False], "suspended_reason": ["resale", None]},
        {"suspended": [False, True], "suspended_reason": [None, "resale"]},
        {"role": ["customer", "organizer"]},
    ]
    assert {row["objects"]["user"] for row in rows} == {olga.id}
    assert {row["role"] for row in rows} == {"admin"}


async def test_the_last_administrator_cannot_leave(admin, olga):
    me = (await admin.good("GET", "/v1/me"))["id"]
    for body in ({"role": "customer"}, {"suspended": True, "reason": "holidays"}):
        answer = await admin.send("PATCH", f"/v1/users/{me}", body)
        assert (answer.status, answer.body["code"]) == (409, "last_admin")
    await admin.good("PATCH", f"/v1/users/{olga.id}", {"role": "admin"})
    await admin.good("PATCH", f"/v1/users/{me}", {"role": "customer"})
    assert (await admin.get("/v1/users")).status == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"suspended": True}, "reason"),
        ({"reason": "x"}, "reason"),
        ({"suspended": False, "reason": "x"}, "reason"),
        ({"suspended": True, "reason": ""}, "reason"),
        ({"role": "guest"}, "role"),
        ({"email": "new@example.org"}, "email"),
    ],
)
async def test_what_is_wrong_with_a_change_is_told(admin, olga, body, field):
    answer = await admin.send("PATCH", f"/v1/users/{olga.id}", body)
    assert (answer.status, answer.body["code"]) == (422, "bad_field")
    assert [error["field"] for error in answer.body["errors"]] == [field]


@pytest.mark.parametrize("query", ["role=guest", "suspended=1", "q=%00", "limit=x"])
async def test_what_cannot_be_asked_is_told(admin, query):
    answer = await admin.get(f"/v1/users?{query}")
    assert (answer.status, answer.body["code"]) == (422, "bad_field")


async def test_who_is_no_user_is_not_found(admin, guest):
    for name in ("usr_nobody", "x" * 100):
        answer = await admin.get(f"/v1/users/{name}")
        assert (answer.status, answer.body["code"]) == (404, "user_not_found")
        answer = await admin.send("PATCH", f"/v1/users/{name}", {"role": "admin"})
        assert (answer.status, answer.body["code"]) == (404, "user_not_found")


async def test_nothing_asked_changes_nothing(admin, olga):
    before = await admin.good("GET", f"/v1/users/{olga.id}")
    assert await admin.good("PATCH", f"/v1/users/{olga.id}", {}) == before
    assert (await olga.get("/v1/me")).status == 200


async def test_who_is_needed_is_not_deleted(admin, olga):
    me = await admin.good("GET", "/v1/me")
    last = await admin.send("DELETE", f"/v1/users/{me['id']}")
    assert (last.status, last.body["code"]) == (409, "last_admin")
    path = f"/v1/users/{olga.id}"
    made = await olga.good("POST", "/v1/organisations", {"name": "Theatre"})
    owner = await admin.send("DELETE", path)
    assert (owner.status, owner.body["code"]) == (409, "last_owner")
    await olga.good("DELETE", f"/v1/organisations/{made['id']}")
    assert (await admin.send("DELETE", path)).status == 204
    assert (await olga.get("/v1/me")).status == 401
    assert (await admin.get(path)).status == 404


async def test_only_an_administrator_makes_and_deletes_users(
    client, guest, olga, admin
):
    body = {"email": "dora@example.org", "name": "Dora"}
    for who, status in ((client, 401), (guest, 403), (olga, 403)):
        assert (await who.post("/v1/users", body)).status == status
        assert (await who.send("DELETE", f"/v1/users/{olga.id}")).status == status
    assert (await admin.good("POST", "/v1/users", body))["role"] == "customer"
    for wrong in ({"role": "guest"}, {"name": "\u200b"}, {"email": "none"}):
        answer = await admin.post("/v1/users", body | wrong)
        assert (answer.status, answer.body["code"]) == (422, "bad_field")
