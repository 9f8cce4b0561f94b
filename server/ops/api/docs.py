"""The descriptions of both interfaces, a page to read one and a page to try both."""

from importlib.resources import files
from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from server.transport.http import etags
from server.transport.http.problems import NOT_FOUND, ProblemError
from server.transport.rest.call import CACHE_ASK, Call
from server.transport.rest.route import Route, operational

ASSETS: Final = {
    "redoc.standalone.js": ("vendor/redoc/redoc.standalone.js", "text/javascript"),
    "lessons.js": ("lessons.js", "text/javascript"),
    "try.js": ("try.js", "text/javascript"),
    "try.css": ("try.css", "text/css"),
}
"""Files of the pages' package, by the names that the pages know."""

PAGE: Final = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Onsale: the interface</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{margin:0}</style>
</head>
<body>
<redoc spec-url="/openapi.json"></redoc>
<script src="/docs/redoc.standalone.js"></script>
</body>
</html>
"""

# Redoc writes its styles into the page and searches in a worker made of a blob. No
# other host is asked for anything, not even for the logo that it would like to show.
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)

# It sends what its reader wants to this server, over the socket too, and shows images.
TRY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' data: blob:; connect-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)


class Documents(Struct, frozen=True):
    """Both descriptions, as they are sent."""

    openapi: bytes
    asyncapi: bytes


DOCUMENTS: Final = web.AppKey("documents", Documents)


async def show_openapi(call: Call) -> web.Response:
    """Show the description of the HTTP interface."""
    return call.read(call.request.app[DOCUMENTS].openapi)


async def show_asyncapi(call: Call) -> web.Response:
    """Show the description of the websocket."""
    return call.read(call.request.app[DOCUMENTS].asyncapi)


async def show_docs(call: Call) -> web.Response:
    """Show the page for reading."""
    return _page(call, PAGE, PAGE_POLICY)


async def show_try(call: Call) -> web.Response:
    """Show the page for trying."""
    body = files("server.pages").joinpath("try.html").read_bytes()
    return _page(call, body, TRY_POLICY)


async def show_asset(call: Call) -> web.Response:
    """Give a page one of the files that it needs."""
    asset = ASSETS.get(call.request.match_info["asset"])
    if asset is None:
        raise ProblemError(NOT_FOUND)
    path, content_type = asset
    body = files("server.pages").joinpath(path).read_bytes()
    return _file(call, body, content_type)


def _page(call: Call, body: bytes, policy: str) -> web.Response:
    response = _file(call, body, "text/html")
    response.headers["Content-Security-Policy"] = policy
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return response


def _file(call: Call, body: bytes, content_type: str) -> web.Response:
    etag = etags.of_body(body)
    headers = {"ETag": etag, "Cache-Control": CACHE_ASK}
    if etags.matches(call.request.headers.get("If-None-Match"), etag):
        return web.Response(status=304, headers=headers)
    return web.Response(
        body=body, content_type=content_type, charset="utf-8", headers=headers
    )


ROUTES: Final[tuple[Route, ...]] = (
    operational(
        "/openapi.json",
        "show_openapi",
        show_openapi,
        summary="This description",
        answers=dict[str, Any],
        cached=True,
    ),
    operational(
        "/asyncapi.json",
        "show_asyncapi",
        show_asyncapi,
        summary="The websocket's description (AsyncAPI 3)",
        answers=dict[str, Any],
        cached=True,
    ),
    operational(
        "/docs",
        "show_docs",
        show_docs,
        summary="This description as a page",
        media_type="text/html",
        cached=True,
    ),
    operational(
        "/docs/try",
        "show_try",
        show_try,
        summary="This description as a page that sends what one asks it to",
        media_type="text/html",
        cached=True,
    ),
    operational(
        "/docs/{asset}",
        "show_docs_asset",
        show_asset,
        summary="What the page needs",
        media_type="text/javascript",
        cached=True,
        problems=(NOT_FOUND,),
    ),
)
