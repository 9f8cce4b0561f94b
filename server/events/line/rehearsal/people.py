"""Who comes to a rehearsed sale, and what they do: drawn from a seed.

Pure. The same seed brings the same people, whoever else comes.
"""

from random import Random
from typing import Annotated, Final

from msgspec import Meta, Struct

from inventory.line.wishes import Wish
from inventory.settings import Settings
from inventory.venue.map import Venue

Share = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(gt=0, le=3_600)]
Weight = Annotated[float, Meta(ge=0, le=1_000_000)]

PEOPLE_MAX: Final = 50_000
SECONDS_MAX: Final = 21_600
QUANTITIES_MAX: Final = 10
SPREAD: Final = 0.6
"""Of the times that people take: of their logarithms."""

CATEGORIES_WEIGHTS: Final = (5, 3, 2)
"""How many wish for one category, for two, for three."""

ANY_SHARE: Final = 0.2
"""Who wishes for something wants any category, in so many cases."""


class Mix(Struct, frozen=True, forbid_unknown_fields=True):
    """How people are and what they do; shares are from 0 to 1."""

    quantities: Annotated[tuple[Weight, ...], Meta(min_length=1, max_length=10)] = (
        0.14,
        0.46,
        0.14,
        0.26,
    )
    """How many want one place, two, and so on: in proportion."""
    wishes: Share = 0.6
    """Leave a wish; the others choose when it is their turn."""
    together: Share = 0.9
    """Of the wishes: only for places beside each other."""
    early: Share = 0.8
    """Are there before the sale opens."""
    gone: Share = 0.1
    """Go away while they wait."""
    holds: Share = 0.85
    """Of those who choose: hold something."""
    books: Share = 0.75
    """Of what is held: is booked."""
    choose_s: Seconds = 25.0
    """Half have chosen by then."""
    checkout_s: Seconds = 75.0
    """Half have booked, or given back, by then."""


class Person(Struct, frozen=True):
    """One who comes, by number; times in seconds, `came_s` from the opening on."""

    number: int
    came_s: float
    wish: Wish | None
    quantity: int
    gone_s: float | None
    """So long after coming, or after the opening, they look no more."""
    holds: bool
    books: bool
    gives_back: bool
    """Whether what is not booked is given back, or runs out."""
    choose_s: float
    checkout_s: float

    @property
    def name(self) -> str:
        """Return the user that this is."""
        return f"person-{self.number}"


def people_of(
    seed: int, count: int, seconds: int, mix: Mix, venue: Venue, settings: Settings
) -> list[Person]:
    """Return so many people, who come before the opening and within `seconds` after."""
    most = max(1, min(settings.max_per_booking, settings.max_per_user))
    categories = list(venue.areas_of)
    return [
        _person(Random(f"{seed}/{number}"), number, seconds, mix, categories, most)
        for number in range(count)
    ]


def _person(
    dice: Random,
    number: int,
    seconds: int,
    mix: Mix,
    categories: list[str],
    most: int,
) -> Person:
    weights = mix.quantities if sum(mix.quantities) else (1.0,)
    quantity = dice.choices(range(1, len(weights) + 1), weights)[0]
    quantity = min(quantity, most)
    early = dice.random() < mix.early
    came_s = -dice.random() if early else min(dice.expovariate(4), 1.0) * seconds
    return Person(
        number,
        came_s,
        _wish(dice, quantity, mix, categories),
        quantity,
        dice.uniform(0, seconds / 2) if dice.random() < mix.gone else None,
        dice.random() < mix.holds,
        dice.random() < mix.books,
        dice.random() < 0.5,
        mix.choose_s * dice.lognormvariate(0, SPREAD),
        mix.checkout_s * dice.lognormvariate(0, SPREAD),
    )


def _wish(dice: Random, quantity: int, mix: Mix, categories: list[str]) -> Wish | None:
    if dice.random() >= mix.wishes:
        return None
    together = dice.random() < mix.together
    if dice.random() < ANY_SHARE:
        return Wish(quantity, (), together)
    wanted = dice.choices((1, 2, 3), CATEGORIES_WEIGHTS)[0]
    chosen: list[str] = []
    # The first ones of a map are what most would like to have.
    weights = [1 / (place + 1) for place in range(len(categories))]
    for _ in range(min(wanted, len(categories))):
        rest = [
            0.0 if one in chosen else weight
            for one, weight in zip(categories, weights, strict=True)
        ]
        chosen.append(dice.choices(categories, rest)[0])
    return Wish(quantity, tuple(chosen), together)
