"""Disputes at the gateway: raised on its page or with the secret, decided once."""

import time

import pytest
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace

from persistence.shop.payments.gateway_file import GatewayFile
from server.shop.payments.gateway.book import Book
from server.shop.payments.gateway.handlers import make_app
from server.shop.payments.gateway.wire import RefundBody
from server.shop.payments.provider import Disputed
from server.shop.payments.signing import secrets_of
from server.transport.outbox.signatures import headers_of
from tests.server.shop.payments.gateway.test_machine import ASK
from tests.server.shop.payments.gateway_process import SECRET, provider_at

NOW_MS = 500
AUTHORIZATION = {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture
async def book(tmp_path):
    file = GatewayFile(tmp_path / "g.sqlite")
    yield Book(file, "http://gateway", lambda: NOW_MS)
    file.close()


@pytest.fixture
async def browser(book):
    async with TestClient(TestServer(make_app(book, (SECRET.encode(),)))) as client:
        yield client


async def choose(browser, ref, outcome):
    form = {"outcome": outcome}
    answer = await browser.post(f"/pay/{ref}", data=form, allow_redirects=False)
    return answer.status, answer.headers.get("Location", "")


async def ask(browser, method, path, body):
    answer = await browser.request(method, path, json=body, headers=AUTHORIZATION)
    return answer.status, await answer.json()


def refund(book, ref, name, amount=500):
    body = RefundBody(refund=name, session=ref, amount=amount, currency="EUR")
    return book.refund(body).state


def told(book):
    """What webhooks say, the oldest first, as our end reads them."""
    provider = provider_at("http://127.0.0.1:9")
    found = []
    while messages := book.messages(10):
        for message in messages:
            found += provider.read(signed(message), message.body)
            book.sent(message)
    return found


def signed(message):
    return headers_of(secrets_of(SECRET), message.id, int(time.time()), message.body)


async def test_a_buyers_bank_disputes_on_the_page_what_is_left(book, browser):
    ref = book.open(ASK).id
    # What nobody paid nobody disputes.
    assert await choose(browser, ref, "dispute") == (409, "")
    book.choose(ref, "pay")
    assert refund(book, ref, "before") == "settled"
    assert await choose(browser, ref, "dispute") == (303, f"/pay/{ref}")
    # One at a time, and while it is open nothing goes back.
    assert await choose(browser, ref, "dispute") == (409, "")
    assert refund(book, ref, "meanwhile") == "failed"
    assert await choose(browser, ref, "dispute_lost") == (303, f"/pay/{ref}")
    assert await choose(browser, ref, "dispute_won") == (409, "")
    assert refund(book, ref, "after", 1) == "failed"
    facts = [one for one in told(book) if isinstance(one, Disputed)]
    assert [one.state for one in facts] == ["open", "lost"]
    assert {(one.ref, one.amount) for one in facts} == {(ref, 4000)}


async def test_what_the_shop_won_may_be_given_back_and_disputed_again(book, browser):
    ref = book.open(ASK).id
    book.choose(ref, "pay")
    for outcome in ("dispute", "dispute_won", "dispute"):
        assert (await choose(browser, ref, outcome))[0] == 303
    assert [one.state for one in book.disputes(ref)] == ["won", "open"]
    assert (await choose(browser, ref, "dispute_won"))[0] == 303
    assert refund(book, ref, "all", 4500) == "settled"


async def test_a_part_is_disputed_by_who_has_the_secret(book, browser):
    ref = book.open(ASK).id
    body = {"session": ref, "amount": 1_000, "reason": "not received"}
    assert (await ask(browser, "POST", "/v1/disputes", body))[0] == 409
    book.choose(ref, "pay")
    status, made = await ask(browser, "POST", "/v1/disputes", body)
    assert (status, made["state"], made["amount"]) == (200, "open", 1_000)
    rest = body | {"amount": 3_501}
    status, refused = await ask(browser, "POST", "/v1/disputes", rest)
    assert (status, refused["code"]) == (409, "nothing_left")
    path = f"/v1/disputes/{made['id']}"
    for asked in ("won", "lost"):
        status, decided = await ask(browser, "PUT", path, {"state": asked})
        assert (status, decided["state"]) == (200, "won")
    assert (await ask(browser, "PUT", path, {"state": "open"}))[0] == 422
    assert (await ask(browser, "PUT", "/v1/disputes/gd_1", {"state": "won"}))[0] == 404
    for method, where in (("POST", "/v1/disputes"), ("PUT", path)):
        nobody = await browser.request(method, where, json=body)
        assert nobody.status == 401


async def test_who_looks_is_told_of_disputes_as_they_are(book, browser):
    """A webhook may be lost: what it said is seen by looking."""
    ref = book.open(ASK).id
    book.treat(ref, replace(book.behaviour, lost=True))
    book.choose(ref, "pay")
    await choose(browser, ref, "dispute")
    await choose(browser, ref, "dispute_lost")
    assert told(book) == []
    provider = provider_at(str(browser.make_url("")))
    try:
        captured, lost = await provider.look(ref)
    finally:
        await provider.close()
    assert isinstance(lost, Disputed)
    assert captured.ref == lost.ref == ref
    assert (lost.state, lost.amount, lost.reason) == ("lost", 4500, "fraudulent")
