"""Selling at a counter over REST: hold, ask what it costs, take the money, order."""

from typing import Final, TypeVar

import msgspec
from aiohttp import web
from msgspec import UnsetType

from inventory.commands import Extend, Hold, HoldBest, Release
from inventory.replies import ExtendOk, HoldOk, TakenOk
from inventory.settings import Money
from persistence.shop.orders.rows import OrderBuyer
from server.shop.counter.bodies import (
    BlockedDocument,
    BlockedGroup,
    CounterExtend,
    CounterHold,
    CounterOrder,
    CounterQuote,
    CounterRelease,
)
from server.shop.counter.service import COUNTER_SERVICE, Sold
from server.shop.orders.bodies import (
    BuyerFields,
    EventOrderDocument,
    QuoteDocument,
    event_document_of,
    quote_of,
)
from server.shop.orders.problems import (
    EXTEND_LIMIT,
    HOLD_NOT_FOUND,
    PRICE_CHANGED,
    TYPE_LIMIT,
    USER_LIMIT,
)
from server.shop.orders.rest import ORDER_TICKETS
from server.transport.http.problems import (
    EVENT_NOT_FOUND,
    FORBIDDEN,
    HOLD_EXPIRED,
    HOLD_PLEDGED,
    KEY_REUSED,
    OUTCOME_UNKNOWN,
    OVERLOADED,
    SALE_CLOSED,
    SEAT_NOT_FREE,
)
from server.transport.rest.call import Call
from server.transport.rest.notes import note_details, note_nothing, note_objects
from server.transport.rest.route import EVENT, WRITES, Route

Given = TypeVar("Given")


async def list_blocked(call: Call) -> web.Response:
    """List the seats that are off sale, and why."""
    service = call[COUNTER_SERVICE]
    event = await service.find(call.who, call.path("event", EVENT_NOT_FOUND))
    told = await service.blocked(event)
    assert isinstance(told.version, int)
    items = [BlockedGroup(one.reason, one.seats) for one in told.groups]
    return call.read(BlockedDocument(event.id, told.version, items))


async def hold_at_counter(call: Call) -> web.Response:
    """Hold for a customer."""
    service, key = call[COUNTER_SERVICE], call.key
    # Who may not is told so, whatever the body says.
    event = await service.find(call.who, call.path("event", EVENT_NOT_FOUND))
    body = await call.body(CounterHold)
    note_details(call.request, op="hold")
    hold = _given(body.hold)
    if isinstance(body.quantity, int):
        command: Hold | HoldBest = HoldBest(
            id=0,
            event=event.id,
            quantity=body.quantity,
            category=_given(body.category),
            accessible=body.accessible,
            adjacent=body.adjacent,
            hold=hold,
        )
    else:
        command = Hold(
            id=0,
            event=event.id,
            seats=_given(body.seats),
            areas=_given(body.areas),
            hold=hold,
        )
    reply = await service.ask(call.who, event, body.sale, command, key)
    return call.answer(msgspec.structs.replace(reply, id=0))


async def extend_at_counter(call: Call) -> web.Response:
    """Let a customer think for longer."""
    service, key = call[COUNTER_SERVICE], call.key
    event = await service.find(call.who, call.path("event", EVENT_NOT_FOUND))
    body = await call.body(CounterExtend)
    note_details(call.request, op="extend")
    command = Extend(id=0, event=event.id, hold=body.hold)
    reply = await service.ask(call.who, event, body.sale, command, key)
    return call.answer(msgspec.structs.replace(reply, id=0))


async def release_at_counter(call: Call) -> web.Response:
    """Let go of what a customer does not want after all."""
    service, key = call[COUNTER_SERVICE], call.key
    event = await service.find(call.who, call.path("event", EVENT_NOT_FOUND))
    body = await call.body(CounterRelease)
    note_details(call.request, op="release")
    command = Release(
        id=0,
        event=event.id,
        hold=body.hold,
        seats=_given(body.seats),
        areas=_given(body.areas),
    )
    reply = await service.ask(call.who, event, body.sale, command, key)
    return call.answer(msgspec.structs.replace(reply, id=0))


async def quote_at_counter(call: Call) -> web.Response:
    """Tell what a customer would pay."""
    note_nothing(call.request)
    service = call[COUNTER_SERVICE]
    event = await service.find(call.who, call.path("event", EVENT_NOT_FOUND))
    body = await call.body(CounterQuote)
    quoted = await service.quote(
        call.who, event, body.sale, body.hold, _given(body.types)
    )
    return call.answer(quote_of(event.id, quoted))


