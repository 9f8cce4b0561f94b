"""Hand out the pages and their files, from the package alone.

Each page is one shell that names its modules; whose an order is, and whether it
exists, the interface says to the script. Files are read once, when the application is
built, and a request can only name one of them: there is no path to climb out of.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

import orjson
from aiohttp import web
from msgspec import Struct

from server.base.settings import Config
from server.pages.assets import VERSION, Asset, Assets, asset_of
from server.pages.brand import Brand, read_brand
from server.transport.http import etags


class Page(Struct, frozen=True):
    """What stands at some addresses."""

    addresses: tuple[str, ...]
    entry: str
    """The module that runs it."""
    styles: tuple[str, ...] = ()
    """Beside those of all pages."""
    public: bool = False
    """Whether search engines may keep it."""
    kept: str | None = None
    """The address below which a service worker keeps it, for want of a network."""
    later: tuple[str, ...] = ()
    """Modules that it loads when it needs them: they are kept with it, too."""
    reads: tuple[str, ...] = ()
    """What it reads first, by what its address names: asked for with the page."""


class Shell(Struct, frozen=True):
    """A page as it is sent, and what a browser fetches with it."""

    document: Asset
    words: Mapping[str, tuple[str, ...]]
    """By language, its links to what the page says."""
    reads: tuple[str, ...] = ()


PAGES: Final = (
    Page(("/",), "buy/events.js", ("buy/buy.css",), public=True),
    Page(
        ("/events/{event}",),
        "buy/event.js",
        ("buy/buy.css", "map/map.css"),
        public=True,
        reads=(
            "/v1/events/{event}",
            "/v1/events/{event}/availability",
            "/v1/events/{event}/map",
        ),
        later=("line/part.js",),
    ),
    Page(
        ("/checkin/", "/checkin/{event}"),
        "door/checkin.js",
        ("door/door.css",),
        kept="/checkin/",
        later=(
            "door/camera/decoder.js",
            "vendor/jsqr/jsQR.js",
            "vendor/noble/ed25519.js",
        ),
    ),
    Page(("/orders/{order}",), "own/order.js", ("own/own.css",)),
    Page(
        ("/tickets/", "/tickets/{ticket}"),
        "own/ticket.js",
        ("own/own.css",),
        kept="/tickets/",
    ),
    Page(
        ("/account",),
        "own/account.js",
        ("own/own.css",),
        later=(
            "own/account_own.js",
            "own/account_links.js",
            "own/notices.js",
            "line/own_places.js",
        ),
    ),
    Page(("/rooms/{room}",), "talk/room.js", ("own/own.css", "talk/talk.css")),
    Page(
        ("/organise/events/{event}/counter",),
        "counter/counter.js",
        ("own/own.css", "buy/buy.css", "map/map.css", "counter/counter.css"),
    ),
    Page(
        ("/organise/events/{event}/orders",),
        "office/orders.js",
        ("own/own.css", "office/office.css"),
    ),
    Page(
        ("/organise/events/{event}/money",),
        "office/money.js",
        ("own/own.css", "office/office.css"),
        later=("vendor/noble/ed25519.js",),
    ),
    Page(
        ("/organise/venues/{venue}",),
        "stage/venue.js",
        ("own/own.css", "map/map.css", "stage/stage.css"),
    ),
    Page(
        ("/organise/events/new", "/organise/events/{event}/edit"),
        "setup/event.js",
        ("own/own.css", "setup/setup.css"),
    ),
    Page(
        ("/admin", "/admin/{part}"),
        "admin/admin.js",
        ("own/own.css", "team/team.css"),
    ),
    Page(("/organise",), "organise/home.js", ("own/own.css", "team/team.css")),
    Page(
        (
            "/organise/organisations/{organisation}",
            "/organise/organisations/{organisation}/{part}",
        ),
        "team/organisation.js",
        ("own/own.css", "team/team.css"),
    ),
    Page(
        ("/organise/events/{event}",),
        "cockpit/cockpit.js",
        (
            "own/own.css",
            "buy/buy.css",
            "map/map.css",
            "counter/counter.css",
            "cockpit/cockpit.css",
        ),
        later=("cockpit/plan.js",),
    ),
    Page(
        ("/organise/events/{event}/promotions",),
        "promo/promotions.js",
        ("own/own.css", "promo/promo.css"),
    ),
)

STYLES: Final = (
    "design/tokens.css",
    "design/base.css",
    "design/parts.css",
    "brand.css",
)
"""Of every page."""

PLAIN: Final = re.compile(r"[\w-]{1,64}", re.A)
"""What may stand in a header as it is; ids do."""

DEFAULT: Final = "en"
"""The language of whoever speaks none of ours, as in `words/index.js`."""

KEPT_FOR_GOOD: Final = "public, max-age=31536000, immutable"


def headers_of(config: Config) -> dict[str, str]:
    """Return what every page is sent with.

    No inline script or style, no other host, and no text becomes script; 'self'
    includes our websocket. Who may show our pages in theirs stands in a setting.
    """
    ancestors = " ".join(config.embed_origins) or "'none'"
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self';"
        " img-src 'self' data: blob:; media-src 'self' blob:; manifest-src 'self';"
        " connect-src 'self'; base-uri 'none'; form-action 'none';"
        " require-trusted-types-for 'script'; trusted-types onsale;"
        f" frame-ancestors {ancestors}"
    )
    return {
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        # Kept, but asked about each time: an address carries no version.
        "Cache-Control": "no-cache",
    }


def shell_of(page: Page, assets: Assets, brand: Brand) -> Shell:
    """Return the document of a page, and what goes with it."""
    styles = [*STYLES, *page.styles]
    modules = assets.modules_of(page.entry)
    links = [
        f'<link rel="modulepreload" href="{assets.address(one)}">' for one in modules
    ]
    entry = f'<script type="module" src="{assets.address(page.entry)}"></script>'
    icon = assets.address(brand.logo or "design/icon.svg")
    template = Template(files("server.pages").joinpath("shell.html").read_text("utf-8"))
    text = template.substitute(
        name=escape(brand.name),
        logo="" if brand.logo is None else assets.address(brand.logo),
        icon=icon,
        robots="" if page.public else '<meta name="robots" content="noindex">',
        styles="\n  ".join(
            f'<link rel="stylesheet" href="{assets.address(one)}">' for one in styles
        ),
        modules="\n  ".join([*links, entry]),
    )
    words = {
        language: tuple(
            f"<{assets.address(path)}>; rel=modulepreload" for path in paths
        )
        for language, paths in assets.words_of(page.entry).items()
    }
    return Shell(asset_of(text.encode(), "text/html"), words, page.reads)


def worker_of(page: Page, assets: Assets) -> Asset:
    """Return the service worker of a page, told what to keep, by which version."""
    languages = [path for path in assets.files if path.startswith("words/")]
    modules = [*assets.modules_of(page.entry), *page.later]
    icons = [path for path in assets.files if path.endswith((".svg", ".png", ".webp"))]
    kept = [*STYLES, *page.styles, *modules, *languages, *icons]
    told = {
        "version": assets.version,
        "page": page.kept,
        "files": sorted({assets.address(path) for path in kept}),
    }
    body = assets.files["worker.js"].body
    return asset_of(
        b"const KEPT = " + orjson.dumps(told) + b";\n" + body, "text/javascript"
    )


def manifest_of(assets: Assets, brand: Brand) -> Asset:
    """Return what makes the pages installable."""
    told = {
        "name": brand.name,
        "short_name": brand.name[:12],
        "start_url": "/",
        "display": "standalone",
        "background_color": "#f7f8fa",
        "theme_color": "#16202c",
        "icons": [
            {"src": assets.address(brand.logo or "design/icon.svg"), "sizes": "any"}
        ],
    }
    return asset_of(orjson.dumps(told), "application/manifest+json")


def add_pages(
    app: web.Application, config: Config, pages: Sequence[Page] = PAGES
) -> None:
    """Add the pages, and `/assets/…`, to the application. Raises `ConfigError`."""
    brand = read_brand(config)
    assets = Assets(brand.files)
    headers = headers_of(config)
    served: dict[str, Asset] = {"/manifest.webmanifest": manifest_of(assets, brand)}
    for page in pages:
        shell = shell_of(page, assets, brand)
        for address in page.addresses:
            app.router.add_get(address, partial(_show_page, shell, headers))
        if page.kept is not None:
            served[f"{page.kept}worker.js"] = worker_of(page, assets)
    for address, asset in served.items():
        app.router.add_get(address, partial(_show, asset, headers))
    app.router.add_get("/assets/{path:.+}", partial(_show_file, assets, headers))


async def _show(
    asset: Asset, headers: dict[str, str], request: web.Request
) -> web.Response:
    return respond(request, asset, headers)


async def _show_page(
    shell: Shell, headers: dict[str, str], request: web.Request
) -> web.Response:
    links = links_of(
        shell, request.headers.get("Accept-Language", ""), request.match_info
    )
    more = {"Link": ", ".join(links), "Vary": "Accept-Language"}
    return respond(request, shell.document, headers | more)


def links_of(shell: Shell, languages: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a browser fetches while it still reads the page: words, and reads.

    Modules ask for both, but only once all of them are there. `names` are those of the
    address. In a header, so that the document is one for all.
    """
    spoken = [one.strip()[:2].lower() for one in languages.split(",")]
    language = next((one for one in spoken if one in shell.words), DEFAULT)
    links = shell.words[language]
    # No id looks otherwise, so there is nothing to read.
    if not all(map(PLAIN.fullmatch, names.values())):
        return links
    reads = tuple(
        f"<{path.format_map(names)}>; rel=preload; as=fetch; crossorigin"
        for path in shell.reads
    )
    return reads + links


async def _show_file(
    assets: Assets, headers: dict[str, str], request: web.Request
) -> web.Response:
    path = request.match_info["path"]
    version, _, rest = path.partition("/")
    named = rest if VERSION.fullmatch(version) else path
    asset = assets.files.get(named)
    if asset is None:
        raise web.HTTPNotFound
    if version == assets.version:
        headers = headers | {"Cache-Control": KEPT_FOR_GOOD}
    return respond(request, asset, headers)


def respond(
    request: web.Request, asset: Asset, headers: dict[str, str]
) -> web.Response:
    """Answer with the asset, or with 304 where the client's copy is the same."""
    if etags.matches(request.headers.get("If-None-Match"), asset.etag):
        response = web.Response(status=304, headers=headers)
    else:
        response = web.Response(
            body=asset.body,
            content_type=asset.content_type,
            charset="utf-8" if asset.content_type.startswith("text/") else None,
            headers=headers,
        )
    response.headers["ETag"] = asset.etag
    return response
