"""Let a request in: who it is from, whether it comes too often, whether it may."""

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final, get_args

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from persistence.people.api_keys import Scope
from server.base.access import UNASKED, Access, admit
from server.base.identity import (
    TOKEN_LENGTH_MAX,
    Authenticator,
    GuestBook,
    Identity,
    KeyAuthenticator,
    OpenerAuthenticator,
    TokenError,
)
from server.base.networks import ProxyHeader
from server.base.refusals.refusals import refuse_denied
from server.transport.http.app_keys import SETTINGS, TRUSTED_PROXIES
from server.transport.http.client_address import find_client, is_trusted, limit_key
from server.transport.http.middleware import LIMIT_HEADERS
from server.transport.http.problems import (
    BAD_FRAME,
    UNAUTHENTICATED,
    ProblemError,
)
from server.transport.ratelimit.meter import Meter, RateLimited
from server.transport.ratelimit.request_limits import (
    LIMITS,
    Budget,
    is_this_machine,
)
from server.transport.ratelimit.token_buckets import Verdict
from server.transport.rest.call import Call
from server.transport.rest.notes import note_caller
from server.transport.rest.query import check_names

CallHandler = Callable[[Call], Awaitable[web.StreamResponse]]

AUTHENTICATOR: Final[web.AppKey[Authenticator]] = web.AppKey("authenticator")
KEY_AUTHENTICATOR: Final[web.AppKey[KeyAuthenticator]] = web.AppKey("key authenticator")
OPENER_AUTHENTICATOR: Final[web.AppKey[OpenerAuthenticator]] = web.AppKey(
    "opener authenticator"
)

GUEST_BOOK: Final[web.AppKey[GuestBook]] = web.AppKey("guest book")
NOT_OPEN: Final = "This order is not open any more; open it once more."
LAPSED: Final = "This guest held nothing within an hour; become another one."

PROXY_HEADERS: Final = get_args(ProxyHeader)
NO_QUERY: Final[Mapping[str, bool]] = {}
log = structlog.get_logger()


def guarded(
    access: Access,
    handler: CallHandler,
    scope: Scope | None = None,
    budget: Budget = "requests",
    keyed: bool = False,
    query: Mapping[str, bool] = NO_QUERY,
    *,
    opened: bool = False,
) -> Handler:
    """Return the aiohttp handler that lets in whom the route is for.

    `scope` is what an API key needs; without one none is let in. `budget` is what a
    call takes from. Where a route is `keyed`, an idempotency key that is none is
    refused, also by what has one effect without it. `query` names its parameters, and
    says of each whether it may be given several times; others are refused, except by
    what is operational, which leaves them alone. `opened` lets in who opened an order.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        app = request.app
        client = client_of(request, app)
        limits = app.get(LIMITS)
        if access == "operational":
            if limits is not None and budget != "probe":
                now_s = time.monotonic()
                enforce(request, limits.request(client, None, now_s, budget))
            return await handler(Call(request, None, client))
        identity, failure = None, None
        if access not in UNASKED:
            identity, failure = await _identify_any(request, app, client)
        note_caller(request, identity, client)
        if limits is not None and budget != "probe":
            # Wrong tokens count as well, under their sender's address.
            now_s = time.monotonic()
            enforce(request, limits.request(client, identity, now_s, budget))
        if failure is not None:
            raise failure
        refuse_denied(admit(access, scope, identity, opened=opened))
        if request.query_string:
            check_names(request.query, query)
        call = Call(request, identity, client)
        if keyed:
            _ = call.key
        return await handler(call)

    return handle


def client_of(request: web.BaseRequest, app: web.Application) -> str:
    """Return the client's address, as limits count it."""
    trusted = app[TRUSTED_PROXIES]
    if not trusted:
        return limit_key(find_client(request.remote, ()))
    header = app[SETTINGS].proxy_header
    lines = request.headers.getall(header, [])
    client = limit_key(find_client(request.remote, trusted, header, lines))
    if lines and is_this_machine(client):
        # It came over a proxy, and may have seen to it that nobody can read from where:
        # so it is not as free as who sits at this machine.
        return f"via {client}"
    return client


def enforce(request: web.Request, verdict: Verdict) -> None:
    """Tell the client about its limit, and stop it where it went beyond."""
    _tell_limit(request, verdict)
    if not verdict.allowed:
        raise RateLimited(verdict)


def meter_of(call: Call) -> Meter:
    """Return what counts for a caller whatever is dear, and tells it of that."""
    user = None if call.identity is None else call.identity.user
    tell = partial(_tell_limit, call.request)
    return Meter(call.find(LIMITS), call.client, user, tell)


