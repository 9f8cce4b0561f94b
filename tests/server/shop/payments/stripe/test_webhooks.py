"""What Stripe sends: signed by its library, of the moment, and in its shapes."""

import json

import pytest

from server.shop.payments.provider import (
    Captured,
    Disputed,
    Expired,
    Failed,
    Forged,
    Processing,
    RefundFailed,
    RefundSettled,
    Stale,
)
from server.shop.payments.stripe.webhooks import read_webhook
from tests.server.shop.payments.stripe.twin import OTHER_SECRET, SECRET, signed

NOW = 1_900_000_000
SESSION = {
    "id": "cs_live_a1",
    "object": "checkout.session",
    "status": "complete",
    "payment_status": "paid",
    "amount_total": 4500,
    "currency": "eur",
    "url": None,
    "metadata": {"attempt": "pay_1"},
    "payment_intent": "pi_1",
    "livemode": True,
    "custom_fields": [],
}
REFUND = {
    "id": "re_1",
    "object": "refund",
    "status": "succeeded",
    "amount": 1500,
    "currency": "eur",
    "charge": "ch_1",
    "payment_intent": "pi_1",
    "metadata": {"refund": "rfd_1", "attempt": "pay_1", "session": "cs_live_a1"},
    "failure_reason": None,
}
DISPUTE = {
    "id": "du_1",
    "object": "dispute",
    "status": "needs_response",
    "amount": 4500,
    "currency": "eur",
    "charge": "ch_1",
    "payment_intent": "pi_1",
    "reason": "fraudulent",
    "metadata": {},
}


def event_of(kind, about, **more):
    event = {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "created": NOW - 2,
        "data": {"object": about},
        "livemode": True,
        **more,
    }
    return json.dumps(event).encode()


def read(body, header=None, secrets=(SECRET,), now=NOW):
    header = signed(body, at_s=NOW) if header is None else header
    return read_webhook(secrets, {"Stripe-Signature": header}, body, now)


def test_what_is_paid_is_captured_with_the_id_of_the_message():
    paid = Captured(
        ref="cs_live_a1",
        attempt="pay_1",
        at_ms=(NOW - 2) * 1_000,
        event_ref="evt_1",
        amount=4500,
        currency="EUR",
    )
    assert read(event_of("checkout.session.completed", SESSION)) == [paid]
    assert read(event_of("checkout.session.async_payment_succeeded", SESSION)) == [paid]


@pytest.mark.parametrize(
    ("kind", "change", "fact"),
    [
        ("completed", {"payment_status": "unpaid"}, Processing),
        ("async_payment_failed", {"payment_status": "unpaid"}, Failed),
        ("expired", {"status": "expired", "payment_status": "unpaid"}, Expired),
    ],
)
def test_the_kind_of_a_message_tells_what_became_of_it(kind, change, fact):
    (found,) = read(event_of(f"checkout.session.{kind}", SESSION | change))
    assert type(found) is fact
    assert (found.ref, found.attempt) == ("cs_live_a1", "pay_1")


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("completed", {"status": "open"}),
        ("expired", {}),
        ("async_payment_failed", {}),
        ("async_payment_succeeded", {"payment_status": "unpaid"}),
        ("completed", {"payment_status": "no_payment_required"}),
        ("completed", {"amount_total": "4500"}),
        ("completed", {"amount_total": 4500.5}),
        ("completed", {"amount_total": None}),
        ("completed", {"currency": "lyd"}),
        ("completed", {"id": "../refunds"}),
    ],
)
def test_a_message_that_contradicts_itself_is_forged(kind, change):
    with pytest.raises(Forged):
        read(event_of(f"checkout.session.{kind}", SESSION | change))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("succeeded", RefundSettled),
        ("failed", RefundFailed),
        ("canceled", RefundFailed),
    ],
)
def test_a_refund_is_of_the_session_that_it_was_asked_for(status, kind):
    (fact,) = read(event_of("refund.updated", REFUND | {"status": status}))
    assert type(fact) is kind
    assert (fact.ref, fact.refund, fact.refund_ref) == ("cs_live_a1", "rfd_1", "re_1")
    assert (fact.amount, fact.currency, fact.event_ref) == (1500, "EUR", "evt_1")


