"""The commonest reads, answered before aiohttp's application sees them.

Purpose: an event and its availability are read by everybody, again and again. Routing
them, and making a response that is written header by header, costs three times what the
answer itself does; here it is looked up and written at once.

Invariant: what is answered here is what the usual way would answer. Only that way puts
answers into the caches, and only those that everybody may see; whatever is unusual
about a request, and every refusal, is left to it.
"""

import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Final

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

from server.events.catalogue.rest import event_stamp
from server.events.sales.rest_seats import availability_stamp
from server.live.actors.registry import REGISTRY
from server.transport.http import etags
from server.transport.http.app_keys import SETTINGS, TRUSTED_PROXIES
from server.transport.http.compressor import COMPRESSOR, may_compress
from server.transport.http.cors import origin_headers, origin_of
from server.transport.http.middleware import (
    SECURITY_HEADERS,
    SERVER,
    TRANSPORT,
    is_by_https,
    make_request_id,
)
from server.transport.http.response_cache import CACHES, Encoded
from server.transport.metrics.counting import REQUEST_COUNTS
from server.transport.ratelimit.request_limits import LIMITS
from server.transport.rest.call import CACHE_ASK
from server.transport.rest.guard import AUTHENTICATOR, client_of, identify

EVENTS: Final = "/v1/events/"
AVAILABILITY: Final = "availability"
EVENT: Final = "/v1/events/{event}"
AVAILABLE: Final = f"{EVENT}/{AVAILABILITY}"
SLASHES: Final = EVENT.count("/")
UNUSUAL: Final = ("Expect", "X-API-Key")
"""Headers that only the usual way understands."""

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_JSON: Final = "Content-Type: application/json\r\n"
_PACKED: Final = f"{_JSON}Content-Encoding: gzip\r\n"
_VARY: Final = "Vary: Accept-Encoding\r\n"
_ALWAYS: Final = f"Cache-Control: {CACHE_ASK}\r\nServer: {SERVER}\r\n" + "".join(
    f"{name}: {value}\r\n" for name, value in SECURITY_HEADERS.items()
)


class Written(web.StreamResponse):
    """Stands for an answer that is written already."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Do nothing more."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing more."""

    @property
    def keep_alive(self) -> bool:
        """Only such requests are answered here."""
        return True


class FastReads:
    """Stands before a handler of all requests, and answers what it can."""

    def __init__(self, app: web.Application, usual: Handler) -> None:
        self._app = app
        self._usual = usual
        self._written = Written()
        self._date_s = 0
        self._date = ""

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        began = time.monotonic()
        found = self._find(request)
        status = 0 if found is None else self._write(request, found)
        if not status:
            return await self._usual(request)
        route = EVENT if request.raw_path.count("/") == SLASHES else AVAILABLE
        seconds = time.monotonic() - began
        self._app[REQUEST_COUNTS].add("GET", route, status, seconds)
        # Whoever takes nothing of what it asked for waits here.
        await request.writer.drain()
        return self._written

    def _find(self, request: web.BaseRequest) -> Encoded | None:
        """Return the answer to a usual request, where it is there just now."""
        path, headers = request.raw_path, request.headers
        if (
            not path.startswith(EVENTS)
            or request.method != "GET"
            or request.version != HttpVersion11
            or not request.keep_alive
            or any(name in headers for name in UNUSUAL)
        ):
            return None
        app = self._app
        event, slash, rest = path[len(EVENTS) :].partition("/")
        served = app[REGISTRY].active.get(event)
        if served is None:
            return None
        found = None
        if not slash:
            found = app[CACHES].events.find(event, event_stamp(app, served))
        elif rest == AVAILABILITY:
            stamp = availability_stamp(served.board)
            found = app[CACHES].availability.find(event, stamp)
        if found is not None:
            # Only what everybody may see is kept, so no stranger keeps a draft loaded.
            served.used = True
        return found

    def _write(self, request: web.BaseRequest, found: Encoded) -> int:
        """Write an answer, where whoever asks may have it, and is still there.

        Returns its status, and 0 where it is not written.
        """
        app, transport = self._app, request.transport
        if transport is None or transport.is_closing():
            return 0
        identity, failure = identify(request, app[AUTHENTICATOR])
        if failure is not None:
            return 0
        body, tag, about = found.body, found.etag, _JSON
        asked = request.headers.get("If-None-Match")
        if etags.matches(asked, tag):
            code, status, about, body = 304, "304 Not Modified", "", b""
            tag = etags.as_known(asked, tag)
        else:
            code, status = 200, "200 OK"
            if may_compress(request, body):
                packed = app[COMPRESSOR].find(request.raw_path, tag)
                if packed is not None:
                    body, tag, about = packed, etags.weak(tag), _PACKED
                elif not app[COMPRESSOR].rests(body):
                    return 0
            about = f"{about}Content-Length: {len(body)}\r\n"
        told = self._told_of(request)
        limits = app.get(LIMITS)
        if limits is not None:
            client = client_of(request, app)
            now_s = time.monotonic()
            verdict = limits.request(client, identity, now_s, "cheap")
            if not verdict.allowed:
                return 0
            told += verdict.lines()
        head = (
            f"HTTP/1.1 {status}\r\nETag: {tag}\r\nDate: {self._now()}\r\n"
            f"X-Request-Id: {make_request_id(request)}\r\n{about}{told}{_ALWAYS}\r\n"
        )
        transport.write(head.encode("ascii") + body)
        return code

    def _told_of(self, request: web.BaseRequest) -> str:
        """Return the headers that depend on where a request comes from."""
        app = self._app
        allowed = app[SETTINGS].allowed_origins
        if not allowed and not app[TRUSTED_PROXIES]:
            return _VARY
        headers = origin_headers(origin_of(request), allowed)
        headers["Vary"] = "Accept-Encoding, Origin" if allowed else "Accept-Encoding"
        if is_by_https(request, app):
            headers["Strict-Transport-Security"] = TRANSPORT
        return "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    def _now(self) -> str:
        """Return the time as headers have it, made once a second."""
        now_s = int(time.time())
        if now_s != self._date_s:
            self._date_s, self._date = now_s, formatdate(now_s, usegmt=True)
        return self._date
