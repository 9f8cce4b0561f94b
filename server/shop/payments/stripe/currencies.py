"""Amounts as Stripe writes them, which is not always as ISO 4217 does.

Stripe counts most currencies in hundredths, whatever ISO says of them: krónur and
Ugandan shillings have none, and yet are sent as if they had. It has a list of those
that it takes whole, one of which ISO does divide (MGA), and one of those with three
digits, of which the last must be 0. This is the one table of it.
"""

from typing import Final

from inventory.money import exponent_of

_WHOLE = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD JOD KWD OMR TND"

WHOLE: Final = frozenset(_WHOLE.split())
THOUSANDTHS: Final = frozenset(_THOUSANDTHS.split())
UNKNOWN: Final = frozenset({"IQD", "LYD"})
"""Sold in thousandths, and charged by Stripe in none."""


class NotCharged(ValueError):
    """An amount that Stripe has no number for."""


def to_stripe(amount: int, currency: str) -> int:
    """Return what to ask Stripe for. Raises NotCharged; nothing is rounded."""
    shift = _exponent(currency) - exponent_of(currency)
    asked = _shifted(amount, shift, currency)
    if currency in THOUSANDTHS and asked % 10:
        raise NotCharged(f"Stripe charges {currency} in steps of 10 at least")
    return asked


def from_stripe(amount: int, currency: str) -> int:
    """Return an amount of Stripe's in our minor unit. Raises NotCharged."""
    shift = exponent_of(currency) - _exponent(currency)
    return _shifted(amount, shift, currency)


def _exponent(currency: str) -> int:
    if currency in UNKNOWN:
        raise NotCharged(f"Stripe does not charge {currency}")
    if currency in WHOLE:
        return 0
    return 3 if currency in THOUSANDTHS else 2


def _shifted(amount: int, digits: int, currency: str) -> int:
    """Return an amount with more digits, or less where those are 0."""
    power: int = 10 ** abs(digits)
    if digits >= 0:
        return amount * power
    whole, rest = divmod(amount, power)
    if rest:
        raise NotCharged(f"{amount} {currency} has no number at Stripe")
    return whole
