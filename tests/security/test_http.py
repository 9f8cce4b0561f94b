"""Requests that two servers could read in two ways, or that never come to an end.

Whoever reads a request otherwise than the proxy before it can be made to answer a
question that the proxy never saw. So each request that is ambiguous is refused and its
connection closed, and each that is merely odd gets one answer.
"""

import asyncio
import re
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiohttp import web

from server.transport.http.middleware import answer_problems
from server.transport.rest import bodies
from tests.security.frame_fuzzer import errors_in
from tests.security.wire import ANSWER_S, Raw

HIDDEN = b"GET /v1/receipt-key HTTP/1.1\r\nHost: x\r\n\r\n"
"""What an attacker wants answered beside the request that hides it."""

LAST = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
NO_CHUNKS = b"0\r\n\r\n"
HEAD_S_MAX = 15.0
SLACK_S = 30.0
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


def post(
    headers: bytes, body: bytes = b"", line: bytes = b"POST /v1/auth/guest"
) -> bytes:
    return line + b" HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n" + body


def sized(value: bytes) -> bytes:
    """Give a request with this Content-Length, and another behind it."""
    return post(b"Content-Length: " + value + b"\r\n", HIDDEN)


def coded(value: bytes, chunks: bytes = NO_CHUNKS) -> bytes:
    """Give a request with this Transfer-Encoding, and another behind it."""
    return post(b"Transfer-Encoding: " + value + b"\r\n", chunks + HIDDEN)


def chunked(chunks: bytes) -> bytes:
    return coded(b"chunked", chunks)


def in_http_1_0(line: bytes) -> bytes:
    """Give a request of a proxy that passes on what it does not understand."""
    framing = b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n"
    sent = post(framing, NO_CHUNKS + HIDDEN, line)
    return sent.replace(b"HTTP/1.1", b"HTTP/1.0", 1)


BOTH = b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"
SIZE = b"%d" % len(HIDDEN)
SIZED = b"Content-Length: " + SIZE + b"\r\n"
ONE_CHUNK = b"%x\r\n" % len(HIDDEN) + HIDDEN + b"\r\n" + NO_CHUNKS
PACKED = b"Content-Encoding: gzip\r\n"
GET, SOCKET, LOGIN = b"GET /livez", b"GET /v1/ws", b"POST /v1/auth/login"

