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
    "lessons.js": ("docs/lessons.js", "text/javascript"),
    "try.js": ("docs/try.js", "text/javascript"),
    "try.css": ("docs/try.css", "text/css"),
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


class Document(Struct, frozen=True):
    """A description or a file, as it is sent."""

    body: bytes
    content_type: str
    etag: str
    policy: str | None = None
    """What a page may load."""


DOCUMENTS: Final = web.AppKey("documents", dict[str, Document])
"""By the names of their routes, files by their own: made once, at the start."""


def make_document(
    body: bytes, content_type: str = "application/json", policy: str | None = None
) -> Document:
    """Return what is sent of a body."""
    return Document(body, content_type, etags.of_body(body), policy)


def load_documents() -> dict[str, Document]:
    """Read both pages and their files."""
    pages = files("server.pages")
    documents = {
        name: make_document(pages.joinpath(path).read_bytes(), content_type)
        for name, (path, content_type) in ASSETS.items()
    }
    tries = pages.joinpath("docs/try.html").read_bytes()
    documents["show_docs"] = make_document(PAGE, "text/html", PAGE_POLICY)
    documents["show_try"] = make_document(tries, "text/html", TRY_POLICY)
    return documents


async def show_openapi(call: Call) -> web.Response:
    """Show the description of the HTTP interface."""
    return _show(call, "show_openapi")


async def show_asyncapi(call: Call) -> web.Response:
    """Show the description of the websocket."""
    return _show(call, "show_asyncapi")


async def show_docs(call: Call) -> web.Response:
    """Show the page for reading."""
    return _show(call, "show_docs")


async def show_try(call: Call) -> web.Response:
    """Show the page for trying."""
    return _show(call, "show_try")


async def show_asset(call: Call) -> web.Response:
    """Give a page one of the files that it needs."""
    name = call.request.match_info["asset"]
    if name not in ASSETS:
        raise ProblemError(NOT_FOUND)
    return _show(call, name)


def _show(call: Call, name: str) -> web.Response:
    document = call[DOCUMENTS][name]
    if document.content_type == "application/json":
        return call.read(document.body, document.etag)
    headers = {"ETag": document.etag, "Cache-Control": CACHE_ASK}
    if document.policy is not None:
        headers["Content-Security-Policy"] = document.policy
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if etags.matches(call.request.headers.get("If-None-Match"), document.etag):
        return web.Response(status=304, headers=headers)
    return web.Response(
        body=document.body,
        content_type=document.content_type,
        charset="utf-8",
        headers=headers,
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
