"""What a stretch of an event's journal comes to, counted; rules without state or IO.

Nothing is decided anew: a change that was committed counts. All that is needed of the
changes before is how many places each live hold has, and the prices.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

from msgspec import Struct

from inventory.changes import (
    AnyChange,
    BookingCancelled,
    BookingReduced,
    EventConfigured,
    HoldBooked,
    HoldExpired,
    HoldReleased,
    SeatsHeld,
    TurnEnded,
    TurnGiven,
)
from inventory.settings import Money

DIGEST_BYTES: Final = 8
"""Of a hold's token, which is a secret until it ends."""

FREE: Final = ""
"""The currency of what has no price."""

Prices = dict[str, Money]


class Categories(Struct, frozen=True):
    """The category of each seat and of each area, by label."""

    seats: dict[str, str]
    areas: dict[str, str]


class Booked(Struct, frozen=True):
    """A booking as its row tells: who made it, and what it has."""

    user: str
    seats: list[str]
    areas: dict[str, int]

    @property
    def places(self) -> int:
        """How many seats and places it has."""
        return len(self.seats) + sum(self.areas.values())


class Counts(Struct):
    """What happened within a time, for one currency."""

    holds: int = 0
    bookings: int = 0
    cancellations: int = 0
    expired: int = 0
    released: int = 0
    seats_booked: int = 0
    seats_cancelled: int = 0
    revenue: int = 0
    refunded: int = 0


class UserCounts(Struct):
    """What one user did."""

    holds: int = 0
    bookings: int = 0
    cancellations: int = 0


