"""Who takes nothing from its socket for long is told so, and closed."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from server.base import limits
from server.live.fanout.frames import JSON, PING_FRAME, close_frame
from server.live.fanout.writer import Writer

BEGAN = 1_000.0
LONG_FRAME = bytes(1 << 20)
"""More than the kernel keeps for who does not read."""


class Client:
    """The other end of a writer: it reads when it is told to."""

    def __init__(self, writer: Writer, far: socket.socket) -> None:
        self.writer = writer
        self.far = far

    async def until_steady(self) -> int:
        """Wait until the kernel takes no more, and return what is left unsent."""
        size = -1
        async with asyncio.timeout(60):
            while True:
                before, size = size, self.writer.transport.get_write_buffer_size()
                if size == before:
                    return size
                await asyncio.sleep(0.01)

    async def take(self, size: int) -> bytes:
        """Read so many bytes, or fewer where the connection ends."""
        loop = asyncio.get_running_loop()
        taken = bytearray()
        async with asyncio.timeout(60):
            while len(taken) < size:
                part = await loop.sock_recv(self.far, size - len(taken))
                if not part:
                    break
                taken += part
        return bytes(taken)


@asynccontextmanager
async def connected() -> AsyncIterator[Client]:
    near, far = socket.socketpair()
    far.setblocking(False)
    with far:
        _, writer = await asyncio.open_unix_connection(sock=near)
        try:
            transport = cast("asyncio.Transport", writer.transport)
            yield Client(Writer(transport, JSON), far)
        finally:
            writer.transport.abort()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def test_who_takes_nothing_for_long_is_closed_with_4008() -> None:
    async with connected() as client:
        writer = client.writer
        writer.write(LONG_FRAME)
        assert await client.until_steady() > 0
        writer.tend(BEGAN, ping=False)
        writer.tend(BEGAN + limits.STALL_S_MAX, ping=False)
        assert not writer.is_over()
        writer.tend(BEGAN + limits.STALL_S_MAX + 1, ping=False)
        assert writer.is_over()
        writer.write(b"nothing comes after the end")
        # All of it reaches who begins to read now.
        said = await client.take(2 * len(LONG_FRAME))
        reason = "you took nothing from your socket"
        close = close_frame(4008, reason)
        assert said.startswith(LONG_FRAME)
        assert said.endswith(close)
        bye = said[len(LONG_FRAME) : -len(close)]
        assert b'"op":"bye","code":4008' in bye
        assert reason.encode() in bye


async def test_who_takes_a_little_now_and_then_is_not_closed() -> None:
    async with connected() as client:
        writer = client.writer
        writer.write(LONG_FRAME)
        size, now = await client.until_steady(), BEGAN
        while size:
            writer.tend(now, ping=False)
            await client.take(len(LONG_FRAME) // 4)
            before, size = size, await client.until_steady()
            assert size < before
            # Late, but what was taken counts from here on.
            now += 2 * limits.STALL_S_MAX
            writer.tend(now, ping=False)
            assert not writer.is_over()


async def test_who_has_nothing_to_take_is_not_closed() -> None:
    async with connected() as client:
        for late in range(5):
            client.writer.tend(BEGAN + late * 2 * limits.STALL_S_MAX, ping=True)
            assert await client.until_steady() == 0
            assert await client.take(len(PING_FRAME)) == PING_FRAME
        assert not client.writer.is_over()


async def test_who_takes_what_there_is_while_more_comes_is_not_closed() -> None:
    async with connected() as client:
        writer, now = client.writer, BEGAN
        writer.write(LONG_FRAME)
        size = await client.until_steady()
        for _ in range(5):
            await client.take(len(LONG_FRAME) // 2)
            writer.write(LONG_FRAME)
            before, size = size, await client.until_steady()
            assert size > before
            now += 2 * limits.STALL_S_MAX
            writer.tend(now, ping=False)
        assert not writer.is_over()


async def test_what_may_come_soon_comes_by_itself_and_in_order() -> None:
    async with connected() as client:
        writer = client.writer
        writer.write_soon(b"one")
        writer.write_soon(b"two")
        assert await client.take(6) == b"onetwo"
        writer.write_soon(b"three")
        writer.write(b"four")
        assert await client.take(9) == b"threefour"
        writer.write_soon(b"five")
        writer.close(1001, "enough", 0)
        writer.write_soon(b"nothing comes after the end")
        said = await client.take(1_000)
        assert said.startswith(b"five")
        assert said.endswith(close_frame(1001, "enough"))
