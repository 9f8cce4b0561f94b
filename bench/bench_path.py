"""CPU time of each step of a hold in this process: `python -m bench.bench_path`.

Everything between the socket and the database is the product's own: the parser of
frames, sessions, the actor, replies. The socket and the journal are stand-ins that do
nothing, so that the system and Postgres are left out; what they take is told by
`bench hot`. The clock is this thread's CPU time, and each figure the median over
batches: what other processes of the machine do hardly shows.
"""

import asyncio
import gc
import struct
import sys
import time
from collections.abc import Callable, Iterable
from statistics import median
from time import thread_time_ns
from typing import Any, cast

import msgspec
import uvloop
from aiohttp import WSMsgType, web
from aiohttp._websocket.reader import WebSocketReader
from cyclopts import App

from bench import arena
from inventory.actor import EventActor
from inventory.batch import BatchBuilder
from inventory.commands import ClientCommand
from inventory.decide import decide
from inventory.ports import (
    Batch,
    CommitStatus,
    Envelope,
    Fenced,
    JournalRow,
    KeyedResult,
    Ownership,
    StoredSnapshot,
)
from inventory.replies import Reply
from inventory.rules.common import Request
from inventory.settings import Money, Settings
from inventory.state import Stock
from inventory.venue.map import Venue
from inventory.venue.own import read_map
from server.app import FRAMES
from server.base.identity import Identity
from server.base.ids import RandomIds
from server.base.metrics import Metrics
from server.live.actors.envelopes import envelope_of
from server.live.actors.registry import EventRegistry, LocalEvent
from server.live.fanout.frames import JSON
from server.live.fanout.hub import Hub
from server.live.fanout.writer import Writer
from server.live.websocket.direct_socket import QUEUE_BYTES_MAX, DirectQueue
from server.live.websocket.frame_guard import FrameGuard
from server.live.websocket.frame_table import FRAME_TABLE, FrameTable
from server.live.websocket.session import Session
from server.ops.process.runner import GC_THRESHOLDS

SEATS = 100_000
PER_HOLD = 2
NOW_MS = 1_800_000_000_000
EVENT = "event-0123456789abcdef"
APP = web.Application()
APP[FRAME_TABLE] = FrameTable(FRAMES)


class Socket:
    """A transport, and its protocol, that take everything and keep nothing."""

    frames = 0

    def write(self, data: bytes) -> None:
        """Count it."""
        Socket.frames += 1

    def is_closing(self) -> bool:
        """Never."""
        return False

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0


class Silence:
    """Implements `inventory.ports.Journal`: commits when it is told to."""

    def __init__(self) -> None:
        self.asked_at = self.answered_at = 0
        self.waits: asyncio.Future[None] | None = None

    async def commit(self, ownership: Ownership, batch: Batch) -> CommitStatus:
        """Wait to be told; note when the actor goes on."""
        self.asked_at = thread_time_ns()
        self.waits = asyncio.get_running_loop().create_future()
        await self.waits
        self.answered_at = thread_time_ns()
        return CommitStatus.COMMITTED

    async def acquire(self, event: str) -> Ownership | None:
        """Always ours."""
        return Ownership(event, "history", 1, "token", 0, bytes(32))

    async def load_snapshot(self, event: str) -> StoredSnapshot | None:
        """None."""
        return None

    async def load_rows(self, event: str, after: int, limit: int) -> list[JournalRow]:
        """None."""
        return []

    async def confirm(self, ownership: Ownership) -> CommitStatus:
        """Still ours."""
        return CommitStatus.COMMITTED

    async def fence(self, ownership: Ownership, token: str) -> Fenced | None:
        """Never needed."""
        return None

    async def find_results(
        self, event: str, keys: Iterable[tuple[str, str]]
    ) -> list[KeyedResult]:
        """None."""
        return []

    async def save_snapshot(
        self, ownership: Ownership, version: int, body: bytes
    ) -> None:
        """Forget it."""

    async def release(self, ownership: Ownership, *, due: bool) -> None:
        """Nobody else wants it."""


class Clock:
    """Implements `inventory.ports.Clock` with this machine's."""

    def now_ms(self) -> int:
        """Return Unix milliseconds."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return seconds."""
        return time.monotonic()


def settings() -> Settings:
    """A sale that is open, with prices."""
    return Settings(
        name="Bench",
        sale_state="on_sale",
        starts_at_ms=NOW_MS * 2,
        hold_ttl_s=3_600,
        max_per_user=SEATS,
        prices={arena.CATEGORY: Money(4_500, "EUR")},
    )


def payloads(connections: int) -> list[tuple[int, bytes]]:
    """The holds that buy the arena out, each with the number of its connection."""
    wishes = [
        arena.seats_of(number, connections, SEATS, PER_HOLD)
        for number in range(connections)
    ]
    turns = arena.holds_per_connection(SEATS, PER_HOLD, connections)
    return [
        (
            number,
            msgspec.json.encode(
                {
                    "op": "hold",
                    "id": turn,
                    "event": EVENT,
                    "seats": next(wishes[number]),
                }
            ),
        )
        for turn in range(turns)
        for number in range(connections)
    ]


def masked(payload: bytes) -> bytes:
    """The websocket frame that a client sends."""
    mask, size = b"\x12\x34\x56\x78", len(payload)
    head = struct.pack("!BB", 0x81, 0x80 | size)
    if size > 125:
        head = struct.pack("!BBH", 0x81, 0xFE, size)
    return head + mask + bytes(b ^ mask[i & 3] for i, b in enumerate(payload))


