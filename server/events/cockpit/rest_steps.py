"""What those who run an event did to its sale: by whom, and when."""

from datetime import datetime
from functools import partial
from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from persistence.people.activity import Wanted
from server.events.catalogue.service import EVENT_SERVICE
from server.people.activity.rest import ACTIVITY_LOG
from server.transport.http.problems import BAD_FIELD, EVENT_NOT_FOUND, UNAVAILABLE
from server.transport.rest.call import Call
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.route import PAGING, Route

EVENT: Final = "/v1/events/{event}"
STEERS: Final = (
    EVENT,
    *(
        f"{EVENT}/{step}"
        for step in ("publish", "pause", "resume", "close", "cancel", "commands")
    ),
    f"{EVENT}/line",
    *(
        f"{EVENT}/line/{act}"
        for act in ("open", "pause", "resume", "close", "messages")
    ),
)
"""Routes by which an event is steered; of commands the two below do."""
OPS: Final = ("block", "unblock")
DONE: Final = 2
"""What was answered with 2xx was done."""


class StepDocument(Struct):
    """Something that was done to an event for all: by whom, and by which call.

    `name` is that of a person or of an API key; null where they are gone.
    """

    id: str
    at: datetime
    actor: str | None
    name: str | None
    method: str
    route: str
    details: dict[str, Any]


async def list_event_activity(call: Call) -> web.Response:
    """List what those who run an event did to it, newest first."""
    event = call.path("event", EVENT_NOT_FOUND)
    await call[EVENT_SERVICE].find_managed(call.who, event)
    query, log = call.request.query, call[ACTIVITY_LOG]
    wanted = Wanted(event=event, routes=STEERS, ops=OPS, status=DONE)
    rows, cursor = await log.list(
        wanted, limit=read_limit(query), cursor=query.get("cursor")
    )
    names = await log.names_of({row.actor for row in rows if row.actor is not None})
    total = await total_of(query, partial(log.count, wanted))
    items = [
        StepDocument(
            id=row.activity_id,
            at=row.at,
            actor=row.actor,
            name=names.get(row.actor or ""),
            method=row.method,
            route=row.route,
            details=row.details,
        )
        for row in rows
    ]
    return call.read(Page(items, cursor, total))


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path=f"{EVENT}/activity",
        handler=list_event_activity,
        name="list_event_activity",
        summary="List who did what to an event and its line, newest first",
        tag="Analytics",
        access="manager",
        scope="analytics:read",
        answers=Page[StepDocument],
        cached=True,
        query=PAGING,
        problems=(BAD_FIELD, EVENT_NOT_FOUND, UNAVAILABLE),
    ),
)
