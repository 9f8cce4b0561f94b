"""Watchers that stop reading while seats change: what they cost, and how they end."""

import asyncio
import contextlib
import os
import re
import socket
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from server.base import limits
from tests.contract.client import Api, Person
from tests.contract.process import Server
from tests.contract.socket_client import Socket
from tests.security.frame_fuzzer import errors_in, memory_of
from tests.security.wire import ANSWER_S, CLOSE, TEXT, frame, request

WATCHERS = 200
CHANGES_PER_S = 100
RECEIVE_BUFFER_BYTES = 2_048
GROWN_BYTES_MAX = 32 * 1_024
"""Of the server's memory, for each watcher that reads nothing."""

CLOSED_S_MAX = 60.0
SLACK_S = 30.0
WATCHED, CONNECTED = "onsale_watchers", "onsale_tcp_connections"
WINDOW = 1_000
"""Commands."""

WARM = 200
BUYERS = 4
PAUSE_S = 0.005
CPU_RATIO_MAX = 4.0
"""Of the server's time for a command. How long buyers wait is printed and not judged:
where other tests come and go, the load makes four times of two equal windows."""


class Stalled:
    """A watcher that reads no more than the answer to its handshake."""

    def __init__(self, server: Server, token: str, event: str) -> None:
        address = urlsplit(server.url)
        self.socket = socket.socket()
        # Before it connects, or the kernel has offered more already.
        self.socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES
        )
        self.socket.settimeout(ANSWER_S)
        self.socket.connect((address.hostname, address.port))
        self.socket.sendall(request(token))
        said = b""
        while b"\r\n\r\n" not in said:
            said += self.socket.recv(1_024)
        assert said.startswith(b"HTTP/1.1 101 ")
        watch = f'{{"op":"watch","id":1,"event":"{event}"}}'
        self.socket.sendall(frame(TEXT, watch.encode()))

    def rest(self) -> bytes:
        """Read all that is there for it, until the end."""
        said = bytearray()
        with contextlib.suppress(ConnectionError):
            while part := self.socket.recv(65_536):
                said += part
        return bytes(said)


@asynccontextmanager
async def stalled(
    server: Server, token: str, event: str
) -> AsyncIterator[list[Stalled]]:
    made: list[Stalled] = []
    try:
        while len(made) < WATCHERS:
            # In a thread, because the holds of others are timed by this loop.
            made.append(await asyncio.to_thread(Stalled, server, token, event))
        yield made
    finally:
        for each in made:
            each.socket.close()


class Load:
    """Seats that change all the time, and buyers elsewhere whose holds are timed."""

    def __init__(self) -> None:
        self.holds_s: list[float] = []
        self.changes = 0

    async def change(self, socket_: Socket, event: str) -> None:
        """Hold and release at the given rate, whatever the answers take."""
        began = time.monotonic()
        held: dict[str, str] = {}
        while True:
            seat = f"A-{self.changes // 2 % 5 + 1}"
            if seat in held:
                fields = {"event": event, "hold": held.pop(seat)}
                await socket_.ok("release", **fields)
            else:
                reply = await socket_.ok("hold", event=event, seats=[seat])
                held[seat] = reply["hold"]
            self.changes += 1
            due = began + self.changes / CHANGES_PER_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def buy(self, socket_: Socket, event: str) -> None:
        while True:
            began = time.perf_counter()
            held = await socket_.ok("hold", event=event, areas={"GA": 1})
            self.holds_s.append(time.perf_counter() - began)
            await socket_.ok("release", event=event, hold=held["hold"])
            await asyncio.sleep(PAUSE_S)

    @property
    def commands(self) -> int:
        """How many were answered so far: a hold of a buyer is released, too."""
        return self.changes + 2 * len(self.holds_s)

    async def window(self, count: int) -> list[float]:
        """Give the times of the holds while so many commands are answered."""
        first, until = len(self.holds_s), self.commands + count
        async with asyncio.timeout(120):
            while self.commands < until:  # noqa: ASYNC110 - the load tells nobody
                await asyncio.sleep(0.01)
        return self.holds_s[first:]


