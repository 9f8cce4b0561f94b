"""The line over REST: what anybody may know of it, and what its managers do.

Each of these done again is the same thing, so a key is checked and makes no difference.
"""

from functools import partial
from typing import Final, TypeVar

from aiohttp import web
from msgspec import UnsetType

from inventory.commands import SetLine
from server.events.line.rules import mode_of
from server.events.line.service_control import LINE_CONTROL, Act, ShownLine
from server.events.line.wire.bodies import LineDocument, LinePatch, line_document
from server.events.line.wire.problems import LINE_NOT_OPEN, LINE_OVER
from server.events.line.wire.rest import LINE, TAG
from server.transport.http.problems import (
    EVENT_NOT_FOUND,
    FORBIDDEN,
    OUTCOME_UNKNOWN,
    OVERLOADED,
    PRECONDITION_FAILED,
    WRONG_STATE,
)
from server.transport.rest.call import Call
from server.transport.rest.route import EVENT, WRITES, Route

T = TypeVar("T")


async def show_line(call: Call) -> web.Response:
    """Show the line of an event."""
    event = call.path("event", EVENT_NOT_FOUND)
    shown = await call[LINE_CONTROL].show(call.identity, event)
    return call.read(_document(shown), revision=_revision(shown))


async def open_line(call: Call) -> web.Response:
    """Open the line of an event, for anybody to join."""
    _, event = call.key, call.path("event", EVENT_NOT_FOUND)
    return answer(call, await call[LINE_CONTROL].open(call.who, event))


async def act_on_line(act: Act, call: Call) -> web.Response:
    """Pause a line, resume it, or close it for good."""
    _, event = call.key, call.path("event", EVENT_NOT_FOUND)
    return answer(call, await call[LINE_CONTROL].act(call.who, event, act))


async def change_line(call: Call) -> web.Response:
    """Change how a line goes on."""
    _, event = call.key, call.path("event", EVENT_NOT_FOUND)
    control = call[LINE_CONTROL]
    managed = await control.managed(call.who, event)
    body = await call.body(LinePatch)
    command = SetLine(
        id=0,
        event=event,
        turns_per_min=_given(body.turns_per_min),
        sell_out_s=_given(body.sell_out_s),
        turn_s=_given(body.turn_s),
        offer_s=_given(body.offer_s),
        serve_away=_given(body.serve_away),
        count_returns=_given(body.count_returns),
    )
    changes = command != SetLine(id=0, event=event)
    shown = await control.change(
        managed, command if changes else None, _given(body.paused), call.seen
    )
    return answer(call, shown)


def _given(value: T | UnsetType) -> T | None:
    return None if isinstance(value, UnsetType) else value


def answer(call: Call, shown: ShownLine) -> web.Response:
    """Answer with a line as it is now."""
    return call.answer(_document(shown), revision=_revision(shown))


def _revision(shown: ShownLine) -> int:
    return 0 if shown.row is None else shown.row.revision


def _document(shown: ShownLine) -> LineDocument:
    event = shown.event
    mode = mode_of(event.board.settings)
    return line_document(
        event.id, mode, shown.phase, shown.row, shown.counts, shown.listed
    )


MANAGES: Final = (
    *WRITES,
    EVENT_NOT_FOUND,
    FORBIDDEN,
    LINE_NOT_OPEN,
    LINE_OVER,
    WRONG_STATE,
    PRECONDITION_FAILED,
    OVERLOADED,
    OUTCOME_UNKNOWN,
)
ACTS: Final[dict[Act, str]] = {
    "pause": "Give no turns for a while; ranks stay",
    "resume": "Give turns again",
    "close": "Close the line for good",
}

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path=LINE,
        handler=show_line,
        name="show_line",
        summary="Show the line of an event",
        tag=TAG,
        access="anyone",
        scope="events:read",
        answers=LineDocument,
        cached=True,
        problems=EVENT,
    ),
    Route(
        method="PATCH",
        path=LINE,
        handler=change_line,
        name="change_line",
        keyed=True,
        summary="Change how a line goes on",
        tag=TAG,
        access="manager",
        scope="events:write",
        body=LinePatch,
        answers=LineDocument,
        problems=MANAGES,
    ),
    Route(
        method="POST",
        path=f"{LINE}/open",
        handler=open_line,
        name="open_line",
        keyed=True,
        summary="Open the line of an event, for anybody to join",
        tag=TAG,
        access="manager",
        scope="events:write",
        answers=LineDocument,
        problems=MANAGES,
    ),
    *(
        Route(
            method="POST",
            path=f"{LINE}/{act}",
            handler=partial(act_on_line, act),
            name=f"{act}_line",
            keyed=True,
            summary=summary,
            tag=TAG,
            access="manager",
            scope="events:write",
            answers=LineDocument,
            problems=MANAGES,
        )
        for act, summary in ACTS.items()
    ),
)
