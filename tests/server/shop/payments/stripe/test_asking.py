"""Stripe in bad weather: an answer of the form that was asked for, or none."""

import asyncio
import contextlib
import gzip
import json

import pytest
from aiohttp import web

from server.shop.payments.provider import ProviderUnavailable
from server.shop.payments.stripe.asking import StripeDesk, StripeRefused
from server.shop.payments.stripe.shapes import CheckoutSession
from server.shop.payments.stripe.transport import ANSWER_BYTES_MAX
from tests.server.shop.payments.stripe.twin import KEY

SESSION = {
    "id": "cs_1",
    "object": "checkout.session",
    "status": "open",
    "payment_status": "unpaid",
    "amount_total": 4500,
    "currency": "eur",
    "metadata": {"attempt": "pay_1"},
    "payment_intent": None,
}


class Weather:
    """Somebody in Stripe's place who answers whatever it is told to."""

    def __init__(self) -> None:
        self.status = 200
        self.body = json.dumps(SESSION).encode()
        self.headers = {"Stripe-Should-Retry": "false"}
        self.drops = 0
        self.silent = False
        self.asked: list[web.Request] = []

    async def answer(self, request: web.Request) -> web.Response:
        await request.read()
        self.asked.append(request)
        if self.silent:
            await asyncio.sleep(600)
        if self.drops:
            self.drops -= 1
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=self.status, body=self.body, headers=self.headers)


@contextlib.asynccontextmanager
async def served(weather):
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", weather.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def weather():
    return Weather()


@pytest.fixture
async def desk(weather):
    async with served(weather) as url:
        desk = StripeDesk(KEY, url=url)
        yield desk
        await desk.close()


def make(desk):
    """Ask for a session by what changes something."""
    made = desk.api.checkout.sessions.create_async(
        params={}, options={"idempotency_key": "pay_1"}
    )
    return desk.ask(made, CheckoutSession)


async def test_what_is_asked_carries_key_version_and_secret(weather, desk):
    assert (await desk.session("cs_1")).attempt == "pay_1"
    await make(desk)
    read, made = weather.asked
    assert read.headers["Authorization"] == made.headers["Authorization"]
    assert read.headers["Authorization"] == f"Bearer {KEY}"
    assert made.headers["Idempotency-Key"] == "pay_1"
    assert made.headers["Stripe-Version"].startswith("2026-")
    # How long the question before this one took is nobody's business.
    assert "X-Stripe-Client-Telemetry" not in made.headers


async def test_a_connection_that_broke_is_tried_once_more(weather, desk):
    weather.drops = 1
    await make(desk)
    first, second = weather.asked
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    weather.drops = 2
    with pytest.raises(ProviderUnavailable, match="ServerDisconnectedError"):
        await make(desk)
    assert desk.status == "degraded"


async def test_nobody_waits_for_ever(weather):
    weather.silent = True
    async with served(weather) as url:
        desk = StripeDesk(KEY, url=url, timeout_s=0.05)
        with pytest.raises(ProviderUnavailable, match=r"no answer within 0\.05 s"):
            await desk.session("cs_1")
        await desk.close()


@pytest.mark.parametrize("status", [301, 303, 307])
async def test_nobody_is_followed_elsewhere(weather, desk, status):
    inside = Weather()
    async with served(inside) as url:
        weather.status, weather.headers = status, {"Location": url}
        with pytest.raises(ProviderUnavailable):
            await make(desk)
    assert inside.asked == []


GARBAGE = {
    "nothing": b"",
    "no JSON": b"<html>",
    "half": json.dumps(SESSION).encode()[:-9],
    "a list": b"[]",
    "no UTF-8": b'{"id":"\xff"}',
    "deep": b'{"x":' + b"[" * 50_000,
    "another thing": b'{"object": "list"}',
    "another form": json.dumps(SESSION | {"amount_total": 4500.5}).encode(),
    "too long": b" " * ANSWER_BYTES_MAX + json.dumps(SESSION).encode(),
}


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_is_no_answer(weather, desk, status, body):
    weather.status, weather.body = status, body
    with pytest.raises(ProviderUnavailable):
        await desk.session("cs_1")
    with pytest.raises(ProviderUnavailable):
        await make(desk)
    assert desk.status == "degraded"


async def test_a_packed_answer_is_none(weather, desk):
    weather.body = gzip.compress(weather.body)
    weather.headers["Content-Encoding"] = "gzip"
    with pytest.raises(ProviderUnavailable):
        await desk.session("cs_1")
    assert weather.asked[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("status", "error", "replayed", "kept"),
    [
        (500, {"type": "api_error"}, True, True),
        # The first time nobody knows yet what became of it.
        (500, {"type": "api_error"}, False, False),
        (400, {"type": "idempotency_error"}, False, True),
        (409, {"type": "idempotency_error", "code": "idempotency_key_in_use"}, 0, 0),
        (400, {"type": "invalid_request_error", "code": "amount_too_small"}, True, 0),
        (429, {"type": "invalid_request_error", "code": "rate_limit"}, False, False),
    ],
)
async def test_what_stripe_keeps_under_a_key_is_told_apart(
    weather, desk, status, error, replayed, kept
):
    weather.status = status
    weather.body = json.dumps({"error": {"message": "…", **error}}).encode()
    if replayed:
        weather.headers["Idempotent-Replayed"] = "true"
    with pytest.raises(StripeRefused) as caught:
        await make(desk)
    assert caught.value.is_kept is bool(kept)
    assert caught.value.status == status


async def test_what_it_says_in_words_is_not_repeated(weather, desk):
    """There may be a part of the key in it, or an address of a buyer."""
    weather.status = 401
    error = {"message": f"Invalid API Key: {KEY}", "code": f"{KEY} {'x' * 999}"}
    weather.body = json.dumps({"error": error}).encode()
    with pytest.raises(StripeRefused) as caught:
        await desk.session("cs_1")
    assert str(caught.value) == desk.trouble == "it answered 401"
    assert KEY not in repr(caught.value)


async def test_another_session_than_asked_for_is_none(weather, desk):
    with pytest.raises(ProviderUnavailable, match="something else"):
        await desk.session("cs_2")


async def test_a_list_without_an_end_is_not_read_to_it(weather, desk):
    page = {"object": "list", "data": [SESSION], "has_more": True}
    weather.body = json.dumps(page).encode()
    with pytest.raises(ProviderUnavailable, match="more than can be looked through"):
        _ = [one async for one in desk.open_sessions()]


async def test_where_there_is_no_search_nothing_is_found_or_wrong(weather, desk):
    weather.status = 429
    weather.body = b'{"error": {"type": "invalid_request_error"}}'
    with pytest.raises(ProviderUnavailable):
        await desk.intents_of("pay_1")
    # A key that may not search is to be seen; where nobody may, nothing is wrong.
    weather.status = 403
    with pytest.raises(ProviderUnavailable):
        await desk.intents_of("pay_1")
    weather.status = 400
    asked = len(weather.asked)
    assert await desk.intents_of("pay_1") == []
    assert await desk.intents_of("pay_2") == []
    assert (len(weather.asked), desk.status) == (asked + 1, "ok")
