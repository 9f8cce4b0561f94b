"""Who did what: all of it for administrators, one's own for everybody.

A call is here a moment after it was answered; see `server.people.activity`.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from inventory.limits import ID_LENGTH_MAX
from persistence.people.activity import ActivityLog, ActivityRow, Wanted
from server.people.organisations.rows import ONE, listing, require_membership
from server.transport.http.problems import BAD_FIELD, UNAVAILABLE
from server.transport.rest.call import Call
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.query import choice_of, text_of, time_of
from server.transport.rest.route import PAGING, Query, Route

METHODS: Final = ("POST", "PUT", "PATCH", "DELETE", "GET")
CLASSES: Final = ("2xx", "3xx", "4xx", "5xx")
ROUTE_LENGTH_MAX: Final = 200


class ActivityDocument(Struct):
    """One call that writes, or takes a table away: by whom, on what, how it ended.

    `route` is the template of the path, `objects` names what it was about, `details`
    what it changed where it tells. `address` is the network it came from. Status 499
    says that the client left before there was an answer.
    """

    id: str
    at: datetime
    actor: str | None
    role: str | None
    method: str
    route: str
    objects: dict[str, str]
    status: int
    code: str | None
    request_id: str
    address: str
    duration_ms: float
    details: dict[str, Any]


class OrganisationActivity(Struct):
    """One call about an organisation, without where it came from."""

    id: str
    at: datetime
    actor: str | None
    role: str | None
    method: str
    route: str
    objects: dict[str, str]
    status: int
    code: str | None
    details: dict[str, Any]


ACTIVITY_LOG: Final = web.AppKey("activity log", ActivityLog)


async def list_activity(call: Call) -> web.Response:
    """List what anybody did, newest first."""
    query = call.request.query
    wanted = Wanted(
        actor=text_of(query, "actor", ID_LENGTH_MAX),
        method=choice_of(query, "method", METHODS),
        route=text_of(query, "route", ROUTE_LENGTH_MAX),
        event=text_of(query, "event", ID_LENGTH_MAX),
        organisation=text_of(query, "organisation", ID_LENGTH_MAX),
        begin=time_of(query, "from"),
        end=time_of(query, "to"),
        status=_class(query),
    )
    return await _show(call, wanted)


async def list_my_activity(call: Call) -> web.Response:
    """List what the caller did, newest first."""
    query = call.request.query
    begin, end = time_of(query, "from"), time_of(query, "to")
    return await _show(call, Wanted(actor=call.who.user, begin=begin, end=end))


async def list_organisation_activity(call: Call) -> web.Response:
    """List what was done about an organisation, newest first."""
    membership, query = await require_membership(call, "leader"), call.request.query
    begin, end = time_of(query, "from"), time_of(query, "to")
    wanted = Wanted(
        organisation=membership.id,
        actor=text_of(query, "actor", ID_LENGTH_MAX),
        begin=begin,
        end=end,
    )
    rows, cursor = await call[ACTIVITY_LOG].list(
        wanted, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(call[ACTIVITY_LOG].count, wanted))
    items = [
        OrganisationActivity(
            row.activity_id,
            row.at,
            row.actor,
            row.role,
            row.method,
            row.route,
            row.objects,
            row.status,
            row.code,
            row.details,
        )
        for row in rows
    ]
    return call.read(Page(items, cursor, total))


async def _show(call: Call, wanted: Wanted) -> web.Response:
    query = call.request.query
    rows, cursor = await call[ACTIVITY_LOG].list(
        wanted, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(call[ACTIVITY_LOG].count, wanted))
    return call.read(Page([document_of(row) for row in rows], cursor, total))


def document_of(row: ActivityRow) -> ActivityDocument:
    """Return a record as clients see it."""
    return ActivityDocument(
        id=row.activity_id,
        at=row.at,
        actor=row.actor,
        role=row.role,
        method=row.method,
        route=row.route,
        objects=row.objects,
        status=row.status,
        code=row.code,
        request_id=row.request_id,
        address=row.address,
        duration_ms=row.duration_ms,
        details=row.details,
    )


def _class(query: Mapping[str, str]) -> int | None:
    text = choice_of(query, "status", CLASSES)
    return None if text is None else int(text[0])


PERIOD: Final = (
    Query("from", {"type": "string", "format": "date-time"}, "Only from here on."),
    Query("to", {"type": "string", "format": "date-time"}, "Only before this."),
)

ID: Final = {"type": "string", "minLength": 1, "maxLength": 64}

ACTOR: Final = Query("actor", ID, "Only what this user or API key did.")

ACTIVITY_FILTERS: Final = (
    ACTOR,
    Query(
        "method",
        {"type": "string", "enum": list(METHODS)},
        "Only calls with this method: `GET` are those that took data away.",
    ),
    Query(
        "route",
        {"type": "string", "minLength": 1, "maxLength": ROUTE_LENGTH_MAX},
        "Only calls of this route, as `paths` here has it: `/v1/events/{event}`.",
    ),
    Query("event", ID, "Only calls about this event."),
    Query("organisation", ID, "Only calls about this organisation."),
    Query(
        "status",
        {"type": "string", "enum": list(CLASSES)},
        "Only calls that were answered like this.",
    ),
    *PERIOD,
)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/activity",
        handler=list_activity,
        name="list_activity",
        summary="List who did what, newest first: every call that writes",
        tag="Administration",
        access="admin",
        answers=Page[ActivityDocument],
        cached=True,
        query=(*ACTIVITY_FILTERS, *PAGING),
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
    Route(
        method="GET",
        path="/v1/me/activity",
        handler=list_my_activity,
        name="list_my_activity",
        summary="List what the caller did, newest first",
        tag="People",
        access="buyer",
        answers=Page[ActivityDocument],
        cached=True,
        query=(*PERIOD, *PAGING),
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
    listing(
        OrganisationActivity,
        path=f"{ONE}/activity",
        handler=list_organisation_activity,
        name="list_organisation_activity",
        summary="List who did what about an organisation, newest first",
        access="leader",
        query=(ACTOR, *PERIOD),
    ),
)
