"""Cells that no spreadsheet runs, and amounts with the digits of their currency."""

import csv
import io
from datetime import UTC, datetime

import pytest

from persistence.shop.exports import SoldOrder
from server.shop.exports.tables import MARK, guarded, head_of, lines_of

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)


def sold(name: str = "", currency: str | None = "EUR", total: int = 9_300) -> SoldOrder:
    return SoldOrder(
        "ord_1", "K7M2QX", "confirmed", "none", AT, None, name, "o@example.org",
        currency, 2, total, 0, 0, 0, total, 0, 0, None, "",
    )  # fmt: skip


def cells(row: SoldOrder) -> dict[str, str]:
    """Read a row back as a program does."""
    text = head_of(SoldOrder).removeprefix(MARK) + lines_of([row])
    (found,) = csv.DictReader(io.StringIO(text))
    return found


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("http://evil.example";"click")',
        "+1-800",
        "-2+3",
        "@SUM(A1)",
        "\tx",
        "\r=1",
        "\n=1",
        " =1+1",
        "\uff1d1+1",
    ],
)
def test_what_looks_like_a_formula_begins_with_an_apostrophe(text):
    assert guarded(text) == f"'{text}"
    assert cells(sold(text))["buyer_name"] == f"'{text}"


@pytest.mark.parametrize("text", ["", "Olga", "Anne-Marie", "O'Neill", "1+1", 'a,b"c'])
def test_what_is_none_is_left_as_it_is(text):
    assert guarded(text) == text
    assert cells(sold(text))["buyer_name"] == text


@pytest.mark.parametrize(
    ("currency", "total", "told"),
    [
        ("EUR", 9_300, "93.00"),
        ("EUR", 5, "0.05"),
        ("JPY", 9_300, "9300"),
        ("KWD", 9_300, "9.300"),
        (None, 0, ""),
    ],
)
def test_amounts_have_the_digits_of_their_currency(currency, total, told):
    found = cells(sold(currency=currency, total=total))
    assert (found["total"], found["currency"]) == (told, currency or "")


def test_lines_end_as_the_standard_has_it_and_times_are_in_utc():
    text = lines_of([sold(), sold()])
    assert text.count("\r\n") == 2
    assert cells(sold())["created_at"] == "2026-11-21T10:00:00Z"
    assert head_of(SoldOrder).startswith("\ufefforder,reference,")
