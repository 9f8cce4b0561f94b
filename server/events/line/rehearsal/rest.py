"""Rehearsals of an event's sale over REST."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, Literal

import msgspec
from aiohttp import web
from msgspec import Meta, Struct, field

from persistence.errors import refuse_stale
from persistence.events.line.rehearsals import Rehearsal, Status
from server.events.line.rehearsal.people import PEOPLE_MAX, SECONDS_MAX, Mix
from server.events.line.rehearsal.problems import REHEARSAL_NOT_FOUND
from server.events.line.rehearsal.report import Report
from server.events.line.rehearsal.service import REHEARSALS, Asked
from server.events.line.wire.rest import TAG
from server.transport.http.problems import (
    BAD_FIELD,
    EVENT_NOT_FOUND,
    FORBIDDEN,
    KEY_REUSED,
    OVERLOADED,
    PRECONDITION_FAILED,
)
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.examples import Examples
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.route import EVENT, PAGING, WRITES, Route
from server.transport.rest.story import EVENT_ID, MADE, page

NEVER_EDITED: Final = 0
"""The revision of a rehearsal: what is asked of it stays."""


class RehearsalBody(Body):
    """What to rehearse: so many people, who come within so many seconds.

    The same `seed` brings the same people, and the same report while the event is the
    same. Today it is always `virtual`: on a clock that jumps, and touching nothing.
    """

    people: Annotated[int, Meta(ge=1, le=PEOPLE_MAX)]
    seconds: Annotated[int, Meta(ge=60, le=SECONDS_MAX)] = 900
    mix: Mix = field(default_factory=Mix)
    seed: Annotated[int, Meta(ge=0, le=2**31)] = 1
    speed: Literal["virtual"] = "virtual"


class RehearsalDocument(Struct):
    """A rehearsal; `report` is null until it is done.

    The report of the sale with these people: when all was sold, how long people waited,
    who was served by how many they want, how true the odds were, and what to set.
    """

    rehearsal: str
    event: str
    status: Status
    asked: Asked
    report: Report | None
    made_at: datetime
    over_at: datetime | None


_asked: Final = msgspec.json.Decoder(Asked).decode
_report: Final = msgspec.json.Decoder(Report).decode


def document_of(one: Rehearsal) -> RehearsalDocument:
    """Return a rehearsal as its organisers see it."""
    return RehearsalDocument(
        one.rehearsal_id,
        one.event_id,
        one.status,
        _asked(one.asked),
        None if one.report is None else _report(one.report),
        one.made_at,
        one.over_at,
    )


async def start_rehearsal(call: Call) -> web.Response:
    """Begin to rehearse the sale of an event."""
    key, event = call.key, call.path("event", EVENT_NOT_FOUND)
    service = call[REHEARSALS]
    await service.managed(call.who, event)
    body = await call.body(RehearsalBody)
    asked = Asked(body.people, body.seconds, body.mix, body.seed)
    made, _ = await service.start(call.who, event, asked, key)
    place = f"/v1/events/{event}/rehearsals/{made.rehearsal_id}"
    return call.answer(
        document_of(made),
        status=202,
        revision=NEVER_EDITED,
        headers={"Location": place},
    )


async def list_rehearsals(call: Call) -> web.Response:
    """List the rehearsals of an event, the newest first."""
    query, event = call.request.query, call.path("event", EVENT_NOT_FOUND)
    service = call[REHEARSALS]
    await service.managed(call.who, event)
    rows, cursor = await service.rehearsals.list_of(
        event, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(service.rehearsals.count_of, event))
    return call.read(Page([document_of(row) for row in rows], cursor, total))


async def show_rehearsal(call: Call) -> web.Response:
    """Show a rehearsal, and its report once it is done."""
    event = call.path("event", EVENT_NOT_FOUND)
    name = call.path("rehearsal", REHEARSAL_NOT_FOUND)
    found = await call[REHEARSALS].find(call.who, event, name)
    return call.read(document_of(found), revision=NEVER_EDITED)


async def delete_rehearsal(call: Call) -> web.Response:
    """Forget a rehearsal; one that runs ends."""
    event = call.path("event", EVENT_NOT_FOUND)
    name = call.path("rehearsal", REHEARSAL_NOT_FOUND)
    refuse_stale(NEVER_EDITED, call.seen)
    await call[REHEARSALS].forget(call.who, event, name)
    return call.done()


ALL: Final = "/v1/events/{event}/rehearsals"
ONE: Final = f"{ALL}/{{rehearsal}}"

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path=ALL,
        handler=start_rehearsal,
        name="start_rehearsal",
        keyed=True,
        summary="Begin to rehearse the sale of an event with simulated people",
        tag=TAG,
        access="manager",
        scope="events:write",
        body=RehearsalBody,
        answers=RehearsalDocument,
        status=202,
        problems=(*WRITES, EVENT_NOT_FOUND, FORBIDDEN, KEY_REUSED, OVERLOADED),
    ),
    Route(
        method="GET",
        path=ALL,
        handler=list_rehearsals,
        name="list_rehearsals",
        summary="List the rehearsals of an event, the newest first",
        tag=TAG,
        access="manager",
        scope="events:read",
        answers=Page[RehearsalDocument],
        cached=True,
        query=PAGING,
        problems=(*EVENT, FORBIDDEN, BAD_FIELD),
    ),
    Route(
        method="GET",
        path=ONE,
        handler=show_rehearsal,
        name="show_rehearsal",
        summary="Show a rehearsal, and its report once it is done",
        tag=TAG,
        access="manager",
        scope="events:read",
        answers=RehearsalDocument,
        cached=True,
        problems=(*EVENT, FORBIDDEN, REHEARSAL_NOT_FOUND),
    ),
    Route(
        method="DELETE",
        path=ONE,
        handler=delete_rehearsal,
        name="delete_rehearsal",
        keyed=True,
        summary="Forget a rehearsal; one that runs ends",
        tag=TAG,
        access="manager",
        scope="events:write",
        status=204,
        problems=(*EVENT, FORBIDDEN, REHEARSAL_NOT_FOUND, PRECONDITION_FAILED),
    ),
)

REHEARSAL_ID: Final = "b1d5781111d84f7b3fe45a0852e59758"
ASKED: Final[dict[str, Any]] = {
    "people": 2_000,
    "seconds": 900,
    "mix": {**msgspec.to_builtins(Mix()), "quantities": list(Mix().quantities)},
    "seed": 1,
}
RUNNING: Final[dict[str, Any]] = {
    "rehearsal": REHEARSAL_ID,
    "event": EVENT_ID,
    "status": "running",
    "asked": ASKED,
    "report": None,
    "made_at": MADE,
    "over_at": None,
}
REPORT: Final[dict[str, Any]] = {
    "places": 1_500,
    "people": 2_000,
    "sold": 1_500,
    "left": 0,
    "sold_out_s": 1_240.5,
    "turns": 872,
    "returned_turns": 190,
    "booked_turns": 640,
    "found_nothing": 3,
    "unserved": 1_020,
    "waited": {"p50": 310.2, "p90": 655.0, "p99": 1_104.7},
    "groups": [{"quantity": 2, "people": 920, "served": 402}],
    "turns_per_min_most": 84,
    "checkouts_per_min_most": 61,
    "refused": {"not_enough_seats": 12},
    "brier": 0.0512,
    "words": [{"word": "likely", "told": 61, "came": 0.77}],
    "learnt": {
        "kept": 0.75,
        "mean_milli": 2_020,
        "variance_milli": 2_110,
        "shift": -0.4,
        "slope": 0.91,
    },
    "suggested": {"turn_s": 60, "offer_s": 180, "sell_out_s": 900},
}
DONE: Final = {**RUNNING, "status": "done", "report": REPORT, "over_at": MADE}

EXAMPLES: Final = Examples(
    requests={"start_rehearsal": {"people": 200, "seconds": 300, "seed": 1}},
    answers={
        "start_rehearsal": RUNNING,
        "list_rehearsals": page(DONE),
        "show_rehearsal": DONE,
    },
)