def test_a_refund_by_hand_names_what_moved_the_money():
    (fact,) = read(event_of("refund.created", REFUND | {"metadata": {}}))
    assert (fact.ref, fact.refund) == ("pi_1", None)


@pytest.mark.parametrize(
    ("kind", "status", "state"),
    [
        ("created", "needs_response", "open"),
        ("created", "warning_needs_response", "open"),
        ("created", "a state that is new", "open"),
        ("closed", "won", "won"),
        ("closed", "warning_closed", "won"),
        ("closed", "prevented", "won"),
        ("closed", "lost", "lost"),
    ],
)
def test_a_dispute_names_what_moved_the_money(kind, status, state):
    about = DISPUTE | {"status": status}
    assert read(event_of(f"charge.dispute.{kind}", about)) == [
        Disputed(
            ref="pi_1",
            at_ms=(NOW - 2) * 1_000,
            event_ref="evt_1",
            dispute_ref="du_1",
            state=state,
            amount=4500,
            currency="EUR",
            reason="fraudulent",
        )
    ]


@pytest.mark.parametrize("status", ["pending", "requires_action", None, "new"])
def test_a_refund_under_way_says_nothing(status):
    assert read(event_of("refund.created", REFUND | {"status": status})) == []


@pytest.mark.parametrize(
    ("kind", "about"),
    [
        ("customer.created", {"id": "cus_1"}),
        ("charge.dispute.created", DISPUTE | {"payment_intent": None}),
        ("charge.dispute.funds_withdrawn", DISPUTE),
        ("checkout.session.completed", SESSION | {"metadata": {}, "currency": None}),
        ("checkout.session.completed", SESSION | {"metadata": None}),
        (
            "refund.created",
            REFUND | {"metadata": None, "payment_intent": None, "charge": "ch_1"},
        ),
    ],
)
def test_what_is_not_ours_says_nothing(kind, about):
    assert read(event_of(kind, about)) == []


def test_either_secret_counts_while_it_is_changed():
    body = event_of("checkout.session.completed", SESSION)
    both = signed(body, OTHER_SECRET, NOW) + "," + signed(body, SECRET, NOW)[13:]
    assert read(body, both)
    assert read(body, signed(body, OTHER_SECRET, NOW), (SECRET, OTHER_SECRET))
    with pytest.raises(Forged):
        read(body, signed(body, OTHER_SECRET, NOW))


@pytest.mark.parametrize("late", [301, -301])
def test_what_was_signed_at_another_time_is_stale(late):
    body = event_of("checkout.session.completed", SESSION)
    with pytest.raises(Stale):
        read(body, now=NOW + late)
    assert read(body, now=NOW + late * 300 // 301)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1",
        "v1=00",
        f"t={NOW},v1=",
        f"t={NOW},v1=é",
        f"t={NOW},v0=" + "0" * 64,
        f"t={'9' * 5_000},v1=00",
        "t=now,v1=00",
        ",,=,=",
    ],
)
def test_a_message_that_is_not_signed_is_forged(header):
    with pytest.raises(Forged):
        read(event_of("checkout.session.completed", SESSION), header)


@pytest.mark.parametrize(
    "change", [lambda body: body + b" ", lambda body: body.replace(b"4500", b"1")]
)
def test_a_message_that_was_changed_is_forged(change):
    body = event_of("checkout.session.completed", SESSION)
    with pytest.raises(Forged):
        read(change(body), signed(body, at_s=NOW))


def test_bytes_that_are_no_text_are_forged():
    with pytest.raises(Forged):
        read(b"\xff", f"t={NOW},v1=00")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 50_000, b'{"x":1}'])
def test_a_signed_message_that_cannot_be_read_is_forged(body):
    with pytest.raises(Forged):
        read(body)
