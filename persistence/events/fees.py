"""The fees and the tax of an event, as its row has them.

They are read when an order is priced, and frozen in it: no actor knows them.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from inventory import limits

PPM_MAX: Final = 1_000_000
"""Parts per million: all of it."""

Amount = Annotated[int, Meta(ge=0, le=limits.PRICE_MAX)]
Ppm = Annotated[int, Meta(ge=0, le=PPM_MAX)]


class Fees(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is asked beside the prices, in the minor unit of the event's currency.

    What costs nothing has no fee.
    """

    per_order: Amount = 0
    per_ticket: Amount = 0
    percent_ppm: Ppm = 0
    """Of what a place costs after its discount."""
    paid_by: Literal["buyer", "seller"] = "buyer"
    """A seller's are inside the price, and no buyer is told of them."""
    returns: bool = True
    """Whether the fee of a place is given back with it."""


class Tax(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The tax on all that is sold, at one rate."""

    ppm: Ppm = 0
    included: bool = True
    """Whether prices and fees have it inside; else it is added to them."""
    name: Annotated[str, Meta(max_length=50)] = ""
    """What buyers read: `VAT 19 %`."""


NO_FEES: Final = Fees()
NO_TAX: Final = Tax()
