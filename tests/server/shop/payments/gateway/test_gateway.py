"""The gateway in its own process: every outcome, every kind of webhook, its death."""

import asyncio
import os
import re
import signal
import stat
import subprocess
import sys
from collections import Counter

import aiohttp
import msgspec
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from server.shop.payments.provider import (
    Captured,
    Expired,
    Failed,
    Opened,
    Processing,
    RefundAsk,
    RefundFailed,
    RefundSettled,
)
from tests.server.shop.payments.gateway_process import (
    OTHER_SECRET,
    REPOSITORY,
    SECRET,
    GatewayProcess,
    attempt_of,
    provider_at,
    receiving,
    urls_to,
)

NOWHERE = "http://127.0.0.1:9/hook"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("gateway")


@pytest.fixture(scope="module")
def gateway(folder):
    """One process for all tests of this file; they use sessions of their own."""
    process = GatewayProcess(folder)
    process.start()
    yield process
    assert process.end() == 0


@pytest.fixture
async def provider(gateway):
    opened = provider_at(gateway.url)
    yield opened
    await opened.close()


@pytest.fixture
async def receiver(provider):
    async with receiving(provider) as opened:
        yield opened


async def begin(provider, receiver, name, **options):
    return await provider.open(attempt_of(name, **options), urls_to(receiver.url))


async def test_a_payment_leads_back_to_the_shop_which_hears_of_it(
    gateway, provider, receiver
):
    session = await begin(provider, receiver, "pay_paid")
    assert [type(fact) for fact in await provider.look(session.ref)] == [Opened]
    status, location, _ = await gateway.choose(session.url, "pay")
    assert (status, location) == (303, "http://shop.example/orders/ord_1")
    await receiver.until(lambda: receiver.facts)
    (fact,) = receiver.facts
    assert isinstance(fact, Captured)
    assert (fact.ref, fact.attempt) == (session.ref, "pay_paid")
    assert (fact.amount, fact.currency) == (4500, "EUR")
    assert fact.event_ref.startswith("msg_")
    (looked,) = await provider.look(session.ref)
    assert looked == msgspec.structs.replace(fact, event_ref="")
    # A second click changes nothing, and is told the same.
    assert (await gateway.choose(session.url, "pay"))[:2] == (303, location)
    assert await provider.expire(session.ref) == looked
    assert len(receiver.raw) == 1


async def test_what_is_asked_again_is_the_same(gateway, provider, receiver):
    session = await begin(provider, receiver, "pay_again")
    assert await begin(provider, receiver, "pay_again") == session
    # The shop may have moved meanwhile.
    elsewhere = await provider.open(attempt_of("pay_again"), urls_to(NOWHERE))
    assert elsewhere == session
    assert await provider.find("pay_again") == session.ref
    assert await provider.find("pay_never") is None


async def test_a_declined_payment_says_so_and_what_to_do(gateway, provider, receiver):
    session = await begin(provider, receiver, "pay_declined")
    status, location, _ = await gateway.choose(session.url, "decline")
    assert (status, location) == (303, f"/pay/{session.ref}")
    await receiver.until(lambda: receiver.facts)
    (fact,) = receiver.facts
    assert isinstance(fact, Failed)
    assert fact.reason == "The card was declined."
    async with aiohttp.ClientSession() as browser, browser.get(session.url) as page:
        text = await page.text()
    assert "No money was taken." in text
    assert "gateway-pay" not in text
    # It is over: nothing that comes later takes money.
    status, _, text = await gateway.choose(session.url, "pay")
    assert (status, "No money was taken." in text) == (409, True)
    assert [type(fact) for fact in await provider.look(session.ref)] == [Failed]


async def test_money_may_come_after_the_end(gateway, provider, receiver):
    session = await begin(provider, receiver, "pay_late")
    await gateway.behave(session.ref, late_ms=1)
    await gateway.choose(session.url, "late")
    assert [type(fact) for fact in await provider.look(session.ref)] == [Opened]
    assert isinstance(await provider.expire(session.ref), Expired)
    await receiver.until(lambda: len(receiver.facts) == 2)
    assert {type(fact) for fact in receiver.facts} == {Expired, Captured}
    assert [type(fact) for fact in await provider.look(session.ref)] == [Captured]


