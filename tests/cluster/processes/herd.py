"""`python -m tests.cluster.processes.herd`: everybody back after a worker was killed.

So many clients watch one event over two workers; one worker is killed, at the end all
of both. Measured is how long it takes from the kill until each client has a connection
again and what it needs to go on: a snapshot, or the promise of a delta.
"""

import argparse
import asyncio
import os
import random
import resource
import signal
import sys
import time
from typing import Any

import msgspec
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from tests.contract.client import Api
from tests.contract.process import Server

BACK_S_MAX = 30.0
BACKOFF_S = (0.5, 8.0)
CONNECTING_AT_ONCE = 100
CONNECT_S_MAX = 10.0
START_S_MAX = 180.0


class Herd:
    """All clients, and how many of them follow the event."""

    def __init__(self, url: str, token: str, event: str) -> None:
        self.url = url.replace("http", "ws", 1) + "/v1/ws"
        self.headers = [("Authorization", f"Bearer {token}")]
        self.watch = msgspec.json.encode({"op": "watch", "id": 1, "event": event})
        self.following = 0
        self.lost = 0
        self.tries = 0
        self.gate = asyncio.Semaphore(CONNECTING_AT_ONCE)
        self.over = False

    async def wait_for(self, count: int, within_s: float) -> float:
        """Wait until so many follow; return how long that took."""
        began = time.monotonic()
        async with asyncio.timeout(within_s):
            while self.following < count:  # noqa: ASYNC110 - a figure to 10 ms
                await asyncio.sleep(0.01)
        return time.monotonic() - began


class Client(WSListener):
    """One connection."""

    def __init__(self, herd: Herd) -> None:
        super().__init__()
        self.herd = herd
        self.follows = False
        self.ended = asyncio.get_running_loop().create_future()

    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.send(WSMsgType.TEXT, self.herd.watch)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif not self.follows and frame.msg_type == WSMsgType.TEXT:
            head = frame.get_payload_as_memoryview()[:40].tobytes()
            if b'"snapshot"' in head or b'"resumed":true' in head:
                self.follows = True
                self.herd.following += 1
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self.follows:
            self.herd.following -= 1
            self.herd.lost += 1
        if not self.ended.done():
            self.ended.set_result(None)


async def live(herd: Herd, number: int) -> None:
    """Be a client that comes back: full jitter, longer after each failure."""
    dice = random.Random(number)
    longest = BACKOFF_S[0]
    while not herd.over:
        herd.tries += 1
        client: Any = None
        try:
            async with herd.gate:
                _, client = await ws_connect(
                    lambda: Client(herd),
                    herd.url,
                    extra_headers=herd.headers,
                    websocket_handshake_timeout=CONNECT_S_MAX,
                )
        except (OSError, TimeoutError, RuntimeError):
            pass  # Refused or cut: tried again below.
        if client is not None:
            await client.ended
            if client.follows:
                longest = BACKOFF_S[0]
        await asyncio.sleep(dice.uniform(0, longest))
        longest = min(2 * longest, BACKOFF_S[1])


async def measure(server: Server, clients: int) -> list[float]:
    async with Api(server) as api:
        event = await api.sale()
        guest = await api.guest()
        herd = Herd(api.url, guest.token, event)
        tasks = [asyncio.create_task(live(herd, n)) for n in range(clients)]
        took = [await herd.wait_for(clients, START_S_MAX)]
        say(f"{clients:,} clients follow the event after {took[0]:.1f} s")
        for whom in (1, 2):
            cluster: Any = await api.good("GET", "/v1/cluster", who=api.admin)
            pids = [one["pid"] for one in cluster["processes"]][:whom]
            tries = herd.tries
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            killed, lost = time.monotonic(), herd.lost
            while herd.lost == lost:  # noqa: ASYNC110 - that takes a turn or two
                await asyncio.sleep(0)
            await herd.wait_for(clients, 4 * BACK_S_MAX)
            took.append(time.monotonic() - killed)
            say(
                f"{whom} of 2 workers killed: {herd.lost - lost:,} connections lost,"
                f" all back after {took[-1]:.1f} s and {herd.tries - tries:,} attempts"
            )
            async with asyncio.timeout(BACK_S_MAX):
                await both_live(api)
        herd.over = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return took


async def both_live(api: Api) -> None:
    cluster: Any = {"processes": []}
    while len(cluster["processes"]) < 2:
        await asyncio.sleep(0.1)
        cluster = await api.good("GET", "/v1/cluster", who=api.admin)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=10_000)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = Server(ONSALE_WORKERS="2")
    try:
        server.start()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            took = runner.run(measure(server, options.clients))
    finally:
        server.remove()
    return 0 if max(took[1:]) <= BACK_S_MAX else 1


if __name__ == "__main__":
    sys.exit(main())
