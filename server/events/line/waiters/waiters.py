"""Who waits at this process, and telling them how their line stands.

Concurrency: one task, once a second: who waits is reported to the owners, ranks that
are new are looked up in one statement, and who is due is told. A frame is encoded once
for all who get it in a second; who takes nothing from their socket is passed over.

Invariants: what is told is what an owner said last; nothing is told twice within the
time of its distance but when the phase changes, which all hear at once.
"""

import asyncio
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Final

import msgspec
import structlog
from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from inventory.limits import LINE_HEAD
from inventory.line.line import AWAY, LIMITED, PAUSED, TURN, WAITING
from inventory.line.wishes import Wish
from inventory.ports import Clock
from persistence.errors import Unavailable
from persistence.events.line.entries import Entries
from server.events.line.odds.forecast import Forecast
from server.events.line.odds.words import Word
from server.events.line.rules import State, TellablePhase
from server.events.line.waiters.crowd import FAR_S, MIDDLE_S, NEAR_S, Crowd, Waiter
from server.events.line.waiters.leading import (
    PRESENCE_TOPIC,
    STATE_TOPIC,
    LineLeading,
)
from server.events.line.waiters.state import LineState, ahead_of
from server.live.actors.registry import EventRegistry, LocalEvent
from server.live.fanout.hub import Hub
from server.live.fanout.writer import Writer
from server.transport.bus.bus import Bus

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.live.fanout.frames import Codec

TURN_S: Final = 1.0
FRAMES_MAX: Final = 600
"""So many wishes are told their own odds in one second; who has another one may ask."""

NOBODYS: Final = Wish(1, ("",))
"""Stands for whoever is told no odds."""

SLICE: Final = 500
"""So many are told before the loop turns for everyone else."""

LOOKED_UP_MAX: Final = 4_096
STATES: Final[dict[int, State]] = {
    WAITING: "waiting",
    AWAY: "waiting",
    LIMITED: "waiting",
    PAUSED: "paused",
    TURN: "turn",
}
"""What is told of a place that is not over."""

HIDDEN: Final = frozenset({"gathering", "drawing"})
"""Phases in which nobody has a rank."""

log = structlog.get_logger()
_encode: Final = msgspec.msgpack.Encoder().encode
_decode_state: Final = msgspec.msgpack.Decoder(LineState).decode


class LineNow(Struct, tag_field="op", tag="line", omit_defaults=True):
    """How a line stands, for all who `wait` in it.

    `marks` are ranks, each with how many before it are not done: between two of them it
    is about what lies between; show no more than was shown before. `from_s` and `to_s`
    are how long each mark takes, for half and for nine in ten, once that is known.
    `next` is the rank furthest down that had its turn, `left` the free places by
    category. `rank` comes once, to whose it is, when it is known. `odds` are how likely
    somebody at each mark who wishes for the same gets it, until the end.
    """

    event: str
    phase: TellablePhase
    version: int
    at: datetime
    next: int
    marks: list[tuple[int, int]]
    left: dict[str, int]
    per_min: float | None = None
    from_s: list[int] | None = None
    to_s: list[int] | None = None
    rank: int | UnsetType = UNSET
    odds: list[Word] | None = None


class PlaceNow(Struct, frozen=True):
    """How a place is, and exactly how many before it are not done."""

    state: State
    rank: int
    ahead: int
    wish: Wish | None