async def test_a_session_ends_by_itself(gateway, provider, receiver):
    attempt = msgspec.structs.replace(attempt_of("pay_ends"), expires_at_ms=1)
    session = await provider.open(attempt, urls_to(receiver.url))
    await receiver.until(lambda: receiver.facts)
    assert isinstance(receiver.facts[0], Expired)
    assert (await gateway.choose(session.url, "pay"))[0] == 409


async def test_a_slow_payment_is_under_way_and_cannot_be_ended(
    gateway, provider, receiver
):
    session = await begin(provider, receiver, "pay_slow")
    await gateway.behave(session.ref, delay_ms=300)
    await gateway.choose(session.url, "pay")
    assert isinstance(await provider.expire(session.ref), Processing)
    await receiver.until(lambda: len(receiver.facts) == 2)
    assert {type(fact) for fact in receiver.facts} == {Processing, Captured}


async def test_an_attempt_may_be_charged_twice(gateway, provider, receiver):
    session = await begin(provider, receiver, "pay_double")
    await gateway.behave(session.ref, double_charge=True)
    await gateway.choose(session.url, "pay")
    await receiver.until(lambda: len(receiver.facts) == 2)
    assert {fact.attempt for fact in receiver.facts} == {"pay_double"}
    refs = {fact.ref for fact in receiver.facts}
    assert len(refs) == 2
    assert session.ref in refs
    # Each is given back by itself.
    (second,) = refs - {session.ref}
    ask = RefundAsk(
        refund="ref_double", ref=second, amount=4500, currency="EUR", reason="surplus"
    )
    assert isinstance(await provider.refund(ask), RefundSettled)
    # What is asked about comes first, whichever it is.
    looked = await provider.look(session.ref)
    assert [fact.ref for fact in looked] == [session.ref, second, second]
    looked = await provider.look(second)
    assert [fact.ref for fact in looked] == [second, second, session.ref]
    assert await provider.find("pay_double") == session.ref


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (10_000, "JPY", "¥10,000"),
        (18_600, "KWD", "KWD\N{NO-BREAK SPACE}18.600"),
        (4_500, "EUR", "€45.00"),
    ],
)
async def test_amounts_are_charged_as_they_are_shown(
    gateway, provider, receiver, amount, currency, shown
):
    session = await begin(
        provider, receiver, f"pay_{currency}", amount=amount, currency=currency
    )
    async with aiohttp.ClientSession() as browser, browser.get(session.url) as page:
        text = await page.text()
    found = re.search(r'data-testid="gateway-amount">([^<]*)<', text)
    assert found is not None
    assert found[1] == shown
    await gateway.choose(session.url, "pay")
    await receiver.until(lambda: receiver.facts)
    (fact,) = receiver.facts
    assert isinstance(fact, Captured)
    assert (fact.amount, fact.currency) == (amount, currency)


async def test_another_amount_may_be_captured(gateway, provider, receiver):
    session = await begin(provider, receiver, "pay_less")
    await gateway.behave(session.ref, capture_amount=44, capture_currency="USD")
    await gateway.choose(session.url, "pay")
    (fact,) = await provider.look(session.ref)
    assert isinstance(fact, Captured)
    assert (fact.amount, fact.currency) == (44, "USD")


