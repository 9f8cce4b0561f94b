"""What waits to leave us, what was sent and what died; for administrators."""

from datetime import datetime
from functools import partial
from typing import Final, get_args

from aiohttp import web
from msgspec import Struct

from persistence.mail import OutboxRow, OutboxState
from server.base.refusals.refusals import Refusal
from server.transport.http.problems import BAD_FIELD, UNAVAILABLE
from server.transport.outbox.channels import CHANNELS, HOOK, MAIL
from server.transport.outbox.problems import ROW_NOT_FOUND
from server.transport.rest.call import Call
from server.transport.rest.notes import note_details
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.query import choice_of
from server.transport.rest.route import PAGING, Query, Route

STATES: Final[tuple[OutboxState, ...]] = get_args(OutboxState)


class OutboxDocument(Struct):
    """What is to leave us or has; what it says is told to nobody but whom it is for."""

    row: str
    channel: str
    state: OutboxState
    """`due` waits or is being sent; `dead` was refused for good, or is too late."""
    recipient: str
    """An address; of a hook the machine it leads to, without what comes behind."""
    kind: str | None
    """What it tells: of a mail its kind, of a hook the type of what happened."""
    notice: str | None
    """The notice that it tells of."""
    attempts: int
    created_at: datetime
    due_at: datetime
    """When it is tried next, if it waits."""
    ended_at: datetime | None
    """When it was sent or refused for good."""
    reason: str | None
    """What the last attempt met."""


async def list_outbox(call: Call) -> web.Response:
    """List what one channel has to send, had, and could not send."""
    query, channels = call.request.query, call[CHANNELS]
    name = choice_of(query, "channel", tuple(channels)) or MAIL
    wanted = choice_of(query, "state", STATES)
    state = next((one for one in STATES if one == wanted), None)
    channel = channels[name]
    rows, cursor = await channel.list_rows(
        state, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(channel.count_rows, state))
    items = [_document_of(name, row) for row in rows]
    return call.read(Page(items, cursor, total))


async def replay_row(call: Call) -> web.Response:
    """Let what died be due again, with as much time as it had at first.

    What waits is left as it is, and so is what was sent.
    """
    # A second time is none: then it waits already, or was sent.
    wanted = call.path("row", ROW_NOT_FOUND)
    for name, channel in call[CHANNELS].items():
        row = await channel.replay(wanted)
        if row is not None:
            note_details(call.request, channel=name)
            return call.answer(_document_of(name, row))
    raise Refusal(ROW_NOT_FOUND)


def _document_of(channel: str, row: OutboxRow) -> OutboxDocument:
    return OutboxDocument(
        row.row,
        channel,
        row.state,
        row.recipient,
        row.kind,
        row.notice,
        row.attempts,
        row.created_at,
        row.due_at,
        row.ended_at,
        row.reason,
    )


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/outbox",
        handler=list_outbox,
        name="list_outbox",
        summary="List what a channel has to send, had and could not send, newest first",
        tag="Operation",
        access="admin",
        answers=Page[OutboxDocument],
        cached=True,
        query=(
            *PAGING,
            Query(
                "channel",
                {"type": "string", "enum": [MAIL, HOOK], "default": MAIL},
                "By which way it leaves.",
            ),
            Query(
                "state",
                {"type": "string", "enum": list(STATES)},
                "Only what is `due`, `sent` or `dead`.",
            ),
        ),
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
    Route(
        method="POST",
        path="/v1/outbox/{row}/replay",
        handler=replay_row,
        name="replay_row",
        summary="Let what could not be sent be due again",
        tag="Operation",
        access="admin",
        answers=OutboxDocument,
        keyed=True,
        problems=(ROW_NOT_FOUND, BAD_FIELD, UNAVAILABLE),
    ),
)
