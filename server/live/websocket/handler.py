"""The aiohttp handler of `GET /v1/ws`: pumps a socket's frames into its session."""

import asyncio
import socket
import time
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final

import structlog
from aiohttp import WebSocketError, WSCloseCode, WSMsgType, web

from persistence.errors import Unavailable
from server.base import limits
from server.base.identity import Identity, Machine, TokenError
from server.live.actors.origins import ORIGINS
from server.live.actors.registry import REGISTRY
from server.live.fanout.frames import CODECS, JSON
from server.live.fanout.hub import HUB
from server.live.fanout.writer import Writer
from server.live.websocket.direct_socket import DirectSocket
from server.live.websocket.machines import Keys, TooManyKeys
from server.live.websocket.sender import Sender
from server.live.websocket.session import NOT_UTF8, Session
from server.transport.http.app_keys import READINESS, SETTINGS
from server.transport.http.cors import own_origin
from server.transport.http.problems import FORBIDDEN, ProblemError
from server.transport.ratelimit.request_limits import LIMITS
from server.transport.rest.guard import (
    AUTHENTICATOR,
    GUEST_BOOK,
    KEY_AUTHENTICATOR,
    NO_QUERY,
    bearer_of,
    client_of,
    enforce,
)
from server.transport.rest.query import check_names

REASONS: Final[dict[int, str]] = {
    WSCloseCode.PROTOCOL_ERROR: "not the websocket protocol",
    WSCloseCode.INVALID_TEXT: NOT_UTF8,
    WSCloseCode.MESSAGE_TOO_BIG: f"a frame has at most {limits.FRAME_BYTES_MAX} bytes",
    WSCloseCode.INTERNAL_ERROR: "an error of the server's own",
}
"""Why the server ends a connection that neither it nor the client chose to end."""

LOGGED_MAX: Final = 200
"""How much is logged of a header that anybody may send."""

log = structlog.get_logger()


async def websocket(request: web.Request) -> web.StreamResponse:
    """Serve one websocket until it ends."""
    app = request.app
    sender: Sender | None = None
    if app.get(LIMITS) is not None:
        address = client_of(request, app)
        enforce(request, app[LIMITS].handshake(address, time.monotonic()))
        sender = Sender(app[LIMITS], address, app[ORIGINS].of(address))
    _check_origin(request, app)
    check_names(request.query, NO_QUERY)
    if request.body_exists:
        # What comes after the head are frames; a proxy may think it a body.
        raise web.HTTPBadRequest
    if len(app[HUB].writers) >= limits.CONNECTIONS_MAX or not app[READINESS].ready:
        raise web.HTTPServiceUnavailable(headers={"Retry-After": "1"})
    may_ask = partial(_may_ask, request, app)
    keys = Keys(app[KEY_AUTHENTICATOR], may_ask, app.get(GUEST_BOOK))
    user, shown = await _caller_of(request, app, keys)
    socket_ = DirectSocket(
        protocols=tuple(CODECS),
        compress=False,
        # aiohttp refuses what is as long as this already.
        max_msg_size=limits.FRAME_BYTES_MAX + 1,
        decode_text=False,
        autoping=False,
    )
    await socket_.prepare(request)
    transport = request.transport
    if transport is None:
        return socket_
    _bound_kernel_memory(transport)
    codec = CODECS.get(socket_.ws_protocol or "", JSON)
    writer = Writer(transport, codec, socket_.end)
    socket_.say_goodbye = partial(_say_goodbye, writer)
    session = Session(
        writer,
        app[HUB],
        app[REGISTRY],
        partial(_identify, app),
        app,
        limited=app.get(LIMITS) is not None,
        keys=keys,
        sender=sender,
    )
    # It may have been signed out while the handshake went on.
    if user is not None and not app[AUTHENTICATOR].is_ended(user):
        session.sign_in(user, shown)
    try:
        await _pump(socket_, session)
    finally:
        session.close()
    return socket_


