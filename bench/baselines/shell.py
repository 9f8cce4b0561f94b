"""What the baselines have in common: a free port, the loop, the frames in and out."""

import asyncio
import os
import resource
import signal
import time
from collections.abc import Awaitable, Callable

import msgspec
import uvloop
from aiohttp import WSMsgType, web

from inventory.commands import ClientCommand, Hold
from inventory.replies import HoldOk, Refused, Taken, refuse

HOLD_TTL_S = 3600

Holder = Callable[[str, Hold], Awaitable[HoldOk | Refused]]

_decode = msgspec.json.Decoder(ClientCommand).decode
_encode = msgspec.json.Encoder().encode


def serve(app: web.Application) -> None:
    """Serve on a free port of the loopback, print the address, stop on SIGTERM."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    plain = os.environ.get("BENCH_LOOP") == "asyncio"
    factory = asyncio.new_event_loop if plain else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(app))


async def _serve(app: web.Application) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=2048)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(f"listening on http://{host}:{port}", flush=True)
    await stopped.wait()
    await runner.cleanup()


def handler(
    hold: Holder,
) -> Callable[[web.Request], Awaitable[web.WebSocketResponse]]:
    """Make a websocket handler that answers every `hold` frame, one after the other."""

    async def sell(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        user = request.headers.get("Authorization", "").removeprefix("Bearer ")
        async for message in ws:
            if message.type is not WSMsgType.TEXT:
                continue
            command = _decode(message.data)
            if isinstance(command, Hold):
                reply = await hold(user, command)
            else:
                reply = refuse("forbidden")
            reply.id = command.id
            await ws.send_str(_encode(reply).decode())
        return ws

    return sell


def hold_ok(token: str, seats: list[str], version: int) -> HoldOk:
    """Answer with the real server's object, which costs the same to encode."""
    until = time.gmtime(time.time() + HOLD_TTL_S)
    return HoldOk(
        version=version,
        hold=token,
        expires_in_ms=HOLD_TTL_S * 1000,
        expires_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", until),
        seats=seats,
        areas={},
        total=None,
        added=Taken(seats=seats, areas={}),
    )
