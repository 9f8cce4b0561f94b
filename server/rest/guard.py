"""Let a request in: who it is from, whether it comes too often, whether it may."""

import time
from collections.abc import Awaitable, Callable
from typing import Final, Literal

from aiohttp import web
from aiohttp.typedefs import Handler

from server.accounts.tokens import TOKEN_LENGTH_MAX, Identity, TokenError, Tokens
from server.context import CONTEXT, Context
from server.rest.call import Call
from server.rest.client_address import find_client, limit_key
from server.rest.middleware import LIMIT_HEADERS
from server.rest.notes import note_caller
from server.rest.problems import ProblemError
from server.rest.rate_limits import Verdict

Access = Literal[
    "operational", "anonymous", "anyone", "buyer", "customer", "organizer", "admin"
]
"""Who may call a route. `operational` is neither asked who it is nor limited;
`anonymous` is not asked; `anyone` may say; the others must. A `customer` has an
account, a `buyer` may be a guest."""

CallHandler = Callable[[Call], Awaitable[web.StreamResponse]]

UNASKED: Final = frozenset({"operational", "anonymous"})
ROLES: Final[dict[str, frozenset[str]]] = {
    "buyer": frozenset({"guest", "customer", "organizer", "admin"}),
    "customer": frozenset({"customer", "organizer", "admin"}),
    "organizer": frozenset({"organizer", "admin"}),
    "admin": frozenset({"admin"}),
}


def guarded(access: Access, handler: CallHandler) -> Handler:
    """Return the aiohttp handler that lets in whom the route is for."""

    async def handle(request: web.Request) -> web.StreamResponse:
        context = request.app[CONTEXT]
        client = client_of(request, context)
        if access == "operational":
            return await handler(Call(request, context, None, client))
        identity, failure = None, None
        if access not in UNASKED:
            identity, failure = _identify(request, context.tokens)
        note_caller(request, identity, client)
        # Wrong tokens count as well, under their sender's address.
        counted = client if identity is None else f"user {identity.user}"
        if context.limits is not None:
            verdict = context.limits.request(counted, time.monotonic())
            enforce(request, verdict)
        if failure is not None:
            raise failure
        _admit(access, identity)
        return await handler(Call(request, context, identity, client))

    return handle


def client_of(request: web.Request, context: Context) -> str:
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
        raise ProblemError("rate_limited", headers=verdict.headers())


def bearer_of(authorization: str) -> str | None:
    """Return the token of an `Authorization` header; None for another scheme."""
    scheme, _, token = authorization.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > TOKEN_LENGTH_MAX:
        return None
    return token


def _identify(
    request: web.Request, tokens: Tokens
) -> tuple[Identity | None, ProblemError | None]:
    if "X-API-Key" in request.headers:
        # Nobody has one yet, so none is right; ignoring it would serve its sender as
        # somebody else than it believes to be.
        return None, ProblemError("unauthenticated", "There is no such API key.")
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


def _admit(access: Access, identity: Identity | None) -> None:
    roles = ROLES.get(access)
    if roles is None:
        return
    if identity is None:
        raise ProblemError("unauthenticated")
    if identity.role not in roles:
        raise ProblemError("forbidden")