class Effort:
    """What commands cost a process of its time, from here to `end`."""

    def __init__(self, load: Load, pid: int) -> None:
        self._load, self._pid = load, pid
        self._commands, self._cpu_s = load.commands, cpu_of(pid)
        self.each_us = 0.0

    def end(self) -> None:
        cpu_s = cpu_of(self._pid) - self._cpu_s
        self.each_us = cpu_s * 1e6 / (self._load.commands - self._commands)


def cpu_of(pid: int) -> float:
    """Give the seconds that a process has worked; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def load_on(api: Api, event: str, changer: Person) -> AsyncIterator[Load]:
    calm = await api.sale(chart=None, capacity=1_000)
    load = Load()
    async with AsyncExitStack() as stack:
        sockets = [await api.socket(who) for who in await api.guests(BUYERS)]
        sockets.append(await api.socket(changer))
        for each in sockets:
            await stack.enter_async_context(each)
        tasks = [asyncio.create_task(load.change(sockets[-1], event))]
        tasks += [asyncio.create_task(load.buy(each, calm)) for each in sockets[:-1]]
        try:
            yield load
        finally:
            failed = [task for task in tasks if task.done()]
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            # Replies that came too late for whoever waited.
            for each in sockets:
                each.strays.clear()
            for task in failed:
                task.result()


async def metric(api: Api, name: str) -> int:
    told = (await api.get("/metrics")).raw.decode()
    # One for each worker, where there are several.
    found = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", told, re.MULTILINE)
    assert found
    return sum(int(float(one)) for one in found)


def p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[-1]


def close_code(said: bytes) -> int | None:
    """Give the code of the close frame that ends what was said."""
    at = said.rfind(bytes([0x80 | CLOSE]))
    body = said[at + 2 : at + 4]
    complete = at >= 0 and len(said) == at + 2 + said[at + 1]
    return int.from_bytes(body, "big") if complete else None


@pytest.mark.slow
async def test_watchers_that_read_nothing_are_cheap_and_are_closed(server, api):
    start = server.log_size()
    assert server.process is not None
    pid = server.process.pid
    event = await api.sale("small", max_per_user=100, max_per_booking=100)
    changer, watcher = await api.guests(2)
    async with load_on(api, event, changer) as load:
        await load.window(WARM)
        alone = Effort(load, pid)
        alone_s = await load.window(WINDOW)
        alone.end()
        before = await metric(api, WATCHED), await metric(api, CONNECTED)
        async with stalled(server, watcher.token, event) as them:
            began = time.monotonic()
            first, beside = len(load.holds_s), Effort(load, pid)
            assert await metric(api, WATCHED) == before[0] + WATCHERS
            memory, peak = memory_of(pid), 0
            while await metric(api, WATCHED) > before[0]:
                assert time.monotonic() - began < CLOSED_S_MAX
                # To tell its metrics takes the server as long as a few holds, so they
                # are asked for seldom, and in the windows beside it not at all.
                for _ in range(5):
                    peak = max(peak, memory_of(pid))
                    await asyncio.sleep(0.2)
            closed_s = time.monotonic() - began
            beside_s = load.holds_s[first:]
            beside.end()
            # Half of them wake up in time to hear why; nobody waits for the others.
            codes = {close_code(each.rest()) for each in them[::2]}
            while await metric(api, CONNECTED) > before[1]:
                late_s = time.monotonic() - began - closed_s
                assert late_s < limits.CLOSE_S_MAX + SLACK_S
                await asyncio.sleep(0.2)
    await api.audit(event)
    grown = (peak - memory) / WATCHERS
    print(  # noqa: T201
        f"closed after {closed_s:.1f} s, {grown / 1024:.1f} KiB each; p99"
        f" {p99(alone_s) * 1e3:.1f} ms alone, {p99(beside_s) * 1e3:.1f} ms beside"
        f" ({len(alone_s)} and {len(beside_s)} holds); {alone.each_us:.0f} and"
        f" {beside.each_us:.0f} µs of the server's time for a command"
    )
    assert codes == {4008}
    assert grown < GROWN_BYTES_MAX
    assert beside.each_us <= CPU_RATIO_MAX * alone.each_us
    assert errors_in(server.log_path.read_bytes()[start:].decode()) == []
