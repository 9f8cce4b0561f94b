"""Notes each call that writes for the activity log, whatever becomes of it.

Of those that read the ones that take data away, as a table of buyers. Of those that
write all but two kinds: those refused for coming too often, which did nothing and
would fill a table for whoever floods us, and commands over a websocket, which the
event's journal has. Of a path only its template is kept, and of its parts only ids that
are no secrets; bodies, queries and headers are never looked at.
"""

from collections.abc import Mapping
from time import monotonic
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from msgspec import Struct

from inventory.limits import ID_LENGTH_MAX
from persistence.people.activity import Record, new_record_id
from server.live.actors.registry import REGISTRY
from server.people.activity.service import ACTIVITIES
from server.transport.http.client_address import network_of
from server.transport.http.middleware import request_id_of
from server.transport.http.problems import CODE
from server.transport.rest.bodies import is_clean
from server.transport.rest.notes import NOTE, Note

READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
MADE: Final = 201
GONE: Final = 499
"""The status of a call whose client left before there was an answer."""


class Recorded(Struct, frozen=True):
    """What is kept of the paths of calls, and of where they made something."""

    objects: frozenset[str]
    """Parts of paths that are ids of things; what else stands there is never kept."""
    made_at: Mapping[str, str]
    """What is made where: the answer's `Location` ends in one of these and the id."""


RECORDED: Final = web.AppKey("recorded", Recorded)


@web.middleware
async def note_writes(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Hand a record to the activity log when a call that writes is over."""
    if request.method not in READS:
        request[NOTE] = Note()
    began, status, code = monotonic(), GONE, None
    made: dict[str, str] = {}
    try:
        response = await handler(request)
        status, code = response.status, response.get(CODE)
        if status == MADE:
            made = _made(request.app, response.headers.get("Location", ""))
        return response
    finally:
        # Of calls that read those have one that take data away.
        note = request.get(NOTE)
        if note is not None and note.kept and code != "rate_limited":
            took_ms = round((monotonic() - began) * 1_000, 3)
            _keep(request, note, took_ms, status, code, made)


def _keep(
    request: web.Request,
    note: Note,
    took_ms: float,
    status: int,
    code: str | None,
    made: dict[str, str],
) -> None:
    """Hand over what is known of a call; `made` is what it made."""
    resource, app = request.match_info.route.resource, request.app
    if resource is None:
        # What is at no address of ours is no call.
        return
    named, beside = _objects(app, request.match_info), made | note.objects
    activities = app[ACTIVITIES]
    at_ms = activities.now_ms()
    activities.put(
        Record(
            id=new_record_id(at_ms),
            at_ms=at_ms,
            method=request.method,
            route=resource.canonical,
            status=status,
            request_id=request_id_of(request),
            address=network_of(note.client),
            duration_ms=took_ms,
            actor=note.actor,
            role=note.role,
            code=code,
            # The event of the path is here; what was made of it perhaps not yet.
            objects=_seller_of(app, beside | named) | named | beside,
            details=note.details,
        )
    )


def _made(app: web.Application, location: str) -> dict[str, str]:
    """Return what a call made: `/v1/events/evt_1` is the event evt_1."""
    above, _, name = location.rpartition("/")
    kind = app[RECORDED].made_at.get(above.rpartition("/")[2])
    return {} if kind is None else {kind: name}


def _seller_of(app: web.Application, objects: Mapping[str, str]) -> dict[str, str]:
    """Return the organisation of the event that a call was about, where it is known.

    So that whoever looks for what was done about an organisation finds what persons did
    about its events.
    """
    served = app[REGISTRY].active.get(objects.get("event", ""))
    if served is None or served.seller is None:
        return {}
    return {"organisation": served.seller.organisation}


def _objects(app: web.Application, parts: Mapping[str, str]) -> dict[str, str]:
    objects = app[RECORDED].objects
    return {
        name: text
        for name, text in parts.items()
        if name in objects and len(text) <= ID_LENGTH_MAX and is_clean(text)
    }
