"""Bookings: as those who made them, and those who run the event, may use them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from inventory.commands import Cancel
from inventory.limits import ID_LENGTH_MAX, LABEL_LENGTH_MAX
from inventory.replies import Refused
from persistence.bookings import Booking, Buyer, Wanted
from server.rest.call import Call
from server.rest.events import find_event, find_row, may_see
from server.rest.filters import choice_of, text_of, time_of
from server.rest.paging import Page, page_of, read_cursor, read_limit
from server.rest.problems import ProblemError, refusal
from server.rest.standing import manages
from server.shards import EventNotFound, EventUnavailable, ask

TEXT_LENGTH_MAX: Final = 200
STATUSES: Final = ("confirmed", "cancelled")
Version = Annotated[int, Meta(ge=0, le=2**62)]


class BookingDocument(Struct):
    """A booking, cancelled or not."""

    id: str
    reference: str
    event: str
    status: Literal["confirmed", "cancelled"]
    order: str | None
    seats: list[str]
    areas: dict[str, int]
    version: int
    created_at: datetime
    cancelled_at: datetime | None


class BuyerDocument(Struct):
    """Who made a booking; guests have no name and no address."""

    id: str
    email: str | None
    name: str | None


class EventBookingDocument(BookingDocument, kw_only=True):
    """A booking as those who run the event see it."""

    user: str
    buyer: BuyerDocument


async def list_bookings(call: Call) -> web.Response:
    """List the caller's bookings, newest first."""
    query = call.request.query
    rows, cursor = await call.context.bookings.list_of_user(
        call.who.user,
        _wanted(query),
        event=text_of(query, "event", ID_LENGTH_MAX),
        limit=read_limit(query),
        cursor=query.get("cursor"),
    )
    return call.read(Page([document_of(row) for row in rows], cursor))


async def show_booking(call: Call) -> web.Response:
    """Show one booking."""
    row = await call.context.bookings.find(call.path("booking"))
    return call.read(document_of(await _seen(call, row)))


async def show_referenced(call: Call) -> web.Response:
    """Show the booking with a reference."""
    reference = call.path("reference", missing="booking_not_found").upper()
    row = await call.context.bookings.find_by_reference(reference)
    return call.read(document_of(await _seen(call, row)))


async def cancel_booking(call: Call) -> web.Response:
    """Cancel a booking: its buyer in time, whoever manages the event at any time."""
    booking, key = call.path("booking"), call.key
    row = await _seen(call, await call.context.bookings.find(booking))
    organisation = (await find_row(call, row.event)).organisation
    organizer = await manages(call, organisation)
    if row.user != call.who.user and not organizer:
        # Staff of the organisation, who see it and no more.
        raise ProblemError("forbidden")
    try:
        local = await call.context.shards.find(row.event)
    except EventNotFound as error:
        raise ProblemError("booking_not_found") from error
    except EventUnavailable as error:
        raise ProblemError("unavailable") from error
    command = Cancel(id=0, event=row.event, booking=booking)
    reply = await ask(local, command, call.who.user, organizer, key)
    after = await _seen(call, await call.context.bookings.find(booking))
    if isinstance(reply, Refused):
        if reply.code == "booking_not_found" and after.cancelled_at is not None:
            raise ProblemError("already_cancelled")
        raise refusal(reply)
    return call.answer(document_of(after))


async def list_event_bookings(call: Call) -> web.Response:
    """List an event's bookings, newest first, to whoever manages it and to staff."""
    event, query = await find_event(call), call.request.query
    if not await may_see(call, event.id):
        raise ProblemError("forbidden")
    limit, text = read_limit(query), text_of(query, "q", TEXT_LENGTH_MAX)
    rows = await call.context.bookings.list_of_event(
        event.id,
        _wanted(query),
        text=text,
        text_is_seat=text in event.board.venue.seat_index,
        seat=text_of(query, "seat", LABEL_LENGTH_MAX),
        below=read_cursor(query, Version),
        limit=limit + 1,
    )
    page = rows[:limit]
    further = page[-1][0].version if len(rows) > limit else None
    return call.read(page_of([event_document_of(*row) for row in page], further))


def document_of(row: Booking) -> BookingDocument:
    """Return a booking as clients see it."""
    return BookingDocument(
        id=row.booking,
        reference=row.reference,
        event=row.event,
        status="confirmed" if row.cancelled_at is None else "cancelled",
        order=row.order,
        seats=row.seats,
        areas=row.areas,
        version=row.version,
        created_at=row.created_at,
        cancelled_at=row.cancelled_at,
    )


def event_document_of(row: Booking, buyer: Buyer) -> EventBookingDocument:
    """Return a booking as those who run the event see it."""
    return EventBookingDocument(
        **msgspec.structs.asdict(document_of(row)),
        user=row.user,
        buyer=BuyerDocument(row.user, buyer.email, buyer.name),
    )


def _wanted(query: Mapping[str, str]) -> Wanted:
    status = choice_of(query, "status", STATUSES)
    return Wanted(
        cancelled=None if status is None else status == "cancelled",
        begin=time_of(query, "from"),
        end=time_of(query, "to"),
    )


async def _seen(call: Call, row: Booking | None) -> Booking:
    # Somebody else's booking looks like none at all.
    if row is None or not (row.user == call.who.user or await may_see(call, row.event)):
        raise ProblemError("booking_not_found")
    return row
