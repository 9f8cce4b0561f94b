"""Frames reach `take` in the call that received them, in order, and none is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer

from server.live.websocket.direct_socket import DirectQueue, DirectSocket


class Taker:
    """Remembers what it took, and by which way it came."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.pumped: list[bytes] = []
        self.full = False
        self.end: Callable[[], None] = lambda: None
        self.pieces = 0
        self.pieces_max = 1_000
        self.queue: object = None
        self.room = asyncio.Event()

    def must_wait(self) -> bool:
        return self.full

    def count(self, pieces: int) -> bool:
        self.pieces += pieces
        goes_on = self.pieces < self.pieces_max
        if not goes_on:
            # As a session does that closes.
            self.end()
        return goes_on

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = DirectSocket(compress=False, max_msg_size=64, decode_text=False)
        await socket.prepare(request)
        self.queue = socket._reader
        self.end = socket.end
        take = self.taken.append
        socket.direct(WSMsgType.TEXT, take, self.must_wait, self.count)
        while True:
            message = await socket.receive()
            if message.type is not WSMsgType.TEXT:
                return socket
            self.taken.append(message.data)
            self.pumped.append(message.data)
            while self.full:
                self.room.clear()
                await self.room.wait()


@asynccontextmanager
async def served() -> AsyncIterator[
    tuple[Taker, TestClient[web.Request, web.Application]]
]:
    taker = Taker()
    app = web.Application()
    app.router.add_get("/", taker.serve)
    async with TestClient(TestServer(app)) as client:
        yield taker, client


async def pong(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Wait until the server has read everything that was sent so far."""
    await socket.ping(b"x")
    message = await socket.receive()
    assert message.type is WSMsgType.PONG


async def test_frames_are_taken_without_the_handlers_task() -> None:
    async with served() as (taker, client):
        socket = await client.ws_connect("/", autoping=False)
        for number in range(20):
            await socket.send_str(f"{number}")
        await pong(socket)
        assert isinstance(taker.queue, DirectQueue)
        assert taker.taken == [b"%d" % number for number in range(20)]
        # Whatever came before the handler was ready may have gone the long way.
        assert len(taker.pumped) <= 1
        await socket.close()


async def test_order_holds_when_the_taker_must_wait_now_and_then() -> None:
    async with served() as (taker, client):
        socket = await client.ws_connect("/", autoping=False)
        for number in range(100):
            taker.full = number % 7 in (2, 3, 4)
            taker.room.set()
            await socket.send_str(f"{number}")
            if number % 3 == 0:
                await asyncio.sleep(0)
        taker.full = False
        taker.room.set()
        await pong(socket)
        assert taker.taken == [b"%d" % number for number in range(100)]
        assert taker.pumped
        await socket.close()


async def test_frames_sent_with_the_handshake_are_not_lost() -> None:
    async with served() as (taker, client):
        host, port = client.server.host, client.server.port
        assert port is not None
        reader, writer = await asyncio.open_connection(host, port)
        frames = b"".join(b"\x81\x81\0\0\0\0" + bytes([letter]) for letter in b"abcdef")
        writer.write(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + frames
        )
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x89\x80\0\0\0\0")
        assert await reader.readexactly(2) == b"\x8a\x00"
        assert b"".join(taker.taken) == b"abcdef"
        writer.close()


async def test_what_the_taker_raises_ends_its_connection_only() -> None:
    async with served() as (taker, client):
        first = await client.ws_connect("/", autoping=False)
        await pong(first)

        def fail(data: bytes) -> None:
            raise ValueError(data)

        assert isinstance(taker.queue, DirectQueue)
        taker.queue.take = fail
        await first.send_str("boom")
        message = await first.receive()
        assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
        second = await client.ws_connect("/", autoping=False)
        await second.send_str("fine")
        await pong(second)
        assert taker.taken == [b"fine"]
        await second.close()


async def test_fragments_are_counted_and_may_end_the_connection() -> None:
    async with served() as (taker, client):
        socket = await client.ws_connect("/", autoping=False)
        await pong(socket)
        assert taker.pieces == 1
        taker.pieces_max = 20
        empty = b"\x00\x80\0\0\0\0"
        writer = socket._writer.transport
        assert writer is not None
        writer.write(b"\x01\x80\0\0\0\0" + empty * 30)
        message = await socket.receive()
        assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
        assert taker.pieces == 32
        assert not taker.taken


async def test_too_large_a_frame_is_closed_with_1009() -> None:
    async with served() as (_, client):
        socket = await client.ws_connect("/", autoping=False)
        await socket.send_str("x" * 65)
        message = await socket.receive()
        assert message.type is WSMsgType.CLOSE
        assert socket.close_code == 1009
