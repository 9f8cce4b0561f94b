"""What the places of a hold cost, as its holder was told: kept until they are booked.

The prices of an event may change at any time; those of a hold do not. A hold of former
versions has none and is priced when it is booked, as it was then.
"""

from msgspec import Struct

from inventory.settings import Money

Run = tuple[int, int, int]
"""Places of one area at one price: area, how many, amount of each."""


Place = tuple[int, int, int, str | None]
"""Places that are told apart by what they cost: a run, and their type."""


class Kinds(Struct, frozen=True, array_like=True, gc=False):
    """Which type each seat and each run of `Prices` is sold as; None is no type."""

    seats: tuple[str | None, ...]
    areas: tuple[str | None, ...]


class Prices(Struct, frozen=True, array_like=True, gc=False):
    """The amounts of a hold or a booking, in minor units; replaced, never changed.

    `seats` has one for each seat, in the order of the hold's. `areas` has a run for
    each time that places were added: two of one area may differ.
    """

    currency: str | None
    """None where nothing had a price, which is told as no total at all."""
    seats: tuple[int, ...]
    areas: tuple[Run, ...]

    def total(self) -> Money | None:
        """Return the sum; None where nothing had a price."""
        if self.currency is None:
            return None
        amount = sum(self.seats)
        if self.areas:
            amount += sum([count * each for _, count, each in self.areas])
        return Money(amount, self.currency)

    def plus(self, more: "Prices") -> "Prices":
        """Return these and, behind them, those of what was added.

        Where one of both had no price its amounts are 0, in whatever currency.
        """
        return Prices(
            more.currency if self.currency is None else self.currency,
            self.seats + more.seats,
            self.areas + more.areas,
        )

    def minus(self, left: "Prices") -> Money | None:
        """Return what is given back where these become those that are `left`."""
        total, rest = self.total(), left.total()
        if total is None or rest is None:
            return None
        return Money(total.amount - rest.amount, total.currency)

    def keeping(self, kept: list[bool], less: dict[int, int]) -> "Prices":
        """Return those of the seats that are `kept`, and of all but `less` places.

        Of an area the places that were added last are given back first.
        """
        pairs = zip(self.seats, kept, strict=True)
        seats = tuple([amount for amount, keep in pairs if keep])
        if not less:
            return Prices(self.currency, seats, self.areas)
        left, runs = dict(less), []
        for area, count, each in reversed(self.areas):
            gone = min(count, left.get(area, 0))
            if gone:
                left[area] -= gone
            if count > gone:
                runs.append((area, count - gone, each))
        return Prices(self.currency, seats, tuple(reversed(runs)))
