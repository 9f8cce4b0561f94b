"""Stripe as a provider, against its twin: whatever it does, facts or unavailable."""

import time

import pytest
import stripe
from msgspec.structs import replace

from inventory.money import EXPONENTS
from inventory.settings import Money
from server.shop.payments.provider import (
    Attempt,
    Captured,
    Disputed,
    Expired,
    Failed,
    Opened,
    Processing,
    ProviderUnavailable,
    RefundAsk,
    RefundFailed,
    RefundSettled,
    Urls,
)
from server.shop.payments.stripe.currencies import UNKNOWN
from server.shop.payments.stripe.provider import StripeProvider, is_test
from tests.server.shop.payments.stripe.twin import KEY, SECRET, twin_of_stripe

URLS = Urls(
    success="https://shop.example/orders/ord_1",
    cancel="https://shop.example/orders/ord_1#cancel",
    webhook="https://shop.example/v1/payments/stripe/webhook",
)


def attempt_of(name="pay_1", amount=4500, currency="EUR"):
    return Attempt(
        attempt=name,
        order="ord_1",
        reference="K7M2QX",
        amount=amount,
        currency=currency,
        description="Gala",
        email="buyer@example.org",
        expires_at_ms=int(time.time() * 1_000) + 900_000,
    )


def ask_of(ref, refund="rfd_1", amount=1500):
    return RefundAsk(
        refund=refund, ref=ref, amount=amount, currency="EUR", reason="given_back"
    )


@pytest.fixture
async def twin():
    async with twin_of_stripe() as twin:
        yield twin


@pytest.fixture
async def provider(twin):
    provider = StripeProvider(KEY, [SECRET], url=twin.url, now_s=lambda: 7.0)
    yield provider
    await provider.close()


@pytest.fixture
async def paid(twin, provider):
    """The session of an attempt that was paid."""
    session = await provider.open(attempt_of(), URLS)
    twin.pay(session.ref)
    return session.ref


async def test_an_attempt_is_a_page_of_stripe_for_cards_in_its_currency(twin, provider):
    session = await provider.open(attempt_of(), URLS)
    assert session.url == twin.sessions[session.ref]["url"]
    ((method, path, form, key),) = twin.asked
    assert (method, path, key) == ("POST", "/v1/checkout/sessions", "pay_1")
    assert form["line_items[0][price_data][unit_amount]"] == "4500"
    assert form["line_items[0][price_data][currency]"] == "eur"
    # Methods that confirm days later would keep seats from everybody.
    assert [form[name] for name in form if "method_types" in name] == ["card"]
    assert form["adaptive_pricing[enabled]"] == "false"
    assert form["metadata[attempt]"] == "pay_1"
    assert form["payment_intent_data[metadata][attempt]"] == "pay_1"
    assert form["success_url"] == URLS.success
    assert await provider.look(session.ref) == [
        Opened(ref=session.ref, attempt="pay_1", at_ms=7_000)
    ]


@pytest.mark.parametrize(
    ("email", "told"),
    [
        ("buyer@example.org", "buyer@example.org"),
        ("", None),
        ("jörg@exämple.org", None),
    ],
)
async def test_who_has_no_address_that_stripe_takes_pays_all_the_same(
    twin, provider, email, told
):
    session = await provider.open(replace(attempt_of(), email=email), URLS)
    assert twin.sessions[session.ref]["customer_email"] == told


async def test_asked_again_it_is_the_same_session(twin, provider):
    first = await provider.open(attempt_of(), URLS)
    assert await provider.open(attempt_of(), URLS) == first
    assert len(twin.sessions) == 1
    once, again = twin.asked
    assert once == again


async def test_what_is_asked_differently_under_a_key_is_found(twin, provider):
    """The event was renamed between two questions: a key has but one."""
    first = await provider.open(attempt_of(), URLS)
    renamed = replace(attempt_of(), description="Gala, the second")
    assert await provider.open(renamed, URLS) == first
    twin.pay(first.ref)
    again = await provider.open(renamed, URLS)
    # It has no page any more: the order's tells what became of it.
    assert (again.ref, again.url) == (first.ref, URLS.success)
    assert len(twin.sessions) == 1


