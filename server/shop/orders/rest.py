"""Orders: made of a hold, paid, cancelled; seen by buyers and by those who sell."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, get_args

from aiohttp import web

from inventory.settings import Money
from persistence.shop.orders.listing import OrderSearch
from persistence.shop.orders.records import Returned, Status
from persistence.shop.orders.rows import OrderBuyer, StoredOrder
from server.base.access import has_order
from server.base.identity import Opener
from server.shop.orders.bodies import (
    BuyerFields,
    EventOrderDocument,
    OrderCancel,
    OrderCreate,
    OrderDocument,
    OrderTicket,
    QuoteAsk,
    QuoteDocument,
    document_of,
    event_document_of,
    quote_of,
)
from server.shop.orders.problems import (
    ALREADY_BOOKED,
    ALREADY_IN,
    EXTEND_LIMIT,
    HOLD_NOT_FOUND,
    LINE_NOT_FOUND,
    ORDER_CLOSED,
    ORDER_NOT_FOUND,
    PRICE_CHANGED,
    PROVIDER_UNAVAILABLE,
    TICKET_PASSED_ON,
    TYPE_LIMIT,
    USER_LIMIT,
)
from server.shop.orders.service import ORDER_SERVICE, Codes, OrderAsk
from server.shop.promotions.problems import CODE_USED_UP
from server.transport.http.app_keys import SETTINGS
from server.transport.http.cors import own_origin
from server.transport.http.problems import (
    BAD_FIELD,
    CANCEL_TOO_LATE,
    CODE_INVALID,
    EVENT_NOT_FOUND,
    FORBIDDEN,
    HOLD_EXPIRED,
    HOLD_PLEDGED,
    KEY_REUSED,
    OUTCOME_UNKNOWN,
    OVERLOADED,
    SALE_CLOSED,
    UNAVAILABLE,
)
from server.transport.rest.call import Call
from server.transport.rest.guard import meter_of
from server.transport.rest.notes import note_details, note_nothing, note_objects
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.query import choice_of, text_of
from server.transport.rest.route import EVENT, PAGING, WRITES, Query, Route

TEXT_LENGTH_MAX: Final = 200
STATUSES: Final = get_args(Status)
RETURNS: Final = get_args(Returned)

Tickets = Callable[[list[str], str], Awaitable[dict[str, list[OrderTicket]]]]
"""Returns the tickets of orders, by order, for a user."""

ORDER_TICKETS: Final[web.AppKey[Tickets]] = web.AppKey("tickets of orders")
"""Where whoever makes tickets tells of them; without it there are none."""


async def create_order(call: Call) -> web.Response:
    """Make an order of a hold; one without a price is confirmed at once."""
    key, body = call.key, await call.body(OrderCreate)
    note_objects(call.request, event=body.event)
    buyer = body.buyer if isinstance(body.buyer, BuyerFields) else BuyerFields()
    wanted = OrderAsk(
        event=body.event,
        hold=body.hold,
        buyer=OrderBuyer(
            email=buyer.email or "", name=buyer.name or "", locale=buyer.locale or ""
        ),
        total=body.total if isinstance(body.total, Money) else None,
        types=body.types if isinstance(body.types, dict) else None,
    )
    site = own_origin(call.request, call[SETTINGS]) or ""
    codes = Codes(tuple(body.codes), meter_of(call))
    stored = await call[ORDER_SERVICE].create(call.who, wanted, key, site, codes)
    place = f"/v1/orders/{stored.state.order}"
    document = await _document(call, stored)
    return call.answer(document, status=201, headers={"Location": place})


async def quote_order(call: Call) -> web.Response:
    """Tell what an order of a hold would cost, fees and taxes included."""
    note_nothing(call.request)
    body = await call.body(QuoteAsk)
    types = body.types if isinstance(body.types, dict) else None
    codes = Codes(tuple(body.codes), meter_of(call))
    quoted = await call[ORDER_SERVICE].quote(
        call.who, body.event, body.hold, types, codes
    )
    return call.answer(quote_of(body.event, quoted))


async def list_orders(call: Call) -> web.Response:
    """List the caller's orders, newest first."""
    query, user, listed = call.request.query, call.who.user, call[ORDER_SERVICE].listed
    rows, cursor = await listed.of_user(
        user, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(listed.count_of_user, user))
    return call.read(Page(await _documents(call, rows), cursor, total))


