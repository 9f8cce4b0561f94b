"""On what terms an event sells, as its row has them.

They are read when an order is priced, and frozen in it: no actor knows them.
"""

from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from persistence.events.details import NO_FEES, NO_TAX, Fees, Late, Tax

__all__ = ["NO_CURRENCY", "Fees", "Reads", "Tax", "Terms", "terms_of"]

NO_CURRENCY: Final = "XXX"
"""What ISO 4217 has where nothing is paid in any currency."""

# All prices of an event are in one currency, which only changes while it has none sold.
_TERMS = """
SELECT e.fees::text AS fees, e.tax::text AS tax, e.late,
    (SELECT min(p.value ->> 'currency') FROM jsonb_each(e.settings -> 'prices') AS p)
        AS currency
FROM event e WHERE e.event_id = $1
"""

_fees = msgspec.json.Decoder(Fees).decode
_tax = msgspec.json.Decoder(Tax).decode


class Terms(Struct, frozen=True):
    """What makes lines of an order out of prices, and what becomes of late money."""

    currency: str
    """`NO_CURRENCY` where nothing has a price."""
    fees: Fees = NO_FEES
    tax: Tax = NO_TAX
    late: Late = "same"


class Reads(Protocol):
    """A pool, or a connection in a transaction."""

    async def fetch(self, sql: str, /, *args: object) -> Any:
        """Return the rows of one statement."""


async def terms_of(where: Reads, event: str) -> Terms:
    """Return on what terms an event sells now. Raises KeyError, and `Unavailable`."""
    rows = await where.fetch(_TERMS, event)
    if not rows:
        raise KeyError(event)
    row = rows[0]
    currency = row["currency"] or NO_CURRENCY
    return Terms(currency, _fees(row["fees"]), _tax(row["tax"]), row["late"])
