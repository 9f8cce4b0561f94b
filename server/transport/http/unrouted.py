"""Requests that no route takes, though their address is right or nearly so.

`OPTIONS` answers with the methods of an address; an address with a slash too many
redirects to the one that is served, with the same method and body (308).
"""

from typing import NoReturn

from aiohttp import web


async def answer_unrouted(
    request: web.Request, error: web.HTTPException
) -> web.Response | None:
    """Answer a request that matches no route; None where there is nothing to say."""
    if isinstance(error, web.HTTPMethodNotAllowed) and request.method == "OPTIONS":
        methods = sorted(error.allowed_methods | {"OPTIONS"})
        return web.Response(
            status=204,
            headers={"Allow": ", ".join(methods), "Cache-Control": "no-store"},
        )
    if isinstance(error, web.HTTPNotFound):
        return await _redirect(request)
    return None


async def refuse_method(allowed: frozenset[str], request: web.Request) -> NoReturn:
    """Refuse a method that an address does not take, whatever a template would."""
    raise web.HTTPMethodNotAllowed(request.method, allowed)


async def _redirect(request: web.Request) -> web.Response | None:
    """Redirect to the address without the slash at its end, where that is served."""
    address = request.rel_url
    path = address.raw_path.rstrip("/")
    if not path or path == address.raw_path:
        return None
    # As it came, so that what was encoded in it stays so.
    wanted = address.with_path(path, encoded=True, keep_query=True)
    found = await request.app.router.resolve(request.clone(rel_url=wanted))
    if isinstance(found.http_exception, web.HTTPNotFound):
        return None
    return web.Response(
        status=308,
        headers={"Location": wanted.raw_path_qs, "Cache-Control": "no-store"},
    )
