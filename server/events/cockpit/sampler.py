"""Looks at the events of this process once a second, and remembers what it saw."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec
from aiohttp import web
from msgspec.structs import replace

from inventory.line.line import WAITING
from inventory.state import Stock
from server.base.jobs import Job
from server.events.cockpit.seconds import KEPT_S, Ring, Second, quantile
from server.live.actors.registry import EventRegistry, LocalEvent
from server.live.fanout.hub import EventHub, Hub
from server.transport.bus.questions import Questions

LIVE: Final = "live"
LOOK_S: Final = 1.0
MS: Final = 1_000

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(list[Second]).decode


class Sampler:
    """The last ten minutes of each event that this process has in memory."""

    def __init__(
        self,
        hub: Hub,
        registry: EventRegistry,
        questions: Questions,
        now_ms: Callable[[], int],
    ) -> None:
        self.rings: dict[str, Ring] = {}
        self._failed: dict[str, deque[int]] = {}
        """When payments failed of an event, as this process heard."""
        self._hub = hub
        self._registry = registry
        self._now_ms = now_ms
        questions.answer_of(LIVE, lambda event: encode(self.seen(event)))

    async def run(self, job: Job) -> None:
        """Look at all events, again and again."""
        while True:
            with job:
                self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Note how each event is now, and forget those that are not here any more."""
        at = self._now_ms() // MS
        events = self._hub.events
        for event, hub in events.items():
            ring = self.rings.get(event)
            if ring is None:
                ring = self.rings[event] = Ring()
            ring.add(self._second(event, hub, ring, at))
        # Of an event that is elsewhere this process may hear that money failed.
        for event in self._failed.keys() - events.keys():
            failed = self._failed_lately(event, at)
            ring = self.rings.setdefault(event, Ring())
            ring.add(Second(at=at, payments_failed=failed))
        for event in self.rings.keys() - events.keys() - self._failed.keys():
            del self.rings[event]

    def payment_failed(self, event: str) -> None:
        """Note that a payment of an event failed."""
        self._failed.setdefault(event, deque()).append(self._now_ms() // MS)

    def _failed_lately(self, event: str, at: int) -> int:
        times = self._failed.get(event)
        if times is None:
            return 0
        while times and times[0] <= at - KEPT_S:
            times.popleft()
        if not times:
            del self._failed[event]
        return len(times)

    def seen(self, event: str) -> list[Second]:
        """Return what this process saw of an event, as of now; empty if nothing."""
        ring = self.rings.get(event)
        if ring is None:
            return []
        ring.trim(self._now_ms() // MS)
        return list(ring.seconds)

    def _second(self, event: str, hub: EventHub, ring: Ring, at: int) -> Second:
        seen = replace(
            _places(hub),
            at=at,
            watching=len(hub.watchers),
            payments_failed=self._failed_lately(event, at),
        )
        served = self._registry.active.get(event)
        if not isinstance(served, LocalEvent):
            return seen
        actor, tally = served.actor, served.actor.tally
        times = tally.take_times()
        last = ring.seconds[-1] if ring.seconds else Second(at=0)
        p50, p99 = last.commit_p50_ms, last.commit_p99_ms
        if times:
            p50, p99 = (round(MS * quantile(times, one), 2) for one in (0.5, 0.99))
        waiting, turns, paying = _standing(actor.stock)
        line = None if actor.stock is None else actor.stock.line
        return replace(
            seen,
            owned=True,
            waiting=waiting,
            turns=turns,
            turns_total=tally.turns,
            turns_per_min=0 if line is None else line.turns_per_min or 0,
            sell_out_s=0 if line is None else line.sell_out_s,
            paying=paying,
            expired_total=tally.expired,
            released_total=tally.released,
            refused_total=dict(tally.refused),
            not_free_total=actor.seats_missed,
            commands_total=tally.commands,
            commits_total=tally.commits,
            commit_p50_ms=p50,
            commit_p99_ms=p99,
            mailbox=len(actor.mailbox),
        )


SAMPLER: Final = web.AppKey("sampler of events", Sampler)


def about(event: str) -> str:
    """Return the question about an event that processes ask each other."""
    return f"{LIVE} {event}"


def _places(hub: EventHub) -> Second:
    counts = hub.board.counts()
    return Second(
        at=0,
        free=counts["free"],
        held=counts["held"],
        booked=counts["booked"],
        blocked=counts["blocked"],
    )


def _standing(stock: Stock | None) -> tuple[int, int, int]:
    """Return how many wait in line, have their turn, and pay."""
    if stock is None:
        return 0, 0, 0
    line = stock.line
    paying = sum(
        1
        for hold in stock.holds.values()
        if hold.pledge is not None and hold.pledge.order is not None
    )
    if line is None:
        return 0, 0, paying
    return line.states.count(WAITING), len(line.turns.open), paying