@pytest.mark.parametrize(
    ("how", "kinds"),
    [
        ("settle", [RefundSettled]),
        ("fail", [RefundFailed]),
        ("settle_later", [type(None), RefundSettled]),
        ("fail_later", [type(None), RefundFailed]),
    ],
)
async def test_refunds_end_in_each_way(gateway, provider, receiver, how, kinds):
    session = await begin(provider, receiver, f"pay_refund_{how}")
    await gateway.choose(session.url, "pay")
    await gateway.behave(session.ref, refunds=how, refund_ms=300)
    ask = RefundAsk(
        refund=f"ref_{how}",
        ref=session.ref,
        amount=1500,
        currency="EUR",
        reason="one of three",
    )
    assert isinstance(await provider.refund(ask), kinds[0])
    await receiver.until(lambda: len(receiver.facts) == 2)
    (told,) = [fact for fact in receiver.facts if not isinstance(fact, Captured)]
    assert type(told) is kinds[-1]
    assert (told.ref, told.refund, told.amount) == (session.ref, f"ref_{how}", 1500)
    # Asked again, it is that one, and a reason in other words makes no other of it.
    assert await provider.refund(ask) == msgspec.structs.replace(told, event_ref="")
    facts = await provider.look(session.ref)
    assert [type(fact) for fact in facts] == [Captured, kinds[-1]]
    assert len(receiver.facts) == 2


async def test_no_more_is_given_back_than_was_captured(gateway, provider, receiver):
    session = await begin(provider, receiver, "pay_much")
    await gateway.choose(session.url, "pay")

    async def refund(name, amount, currency="EUR"):
        return await provider.refund(
            RefundAsk(
                refund=name,
                ref=session.ref,
                amount=amount,
                currency=currency,
                reason="",
            )
        )

    assert isinstance(await refund("much_1", 4000), RefundSettled)
    assert isinstance(await refund("much_2", 501), RefundFailed)
    assert isinstance(await refund("much_3", 500, "USD"), RefundFailed)
    assert isinstance(await refund("much_4", 500), RefundSettled)
    assert isinstance(await refund("much_5", 1), RefundFailed)


async def test_two_hundred_webhooks_doubled_reversed_forged_and_late(
    gateway, provider, receiver
):
    """Each of 50 payments is told in disorder, twice, with forged and old ones."""
    sessions = [await begin(provider, receiver, f"pay_many_{n}") for n in range(50)]
    for n, session in enumerate(sessions):
        await gateway.behave(
            session.ref,
            webhook_copies=2,
            reversed=True,
            forged=True,
            stale=True,
            webhook_delay_ms=n % 7,
        )
        await gateway.choose(session.url, "pay")
    # Captured, processing, opened: each forged once, twice true, once old.
    await receiver.until(lambda: len(receiver.raw) == 50 * 3 * 4)
    assert (receiver.forged, receiver.stale) == (150, 150)
    assert len(receiver.facts) == 300
    by_ref: dict[str, list[type]] = {}
    for fact in receiver.facts:
        by_ref.setdefault(fact.ref, []).append(type(fact))
    expected = [Captured, Captured, Processing, Processing, Opened, Opened]
    assert by_ref == {session.ref: expected for session in sessions}
    times = Counter(fact.event_ref for fact in receiver.facts)
    assert set(times.values()) == {2}
    # A lone pair of eyes would believe the same ones.
    other = Webhook(SECRET.encode())
    believed = 0
    for headers, body in receiver.raw:
        try:
            other.verify(body, headers)
            believed += 1
        except WebhookVerificationError:
            continue
    assert believed == 300


async def test_a_lost_webhook_leaves_looking(gateway, provider, receiver):
    lost = await begin(provider, receiver, "pay_lost")
    await gateway.behave(lost.ref, lost=True)
    await gateway.choose(lost.url, "pay")
    told = await begin(provider, receiver, "pay_told")
    await gateway.choose(told.url, "pay")
    await receiver.until(lambda: receiver.facts)
    assert [fact.ref for fact in receiver.facts] == [told.ref]
    assert isinstance((await provider.look(lost.ref))[0], Captured)


async def test_a_second_charge_that_nobody_told_of_is_seen_by_looking(
    gateway, provider, receiver
):
    lost = await begin(provider, receiver, "pay_lost_twice")
    await gateway.behave(lost.ref, lost=True, double_charge=True)
    await gateway.choose(lost.url, "pay")
    facts = await provider.look(lost.ref)
    assert [type(one) for one in facts] == [Captured, Captured]
    assert {one.attempt for one in facts} == {"pay_lost_twice"}
    assert len({one.ref for one in facts}) == 2
    assert receiver.facts == []