async def test_an_accident_that_stripe_keeps_costs_no_second_session(twin, provider):
    twin.accidents = [(500, "", True)]
    with pytest.raises(ProviderUnavailable, match="it answered 500"):
        await provider.open(attempt_of(), URLS)
    # Under the key there is nothing but the accident; the session is there.
    found = await provider.open(attempt_of(), URLS)
    assert [found.ref] == list(twin.sessions)


async def test_an_accident_in_which_nothing_was_made_is_got_past(twin, provider):
    twin.accidents = [(500, "", False)]
    with pytest.raises(ProviderUnavailable):
        await provider.open(attempt_of(), URLS)
    found = await provider.open(attempt_of(), URLS)
    assert [found.ref] == list(twin.sessions)
    assert await provider.open(attempt_of(), URLS) == found
    assert len(twin.sessions) == 1


async def test_what_is_paid_is_captured(twin, provider, paid):
    fact = Captured(ref=paid, attempt="pay_1", at_ms=7_000, amount=4500, currency="EUR")
    assert await provider.look(paid) == [fact]
    # Ending what was paid is no error: it is how it is heard of.
    assert await provider.expire(paid) == fact


async def test_what_is_ended_is_expired_however_often(twin, provider):
    session = await provider.open(attempt_of(), URLS)
    fact = Expired(ref=session.ref, attempt="pay_1", at_ms=7_000)
    assert await provider.expire(session.ref) == fact
    assert await provider.expire(session.ref) == fact
    assert await provider.look(session.ref) == [fact]


@pytest.mark.parametrize(
    ("status", "state", "kind"),
    [
        ("open", "requires_action", Opened),
        ("open", "processing", Processing),
        ("complete", "processing", Processing),
        ("complete", "requires_payment_method", Failed),
        ("complete", "canceled", Failed),
    ],
)
async def test_what_moves_the_money_tells_how_far_it_is(
    twin, provider, status, state, kind
):
    session = await provider.open(attempt_of(), URLS)
    twin.begin(session.ref)["status"] = state
    twin.sessions[session.ref]["status"] = status
    (fact,) = await provider.look(session.ref)
    assert type(fact) is kind


async def test_a_second_payment_of_an_attempt_is_found(twin, provider, paid):
    """Stripe forgot the key, and the attempt was begun and paid once more."""
    twin.forget_keys()
    second = await provider.open(attempt_of(), URLS)
    assert second.ref != paid
    twin.pay(second.ref)
    await provider.refund(ask_of(second.ref, "rfd_2", 4500))
    for first, other in ((paid, second.ref), (second.ref, paid)):
        facts = await provider.look(first)
        captured = [fact.ref for fact in facts if isinstance(fact, Captured)]
        assert captured == [first, other]
        (back,) = [fact for fact in facts if isinstance(fact, RefundSettled)]
        assert (back.ref, back.refund) == (second.ref, "rfd_2")


async def test_an_attempt_is_found_without_its_answer(twin, provider):
    assert await provider.find("pay_1") is None
    session = await provider.open(attempt_of(), URLS)
    await provider.open(attempt_of("pay_2"), URLS)
    twin.page = 1
    assert await provider.find("pay_1") == session.ref
    twin.pay(session.ref)
    assert await provider.find("pay_1") == session.ref
    assert await provider.find("pay_3") is None
    assert await provider.find("' OR status:'succeeded") is None


async def test_of_two_sessions_the_one_that_is_paid_is_found(twin, provider):
    first = await provider.open(attempt_of(), URLS)
    twin.begin(first.ref)
    twin.forget_keys()
    second = await provider.open(attempt_of(), URLS)
    twin.pay(second.ref)
    assert await provider.find("pay_1") == second.ref


async def test_what_is_not_searched_yet_is_not_made_up(twin, provider, paid):
    twin.unindexed.add(twin.sessions[paid]["payment_intent"])
    assert await provider.find("pay_1") is None
    assert [fact.ref for fact in await provider.look(paid)] == [paid]


async def test_a_refund_is_made_once(twin, provider, paid):
    first = await provider.refund(ask_of(paid))
    assert isinstance(first, RefundSettled)
    assert (first.ref, first.refund, first.amount) == (paid, "rfd_1", 1500)
    assert await provider.refund(ask_of(paid)) == first
    assert len(twin.refunds) == 1
    assert twin.asked[-1][3] == "rfd_1"
    assert (await provider.look(paid))[1] == first


