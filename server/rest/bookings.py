"""Bookings, as those who made them may read them."""

from datetime import datetime

import msgspec
from aiohttp import web
from msgspec import Struct

from inventory.limits import ID_LENGTH_MAX
from persistence.catalog import Booking
from server.rest.bodies import is_clean
from server.rest.call import Call
from server.rest.events import find_event, find_row
from server.rest.paging import Page, page_of, read_cursor, read_limit
from server.rest.problems import ProblemError, bad_field
from server.rest.standing import belongs


class BookingDocument(Struct):
    """A booking, cancelled or not."""

    id: str
    reference: str
    event: str
    order: str | None
    seats: list[str]
    areas: dict[str, int]
    version: int
    created_at: datetime
    cancelled_at: datetime | None


class EventBookingDocument(BookingDocument, kw_only=True):
    """A booking as those who run the event see it."""

    user: str


async def list_bookings(call: Call) -> web.Response:
    """List the caller's bookings, newest first."""
    query = call.request.query
    rows, cursor = await call.context.catalog.list_bookings(
        call.who.user, limit=read_limit(query), cursor=query.get("cursor")
    )
    return call.read(Page([document_of(row) for row in rows], cursor))


async def show_booking(call: Call) -> web.Response:
    """Show one booking."""
    booking = call.path("booking")
    return await _show(call, await call.context.catalog.find_booking(booking))


async def show_referenced(call: Call) -> web.Response:
    """Show the booking with a reference."""
    reference = call.path("reference", missing="booking_not_found").upper()
    row = await call.context.catalog.find_booking_by_reference(reference)
    return await _show(call, row)


async def list_event_bookings(call: Call) -> web.Response:
    """List an event's bookings, newest first, to whoever manages it and to staff."""
    event, query = await find_event(call), call.request.query
    if not await _may_see(call, event.id):
        raise ProblemError("forbidden")
    text, limit = query.get("q"), read_limit(query)
    if text is not None and (len(text) > ID_LENGTH_MAX or not is_clean(text)):
        raise bad_field("q", f"At most {ID_LENGTH_MAX} plain characters.")
    rows = await call.context.catalog.list_event_bookings(
        event.id, text=text, below=read_cursor(query, int), limit=limit + 1
    )
    page = rows[:limit]
    further = page[-1].version if len(rows) > limit else None
    items = [event_document_of(row) for row in page]
    return call.read(page_of(items, further))


def document_of(row: Booking) -> BookingDocument:
    """Return a booking as clients see it."""
    return BookingDocument(
        id=row.booking,
        reference=row.reference,
        event=row.event,
        order=row.order,
        seats=row.seats,
        areas=row.areas,
        version=row.version,
        created_at=row.created_at,
        cancelled_at=row.cancelled_at,
    )


def event_document_of(row: Booking) -> EventBookingDocument:
    """Return a booking as those who run the event see it."""
    return EventBookingDocument(
        **msgspec.structs.asdict(document_of(row)), user=row.user
    )


async def _show(call: Call, row: Booking | None) -> web.Response:
    # Somebody else's booking looks like none at all.
    if row is None or not (
        row.user == call.who.user or await _may_see(call, row.event)
    ):
        raise ProblemError("booking_not_found")
    return call.read(document_of(row))


async def _may_see(call: Call, event: str) -> bool:
    """Tell whether the caller may see all bookings of an event."""
    organisation = (await find_row(call, event)).organisation
    if organisation is None:
        return call.organizer
    return await belongs(call, organisation)
