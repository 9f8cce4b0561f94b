"""Over a socket: what unit tests of the parts cannot show."""

import asyncio
import json

import pytest
from msgspec import convert
from structlog.testing import capture_logs

from server.app import ROUTES
from server.events.audit.receipts import PublicKey, ReceiptKey, check
from tests.server.conftest import ADMIN, Answer, Client, run_server

pytestmark = pytest.mark.postgres

STARTS = "2030-12-31T19:00:00Z"
EVENT = {"name": "Gala", "capacity": 20, "starts_at": STARTS}
MAP = {
    "categories": [{"key": "1"}],
    "seats": [{"row": "A", "number": str(n), "category": "1"} for n in range(1, 9)],
}


async def on_sale(admin: Client) -> str:
    venue = await admin.good("POST", "/v1/venues", {"name": "Hall", "map": MAP})
    body = {"name": "Gala", "venue": venue["id"], "starts_at": STARTS}
    event = await admin.good("POST", "/v1/events", body)
    await admin.good("POST", f"/v1/events/{event['id']}/publish")
    return str(event["id"])


async def test_a_creation_made_twice_under_a_key_makes_one_thing(admin):
    first = await admin.post("/v1/events", EVENT, Idempotency_Key="k")
    await admin.good("POST", f"/v1/events/{first.body['id']}/publish")
    again = await admin.post("/v1/events", EVENT, Idempotency_Key="k")
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert again.headers["Location"] == f"/v1/events/{first.body['id']}"
    listed = await admin.good("GET", "/v1/events")
    assert len(listed["items"]) == 1


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("/v1/events", EVENT, {**EVENT, "name": "Another"}),
        ("/v1/venues", {"name": "Hall", "map": MAP}, {"name": "Barn", "map": MAP}),
    ],
)
async def test_a_key_with_another_body_is_refused(admin, path, one, other):
    assert (await admin.post(path, one, Idempotency_Key="k")).status == 201
    refused = await admin.post(path, other, Idempotency_Key="k")
    assert (refused.status, refused.body["code"]) == (422, "key_reused")


async def test_without_a_key_two_creations_make_two_things(admin):
    first = await admin.good("POST", "/v1/events", EVENT)
    assert first["id"] != (await admin.good("POST", "/v1/events", EVENT))["id"]


async def test_edits_at_the_same_time_all_take_effect(admin):
    event = (await admin.good("POST", "/v1/events", EVENT))["id"]
    edits: list[dict[str, object]] = [
        {"max_per_user": 4},
        {"hold_ttl_s": 99},
        {"name": "Ball"},
        {"prevent_orphans": True},
    ]
    path = f"/v1/events/{event}"
    await asyncio.gather(*(admin.good("PATCH", path, edit) for edit in edits))
    shown = await admin.good("GET", path)
    assert {name: shown[name] for edit in edits for name in edit} == {
        name: value for edit in edits for name, value in edit.items()
    }


async def test_an_edit_under_a_key_is_made_once_whatever_came_between(admin):
    path = f"/v1/events/{(await admin.good('POST', '/v1/events', EVENT))['id']}"
    edit = {"max_per_user": 4}
    await admin.send("PATCH", path, edit, Idempotency_Key="k")
    await admin.good("PATCH", path, {"max_per_user": 5, "name": "Ball"})
    again = await admin.send("PATCH", path, edit, Idempotency_Key="k")
    assert again.status == 200
    assert again.body["max_per_user"] == 5
    other = await admin.send("PATCH", path, {"name": "x"}, Idempotency_Key="k")
    assert other.body["code"] == "key_reused"


async def test_a_deletion_under_a_key_is_answered_the_same_again(admin):
    path = f"/v1/events/{(await admin.good('POST', '/v1/events', EVENT))['id']}"
    statuses = [
        (await admin.send("DELETE", path, Idempotency_Key="k")).status for _ in range(2)
    ]
    assert statuses == [204, 204]
    assert (await admin.get(path)).body["code"] == "event_not_found"
    assert (await admin.good("GET", "/v1/events"))["items"] == []


