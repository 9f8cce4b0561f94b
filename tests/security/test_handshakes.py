"""Who may open a websocket, and from which page."""

import json

import pytest

from tests.security.conftest import ORIGIN
from tests.security.wire import Ended, Raw, request

Headers = list[tuple[str, str]]

# The handshake names the host onsale.test.
FOREIGN: dict[str, Headers] = {
    "null": [("Origin", "null")],
    "empty": [("Origin", "")],
    "sub-domain": [("Origin", "https://evil.onsale.test")],
    "other port": [("Origin", "https://onsale.test:8443")],
    "upper case": [("Origin", "HTTPS://ONSALE.TEST")],
    "trailing dot": [("Origin", "https://onsale.test.")],
    "longer": [("Origin", "https://onsale.test.evil.tld")],
    "path": [("Origin", "https://onsale.test/")],
    "other scheme": [("Origin", "file://onsale.test")],
    "two": [("Origin", "https://onsale.test"), ("Origin", "https://onsale.test")],
    "two in one": [("Origin", "https://onsale.test, https://onsale.test")],
    "proxied": [
        ("Origin", "https://evil.tld"),
        ("X-Forwarded-Host", "evil.tld"),
        ("Forwarded", "host=evil.tld"),
    ],
}


async def status_of(url: str, head: bytes) -> int:
    raw = await Raw.connect(url)
    try:
        return await raw.ask(head)
    except Ended:
        return 0
    finally:
        raw.abort()


@pytest.mark.parametrize("name", FOREIGN)
async def test_a_page_from_elsewhere_gets_no_socket(server, name):
    assert await status_of(server.url, request(None, headers=FOREIGN[name])) == 403


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_page_of_this_host_gets_one(server, scheme):
    own = [("Origin", f"{scheme}://onsale.test")]
    assert await status_of(server.url, request(None, headers=own)) == 101


async def test_the_port_that_browsers_leave_out_is_no_other(server):
    for origin, port, status in (
        ("https://onsale.test", "443", 101),
        ("http://onsale.test", "80", 101),
        ("http://onsale.test", "443", 403),
        ("https://onsale.test:8443", "8443", 101),
    ):
        head = request(None, headers=[("Origin", origin)])
        head = head.replace(b"Host: onsale.test", f"Host: OnSale.test:{port}".encode())
        assert await status_of(server.url, head) == status, (origin, port)


async def test_the_log_names_the_origin_that_was_refused(server):
    start = server.log_size()
    head = request(None, headers=[("Origin", "https://evil.tld/" + "x" * 1_000)])
    assert await status_of(server.url, head) == 403
    lines = server.log_path.read_bytes()[start:].decode().splitlines()
    (line,) = (json.loads(one) for one in lines if "evil.tld" in one)
    assert line["level"] == "warning"
    assert line["origin"].startswith("https://evil.tld/x")
    assert len(line["origin"]) == 200
    assert line["host"] == "onsale.test"


async def test_where_origins_are_listed_the_own_and_no_other_counts(strict_server):
    good, evil = ORIGIN, ORIGIN.replace("tickets", "good.evil.tickets")
    for origin, status in (
        (good, 101),
        (evil, 403),
        (f"{good}:444", 403),
        (good.upper(), 403),
        ("https://onsale.test", 101),
        ("http://onsale.test", 101),
        ("https://onsale.test:444", 403),
    ):
        head = request(None, headers=[("Origin", origin)])
        assert await status_of(strict_server.url, head) == status, origin


async def test_the_target_of_a_request_cannot_name_another_host(server):
    head = request(None, headers=[("Origin", "http://evil.tld")])
    head = head.replace(b"GET /v1/ws ", b"GET http://evil.tld/v1/ws ")
    assert await status_of(server.url, head) in {400, 403, 404}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_of_a_token_may_be_written_in_any_case(server, api, scheme):
    guest = await api.guest()
    token = [("Authorization", f"{scheme} {guest.token}")]
    assert await status_of(server.url, request(None, headers=token)) == 101


BROKEN = {
    "no upgrade": (b"Upgrade: websocket\r\n", b""),
    "other upgrade": (b"Upgrade: websocket", b"Upgrade: h2c"),
    "no key": (b"Sec-WebSocket-Key:", b"X-Key:"),
    "other version": (b"Version: 13", b"Version: 12"),
    "short key": (b"Sec-WebSocket-Key: ", b"Sec-WebSocket-Key: eA==\r\nX-Rest: "),
    "post": (b"GET /v1/ws", b"POST /v1/ws"),
    "two hosts": (b"Host: onsale.test", b"Host: onsale.test\r\nHost: evil.tld"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_handshake_that_is_none_is_refused(server, name):
    good = request(None)
    assert await status_of(server.url, good) == 101
    assert BROKEN[name][0] in good
    status = await status_of(server.url, good.replace(*BROKEN[name]))
    assert 400 <= status < 500
