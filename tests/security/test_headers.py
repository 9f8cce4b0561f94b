"""What every answer says to a browser: what it may do with it, and who may read it."""

import asyncio
import itertools
import re
from urllib.parse import urlsplit

import pytest

from tests.security.conftest import ORIGIN

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "server": "onsale",
}
PLACES = {
    "a read": ("GET", "/v1/events", 200),
    "nothing": ("GET", "/nothing", 404),
    "no token": ("GET", "/v1/bookings", 401),
    "no such method": ("DELETE", "/v1/events", 405),
    "no json": ("POST", "/v1/auth/login", 415),
    "health": ("GET", "/health", 200),
    "metrics": ("GET", "/metrics", 200),
    "a description": ("GET", "/openapi.json", 200),
    "no handshake": ("GET", "/v1/ws", 400),
}
PAGES = (
    "/",
    "/assets/client/connection.js",
    "/orders/ord",
    "/tickets/tkt",
    "/tickets/worker.js",
    "/events/evt",
    "/account",
    "/docs",
    "/docs/redoc.standalone.js",
    "/docs/try",
    "/docs/try.js",
)
TELLS = ("ETag", "RateLimit-Remaining", "Retry-After", "X-Request-Id")
PREFLIGHT = {"Access-Control-Request-Method": "POST"}
ADDED = ("access-control-allow-origin", "access-control-expose-headers")


def check(headers: dict[str, str]) -> None:
    assert headers.items() >= ALWAYS.items()
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", headers["x-request-id"])
    # No cookie ever says who asks.
    assert "access-control-allow-credentials" not in headers
    assert "set-cookie" not in headers
    # Only a proxy that is trusted says that a client came by TLS.
    assert "strict-transport-security" not in headers


@pytest.mark.parametrize("place", PLACES)
async def test_every_answer_carries_what_a_browser_should_know(api, place):
    method, path, status = PLACES[place]
    sent = {"X-Forwarded-Proto": "https"}
    answer = await api.request(method, path, headers=sent)
    assert answer.status == status
    check(answer.headers)
    policy = answer.headers["content-security-policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"
    assert "origin" not in answer.headers.get("vary", "").lower()


@pytest.mark.parametrize("path", PAGES)
async def test_pages_may_run_their_own_scripts_and_no_others(api, path):
    answer = await api.get(path)
    assert answer.status == 200
    check(answer.headers)
    policy = answer.headers["content-security-policy"]
    scripts = re.findall(r"script-src ([^;]*)", policy)
    assert scripts in ([], ["'self'"])
    assert not re.search(r"https?:|\*|unsafe-eval", policy)
    if answer.headers["content-type"].startswith("text/html"):
        assert scripts
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        page = answer.raw.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert not re.search(r"\son[a-z]+=", page)


async def test_what_is_no_http_is_answered_in_the_same_way(server):
    where = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(b"GET / HTTP/9.9\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(60):
        said = (await reader.read()).decode("latin-1")
    writer.close()
    head = said.partition("\r\n\r\n")[0].split("\r\n")[1:]
    check({name.lower(): value for name, value in (x.split(": ", 1) for x in head)})


@pytest.mark.parametrize("path", ["/v1/bookings", "/nothing", "/v1/events"])
async def test_a_listed_origin_may_ask_and_read(strict_api, path):
    sent = {"Origin": ORIGIN}
    asked = await strict_api.request("OPTIONS", path, headers=sent | PREFLIGHT)
    assert asked.status == 204
    check(asked.headers)
    assert asked.headers["access-control-allow-origin"] == ORIGIN
    allowed = asked.headers["access-control-allow-headers"].split(", ")
    assert {"Authorization", "Idempotency-Key", "X-API-Key"} <= set(allowed)
    assert "PATCH" in asked.headers["access-control-allow-methods"]
    answer = await strict_api.request("GET", path, headers=sent)
    check(answer.headers)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    told = answer.headers["access-control-expose-headers"].split(", ")
    assert set(TELLS) <= set(told)
    assert "Origin" in answer.headers["vary"]


async def test_an_event_read_again_and_again_says_it_as_well(strict_api):
    path = f"/v1/events/{await strict_api.sale(None, capacity=5)}"
    for _ in range(3):
        listed = await strict_api.get(path, origin=ORIGIN)
        other = await strict_api.get(path, origin="https://evil.example")
        nobody = await strict_api.get(path)
        assert listed.headers["access-control-allow-origin"] == ORIGIN
        for answer in (listed, other, nobody):
            check(answer.headers)
            vary = answer.headers["vary"].split(", ")
            assert sorted(vary) == ["Accept-Encoding", "Origin"]
        for answer in (other, nobody):
            assert not set(ADDED) & answer.headers.keys()


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "*",
        ORIGIN.upper(),
        f"{ORIGIN}.evil.example",
        f"{ORIGIN}:444",
        ORIGIN.replace("https", "http"),
        "",
    ],
)
async def test_no_other_origin_may(strict_api, origin):
    sent = {"Origin": origin}
    asked = await strict_api.request("OPTIONS", "/v1/events", headers=sent | PREFLIGHT)
    assert asked.status == 204
    answer = await strict_api.request("GET", "/v1/events", headers=sent)
    for one in (asked, answer):
        assert not [name for name in one.headers if name.startswith("access-control")]
        assert "Origin" in one.headers["vary"]


async def test_where_none_is_listed_nobody_is_told_anything(api):
    sent = {"Origin": ORIGIN} | PREFLIGHT
    for method in ("OPTIONS", "GET"):
        answer = await api.request(method, "/v1/events", headers=sent)
        assert not [name for name in answer.headers if name.startswith("access-contr")]


async def test_a_question_of_a_browser_is_only_one_with_its_method(strict_api):
    sent = {"Origin": ORIGIN}
    answer = await strict_api.request("OPTIONS", "/v1/events", headers=sent)
    assert answer.status == 204
    assert "access-control-allow-methods" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/events", "/nothing", "/v1/bookings"])
async def test_a_sane_id_of_a_request_is_in_its_answer_and_its_error(api, path):
    for wish, kept in (("order-7:a.b_c", True), ("x" * 65, False), ("a b", False)):
        answer = await api.request("GET", path, headers={"X-Request-Id": wish})
        told = answer.headers["x-request-id"]
        assert (told == wish) is kept
        if answer.is_problem:
            assert answer.body["request_id"] == told


async def test_requests_that_have_no_id_get_one_each(api):
    answers = [await api.get("/v1/events") for _ in range(5)]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == 5
    assert not any(a in b for a, b in itertools.permutations(ids, 2))
