"""The owner's part: once a second it says how a line stands, and notes who is here.

Concurrency: one look a second over the events of this process that have a line in
front of their sale, or of whose line somebody asked lately, here or elsewhere; nothing
is awaited in it.

Invariants: presence is journaled only when it changed, once a second at most. While the
bus is not there others cannot be heard, and then nobody is away.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
import structlog

from inventory.commands import NotePresence
from inventory.line.line import AWAY, WAITING
from inventory.ports import Clock, Envelope, Publication
from inventory.replies import Reply
from inventory.rules.line_turns import is_over
from server.events.line.waiters.presence import Presence
from server.events.line.waiters.state import LineState, state_of_line
from server.live.actors.envelopes import envelope_of
from server.live.actors.registry import EventRegistry, LocalEvent
from server.transport.bus.bus import Bus

STATE_TOPIC: Final = "line state"
PRESENCE_TOPIC: Final = "line presence"
LOOK_S: Final = 1.0
OVER_S: Final = 300.0
"""The turns of so long tell how fast a line goes."""

LISTENED_S: Final = 5.0
"""So long after somebody was seen a line is told."""

log = structlog.get_logger()
encode_state: Final = msgspec.msgpack.Encoder().encode
Seen = tuple[str, int, list[int]]
"""An event, a draw of it, and ranks."""

_decode_seen: Final = msgspec.msgpack.Decoder(Seen).decode


class LedLine:
    """What the owner remembers of one line."""

    def __init__(self, local: LocalEvent, now: float) -> None:
        self.local = local
        self.draw = 0
        """The one that is led."""
        self.presence = Presence()
        self.heard_at = -LISTENED_S
        """When somebody was seen last, or asked how it stands."""
        self.began_at = now
        self._turns: deque[tuple[float, int]] = deque()

    def begin(self, draw: int, now: float) -> None:
        """Lead a draw: who was seen in another one had other ranks."""
        self.draw = draw
        self.presence = Presence()
        self.began_at = now
        self._turns.clear()

    def gave(self, turns: int, now: float) -> None:
        """Count turns that were given."""
        self._turns.append((now, turns))

    def pace(self, now: float) -> tuple[int, float]:
        """Return how many turns were given, and within how many seconds."""
        turns = self._turns
        while turns and turns[0][0] < now - OVER_S:
            turns.popleft()
        return sum(n for _, n in turns), min(OVER_S, now - self.began_at)


class LineLeading:
    """Tells how the lines of this process stand; `tell` is told here, too."""

    def __init__(
        self,
        registry: EventRegistry,
        bus: Bus,
        clock: Clock,
        tell: Callable[[LineState], None],
    ) -> None:
        self.led: dict[str, LedLine] = {}
        self._registry = registry
        self._bus = bus
        self._clock = clock
        self._tell = tell
        bus.subscribe(PRESENCE_TOPIC, self._hear, lambda: None)

    def saw(self, event: str, draw: int, ranks: Iterable[int]) -> None:
        """Take note of who was seen somewhere: that is a line somebody asks of.

        Ranks of a draw that is not led are nobody's.
        """
        local = self._registry.active.get(event)
        if not isinstance(local, LocalEvent):
            return
        led, now = self._lead(event, local), self._clock.monotonic()
        led.heard_at = now
        if draw == led.draw:
            led.presence.hear(ranks, now)

    def heard(self, event: str, publication: Publication) -> None:
        """Take note of turns."""
        led = self.led.get(event)
        if led is not None and publication.turns:
            led.gave(len(publication.turns), self._clock.monotonic())

    def asked(self) -> list[tuple[str, LocalEvent]]:
        """Return the lines of ours of which somebody asked lately."""
        now = self._clock.monotonic()
        return [
            (event, led.local)
            for event, led in self.led.items()
            if now - led.heard_at <= LISTENED_S
        ]

    async def run(self) -> None:
        """Look once a second."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Tell how lines stand, and note who went or came."""
        alone, now = self._bus.status != "ok", self._clock.monotonic()
        self._follow()
        for event, led in list(self.led.items()):
            if alone:
                led.presence.start_over()
            if not self._look(event, led, now):
                del self.led[event]

    def _follow(self) -> None:
        """Lead those lines of ours in which it matters who is here; forget others'."""
        active = self._registry.active
        for event, local in active.items():
            if isinstance(local, LocalEvent) and _is_noted(local):
                self._lead(event, local)
        for event, led in list(self.led.items()):
            if active.get(event) is not led.local:
                del self.led[event]

    def _lead(self, event: str, local: LocalEvent) -> LedLine:
        led = self.led.get(event)
        if led is None or led.local is not local:
            led = self.led[event] = LedLine(local, self._clock.monotonic())
        stock = local.actor.stock
        line = None if stock is None else stock.line
        if line is not None and line.opened.draw != led.draw:
            led.begin(line.opened.draw, self._clock.monotonic())
        return led

    def _look(self, event: str, led: LedLine, now: float) -> bool:
        """Note who is here and tell how a line stands; False where nobody asks."""
        actor = led.local.actor
        stock = actor.stock
        line = None if stock is None else stock.line
        heard = now - led.heard_at <= LISTENED_S
        if stock is None or line is None:
            return heard
        noted = _is_noted(led.local)
        if noted:
            away, back = led.presence.look(line, now)
            if away or back:
                note = NotePresence(id=0, event=event, away=away, back=back)
                led.local.offer(envelope_of(note, "", False, _heed, system=True))
        else:
            led.presence.here = 0
        if not heard:
            return noted
        state = state_of_line(
            stock,
            line,
            led.local.board.epoch,
            actor.clock.now_ms(),
            led.presence.head,
            *led.pace(now),
        )
        self._tell(state)
        self._bus.publish(STATE_TOPIC, encode_state(state))
        return True

    def _hear(self, data: bytes) -> None:
        try:
            event, draw, ranks = _decode_seen(data)
        except msgspec.DecodeError as error:
            log.info("who is here cannot be read", error=str(error))
            return
        self.saw(event, draw, ranks)


def _is_noted(local: LocalEvent) -> bool:
    """Return whether it is noted who is here of those who wait for an event of ours."""
    stock = local.actor.stock
    line = None if stock is None else stock.line
    if stock is None or line is None or is_over(stock, line):
        return False
    if not line.gated or line.drawn is None:
        return False
    return WAITING in line.states or AWAY in line.states


def _heed(_: Envelope, reply: Reply) -> None:
    """Expect nothing of a reply: who is away still is a second later."""
