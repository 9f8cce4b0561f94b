"""Amounts as Stripe writes them, for every currency that is sold in."""

import pytest

from inventory.money import EXPONENTS
from server.shop.payments.stripe.currencies import (
    THOUSANDTHS,
    UNKNOWN,
    WHOLE,
    NotCharged,
    from_stripe,
    to_stripe,
)


@pytest.mark.parametrize(
    ("amount", "currency", "asked"),
    [
        (4500, "EUR", 4500),
        (4500, "JPY", 4500),
        # No króna has parts, and Stripe takes them in hundredths all the same.
        (4500, "ISK", 450_000),
        (4500, "UGX", 450_000),
        (4500, "HUF", 4500),
        (4500, "TWD", 4500),
        # An ariary has, by ISO, and Stripe takes them whole.
        (4500, "MGA", 45),
        (4500, "KWD", 4500),
        (0, "KWD", 0),
    ],
)
def test_amounts_are_written_as_stripe_does(amount, currency, asked):
    assert to_stripe(amount, currency) == asked
    assert from_stripe(asked, currency) == amount


@pytest.mark.parametrize(
    ("amount", "currency"), [(4550, "MGA"), (1234, "KWD"), (1000, "LYD"), (10, "IQD")]
)
def test_nothing_is_rounded(amount, currency):
    with pytest.raises(NotCharged):
        to_stripe(amount, currency)


def test_what_comes_back_is_not_rounded_either():
    with pytest.raises(NotCharged):
        from_stripe(450_050, "ISK")
    assert from_stripe(1_234, "KWD") == 1_234
    assert from_stripe(45, "MGA") == 4500


@pytest.mark.parametrize("currency", sorted(set(EXPONENTS) - UNKNOWN))
def test_every_currency_comes_back_as_it_went(currency):
    """In the major unit both say the same, whatever the exponents are."""
    for major in (1, 7, 1_234_567):
        ours = major * 10 ** EXPONENTS[currency]
        asked = to_stripe(ours, currency)
        theirs = 0 if currency in WHOLE else 3 if currency in THOUSANDTHS else 2
        assert asked == major * 10**theirs
        assert from_stripe(asked, currency) == ours


def test_the_table_has_currencies_only():
    assert set(EXPONENTS) >= WHOLE | THOUSANDTHS | UNKNOWN
    assert not WHOLE & THOUSANDTHS
