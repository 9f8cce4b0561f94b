"""`onsale beacon`: serve a beacon of our own until told to stop."""

import asyncio
import secrets
import signal
import socket
import sys
import time
from typing import Final

import uvloop
from aiohttp import web

from server.base.instance import url_at
from server.events.line.beacon.relay import OwnBeacon, make_app

PORT: Final = 8091
STOP_S: Final = 1.0
UNUSABLE: Final = 2


def beacon(*, port: int = PORT, host: str = "127.0.0.1", period_s: int = 3) -> int:
    """Serve a beacon with a key of its own, for draws that nobody has to believe.

    It is in the shape of drand's relays, and another chain each time it starts.

    Args:
        port: where to listen; 0 takes any free port.
        host: where to listen.
        period_s: how many seconds are between two rounds.
    """
    if period_s < 1:
        sys.stderr.write("onsale: --period-s: a second at least.\n")
        return UNUSABLE
    own = OwnBeacon(
        secrets.token_bytes(32), genesis_s=int(time.time()), period_s=period_s
    )
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(host, port, own))
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"onsale: cannot serve at {host}:{port}: {error}\n")
        return UNUSABLE
    return 0


async def _serve(host: str, port: int, own: OwnBeacon) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    listening = socket.create_server(
        (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
    )
    runner = web.AppRunner(make_app(own), access_log=None, shutdown_timeout=STOP_S)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        url = url_at("http", host, listening.getsockname()[1])
        sys.stdout.write(f"onsale beacon is ready at {url}, chain {own.beacon.chain}\n")
        sys.stdout.flush()
        await stopped.wait()
    finally:
        await runner.cleanup()
