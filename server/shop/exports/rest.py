"""Tables of what an event sold over REST: CSV, sent as it is read."""

from typing import Final

from aiohttp import web

from persistence.shop.exports import ROWS, Table
from server.shop.exports.service import EXPORT_SERVICE
from server.shop.exports.tables import head_of, lines_of
from server.transport.http.problems import EVENT_NOT_FOUND
from server.transport.rest.call import Call
from server.transport.rest.notes import note_taking
from server.transport.rest.route import EVENT, Route

MEDIA_TYPE: Final = "text/csv"


class HalfSent(Exception):
    """The rest of a table cannot be read: only closing tells who takes it."""


async def export_orders(call: Call) -> web.StreamResponse:
    """Give all orders of an event as a table."""
    return await _sent(call, "orders")


async def export_tickets(call: Call) -> web.StreamResponse:
    """Give all tickets of an event as a table, without their codes."""
    return await _sent(call, "tickets")


async def export_attendees(call: Call) -> web.StreamResponse:
    """Give all who registered for an event as a table."""
    return await _sent(call, "attendees")


async def export_promotions(call: Call) -> web.StreamResponse:
    """Give what each code of an event brought as a table."""
    return await _sent(call, "promotions")


async def _sent(call: Call, table: Table) -> web.StreamResponse:
    # Names and addresses leave us: who took them is kept, or tried to.
    note_taking(call.request, call.identity, call.client)
    event = call.path("event", EVENT_NOT_FOUND)
    pages = await call[EXPORT_SERVICE].pages(call.who, event, table)
    # What is wrong is mostly wrong at once: then the answer can still say so.
    rows = await anext(pages)
    response = web.StreamResponse(
        headers={
            "Content-Type": f"{MEDIA_TYPE}; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{table}.csv"',
            "Cache-Control": "no-store",
        }
    )
    await response.prepare(call.request)
    if call.request.method == "HEAD":
        # What is sent after a head would be taken for the next answer.
        return response
    await response.write(f"{head_of(ROWS[table])}{lines_of(rows)}".encode())
    try:
        async for rows in pages:
            await response.write(lines_of(rows).encode())
    except ConnectionResetError:
        raise
    except Exception as error:
        raise HalfSent(table) from error
    await response.write_eof()
    return response


ALL: Final = "/v1/events/{event}/exports"

ROUTES: Final[tuple[Route, ...]] = tuple(
    Route(
        method="GET",
        path=f"{ALL}/{table}.csv",
        handler=handler,
        name=f"export_{table}",
        summary=summary,
        tag="Exports",
        access="manager",
        scope="bookings:read",
        media_type=MEDIA_TYPE,
        problems=EVENT,
    )
    for table, handler, summary in (
        ("orders", export_orders, "Give all orders of an event as a table"),
        ("tickets", export_tickets, "Give all tickets of an event as a table"),
        ("attendees", export_attendees, "Give all who registered as a table"),
        ("promotions", export_promotions, "Give what codes brought as a table"),
    )
)