async def list_event_orders(call: Call) -> web.Response:
    """List an event's orders, newest first, to whoever runs it."""
    event, query = call.path("event", EVENT_NOT_FOUND), call.request.query
    orders = await call[ORDER_SERVICE].of_event(call.who, event)
    search = OrderSearch(
        text=text_of(query, "q", TEXT_LENGTH_MAX),
        status=choice_of(query, "status", STATUSES),
        refund=choice_of(query, "refund", RETURNS),
    )
    rows, cursor = await orders.list(
        search, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(orders.count, search))
    tickets = await _tickets(call, rows)
    items = [event_document_of(row, tickets.get(row.state.order, [])) for row in rows]
    return call.read(Page(items, cursor, total))


async def show_order(call: Call) -> web.Response:
    """Show an order to its buyer, and to those who run its event."""
    order = call.path("order", ORDER_NOT_FOUND)
    return await _shown(call, await call[ORDER_SERVICE].find(call.who, order))


async def show_referenced_order(call: Call) -> web.Response:
    """Show the order with a reference, as by its id."""
    reference = call.path("order_reference", ORDER_NOT_FOUND).upper()
    stored = await call[ORDER_SERVICE].find_by_reference(call.who, reference)
    return await _shown(call, stored)


async def pay_order(call: Call) -> web.Response:
    """Begin another attempt to pay; the one that is open ends first."""
    order, key = call.path("order", ORDER_NOT_FOUND), call.key
    stored = await call[ORDER_SERVICE].pay(call.who, order, key)
    note_objects(call.request, event=stored.state.event)
    return call.answer(await _document(call, stored))


async def cancel_order(call: Call) -> web.Response:
    """Cancel an order or lines of it: its buyer in time, who manages it at any."""
    order, service = call.path("order", ORDER_NOT_FOUND), call[ORDER_SERVICE]
    # Who may not do it is told so, whatever the body says.
    found, _ = await service.find_to_cancel(call.who, order)
    note_objects(call.request, event=found.state.event)
    body = OrderCancel()
    if call.request.body_exists:
        body = await call.body(OrderCancel)
    lines = tuple(body.lines) if isinstance(body.lines, list) else None
    note_details(call.request, lines="all" if lines is None else list(lines))
    stored = await service.cancel(call.who, order, lines)
    gone = {one.line for one in stored.state.lines if one.state == "gone"}
    done = stored.state.status in ("cancelled", "refunded")
    done = done or (lines is not None and gone.issuperset(lines))
    document = await _document(call, stored)
    return call.answer(document, status=200 if done else 202)


async def _shown(call: Call, stored: StoredOrder) -> web.Response:
    """Answer a read: to the buyer what is theirs, to others what sellers see."""
    if has_order(call.who, stored.user, stored.state.order):
        return call.read(await _document(call, stored))
    tickets = await _tickets(call, [stored])
    return call.read(event_document_of(stored, tickets.get(stored.state.order, [])))


async def _document(call: Call, stored: StoredOrder) -> OrderDocument:
    return (await _documents(call, [stored]))[0]


async def _documents(call: Call, rows: list[StoredOrder]) -> list[OrderDocument]:
    tickets = await _tickets(call, rows)
    return [document_of(row, tickets.get(row.state.order, [])) for row in rows]


async def _tickets(call: Call, rows: list[StoredOrder]) -> dict[str, list[OrderTicket]]:
    """Return the tickets of those orders that have a booking."""
    made = call.find(ORDER_TICKETS)
    booked = [row.state.order for row in rows if row.state.booking is not None]
    if made is None or not booked:
        return {}
    # Who opened an order has its tickets as its buyer does.
    opened = isinstance(call.who, Opener)
    return await made(booked, rows[0].user if opened else call.who.user)


FILTERS: Final = (
    Query(
        "q",
        {"type": "string", "minLength": 1, "maxLength": TEXT_LENGTH_MAX},
        "Only those with this id, buyer or booking, whose reference begins so, or "
        "whose buyer has all these words, or parts of words, in the name or email "
        "address.",
    ),
    Query(
        "status",
        {"type": "string", "enum": list(STATUSES)},
        "Only orders in this state.",
    ),
    Query(
        "refund",
        {"type": "string", "enum": list(RETURNS)},
        "Only those of which so much went back.",
    ),
)

