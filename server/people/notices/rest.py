"""What somebody is told of what concerns them: their own notices."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final

from aiohttp import web
from msgspec import Meta, Struct

from persistence.people.notices.notices import NoticeKind, NoticeRow, Notices
from server.transport.http.problems import BAD_FIELD, UNAVAILABLE
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.fields import Id
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.query import bool_of
from server.transport.rest.route import PAGING, WRITES, Query, Route

READ_MAX: Final = 200

NOTICES: Final = web.AppKey("notices", Notices)


class NoticeDocument(Struct):
    """Something that somebody is told: once for a kind and what it is about."""

    id: str
    kind: NoticeKind
    event: str | None
    event_name: str | None
    """As it is called by now."""
    data: dict[str, Any]
    """Ids, and amounts in minor units, by kind: such as `order`, `reference`,
    `amount` and `currency` of a `refund_sent`."""
    at: datetime
    read_at: datetime | None


class NoticesRead(Body):
    """Which notices were read; without a list all there are."""

    notices: Annotated[list[Id], Meta(max_length=READ_MAX)] | None = None


class Unread(Struct):
    """How many notices are left to read."""

    unread: int


async def list_notices(call: Call) -> web.Response:
    """List the caller's notices, the newest first."""
    query, user = call.request.query, call.who.user
    unread, store = bool_of(query, "unread") or False, call[NOTICES]
    rows, cursor = await store.list_of(
        user, limit=read_limit(query), cursor=query.get("cursor"), unread=unread
    )
    total = await total_of(query, partial(store.count_of, user, unread=unread))
    return call.read(Page([_document_of(row) for row in rows], cursor, total))


async def read_notices(call: Call) -> web.Response:
    """Note that the caller read some notices, or all; those of others stay."""
    # A second time changes nothing, so the key is not looked at.
    body = await call.body(NoticesRead)
    store, user = call[NOTICES], call.who.user
    await store.read(user, body.notices)
    return call.answer(Unread(await store.count_of(user, unread=True)))


def _document_of(row: NoticeRow) -> NoticeDocument:
    return NoticeDocument(
        id=row.notice_id,
        kind=row.kind,
        event=row.event_id,
        event_name=row.event_name,
        data=row.data,
        at=row.at,
        read_at=row.read_at,
    )


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/notices",
        handler=list_notices,
        name="list_notices",
        summary="List what the caller is told, the newest first",
        tag="Notices",
        access="buyer",
        answers=Page[NoticeDocument],
        cached=True,
        query=(
            *PAGING,
            Query(
                "unread",
                {"type": "boolean", "default": False},
                "Whether to list only what is not read.",
            ),
        ),
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
    Route(
        method="POST",
        path="/v1/notices/read",
        handler=read_notices,
        name="read_notices",
        summary="Note that notices were read; a second time changes nothing",
        tag="Notices",
        access="buyer",
        body=NoticesRead,
        answers=Unread,
        keyed=True,
        problems=WRITES,
    ),
)