async def test_webhooks_are_sent_until_they_are_taken(gateway, provider, receiver):
    receiver.answers = [503, 302]
    session = await begin(provider, receiver, "pay_retried")
    await gateway.choose(session.url, "pay")
    await receiver.until(lambda: receiver.facts)
    assert len(receiver.raw) == 3
    assert len({headers["webhook-id"] for headers, _ in receiver.raw}) == 1


async def test_it_goes_on_after_it_was_killed(gateway, provider, receiver, folder):
    """What was paid stays, what was not told is told, what was due happens."""
    paid = await provider.open(attempt_of("pay_k1"), urls_to(receiver.url))
    late = await provider.open(attempt_of("pay_k2"), urls_to(receiver.url))
    open_ = await provider.open(attempt_of("pay_k3"), urls_to(receiver.url))
    await gateway.behave(paid.ref, webhook_delay_ms=1_500)
    await gateway.behave(late.ref, late_ms=1_500)
    await gateway.choose(paid.url, "pay")
    await gateway.choose(late.url, "late")
    await provider.expire(late.ref)
    gateway.end(signal.SIGKILL)
    gateway.start()
    facts = receiver.facts  # What was sent, and not noted, comes again.
    await receiver.until(lambda: len({(one.ref, type(one)) for one in facts}) >= 3)
    assert {(one.ref, type(one)) for one in facts} == {
        (paid.ref, Captured),
        (late.ref, Expired),
        (late.ref, Captured),
    }
    assert [type(fact) for fact in await provider.look(open_.ref)] == [Opened]
    assert await provider.find("pay_k3") == open_.ref
    assert await gateway.choose(open_.url, "pay")
    file = folder / "gateway" / "gateway.sqlite"
    assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0


async def test_nobody_asks_without_the_secret(gateway):
    for authorization in ("", "Bearer ", "Bearer wrong", f"Basic {SECRET}"):
        headers = {"Authorization": authorization}
        async with aiohttp.ClientSession(headers=headers) as session:
            for method, path in (
                ("POST", "/v1/sessions"),
                ("GET", "/v1/sessions?attempt=pay_paid"),
                ("GET", "/v1/sessions/gs_1"),
                ("POST", "/v1/sessions/gs_1/expire"),
                ("PUT", "/v1/sessions/gs_1/behaviour"),
                ("PUT", "/v1/behaviour"),
                ("POST", "/v1/refunds"),
            ):
                async with session.request(method, gateway.url + path) as answer:
                    assert answer.status == 401
                    assert (await answer.json())["code"] == "unauthenticated"


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 0},
        {"amount": 45.5},
        {"amount": "4500"},
        {"currency": "eur"},
        {"success": "javascript:alert(1)"},
        {"attempt": "a b"},
    ],
)
async def test_what_no_shop_asks_for_is_refused(gateway, wrong):
    attempt = attempt_of("pay_wrong")
    body = msgspec.to_builtins(attempt) | msgspec.to_builtins(urls_to(NOWHERE))
    headers = {"Authorization": f"Bearer {SECRET}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(gateway.url + "/v1/sessions", json=body | wrong) as answer,
    ):
        assert answer.status == 422
        assert (await answer.json())["code"] == "bad_field"


async def test_another_question_under_the_same_key_is_refused(
    gateway, provider, receiver
):
    await begin(provider, receiver, "pay_reused")
    headers = {"Authorization": f"Bearer {SECRET}"}
    attempt = attempt_of("pay_reused", amount=1)
    body = msgspec.to_builtins(attempt) | msgspec.to_builtins(urls_to(NOWHERE))
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(gateway.url + "/v1/sessions", json=body) as answer,
    ):
        assert answer.status == 422
        assert (await answer.json())["code"] == "key_reused"


