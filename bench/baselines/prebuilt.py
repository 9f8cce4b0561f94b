"""Fan-out at its cheapest: each frame is built once and written to every transport.

No deltas of anything, no cursors, no limits: a frame as long as it was told, as often
as it was told, to everyone who ever asked. Its versions are in order, so that the same
watchers can watch it.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import msgspec
from aiohttp import WSMsgType, web

from bench.baselines import shell


def build(payload: bytes) -> bytes:
    """Put the head of a text frame before its payload."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


class Crowd:
    """Everyone who watches."""

    def __init__(self, size: int, per_second: float) -> None:
        self.transports: list[asyncio.Transport] = []
        self.version = 1
        self._size = size
        self._every_s = 1 / per_second

    async def tell(self) -> None:
        """Write to everyone, as often as told."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += self._every_s
            await asyncio.sleep(max(0.0, due - loop.time()))
            head = f'{{"op":"delta","from":{self.version},"to":{self.version + 1},"x":"'
            self.version += 1
            payload = head.ljust(self._size - 2, "x") + '"}'
            frame = build(payload.encode())
            for transport in self.transports:
                transport.write(frame)


def main() -> None:
    """Serve frames of the size and the rate of the plan on stdin until SIGTERM."""
    size, per_second = msgspec.json.decode(
        sys.stdin.buffer.read(), type=tuple[int, float]
    )
    crowd = Crowd(size, per_second)

    async def watch(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                await ws.send_str(f'{{"op":"snapshot","version":{crowd.version}}}')
                assert request.transport is not None
                crowd.transports.append(request.transport)
        return ws

    async def telling(app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(crowd.tell())
        yield
        task.cancel()

    app = web.Application()
    app.cleanup_ctx.append(telling)
    app.router.add_get("/v1/ws", watch)
    shell.serve(app)


if __name__ == "__main__":
    main()
