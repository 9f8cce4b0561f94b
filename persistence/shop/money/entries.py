"""The ledger in double entry: only ever added to, and each posting sums to 0.

A posting's name says what happened and to what, so that what is told twice is posted
once: whoever posts again what is there already does nothing.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal, get_args

from msgspec import Struct

Account = Literal["provider", "sales", "fees", "tax", "due"]
"""Debits are positive. `provider` is what it holds for us, `due` what we owe buyers."""
ACCOUNTS: Final[tuple[Account, ...]] = get_args(Account)

_POST = """
INSERT INTO money_entry (order_id, posting, account, amount, currency)
SELECT $1, $2, e.account, e.amount, e.currency
FROM unnest($3::text[], $4::bigint[], $5::text[]) AS e(account, amount, currency)
WHERE NOT EXISTS (SELECT FROM money_entry WHERE order_id = $1 AND posting = $2)
RETURNING 1
"""
_POSTED = """
SELECT account, amount, currency FROM money_entry WHERE order_id = $1 AND posting = $2
"""
_BALANCES = """
SELECT account, sum(amount)::bigint AS amount, currency FROM money_entry
WHERE order_id = $1 GROUP BY account, currency
"""


class PostedOtherwise(Exception):
    """The same posting is there with other amounts; the message names it."""


class Entry(Struct, frozen=True, order=True):
    """An amount on an account, in the minor unit of its currency."""

    account: Account
    amount: int
    currency: str


async def post(
    connection: Any, order: str, posting: str, entries: Sequence[Entry]
) -> bool:
    """Post in the caller's transaction; return whether it was not posted before.

    The caller has locked the order's row, so that nobody posts the same beside it. A
    posting of nothing is none. Raises `PostedOtherwise` where it is there with other
    amounts, and ValueError for what does not sum to 0 in one currency.
    """
    if not entries:
        return False
    if sum(one.amount for one in entries) or len({one.currency for one in entries}) > 1:
        raise ValueError(f"{posting} of {order} does not sum to 0 in one currency")
    columns = (
        [one.account for one in entries],
        [one.amount for one in entries],
        [one.currency for one in entries],
    )
    if await connection.fetch(_POST, order, posting, *columns):
        return True
    rows = await connection.fetch(_POSTED, order, posting)
    if sorted(map(_entry_of, rows)) != sorted(entries):
        raise PostedOtherwise(f"{posting} of {order}")
    return False


async def balances(connection: Any, order: str) -> list[Entry]:
    """Return what stands on each account of an order."""
    return [_entry_of(row) for row in await connection.fetch(_BALANCES, order)]


def _entry_of(row: Any) -> Entry:
    return Entry(row["account"], row["amount"], row["currency"])