ALL: Final = "/v1/orders"
ONE: Final = f"{ALL}/{{order}}"
FOUND: Final = (ORDER_NOT_FOUND, UNAVAILABLE)
BUSY: Final = (OVERLOADED, OUTCOME_UNKNOWN, PROVIDER_UNAVAILABLE)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path=ALL,
        handler=create_order,
        name="create_order",
        summary="Order what a hold has, and get where to pay",
        tag="Orders",
        access="buyer",
        budget="commands",
        body=OrderCreate,
        answers=OrderDocument,
        status=201,
        keyed=True,
        problems=(
            *WRITES,
            EVENT_NOT_FOUND,
            KEY_REUSED,
            HOLD_NOT_FOUND,
            HOLD_EXPIRED,
            HOLD_PLEDGED,
            PRICE_CHANGED,
            EXTEND_LIMIT,
            USER_LIMIT,
            TYPE_LIMIT,
            ALREADY_BOOKED,
            SALE_CLOSED,
            CODE_INVALID,
            CODE_USED_UP,
            *BUSY,
        ),
    ),
    Route(
        method="POST",
        path=f"{ALL}/quote",
        handler=quote_order,
        name="quote_order",
        summary="Tell what an order of a hold would cost, fees and taxes included",
        tag="Orders",
        access="buyer",
        budget="commands",
        body=QuoteAsk,
        answers=QuoteDocument,
        keyed=True,
        problems=(
            *WRITES,
            EVENT_NOT_FOUND,
            HOLD_NOT_FOUND,
            HOLD_EXPIRED,
            HOLD_PLEDGED,
            TYPE_LIMIT,
            CODE_INVALID,
            CODE_USED_UP,
            OVERLOADED,
        ),
    ),
    Route(
        method="GET",
        path=ALL,
        handler=list_orders,
        name="list_orders",
        summary="List the caller's orders, newest first",
        tag="Orders",
        access="buyer",
        answers=Page[OrderDocument],
        cached=True,
        query=PAGING,
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
    Route(
        method="GET",
        path="/v1/events/{event}/orders",
        handler=list_event_orders,
        name="list_event_orders",
        who=(
            "Needs the token of a member of the event's organisation; of who made "
            "the event, where it has none."
        ),
        summary="List and search an event's orders, for whoever runs it",
        tag="Orders",
        access="manager",
        scope="bookings:read",
        answers=Page[EventOrderDocument],
        cached=True,
        query=(*FILTERS, *PAGING),
        problems=(BAD_FIELD, *EVENT),
    ),
    Route(
        method="GET",
        path=ONE,
        handler=show_order,
        name="show_order",
        who="Needs the token of its buyer, or of whoever runs the event.",
        summary="Show an order, and its tickets once it is confirmed",
        tag="Orders",
        access="buyer",
        opened=True,
        scope="bookings:read",
        answers=OrderDocument,
        cached=True,
        problems=FOUND,
    ),
    Route(
        method="GET",
        path=f"{ALL}/reference/{{order_reference}}",
        handler=show_referenced_order,
        name="show_referenced_order",
        who="Needs the token of its buyer, or of whoever runs the event.",
        summary="Show an order by its reference",
        tag="Orders",
        access="buyer",
        scope="bookings:read",
        answers=OrderDocument,
        cached=True,
        problems=FOUND,
    ),
    Route(
        method="POST",
        path=f"{ONE}/payments",
        handler=pay_order,
        name="pay_order",
        summary="Begin another attempt to pay; the open one ends first",
        tag="Orders",
        access="buyer",
        budget="commands",
        answers=OrderDocument,
        keyed=True,
        problems=(BAD_FIELD, *FOUND, ORDER_CLOSED, *BUSY),
    ),
    Route(
        method="POST",
        path=f"{ONE}/cancel",
        handler=cancel_order,
        name="cancel_order",
        who="Needs the token of its buyer, or of whoever manages the event.",
        summary="Cancel an order, or lines of it; what was paid goes back",
        tag="Orders",
        access="buyer",
        opened=True,
        budget="commands",
        body=OrderCancel,
        body_required=False,
        answers=OrderDocument,
        done_status=202,
        keyed=True,
        problems=(
            FORBIDDEN,
            *WRITES,
            ORDER_NOT_FOUND,
            LINE_NOT_FOUND,
            CANCEL_TOO_LATE,
            ORDER_CLOSED,
            ALREADY_IN,
            TICKET_PASSED_ON,
            *BUSY,
        ),
    ),
)