# None of these may be answered with anything but 400 and an end.
AMBIGUOUS = {
    "cl and te": post(BOTH[0] + BOTH[1], NO_CHUNKS + HIDDEN),
    "te and cl": post(BOTH[1] + BOTH[0], NO_CHUNKS + HIDDEN),
    "two cl": post(b"Content-Length: 0\r\nContent-Length: " + SIZE + b"\r\n", HIDDEN),
    "two cl, the same": post(b"Content-Length: 0\r\n" * 2, HIDDEN),
    "cl list": sized(b"0, " + SIZE),
    "cl plus": sized(b"+0"),
    "cl minus": sized(b"-1"),
    "cl hex": sized(b"0x2c"),
    "cl underscore": sized(b"4_4"),
    "cl space": sized(b"4 4"),
    "cl empty": sized(b""),
    "cl beyond 64 bits": sized(b"9" * 23),
    "space before colon": post(b"Content-Length : " + SIZE + b"\r\n", HIDDEN),
    "te space before colon": post(
        b"Transfer-Encoding : chunked\r\n", NO_CHUNKS + HIDDEN
    ),
    "te unknown": coded(b"xchunked"),
    "te identity": coded(b"identity"),
    "te chunked not last": coded(b"chunked, identity"),
    "te twice": post(BOTH[1] * 2, NO_CHUNKS + HIDDEN),
    "te after vertical tab": coded(b"\x0bchunked"),
    "te quoted": coded(b'"chunked"'),
    "te in http 1.0": coded(b"chunked").replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "te in http 1.0, kept alive": in_http_1_0(b"POST /v1/auth/guest"),
    "te in http 1.0, with a get": in_http_1_0(GET),
    "te in http 1.0, for nothing": in_http_1_0(b"GET /nothing"),
    "te in http 1.0, for a socket": in_http_1_0(SOCKET),
    "bare lf": post(b"Content-Length: 0\r\n", HIDDEN).replace(b"\r\n", b"\n"),
    "bare lf in a header": post(b"X: y\nContent-Length: 44\r\n", HIDDEN),
    "bare cr in a header": post(b"X: y\rContent-Length: 44\r\n", HIDDEN),
    "folded": post(b"X: y\r\n Content-Length: 44\r\n", HIDDEN),
    "folded cl": sized(b"\r\n 44"),
    "folded te": coded(b"\r\n chunked"),
    "folded first": post(b"", HIDDEN).replace(b"Host", b" Host", 1),
    "nul in a name": post(b"X\0: y\r\n", HIDDEN),
    "nul in a value": post(b"X: y\0z\r\n", HIDDEN),
    "nul in the target": post(b"", HIDDEN, b"GET /livez\0"),
    "no name": post(b": y\r\n", HIDDEN),
    "no colon": post(b"Xy\r\n", HIDDEN),
    "a name beyond ascii": post(b"X\xe9: y\r\n", HIDDEN),
    "two hosts": post(b"Host: evil.tld\r\n", HIDDEN),
    "no host": post(b"", HIDDEN).replace(b"Host: x\r\n", b"", 1),
    "a target that is a host": post(b"", HIDDEN, b"GET evil.tld:80"),
    "a target without slash": post(b"", HIDDEN, b"GET livez"),
    "a method that is none": post(b"", HIDDEN, b"G@T /livez"),
    "tabs for spaces": post(b"", HIDDEN, GET).replace(b" ", b"\t", 2),
    "a space too many": post(b"", HIDDEN, GET).replace(b"1.1\r", b"1.1 \r", 1),
    "http 1.2": post(b"", HIDDEN, GET).replace(b"1.1", b"1.2", 1),
    "http 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a long value": post(b"X: " + b"a" * 20_000 + b"\r\n", HIDDEN),
    "a long name": post(b"a" * 20_000 + b": x\r\n", HIDDEN),
    "many headers": post(b"X: y\r\n" * 1_000, HIDDEN),
    "a name without end": b"GET /livez HTTP/1.1\r\n" + b"a" * 500_000,
    "a method without end": b"G" * 500_000,
    "chunk lf": chunked(b"2\n{}\n0\n\n"),
    "chunk extension with lf": chunked(b"2;a=b\n{}\r\n" + NO_CHUNKS),
    "chunk extension with cr": chunked(b"2;a\rb\r\n{}\r\n" + NO_CHUNKS),
    "chunk size with space": chunked(b"2 \r\n{}\r\n" + NO_CHUNKS),
    "chunk size minus": chunked(b"-2\r\n{}\r\n" + NO_CHUNKS),
    "chunk size hex": chunked(b"0x2\r\n{}\r\n" + NO_CHUNKS),
    "chunk size beyond 64 bits": chunked(b"f" * 17 + b"\r\n{}\r\n" + NO_CHUNKS),
    "chunk without size": chunked(b"\r\n{}\r\n" + NO_CHUNKS),
    "chunk longer than said": chunked(b"2\r\n{}{}\r\n" + NO_CHUNKS),
    "framing in a trailer": chunked(b"0\r\nContent-Length: 44\r\n\r\n"),
    "many trailers": chunked(b"0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n"),
}  # fmt: skip