def steps(venue: Venue, frames: list[bytes], batch: int) -> dict[str, float]:
    """Single steps, each over all frames; microseconds for one hold."""
    stock = Stock(venue, settings())
    request = Request(stock, "buyer", False, NOW_MS, RandomIds())
    builder = BatchBuilder(stock)
    found: dict[str, float] = {}

    def over(name: str, step: Callable[[Any], Any], items: list[Any]) -> list[Any]:
        results, times = [], []
        for start in range(0, len(items) - batch, batch):
            part = items[start : start + batch]
            begun = thread_time_ns()
            made = [step(item) for item in part]
            times.append((thread_time_ns() - begun) / len(part) / 1e3)
            results += made
        found[name] = median(times)
        return results

    def wrap(command: ClientCommand) -> Envelope:
        return envelope_of(command, "buyer", False, _forget, 120)

    decode = APP[FRAME_TABLE].decoders[JSON].decode
    commands = over("decode and check a frame", decode, frames)
    over("wrap it in an envelope", wrap, commands)
    decided = over("decide", lambda command: decide(command, request), commands)
    changes = [change for change, _ in decided]
    over("apply the change", lambda change: builder.add(change, NOW_MS), changes)
    over("encode the reply", JSON.pack, [reply for _, reply in decided])
    return found


def _forget(envelope: Envelope, reply: Reply) -> None:
    """Take a reply."""


class Path:
    """Sessions, an actor, and frames that go from the one to the other and back."""

    def __init__(self, venue: Venue, connections: int) -> None:
        loop = asyncio.get_running_loop()
        hub = Hub(loop)
        self.journal = Silence()
        clock, ids, metrics = Clock(), RandomIds(), Metrics()
        # Never asked for an event: there is one, and it is served already.
        registry = EventRegistry(
            cast(Any, None), self.journal, hub, clock, ids, metrics
        )
        event = hub.add_event(EVENT, venue, settings())
        self.actor = EventActor(
            EVENT,
            venue,
            settings(),
            journal=self.journal,
            publisher=event,
            clock=clock,
            ids=ids,
            observer=metrics,
        )
        registry.active[EVENT] = LocalEvent(self.actor, event)
        self.readers: list[FrameGuard] = []
        for number in range(connections):
            socket = cast(Any, Socket())
            session = Session(
                Writer(socket, JSON),
                hub,
                registry,
                lambda token: None,
                APP,
                limited=False,
            )
            session.sign_in(Identity(f"usr-{number:0>16}", "guest", NOW_MS))
            queue = DirectQueue(socket, QUEUE_BYTES_MAX, loop=loop)
            queue.kind = WSMsgType.TEXT
            queue.must_wait, queue.take = session.must_wait, session.receive
            reader = WebSocketReader(queue, 4_097, compress=False, decode_text=False)
            self.readers.append(FrameGuard(reader, queue))

    async def run(
        self, frames: list[tuple[int, bytes]], batch: int
    ) -> dict[str, float]:
        """Let the frames through, a batch to a commit; microseconds for one hold."""
        await self.actor.ready
        journal = self.journal
        spent: dict[str, list[float]] = {
            "parse, decode, into the mailbox": [],
            "decide, apply, encode the batch": [],
            "answer, publish": [],
        }
        for start in range(0, len(frames) - batch, batch):
            answered = Socket.frames + batch
            begun = thread_time_ns()
            for number, frame in frames[start : start + batch]:
                self.readers[number].feed_data(frame)
            received = thread_time_ns()
            commits = 0
            while Socket.frames < answered:
                await asyncio.sleep(0)
                if journal.waits is not None and not journal.waits.done():
                    commits += 1
                    journal.waits.set_result(None)
            ended = thread_time_ns()
            if commits == 1:  # a slow machine may have needed two
                times = (
                    received - begun,
                    journal.asked_at - received,
                    ended - journal.answered_at,
                )
                for part, taken in zip(spent.values(), times, strict=True):
                    part.append(taken / batch / 1e3)
        await self.actor.stop(1.0)
        return {name: median(times) for name, times in spent.items()}


def main(*, batch: int = 300, connections: int = 1_000) -> int:
    """Print a table.

    Args:
        batch: holds that one commit carries.
        connections: how many take turns.
    """
    venue = Venue(read_map(arena.build_map(SEATS)))
    sent = payloads(connections)
    gc.set_threshold(*GC_THRESHOLDS)
    single = steps(venue, [payload for _, payload in sent], batch)
    frames = [(number, masked(payload)) for number, payload in sent]

    async def run() -> dict[str, float]:
        path = Path(venue, connections)
        gc.collect()
        gc.freeze()
        return await path.run(frames, batch)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        phases = runner.run(run())
    print(
        f"CPU time for a hold in µs, {batch} to a commit, {connections} connections\n"
    )
    for name, taken in phases.items():
        print(f"{name:<36}{taken:>8.2f}")
    print(f"{'together':<36}{sum(phases.values()):>8.2f}\n\nsingle steps of it:")
    for name, taken in single.items():
        print(f"{name:<36}{taken:>8.2f}")
    return 0


if __name__ == "__main__":
    app = App(name="bench_path")
    app.default(main)
    sys.exit(app())
