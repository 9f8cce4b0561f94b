"""Hand out the page and its assets from the package's own files.

The files are read once, when the application is built. A request can only name one of
them, so there is no path to climb out of.
"""

from functools import partial
from hashlib import sha256
from importlib.resources import files
from typing import Final

from aiohttp import web
from msgspec import Struct

CONTENT_TYPES: Final = {
    "app.js": "text/javascript",
    "away.js": "text/javascript",
    "board.js": "text/javascript",
    "buy.js": "text/javascript",
    "canvas.js": "text/javascript",
    "copies.js": "text/javascript",
    "index.html": "text/html",
    "look_up.js": "text/javascript",
    "offline.js": "text/javascript",
    "opened.js": "text/javascript",
    "order.html": "text/html",
    "order.js": "text/javascript",
    "order_line.js": "text/javascript",
    "order_words.js": "text/javascript",
    "own.css": "text/css",
    "style.css": "text/css",
    "ticket.html": "text/html",
    "ticket.js": "text/javascript",
    "visitor.js": "text/javascript",
    "words.js": "text/javascript",
}

PAGES: Final = {
    "/": "index.html",
    "/orders/{order}": "order.html",
    "/tickets/": "ticket.html",
    # A service worker sees what is below its own address.
    "/tickets/offline.js": "offline.js",
    "/tickets/{ticket}": "ticket.html",
}
"""Addresses of pages, and what is sent there: the same for each order and ticket.

Whose it is, and whether it exists, says the interface to the script; `/tickets/` is the
page that the service worker keeps.
"""

HEADERS: Final = {
    # No inline script or style, no other host; 'self' includes our websocket.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Kept, but asked about each time: the names carry no version.
    "Cache-Control": "no-cache",
}


class Asset(Struct, frozen=True):
    """One file as it is sent."""

    body: bytes
    content_type: str
    etag: str


def load_assets() -> dict[str, Asset]:
    """Read every file of the page from the package."""
    assets = {}
    for name, content_type in CONTENT_TYPES.items():
        body = files("server.pages").joinpath(name).read_bytes()
        assets[name] = Asset(body, content_type, sha256(body).hexdigest()[:32])
    return assets


def respond(request: web.Request, asset: Asset) -> web.Response:
    """Answer with the asset, or with 304 where the client's copy is the same."""
    known = {tag.value for tag in request.if_none_match or ()}
    if known & {asset.etag, "*"}:
        response = web.Response(status=304, headers=HEADERS)
    else:
        response = web.Response(
            body=asset.body,
            content_type=asset.content_type,
            charset="utf-8",
            headers=HEADERS,
        )
    response.etag = asset.etag
    return response


def add_pages(app: web.Application) -> None:
    """Add the pages, and `/assets/{name}`, to the application."""
    assets = load_assets()
    for path, name in PAGES.items():
        app.router.add_get(path, partial(_show, assets[name]))
    for name in PAGES.values():
        assets.pop(name, None)

    async def show_asset(request: web.Request) -> web.Response:
        asset = assets.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        return respond(request, asset)

    app.router.add_get("/assets/{name}", show_asset)


async def _show(asset: Asset, request: web.Request) -> web.Response:
    return respond(request, asset)
