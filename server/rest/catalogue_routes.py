"""Routes of what stands around an event: a further one like it, its calendar file."""

from typing import Final

from server.rest import calendars, duplicates
from server.rest.event_bodies import NewEvent
from server.rest.route import EVENT, WRITES, Route

CATALOGUE_ROUTES: Final = (
    Route(
        method="POST",
        path="/v1/events/{event}/duplicate",
        handler=duplicates.duplicate_event,
        name="duplicate_event",
        summary="Make a draft like this event, perhaps at another time",
        tag="Events",
        access="manager",
        scope="events:write",
        body=duplicates.EventDuplicate,
        body_required=False,
        answers=NewEvent,
        status=201,
        keyed=True,
        problems=(*WRITES, "event_not_found", "venue_taken", "key_reused"),
    ),
    Route(
        method="GET",
        path="/v1/events/{event}/calendar.ics",
        handler=calendars.show_calendar,
        name="show_calendar",
        summary="Show an event as an iCalendar file",
        tag="Events",
        access="anyone",
        scope="events:read",
        media_type=calendars.MEDIA_TYPE,
        cached=True,
        problems=EVENT,
    ),
)
