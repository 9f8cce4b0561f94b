"""The lines of an order: what each place costs with its discount, its fee and its tax.

Integers only, in the minor unit of one currency. An order is priced once, when its hold
is pledged, and no line changes its amounts after that: what is given back is copied,
never reckoned again. Sums are sums of lines.
"""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from persistence.shop.money.terms import Fees, Tax, Terms

__all__ = ["Fees", "Line", "Tax", "Terms", "Unit", "div", "price", "spread", "total"]

MILLION: Final = 1_000_000


class Unit(Struct, frozen=True):
    """One seat or place at the price that the actor told when it pledged it."""

    kind: Literal["seat", "place"]
    label: str
    category: str
    type: str | None
    amount: int


class Line(Struct, frozen=True, kw_only=True):
    """One unit of an order, or its fee where that does not return with the units.

    `gross` is what the buyer pays: `unit - discount + fee`, and the tax where that is
    added. With tax included, `tax` is what is inside of `gross`.
    """

    line: int
    """From 1 on, without gaps."""
    kind: Literal["seat", "place", "goods", "fee"]
    label: str
    category: str
    type: str | None
    unit: int
    discount: int
    fee: int
    tax: int
    tax_ppm: int
    gross: int
    seller_fee: int = 0
    """What the seller pays of it: inside of `gross`, and not told to the buyer."""


def div(dividend: int, divisor: int) -> int:
    """Divide what is not negative, half up."""
    if dividend < 0 or divisor <= 0:
        raise ValueError("only what is not negative is divided")
    return (2 * dividend + divisor) // (2 * divisor)


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """Share an amount out by weight, exactly: by largest remainder, ties to the first.

    Nobody gets more than the next whole number above its part, so an amount of at most
    the sum of the weights leaves no share above its weight. Raises ValueError for what
    is negative, and where there is something to share and nothing to share it by.
    """
    whole = sum(weights)
    if amount < 0 or min(weights, default=0) < 0:
        raise ValueError("only what is not negative is shared out")
    if not amount:
        return [0] * len(weights)
    if not whole:
        raise ValueError("there is nothing to share it by")
    shares = [amount * weight // whole for weight in weights]
    left = amount - sum(shares)
    by_remainder = sorted(
        range(len(weights)), key=lambda index: -(amount * weights[index] % whole)
    )
    for index in by_remainder[:left]:
        shares[index] += 1
    return shares


def price(
    units: Sequence[Unit], terms: Terms, discounts: Sequence[int] = ()
) -> list[Line]:
    """Return the lines of an order, one for each unit in their order.

    `discounts` has what each unit is cheaper, or nothing at all; one of the whole order
    is shared out before, by `spread`. Where the buyer pays fees that do not return,
    they are one more line, the last. Raises ValueError for a discount that is negative
    or above its unit.
    """
    taken = discounts or [0] * len(units)
    nets = [
        _after(unit.amount, discount)
        for unit, discount in zip(units, taken, strict=True)
    ]
    fees = _fees(nets, terms.fees)
    by_buyer = terms.fees.paid_by == "buyer"
    on_lines = by_buyer and terms.fees.returns
    lines = [
        _line(
            index + 1,
            unit,
            discount,
            fees[index] if on_lines else 0,
            terms.tax,
            0 if by_buyer else fees[index],
        )
        for index, (unit, discount) in enumerate(zip(units, taken, strict=True))
    ]
    if by_buyer and not on_lines and any(fees):
        lines.append(_fee_line(len(lines) + 1, sum(fees), terms.tax))
    return lines


def total(lines: Sequence[Line]) -> int:
    """Return what the buyer pays."""
    return sum(line.gross for line in lines)


def _after(amount: int, discount: int) -> int:
    if not 0 <= discount <= amount:
        raise ValueError("a discount is from nothing to all of its unit")
    return amount - discount


def _fees(nets: Sequence[int], fees: Fees) -> list[int]:
    """Return the fee of each unit; what costs nothing has none."""
    shares = spread(fees.per_order, nets) if any(nets) else [0] * len(nets)
    return [
        share + fees.per_ticket + div(net * fees.percent_ppm, MILLION) if net else 0
        for net, share in zip(nets, shares, strict=True)
    ]


def _taxed(net: int, tax: Tax) -> tuple[int, int]:
    """Return the tax on an amount, and what is to be paid with it."""
    if tax.included:
        return net - div(net * MILLION, MILLION + tax.ppm), net
    added = div(net * tax.ppm, MILLION)
    return added, net + added


def _line(
    number: int, unit: Unit, discount: int, fee: int, tax: Tax, seller_fee: int
) -> Line:
    due, gross = _taxed(unit.amount - discount + fee, tax)
    return Line(
        line=number,
        kind=unit.kind,
        label=unit.label,
        category=unit.category,
        type=unit.type,
        unit=unit.amount,
        discount=discount,
        fee=fee,
        tax=due,
        tax_ppm=tax.ppm,
        gross=gross,
        seller_fee=seller_fee,
    )


def _fee_line(number: int, fee: int, tax: Tax) -> Line:
    due, gross = _taxed(fee, tax)
    return Line(
        line=number,
        kind="fee",
        label="fee",
        category="",
        type=None,
        unit=0,
        discount=0,
        fee=fee,
        tax=due,
        tax_ppm=tax.ppm,
        gross=gross,
    )
