"""The caller's sessions: where somebody is logged in, and an end to that."""

from datetime import datetime

from aiohttp import web
from msgspec import Struct

from server.transport.http.problems import ProblemError
from server.transport.rest.call import Call
from server.transport.rest.paging import Page


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
    who = call.who
    rows = await call.context.sessions.of_user(who.user)
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
        for row in rows
    ]
    # All of them: nobody has more than fit on a page.
    return call.read(Page[SessionDocument](items, None))


async def end_session(call: Call) -> web.Response:
    """End one of the caller's sessions, its sockets included."""
    session = call.path("session")
    if not await call.context.sign_ins.end(call.who.user, session):
        raise ProblemError("session_not_found")
    return call.done()


async def log_out(call: Call) -> web.Response:
    """End this session."""
    who = call.who
    if who.session:
        await call.context.sign_ins.end(who.user, who.session)
    return call.done()


async def log_out_everywhere(call: Call) -> web.Response:
    """End all of the caller's sessions."""
    await call.context.sign_ins.end_all(call.who.user)
    return call.done()