async def test_a_refund_under_way_is_none_until_it_failed(twin, provider, paid):
    twin.refund_status = "pending"
    assert await provider.refund(ask_of(paid)) is None
    assert len(await provider.look(paid)) == 1
    (one,) = twin.refunds.values()
    one.update(status="failed", failure_reason="lost_or_stolen_card")
    (_, fact) = await provider.look(paid)
    assert isinstance(fact, RefundFailed)
    assert (fact.refund, fact.reason) == ("rfd_1", "lost_or_stolen_card")


@pytest.mark.parametrize("done", [True, False])
async def test_an_accident_never_makes_a_second_refund(twin, provider, paid, done):
    twin.accidents = [(500, "", done)]
    with pytest.raises(ProviderUnavailable):
        await provider.refund(ask_of(paid))
    if done:
        assert isinstance(await provider.refund(ask_of(paid)), RefundSettled)
    else:
        with pytest.raises(ProviderUnavailable):
            await provider.refund(ask_of(paid))
        assert not twin.refunds
        twin.forget_keys()
        assert isinstance(await provider.refund(ask_of(paid)), RefundSettled)
    assert len(twin.refunds) == 1


async def test_a_refund_after_one_by_hand_has_failed(twin, provider, paid):
    twin.refund_in_dashboard(paid, 4500)
    fact = await provider.refund(ask_of(paid))
    assert isinstance(fact, RefundFailed)
    assert (fact.refund, fact.reason) == ("rfd_1", "charge_already_refunded")


async def test_a_full_refund_made_with_a_forgotten_key_is_found(twin, provider, paid):
    made = await provider.refund(ask_of(paid, amount=4500))
    twin.forget_keys()
    assert await provider.refund(ask_of(paid, amount=4500)) == made
    assert len(twin.refunds) == 1


async def test_a_refund_of_the_dashboard_is_traced_to_its_session(twin, provider, paid):
    intent = twin.sessions[paid]["payment_intent"]
    told = RefundSettled(
        ref=intent, at_ms=1, refund_ref="re_1", amount=500, currency="EUR"
    )
    asked = len(twin.asked)
    assert await provider.trace([told]) == [replace(told, ref=paid)]
    assert len(twin.asked) == asked + 1
    # What the account is used for besides is nobody's here.
    assert await provider.trace([replace(told, ref="pi_9")]) == []
    ours = replace(told, ref=paid)
    assert await provider.trace([ours]) == [ours]
    assert len(twin.asked) == asked + 2


async def test_what_stripe_has_no_number_for_is_not_asked(twin, provider):
    with pytest.raises(ProviderUnavailable, match="no number at Stripe"):
        await provider.open(attempt_of(amount=4550, currency="MGA"), URLS)
    assert not twin.asked
    await provider.open(attempt_of(amount=4500, currency="ISK"), URLS)
    assert twin.asked[0][2]["line_items[0][price_data][unit_amount]"] == "450000"


@pytest.mark.parametrize(
    ("status", "code"), [(429, "rate_limit"), (409, "lock_timeout"), (503, "")]
)
async def test_what_stripe_refuses_for_now_is_unavailable(twin, provider, status, code):
    twin.accidents = [(status, code, False)]
    with pytest.raises(ProviderUnavailable, match=f"it answered {status}"):
        await provider.open(attempt_of(), URLS)
    health = provider.health()
    assert (health["status"], health["provider"]) == ("degraded", "stripe")
    assert await provider.find("pay_1") is None
    assert provider.health()["status"] == "ok"


async def test_a_wrong_key_is_told_and_not_shown(twin):
    wrong = "sk_test_wrongwrongwrong"
    provider = StripeProvider(wrong, [SECRET], url=twin.url)
    with pytest.raises(ProviderUnavailable, match="it answered 401") as caught:
        await provider.look("cs_test_1")
    assert wrong not in f"{caught.value!r} {provider.health()}"
    await provider.close()


async def test_a_stripe_that_is_gone_is_unavailable():
    provider = StripeProvider(KEY, [SECRET], url="http://127.0.0.1:9")
    with pytest.raises(ProviderUnavailable):
        await provider.find("pay_1")
    assert provider.health()["problems"] == [
        "Stripe cannot be asked: ClientConnectorError."
    ]
    await provider.close()


