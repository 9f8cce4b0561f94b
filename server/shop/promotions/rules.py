"""What promotions take off the places of an order: pure, integers only.

Percentages come first, each of what the ones before it left, then amounts, which are
shared out by what each place still costs. So it makes no difference in which order
codes are named, and no place ever costs less than nothing.
"""

from collections.abc import Sequence
from typing import Final

from persistence.shop.promotions.discounts import Discount
from server.shop.money.pricing import Unit, div, spread

MILLION: Final = 1_000_000


def in_order(discounts: Sequence[Discount]) -> tuple[Discount, ...]:
    """Return discounts in the order in which they are taken off."""
    return tuple(sorted(discounts, key=lambda one: (one.amount > 0, one.promotion)))


def taken_off(
    units: Sequence[Unit], discounts: Sequence[Discount], currency: str
) -> list[int]:
    """Return by how much each unit of an order is cheaper."""
    shares = _shares(units, discounts, currency)
    return [sum(each) for each in zip(*shares, strict=True)] if shares else []


def idle(
    units: Sequence[Unit], discounts: Sequence[Discount], currency: str
) -> Discount | None:
    """Return a discount that takes nothing off these units; None where each does."""
    ordered = in_order(discounts)
    shares = _shares(units, ordered, currency)
    found = (one for one, of in zip(ordered, shares, strict=True) if not any(of))
    return next(found, None)


def each_took(
    units: Sequence[Unit], discounts: Sequence[Discount], currency: str
) -> dict[str, int]:
    """Return what each promotion takes off of all units together, by its id."""
    shares = _shares(units, discounts, currency)
    ordered = in_order(discounts)
    return {one.promotion: sum(of) for one, of in zip(ordered, shares, strict=True)}


def _shares(
    units: Sequence[Unit], discounts: Sequence[Discount], currency: str
) -> list[list[int]]:
    """Return what each discount, as they are taken, takes off each unit."""
    left = [unit.amount for unit in units]
    shares = []
    for discount in in_order(discounts):
        share = _share(units, left, discount, currency)
        left = [rest - part for rest, part in zip(left, share, strict=True)]
        shares.append(share)
    return shares


def _share(
    units: Sequence[Unit], left: Sequence[int], discount: Discount, currency: str
) -> list[int]:
    """Return what one takes off of what is left of the units that it is for."""
    mine = [_is_for(discount, unit) for unit in units]
    whole = sum(unit.amount for unit, is_for in zip(units, mine, strict=True) if is_for)
    nothing = [0] * len(units)
    if discount.currency not in (None, currency) or whole < discount.minimum:
        return nothing
    nets = [rest if is_for else 0 for rest, is_for in zip(left, mine, strict=True)]
    if discount.ppm:
        return [div(net * discount.ppm, MILLION) for net in nets]
    return spread(min(discount.amount, sum(nets)), nets)


def _is_for(discount: Discount, unit: Unit) -> bool:
    categories, types = discount.categories, discount.types
    if categories is not None and unit.category not in categories:
        return False
    return types is None or unit.type in types
