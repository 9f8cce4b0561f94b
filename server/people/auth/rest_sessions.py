"""The caller's sessions: where somebody is logged in, and an end to that."""

from datetime import datetime
from typing import Final

from aiohttp import web
from msgspec import UNSET, Struct

from persistence.people.sessions import SessionRow
from server.people.auth.problems import SESSION_NOT_FOUND
from server.people.auth.service import SIGN_IN_SERVICE
from server.transport.http.problems import BAD_FIELD, UNAVAILABLE
from server.transport.rest.call import Call
from server.transport.rest.paging import Page, page_of, read_cursor, read_limit
from server.transport.rest.query import bool_of
from server.transport.rest.route import PAGING, Route


class SessionDocument(Struct):
    """One login; `address` is the network it was last seen from."""

    id: str
    current: bool
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    user_agent: str
    address: str


async def list_sessions(call: Call) -> web.Response:
    """List where the caller is logged in, the one seen last first."""
    who, query = call.who, call.request.query
    limit, after = read_limit(query), read_cursor(query, tuple[int, str])
    # All of them: few have more than fit on a page.
    every = await call[SIGN_IN_SERVICE].sessions_of(who)
    rows = [row for row in every if after is None or _place(row) > after]
    items = [
        SessionDocument(
            id=row.session_id,
            current=row.session_id == who.session,
            created_at=row.created_at,
            seen_at=row.seen_at,
            expires_at=row.expires_at,
            user_agent=row.user_agent,
            address=row.address,
        )
        for row in rows[:limit]
    ]
    further = _place(rows[limit - 1]) if len(rows) > limit else None
    total = len(every) if bool_of(query, "count") else UNSET
    return call.read(page_of(items, further, total))


def _place(row: SessionRow) -> tuple[int, str]:
    """Return where a session is in the list."""
    return -round(row.seen_at.timestamp() * 1e6), row.session_id


async def end_session(call: Call) -> web.Response:
    """End one of the caller's sessions, its sockets included."""
    session = call.path("session", SESSION_NOT_FOUND)
    await call[SIGN_IN_SERVICE].end_session(call.who, session, call.seen)
    return call.done()


async def log_out(call: Call) -> web.Response:
    """End this session."""
    await call[SIGN_IN_SERVICE].log_out(call.who)
    return call.done()


async def log_out_everywhere(call: Call) -> web.Response:
    """End all of the caller's sessions."""
    await call[SIGN_IN_SERVICE].log_out_everywhere(call.who)
    return call.done()


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/v1/auth/logout",
        handler=log_out,
        name="log_out",
        summary="End this session, its tokens and sockets",
        tag="People",
        access="customer",
        status=204,
        keyed=True,
        problems=(UNAVAILABLE, BAD_FIELD),
    ),
    Route(
        method="POST",
        path="/v1/auth/logout-everywhere",
        handler=log_out_everywhere,
        name="log_out_everywhere",
        summary="End all sessions of the caller",
        tag="People",
        access="customer",
        status=204,
        keyed=True,
        problems=(UNAVAILABLE, BAD_FIELD),
    ),
    Route(
        method="GET",
        path="/v1/auth/sessions",
        handler=list_sessions,
        name="list_sessions",
        summary="List where the caller is logged in",
        tag="People",
        access="customer",
        answers=Page[SessionDocument],
        cached=True,
        query=PAGING,
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
    Route(
        method="DELETE",
        path="/v1/auth/sessions/{session}",
        handler=end_session,
        name="end_session",
        summary="End one session of the caller",
        tag="People",
        access="customer",
        status=204,
        keyed=True,
        problems=(SESSION_NOT_FOUND, UNAVAILABLE, BAD_FIELD),
    ),
)