@pytest.mark.parametrize(
    "change",
    [
        {"id": "cs_test_other"},
        {"metadata": {}},
        {"amount_total": "4500"},
        {"amount_total": -1},
        {"status": "paid"},
        {"payment_status": "no_payment_required"},
        {"currency": "EURO"},
        {"object": "charge"},
        {"url": "javascript:alert(1)"},
    ],
)
async def test_a_lie_is_no_answer(twin, provider, paid, change):
    twin.sessions[paid].update(change)
    with pytest.raises(ProviderUnavailable):
        await provider.look(paid)
    assert provider.health()["status"] == "degraded"


@pytest.mark.parametrize("change", [{"amount_total": 1}, {"currency": "usd"}])
async def test_a_session_of_another_sum_is_none(twin, provider, change):
    session = await provider.open(attempt_of(), URLS)
    _, _, kept = twin.kept["pay_1"]
    kept.update(change)
    with pytest.raises(ProviderUnavailable, match="something else"):
        await provider.open(attempt_of(), URLS)
    assert list(twin.sessions) == [session.ref]


def test_the_twin_has_the_shapes_that_the_library_knows():
    """A field that Stripe does not have would make the twin prove nothing."""
    known = {
        stripe.checkout.Session: (
            "status payment_status amount_total currency url metadata payment_intent"
            " expires_at client_reference_id"
        ),
        stripe.PaymentIntent: "status metadata amount_received latest_charge",
        stripe.Refund: "status amount currency payment_intent metadata failure_reason",
        stripe.Event: "type created data livemode",
    }
    for shape, names in known.items():
        assert set(names.split()) <= set(shape.__annotations__)


@pytest.mark.parametrize(
    ("key", "test"), [(KEY, True), ("rk_test_1", True), ("sk_live_test_1", False)]
)
def test_a_key_tells_its_mode(key, test):
    assert is_test(key) is test


async def test_who_looks_hears_of_disputes_unless_the_key_may_not(twin, provider, paid):
    dispute = twin.dispute(paid, 1500)
    dispute["status"] = "lost"
    told = [one for one in await provider.look(paid) if isinstance(one, Disputed)]
    ((ref, name, state, amount),) = [
        (one.ref, one.dispute_ref, one.state, one.amount) for one in told
    ]
    assert (ref, name, state, amount) == (paid, dispute["id"], "lost", 1500)
    twin.shows_disputes = False
    found = await provider.look(paid)
    assert [type(one) for one in found] == [Captured]
    assert provider.health()["status"] == "ok"


async def test_a_dispute_is_traced_to_its_session(twin, provider, paid):
    intent = twin.sessions[paid]["payment_intent"]
    fact = Disputed(
        ref=intent,
        at_ms=1,
        event_ref="evt",
        dispute_ref="du_1",
        state="open",
        amount=4500,
        currency="EUR",
    )
    assert await provider.trace([fact]) == [replace(fact, ref=paid)]
    assert await provider.trace([replace(fact, ref="pi_of_another")]) == []


@pytest.mark.parametrize("currency", sorted(EXPONENTS))
async def test_every_currency_that_we_sell_in_is_taken_or_refused_in_a_sentence(
    twin, provider, currency
):
    """What is said of a price before is what becomes of an attempt at it."""
    price = Money(45 * 10 ** EXPONENTS[currency], currency)
    why = provider.refuses(price)
    attempt = attempt_of("pay_all", price.amount, currency)
    if why is not None:
        assert currency in UNKNOWN
        assert why.endswith(".")
        with pytest.raises(ProviderUnavailable):
            await provider.open(attempt, URLS)
        assert twin.sessions == {}
        return
    session = await provider.open(attempt, URLS)
    twin.pay(session.ref)
    (fact,) = await provider.look(session.ref)
    assert isinstance(fact, Captured)
    assert (fact.amount, fact.currency) == (price.amount, currency)
    back = RefundAsk(
        refund="rfd_all",
        ref=session.ref,
        amount=price.amount,
        currency=currency,
        reason="given_back",
    )
    settled = await provider.refund(back)
    assert isinstance(settled, RefundSettled)
    assert (settled.amount, settled.currency) == (price.amount, currency)
