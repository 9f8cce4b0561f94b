"""Orders that have holds: a driver for each, which dies and goes on by its keys.

It speaks to no socket but to whoever serves the event, in the name of a buyer, as the
shop will: pledge first, then book, give back or cancel parts. What it asked before it
died it asks again with the same key.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from inventory import commands as c
from inventory.ports import Envelope
from inventory.replies import (
    BookOk,
    GivenBackOk,
    PledgedLine,
    PledgeOk,
    Refused,
    Reply,
)
from inventory.settings import Money
from server.live.actors.envelopes import envelope_of
from tests.checkers.history import Operation

if TYPE_CHECKING:
    from tests.simulation.client import Client
    from tests.simulation.world import World

AGAIN_S: Final = 0.4
"""After so long it asks again where nobody serves, or nothing happened."""

PATIENCE_S: Final = 4.0
"""After so long without an answer it asks again."""

AGAIN: Final = frozenset({"overloaded", "unavailable", "outcome_unknown"})
ORDERS_MAX: Final = 200
PLANS: Final = (
    ("pledge", "book"),
    ("pledge", "longer", "book"),
    ("pledge", "book", "part", "part", "all"),
    ("pledge", "book", "all"),
    ("pledge", "back"),
    ("pledge", "back", "longer", "release"),
    ("pledge", "release"),
    ("pledge",),
)
"""What orders do, one step after the other; the last one leaves its pledge to end."""


class Order:
    """One order, and how far its driver is."""

    def __init__(
        self, world: "World", client: "Client", event: str, hold: str, a: int, b: int
    ) -> None:
        self.world, self.client = world, client
        self.event, self.user, self.hold = event, client.user, hold
        self.name = f"ord_{len(world.orders)}"
        self.steps = list(PLANS[b % len(PLANS)])
        self.until_s = 1 + a % 25
        self.numbers = a
        self.done = 0
        self.booking = ""
        self.lines: list[PledgedLine] = []
        self.types: dict[str, Any] | None = None
        self.part: PledgedLine | None = None
        self.asked: Operation | None = None
        self.advance()

    @property
    def waits(self) -> bool:
        """Whether something is still to do."""
        return self.done < len(self.steps)

    def advance(self) -> None:
        """Do the next step, or do it again."""
        if not self.waits:
            return
        offer = self._find()
        if offer is None:
            self.world.scheduler.call_later(AGAIN_S, self.advance)
            return
        world, command = self.world, self._command()
        operation = self.asked = world.histories[self.event].call(
            "shop", self.user, command, system=True, at_s=world.scheduler.now
        )
        world.commands += 1
        dies = self._draw(4) == 0

        def reply(_: Envelope, answer: Reply) -> None:
            if dies and self.asked is operation:
                return  # Nobody heard it.
            world.histories[self.event].returned(operation, answer, world.scheduler.now)
            if self.asked is operation:
                self._answered(answer)

        envelope = envelope_of(replace(command), self.user, False, reply, system=True)
        offer(envelope)
        wait_s = 0.1 + self._draw(16) / 8 if dies else PATIENCE_S
        world.scheduler.call_later(wait_s, self._lose_patience, operation)

    def _draw(self, sides: int) -> int:
        """Draw from the numbers of the order."""
        self.numbers = (self.numbers * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        return (self.numbers >> 8) % sides

    def _find(self) -> Callable[[Envelope], object] | None:
        """Return the way to the event: by its owner, or by who forwards to it."""
        slots = self.world.slots
        first = self._draw(len(slots))
        for process in (*slots[first:], *slots[:first]):
            served = None
            if process.loop.alive and process.serves:
                served = process.event_registry.active.get(self.event)
            if served is not None:
                return partial(process.loop.call_soon, served.offer)
        return None

    def _command(self) -> Any:
        step, event = self.steps[self.done], self.event
        key = f"{self.name}:{self.done}"
        of: dict[str, Any] = {"id": 0, "event": event, "key": key}
        if step in ("pledge", "longer"):
            until_s = self.until_s + (9 if step == "longer" else 0)
            of |= {"hold": self.hold, "order": self.name, "until_s": until_s}
            if step == "pledge" and self.types is None:
                self.types = some_types(self.world, self.event, self.hold, self._draw)
            return c.Pledge(**of, types=self.types if step == "pledge" else None)
        if step == "book":
            return c.Book(**of, hold=self.hold, order=self.name)
        if step == "part":
            return c.CancelPart(**of, booking=self.booking, **self._part())
        if step == "all":
            return c.CancelPart(**of, booking=self.booking)
        released = step == "release"
        return c.Unpledge(**of, hold=self.hold, order=self.name, release=released)

    def _part(self) -> dict[str, Any]:
        """Name a line of the booking, as the shop knows it from its pledge."""
        line = self.part = self.lines[self.done % len(self.lines)]
        if line.label in self.world.plans[self.event].venue.area_index:
            return {"places": [c.Places(line.label, line.amount, line.type)]}
        return {"seats": [line.label]}

    def _answered(self, reply: Reply) -> None:
        self.asked = None
        scheduler = self.world.scheduler
        if type(reply) is Refused:
            if reply.code in AGAIN:
                scheduler.call_later(AGAIN_S, self.advance)
                return
            if reply.code in ("key_reused", "forbidden"):
                self.world.violate(f"The step {self.done} of {self.name}: {reply}")
            if self.steps[self.done] != "part":
                self.done = len(self.steps)
                return
        elif type(reply) is PledgeOk:
            self.lines = reply.lines
        elif type(reply) is GivenBackOk and self.steps[self.done] == "part":
            line = self.part
            if line is None or reply.total != Money(line.amount, "EUR"):
                self.world.violate(f"{self.name} gave {line} back for {reply.total}")
        elif type(reply) is BookOk:
            self.booking = reply.booking
            self.client.bookings[self.event].append(reply.booking)
        self.done += 1
        scheduler.call_later(self._draw(8) / 4, self.advance)

    def _lose_patience(self, operation: Operation) -> None:
        """Ask again what nobody answered, or whose answer nobody heard."""
        if self.asked is operation:
            self.advance()


def some_types(
    world: "World", event: str, hold: str, draw: Callable[[int], int]
) -> dict[str, Any]:
    """Choose what of a hold is sold as which types, where the event has any."""
    types: dict[str, Any] = {}
    keys = list(world.plans[event].first_settings.types)
    for _, local in world.owners(event) if keys else ():
        state = local.actor._state
        held = None if state is None else state.stock.holds.get(hold)
        if held is None:
            continue
        venue = local.board.venue
        for seat in held.seats[: draw(4)]:
            types[venue.labels[seat]] = keys[draw(len(keys))]
        for area, count in held.areas.items():
            types[venue.areas[area].label] = {keys[draw(len(keys))]: 1 + draw(count)}
    return types