class Waiters:
    """Those who wait here, in all lines."""

    def __init__(
        self,
        hub: Hub,
        registry: EventRegistry,
        bus: Bus,
        entries: Entries,
        clock: Clock,
    ) -> None:
        self.crowds: dict[str, Crowd] = {}
        self.leading = LineLeading(registry, bus, clock, self.hear)
        self.told = {NEAR_S: 0, MIDDLE_S: 0, FAR_S: 0}
        """Frames that were sent, by how far from the front."""
        self.spent_s = 0.0
        self._hub = hub
        self._registry = registry
        self._bus = bus
        self._entries = entries
        self._clock = clock
        self._polled: dict[tuple[str, int], dict[int, float]] = {}
        """By event and draw: ranks, and until when they are here."""
        self._states: dict[str, LineState] = {}
        """Of lines that nobody waits for at a socket here, but asks over REST."""
        self.forecast_of: Callable[[str], Forecast | None] = lambda _: None
        """Returns what is expected of a line."""
        self._frames: dict[tuple[str, Codec, Wish | None], bytes] = {}
        bus.subscribe(STATE_TOPIC, self._hear, lambda: None)

    def wait(
        self,
        event: str,
        writer: Writer,
        user: str,
        rank: int | None,
        draw: int,
        wish: Wish | None = None,
    ) -> tuple[str]:
        """Tell somebody from now on, and let the owner know that they are here.

        The rank is one of that draw. Returns the event as all who wait may keep it.
        """
        crowd = self.crowds.get(event)
        if crowd is None:
            crowd = self.crowds[event] = Crowd(event)
        crowd.add(writer, user, rank, draw, wish)
        self.leading.saw(event, draw, [] if rank is None else [rank])
        return crowd.events

    def wished(self, event: str, writer: Writer, wish: Wish | None) -> None:
        """Take note of what somebody who waits here wishes for now."""
        crowd = self.crowds.get(event)
        waiter = None if crowd is None else crowd.waiters.get(writer)
        if crowd is not None and waiter is not None:
            waiter.wish = crowd.same(wish)

    def unwait(self, event: str, writer: Writer) -> None:
        """Tell somebody no longer."""
        crowd = self.crowds.get(event)
        if crowd is not None:
            crowd.remove(writer)
            if not crowd.waiters:
                del self.crowds[event]

    def over(self, event: str, user: str) -> None:
        """Take note that somebody's place is over."""
        for writer in self._hub.by_user.get(user, ()):
            self.unwait(event, writer)

    def polled(self, event: str, draw: int, rank: int, within_s: float) -> None:
        """Take note of who asked over REST, and is to ask again within so long."""
        polled = self._polled.setdefault((event, draw), {})
        polled[rank] = self._clock.monotonic() + within_s

    def place_of(self, event: str, writer: Writer) -> PlaceNow | None:
        """Return the place of who waits at a socket, as the event knows it.

        None where the event is not ours, or the place is over or not fed yet.
        """
        local, crowd = self._registry.active.get(event), self.crowds.get(event)
        if not isinstance(local, LocalEvent) or crowd is None:
            return None
        waiter = crowd.waiters.get(writer)
        if waiter is None or not waiter.rank:
            return None
        stock = local.actor.stock
        line = None if stock is None else stock.line
        if line is None or waiter.rank > line.fed or crowd.draw != line.opened.draw:
            return None
        state = STATES.get(line.state_of(waiter.rank))
        if state is None:
            return None
        rank = waiter.rank
        return PlaceNow(state, rank, ahead_of(line, rank), line.wish_of(rank))

    def state_of(self, event: str) -> LineState | None:
        """Return how a line stood last; None where nobody here asks for it."""
        crowd = self.crowds.get(event)
        return self._states.get(event) if crowd is None else crowd.state

    def hear(self, state: LineState) -> None:
        """Take what the owner of an event says, from here or over the bus."""
        crowd = self.crowds.get(state.event)
        if crowd is None:
            if (state.event, state.draw) in self._polled:
                self._states[state.event] = state
            return
        known = crowd.state
        if known is not None:
            if _age_of(state) <= _age_of(known):
                return
            if state.phase != known.phase:
                crowd.tell_all()
        crowd.begin(state.draw)
        crowd.state = state

    async def run(self) -> None:
        """Do once a second what is due."""
        while True:
            await asyncio.sleep(TURN_S)
            await self.turn()

    async def turn(self) -> None:
        """Report who is here, look new ranks up, and tell who is due."""
        self._frames.clear()
        self.report()
        for event, crowd in list(self.crowds.items()):
            served = self._registry.active.get(event)
            if served is not None:
                # Somebody waits for it, watching or not.
                served.used = True
            await self._learn(event, crowd)
            await self._tell(event, crowd)

    def report(self) -> None:
        """Tell the owners which ranks are seen here."""
        now = self._clock.monotonic()
        seen = {
            (event, crowd.draw): crowd.front(_head_of(crowd))
            for event, crowd in self.crowds.items()
        }
        for key, polled in list(self._polled.items()):
            here = {rank: until for rank, until in polled.items() if until >= now}
            if here:
                self._polled[key] = here
                seen.setdefault(key, []).extend(here)
            else:
                del self._polled[key]
                self._states.pop(key[0], None)
        for (event, draw), ranks in seen.items():
            self._report(event, draw, ranks)

    def _report(self, event: str, draw: int, ranks: list[int]) -> None:
        # At once where the owner is here, with the bus or without it.
        self.leading.saw(event, draw, ranks)
        if event not in self.leading.led:
            self._bus.publish(PRESENCE_TOPIC, _encode((event, draw, ranks)))

    async def _learn(self, event: str, crowd: Crowd) -> None:
        """Look up the ranks of those who had none when they came."""
        state = crowd.state
        if not crowd.unranked or state is None or state.phase in HIDDEN:
            return
        if not crowd.looks(state.fed):
            return
        users, draw = crowd.unknown(LOOKED_UP_MAX), crowd.draw
        try:
            ranks = await self._entries.ranks(event, draw, users)
        except Unavailable as error:
            crowd.came = True
            log.warning("ranks were not looked up", event_id=event, reason=str(error))
            return
        if crowd.draw != draw:
            # Begun anew meanwhile: then all of them are looked up again.
            crowd.came = True
            return
        crowd.came = crowd.came or len(users) == LOOKED_UP_MAX
        for user, rank in ranks.items():
            for waiter in crowd.learn(user, rank):
                if waiter.writer is not None:
                    waiter.writer.send(frame_of(crowd.state or state, rank))

    async def _tell(self, event: str, crowd: Crowd) -> None:
        state = crowd.state
        if state is None:
            return
        while True:
            begun = monotonic()
            some = crowd.due(SLICE)
            for waiter in some:
                self._send(event, state, crowd, waiter)
            self.spent_s += monotonic() - begun
            if not some:
                return
            await asyncio.sleep(0)

    def _send(self, event: str, state: LineState, crowd: Crowd, waiter: Waiter) -> None:
        writer = waiter.writer
        if writer is None or not writer.roomy():
            return
        frame = self._frames.get((event, writer.codec, waiter.wish))
        if frame is None:
            frame = self._pack(event, state, writer.codec, waiter.wish)
        writer.write(frame)
        self.told[crowd.after(waiter.rank)] += 1

    def _pack(
        self, event: str, state: LineState, codec: "Codec", wish: Wish | None
    ) -> bytes:
        """Return the frame for all who have a wish, encoded once a second."""
        forecast = self.forecast_of(event)
        if forecast is None or not forecast.known or len(self._frames) > FRAMES_MAX:
            # It is the same for everybody then.
            forecast, wish = None, NOBODYS
            plain = self._frames.get((event, codec, wish))
            if plain is not None:
                return plain
        frame = codec.pack(frame_of(state, forecast=forecast, wish=wish))
        self._frames[event, codec, wish] = frame
        return frame

    def _hear(self, data: bytes) -> None:
        try:
            state = _decode_state(data)
        except msgspec.DecodeError as error:
            log.info("how a line stands cannot be read", error=str(error))
            return
        self.hear(state)


def frame_of(
    state: LineState,
    rank: int | None = None,
    *,
    forecast: Forecast | None = None,
    wish: Wish | None = None,
) -> LineNow:
    """Return what is told of a line to all with a wish; with a rank to whose it is."""
    per_min = state.per_min
    waits = [state.wait_s(mark.rank) for mark in state.marks]
    known = [one for one in waits if one is not None]
    timed = per_min is not None and len(known) == len(waits)
    return LineNow(
        state.event,
        state.phase,
        state.version,
        datetime.fromtimestamp(state.at_ms / 1_000, UTC),
        state.next,
        [(mark.rank, mark.left) for mark in state.marks],
        state.left,
        None if per_min is None else round(per_min, 1),
        [one[0] for one in known] if timed else None,
        [one[1] for one in known] if timed else None,
        UNSET if rank is None else rank,
        None
        if forecast is None
        else [forecast.word(mark.rank, wish) for mark in state.marks],
    )


def _age_of(state: LineState) -> tuple[int, int, int]:
    return state.epoch, state.version, state.at_ms


def _head_of(crowd: Crowd) -> int:
    return LINE_HEAD if crowd.state is None else crowd.state.head


WAITERS: Final = web.AppKey("waiters", Waiters)