TOO_LONG = {
    "a path": post(b"", HIDDEN, b"GET /" + b"a" * 20_000),
    "a query": post(b"", HIDDEN, b"GET /v1/events?q=" + b"a" * 8_000),
    "encoded": post(b"", HIDDEN, b"GET /v1/events/" + b"%20" * 3_000),
    "of a body": post(SIZED, HIDDEN, b"POST /" + b"a" * 8_000),
    "without end": b"GET /" + b"a" * 500_000,
}
# These are odd, but can be read in one way only; behind each comes an ordinary one.
ODD = {
    "a body that is a request": (post(SIZED, HIDDEN, GET), 200),
    "an unread body": (post(SIZED, HIDDEN), 201),
    "chunk extension": (post(BOTH[1], b"2;a=b\r\n{}\r\n" + NO_CHUNKS), 201),
    "te in capitals": (post(BOTH[1].upper(), NO_CHUNKS), 201),
    "absolute": (post(b"", b"", b"GET http://evil.tld/livez"), 200),
    "two slashes": (post(b"", b"", b"GET //livez"), 404),
    "connect": (post(b"", b"", b"CONNECT evil.tld:80"), 404),
    "asterisk": (post(b"", b"", b"OPTIONS *"), 404),
    "trace": (post(b"Cookie: secret\r\n", b"", b"TRACE /livez"), 405),
    "empty lines before": (b"\r\n\r\n" + post(b"", b"", GET), 200),
    "upgrade of what has none": (post(UPGRADE, b"", GET), 200),
    "upgrade with a body": (post(UPGRADE + SIZED, HIDDEN, SOCKET), 400),
    "upgrade with chunks": (post(UPGRADE + BOTH[1], ONE_CHUNK, SOCKET), 400),
    "a packed body": (post(PACKED + BOTH[0], b"abcde", LOGIN), 415),
    "expecting the odd": (post(b"Expect: tea\r\nContent-Length: 0\r\n"), 417),
}  # fmt: skip


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Raw]:
    """Give a connection, and end it whatever happens."""
    raw = await Raw.connect(url)
    try:
        yield raw
    finally:
        raw.abort()
        # The loop closes the socket when it comes round.
        await asyncio.sleep(0)


async def all_of(raw: Raw, timeout_s: float = ANSWER_S) -> bytes:
    """Read until the server closes; a reset is an end like any other."""
    said = bytearray()
    async with asyncio.timeout(timeout_s):
        while True:
            try:
                part = await raw.reader.read(65_536)
            except ConnectionError:
                return bytes(said)
            if not part:
                return bytes(said)
            said += part


def statuses(said: bytes) -> list[int]:
    return [int(found) for found in STATUS.findall(said)]


@pytest.fixture(autouse=True)
def the_server_logs_no_error(server):
    start = server.log_size()
    yield
    assert errors_in(server.log_path.read_bytes()[start:].decode()) == []


@pytest.mark.parametrize("name", AMBIGUOUS)
async def test_what_can_be_read_in_two_ways_is_refused_and_ends(server, api, name):
    async with connected(server.url) as raw:
        raw.send(AMBIGUOUS[name])
        assert (await api.get("/livez")).status == 200
        said = await all_of(raw)
    # Where much was sent that nobody read, TCP may lose even the answer.
    lost = not said and len(AMBIGUOUS[name]) > 100_000
    assert lost or statuses(said) == [400], said[:300]
    if said:
        assert b"application/problem+json" in said
        assert b"Server: onsale\r\n" in said
        assert len(said) < 1_000


@pytest.mark.parametrize("name", TOO_LONG)
async def test_an_address_too_long_is_told_so_and_ends(server, api, name):
    async with connected(server.url) as raw:
        raw.send(TOO_LONG[name])
        assert (await api.get("/livez")).status == 200
        said = await all_of(raw)
    # Where much was sent that nobody read, TCP may lose even the answer.
    lost = not said and len(TOO_LONG[name]) > 100_000
    assert lost or statuses(said) == [414], said[:300]
    assert lost or b'"code":"uri_too_long"' in said


async def test_an_address_of_the_limit_is_looked_up(api):
    assert (await api.get("/" + "a" * 7_999)).status == 404
    assert (await api.get("/" + "a" * 8_000)).status == 414


@pytest.mark.parametrize("name", ODD)
async def test_what_is_merely_odd_gets_one_answer(server, api, name):
    request, status = ODD[name]
    async with connected(server.url) as raw:
        raw.send(request + LAST)
        assert (await api.get("/livez")).status == 200
        said = await all_of(raw)
    assert statuses(said) == [status, 200], said[:600]
    assert b"public_key" not in said
    assert b"secret" not in said


# Bodies


