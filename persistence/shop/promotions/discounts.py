"""What a promotion takes off an order, as it is frozen in that when it is made."""

from msgspec import Struct


class Discount(Struct, frozen=True, kw_only=True):
    """A part of what each place costs, or an amount off all of them together."""

    promotion: str
    name: str
    ppm: int = 0
    """Parts per million of what a place costs; 0 where it is an amount."""
    amount: int = 0
    """Off the whole order, in the minor unit of `currency`."""
    minimum: int = 0
    """What the places that it is for have to cost together."""
    currency: str | None = None
    """That of its amounts; None where it has none."""
    categories: tuple[str, ...] | None = None
    """Whose places it is for; None is all."""
    types: tuple[str, ...] | None = None
    """What they have to be sold as; None is anything, also as no type."""
    stacks: bool = False
    """Whether an order may have another one beside it."""