class Tally:
    """Counts changes in order; `values` are the bookings' worths, known or made here.

    `holds` and `prices` are as of the version before the first change, and are kept up
    to date.
    """

    def __init__(
        self,
        holds: dict[bytes, int],
        prices: Prices,
        *,
        bookings: Mapping[str, Booked],
        values: Mapping[str, Money],
        categories: Categories,
    ) -> None:
        self.holds = holds
        self.prices = prices
        self.minutes: dict[tuple[int, str], Counts] = {}
        """By minute since 1970, and currency."""
        self.users: dict[str, UserCounts] = {}
        self.made: dict[str, Money] = {}
        """What the bookings made here are worth, where they cost something."""
        self.left: dict[str, Money] = {}
        """What bookings made before are worth since they gave back a part."""
        self._bookings = bookings
        self._values = values
        self._categories = categories
        self._minute = 0

    def add(self, changes: Iterable[AnyChange], at_ms: int) -> None:
        """Count the changes of one batch."""
        self._minute = at_ms // 60_000
        for change in changes:
            count = _COUNT.get(type(change))
            if count is not None:
                count(self, change)

    def _hold(self, change: SeatsHeld) -> None:
        digest = digest_of(change.hold)
        places = len(change.seats) + sum(change.areas.values())
        if digest not in self.holds:
            self._counts().holds += 1
            self._user(change.user).holds += 1
        self.holds[digest] = self.holds.get(digest, 0) + places

    def _give(self, change: TurnGiven) -> None:
        """Count what is held for the next in line, as if they had."""
        if change.hold is None:
            return
        self._counts().holds += 1
        self._user(change.user).holds += 1
        places = len(change.seats) + sum(change.areas.values())
        self.holds[digest_of(change.hold)] = places

    def _end_turn(self, change: TurnEnded) -> None:
        """Count what was given back with a turn."""
        for token in change.holds:
            del self.holds[digest_of(token)]
            self._counts().released += 1

    def _release(self, change: HoldReleased) -> None:
        digest = digest_of(change.hold)
        places = len(change.seats) + sum(change.areas.values())
        left = self.holds.pop(digest) - places
        if left:
            self.holds[digest] = left
        else:
            self._counts().released += 1

    def _expire(self, change: HoldExpired) -> None:
        del self.holds[digest_of(change.hold)]
        self._counts().expired += 1

    def _book(self, change: HoldBooked) -> None:
        places = self.holds.pop(digest_of(change.hold))
        booked = self._bookings[change.booking]
        value = change.total
        if value is None:
            # Free, or by a former version, which priced what it booked.
            value = self._value_of(booked)
        if value.amount:
            self.made[change.booking] = value
        counts = self._counts(value.currency)
        counts.bookings += 1
        counts.seats_booked += places
        counts.revenue += value.amount
        self._user(booked.user).bookings += 1

    def _cancel(self, change: BookingCancelled) -> None:
        booked = self._bookings[change.booking]
        value = self._worth(change.booking)
        counts = self._counts(None if value is None else value.currency)
        counts.cancellations += 1
        counts.seats_cancelled += booked.places
        counts.refunded += 0 if value is None else value.amount
        self._user(booked.user).cancellations += 1

    def _reduce(self, change: BookingReduced) -> None:
        """Count what went; the booking goes on, worth so much less."""
        total, value = change.total, self._worth(change.booking)
        counts = self._counts(None if total is None else total.currency)
        counts.seats_cancelled += len(change.seats) + sum(change.areas.values())
        if total is None or value is None:
            return
        counts.refunded += total.amount
        worth = self.made if change.booking in self.made else self.left
        worth[change.booking] = Money(value.amount - total.amount, value.currency)

    def _worth(self, booking: str) -> Money | None:
        """Return what a live booking is worth; None where it never cost anything."""
        for known in (self.made, self.left, self._values):
            if booking in known:
                return known[booking]
        return None

    def _configure(self, change: EventConfigured) -> None:
        self.prices = change.settings.prices

    def _currency(self) -> str:
        return next(iter(self.prices.values())).currency if self.prices else FREE

    def _counts(self, currency: str | None = None) -> Counts:
        key = self._minute, self._currency() if currency is None else currency
        counts = self.minutes.get(key)
        if counts is None:
            counts = self.minutes[key] = Counts()
        return counts

    def _user(self, user: str) -> UserCounts:
        counts = self.users.get(user)
        if counts is None:
            counts = self.users[user] = UserCounts()
        return counts

    def _value_of(self, booked: Booked) -> Money:
        """Sum the prices as they are now."""
        if not self.prices:
            return Money(0, FREE)
        amount = sum(
            self._amount_of(self._categories.seats[label]) for label in booked.seats
        )
        for label, count in booked.areas.items():
            amount += self._amount_of(self._categories.areas[label]) * count
        return Money(amount, self._currency())

    def _amount_of(self, category: str) -> int:
        price = self.prices.get(category)
        return 0 if price is None else price.amount


_COUNT: Final[dict[type, Callable[[Tally, Any], None]]] = {
    SeatsHeld: Tally._hold,
    HoldReleased: Tally._release,
    HoldExpired: Tally._expire,
    HoldBooked: Tally._book,
    BookingCancelled: Tally._cancel,
    BookingReduced: Tally._reduce,
    EventConfigured: Tally._configure,
    TurnGiven: Tally._give,
    TurnEnded: Tally._end_turn,
}


def digest_of(token: str) -> bytes:
    """Return what stands for a hold's token where the token itself must not be."""
    return blake2b(token.encode(), digest_size=DIGEST_BYTES).digest()


def bookings_in(batches: Iterable[Sequence[AnyChange]]) -> set[str]:
    """Return the bookings that are made, reduced or cancelled in these batches."""
    return {
        change.booking
        for changes in batches
        for change in changes
        if isinstance(change, HoldBooked | BookingCancelled | BookingReduced)
    }


def needs_categories(batches: Iterable[Sequence[AnyChange]], prices: Prices) -> bool:
    """Return whether anything in these batches is priced by the category of a place.

    That is a booking of a former version, which does not say what it costs.
    """
    priced, unsaid = bool(prices), False
    for changes in batches:
        for change in changes:
            if isinstance(change, EventConfigured):
                priced = priced or bool(change.settings.prices)
            elif isinstance(change, HoldBooked):
                unsaid = unsaid or change.total is None
    return priced and unsaid
