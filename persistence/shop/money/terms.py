"""On what terms an event sells: frozen in an order when it is priced."""

from msgspec import Struct

from persistence.events.fees import NO_FEES, NO_TAX, Fees, Tax


class Terms(Struct, frozen=True):
    """All that makes lines of an order out of prices."""

    currency: str
    """`XXX`, which ISO 4217 has for it, where nothing has a price."""
    fees: Fees = NO_FEES
    tax: Tax = NO_TAX
