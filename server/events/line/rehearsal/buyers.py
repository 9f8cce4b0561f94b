"""What one person of a rehearsed sale does in their turn."""

from typing import Final, Literal

from inventory.commands import AnyCommand, Book, Hold, HoldBest, LeaveLine, Release
from inventory.replies import HoldOk, Refused, Reply
from inventory.state import Stock
from server.events.line.rehearsal.people import Person

Act = Literal["choose", "book", "release", "leave"]
Acts = list[tuple[int, Act]]
"""What is to be done, each so many milliseconds from now."""

RETRY_MS: Final = 1_000
"""Who is refused looks again after so long."""


class Buyer:
    """One person, and what they are about to do."""

    __slots__ = (
        "_event",
        "_hold",
        "_left",
        "_stock",
        "found_nothing",
        "held",
        "person",
        "rank",
    )

    def __init__(self, person: Person, stock: Stock, event: str) -> None:
        self.person = person
        self.rank = 0
        self.found_nothing = False
        """Whether they looked for a single place, and there was none."""
        self.held = 0
        """Places that they held."""
        self._stock = stock
        self._event = event
        self._hold: str | None = None
        self._left = person.quantity

    def turn(self, hold: str | None) -> Acts:
        """Hear of one's turn; a hold is what was wished for."""
        person = self.person
        if hold is not None:
            self._hold, self.held = hold, person.quantity
            return self._check_out()
        if not person.holds:
            # They go on with their day, or say so.
            after_ms = round(1_000 * person.choose_s)
            return [(after_ms, "leave")] if person.gives_back else []
        return [(round(1_000 * person.choose_s), "choose")]

    def _check_out(self) -> Acts:
        person = self.person
        after_ms = round(1_000 * person.checkout_s)
        if person.books:
            return [(after_ms, "book")]
        return [(after_ms, "release")] if person.gives_back else []

    def command(self, act: str) -> AnyCommand | None:
        """Return what one asks for now; None where there is nothing to be asked."""
        event = self._event
        if act == "choose":
            return self._choose()
        if act == "leave":
            return LeaveLine(id=0, event=event, rank=self.rank)
        if self._hold is None or self._hold not in self._stock.holds:
            return None
        if act == "book":
            return Book(id=0, event=event, hold=self._hold)
        return Release(id=0, event=event, hold=self._hold)

    def _choose(self) -> AnyCommand:
        """Ask for places together, where any are: seats, else an area's."""
        stock, quantity = self._stock, self._left
        if stock.finder.free_count() >= quantity:
            adjacent = stock.finder.has_window(quantity, None, False)
            return HoldBest(
                id=0, event=self._event, quantity=quantity, adjacent=adjacent
            )
        areas = stock.venue.areas
        roomiest = max(
            range(len(areas)), key=lambda one: stock.areas[one].free, default=None
        )
        if roomiest is None:
            return HoldBest(id=0, event=self._event, quantity=quantity, adjacent=False)
        label = areas[roomiest].label
        return Hold(id=0, event=self._event, areas={label: quantity})

    def answered(self, reply: Reply) -> Acts:
        """Hear what became of what one asked for."""
        if isinstance(reply, HoldOk):
            self._hold, self.held = reply.hold, self._left
            return self._check_out()
        if not isinstance(reply, Refused):
            return []
        if reply.code not in {"not_enough_seats", "seat_not_free", "orphan_seat"}:
            return []
        if self._left > 1:
            self._left -= 1
            return [(RETRY_MS, "choose")]
        self.found_nothing = True
        return [(RETRY_MS, "leave")]
