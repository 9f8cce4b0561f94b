"""An event for people's calendars."""

from typing import Final

from aiohttp import web

from server.events.icalendar import CalendarEvent, encode_calendar
from server.rest import etags
from server.rest.call import CACHE_ASK, Call
from server.rest.events import find_event
from server.rest.problems import ProblemError
from server.rest.times import from_ms, maybe_from_ms

MEDIA_TYPE: Final = "text/calendar"


async def show_calendar(call: Call) -> web.Response:
    """Answer with the event as an iCalendar file."""
    event = await find_event(call)
    # All from one row: what changed, and how often and when it did.
    row = await call.context.catalog.find_event(event.id)
    if row is None:
        raise ProblemError("event_not_found")
    settings, details = row.settings, row.details
    kinds = () if details.category is None else (details.category,)
    body = encode_calendar(
        CalendarEvent(
            event=event.id,
            name=settings.name,
            sale_state=settings.sale_state,
            starts_at=from_ms(settings.starts_at_ms),
            ends_at=maybe_from_ms(settings.ends_at_ms),
            created_at=row.created_at,
            changed_at=row.changed_at or row.created_at,
            sequence=row.changes,
            description=details.description,
            location=row.venue_name,
            categories=(*kinds, *details.tags),
        )
    )
    etag = etags.of_body(body)
    headers = {"ETag": etag, "Cache-Control": CACHE_ASK}
    if etags.matches(call.request.headers.get("If-None-Match"), etag):
        return web.Response(status=304, headers=headers)
    headers["Content-Disposition"] = 'inline; filename="event.ics"'
    return web.Response(
        body=body, content_type=MEDIA_TYPE, charset="utf-8", headers=headers
    )
