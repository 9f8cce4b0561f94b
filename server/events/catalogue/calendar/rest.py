"""An event for people's calendars."""

from typing import Final

from aiohttp import web

from inventory.zones import zone_of
from persistence.events.rows import EventRow
from server.events.catalogue.calendar.icalendar import CalendarEvent, encode_calendar
from server.events.catalogue.rest import find_event
from server.live.actors.registry import CATALOG
from server.transport.http import etags
from server.transport.http.problems import EVENT_NOT_FOUND, ProblemError
from server.transport.rest.call import CACHE_ASK, Call
from server.transport.rest.route import EVENT, Route
from server.transport.rest.times import from_ms, maybe_from_ms

MEDIA_TYPE: Final = "text/calendar"


async def show_calendar(call: Call) -> web.Response:
    """Answer with the event as an iCalendar file."""
    event = await find_event(call)
    # All from one row: what changed, and how often and when it did.
    row = await call[CATALOG].find_event(event.id)
    if row is None:
        raise ProblemError(EVENT_NOT_FOUND)
    body = encode_calendar(calendar_of(row))
    etag = etags.of_body(body, row.revision)
    headers = {"ETag": etag, "Cache-Control": CACHE_ASK}
    if etags.matches(call.request.headers.get("If-None-Match"), etag):
        return web.Response(status=304, headers=headers)
    headers["Content-Disposition"] = 'inline; filename="event.ics"'
    return web.Response(
        body=body, content_type=MEDIA_TYPE, charset="utf-8", headers=headers
    )


def calendar_of(row: EventRow) -> CalendarEvent:
    """Return what a calendar shows of an event."""
    settings, details = row.settings, row.details
    kinds = () if details.category is None else (details.category,)
    return CalendarEvent(
        event=row.event,
        name=settings.name,
        sale_state=settings.sale_state,
        starts_at=from_ms(settings.starts_at_ms),
        ends_at=maybe_from_ms(settings.ends_at_ms),
        created_at=row.created_at,
        changed_at=row.changed_at or row.created_at,
        sequence=row.changes,
        description=details.description,
        location=row.venue_name,
        zone=zone_of(settings.timezone),
        categories=(*kinds, *details.tags),
    )


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/events/{event}/calendar.ics",
        handler=show_calendar,
        name="show_calendar",
        summary="Show an event as an iCalendar file",
        tag="Events",
        access="anyone",
        scope="events:read",
        media_type=MEDIA_TYPE,
        cached=True,
        problems=EVENT,
    ),
)
