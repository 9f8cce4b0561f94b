import re
from importlib.resources import files

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from server.pages.serve import CONTENT_TYPES, add_pages


@pytest.fixture
async def client():
    app = web.Application()
    add_pages(app)
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_the_page_and_everything_it_names_is_served(client):
    answer = await client.get("/")
    assert answer.status == 200
    assert answer.content_type == "text/html"
    page = await answer.text()
    named = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert len(named) == 2
    for path in named:
        assert (await client.get(path)).status == 200


async def test_every_module_that_a_module_imports_is_served(client):
    wanted = ["app.js"]
    seen = set()
    while wanted:
        name = wanted.pop()
        answer = await client.get(f"/assets/{name}")
        assert answer.status == 200
        assert answer.content_type == "text/javascript"
        seen.add(name)
        wanted += re.findall(r'from "\./([^"]+)"', await answer.text())
    assert seen == {name for name in CONTENT_TYPES if name.endswith(".js")}


async def test_a_copy_that_is_still_right_is_not_sent_again(client):
    for path in ("/", "/assets/style.css"):
        first = await client.get(path)
        tag = first.headers["ETag"]
        again = await client.get(path, headers={"If-None-Match": tag})
        assert again.status == 304
        assert await again.read() == b""
        assert again.headers["ETag"] == tag
        other = await client.get(path, headers={"If-None-Match": '"something else"'})
        assert other.status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/assets/",
        "/assets/index.html",
        "/assets/serve.py",
        "/assets/..%2fserve.py",
        "/assets/%2e%2e/serve.py",
        "/assets/../../config.py",
        "/assets/.%00./app.js",
    ],
)
async def test_nothing_but_the_assets_can_be_asked_for(client, path):
    answer = await client.get(URL(path, encoded=True))
    assert answer.status == 404


async def test_the_policy_allows_no_inline_script_and_no_other_host(client):
    answer = await client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    page = await answer.text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"\s(style|on\w+)=", page)


def test_no_file_of_the_page_names_another_host():
    for name in CONTENT_TYPES:
        text = files("server.pages").joinpath(name).read_text("utf-8")
        assert not re.search(r"https?://|wss?://(?!\$)", text), name