async def test_a_body_without_end_is_not_read_to_its_end(server, api):
    piece = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
    async with connected(server.url) as raw:
        assert await raw.ask(post(BOTH[1], piece * 9, LOGIN)) == 413
        raw.send(*[piece] * 1_000)
        assert (await api.get("/livez")).status == 200


@pytest.mark.parametrize("framing", BOTH)
async def test_whoever_leaves_in_the_middle_of_a_body_is_no_error(server, api, framing):
    framing = framing.replace(b"5", b"50")
    async with AsyncExitStack() as stack:
        leavers = [
            await stack.enter_async_context(connected(server.url)) for _ in range(20)
        ]
        for raw in leavers:
            raw.send(post(framing, b"2\r\n{}", LOGIN))
        assert (await api.get("/livez")).status == 200
        for raw in leavers[1::2]:
            raw.abort()
        for raw in leavers[::2]:
            raw.writer.write_eof()
            assert await all_of(raw) == b""
    assert (await api.get("/livez")).status == 200


async def test_what_was_packed_small_is_not_unpacked(server):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(b" " * (64 << 20)) + packer.flush()
    head = PACKED + b"Content-Length: %d\r\n" % len(packed)
    async with connected(server.url) as raw:
        raw.send(post(head, packed, LOGIN) + LAST)
        said = await all_of(raw)
    assert statuses(said) == [415, 200]
    assert b"Accept-Encoding: identity\r\n" in said


async def test_a_body_has_to_come_within_its_time_however_steadily(monkeypatch):
    monkeypatch.setattr(bodies, "BODY_TIMEOUT_S", 0.3)

    async def read(request: web.Request) -> web.Response:
        return web.Response(body=await bodies.read_body(request))

    app = web.Application(middlewares=[answer_problems])
    app.router.add_post("/", read)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with connected(url) as raw:
        raw.send(post(BOTH[1], line=b"POST /"))
        dripping = asyncio.create_task(drip(raw, b"1\r\n \r\n", 0.02))
        assert await raw.ask(b"") == 408
        dripping.cancel()
    await runner.cleanup()


# Time


async def drip(raw: Raw, drop: bytes, every_s: float) -> None:
    """Send a little again and again, as somebody does who wants to stay."""
    while not raw.writer.transport.is_closing():
        await asyncio.sleep(every_s)
        raw.send(drop)


# What is sent at first, and then again and again.
SLOW = {
    "nothing": (b"", b""),
    "half a line": (b"GET / HT", b""),
    "a line that grows": (b"GET /", b"a"),
    "headers without end": (b"GET / HTTP/1.1\r\nHost: x\r\n", b"X: y\r\n"),
    "empty lines": (b"", b"\r\n"),
    "half a handshake": (b"GET /v1/ws HTTP/1.1\r\nHost: x\r\n" + UPGRADE, b""),
    "nothing after one": (HIDDEN, b""),
    "half of the second": (HIDDEN + b"GET /", b"a"),
    "a body that nobody reads": (post(BOTH[1]), b"1\r\n \r\n"),
    "a body of a handshake": (post(UPGRADE + BOTH[1], b"", SOCKET), b"1\r\n \r\n"),
}  # fmt: skip


async def stay(url: str, name: str) -> tuple[str, float]:
    """Stay connected as long as that goes; give the seconds."""
    first, drop = SLOW[name]
    began = time.monotonic()
    async with connected(url) as raw:
        raw.send(first)
        dripping = asyncio.create_task(drip(raw, drop, 0.5))
        try:
            await all_of(raw, HEAD_S_MAX + SLACK_S)
        except TimeoutError:
            # What the test looks for.
            pass
        dripping.cancel()
    return name, time.monotonic() - began


@pytest.mark.slow
async def test_nobody_keeps_a_connection_by_being_slow(server, api):
    waiting = asyncio.gather(*(stay(server.url, name) for name in [*SLOW] * 10))
    while not waiting.done():
        assert (await api.get("/livez")).status == 200
        await asyncio.wait([waiting], timeout=0.5)
    for name, stayed_s in await waiting:
        assert stayed_s < HEAD_S_MAX + SLACK_S, name