async def order_at_counter(call: Call) -> web.Response:
    """Order for a customer who has paid."""
    service, key = call[COUNTER_SERVICE], call.key
    event = await service.find(call.who, call.path("event", EVENT_NOT_FOUND))
    body = await call.body(CounterOrder)
    buyer = body.buyer if isinstance(body.buyer, BuyerFields) else BuyerFields()
    sold = Sold(
        hold=body.hold,
        paid=body.paid,
        buyer=OrderBuyer(
            email=buyer.email or "", name=buyer.name or "", locale=buyer.locale or ""
        ),
        types=_given(body.types),
        total=body.total if isinstance(body.total, Money) else None,
        reason=body.reason if isinstance(body.reason, str) else "Free",
    )
    note_details(call.request, paid=body.paid)
    stored = await service.sell(call.who, event, body.sale, sold, key)
    order = stored.state.order
    note_objects(call.request, order=order)
    tickets = call.find(ORDER_TICKETS)
    made = {} if tickets is None else await tickets([order], call.who.user)
    document = event_document_of(stored, made.get(order, []))
    return call.answer(document, status=201)


def _given(field: Given | UnsetType) -> Given | None:
    return None if isinstance(field, UnsetType) else field


ALL: Final = "/v1/events/{event}/counter"
ASKED: Final = (*WRITES, FORBIDDEN, EVENT_NOT_FOUND)
HELD: Final = (HOLD_NOT_FOUND, HOLD_EXPIRED, HOLD_PLEDGED)
BUSY: Final = (OVERLOADED, OUTCOME_UNKNOWN)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/events/{event}/blocked",
        handler=list_blocked,
        name="list_blocked",
        summary="List the seats that are off sale, and why",
        tag="Counter",
        access="manager",
        answers=BlockedDocument,
        cached=True,
        problems=(*EVENT, OVERLOADED),
    ),
    Route(
        method="POST",
        path=f"{ALL}/hold",
        handler=hold_at_counter,
        name="hold_at_counter",
        summary="Hold seats or places for a customer at the counter",
        tag="Counter",
        access="manager",
        budget="commands",
        body=CounterHold,
        answers=HoldOk,
        keyed=True,
        problems=(
            *ASKED,
            SEAT_NOT_FREE,
            SALE_CLOSED,
            HOLD_NOT_FOUND,
            HOLD_EXPIRED,
            HOLD_PLEDGED,
            USER_LIMIT,
            KEY_REUSED,
            *BUSY,
        ),
    ),
    Route(
        method="POST",
        path=f"{ALL}/extend",
        handler=extend_at_counter,
        name="extend_at_counter",
        summary="Let a customer at the counter think for longer",
        tag="Counter",
        access="manager",
        budget="commands",
        body=CounterExtend,
        answers=ExtendOk,
        keyed=True,
        problems=(*ASKED, *HELD, EXTEND_LIMIT, SALE_CLOSED, KEY_REUSED, *BUSY),
    ),
    Route(
        method="POST",
        path=f"{ALL}/release",
        handler=release_at_counter,
        name="release_at_counter",
        summary="Let go of what a customer does not want after all",
        tag="Counter",
        access="manager",
        budget="commands",
        body=CounterRelease,
        answers=TakenOk,
        keyed=True,
        problems=(*ASKED, *HELD, KEY_REUSED, *BUSY),
    ),
    Route(
        method="POST",
        path=f"{ALL}/quote",
        handler=quote_at_counter,
        name="quote_at_counter",
        summary="Tell what a customer would pay, fees and taxes included",
        tag="Counter",
        access="manager",
        budget="commands",
        body=CounterQuote,
        answers=QuoteDocument,
        keyed=True,
        problems=(*ASKED, *HELD, TYPE_LIMIT, OVERLOADED),
    ),
    Route(
        method="POST",
        path=f"{ALL}/sales",
        handler=order_at_counter,
        name="order_at_counter",
        summary="Order for a customer who has paid by hand, and book it",
        tag="Counter",
        access="manager",
        budget="commands",
        body=CounterOrder,
        answers=EventOrderDocument,
        status=201,
        keyed=True,
        problems=(
            *ASKED,
            *HELD,
            PRICE_CHANGED,
            EXTEND_LIMIT,
            USER_LIMIT,
            TYPE_LIMIT,
            SALE_CLOSED,
            KEY_REUSED,
            *BUSY,
        ),
    ),
)
