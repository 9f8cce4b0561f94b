"""The ledger in double entry: only ever added to, and each posting sums to 0.

A posting's name says what happened and to what, so that nothing is posted twice: the
table's key refuses what is there already. It is written with the order that it is of
(`persistence/shop/orders/writing.py`).
"""

from collections.abc import Sequence
from typing import Any, Final, Literal, get_args

from msgspec import Struct

Account = Literal["provider", "sales", "fees", "tax", "due"]
"""Debits are positive. `provider` is what it holds for us, `due` what we owe buyers."""
ACCOUNTS: Final[tuple[Account, ...]] = get_args(Account)

_BALANCES = """
SELECT account, sum(amount)::bigint AS amount, currency FROM money_entry
WHERE order_id = $1 GROUP BY account, currency
"""


class Entry(Struct, frozen=True, order=True):
    """An amount on an account, in the minor unit of its currency."""

    account: Account
    amount: int
    currency: str


def check_posting(order: str, posting: str, entries: Sequence[Entry]) -> None:
    """Check that a posting may be written. Raises ValueError."""
    if sum(one.amount for one in entries) or len({one.currency for one in entries}) > 1:
        raise ValueError(f"{posting} of {order} does not sum to 0 in one currency")


async def balances(connection: Any, order: str) -> list[Entry]:
    """Return what stands on each account of an order."""
    return [_entry_of(row) for row in await connection.fetch(_BALANCES, order)]


def _entry_of(row: Any) -> Entry:
    return Entry(row["account"], row["amount"], row["currency"])
