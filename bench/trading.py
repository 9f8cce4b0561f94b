"""A load that lasts: `python -m bench.trading`, a plan on stdin, what came of it out.

Each connection holds seats of its own, releases them, and goes on to its next ones, so
that the sale never runs out and every command can be accepted.
"""

import asyncio
import gc
import resource
import sys
import time
from array import array
from collections import Counter
from itertools import cycle

import msgspec
import uvloop
from msgspec import Struct
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench import arena
from bench.check import percentile
from bench.load import CONNECT_TIMEOUT_S, CONNECTING_AT_ONCE
from bench.plan import Cpu
from bench.usage import cpu_seconds, machine_seconds

COMMITS_TOLD = 100
"""So many versions, spread over the window, are told with the time of their reply."""

_now = time.perf_counter
_TEXT = WSMsgType.TEXT


class Plan(Struct, kw_only=True, frozen=True):
    """Who trades where, and for how long."""

    url: str
    tokens: list[str]
    """One per connection."""

    event: str
    seats_per_event: int
    seats_per_hold: int = 2
    warmup_s: float
    seconds: float
    patience_s: float
    server_pids: list[int] = []
    store_pids: list[int] = []


class Reply(Struct):
    """The part of a reply that a trader needs."""

    op: str
    id: int | None = None
    hold: str | None = None
    version: int | None = None
    code: str | None = None


class Traded(Struct, kw_only=True):
    """What came of it."""

    begin: float
    end: float
    loaded_s: float
    """From the first command to the last answer."""

    accepted: int
    """In the measured window, holds and releases."""

    per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    faults: dict[str, int]
    cpu: Cpu
    commits: list[tuple[float, int]]
    """When a buyer heard of a version: a sample of the window."""

    last_version: int


_reply = msgspec.json.Decoder(Reply).decode
_encode = msgspec.json.Encoder().encode


class Trader(WSListener):
    """One connection with one command in flight."""

    def __init__(self, event: str, wishes: list[list[str]]) -> None:
        self.sent_at = array("d")
        self.received_at = array("d")
        self.versions = array("q")
        self.faults: Counter[str] = Counter()
        self.transport: WSTransport | None = None
        self.stopping = False
        self.done = asyncio.Event()
        self._event = event
        self._wishes = cycle(wishes)

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Remember where to write."""
        self.transport = transport

    def hold_next(self) -> None:
        """Hold the next seats, or end with nothing held."""
        if self.stopping:
            self.done.set()
            return
        self._send({"op": "hold", "seats": next(self._wishes)})

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Release what was held, or hold the next."""
        if frame.msg_type is not _TEXT:
            if frame.msg_type is WSMsgType.CLOSE:
                self._end(f"closed with {frame.get_close_code()}")
                transport.disconnect()
            return
        reply = _reply(frame.get_payload_as_bytes())
        self.received_at.append(_now())
        if reply.op != "ok" or reply.id != len(self.sent_at) or not reply.version:
            self._end(f"{reply.op} {reply.code}")
            return
        self.versions.append(reply.version)
        if reply.hold is None:
            self.hold_next()
        else:
            self._send({"op": "release", "hold": reply.hold})

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Tell a connection that was lost from one that we closed."""
        if self.transport is not None:
            self._end("disconnected")

    def _send(self, command: dict[str, object]) -> None:
        if self.transport is None:
            return
        self.sent_at.append(_now())
        frame = {"id": len(self.sent_at), "event": self._event, **command}
        self.transport.send(_TEXT, _encode(frame))

    def _end(self, fault: str) -> None:
        self.transport = None
        self.faults[fault] += 1
        self.done.set()


class Window:
    """The measured stretch of time, and the CPU used in it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._edges: list[tuple[float, Cpu]] = []

    def edge(self) -> None:
        """Begin, or end."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        cpu = Cpu(
            server=cpu_seconds(self._plan.server_pids),
            store=cpu_seconds(self._plan.store_pids),
            generator=usage.ru_utime + usage.ru_stime,
            machine=machine_seconds(),
        )
        self._edges.append((_now(), cpu))

    def times(self) -> tuple[float, float]:
        """When it began and ended."""
        (begin, _), (end, _) = self._edges
        return begin, end

    def cpu(self) -> Cpu:
        """What was used in between."""
        (_, a), (_, b) = self._edges
        return Cpu(
            server=b.server - a.server,
            store=b.store - a.store,
            generator=b.generator - a.generator,
            machine=b.machine - a.machine,
        )


async def connect(plan: Plan) -> list[Trader]:
    """Open all connections, a few at a time."""
    gate = asyncio.Semaphore(CONNECTING_AT_ONCE)
    count = len(plan.tokens)

    async def open_one(number: int) -> Trader:
        wishes = [
            *arena.seats_of(number, count, plan.seats_per_event, plan.seats_per_hold)
        ]
        trader = Trader(plan.event, wishes)
        async with gate:
            await ws_connect(
                lambda: trader,
                plan.url,
                websocket_handshake_timeout=CONNECT_TIMEOUT_S,
                extra_headers={"Authorization": f"Bearer {plan.tokens[number]}"},
            )
        return trader

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(open_one(number)) for number in range(count)]
    return [task.result() for task in tasks]


async def run(plan: Plan) -> Traded:
    """Trade for the warm-up and the window, and end with nothing held."""
    traders = await connect(plan)
    gc.collect()
    gc.freeze()
    gc.disable()  # nothing here makes cycles, and a collection would be a pause
    window = Window(plan)
    for trader in traders:
        trader.hold_next()
    await asyncio.sleep(plan.warmup_s)
    window.edge()
    await asyncio.sleep(plan.seconds)
    window.edge()
    for trader in traders:
        trader.stopping = True
    try:
        async with asyncio.timeout(plan.patience_s):
            for trader in traders:
                await trader.done.wait()
    except TimeoutError:
        traders[0].faults["never answered"] += 1
    for trader in traders:
        transport, trader.transport = trader.transport, None
        if transport is not None:
            transport.disconnect(False)
    return judge(traders, window)


def judge(traders: list[Trader], window: Window) -> Traded:
    """Count what was accepted in the window; versions have to be without a hole."""
    begin, end = window.times()
    faults: Counter[str] = Counter()
    heard: list[tuple[float, int]] = []
    delays: list[float] = []
    for trader in traders:
        faults.update(trader.faults)
        for sent, received, version in zip(
            trader.sent_at, trader.received_at, trader.versions, strict=False
        ):
            heard.append((received, version))
            if begin <= received < end:
                delays.append((received - sent) * 1e3)
    versions = sorted(version for _, version in heard)
    if versions != list(range(versions[0], versions[0] + len(versions))):
        faults["versions with a hole, or twice"] += 1
    heard.sort()
    inside = [(at, version) for at, version in heard if begin <= at < end]
    delays.sort()
    seconds = end - begin
    return Traded(
        begin=begin,
        end=end,
        loaded_s=heard[-1][0] - min(trader.sent_at[0] for trader in traders),
        accepted=len(inside),
        per_second=len(inside) / seconds,
        p50_ms=percentile(delays, 0.5),
        p99_ms=percentile(delays, 0.99),
        max_ms=delays[-1] if delays else 0.0,
        faults=dict(faults),
        cpu=window.cpu(),
        commits=inside[:: max(1, len(inside) // COMMITS_TOLD)],
        last_version=versions[-1],
    )


def main() -> None:
    """Read the plan, run it, write what came of it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        traded = runner.run(run(plan))
    sys.stdout.buffer.write(msgspec.json.encode(traded) + b"\n")


if __name__ == "__main__":
    main()
