"""Watches the turns of one line: what is held in them, how soon, and what is booked.

What a turn takes is seen by looking at the event a few times a second, and how it ends
in what the event publishes: nothing is asked of the booking path.
"""

from msgspec import Struct

from inventory.line.line import Line
from inventory.ports import Publication
from inventory.state import Stock
from server.events.line.pace.averages import Averages
from server.events.line.pace.rate import Rate


class SeenTurn(Struct):
    """An open turn, as far as it was seen. Times in seconds."""

    given_at: float
    before: int
    """Places that its user had before."""
    browses: bool
    held_at: float | None = None
    places: int = 0
    chose: bool = False
    """Whether what it took is counted."""


class TurnWatch:
    """The open turns of one line whose begin was seen."""

    def __init__(self) -> None:
        self.holds = 0
        """How often somebody began to hold something in a turn."""
        self._open: dict[str, SeenTurn] = {}

    def begin(self, publication: Publication, stock: Stock, now: float) -> None:
        """Note turns that were given."""
        for news in publication.turns:
            places = len(news.seats) + sum(news.areas.values())
            before = _count(stock, news.user) - places
            seen = SeenTurn(now, before, news.hold is None)
            if news.hold is not None:
                seen.held_at, seen.places = now, places
            self._open[news.user] = seen

    def look(self, line: Line, stock: Stock, averages: Averages, now: float) -> None:
        """See who holds something by now, and who gave it back."""
        turns = line.turns
        for user, seen in self._open.items():
            if user in turns.choosing:
                if seen.held_at is not None:
                    averages.held(seen.places, now - seen.held_at, booked=False)
                    seen.held_at = None
            elif user in turns.open:
                self._holds(seen, _count(stock, user), averages, now)

    def still(self, now: float) -> list[tuple[int, float]]:
        """Return the holds that are open: places, and how long they are held."""
        return [
            (seen.places, now - seen.held_at)
            for seen in self._open.values()
            if seen.held_at is not None
        ]

    def end(
        self,
        publication: Publication,
        stock: Stock,
        averages: Averages,
        rate: Rate | None,
        now: float,
    ) -> None:
        """Count turns that ended."""
        for over in publication.turns_over:
            seen = self._open.pop(over.user, None)
            if seen is None:
                continue
            booked = over.why == "booked"
            if booked:
                if rate is not None:
                    rate.checked_out(now - seen.given_at)
                self._holds(seen, _count(stock, over.user), averages, now)
            if seen.held_at is not None:
                averages.held(seen.places, now - seen.held_at, booked=booked)
            elif seen.browses and not seen.chose and over.why != "sale":
                averages.chose_nothing()

    def _holds(
        self, seen: SeenTurn, count: int, averages: Averages, now: float
    ) -> None:
        seen.places = max(seen.places, count - seen.before)
        if seen.held_at is None:
            seen.held_at = now
            self.holds += 1
        if seen.browses and not seen.chose:
            seen.chose = True
            averages.chose(seen.places, now - seen.given_at)


def _count(stock: Stock, user: str) -> int:
    record = stock.users.get(user)
    return 0 if record is None else record.count