def _tell_limit(request: web.Request, verdict: Verdict) -> None:
    request[LIMIT_HEADERS] = verdict.headers()
    if not verdict.allowed:
        _mention_proxy(request)


def _mention_proxy(request: web.Request) -> None:
    """Say once that all clients of a proxy are taken for one, where it looks so."""
    app = request.app
    limits, trusted = app.get(LIMITS), app[TRUSTED_PROXIES]
    told = [name for name in PROXY_HEADERS if name in request.headers]
    if limits is None or limits.mentioned_proxy or not told:
        return
    if not trusted:
        limits.mentioned_proxy = True
        log.warning(
            "clients behind a proxy that is not trusted are limited as one",
            proxy=request.remote,
            setting="ONSALE_TRUSTED_PROXIES",
        )
    elif app[SETTINGS].proxy_header not in told and is_trusted(
        request.remote or "", trusted
    ):
        limits.mentioned_proxy = True
        log.warning(
            "clients behind a proxy that tells of them elsewhere are limited as one",
            proxy=request.remote,
            told=told,
            setting="ONSALE_PROXY_HEADER",
        )


def bearer_of(authorization: str) -> str | None:
    """Return the token of an `Authorization` header; None for another scheme."""
    scheme, _, token = authorization.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > TOKEN_LENGTH_MAX:
        return None
    return token


def identify(
    request: web.BaseRequest, tokens: Authenticator
) -> tuple[Identity | None, ProblemError | None]:
    """Return who a request says it is from, or what is wrong with its saying so."""
    authorization = request.headers.get("Authorization")
    if authorization is None:
        return None, None
    token = bearer_of(authorization)
    if token is None:
        detail = "Send the access token as: Authorization: Bearer <token>."
        return None, ProblemError(UNAUTHENTICATED, detail)
    try:
        return tokens.check(token, int(time.time())), None
    except TokenError as error:
        return None, ProblemError(UNAUTHENTICATED, str(error))


async def _has_lapsed(
    request: web.Request, app: web.Application, client: str, identity: Identity
) -> bool:
    """Return whether this is a guest that held nothing in time."""
    book = app.get(GUEST_BOOK)
    if book is None or not book.is_doubtful(identity, time.time()):
        return False
    limits = app.get(LIMITS)
    if limits is not None:
        # As of a key that is not known: looking costs, and so counts for the sender.
        enforce(request, limits.request(client, None, time.monotonic()))
    return not await book.is_kept(identity.user)


async def _identify_any(
    request: web.Request, app: web.Application, client: str
) -> tuple[Identity | None, ProblemError | None]:
    """Return the person, or the machine, that a request says it is from."""
    keys = request.headers.getall("X-API-Key", [])
    if not keys:
        openers = app.get(OPENER_AUTHENTICATOR)
        token = bearer_of(request.headers.get("Authorization", ""))
        if openers is not None and token is not None and openers.is_token(token):
            return await _identify_opener(request, app, client, openers, token)
        identity, failure = identify(request, app[AUTHENTICATOR])
        if identity is not None and await _has_lapsed(request, app, client, identity):
            return None, ProblemError(UNAUTHENTICATED, LAPSED)
        return identity, failure
    if len(keys) > 1 or "Authorization" in request.headers:
        # Serving either would serve its sender as somebody else than it may believe.
        detail = "Send one access token, or one API key."
        return None, ProblemError(BAD_FRAME, detail)
    machines = app[KEY_AUTHENTICATOR]
    limits = app.get(LIMITS)
    if limits is not None and not machines.knows(keys[0]):
        # A guess costs a look at the database: it counts for its sender's address too.
        enforce(request, limits.request(client, None, time.monotonic()))
    machine = await machines.identify(keys[0])
    if machine is None:
        return None, ProblemError(UNAUTHENTICATED, "There is no such API key.")
    return machine, None


async def _identify_opener(
    request: web.Request,
    app: web.Application,
    client: str,
    openers: OpenerAuthenticator,
    token: str,
) -> tuple[Identity | None, ProblemError | None]:
    """Return who opened an order, by the token that they got for that."""
    limits = app.get(LIMITS)
    if limits is not None and not openers.knows(token):
        # As of a key that is not known.
        enforce(request, limits.request(client, None, time.monotonic()))
    opener = await openers.identify(token)
    if opener is None:
        return None, ProblemError(UNAUTHENTICATED, NOT_OPEN)
    return opener, None
