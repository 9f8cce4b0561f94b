"""What must be true of pledges and of parts given back, by the journal alone.

The rules are not asked: orders, ends and sums are followed from change to change.
"""

from typing import TYPE_CHECKING

from inventory import limits
from inventory.changes import (
    AnyChange,
    BookingReduced,
    HoldBooked,
    HoldExpired,
    HoldExtended,
    HoldPledged,
    HoldReleased,
    PledgeEnded,
    SeatsHeld,
    TurnGiven,
)
from inventory.loading import decode_changes
from inventory.state import Stock
from tests.fakes import Head

if TYPE_CHECKING:
    from tests.simulation.world import World


def check_pledges(world: "World", event: str, head: Head, stock: Stock) -> None:
    """A pledged hold is its order's; none lasts too long; totals agree with lines."""
    story = _Story(world.plans[event].first_settings.hold_ttl_s * 1_000)
    for row in head.rows:
        for change in decode_changes(row.body):
            story.follow(change, row.at_ms)
    for sentence in story.wrong[:3]:
        world.violate(f"Pledges of {event}: {sentence}")
    for name, booking in stock.bookings.items():
        left = story.worth.get(name)
        total = None if booking.prices is None else booking.prices.total()
        if left is not None and (total is None or total.amount != left):
            world.violate(f"{name} of {event} is worth {left}, and its lines {total}")
        row = head.bookings[name]
        lines = sum(row.lines.amounts) + sum(n * x for *_, n, x in row.lines.areas)
        if left is not None and lines != left:
            world.violate(f"{name} of {event} is worth {left}, and its row {lines}")
        labels = [stock.venue.labels[seat] for seat in booking.seats]
        if sorted(row.seats) != sorted(labels):
            world.violate(f"{name} of {event} has other seats in its row")


class _Story:
    """What became of each hold and booking so far."""

    def __init__(self, ttl_ms: int) -> None:
        self.life_ms = limits.HOLD_LIFE_FACTOR * ttl_ms
        self.wrong: list[str] = []
        self.created: dict[str, int] = {}
        self.first: dict[str, int] = {}
        self.order: dict[str, str] = {}
        self.worth: dict[str, int] = {}

    def follow(self, change: AnyChange, at_ms: int) -> None:
        """Take in one change, and note what it should not have done."""
        if isinstance(change, HoldPledged):
            self._pledge(change, at_ms)
        elif isinstance(change, PledgeEnded):
            self.order.pop(change.hold, None)
            self._check_end(change.hold, change.deadline_ms, change)
        elif isinstance(change, SeatsHeld):
            self.created.setdefault(change.hold, at_ms)
            if change.hold in self.order:
                self.wrong.append(f"a pledged hold grew: {change}")
            self._check_end(change.hold, change.deadline_ms, change)
        elif isinstance(change, TurnGiven) and change.hold is not None:
            self.created.setdefault(change.hold, at_ms)
        elif isinstance(change, HoldExtended):
            if change.hold in self.order:
                self.wrong.append(f"a pledged hold was extended: {change}")
            self._check_end(change.hold, change.deadline_ms, change)
        elif isinstance(change, HoldBooked):
            order = self.order.pop(change.hold, None)
            if order is not None and (order, True) != (change.order, change.by_order):
                self.wrong.append(f"a hold of {order} was booked by {change.order}")
            if change.total is not None:
                self.worth[change.booking] = change.total.amount
        elif isinstance(change, BookingReduced) and change.total is not None:
            self.worth[change.booking] -= change.total.amount
        elif isinstance(change, (HoldExpired, HoldReleased)):
            self.order.pop(change.hold, None)

    def _pledge(self, change: HoldPledged, at_ms: int) -> None:
        known = self.order.setdefault(change.hold, change.order)
        if known != change.order:
            self.wrong.append(f"{known} and {change.order} have one hold")
        first = self.first.setdefault(change.hold, at_ms)
        if change.until_ms > first + limits.PLEDGE_LIFE_S * 1_000:
            self.wrong.append(f"a hold is pledged for too long: {change}")

    def _check_end(self, hold: str, ends_ms: int, change: AnyChange) -> None:
        """No hold outlives twice its length, unless an order has or had it."""
        last_ms = self.created[hold] + self.life_ms
        if hold in self.first:
            pledged_ms = self.first[hold] + limits.PLEDGE_LIFE_S * 1_000
            last_ms = max(last_ms, pledged_ms)
        if ends_ms > last_ms:
            self.wrong.append(f"a hold lasts {ends_ms - last_ms} ms too long: {change}")