async def _pump(socket_: DirectSocket, session: Session) -> None:
    """Read frames; stop reading while too much is unanswered."""
    wanted = WSMsgType.BINARY if session.writer.codec.binary else WSMsgType.TEXT
    socket_.direct(wanted, session.receive, session.must_wait, session.count)
    receive = socket_.receive
    while True:
        message = await receive()
        if message.type is wanted:
            session.receive(message.data)
        elif message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            session.receive_other(message.data, text=message.type is WSMsgType.TEXT)
        elif message.type is WSMsgType.PING:
            session.hear(message.data)
        elif message.type is WSMsgType.PONG:
            session.hear(None)
        else:
            error = message.data
            if message.type is WSMsgType.ERROR and not isinstance(
                error, WebSocketError
            ):
                log.error("a session broke", exc_info=error)
            return
        # After a ping too: what answers it may be taken as slowly as anything.
        if session.must_wait():
            await session.room()


def _say_goodbye(writer: Writer, code: int) -> None:
    """Say why the connection ends, where the client did not end it."""
    reason = REASONS.get(code)
    if reason is None:
        writer.end(code)
    else:
        writer.close(code, reason, 0)


def _check_origin(request: web.Request, app: web.Application) -> None:
    """Refuse pages from elsewhere; programs send no Origin."""
    origins = request.headers.getall("Origin", [])
    if not origins:
        return
    config = app[SETTINGS]
    listed = len(origins) == 1 and origins[0] in config.allowed_origins
    if listed or own_origin(request, config) is not None:
        return
    log.warning(
        "a page of another origin was refused a socket",
        origin=", ".join(origins)[:LOGGED_MAX],
        host=request.headers.get("Host", "")[:LOGGED_MAX],
        allowed=config.allowed_origins,
    )
    raise ProblemError(
        FORBIDDEN, "Pages of this origin may not connect; the log says which it was."
    )


async def _caller_of(
    request: web.Request, app: web.Application, keys: Keys
) -> tuple[Identity | None, str]:
    """Return who the handshake says is there, and a machine's key with it."""
    header = request.headers.get("Authorization")
    shown = request.headers.getall("X-API-Key", [])
    if header is None and not shown:
        return None, ""
    if len(shown) > 1 or (shown and header is not None):
        raise web.HTTPBadRequest(text="Send one access token, or one API key.")
    text = bearer_of(header) if header is not None else shown[0]
    user: Identity | None = None
    if text is not None and keys.is_key(text):
        user = await _found(keys.find(text))
    elif text is not None and not shown:
        user = _identify(app, text)
        if user is not None and keys.is_doubtful(user):
            user = await _found(keys.find_guest(user))
    if text is None or user is None:
        raise web.HTTPUnauthorized
    # A token is as long as all else that is kept for a socket, so it is not kept.
    return user, text if isinstance(user, Machine) else ""


async def _found(asked: Coroutine[Any, Any, Identity | None]) -> Identity | None:
    """Return whom a look at the database proves, if anybody."""
    try:
        return await asked
    except TooManyKeys as error:
        raise web.HTTPTooManyRequests(headers={"Retry-After": "60"}) from error
    except Unavailable as error:
        raise web.HTTPServiceUnavailable(headers={"Retry-After": "1"}) from error


def _may_ask(request: web.Request, app: web.Application) -> bool:
    """Count a key that must be looked up for its sender's address, as REST does."""
    if app.get(LIMITS) is None:
        return True
    address = client_of(request, app)
    return app[LIMITS].request(address, None, time.monotonic()).allowed


def _identify(app: web.Application, token: str) -> Identity | None:
    """Return whom a token proves, if anybody."""
    try:
        return app[AUTHENTICATOR].check(token, int(time.time()))
    except TokenError:
        return None


def _bound_kernel_memory(transport: asyncio.Transport) -> None:
    """Keep what a client does not take where we see it, and close it for that.

    By itself the kernel takes megabytes for a client that reads nothing.
    """
    plain = transport.get_extra_info("socket")
    if plain is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, limits.SEND_BUFFER_BYTES)
