"""What is sent at the addresses of pages and files, and with which headers."""

import json
import re

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from server.base.settings import read_config
from server.pages.assets import Assets
from server.pages.serve import KEPT_FOR_GOOD, PAGES, STYLES, add_pages

SHOWN = [
    re.sub(r"\{\w+\}", "one", address) for page in PAGES for address in page.addresses
]
EMBEDDERS = ["https://tickets.example", "https://www.theatre.example"]


async def serving(**settings):
    app = web.Application()
    add_pages(app, read_config({}, **settings))
    client = TestClient(TestServer(app))
    await client.start_server()
    return client


@pytest.fixture
async def client():
    client = await serving()
    yield client
    await client.close()


async def text_of(client, path):
    answer = await client.get(path)
    assert answer.status == 200, path
    return await answer.text()


@pytest.mark.parametrize("path", SHOWN)
async def test_a_page_and_everything_that_it_names_is_served_for_good(client, path):
    answer = await client.get(path)
    assert (answer.status, answer.content_type) == (200, "text/html")
    named = re.findall(r'(?:src|href)="(/[^"]+)"', await answer.text())
    assert len(named) > len(STYLES) + 5
    for address in {*named} - {"/docs"}:
        file = await client.get(address)
        assert file.status == 200, address
        kept = address.startswith("/assets/")
        wanted = KEPT_FOR_GOOD if kept else "no-cache"
        assert file.headers["Cache-Control"] == wanted, address


async def test_the_page_of_each_wing_runs_its_own_module(client):
    for page in PAGES:
        text = await text_of(client, SHOWN[SHOWN.index(_shown(page.addresses[0]))])
        (entry,) = re.findall(r'<script type="module" src="([^"]+)"', text)
        assert entry.endswith(f"/{page.entry}")
        preloaded = re.findall(r'rel="modulepreload" href="([^"]+)"', text)
        assert entry in preloaded
        assert len(preloaded) == len(set(preloaded))
        assert ("noindex" in text) is not page.public


def _shown(address):
    return re.sub(r"\{\w+\}", "one", address)


async def test_whatever_stands_in_an_address_the_page_is_the_same(client):
    for place in ("orders", "tickets", "events"):
        one, other = [
            await text_of(client, f"/{place}/{name}") for name in ("a_1", "<b>")
        ]
        assert one == other


async def test_a_copy_that_is_still_right_is_not_sent_again(client):
    asset = Assets().address("design/base.css")
    for path in ("/", "/events/one", asset, "/manifest.webmanifest"):
        first = await client.get(path)
        tag = first.headers["ETag"]
        again = await client.get(path, headers={"If-None-Match": tag})
        assert (again.status, await again.read()) == (304, b"")
        assert again.headers["ETag"] == tag
        other = await client.get(path, headers={"If-None-Match": '"something else"'})
        assert other.status == 200


async def test_a_file_of_another_version_is_that_of_today_and_not_kept(client):
    for path in ("/assets/000000000000/design/base.css", "/assets/design/base.css"):
        answer = await client.get(path)
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-cache"
        assert await answer.read() == Assets().files["design/base.css"].body


@pytest.mark.parametrize(
    "path",
    [
        "/assets/",
        "/assets/shell.html",
        "/assets/serve.py",
        "/assets/vendor/manifest.json",
        "/assets/docs/try.js",
        "/assets/vendor/redoc/redoc.standalone.js",
        "/assets/..%2fserve.py",
        "/assets/%2e%2e/serve.py",
        "/assets/{version}/../serve.py",
        "/assets/{version}/..%2f..%2fapp.py",
        "/assets/{version}/%2e%2e/%2e%2e/base/settings.py",
        "/assets/{version}//etc/passwd",
        "/assets/.%00./design/base.css",
        "/assets/design",
        "/orders/",
        "/orders/a/b",
        "/events/a/b",
    ],
)
async def test_nothing_but_the_files_can_be_asked_for(client, path):
    address = path.format(version=Assets().version)
    answer = await client.get(URL(address, encoded=True))
    assert answer.status == 404