async def test_how_sessions_are_treated_can_be_said_before_they_begin(
    gateway, provider, receiver
):
    await gateway.ask("PUT", "/v1/behaviour", {"webhook_copies": 3})
    session = await begin(provider, receiver, "pay_before")
    await gateway.ask("PUT", "/v1/behaviour", {})
    await gateway.choose(session.url, "pay")
    await receiver.until(lambda: len(receiver.facts) == 3)
    assert len({fact.event_ref for fact in receiver.facts}) == 1


async def test_the_secret_is_changed_while_both_go_on(gateway, provider, receiver):
    """The gateway knows both first, then the server has the new one."""
    await gateway.choose((await begin(provider, receiver, "pay_r1")).url, "pay")
    await receiver.until(lambda: len(receiver.facts) == 1)
    gateway.end()
    gateway.environment["ONSALE_GATEWAY_SECRET"] = f"{OTHER_SECRET} {SECRET}"
    gateway.start()
    await gateway.choose((await begin(provider, receiver, "pay_r2")).url, "pay")
    await receiver.until(lambda: len(receiver.facts) == 2)
    newer = provider_at(gateway.url, OTHER_SECRET)
    receiver.provider = newer
    await gateway.choose((await begin(newer, receiver, "pay_r3")).url, "pay")
    await receiver.until(lambda: len(receiver.facts) == 3)
    assert len(receiver.raw) == 3
    await newer.close()
    gateway.end()
    gateway.environment["ONSALE_GATEWAY_SECRET"] = SECRET
    gateway.start()


def test_what_cannot_be_served_is_one_clear_sentence(gateway, tmp_path):
    (tmp_path / "broken" / "gateway").mkdir(parents=True)
    (tmp_path / "broken" / "gateway" / "gateway.sqlite").write_bytes(b"no file" * 99)
    cases = {
        "is in use by process": (gateway.folder, 0, SECRET),
        "cannot be used: file is not a database": (tmp_path / "broken", 0, SECRET),
        "Address already in use": (tmp_path / "taken", gateway.port, SECRET),
        "has to be random": (tmp_path / "guessed", 0, "changeme" * 8),
    }
    started = {}
    for sentence, (folder, port, secret) in cases.items():
        started[sentence] = subprocess.Popen(
            [
                *(sys.executable, "-m", "server", "gateway"),
                *("--port", str(port), "--data-dir", str(folder)),
            ],
            cwd=REPOSITORY,
            env=os.environ | {"ONSALE_GATEWAY_SECRET": secret},
            stderr=subprocess.PIPE,
            text=True,
        )
    for sentence, process in started.items():
        _, said = process.communicate()
        assert (process.returncode, sentence in said) == (2, True), said
        assert said.startswith("onsale: ")
        assert said.count("\n") == 1


async def test_a_page_that_is_not_there_says_what_to_do(gateway):
    async with aiohttp.ClientSession() as browser:
        url = gateway.url + "/pay/gs_nothing"
        async with browser.get(url) as answer:
            assert answer.status == 404
            assert "Go back to your order" in await answer.text()
        async with browser.post(url, data={"outcome": "pay"}) as answer:
            assert answer.status == 404


async def test_no_outcome_is_no_payment(gateway, provider, receiver):
    session = await begin(provider, receiver, "pay_none")
    status, _, text = await gateway.choose(session.url, "refund")
    assert (status, "gateway-pay" in text) == (400, True)
    assert [type(fact) for fact in await provider.look(session.ref)] == [Opened]


async def test_many_ask_at_once_for_one_attempt(gateway, provider, receiver):
    sessions = await asyncio.gather(
        *(begin(provider, receiver, "pay_once") for _ in range(20))
    )
    assert len({session.ref for session in sessions}) == 1
    await asyncio.gather(*(gateway.choose(sessions[0].url, "pay") for _ in range(20)))
    await receiver.until(lambda: receiver.facts)
    assert isinstance(await provider.expire(sessions[0].ref), Captured)
    assert len(receiver.raw) == 1
