"""What somebody who waits would like to have."""

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, json

from inventory import limits

Category = Annotated[str, Meta(min_length=1, max_length=limits.LABEL_LENGTH_MAX)]
Categories = Annotated[
    tuple[Category, ...], Meta(max_length=limits.WISH_CATEGORIES_MAX)
]
WishQuantity = Annotated[int, Meta(ge=1, le=limits.SEATS_PER_BOOKING_MAX)]
Atom = tuple[int, str, bool, bool]
"""One thing that serves a wish: how many, the category (empty for any), together, and
accessible. They can be sorted."""

Kind = tuple[str, bool, bool]
"""What atoms have in common that differ in how many alone."""


class Wish(Struct, frozen=True, gc=False, omit_defaults=True):
    """So many seats or places, all or none of them."""

    quantity: WishQuantity
    categories: Categories = ()
    """Those that will do, the best first; none means any."""
    together: bool = True
    accessible: bool = False
    if_none: Literal["wait", "browse"] = "wait"
    """Whether to wait until it fits, or to choose among what there is when it is one's
    turn."""

    def atoms(self) -> tuple[Atom, ...]:
        """Return what would do, the best first."""
        # One alone is always together: so equal things are in one queue.
        together = self.together or self.quantity == 1
        return tuple(
            [
                (self.quantity, category, together, self.accessible)
                for category in self.categories or ("",)
            ]
        )


_TOLD_BYTES: Final = 110
_encode = json.Encoder().encode


def told_bytes(wishes: Iterable[Wish]) -> int:
    """Return how many bytes of JSON tell wishes with the numbers of their classes.

    At most: it is what a line of a transcript has to have room for.
    """
    # A comma behind each label.
    return sum(
        _TOLD_BYTES + sum(len(_encode(one)) + 1 for one in wish.categories)
        for wish in wishes
    )


NO_WISH: Final = 0
"""The class of those who would like to choose themselves."""
