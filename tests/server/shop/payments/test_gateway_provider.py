"""Our end of the gateway in bad weather: facts, or `ProviderUnavailable`."""

import asyncio
import contextlib
import gzip
import json

import msgspec
import pytest
from aiohttp import web

from server.shop.payments.gateway.wire import (
    DisputeDocument,
    RefundDocument,
    SessionDocument,
)
from server.shop.payments.gateway_provider import ANSWER_BYTES_MAX
from server.shop.payments.provider import (
    Captured,
    Disputed,
    Expired,
    Failed,
    Forged,
    Opened,
    Processing,
    ProviderUnavailable,
    RefundAsk,
    RefundFailed,
    RefundSettled,
    Stale,
)
from server.shop.payments.signing import secrets_of
from server.transport.outbox.signatures import headers_of
from tests.server.shop.payments.gateway_process import (
    OTHER_SECRET,
    SECRET,
    attempt_of,
    provider_at,
    urls_to,
)

HOOK = "http://shop.example/hook"
NOW = 1_900_000_000
SESSION = SessionDocument(
    id="gs_1",
    attempt="pay_1",
    url="http://gateway.example/pay/gs_1",
    state="captured",
    amount=4500,
    currency="EUR",
    captured=4500,
    captured_currency="EUR",
    changed_at_ms=7,
)
REFUND = RefundDocument(
    id="gr_1",
    refund="ref_1",
    session="gs_1",
    amount=1500,
    currency="EUR",
    state="settled",
    changed_at_ms=8,
)
DISPUTE = DisputeDocument(
    id="gd_1",
    session="gs_1",
    amount=1500,
    currency="EUR",
    state="open",
    reason="fraudulent",
    changed_at_ms=9,
)
PAID = Captured(ref="gs_1", attempt="pay_1", at_ms=7, amount=4500, currency="EUR")
ASK = RefundAsk(refund="ref_1", ref="gs_1", amount=1500, currency="EUR", reason="x")


