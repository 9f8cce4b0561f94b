"""What goes back of orders over REST: by line, by amount, and what failed."""

from typing import Any, Final

from aiohttp import web

from inventory.settings import Money
from persistence.shop.orders.rows import StoredOrder
from server.shop.orders.giving.bodies import (
    ByHand,
    EventRefundsDocument,
    RefundAsk,
    RefundList,
    RefundMade,
    RefundPreview,
    list_of,
    made_of,
    preview_of,
    progress_of,
)
from server.shop.orders.giving.service import GIVING_SERVICE
from server.shop.orders.problems import (
    ALREADY_IN,
    LINE_NOT_FOUND,
    ORDER_CLOSED,
    ORDER_NOT_FOUND,
    REFUND_CLOSED,
    REFUND_NOT_FOUND,
    REFUND_TOO_MUCH,
)
from server.transport.http.problems import (
    CANCEL_TOO_LATE,
    EVENT_NOT_FOUND,
    FORBIDDEN,
    KEY_REUSED,
    OUTCOME_UNKNOWN,
    OVERLOADED,
    UNAVAILABLE,
)
from server.transport.rest.call import Call
from server.transport.rest.notes import note_details, note_nothing, note_objects
from server.transport.rest.route import EVENT, WRITES, Route

PENDING: Final = frozenset({"requested", "sent"})


async def list_refunds(call: Call) -> web.Response:
    """List what went back of an order."""
    order = call.path("order", ORDER_NOT_FOUND)
    stored, runs = await call[GIVING_SERVICE].find(call.who, order)
    return call.read(list_of(stored, runs=runs))


async def preview_refund(call: Call) -> web.Response:
    """Tell what would go back, line by line: to the buyer what they may give back."""
    note_nothing(call.request)
    order, service = call.path("order", ORDER_NOT_FOUND), call[GIVING_SERVICE]
    # Who may not is told so, whatever the body says.
    asking = await service.find_to_preview(call.who, order)
    lines, amount = _asked(await call.body(RefundAsk))
    going = service.preview(asking, lines, amount)
    stored = asking.stored
    return call.answer(preview_of(stored, going))


async def create_refund(call: Call) -> web.Response:
    """Give lines back with what they cost, or an amount and nothing else."""
    key, stored = call.key, await _managed(call)
    body = await call.body(RefundAsk)
    lines, amount = _asked(body)
    note_details(call.request, **_noted(lines, amount, keep=body.seats == "keep"))
    stored, going = await call[GIVING_SERVICE].refund(
        call.who,
        stored,
        lines,
        amount,
        keep=body.seats == "keep",
        note=body.reason if isinstance(body.reason, str) else "",
        key=key,
    )
    made = made_of(stored, going)
    if made.refund is not None:
        note_objects(call.request, order_refund=made.refund.refund)
    waits = any(
        one.state == "leaving" and one.line in {line.line for line in made.lines}
        for one in stored.state.lines
    )
    waits = waits or (made.refund is not None and made.refund.status in PENDING)
    return call.answer(made, status=202 if waits else 200)


async def retry_refund(call: Call) -> web.Response:
    """Try a refund again that failed."""
    refund, stored = call.path("order_refund", REFUND_NOT_FOUND), await _managed(call)
    stored = await call[GIVING_SERVICE].again(call.who, stored, refund)
    return call.answer(list_of(stored, runs=True))


async def note_refund(call: Call) -> web.Response:
    """Note that what failed went back by another way."""
    refund, stored = call.path("order_refund", REFUND_NOT_FOUND), await _managed(call)
    body = await call.body(ByHand)
    stored = await call[GIVING_SERVICE].by_hand(call.who, stored, refund, body.note)
    return call.answer(list_of(stored, runs=True))


async def _managed(call: Call) -> StoredOrder:
    """Return the order of the path; who may not is told so, whatever the body says."""
    order = call.path("order", ORDER_NOT_FOUND)
    stored = await call[GIVING_SERVICE].find_managed(call.who, order)
    note_objects(call.request, event=stored.state.event)
    return stored


