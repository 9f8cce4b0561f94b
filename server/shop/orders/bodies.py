"""What is sent and answered about orders."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from inventory.commands import Token, Types
from inventory.faults import Faults
from inventory.settings import Money
from persistence.shop.orders.records import (
    DisputeState,
    LineState,
    OrderLine,
    Payment,
    Returned,
    Status,
    Step,
)
from persistence.shop.orders.rows import StoredOrder
from server.shop.money.pricing import total
from server.shop.orders.service import Quoted
from server.shop.promotions.bodies import CODE_LENGTH_MAX
from server.transport.mail.addresses import EMAIL_LENGTH_MAX, NO_EMAIL, typed_email
from server.transport.rest.bodies import Body
from server.transport.rest.fields import Id, Locale, Name

CODES_MAX: Final = 5
"""Codes of one order."""


class BuyerFields(Struct, forbid_unknown_fields=True):
    """Who buys: where tickets and letters go, and in which language."""

    email: Annotated[str, Meta(max_length=EMAIL_LENGTH_MAX)] | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET


CodeText = Annotated[str, Meta(min_length=1, max_length=CODE_LENGTH_MAX)]
CodeTexts = Annotated[tuple[CodeText, ...], Meta(max_length=CODES_MAX)]


class OrderCreate(Body):
    """What is bought: a `hold` of the caller, at the `total` that they saw."""

    event: Id
    hold: Token
    types: Types | UnsetType = UNSET
    """What is bought as which type of the event's: a seat by its label, places by area
    and how many as what. The rest costs what its category does."""
    buyer: BuyerFields | UnsetType = UNSET
    total: Money | UnsetType = UNSET
    """Where it comes to anything else, nothing is ordered and the hold stays."""
    codes: CodeTexts = ()
    """Of promotions of the event; where one of them is not good nothing is ordered."""

    def check(self, faults: Faults) -> None:
        """Add what is wrong with the buyer's address."""
        if isinstance(self.buyer, BuyerFields):
            email = self.buyer.email
            if isinstance(email, str) and typed_email(email) is None:
                faults.add("buyer.email", NO_EMAIL)


Lines = Annotated[
    list[Annotated[int, Meta(ge=1, le=100_000)]], Meta(min_length=1, max_length=1_000)
]


class OrderCancel(Struct, forbid_unknown_fields=True):
    """What of an order is given back; all of it where no `lines` are named."""

    lines: Lines | UnsetType = UNSET


class QuoteAsk(Body):
    """What would be bought: a `hold` of the caller, and what of it as which type."""

    event: Id
    hold: Token
    types: Types | UnsetType = UNSET
    codes: CodeTexts = ()


class OrderedEvent(Struct):
    """The event of an order, as it is by now."""

    id: str
    name: str
    starts_at: datetime
    timezone: str
    """The IANA zone in which its times are meant."""


class PricedLine(Struct):
    """One seat, place or fee; all amounts are in the order's currency.

    `gross` is what it costs the buyer: `unit - discount + fee`, and `tax` where that is
    not inside.
    """

    line: int
    kind: str
    label: str
    category: str
    type: str | None
    unit: int
    discount: int
    fee: int
    tax: int
    tax_ppm: int
    gross: int


class OrderLineDocument(PricedLine):
    """A line of an order."""

    state: LineState


class QuoteDocument(Struct, kw_only=True):
    """What an order of a hold would cost as of now: nothing is ordered by it."""

    event: str
    hold: str
    expires_in_ms: int
    """How long the hold is the caller's."""
    expires_at: str
    currency: str | None
    total: Money | None
    """What is to be paid, fees and taxes included; to be repeated in the order. None
    where nothing has a price."""
    discount: Money | None
    """What codes take off, which is not in that."""
    fees: Money | None
    """How much of that is fees."""
    tax: Money | None
    """How much of that is tax."""
    lines: list[PricedLine]


class OrderPromotion(Struct):
    """A promotion that an order was made with; its lines have what it takes off."""

    promotion: str
    name: str


class OrderPayment(Struct):
    """The attempt that waits to be paid, at the provider's page."""

    attempt: str
    url: str


class OrderTicket(Struct):
    """A ticket of a confirmed order; `code` is what its QR holds.

    It is null where the ticket lets nobody in, and for all but who holds it.
    """

    ticket: str
    number: str
    label: str
    status: str
    code: str | None


class OrderDocument(Struct, kw_only=True):
    """An order, however far it came."""

    id: str
    order: str
    """The same as `id`."""
    reference: str
    event: OrderedEvent
    status: Status
    refund: Returned
    """How much of what was paid has gone back, or is on its way."""
    pay_until: datetime | None
    currency: str | None
    total: Money | None
    """None where nothing has a price."""
    due: Money | None
    """To be paid at the door; or what is owed to the buyer and could not be returned.
    None where it is nothing."""
    lines: list[OrderLineDocument]
    promotions: list[OrderPromotion]
    payment: OrderPayment | None
    """None where nothing is to be paid now."""
    booking: str | None
    tickets: list[OrderTicket]
    created_at: datetime
    confirmed_at: datetime | None


