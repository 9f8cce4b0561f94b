import re
from importlib.resources import files
from typing import get_args

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from inventory.money import EXPONENTS
from persistence.shop.orders.records import Status
from persistence.shop.tickets.register import State
from server.pages.serve import CONTENT_TYPES, add_pages

SHOWN = ("/", "/orders/ord", "/tickets/tkt")
OFFLINE = "/tickets/offline.js"
TESTIDS = {
    "/": "quantity category best-available hold-countdown hold-seats hold-total"
    " release checkout buyer-email buyer-name pay",
    "/orders/ord": "order-status pay ticket-qr ticket-number sign-in email password"
    " sign-in-submit buyer-email look-up",
    "/tickets/tkt": "ticket-qr ticket-number sign-in email password sign-in-submit",
}


@pytest.fixture
async def client():
    app = web.Application()
    add_pages(app)
    async with TestClient(TestServer(app)) as client:
        yield client


async def text_of(client, path):
    answer = await client.get(path)
    assert answer.status == 200, path
    return await answer.text()


async def scripts_of(client, path):
    """Give all scripts of a page, by name, and look that browsers would run them."""
    wanted = re.findall(
        r'<script[^>]+src="/assets/([^"]+)"', await text_of(client, path)
    )
    found = {}
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        answer = await client.get(f"/assets/{name}")
        assert answer.status == 200, name
        assert answer.content_type == "text/javascript"
        found[name] = await answer.text()
        wanted += re.findall(r'from "\./([^"]+)"', found[name])
    return found


@pytest.mark.parametrize("path", SHOWN)
async def test_a_page_and_everything_it_names_is_served(client, path):
    answer = await client.get(path)
    assert answer.status == 200
    assert answer.content_type == "text/html"
    named = re.findall(r'(?:src|href)="(/assets/[^"]+)"', await answer.text())
    assert len(named) == 3
    for asset in named:
        assert (await client.get(asset)).status == 200


async def test_every_module_is_of_some_page(client):
    seen = {name for path in SHOWN for name in await scripts_of(client, path)}
    worker = await text_of(client, "/tickets/offline.js")
    assert "addEventListener" in worker
    listed = {name for name in CONTENT_TYPES if name.endswith(".js")}
    assert seen == listed - {"offline.js"}


@pytest.mark.parametrize("path", SHOWN)
async def test_a_page_has_all_that_its_scripts_name(client, path):
    page = await text_of(client, path)
    text = "\n".join((await scripts_of(client, path)).values())
    wanted = set(re.findall(r'\b(?:element|say|on|does)\("([\w-]+)"', text))
    assert len(wanted) >= 12
    assert wanted <= set(re.findall(r'\bid="([\w-]+)"', page))
    # What others wrote is text, whatever stands in it.
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", text
    )


@pytest.mark.parametrize(("path", "names"), TESTIDS.items())
async def test_checks_find_what_the_contract_names(client, path, names):
    text = await text_of(client, path)
    text += "".join((await scripts_of(client, path)).values())
    found = set(re.findall(r'data-testid="([\w-]+)"|\.testid = "([\w-]+)"', text))
    assert set(names.split()) <= {one or other for one, other in found}


async def test_without_a_network_the_page_of_a_ticket_has_all_its_files(client):
    kept = set(re.findall(r'"([\w.]+\.(?:js|css))"', await text_of(client, OFFLINE)))
    named = re.findall(r'href="/assets/([^"]+)"', await text_of(client, "/tickets/tkt"))
    assert kept == {*await scripts_of(client, "/tickets/tkt"), *named}
    shell = await text_of(client, "/tickets/")
    assert shell == await text_of(client, "/tickets/tkt")


async def test_whoever_asks_for_an_order_or_a_ticket_gets_the_same_page(client):
    for place in ("orders", "tickets"):
        one, other = [
            await text_of(client, f"/{place}/{name}") for name in ("a_1", "<b>")
        ]
        assert one == other


def test_amounts_have_the_digits_that_the_server_thinks_they_have():
    script = files("server.pages").joinpath("words.js").read_text("utf-8")
    told = dict(re.findall(r'const (\w+)_DIGITS = "([^"]+)"', script))
    by_digits = {0: set(told["NO"].split()), 3: set(told["THREE"].split())}
    for digits, codes in by_digits.items():
        assert codes == {code for code, of in EXPONENTS.items() if of == digits}
    assert set(EXPONENTS.values()) == {0, 2, 3}


def test_every_state_of_orders_and_tickets_has_words():
    for name, states in (("order_words.js", Status), ("ticket.js", State)):
        script = files("server.pages").joinpath(name).read_text("utf-8")
        for state in get_args(states):
            assert re.search(rf'case "{state}":|\b{state}: ', script), (name, state)


async def test_a_copy_that_is_still_right_is_not_sent_again(client):
    for path in (*SHOWN, "/assets/style.css"):
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
        "/assets/ticket.html",
        "/assets/offline.js",
        "/orders/",
        "/orders/a/b",
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


@pytest.mark.parametrize("path", SHOWN)
async def test_the_policy_allows_no_inline_script_and_no_other_host(client, path):
    answer = await client.get(path)
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