async def test_drafts_are_listed_to_organisers_alone(admin, guest):
    event = (await admin.good("POST", "/v1/events", EVENT))["id"]
    assert (await guest.good("GET", "/v1/events"))["items"] == []
    assert len((await admin.good("GET", "/v1/events"))["items"]) == 1
    await admin.good("POST", f"/v1/events/{event}/publish")
    assert len((await guest.good("GET", "/v1/events"))["items"]) == 1


async def test_the_journal_is_read_in_pages_without_a_hole_or_a_secret(admin, guest):
    event = await on_sale(admin)
    tokens = []
    for number in range(1, 5):
        reply = await guest.good(
            "POST",
            f"/v1/events/{event}/commands",
            {"op": "hold", "seats": [f"A-{number}"]},
        )
        tokens.append(reply["hold"])
    await guest.good(
        "POST", f"/v1/events/{event}/commands", {"op": "book", "hold": tokens[0]}
    )
    path, entries = f"/v1/events/{event}/journal?limit=2", []
    page = await admin.good("GET", path)
    entries += page["items"]
    while page["next_cursor"]:
        page = await admin.good("GET", f"{path}&cursor={page['next_cursor']}")
        entries += page["items"]
    assert [entry["version"] for entry in entries] == list(range(1, 7))
    assert [entry["change"] for entry in entries] == ["sale", *["held"] * 4, "booked"]
    assert entries[5]["hold"] == entries[1]["hold"]
    assert not any(token in json.dumps(entries) for token in tokens)
    assert (await guest.get(path)).body["code"] == "forbidden"
    late = await admin.good("GET", f"/v1/events/{event}/journal?after=5")
    assert [entry["version"] for entry in late["items"]] == [6]


async def test_a_booking_is_shown_to_its_buyer_and_nobody_else(client, admin, guest):
    event = await on_sale(admin)
    commands = f"/v1/events/{event}/commands"
    hold = await guest.good("POST", commands, {"op": "hold", "seats": ["A-1"]})
    booked = await guest.good("POST", commands, {"op": "book", "hold": hold["hold"]})
    other = client.as_((await client.good("POST", "/v1/auth/guest"))["access_token"])
    reference = booked["reference"].lower()
    for path in (
        f"/v1/bookings/{booked['booking']}",
        f"/v1/bookings/reference/{reference}",
    ):
        assert (await guest.good("GET", path))["seats"] == ["A-1"]
        assert (await other.get(path)).body["code"] == "booking_not_found"
    assert len((await guest.good("GET", "/v1/bookings"))["items"]) == 1
    assert (await other.good("GET", "/v1/bookings"))["items"] == []


async def test_the_receipt_of_an_audit_is_shown_to_organisers_alone(admin, guest):
    event = await on_sale(admin)
    commands = f"/v1/events/{event}/commands"
    await guest.good("POST", commands, {"op": "hold", "seats": ["A-1", "A-2"]})
    receipt = await admin.good("GET", f"/v1/events/{event}/audit")
    assert receipt["ok"] is True
    key = await guest.good("GET", "/v1/receipt-key")
    told, signer = check(receipt, convert(key, PublicKey))
    assert (told.version, signer.key_id) == (receipt["version"], key["key_id"])
    assert (await guest.get(f"/v1/events/{event}/audit")).status == 403


async def test_with_a_secret_of_the_operators_receipts_are_signed_under_it(
    database_url,
):
    secret = "a secret of more than thirty-two bytes"
    async for client in run_server(database_url, secret_key=secret):
        token = await client.good("POST", "/v1/auth/login", ADMIN)
        admin = client.as_(token["access_token"])
        event = await on_sale(admin)
        key = convert(await client.good("GET", "/v1/receipt-key"), PublicKey)
        assert key == ReceiptKey.from_secret(secret).public
        receipt = await admin.good("GET", f"/v1/events/{event}/audit")
        assert check(receipt, key)[0].ok