async def show_event_refunds(call: Call) -> web.Response:
    """Show how far the orders of an event are given back that was cancelled."""
    event = call.path("event", EVENT_NOT_FOUND)
    progress = await call[GIVING_SERVICE].progress(call.who, event)
    return call.read(progress_of(event, progress))


def _asked(body: RefundAsk) -> tuple[tuple[int, ...] | None, Money | None]:
    lines = tuple(body.lines) if isinstance(body.lines, list) else None
    return lines, body.amount if isinstance(body.amount, Money) else None


def _noted(
    lines: tuple[int, ...] | None, amount: Money | None, *, keep: bool
) -> dict[str, Any]:
    """Return what a refund is to change, for the log of who did what."""
    if amount is not None:
        return {"amount": amount.amount, "currency": amount.currency}
    noted: dict[str, Any] = {"lines": list(lines or ())}
    return {**noted, "seats": "keep"} if keep else noted


ALL: Final = "/v1/orders/{order}/refunds"
ONE: Final = f"{ALL}/{{order_refund}}"
MANAGES: Final = "Needs the token of whoever manages the event."
FOUND: Final = (FORBIDDEN, ORDER_NOT_FOUND)
BUSY: Final = (OVERLOADED, OUTCOME_UNKNOWN)
ASKED: Final = (*FOUND, *WRITES, LINE_NOT_FOUND, ORDER_CLOSED, REFUND_TOO_MUCH)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/events/{event}/refunds",
        handler=show_event_refunds,
        name="show_event_refunds",
        who=(
            "Needs the token of a member of the event's organisation; of who made "
            "the event, where it has none."
        ),
        summary="Show how far the orders of a cancelled event are given back",
        tag="Orders",
        access="manager",
        scope="bookings:read",
        answers=EventRefundsDocument,
        cached=True,
        problems=EVENT,
    ),
    Route(
        method="GET",
        path=ALL,
        handler=list_refunds,
        name="list_refunds",
        who="Needs the token of its buyer, or of whoever runs the event.",
        opened=True,
        summary="List what went back of an order, and what may still",
        tag="Orders",
        access="buyer",
        scope="bookings:read",
        answers=RefundList,
        cached=True,
        problems=(ORDER_NOT_FOUND, UNAVAILABLE),
    ),
    Route(
        method="POST",
        path=f"{ALL}/preview",
        handler=preview_refund,
        name="preview_refund",
        who=(
            "Needs the token of whoever manages the event; of its buyer for `lines`, "
            "until the deadline."
        ),
        summary="Tell what would go back, line by line",
        tag="Orders",
        access="buyer",
        opened=True,
        body=RefundAsk,
        answers=RefundPreview,
        keyed=True,
        problems=(*ASKED, CANCEL_TOO_LATE),
    ),
    Route(
        method="POST",
        path=ALL,
        handler=create_refund,
        name="create_refund",
        who=MANAGES,
        summary="Give lines back with what they cost, or an amount as a goodwill",
        tag="Orders",
        access="buyer",
        budget="commands",
        body=RefundAsk,
        answers=RefundMade,
        done_status=202,
        keyed=True,
        problems=(*ASKED, ALREADY_IN, KEY_REUSED, *BUSY),
    ),
    Route(
        method="POST",
        path=f"{ONE}/retry",
        handler=retry_refund,
        name="retry_refund",
        who=MANAGES,
        summary="Try a refund again that failed",
        tag="Orders",
        access="buyer",
        answers=RefundList,
        keyed=True,
        problems=(*FOUND, UNAVAILABLE, REFUND_NOT_FOUND, REFUND_CLOSED, *BUSY),
    ),
    Route(
        method="POST",
        path=f"{ONE}/by-hand",
        handler=note_refund,
        name="note_refund",
        who=MANAGES,
        summary="Note that a refund which failed went back by another way",
        tag="Orders",
        access="buyer",
        body=ByHand,
        answers=RefundList,
        keyed=True,
        problems=(*FOUND, *WRITES, REFUND_NOT_FOUND, REFUND_CLOSED),
    ),
)
