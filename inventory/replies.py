"""What a command is answered with: the contract's reply objects.

`decide` builds them, the session fills in `id` and encodes them as they are. The
accepted reply of a keyed command is stored with its commit; a replay's `expires_in_ms`
is counted again.
"""

from typing import final

from msgspec import UNSET, Struct, UnsetType

from inventory import rejections
from inventory.rejections import Code
from inventory.settings import Money


class Ok(Struct, kw_only=True, tag_field="op", tag="ok", gc=False):
    """A command was accepted (and, where it changed something, committed)."""

    id: int = 0
    version: int | UnsetType = UNSET


class HoldOk(Ok, tag="ok"):
    """A hold as it stands after the command, and what the command added to it.

    `expires_at` is promised: until then it is the caller's. It really ends 5 seconds
    later, so that a `book` sent in time is not lost on its way: show buyers the former.
    """

    hold: str
    expires_in_ms: int
    expires_at: str
    seats: list[str]
    areas: dict[str, int]
    total: Money | None
    added: "Taken"
    adjacent: bool | UnsetType = UNSET


class Taken(Struct, gc=False):
    """Seats by label, and places by area."""

    seats: list[str]
    areas: dict[str, int]


class ExtendOk(Ok, tag="ok"):
    """The new promised end of a hold, which really ends 5 seconds later."""

    expires_in_ms: int
    expires_at: str


class TakenOk(Ok, tag="ok"):
    """The seats and places that a command released, freed, blocked or unblocked."""

    seats: list[str]
    areas: dict[str, int]


class BookOk(Ok, tag="ok"):
    """A booking."""

    booking: str
    reference: str
    seats: list[str]
    areas: dict[str, int]
    total: Money | None


class PledgedLine(Struct, frozen=True, gc=False):
    """One seat, or one place of an area, and what it costs in the minor unit."""

    label: str
    category: str
    amount: int
    type: str | None = None
    """What it is sold as; None where that is what the category costs."""


class PledgeOk(Ok, tag="ok"):
    """A hold that an order has, with all that the order copies of it.

    `expires_at` is when the pledge ends; the hold really ends 5 seconds later.
    """

    hold: str
    order: str
    expires_in_ms: int
    expires_at: str
    lines: list[PledgedLine]
    total: Money | None


class QuoteOk(Ok, tag="ok"):
    """What a hold would cost an order, without fees and taxes; nothing changed."""

    hold: str
    expires_in_ms: int
    expires_at: str
    lines: list[PledgedLine]
    total: Money | None


class BlockedSeats(Struct, gc=False):
    """Seats that are off sale for the same reason."""

    reason: str | None
    seats: list[str]


class BlockedOk(Ok, tag="ok"):
    """All seats that are off sale, those of one reason together; nothing changed."""

    groups: list[BlockedSeats]


class UnpledgeOk(Ok, tag="ok"):
    """A hold that no order has any more.

    Either `expires_at` is its new promised end, or it is None and what it held is free.
    """

    expires_at: str | None
    seats: list[str]
    areas: dict[str, int]


class GivenBackOk(Ok, tag="ok"):
    """The seats and places that a booking gave back, and what they had cost."""

    seats: list[str]
    areas: dict[str, int]
    total: Money | UnsetType | None = UNSET
    """Absent where a former version held it."""


class SaleOk(Ok, tag="ok"):
    """The sale state after a command of the organiser."""

    status: str


class HeldHold(Struct, gc=False):
    """One live hold of the caller; it lives 5 seconds longer than is promised."""

    hold: str
    expires_in_ms: int
    expires_at: str
    seats: list[str]
    areas: dict[str, int]
    total: Money | None
    order: str | UnsetType = UNSET
    """The order that has it, which alone changes or books it until it ends."""


class HeldBooking(Struct, gc=False):
    """One booking of the caller."""

    booking: str
    reference: str
    seats: list[str]
    areas: dict[str, int]
    total: Money | UnsetType | None = UNSET
    """Absent where a former version held it."""


class HoldingOk(Ok, tag="ok"):
    """What the caller holds and has booked."""

    holds: list[HeldHold]
    bookings: list[HeldBooking]


class Fault(Struct, frozen=True, gc=False):
    """One thing that is wrong with an event's settings, by the field's name outside."""

    field: str
    detail: str


@final
class Refused(Struct, kw_only=True, tag_field="op", tag="refused", gc=False):
    """A command was refused; nothing changed.

    The rules know it by its `type`: `isinstance` takes ten times as long with a struct.
    """

    id: int = 0
    code: str
    detail: str
    transient: bool
    version: int | UnsetType = UNSET
    seats: list[str] | UnsetType = UNSET
    alternatives: list[list[str]] | UnsetType = UNSET
    orphans: list[str] | UnsetType = UNSET
    retry_after_ms: int | UnsetType = UNSET
    total: Money | UnsetType | None = UNSET
    errors: list[Fault] | UnsetType = UNSET
    limit: int | UnsetType = UNSET
    """The most there may be, of `too_many_seats`, `user_limit` and, from one network,
    `held_too_often`."""
    has: int | UnsetType = UNSET
    """What the caller has of that, without what was asked for."""
    free: int | UnsetType = UNSET
    """How many there are of what was asked for, of `not_enough_seats`."""
    deadline: str | UnsetType = UNSET
    """The last moment for it, of `cancel_too_late` and `extend_limit`."""


AnyOk = (
    HoldOk
    | ExtendOk
    | TakenOk
    | BookOk
    | PledgeOk
    | QuoteOk
    | BlockedOk
    | UnpledgeOk
    | GivenBackOk
    | SaleOk
    | HoldingOk
    | Ok
)
Reply = AnyOk | Refused


def refuse(code: Code, detail: str | None = None) -> Refused:
    """Build the refusal for a code of `rejections.DETAILS`."""
    return Refused(
        code=code,
        detail=rejections.DETAILS[code] if detail is None else detail,
        transient=code in rejections.TRANSIENT,
    )


def refuse_faults(code: rejections.Code, faults: list[Fault]) -> Refused:
    """Build the refusal that tells all these faults."""
    refused = refuse(code, " ".join(f"{one.field}: {one.detail}" for one in faults))
    refused.errors = faults
    return refused
