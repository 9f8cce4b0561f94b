"""What the activity log tells of calls, over a server with its database."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.server.conftest import ADMIN

pytestmark = pytest.mark.postgres
WAIT_S = 60.0
EVENT = {"name": "x", "capacity": 10, "starts_at": "2037-01-01T00:00:00Z"}
OLGA = {"email": "olga@example.org", "password": "a password of some length"}


async def told(who, query="", count=1, path="/v1/activity"):
    """Wait until so many are listed; newest first."""
    async with asyncio.timeout(WAIT_S):
        while True:
            page = await who.good("GET", f"{path}{query}")
            if len(page["items"]) >= count:
                return page["items"]
            await asyncio.sleep(0.02)


async def test_a_call_is_told_with_who_what_and_how_it_ended(admin):
    made = await admin.post("/v1/events", EVENT, X_Request_Id="mine")
    (one,) = await told(admin, "?route=/v1/events")
    me = await admin.good("GET", "/v1/me")
    assert (one["actor"], one["role"]) == (me["id"], "admin")
    assert (one["method"], one["route"], one["status"]) == ("POST", "/v1/events", 201)
    assert one["objects"] == {"event": made.body["id"]}
    assert (one["code"], one["request_id"]) == (None, "mine")
    assert one["address"] == "127.0.0.0/24"
    assert 0 < one["duration_ms"] < 60_000
    age = datetime.now(UTC) - datetime.fromisoformat(one["at"])
    assert timedelta(0) <= age < timedelta(minutes=1)


async def test_a_refused_call_is_told_with_its_code(admin, guest):
    event = (await admin.good("POST", "/v1/events", EVENT))["id"]
    path = f"/v1/events/{event}/commands"
    await guest.post(path, {"op": "hold", "areas": {"GA": 1}})
    await guest.post(f"/v1/events/{event}/publish")
    await guest.post(path, {"op": "hold", "seats": 7})
    rows = await told(admin, f"?event={event}&status=4xx", count=3)
    assert [(row["route"], row["status"], row["code"]) for row in rows] == [
        ("/v1/events/{event}/commands", 422, "bad_field"),
        ("/v1/events/{event}/publish", 403, "forbidden"),
        ("/v1/events/{event}/commands", 404, "event_not_found"),
    ]
    assert {row["role"] for row in rows} == {"guest"}
    assert rows[2]["details"] == {"op": "hold"}


async def test_signing_in_is_told_whether_it_went_well_or_not(admin, client):
    made = await client.good("POST", "/v1/auth/register", OLGA | {"name": "Olga"})
    user = made["user"]["id"]
    await client.post("/v1/auth/login", OLGA)
    await client.post("/v1/auth/login", OLGA | {"password": "a wrong password"})
    await client.post("/v1/auth/login", OLGA | {"email": "nobody@example.org"})
    rows = await told(admin, "?route=/v1/auth/login", count=4)
    seen = [(row["actor"], row["objects"], row["code"]) for row in rows[:3]]
    assert seen == [
        (None, {}, "unauthenticated"),
        (None, {"user": user}, "unauthenticated"),
        (user, {"user": user}, None),
    ]
    (registered,) = await told(admin, "?route=/v1/auth/register")
    assert (registered["actor"], registered["role"]) == (user, "customer")
    refresh = {"refresh_token": made["refresh_token"]}
    await client.good("POST", "/v1/auth/refresh", refresh)
    (refreshed,) = await told(admin, "?route=/v1/auth/refresh")
    assert refreshed["actor"] == user


async def test_no_secret_is_told(admin, guest, client):
    made = await client.good("POST", "/v1/auth/register", OLGA | {"name": "Olga"})
    secrets = [guest.token, made["access_token"], made["refresh_token"]]
    await client.post("/v1/auth/email/verify", {"code": "a-secret-code"})
    await client.post("/v1/auth/login?token=a-secret-token", OLGA)
    event = (await admin.good("POST", "/v1/events", EVENT))["id"]
    await admin.good("POST", f"/v1/events/{event}/publish")
    path = f"/v1/events/{event}/commands"
    held = await guest.good("POST", path, {"op": "hold", "areas": {"GA": 1}})
    await guest.good("POST", path, {"op": "release", "hold": held["hold"]})
    text = json.dumps(await told(admin, count=8))
    secrets += [held["hold"], OLGA["password"], OLGA["email"], ADMIN["password"]]
    for secret in (*secrets, "a-secret-code", "a-secret-token"):
        assert secret not in text


async def test_what_a_person_does_about_an_event_is_told_of_its_organisation(admin):
    made = await admin.good("POST", "/v1/organisations", {"name": "Club"})
    body = {"name": "Gala", "capacity": 5, "starts_at": "2031-01-01T20:00:00Z"}
    body |= {"organisation": made["id"]}
    event = await admin.good("POST", "/v1/events", body)
    path = f"/v1/events/{event['id']}"
    await admin.good("PATCH", path, {"name": "Ball"})
    copy = await admin.good("POST", f"{path}/duplicate")
    await admin.good("POST", "/v1/events", body | {"organisation": None})
    rows = await told(admin, f"?organisation={made['id']}", count=4)
    about = {"event": event["id"], "organisation": made["id"]}
    assert [row["objects"] for row in reversed(rows)] == [
        {"organisation": made["id"]},
        about,
        about,
        about | {"event": copy["id"]},
    ]


async def test_what_a_machine_does_is_told_by_its_key_and_organisation(admin, client):
    wanted = {"name": "Town Hall"}
    made = await admin.good("POST", "/v1/organisations", wanted)
    place = f"/v1/organisations/{made['id']}/api-keys"
    key = await admin.good("POST", place, {"name": "shop", "scopes": ["events:write"]})
    sent = await client.post("/v1/events", EVENT, X_API_Key=key["key"])
    wrong = await client.post("/v1/venues", {}, X_API_Key=key["key"])
    rows = await told(admin, f"?organisation={made['id']}", count=4)
    seen = [(row["route"], row["actor"], row["status"]) for row in rows[:2]]
    assert seen == [
        ("/v1/venues", key["id"], wrong.status),
        ("/v1/events", key["id"], sent.status),
    ]
    assert {row["role"] for row in rows[:2]} == {"key"}
    assert rows[2]["objects"] == {"organisation": made["id"], "key": key["id"]}
    assert rows[3]["objects"] == {"organisation": made["id"]}
    assert key["key"] not in json.dumps(rows)


async def test_reads_and_what_is_nowhere_are_not_told(admin):
    await admin.get("/v1/events")
    await admin.send("OPTIONS", "/v1/events")
    await admin.post("/v1/nowhere")
    await admin.post("/v1/events", EVENT)
    rows = await told(admin, count=2)
    routes = [row["route"] for row in rows]
    assert routes == ["/v1/events", "/v1/auth/login"]


async def test_everybody_sees_its_own_and_nothing_else(admin, guest, client):
    await guest.post("/v1/events", EVENT)
    await admin.post("/v1/events", EVENT)
    await told(admin, "?route=/v1/events", count=2)
    own = await told(guest, path="/v1/me/activity", count=2)
    assert [(row["route"], row["status"]) for row in own] == [
        ("/v1/events", 403),
        ("/v1/auth/guest", 201),
    ]
    assert (await guest.get("/v1/activity")).status == 403
    assert (await client.get("/v1/me/activity")).status == 401
    assert (await client.get("/v1/activity")).status == 401


async def test_pages_go_on_where_the_last_one_ended(admin):
    for _ in range(5):
        await admin.post("/v1/events", EVENT)
    whole = await told(admin, "?route=/v1/events", count=5)
    seen, cursor = [], ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        path = f"/v1/activity?route=/v1/events&limit=2{more}"
        page = await admin.good("GET", path)
        seen += page["items"]
        cursor = page["next_cursor"]
    assert seen == whole


async def test_filters_by_actor_method_time(admin, guest):
    await guest.post("/v1/events", EVENT)
    (mine,) = await told(admin, "?status=4xx&method=POST")
    assert await told(admin, f"?actor={mine['actor']}", count=2)
    assert (await admin.good("GET", "/v1/activity?method=PUT"))["items"] == []
    assert (await admin.good("GET", "/v1/activity?organisation=o"))["items"] == []
    at = mine["at"].replace("+", "%2B")
    since = await admin.good("GET", f"/v1/activity?from={at}")
    before = await admin.good("GET", f"/v1/activity?to={at}")
    assert mine in since["items"]
    assert mine not in before["items"]


@pytest.mark.parametrize(
    "query",
    [
        "actor=",
        "actor=" + "x" * 65,
        "event=%00",
        "method=HEAD",
        "status=200",
        "from=yesterday",
        "from=0001-01-01T00:00:00%2B14:00",
        "to=9999-12-31T23:59:59-14:00",
        "limit=0",
        "cursor=%3F",
    ],
)
async def test_what_cannot_be_asked_is_told(admin, query):
    answer = await admin.get(f"/v1/activity?{query}")
    assert (answer.status, answer.body["code"]) == (422, "bad_field")


async def test_who_comes_too_often_is_not_told(limited):
    answers = [
        await limited.post("/v1/auth/guest", X_Forwarded_For="203.0.113.7")
        for _ in range(65)
    ]
    assert answers[-1].status == 429
    login = await limited.good("POST", "/v1/auth/login", ADMIN)
    admin = limited.as_(login["access_token"])
    rows = await told(admin, "?route=/v1/auth/guest&limit=200", count=60)
    assert {row["status"] for row in rows} == {201}
    assert {row["address"] for row in rows} == {"203.0.113.0/24"}
