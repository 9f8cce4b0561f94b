"""Connections are counted by address, and those that take nothing are ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from server.base import limits
from server.base.networks import parse_networks
from server.transport.http import connections as doors
from server.transport.http.connections import ConnectionLimiter

BIG = b"x" * (32 << 20)
ASK = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"


async def answer(request: web.BaseRequest) -> web.Response:
    return web.Response(body=BIG if request.path == "/big" else b"well")


class House:
    """A limiter with a port, and those who knock."""

    def __init__(self, limiter: ConnectionLimiter, port: int) -> None:
        self.limiter = limiter
        self.port = port
        self.writers: list[asyncio.StreamWriter] = []

    async def knock(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        return reader, writer

    async def is_let_in(self) -> bool:
        reader, writer = await self.knock()
        writer.write(ASK % b"")
        try:
            return (await reader.readuntil(b"well")).startswith(b"HTTP/1.1 200 ")
        except (OSError, asyncio.IncompleteReadError):
            return False


@asynccontextmanager
async def house(trusted: str = "", **options: float) -> AsyncIterator[House]:
    loop = asyncio.get_running_loop()
    server = web.Server(answer)
    limiter = ConnectionLimiter(server, parse_networks([trusted]), 3, **options)
    listening = await loop.create_server(limiter, "127.0.0.1", 0)
    sweeping = asyncio.create_task(limiter.run(loop.time))
    made = House(limiter, listening.sockets[0].getsockname()[1])
    try:
        yield made
    finally:
        sweeping.cancel()
        await asyncio.wait([sweeping])
        for writer in made.writers:
            writer.transport.abort()
        listening.close()
        await server.shutdown(1)


async def until_left(limiter: ConnectionLimiter, count: int) -> None:
    for _ in range(3_000):
        if len(limiter.connections) <= count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{len(limiter.connections)} are still there")


async def test_an_address_has_no_more_connections_than_it_may(caplog):
    async with house() as place:
        assert [await place.is_let_in() for _ in range(4)] == [True] * 3 + [False]
        assert place.limiter.refused == 1
        place.writers[0].close()
        await until_left(place.limiter, 2)
        assert await place.is_let_in()
    assert not caplog.records


async def test_a_trusted_proxy_may_bring_as_many_as_there_are():
    async with house(trusted="127.0.0.0/8") as place:
        assert all([await place.is_let_in() for _ in range(10)])


async def test_there_is_an_end_for_all_together(monkeypatch):
    monkeypatch.setattr(limits, "CONNECTIONS_MAX", 2)
    async with house(trusted="127.0.0.0/8") as place:
        assert [await place.is_let_in() for _ in range(3)] == [True, True, False]


async def test_whoever_takes_nothing_of_an_answer_is_ended(monkeypatch):
    monkeypatch.setattr(doors, "SWEEP_EVERY_S", 0.05)
    monkeypatch.setattr(doors, "TAKES_NOTHING_S_MAX", 0.3)
    async with house() as place:
        _, patient = await place.knock()
        reader, writer = await place.knock()
        writer.write(ASK % b"big")
        await reader.readexactly(1)
        assert len(place.limiter.connections) == 2
        await until_left(place.limiter, 1)
        assert not patient.transport.is_closing()
        assert await place.is_let_in()


async def test_whoever_reads_slowly_is_not(monkeypatch):
    monkeypatch.setattr(doors, "SWEEP_EVERY_S", 0.05)
    monkeypatch.setattr(doors, "TAKES_NOTHING_S_MAX", 2.0)
    async with house() as place:
        reader, writer = await place.knock()
        writer.write(ASK % b"big")
        async with asyncio.timeout(60):
            await reader.readuntil(b"\r\n\r\n")
            for _ in range(16):
                await reader.readexactly(len(BIG) // 16)
                await asyncio.sleep(0.2)


SLOW_HEADS = {
    "nothing": b"",
    "half a line": b"GET / HT",
    "no end": ASK[:-2] % b"",
    "in the second": ASK % b"" + b"GET /",
}


@pytest.mark.parametrize("name", SLOW_HEADS)
async def test_a_head_that_does_not_come_whole_is_not_waited_for(name):
    async with house(keepalive_timeout=0.3) as place:
        reader, writer = await place.knock()
        writer.write(SLOW_HEADS[name])

        async def drip() -> None:
            while True:
                await asyncio.sleep(0.1)
                writer.write(b"x")

        dripping = asyncio.create_task(drip())
        async with asyncio.timeout(60):
            await asyncio.gather(reader.read(), return_exceptions=True)
        dripping.cancel()
        await until_left(place.limiter, 0)