@pytest.mark.parametrize("path", SHOWN)
async def test_the_policy_allows_no_inline_script_and_no_other_host(client, path):
    answer = await client.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    page = await answer.text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"\s(style|on\w+)=", page)
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_who_is_listed_may_show_the_pages_in_theirs():
    client = await serving(embed_origins=EMBEDDERS)
    answer = await client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert f"frame-ancestors {' '.join(EMBEDDERS)}" in policy
    await client.close()


async def test_the_name_of_a_shop_is_text_and_its_logo_is_served(tmp_path):
    logo = tmp_path / "logo.svg"
    logo.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    name = '<b>"Ton & Licht'
    client = await serving(
        brand_name=name, brand_colour="#ffcc00", brand_logo=str(logo)
    )
    page = await text_of(client, "/")
    assert "<b>" not in page
    assert "<title>&lt;b&gt;&quot;Ton &amp; Licht</title>" in page
    (address,) = set(re.findall(r'"(/assets/\w+/brand/logo\.svg)"', page))
    assert (await client.get(address)).content_type == "image/svg+xml"
    told = json.loads(await text_of(client, "/manifest.webmanifest"))
    assert (told["name"], told["icons"][0]["src"]) == (name, address)
    (style,) = re.findall(r'"(/assets/\w+/brand\.css)"', page)
    assert "--brand" in await text_of(client, style)
    await client.close()


@pytest.mark.parametrize("page", [one for one in PAGES if one.kept])
async def test_a_service_worker_keeps_all_that_its_page_needs(client, page):
    answer = await client.get(f"{page.kept}worker.js")
    assert answer.content_type == "text/javascript"
    script = await answer.text()
    assert "addEventListener" in script
    head = script.partition("\n")[0]
    told = json.loads(head.removeprefix("const KEPT = ").removesuffix(";"))
    assert told["page"] == page.kept
    assert (await client.get(told["page"])).status == 200
    shell = await text_of(client, page.kept)
    named = set(re.findall(r'(?:src|href)="(/assets/[^"]+)"', shell))
    assert named <= set(told["files"])
    words = [path for path in told["files"] if "/words/" in path]
    assert any("/words/de/" in path for path in words)
    for address in told["files"]:
        assert (await client.get(address)).status == 200, address


def named_by(answer):
    """Read what a header has fetched with the page: addresses, and as what."""
    return re.findall(r"<([^>]+)>; rel=(\w+)", answer.headers["Link"])


@pytest.mark.parametrize(
    ("languages", "spoken"),
    [("de-DE,de;q=0.9,en;q=0.8", "de"), ("fr, en-GB", "en"), ("", "en")],
)
async def test_words_of_the_readers_language_come_with_the_page(
    client, languages, spoken
):
    answer = await client.get("/account", headers={"Accept-Language": languages})
    assert answer.headers["Vary"] == "Accept-Language"
    wings = [(address.split("/words/")[1], kind) for address, kind in named_by(answer)]
    assert (f"{spoken}/common.js", "modulepreload") in wings
    assert {one.partition("/")[0] for one, _ in wings} == {spoken}
    for address, _ in named_by(answer):
        assert (await client.get(address)).status == 200


async def test_what_an_events_page_reads_first_comes_with_it(client):
    reads = [
        address
        for address, kind in named_by(await client.get("/events/evt_1"))
        if kind == "preload"
    ]
    beginning = "/v1/events/evt_1"
    assert reads == [beginning, f"{beginning}/availability", f"{beginning}/map"]
    # What is no id is nothing to read, and nothing to put into a header.
    odd = await client.get(URL("/events/a%3E%0Ab", encoded=True))
    assert odd.status == 200
    assert {kind for _, kind in named_by(odd)} == {"modulepreload"}
