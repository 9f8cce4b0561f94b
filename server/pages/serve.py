"""Hand out the page and its assets from the package's own files.

The files are read once, when the application is built. A request can only name one of
them, so there is no path to climb out of.
"""

from hashlib import sha256
from importlib.resources import files
from typing import Final

from aiohttp import web
from msgspec import Struct

CONTENT_TYPES: Final = {
    "app.js": "text/javascript",
    "board.js": "text/javascript",
    "canvas.js": "text/javascript",
    "index.html": "text/html",
    "style.css": "text/css",
}

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
    """Add `/` and `/assets/{name}` to the application."""
    assets = load_assets()
    index = assets.pop("index.html")

    async def show_index(request: web.Request) -> web.Response:
        return respond(request, index)

    async def show_asset(request: web.Request) -> web.Response:
        asset = assets.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        return respond(request, asset)

    app.router.add_get("/", show_index)
    app.router.add_get("/assets/{name}", show_asset)
