"""Counts every request, by the template of its route, and times its answer."""

from time import monotonic
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from server.transport.metrics.request_counts import UNMATCHED, RequestCounts

CLIENT_GONE: Final = 499
"""Stands for the status of an answer that nobody was there to take."""

REQUEST_COUNTS: Final = web.AppKey("request counts", RequestCounts)


def route_of(request: web.Request) -> str:
    """Return the template of a request's path, whose values would be endless."""
    resource = request.match_info.route.resource
    return UNMATCHED if resource is None else resource.canonical


@web.middleware
async def count_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count a request; stands outside of what turns errors into answers."""
    began = monotonic()
    status = CLIENT_GONE
    try:
        response = await handler(request)
        status = response.status
    except web.HTTPException as answer:
        status = answer.status
        raise
    finally:
        # A websocket lasts as long as its client likes: that is no time of an answer.
        seconds = None if status == 101 else monotonic() - began
        counts = request.app[REQUEST_COUNTS]
        counts.add(request.method, route_of(request), status, seconds)
    return response
