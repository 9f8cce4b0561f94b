"""Amounts as people read them, by the exponents of ISO 4217."""

import pytest

from inventory.money import EXPONENTS, decimal_of, exponent_of, is_currency, text_of
from inventory.settings import Money


@pytest.mark.parametrize(
    ("amount", "currency", "decimal", "text"),
    [
        (123_450, "EUR", "1234.50", "1,234.50 EUR"),
        (5, "EUR", "0.05", "0.05 EUR"),
        (0, "EUR", "0.00", "0.00 EUR"),
        (-50, "EUR", "-0.50", "-0.50 EUR"),
        (4_500, "JPY", "4500", "4,500 JPY"),
        (4_500, "KWD", "4.500", "4.500 KWD"),
        (7, "KWD", "0.007", "0.007 KWD"),
        (2**60, "ISK", str(2**60), f"{2**60:,} ISK"),
    ],
)
def test_amounts_are_written_with_the_digits_of_their_currency(
    amount, currency, decimal, text
):
    assert decimal_of(amount, currency) == decimal
    assert text_of(Money(amount, currency)) == text


def test_currencies_are_those_that_one_can_pay_with():
    assert {"EUR", "USD", "JPY", "KWD", "TND", "CLP"} <= EXPONENTS.keys()
    assert not any(map(is_currency, ["XXX", "XTS", "XAU", "ABC", "eur", ""]))
    assert all(len(code) == 3 and code.isupper() for code in EXPONENTS)
    assert set(EXPONENTS.values()) == {0, 2, 3}


def test_what_former_versions_took_is_shown_as_most_currencies_are():
    assert exponent_of("ABC") == 2
