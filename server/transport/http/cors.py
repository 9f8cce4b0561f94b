"""Which pages of other origins may read our answers (CORS), by a list and nothing else.

No cookie ever says who asks here, so a page can do no more than its own script could
with the token that it has; credentials of the browser are never asked for. Where no
origin is listed, no answer says anything of this.
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from server.base.settings import Config
from server.transport.http.app_keys import SETTINGS

PREFLIGHT_S: Final = 600
"""How long a browser need not ask again."""

METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE"
ASKED: Final = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match,"
    " X-API-Key, X-Request-Id"
)
"""Headers that a page may send."""

TOLD: Final = (
    "ETag, Location, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset,"
    " Retry-After, X-Request-Id"
)
"""Headers that a page may read."""


DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
"""Browsers leave them out; proxies do not always."""


def own_origins(host: str, public_url: str | None) -> frozenset[str]:
    """Return the origins of the server's own pages, as browsers write them.

    `host` is the header of a request, by which a browser names whom it wants;
    `public_url` is where the operator says that the pages are.
    """
    named = {
        f"{scheme}://{host.lower().removesuffix(port)}"
        for scheme, port in DEFAULT_PORTS.items()
    }
    if public_url is not None:
        parts = urlsplit(public_url)
        # Without a name and password, which are no part of an origin.
        host = parts.netloc.rpartition("@")[2].lower()
        named.add(f"{parts.scheme}://{host.removesuffix(DEFAULT_PORTS[parts.scheme])}")
    return frozenset(named)


def own_origin(request: web.Request, settings: Config) -> str | None:
    """Return the origin of the page that asks, where it is one of our own."""
    origins = request.headers.getall("Origin", [])
    # Not aiohttp's `host`, which believes an absolute target more than the header.
    own = own_origins(request.headers.get("Host", ""), settings.public_url)
    return origins[0] if len(origins) == 1 and origins[0] in own else None


def origin_headers(origin: str | None, allowed: Sequence[str]) -> dict[str, str]:
    """Return what an answer says of the origins that may read it."""
    if not allowed:
        return {}
    if origin is None or origin not in allowed:
        return {"Vary": "Origin"}
    return {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": TOLD,
    }


def answer_preflight(request: web.Request) -> web.Response | None:
    """Answer a browser that asks whether a page may; None for any other request."""
    if (
        request.method != "OPTIONS"
        or "Access-Control-Request-Method" not in request.headers
        or origin_of(request) not in request.app[SETTINGS].allowed_origins
    ):
        return None
    return web.Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": ASKED,
            "Access-Control-Max-Age": str(PREFLIGHT_S),
            "Cache-Control": "no-store",
        },
    )


def add_origin(request: web.Request, response: web.StreamResponse) -> None:
    """Say in an answer who may read it."""
    allowed = request.app[SETTINGS].allowed_origins
    if not allowed:
        return
    for name, value in origin_headers(origin_of(request), allowed).items():
        if name == "Vary":
            value = ", ".join((*response.headers.getall(name, ()), value))
        response.headers[name] = value


def origin_of(request: web.BaseRequest) -> str | None:
    """Return the one origin that a request names; two of them are none."""
    origins = request.headers.getall("Origin", [])
    return origins[0] if len(origins) == 1 else None