class Weather:
    """A gateway that answers whatever it is told to."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b""
        self.headers: dict[str, str] = {}
        self.silent = False
        self.drops = 0
        self.asked: list[tuple[str, str, bytes, str]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        shown = request.headers.get("Authorization", "")
        body = await request.read()
        self.asked.append((request.method, request.path_qs, body, shown))
        if self.silent:
            await asyncio.sleep(600)
        if self.drops:
            self.drops -= 1
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=self.status, body=self.body, headers=self.headers)

    def says(self, document, status=200):
        self.status, self.body = status, msgspec.json.encode(document)


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
async def provider(weather):
    async with served(weather) as url:
        opened = provider_at(url, now_s=lambda: NOW)
        yield opened
        await opened.close()


ASKS = {
    "open": lambda one: one.open(attempt_of("pay_1"), urls_to(HOOK)),
    "expire": lambda one: one.expire("gs_1"),
    "refund": lambda one: one.refund(ASK),
    "look": lambda one: one.look("gs_1"),
    "find": lambda one: one.find("pay_1"),
}
each_ask = pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)


def document_for(ask):
    return REFUND if ask is ASKS["refund"] else SESSION


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"state": "captured"}, PAID),
        ({"state": "captured", "captured": 44, "captured_currency": "USD"},
         Captured(ref="gs_1", attempt="pay_1", at_ms=7, amount=44, currency="USD")),
        ({"state": "expired"}, Expired(ref="gs_1", attempt="pay_1", at_ms=7)),
        ({"state": "processing"}, Processing(ref="gs_1", attempt="pay_1", at_ms=7)),
        ({"state": "failed", "reason": "No."},
         Failed(ref="gs_1", attempt="pay_1", at_ms=7, reason="No.")),
    ],
)  # fmt: skip
async def test_states_are_facts(weather, provider, change, fact):
    weather.says(msgspec.structs.replace(SESSION, **change))
    assert await provider.expire("gs_1") == fact
    assert await provider.look("gs_1") == [fact]


async def test_looking_tells_of_refunds_that_ended(weather, provider):
    refunds = [
        REFUND,
        msgspec.structs.replace(REFUND, id="gr_2", refund="ref_2", state="pending"),
        msgspec.structs.replace(REFUND, id="gr_3", refund="ref_3", state="failed"),
    ]
    weather.says(msgspec.structs.replace(SESSION, refunds=refunds))
    facts = await provider.look("gs_1")
    assert [type(fact) for fact in facts] == [Captured, RefundSettled, RefundFailed]
    assert [fact.refund for fact in facts[1:]] == ["ref_1", "ref_3"]


async def test_looking_tells_of_all_payments_of_an_attempt(weather, provider):
    refund = msgspec.structs.replace(REFUND, session="gs_2")
    other = msgspec.structs.replace(SESSION, id="gs_2", refunds=[refund])
    weather.says(msgspec.structs.replace(SESSION, others=[other]))
    facts = await provider.look("gs_1")
    assert [(type(fact), fact.ref) for fact in facts] == [
        (Captured, "gs_1"),
        (Captured, "gs_2"),
        (RefundSettled, "gs_2"),
    ]
    assert facts[1] == msgspec.structs.replace(PAID, ref="gs_2")


async def test_a_refund_under_way_is_none(weather, provider):
    weather.says(msgspec.structs.replace(REFUND, state="pending"))
    assert await provider.refund(ASK) is None


async def test_what_is_asked_carries_key_and_secret(weather, provider):
    weather.says(msgspec.structs.replace(SESSION, state="open"))
    session = await provider.open(attempt_of("pay_1"), urls_to(HOOK))
    assert (session.ref, session.url) == ("gs_1", SESSION.url)
    ((method, path, body, shown),) = weather.asked
    assert (method, path, shown) == ("POST", "/v1/sessions", f"Bearer {SECRET}")
    asked = json.loads(body)
    assert (asked["attempt"], asked["amount"]) == ("pay_1", 4500)
    assert asked["webhook"] == HOOK


@each_ask
async def test_a_gateway_that_is_gone_is_unavailable(ask):
    provider = provider_at("http://127.0.0.1:9")
    with pytest.raises(ProviderUnavailable):
        await ask(provider)
    health = provider.health()
    assert health["status"] == "degraded"
    assert health["problems"] == [
        "The payment gateway cannot be asked: ClientConnectorError."
    ]
    await provider.close()


@each_ask
async def test_a_gateway_that_does_not_answer_is_unavailable(weather, ask):
    weather.silent = True
    async with served(weather) as url:
        provider = provider_at(url, timeout_s=0.05)
        with pytest.raises(ProviderUnavailable, match=r"no answer within 0\.05 s"):
            await ask(provider)
        await provider.close()


@each_ask
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_nobody_is_followed_elsewhere(weather, provider, ask, status):
    inside = Weather()
    inside.says(document_for(ask))
    async with served(inside) as url:
        weather.status, weather.headers = status, {"Location": url}
        with pytest.raises(ProviderUnavailable, match=str(status)):
            await ask(provider)
    assert inside.asked == []


GARBAGE = {
    "nothing": b"",
    "no JSON": b"<html>",
    "half": msgspec.json.encode(SESSION)[:-9],
    "other": b"[]",
    "no UTF-8": b'{"id":"\xff"}',
    "deep": b"[" * 100_000,
    "deep where nobody looks": b'{"x":' + b"[" * 100_000,
}


@each_ask
@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_is_no_answer(weather, provider, ask, status, body):
    weather.status, weather.body = status, body
    with pytest.raises(ProviderUnavailable):
        await ask(provider)


@each_ask
@pytest.mark.parametrize("status", [201, 204, 400, 401, 409, 422, 429, 500, 503])
async def test_other_answers_are_none(weather, provider, ask, status):
    weather.says({"code": "trouble", "detail": "…"}, status)
    with pytest.raises(ProviderUnavailable, match=str(status)):
        await ask(provider)


@each_ask
async def test_an_answer_without_an_end_is_cut_off(weather, provider, ask):
    weather.body = b" " * ANSWER_BYTES_MAX + msgspec.json.encode(document_for(ask))
    with pytest.raises(ProviderUnavailable):
        await ask(provider)


@each_ask
async def test_a_packed_answer_is_none(weather, provider, ask):
    weather.body = gzip.compress(msgspec.json.encode(document_for(ask)))
    weather.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(ProviderUnavailable):
        await ask(provider)


LIES = {
    "another session": {"id": "gs_2"},
    "another attempt": {"attempt": "pay_2"},
    "an amount in words": {"amount": "4500"},
    "half a cent": {"amount": 4500.5},
    "less than nothing": {"captured": -1},
    "too much": {"captured": 10**16},
    "true": {"captured": True},
    "no currency": {"currency": "euro"},
    "another state": {"state": "paid"},
    "no page": {"url": "javascript:alert(1)"},
    "a path": {"id": "../refunds"},
    "a refund of another": {
        "refunds": [
            msgspec.to_builtins(msgspec.structs.replace(REFUND, session="gs_2"))
        ]
    },
    "a dispute of another": {
        "disputes": [
            msgspec.to_builtins(msgspec.structs.replace(DISPUTE, session="gs_2"))
        ]
    },
    "beside another attempt": {
        "others": [
            msgspec.to_builtins(
                msgspec.structs.replace(SESSION, id="gs_2", attempt="pay_2")
            )
        ]
    },
    "beside itself": {"others": [msgspec.to_builtins(SESSION)]},
}


@pytest.mark.parametrize("change", LIES.values(), ids=LIES)
async def test_a_lie_is_no_answer(weather, provider, change):
    """Each is believed by none of those whom it concerns."""
    weather.says(msgspec.to_builtins(SESSION) | change)
    if set(change) == {"attempt"}:
        asks = [ASKS["open"], ASKS["find"]]
    elif set(change) <= {"refunds", "disputes", "others"} or change == {"id": "gs_2"}:
        asks = [ASKS["look"]]
    else:
        asks = [ASKS["look"], ASKS["expire"], ASKS["open"], ASKS["find"]]
    for ask in asks:
        with pytest.raises(ProviderUnavailable):
            await ask(provider)
    assert provider.health()["status"] == "degraded"


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 1501},
        {"currency": "USD"},
        {"refund": "ref_2"},
        {"session": "gs_2"},
        {"amount": "1500"},
    ],
)
async def test_a_refund_of_something_else_is_none(weather, provider, change):
    weather.says(msgspec.to_builtins(REFUND) | change)
    with pytest.raises(ProviderUnavailable):
        await provider.refund(ASK)


@pytest.mark.parametrize("change", [{"amount": 1}, {"currency": "USD"}])
async def test_a_session_of_another_sum_is_none(weather, provider, change):
    weather.says(msgspec.to_builtins(SESSION) | change)
    with pytest.raises(ProviderUnavailable):
        await provider.open(attempt_of("pay_1"), urls_to(HOOK))


async def test_what_ends_is_not_open(weather, provider):
    weather.says(msgspec.structs.replace(SESSION, state="open"))
    with pytest.raises(ProviderUnavailable):
        await provider.expire("gs_1")
    assert [type(fact) for fact in await provider.look("gs_1")] == [Opened]


async def test_an_attempt_that_it_never_had_is_none(weather, provider):
    weather.says({"code": "not_found", "detail": ""}, 404)
    assert await provider.find("pay_1") is None
    with pytest.raises(ProviderUnavailable):
        await provider.look("gs_1")


async def test_a_connection_that_broke_is_tried_once_more(weather, provider):
    weather.says(SESSION)
    weather.drops = 1
    assert await provider.expire("gs_1") == PAID
    weather.drops = 2
    with pytest.raises(ProviderUnavailable):
        await provider.expire("gs_1")
    assert provider.health()["status"] == "degraded"
    assert await provider.expire("gs_1") == PAID
    assert provider.health()["status"] == "ok"


def message_of(kind, data, **more):
    body = {"type": kind, "timestamp": "2030-01-01T00:00:00Z", "data": data, **more}
    return msgspec.json.encode(body)


def read(body, secret=SECRET, at=NOW, known=SECRET):
    provider = provider_at("http://127.0.0.1:9", known, now_s=lambda: NOW)
    return provider.read(headers_of(secrets_of(secret), "msg_1", at, body), body)


def test_a_webhook_is_a_fact_with_its_id():
    body = message_of("payment.captured", SESSION)
    (fact,) = read(body)
    assert fact == msgspec.structs.replace(PAID, event_ref="msg_1")
    (fact,) = read(message_of("refund.settled", REFUND, more="later"))
    assert isinstance(fact, RefundSettled)
    assert (fact.ref, fact.event_ref) == ("gs_1", "msg_1")
    (fact,) = read(message_of("dispute.open", DISPUTE))
    assert fact == Disputed(
        ref="gs_1",
        at_ms=9,
        event_ref="msg_1",
        dispute_ref="gd_1",
        state="open",
        amount=1500,
        currency="EUR",
        reason="fraudulent",
    )


def test_a_webhook_of_the_old_secret_counts_while_it_is_changed():
    body = message_of("payment.captured", SESSION)
    assert read(body, OTHER_SECRET, known=f"{SECRET} {OTHER_SECRET}")
    with pytest.raises(Forged):
        read(body, OTHER_SECRET)
    with pytest.raises(Stale):
        read(body, at=NOW - 301)


def test_a_kind_that_is_not_known_says_nothing():
    assert read(message_of("payout.paid", {"id": "po_1"})) == []


@pytest.mark.parametrize(
    "body",
    [
        *GARBAGE.values(),
        message_of("payment.captured", {"id": "gs_1"}),
        message_of("payment.captured", REFUND),
        message_of("payment.failed", SESSION),
        message_of("refund.failed", REFUND),
        message_of("dispute.won", DISPUTE),
        message_of("dispute.open", REFUND),
        message_of(
            "payment.captured", msgspec.to_builtins(SESSION) | {"captured": 4.5}
        ),
    ],
)
def test_a_signed_webhook_that_makes_no_sense_is_forged(body):
    with pytest.raises(Forged):
        read(body)
