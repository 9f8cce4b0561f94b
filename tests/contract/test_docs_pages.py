"""The pages of `/docs`: what they load is served, and their policies let them work."""

import re

import pytest

from tests.contract.client import Answer, Api

PAGES = ("/docs", "/docs/try")
LOADED = re.compile(r"<(script|link)[^>]+(?:src|href)=\"([^\"]+)\"")
IMPORTED = re.compile(r"from \"\./([^\"]+)\"")
NEEDED = {"script": "script-src", "link": "style-src"}
PATHS = re.compile(r"[\"`](/(?:v1/|openapi|asyncapi)[^\"`?]*)")
SOCKET = "/v1/ws"
"""No operation of REST."""


def policy_of(answer: Answer) -> dict[str, list[str]]:
    """Give the sources that a page allows by directive."""
    text = answer.headers["content-security-policy"]
    directives = [directive.split() for directive in text.split(";")]
    return {name: sources for name, *sources in directives}


async def script(api: Api, name: str) -> str:
    """Read a script of the pages."""
    answer = await api.get(f"/docs/{name}")
    assert answer.status == 200, name
    # Else a browser would not run it.
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["x-content-type-options"] == "nosniff"
    return answer.raw.decode()


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_may_load_what_it_names_and_ask_the_server(api, path):
    page = await api.get(path)
    assert page.status == 200
    policy = policy_of(page)
    assert policy["default-src"] == ["'none'"]
    assert policy["connect-src"] == ["'self'"]
    loaded = LOADED.findall(page.raw.decode())
    assert any(kind == "script" for kind, _ in loaded)
    for kind, address in loaded:
        if address.startswith("data:"):
            assert "data:" in policy["img-src"]
        else:
            assert address.startswith("/docs/")
            assert "'self'" in policy[NEEDED[kind]]
            assert (await api.get(address)).status == 200


async def test_the_page_for_trying_finds_all_that_its_scripts_name(api):
    page = (await api.get("/docs/try")).raw.decode()
    scripts = [await script(api, "try.js")]
    scripts += [await script(api, name) for name in IMPORTED.findall(scripts[0])]
    assert len(scripts) == 2
    text = "\n".join(scripts)
    assert not re.search(r"https?://|innerHTML|eval\(", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)|\s(?:style|on\w+)=", page)
    wanted = set(re.findall(r"element\(\"([\w-]+)\"\)", text))
    assert wanted <= set(re.findall(r"\bid=\"([\w-]+)\"", page))
    described = (await api.get("/openapi.json")).body["paths"]
    asked = set(PATHS.findall(text)) - {SOCKET}
    assert {"/openapi.json", "/asyncapi.json", "/v1/me"} <= asked <= set(described)


async def test_either_page_leads_to_the_other(api):
    described = (await api.get("/openapi.json")).body
    assert "](/docs/try)" in described["info"]["description"]
    assert 'href="/docs"' in (await api.get("/docs/try")).raw.decode()
