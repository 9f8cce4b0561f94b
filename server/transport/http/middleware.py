"""What every request gets: an id, safe headers, a problem document when it fails."""

import random
import re
from typing import Final

import structlog
from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler

from persistence.errors import BadCursor, Stale, Unavailable
from server.base.log import REQUEST_ID as LOGGED_ID
from server.base.refusals.refusals import Refusal
from server.transport.http import problems
from server.transport.http.app_keys import SETTINGS, TRUSTED_PROXIES
from server.transport.http.client_address import came_by_https
from server.transport.http.cors import add_origin, answer_preflight
from server.transport.http.problems import (
    INTERNAL,
    PRECONDITION_FAILED,
    UNAVAILABLE,
    ProblemError,
    bad_field,
)
from server.transport.http.unrouted import answer_unrouted

REQUEST_ID: Final = web.RequestKey("request_id", str)
LIMIT_HEADERS: Final = web.RequestKey("limit_headers", dict[str, str])

_SANE_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_KINDS: Final = {
    400: problems.BAD_FRAME,
    401: problems.UNAUTHENTICATED,
    403: problems.FORBIDDEN,
    404: problems.NOT_FOUND,
    405: problems.METHOD_NOT_ALLOWED,
    408: problems.REQUEST_TIMEOUT,
    413: problems.TOO_LARGE,
    414: problems.URI_TOO_LONG,
    415: problems.UNSUPPORTED_MEDIA_TYPE,
    429: problems.RATE_LIMITED,
    503: problems.UNAVAILABLE,
}

KEPT_HEADERS: Final = frozenset({"Allow", "Retry-After"})
"""What an error of aiohttp tells beside its status."""

SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    # An answer of the interface is never a page; the pages bring their own policy.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}

TRANSPORT: Final = "max-age=31536000"
"""Said to whoever came by TLS: by nothing else from now on, to this name alone."""

SERVER: Final = "onsale"
"""Without it aiohttp names itself, Python and both versions."""

SECRET_PARTS: Final = frozenset({"code"})
"""Parts of paths that whoever reads a log could use."""

log = structlog.get_logger()


def request_id_of(request: web.BaseRequest) -> str:
    """Return the request's id: the client's own where it is sane, else a new one."""
    known = request.get(REQUEST_ID)
    if known is None:
        known = request[REQUEST_ID] = make_request_id(request)
    return known


def make_request_id(request: web.BaseRequest) -> str:
    """Return the client's own id where it is sane, else one that nobody has."""
    offered = request.headers.get("X-Request-Id")
    if offered is not None and _SANE_ID.fullmatch(offered) is not None:
        return offered
    # Unlikely to come twice, and no secret: nothing is asked of the kernel for it.
    return f"{random.getrandbits(96):024x}"


def path_to_log(request: web.Request) -> str:
    """Return a request's path, its template where a part of it is a secret."""
    resource = request.match_info.route.resource
    if resource is not None and not SECRET_PARTS.isdisjoint(request.match_info):
        return resource.canonical
    return request.path


def is_gone(request: web.BaseRequest) -> bool:
    """Return whether the client has closed the connection: nobody is answered."""
    transport = request.transport
    return transport is None or transport.is_closing()


def is_framed_doubtfully(request: web.BaseRequest) -> bool:
    """Return whether others may see the end of this request elsewhere than we do.

    HTTP/1.0 knows no `Transfer-Encoding`, so a proxy that speaks it passes on what it
    does not understand (RFC 9112, 6.1): the connection ends with the answer.
    """
    return request.version < HttpVersion11 and "Transfer-Encoding" in request.headers


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into a problem document."""
    request_id = request_id_of(request)
    # Whatever is logged meanwhile carries it.
    logged = LOGGED_ID.set(request_id)
    try:
        early = _answer_early(request, request_id)
        return await handler(request) if early is None else early
    except ProblemError as error:
        return problems.response(error, request_id)
    except Refusal as error:
        return problems.response(problems.problem_of(error), request_id)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        unrouted = await answer_unrouted(request, error)
        if unrouted is not None:
            return unrouted
        return problems.response(_from_http(error), request_id)
    except (BadCursor, Stale, Unavailable) as error:
        return problems.response(_from_storage(error), request_id)
    except Exception as error:
        if isinstance(error, ConnectionError) and is_gone(request):
            # It left in the middle of its request, as anybody may.
            raise
        # The one place where the unexpected is caught: it must not take the process
        # with it, and its traceback belongs into the log alone.
        log.exception(
            "request failed",
            method=request.method,
            path=path_to_log(request),
        )
        if request.writer.output_size > 0:
            # Half an answer is out already; only closing tells the client.
            raise
        return problems.response(ProblemError(INTERNAL), request_id)
    finally:
        LOGGED_ID.reset(logged)


async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add what every answer carries (a signal, so that websockets get it too)."""
    add_headers(request, response)
    add_origin(request, response)
    if is_by_https(request, request.app):
        response.headers["Strict-Transport-Security"] = TRANSPORT


def is_by_https(request: web.BaseRequest, app: web.Application) -> bool:
    """Return whether a proxy took the request over TLS."""
    trusted = app[TRUSTED_PROXIES]
    if not trusted:
        return False
    headers, header = request.headers, app[SETTINGS].proxy_header
    return came_by_https(
        request.remote,
        trusted,
        header,
        headers.getall(header, []),
        headers.getall("X-Forwarded-Proto", []),
    )


def add_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Add what every answer carries."""
    headers = response.headers
    headers["X-Request-Id"] = request_id_of(request)
    headers["Server"] = SERVER
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    for name, value in request.get(LIMIT_HEADERS, {}).items():
        headers.setdefault(name, value)


def _answer_early(request: web.Request, request_id: str) -> web.Response | None:
    """Return the answer to what no handler is to see."""
    if not is_framed_doubtfully(request):
        return answer_preflight(request)
    detail = "HTTP/1.0 has no Transfer-Encoding."
    refused = problems.response(ProblemError(problems.BAD_FRAME, detail), request_id)
    refused.force_close()
    return refused


def _from_storage(error: BadCursor | Stale | Unavailable) -> ProblemError:
    """Return the problem that an error of the database's side is."""
    if isinstance(error, BadCursor):
        return bad_field("cursor", "Not a cursor of this list.")
    if isinstance(error, Stale):
        return ProblemError(PRECONDITION_FAILED)
    log.warning("database unavailable", reason=str(error))
    return ProblemError(UNAVAILABLE)


def _from_http(error: web.HTTPException) -> ProblemError:
    usual = problems.BAD_FRAME if error.status < 500 else problems.INTERNAL
    headers = {
        name: value for name, value in error.headers.items() if name in KEPT_HEADERS
    }
    return ProblemError(_KINDS.get(error.status, usual), headers=headers)
