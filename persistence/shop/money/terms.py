"""On what terms an event sells: its fees and its tax, as its row has them.

They are read when an order is priced, and frozen in it: no actor knows them.
"""

from typing import Annotated, Any, Final, Literal, Protocol

import msgspec
from msgspec import Meta, Struct

from inventory import limits
from inventory.names import NAME_PATTERN

NO_CURRENCY: Final = "XXX"
"""What ISO 4217 has where nothing is paid in any currency."""

PPM_MAX: Final = 1_000_000
"""Parts per million: all of it."""

# All prices of an event are in one currency, which only changes while it has none sold.
_TERMS = """
SELECT e.fees::text AS fees, e.tax::text AS tax,
    (SELECT min(p.value ->> 'currency') FROM jsonb_each(e.settings -> 'prices') AS p)
        AS currency
FROM event e WHERE e.event_id = $1
"""

Amount = Annotated[int, Meta(ge=0, le=limits.PRICE_MAX)]
Ppm = Annotated[int, Meta(ge=0, le=PPM_MAX)]
TaxName = Annotated[str, Meta(min_length=1, max_length=50, pattern=NAME_PATTERN)]


class Fees(Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked beside the prices, in the minor unit of the event's currency.

    What costs nothing has no fee.
    """

    per_order: Amount = 0
    per_ticket: Amount = 0
    percent_ppm: Ppm = 0
    """Of what a place costs after its discount."""
    paid_by: Literal["buyer", "seller"] = "buyer"
    """A seller's are inside the prices: no line of an order shows them."""
    returns: bool = True
    """Whether the fee of a place is given back with it."""


class Tax(Struct, frozen=True, forbid_unknown_fields=True):
    """The tax on all that is sold, at one rate."""

    ppm: Ppm = 0
    included: bool = True
    """Whether prices and fees have it inside; else it is added to them."""
    name: TaxName = "Tax"
    """What buyers read: `VAT 19 %`."""


NO_FEES: Final = Fees()
NO_TAX: Final = Tax()

_fees = msgspec.json.Decoder(Fees).decode
_tax = msgspec.json.Decoder(Tax).decode


class Terms(Struct, frozen=True):
    """All that makes lines of an order out of prices."""

    currency: str
    """`NO_CURRENCY` where nothing has a price."""
    fees: Fees = NO_FEES
    tax: Tax = NO_TAX


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
    return Terms(currency, _fees(row["fees"]), _tax(row["tax"]))
