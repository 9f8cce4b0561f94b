"""Messages to those who wait in a line, over REST."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final

from aiohttp import web
from msgspec import Meta, Struct, field

from inventory.names import TEXT_PATTERN
from persistence.events.line.messages import LineMessage
from server.events.line.messages.problems import LINE_MESSAGE_NOT_FOUND
from server.events.line.messages.service import MESSAGE_SERVICE
from server.events.line.wire.problems import LINE_NOT_OPEN, LINE_OVER
from server.events.line.wire.rest import LINE, TAG
from server.transport.http.problems import (
    BAD_FIELD,
    EVENT_NOT_FOUND,
    FORBIDDEN,
    KEY_REUSED,
    OUTCOME_UNKNOWN,
    OVERLOADED,
)
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.examples import Examples
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.route import EVENT, PAGING, WRITES, Route
from server.transport.rest.story import EVENT_ID, MADE, page

LANGUAGES_MAX: Final = 20
Text = Annotated[str, Meta(min_length=1, max_length=500, pattern=TEXT_PATTERN)]
Language = Annotated[str, Meta(min_length=2, max_length=35, pattern="^[A-Za-z0-9-]*$")]


class LineMessageBody(Body):
    """What to say, in plain text; `texts` is the same in other languages, by BCP 47."""

    text: Text
    texts: Annotated[dict[Language, Text], Meta(max_length=LANGUAGES_MAX)] = field(
        default_factory=dict
    )


class LineMessageDocument(Struct):
    """Something that was said to those who wait in the line of an event."""

    id: str
    event: str
    text: str
    texts: dict[str, str]
    said_at: datetime


def document_of(one: LineMessage) -> LineMessageDocument:
    """Return something that was said as anybody may read it."""
    return LineMessageDocument(
        one.message_id, one.event_id, one.text, one.texts, one.said_at
    )


async def say_to_line(call: Call) -> web.Response:
    """Tell all who wait something, and who comes later."""
    key, event = call.key, call.path("event", EVENT_NOT_FOUND)
    service = call[MESSAGE_SERVICE]
    managed = await service.managed(call.who, event)
    body = await call.body(LineMessageBody)
    said = await service.say(managed, body.text, body.texts, key)
    return call.answer(document_of(said), status=202)


async def list_line_messages(call: Call) -> web.Response:
    """List what was said to those who wait, the newest first."""
    query, event = call.request.query, call.path("event", EVENT_NOT_FOUND)
    service = call[MESSAGE_SERVICE]
    await service.seen(call.identity, event)
    rows, cursor = await service.messages.list_of(
        event, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(service.messages.count_of, event))
    return call.read(Page([document_of(row) for row in rows], cursor, total))


async def show_line_message(call: Call) -> web.Response:
    """Show something that was said to those who wait."""
    event = call.path("event", EVENT_NOT_FOUND)
    name = call.path("line_message", LINE_MESSAGE_NOT_FOUND)
    found = await call[MESSAGE_SERVICE].find(call.identity, event, name)
    return call.read(document_of(found))


ALL: Final = f"{LINE}/messages"

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path=ALL,
        handler=say_to_line,
        name="say_to_line",
        keyed=True,
        summary="Tell all who wait in a line something, and who comes later",
        tag=TAG,
        access="manager",
        scope="events:write",
        body=LineMessageBody,
        answers=LineMessageDocument,
        status=202,
        problems=(
            *WRITES,
            EVENT_NOT_FOUND,
            FORBIDDEN,
            KEY_REUSED,
            LINE_NOT_OPEN,
            LINE_OVER,
            OVERLOADED,
            OUTCOME_UNKNOWN,
        ),
    ),
    Route(
        method="GET",
        path=ALL,
        handler=list_line_messages,
        name="list_line_messages",
        summary="List what was said to those who wait in a line, the newest first",
        tag=TAG,
        access="anyone",
        scope="events:read",
        answers=Page[LineMessageDocument],
        cached=True,
        query=PAGING,
        problems=(*EVENT, BAD_FIELD),
    ),
    Route(
        method="GET",
        path=f"{ALL}/{{line_message}}",
        handler=show_line_message,
        name="show_line_message",
        summary="Show something that was said to those who wait in a line",
        tag=TAG,
        access="anyone",
        scope="events:read",
        answers=LineMessageDocument,
        cached=True,
        problems=(*EVENT, LINE_MESSAGE_NOT_FOUND),
    ),
)

MESSAGE_ID: Final = "message_0S9Hxu3l4qXYxPEmCOlqPw"
SAYS: Final[dict[str, Any]] = {
    "text": "The doors open an hour later.",
    "texts": {"de": "Der Einlass beginnt eine Stunde später."},
}
SAID: Final[dict[str, Any]] = {
    "id": MESSAGE_ID,
    "event": EVENT_ID,
    **SAYS,
    "said_at": MADE,
}
EXAMPLES: Final = Examples(
    requests={"say_to_line": SAYS},
    answers={
        "say_to_line": SAID,
        "list_line_messages": page(SAID),
        "show_line_message": SAID,
    },
)