async def test_reads_are_answered_with_304_until_something_changes(admin, guest):
    event = await on_sale(admin)
    unchanged = f"/v1/events/{event}/map"
    changing = [f"/v1/events/{event}", f"/v1/events/{event}/availability"]
    tags = {path: (await guest.get(path)).headers["ETag"] for path in changing}
    for path, tag in tags.items():
        known = await guest.get(path, If_None_Match=tag)
        assert (known.status, known.body, known.headers["ETag"]) == (304, b"", tag)
    map_tag = (await guest.get(unchanged)).headers["ETag"]
    commands = f"/v1/events/{event}/commands"
    await guest.good("POST", commands, {"op": "hold", "seats": ["A-1"]})
    for path, tag in tags.items():
        assert (await guest.get(path, If_None_Match=tag)).status == 200
    still = await guest.get(unchanged, If_None_Match=map_tag)
    assert still.status == 304
    assert "immutable" in still.headers["Cache-Control"]


async def test_a_head_request_is_a_read_without_its_body(admin):
    event = await on_sale(admin)
    answer = await admin.send("HEAD", f"/v1/events/{event}/availability")
    assert (answer.status, answer.body) == (200, b"")
    assert "ETag" in answer.headers


async def test_nothing_of_the_interface_answers_without_safe_headers(client):
    for path in ("/livez", "/v1/events", "/nothing", "/docs", "/openapi.json"):
        headers = (await client.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Server"] == "onsale"
        assert headers["X-Request-Id"]


async def test_a_sane_request_id_is_kept_and_another_one_replaced(client):
    kept = await client.get("/nothing", X_Request_Id="job-7")
    assert kept.headers["X-Request-Id"] == kept.body["request_id"] == "job-7"
    replaced = await client.get("/nothing", X_Request_Id="<b>" + "x" * 100)
    assert "<" not in replaced.body["request_id"]


async def test_the_wrong_method_is_told_the_right_ones(client):
    answer = await client.send("DELETE", "/v1/auth/guest")
    assert (answer.status, answer.body["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"x" * (65 << 10), "application/json", "too_large"),
        (b"{}", "text/plain", "unsupported_media_type"),
        (b"{", "application/json", "bad_frame"),
        (b'{"email":1,"password":"x"}', "application/json", "bad_field"),
    ],
)
async def test_a_bad_body_is_a_problem(client, body, kind, code):
    async with client.session.post(
        client.url + "/v1/auth/login", data=body, headers={"Content-Type": kind}
    ) as response:
        assert (await response.json())["code"] == code


async def test_a_body_without_a_length_is_counted_while_it_comes(client):
    async def endless():
        for _ in range(100):
            yield b" " * 1024

    async with client.session.post(
        client.url + "/v1/auth/login",
        data=endless(),
        headers={"Content-Type": "application/json"},
    ) as response:
        assert (await response.json())["code"] == "too_large"


async def test_wrong_credentials_do_not_tell_what_was_wrong(client):
    answers = [
        await client.post("/v1/auth/login", {**ADMIN, "password": "wrong"}),
        await client.post("/v1/auth/login", {**ADMIN, "email": "nobody@example.org"}),
    ]
    for answer in answers:
        assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
    assert answers[0].body["detail"] == answers[1].body["detail"]


@pytest.mark.parametrize(
    "header",
    [
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer"},
        {"X_API_Key": "k"},
    ],
)
async def test_wrong_credentials_are_refused_even_where_none_are_needed(client, header):
    answer = await client.get("/v1/events", **header)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_in_the_query_counts_for_nothing(client, admin):
    answer = await client.post(f"/v1/events?access_token={admin.token}", EVENT)
    assert answer.status == 401


async def test_no_route_lets_in_whom_it_is_not_for(client, guest):
    for route in ROUTES:
        path = route.path.replace("{", "").replace("}", "")
        if route.access in ("buyer", "customer", "organizer", "admin"):
            assert (await client.send(route.method, path)).status == 401, route.name
        if route.access in ("customer", "organizer", "admin"):
            assert (await guest.send(route.method, path)).status == 403, route.name


async def test_the_page_loads_nothing_from_elsewhere(client):
    page = (await client.get("/docs")).body.decode()
    assert "//" not in page.replace("<!doctype", "")
    script = await client.get("/docs/redoc.standalone.js")
    assert script.status == 200
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert len(script.body) > 1_000_000
    assert (await client.get("/docs/manifest.json")).status == 404


async def test_descriptions_are_served_as_they_were_checked(client):
    assert (await client.get("/openapi.json")).body["openapi"] == "3.1.0"
    assert (await client.get("/asyncapi.json")).body["asyncapi"] == "3.0.0"


async def test_health_says_that_limits_are_off(client):
    health = (await client.get("/health")).body
    assert health["rate_limits"] == "off"
    assert health["status"] == "ok"
    assert "onsale_commits_total" in (await client.get("/metrics")).body.decode()


async def test_a_client_is_limited_by_its_own_address(limited):
    async def guest(address: str) -> Answer:
        answer: Answer = await limited.post("/v1/auth/guest", X_Forwarded_For=address)
        return answer

    # As many as it takes: one more is let through in each second that passes.
    refused = await guest("203.0.113.1")
    while refused.status == 201:
        refused = await guest("203.0.113.1")
    assert (await guest("203.0.113.2")).status == 201
    assert refused.body["code"] == "rate_limited"
    assert refused.body["transient"] is True
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.headers["RateLimit-Limit"] == "60"


async def test_who_came_by_tls_shall_come_by_nothing_else(limited):
    login = await limited.good("POST", "/v1/auth/login", ADMIN)
    admin = limited.as_(login["access_token"])
    event = f"/v1/events/{(await admin.good('POST', '/v1/events', EVENT))['id']}"
    await admin.good("POST", f"{event}/publish")
    # The event comes from the cache in the end.
    for path in ("/livez", "/v1/bookings", "/", "/none", event, event, event):
        secure = await limited.get(path, X_Forwarded_Proto="https")
        assert secure.headers["Strict-Transport-Security"] == "max-age=31536000"
        plain = await limited.get(path, X_Forwarded_Proto="http")
        assert "Strict-Transport-Security" not in plain.headers


async def test_a_proxy_that_tells_of_clients_elsewhere_is_mentioned_once(database_url):
    settings = {"trusted_proxies": ["127.0.0.1"], "rate_limit_public": 1}
    async for client in run_server(database_url, **settings):
        with capture_logs() as logged:
            for _ in range(3):
                await client.get("/v1/events", X_Real_IP="192.0.2.1")
        (line,) = logged
        assert line["log_level"] == "warning"
        assert line["told"] == ["X-Real-IP"]
        assert line["setting"] == "ONSALE_PROXY_HEADER"


async def test_who_cannot_be_read_behind_a_proxy_is_not_as_free_as_this_machine(
    database_url,
):
    settings = {"trusted_proxies": ["127.0.0.1"], "proxy_header": "Forwarded"}
    async for client in run_server(database_url, **settings):
        here = await client.get("/v1/events")
        assert "RateLimit-Limit" in here.headers
        told = [
            (await client.get("/v1/events", Forwarded=line)).headers["RateLimit-Limit"]
            for line in ("for=unknown", 'for="', "for=127.0.0.1", "")
        ]
        assert told == ["100"] * 4
        assert here.headers["RateLimit-Limit"] != "100"


async def test_a_proxy_that_nobody_trusts_is_mentioned_once(database_url):
    async for client in run_server(database_url, rate_limit_public=1):
        with capture_logs() as logged:
            answers = [await client.get("/v1/events") for _ in range(2)]
            assert [answer.status for answer in answers] == [200, 429]
            assert not logged
            for _ in range(3):
                refused = await client.get("/v1/events", X_Forwarded_For="192.0.2.1")
                assert refused.status == 429
        (line,) = logged
        assert line["log_level"] == "warning"
        assert (line["proxy"], line["setting"]) == (
            "127.0.0.1",
            "ONSALE_TRUSTED_PROXIES",
        )


async def test_a_password_cannot_be_guessed_quickly(limited):
    answers = [
        await limited.post("/v1/auth/login", {**ADMIN, "password": str(n)})
        for n in range(12)
    ]
    assert [answer.status for answer in answers[:10]] == [401] * 10
    assert answers[-1].body["code"] == "rate_limited"
