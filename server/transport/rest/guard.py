"""Let a request in: who it is from, whether it comes too often, whether it may."""

import time
from collections.abc import Awaitable, Callable
from typing import Final, Literal

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from persistence.people.api_keys import Scope
from server.base.context import CONTEXT, Context
from server.people.activity.middleware import note_caller
from server.people.api_keys.api_keys import Machine
from server.people.auth.tokens import TOKEN_LENGTH_MAX, Identity, TokenError, Tokens
from server.transport.http.client_address import find_client, limit_key
from server.transport.http.middleware import LIMIT_HEADERS
from server.transport.http.problems import ProblemError
from server.transport.ratelimit.request_limits import Budget
from server.transport.ratelimit.token_buckets import Verdict
from server.transport.rest.call import Call

Access = Literal[
    "operational",
    "anonymous",
    "anyone",
    "buyer",
    "customer",
    "manager",
    "member",
    "leader",
    "owner",
    "organizer",
    "admin",
]
"""Who may call a route. `operational` is neither asked who it is nor limited;
`anonymous` is not asked; `anyone` may say; the others must. A `customer` has an
account, a `buyer` may be a guest. A `manager` has an account too, and the handler
judges by the event: its organisation's owners and leaders manage it, and organisers
where it has none. `member`, `leader` and `owner` are what one is at least in the
organisation of the path. Administrators are all of these."""

CallHandler = Callable[[Call], Awaitable[web.StreamResponse]]

FORWARDED: Final = ("X-Forwarded-For", "Forwarded")
UNASKED: Final = frozenset({"operational", "anonymous"})
ACCOUNTS: Final = frozenset({"customer", "organizer", "admin"})
ROLES: Final[dict[str, frozenset[str]]] = {
    "buyer": frozenset({"guest", "customer", "organizer", "admin"}),
    "customer": ACCOUNTS,
    "manager": ACCOUNTS,
    "member": ACCOUNTS,
    "leader": ACCOUNTS,
    "owner": ACCOUNTS,
    "organizer": frozenset({"organizer", "admin"}),
    "admin": frozenset({"admin"}),
}


log = structlog.get_logger()


def guarded(
    access: Access,
    handler: CallHandler,
    scope: Scope | None = None,
    budget: Budget = "requests",
    keyed: bool = False,
) -> Handler:
    """Return the aiohttp handler that lets in whom the route is for.

    `scope` is what an API key needs; without one none is let in. `budget` is what a
    call takes from. Where a route is `keyed`, an idempotency key that is none is
    refused, also by what has one effect without it.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        context = request.app[CONTEXT]
        client = client_of(request, context)
        if access == "operational":
            return await handler(Call(request, context, None, client))
        identity, failure = None, None
        if access not in UNASKED:
            identity, failure = await _identify_any(request, context, client)
        note_caller(request, identity, client)
        if context.limits is not None:
            # Wrong tokens count as well, under their sender's address.
            now_s = time.monotonic()
            enforce(request, context.limits.request(client, identity, now_s, budget))
        if failure is not None:
            raise failure
        _admit(access, scope, identity)
        call = Call(request, context, identity, client)
        if keyed:
            _ = call.key
        return await handler(call)

    return handle


def client_of(request: web.BaseRequest, context: Context) -> str:
    """Return the client's address, as limits count it."""
    trusted = context.trusted_proxies
    if not trusted:
        return limit_key(find_client(request.remote, ()))
    headers = request.headers
    address = find_client(
        request.remote,
        trusted,
        headers.getall("Forwarded", []),
        headers.getall("X-Forwarded-For", []),
    )
    return limit_key(address)


def enforce(request: web.Request, verdict: Verdict) -> None:
    """Tell the client about its limit, and stop it where it went beyond."""
    request[LIMIT_HEADERS] = verdict.headers()
    if not verdict.allowed:
        _mention_proxy(request)
        raise ProblemError("rate_limited", headers=verdict.headers())


def _mention_proxy(request: web.Request) -> None:
    """Say once that all clients of a proxy are taken for one, where it looks so."""
    context = request.app[CONTEXT]
    limits = context.limits
    if context.trusted_proxies or limits is None or limits.mentioned_proxy:
        return
    if any(name in request.headers for name in FORWARDED):
        limits.mentioned_proxy = True
        log.warning(
            "clients behind a proxy that is not trusted are limited as one",
            proxy=request.remote,
            setting="ONSALE_TRUSTED_PROXIES",
        )


def bearer_of(authorization: str) -> str | None:
    """Return the token of an `Authorization` header; None for another scheme."""
    scheme, _, token = authorization.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > TOKEN_LENGTH_MAX:
        return None
    return token


def identify(
    request: web.BaseRequest, tokens: Tokens
) -> tuple[Identity | None, ProblemError | None]:
    """Return who a request says it is from, or what is wrong with its saying so."""
    authorization = request.headers.get("Authorization")
    if authorization is None:
        return None, None
    token = bearer_of(authorization)
    if token is None:
        detail = "Send the access token as: Authorization: Bearer <token>."
        return None, ProblemError("unauthenticated", detail)
    try:
        return tokens.check(token, int(time.time())), None
    except TokenError as error:
        return None, ProblemError("unauthenticated", str(error))


async def _identify_any(
    request: web.Request, context: Context, client: str
) -> tuple[Identity | None, ProblemError | None]:
    """Return the person, or the machine, that a request says it is from."""
    keys = request.headers.getall("X-API-Key", [])
    if not keys:
        return identify(request, context.tokens)
    if len(keys) > 1 or "Authorization" in request.headers:
        # Serving either would serve its sender as somebody else than it may believe.
        detail = "Send one access token, or one API key."
        return None, ProblemError("bad_frame", detail)
    machines = context.office.machines
    if context.limits is not None and not machines.knows(keys[0]):
        # A guess costs a look at the database: it counts for its sender's address too.
        enforce(request, context.limits.request(client, None, time.monotonic()))
    machine = await machines.identify(keys[0])
    if machine is None:
        return None, ProblemError("unauthenticated", "There is no such API key.")
    return machine, None


def _admit(access: Access, scope: Scope | None, identity: Identity | None) -> None:
    if isinstance(identity, Machine):
        if scope is None:
            raise ProblemError("forbidden", "API keys may not do this.")
        if scope not in identity.scopes:
            raise ProblemError("forbidden", f"This API key lacks the scope {scope}.")
        return
    roles = ROLES.get(access)
    if roles is None:
        return
    if identity is None:
        raise ProblemError("unauthenticated")
    if identity.role not in roles:
        raise ProblemError("forbidden")