class OrderRefund(Struct):
    """Money on its way back, or back."""

    refund: str
    attempt: str
    amount: Money
    reason: str
    status: str
    lines: list[int]


class OrderAttempt(Struct):
    """One attempt to pay, as the provider told of it."""

    attempt: str
    provider: str
    status: str
    amount: Money
    captured: Money | None
    use: str | None
    disputed: DisputeState | None
    """Whether the buyer's bank doubts it; of one that was `lost` the money is gone."""


class BuyerDocument(Struct):
    """Who bought, as they said; guests may have said nothing."""

    id: str
    email: str | None
    name: str | None


class EventOrderDocument(OrderDocument, kw_only=True):
    """An order as those who run the event see it."""

    step: Step
    """How far it is, more finely than `status` says."""
    buyer: BuyerDocument
    attempts: list[OrderAttempt]
    refunds: list[OrderRefund]


def document_of(row: StoredOrder, tickets: list[OrderTicket]) -> OrderDocument:
    """Return an order as its buyer sees it."""
    return OrderDocument(**_fields(row, tickets))


def quote_of(event: str, quoted: Quoted) -> QuoteDocument:
    """Return what an order would cost as its buyer sees it."""
    lines, currency = quoted.lines, quoted.currency
    names = PricedLine.__struct_fields__
    return QuoteDocument(
        event=event,
        hold=quoted.hold,
        expires_in_ms=quoted.expires_in_ms,
        expires_at=quoted.expires_at,
        currency=currency,
        total=_money(total(lines), currency),
        discount=_money(sum(line.discount for line in lines), currency),
        fees=_money(sum(line.fee for line in lines), currency),
        tax=_money(sum(line.tax for line in lines), currency),
        lines=[
            PricedLine(**{name: getattr(line, name) for name in names})
            for line in lines
        ],
    )


def event_document_of(
    row: StoredOrder, tickets: list[OrderTicket]
) -> EventOrderDocument:
    """Return an order as those who run the event see it."""
    order, buyer = row.state, row.buyer
    return EventOrderDocument(
        **_fields(row, tickets),
        step=order.step,
        buyer=BuyerDocument(row.user, buyer.email or None, buyer.name or None),
        attempts=[_attempt_of(one) for one in order.payments],
        refunds=[
            OrderRefund(
                refund=one.refund,
                attempt=one.payment,
                amount=Money(one.amount, one.currency),
                reason=one.reason,
                status=one.state,
                lines=list(one.lines),
            )
            for one in order.refunds
        ],
    )


def _fields(row: StoredOrder, tickets: list[OrderTicket]) -> dict[str, Any]:
    order = row.state
    waits = order.step in ("priced", "paying")
    until_ms = order.pay_until_ms
    return {
        "id": order.order,
        "order": order.order,
        "reference": row.reference,
        "event": OrderedEvent(
            order.event, row.event_name, row.event_starts_at, row.event_timezone
        ),
        "status": order.status,
        "refund": order.returned,
        "pay_until": None
        if until_ms is None or not waits
        else datetime.fromtimestamp(until_ms / 1_000, UTC),
        "currency": order.currency,
        "total": _money(order.total, order.currency),
        "due": _due(row),
        "lines": [_line_of(line) for line in order.lines],
        "promotions": [
            OrderPromotion(one.promotion, one.name) for one in order.rules.discounts
        ],
        "payment": _payment_of(row) if waits else None,
        "booking": order.booking,
        "tickets": tickets,
        "created_at": row.created_at,
        "confirmed_at": row.confirmed_at,
    }


def _due(row: StoredOrder) -> Money | None:
    order = row.state
    at_door = not order.rules.pays and order.step in ("booked", "completed")
    due = order.total if at_door else order.due
    return _money(due, order.currency) if due else None


def _money(amount: int, currency: str | None) -> Money | None:
    return None if currency is None else Money(amount, currency)


def _line_of(line: OrderLine) -> OrderLineDocument:
    names = OrderLineDocument.__struct_fields__
    return OrderLineDocument(**{name: getattr(line, name) for name in names})


def _payment_of(row: StoredOrder) -> OrderPayment | None:
    """Return the attempt that may be paid now."""
    for payment in reversed(row.state.payments):
        if payment.state in ("open", "processing") and payment.url is not None:
            return OrderPayment(payment.payment, payment.url)
    return None


def _attempt_of(one: Payment) -> OrderAttempt:
    captured = _money(one.captured, one.captured_currency)
    return OrderAttempt(
        attempt=one.payment,
        provider=one.provider,
        status=one.state,
        amount=Money(one.amount, one.currency),
        captured=captured,
        use=one.use,
        disputed=one.disputed,
    )
