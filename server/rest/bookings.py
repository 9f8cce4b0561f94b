"""Bookings, as those who made them may read them."""

from datetime import datetime

from aiohttp import web
from msgspec import Struct

from persistence.catalog import Booking
from server.rest.call import Call
from server.rest.paging import Page, read_limit
from server.rest.problems import ProblemError


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
    return _show(call, await call.context.catalog.find_booking(booking))


async def show_referenced(call: Call) -> web.Response:
    """Show the booking with a reference."""
    reference = call.path("reference", missing="booking_not_found").upper()
    row = await call.context.catalog.find_booking_by_reference(reference)
    return _show(call, row)


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


def _show(call: Call, row: Booking | None) -> web.Response:
    # Somebody else's booking looks like none at all.
    if row is None or not (call.organizer or row.user == call.who.user):
        raise ProblemError("booking_not_found")
    return call.read(document_of(row))
