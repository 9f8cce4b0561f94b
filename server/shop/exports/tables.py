"""Rows as CSV (RFC 4180) that a spreadsheet shows, and never runs.

What somebody typed in may look like a formula, which spreadsheets run as soon as the
file is opened: so such a cell begins with an apostrophe. Amounts are in the major unit,
with as many digits behind the point as their currency has.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from inventory.money import decimal_of
from persistence.shop.exports import Exported

MARK: Final = "\ufeff"
"""At the beginning of a file: by it spreadsheets know that it is UTF-8."""

FORMULA: Final = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a formula begins with; wide forms are taken for the others."""

MONEY: Final = frozenset(
    {"unit", "discount", "fee", "tax", "total", "returned", "due", "gross", "net"}
)


def head_of(kind: type[Exported]) -> str:
    """Return the first line of a file, with its mark."""
    return MARK + _lines([kind.__struct_fields__])


def lines_of(rows: Iterable[Exported]) -> str:
    """Return rows as lines."""
    return _lines([_cells(row) for row in rows])


def guarded(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    # Some leave out blanks before they look; an apostrophe more does no harm.
    bare = text.lstrip(" \u00a0\u3000")
    return f"'{text}" if text and (text[0] in FORMULA or bare[:1] in FORMULA) else text


def _cells(row: Exported) -> list[str]:
    currency = getattr(row, "currency", None)
    return [_cell(name, getattr(row, name), currency) for name in row.__struct_fields__]


def _cell(name: str, value: object, currency: str | None) -> str:
    match value:
        case None:
            return ""
        case int() if name in MONEY:
            # Without a currency nothing has a price.
            return "" if currency is None else decimal_of(value, currency)
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        case str():
            return guarded(value)
        case _:
            return str(value)


def _lines(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
