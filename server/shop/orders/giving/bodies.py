"""What is sent and answered about what goes back of orders."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from inventory.faults import Faults
from inventory.settings import Money
from persistence.shop.orders.cancelled import Progress
from persistence.shop.orders.records import Refund, Returned, Status
from persistence.shop.orders.rows import StoredOrder
from server.shop.orders.bodies import Lines
from server.shop.orders.giving.rules import most_allowed
from server.shop.orders.giving.service import Going
from server.transport.rest.bodies import Body

NOTE_LENGTH_MAX = 500
Note = Annotated[str, Meta(min_length=1, max_length=NOTE_LENGTH_MAX)]


class RefundAsk(Body):
    """What goes back: `lines` with what they cost, or an `amount` as a goodwill.

    Seats of lines are free for others; with `"seats": "keep"` nobody gets them. After a
    goodwill the buyer still has everything. `reason` is for those who run the event.
    """

    lines: Lines | UnsetType = UNSET
    amount: Money | UnsetType = UNSET
    reason: Note | UnsetType = UNSET
    seats: Literal["free", "keep"] | UnsetType = UNSET

    def check(self, faults: Faults) -> None:
        """Add what does not go together."""
        if (self.lines is UNSET) == (self.amount is UNSET):
            faults.add("lines", "Say either lines or an amount.")
        elif isinstance(self.amount, Money):
            if self.amount.amount < 1:
                faults.add("amount.amount", "It is at least 1.")
            if self.seats is not UNSET:
                faults.add("seats", "An amount takes no seats away.")


class ByHand(Struct, forbid_unknown_fields=True):
    """How money went back that the provider could not return."""

    note: Note


class RefundDocument(Struct, kw_only=True):
    """Money on its way back, or back."""

    refund: str
    attempt: str
    amount: Money
    reason: str
    status: str
    lines: list[int]
    note: str | None
    """For those who run the event only."""
    asked_by: str | None
    """The user; null where the rules did, and for all but those who run the event."""
    instead_of: str | None
    """The refund that failed, and is tried again by this one."""
    at: datetime


class RefundList(Struct, kw_only=True):
    """What went back of an order, oldest first."""

    order: str
    status: Status
    refund: Returned
    refundable: Money | None
    """How much may still go back as a goodwill. None where nothing has a price."""
    due: Money | None
    """What is owed to the buyer, and could not be returned."""
    items: list[RefundDocument]


class LineAmount(Struct):
    """What goes back for a line, in the currency of the order."""

    line: int
    label: str
    amount: int


class RefundPreview(Struct, kw_only=True):
    """What would go back: nothing is done yet."""

    order: str
    total: Money | None
    """None where nothing has a price. Less than the lines together where a part of what
    was paid went back at the provider already."""
    lines: list[LineAmount]


class RefundMade(RefundPreview, kw_only=True):
    """What goes back; `refund` is None where that is nothing, as of what was free."""

    status: Status
    refund: RefundDocument | None


class OrderDue(Struct):
    """An order of which something is owed to its buyer, and could not be returned."""

    order: str
    reference: str
    due: Money


class EventRefundsDocument(Struct, kw_only=True):
    """How far the orders of an event are given back; each counts in one number.

    `orders` is `waiting + pending + failed + done`.
    """

    event: str
    status: Literal["none", "running", "done"]
    """`none` where the event is not cancelled: then nothing goes back by itself."""
    orders: int
    """All that were booked."""
    waiting: int
    """They are still booked."""
    pending: int
    """Their money is on its way."""
    failed: int
    """Something of them is due: somebody has to look at them."""
    done: int
    failures: list[OrderDue]
    """Of the first hundred that something is due of."""


def progress_of(event: str, told: Progress) -> EventRefundsDocument:
    """Return how far an event is."""
    running = told.waiting or told.pending
    return EventRefundsDocument(
        event=event,
        status="none" if not told.cancelled else "running" if running else "done",
        orders=told.orders,
        waiting=told.waiting,
        pending=told.pending,
        failed=told.failed,
        done=told.orders - told.waiting - told.pending - told.failed,
        failures=[
            OrderDue(one.order, one.reference, Money(one.due, one.currency))
            for one in told.failures
        ],
    )


def list_of(row: StoredOrder, *, runs: bool) -> RefundList:
    """Return what went back of an order, to its buyer or to who runs the event."""
    order = row.state
    return RefundList(
        order=order.order,
        status=order.status,
        refund=order.returned,
        refundable=_money(most_allowed(order), order.currency),
        due=_money(order.due, order.currency) if order.due else None,
        items=[_document(one, runs=runs) for one in order.refunds],
    )


def preview_of(row: StoredOrder, going: Going) -> RefundPreview:
    """Return what would go back."""
    lines = [LineAmount(*one) for one in going.lines]
    total = _money(going.total, row.state.currency)
    return RefundPreview(order=row.state.order, total=total, lines=lines)


def made_of(row: StoredOrder, going: Going) -> RefundMade:
    """Return what goes back, as far as it came."""
    refund = next((x for x in row.state.refunds if x.refund == going.refund), None)
    shown = preview_of(row, going)
    return RefundMade(
        order=shown.order,
        total=shown.total,
        lines=shown.lines,
        status=row.state.status,
        refund=None if refund is None else _document(refund, runs=True),
    )


def _document(one: Refund, *, runs: bool) -> RefundDocument:
    return RefundDocument(
        refund=one.refund,
        attempt=one.payment,
        amount=Money(one.amount, one.currency),
        reason=one.reason,
        status=one.state,
        lines=list(one.lines),
        note=(one.note or None) if runs else None,
        asked_by=one.asked_by if runs else None,
        instead_of=one.instead_of,
        at=datetime.fromtimestamp(one.at_ms / 1_000, UTC),
    )


def _money(amount: int, currency: str | None) -> Money | None:
    return None if currency is None else Money(amount, currency)
