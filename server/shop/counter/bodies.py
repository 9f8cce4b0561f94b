"""What is sent about sales at a counter."""

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from inventory.commands import Label, Labels, Quantities, Quantity, Token, Types
from inventory.faults import Faults
from inventory.settings import Money
from server.shop.orders.bodies import BuyerFields
from server.transport.mail.addresses import NO_EMAIL, typed_email
from server.transport.rest.bodies import Body

REASON_LENGTH_MAX: Final = 100

Sale = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=64,
        pattern="^[A-Za-z0-9_-]+$",
        description="What whoever sells calls it: another one for each customer.",
    ),
]
Reason = Annotated[str, Meta(min_length=1, max_length=REASON_LENGTH_MAX)]


class CounterHold(Body):
    """What a customer wants: `seats` and `areas` by name, or the best `quantity`."""

    sale: Sale
    seats: Labels | UnsetType = UNSET
    areas: Quantities | UnsetType = UNSET
    quantity: Quantity | UnsetType = UNSET
    category: Label | UnsetType = UNSET
    accessible: bool = False
    adjacent: bool = True
    hold: Token | UnsetType = UNSET
    """A hold of the same sale that it is added to."""

    def check(self, faults: Faults) -> None:
        """Add what does not go together."""
        named = self.seats is not UNSET or self.areas is not UNSET
        if named == (self.quantity is not UNSET):
            faults.add("seats", "Say either seats and areas, or a quantity.")


class CounterExtend(Struct, forbid_unknown_fields=True):
    """What a customer still thinks about."""

    sale: Sale
    hold: Token


class CounterRelease(Struct, forbid_unknown_fields=True):
    """What a customer does not want after all; without places all of the hold."""

    sale: Sale
    hold: Token
    seats: Labels | UnsetType = UNSET
    areas: Quantities | UnsetType = UNSET


class BlockedGroup(Struct):
    """Seats that are off sale for the same reason."""

    reason: str | None
    """As `block` said it; None where it did not."""
    seats: list[str]


class BlockedDocument(Struct):
    """All seats of an event that are off sale, at a version of it."""

    event: str
    version: int
    items: list[BlockedGroup]


class CounterQuote(Struct, forbid_unknown_fields=True):
    """What a customer would take, and what of it as which type."""

    sale: Sale
    hold: Token
    types: Types | UnsetType = UNSET


class CounterOrder(Body):
    """What a customer took, and how they paid: nothing is asked of a provider."""

    sale: Sale
    hold: Token
    paid: Literal["cash", "card", "free"]
    """`card` is a machine that knows nothing of us; `free` takes all of it off."""
    types: Types | UnsetType = UNSET
    buyer: BuyerFields | UnsetType = UNSET
    """With an address the letter with the tickets goes there."""
    total: Money | UnsetType = UNSET
    """What was paid; where it costs anything else, nothing is ordered."""
    reason: Reason | UnsetType = UNSET
    """Why it is free, which stands in the order."""

    def check(self, faults: Faults) -> None:
        """Add what is missing, and what is wrong with the buyer's address."""
        free = self.paid == "free"
        if free != (self.total is UNSET):
            faults.add("total", "Say what was paid, and nothing where it is free.")
        if not free and self.reason is not UNSET:
            faults.add("reason", "Only what is free has one.")
        if isinstance(self.buyer, BuyerFields):
            email = self.buyer.email
            if isinstance(email, str) and typed_email(email) is None:
                faults.add("buyer.email", NO_EMAIL)
