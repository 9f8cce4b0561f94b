"""What becomes of sessions and refunds, as tables."""

import pytest
from msgspec.structs import replace

from server.shop.payments.gateway import machine
from server.shop.payments.gateway.wire import Behaviour, RefundBody, SessionAsk

ASK = SessionAsk(
    attempt="pay_1",
    order="ord_1",
    reference="K7M2QX",
    amount=4500,
    currency="EUR",
    description="Gala",
    email="",
    expires_at_ms=1_000,
    success="http://shop.example/a",
    cancel="http://shop.example/b",
    webhook="http://shop.example/c",
)


def begun(**behaviour):
    return machine.begin("gs_1", ASK, Behaviour(**behaviour), 100)


def after(*steps, **behaviour):
    """A session after steps, each a millisecond after the one before it."""
    one = begun(**behaviour)
    for number, step in enumerate(steps):
        now_ms = 101 + number
        if step == "expire":
            one = machine.expire(one, now_ms)
        elif isinstance(step, int):
            one = machine.pass_time(one, step)
        else:
            one = machine.choose(one, step, now_ms)
    return one


@pytest.mark.parametrize(
    ("steps", "behaviour", "state", "captured", "next_ms"),
    [
        ((), {}, "open", 0, 1_000),
        ((999,), {}, "open", 0, 1_000),
        ((1_000,), {}, "expired", 0, None),
        (("pay",), {}, "captured", 4500, None),
        (("pay",), {"capture_amount": 44}, "captured", 44, None),
        (("pay", "decline", "late", "expire", 9_999), {}, "captured", 4500, None),
        (("pay",), {"delay_ms": 50}, "processing", 0, 151),
        (("pay", "decline", "expire", 150), {"delay_ms": 50}, "processing", 0, 151),
        (("pay", 151), {"delay_ms": 50}, "captured", 4500, None),
        (("decline",), {}, "failed", 0, None),
        (("decline", "pay", "expire", 9_999), {}, "failed", 0, None),
        (("expire",), {}, "expired", 0, None),
        (("expire", "pay", 9_999), {}, "expired", 0, None),
        (("late",), {}, "open", 0, 1_000),
        (("late", "pay", "decline"), {}, "open", 0, 1_000),
        (("late", "expire"), {"late_ms": 50}, "expired", 0, 152),
        (("late", "expire", 151), {"late_ms": 50}, "expired", 0, 152),
        (("late", "expire", 152), {"late_ms": 50}, "captured", 4500, None),
        (("late", 1_000), {"late_ms": 50}, "expired", 0, 1_050),
        (("late", 1_000, 1_050), {"late_ms": 50}, "captured", 4500, None),
    ],
)
def test_a_session_becomes(steps, behaviour, state, captured, next_ms):
    one = after(*steps, **behaviour)
    assert (one.state, one.captured, one.next_ms) == (state, captured, next_ms)


@pytest.mark.parametrize(
    ("before", "state", "reverse", "told"),
    [
        ("open", "captured", False, ["captured"]),
        ("open", "open", False, []),
        ("captured", "captured", False, []),
        ("open", "processing", False, ["processing"]),
        ("expired", "captured", False, ["captured"]),
        ("open", "processing", True, []),
        ("processing", "captured", True, ["captured", "processing", "open"]),
        ("open", "failed", True, ["failed", "open"]),
    ],
)
def test_what_is_told(before, state, reverse, told):
    one = replace(begun(reversed=reverse), state=state)
    assert machine.told_of(before, one) == told


@pytest.mark.parametrize(
    ("amount", "currency", "given", "how", "state", "next_ms"),
    [
        (4500, "EUR", 0, "settle", "settled", None),
        (4501, "EUR", 0, "settle", "failed", None),
        (1, "EUR", 4500, "settle", "failed", None),
        (500, "EUR", 4000, "settle", "settled", None),
        (500, "USD", 0, "settle", "failed", None),
        (500, "EUR", 0, "fail", "failed", None),
        (500, "EUR", 0, "settle_later", "pending", 250),
        (500, "EUR", 0, "fail_later", "pending", 250),
        (4501, "EUR", 0, "settle_later", "failed", None),
    ],
)
def test_a_refund_becomes(amount, currency, given, how, state, next_ms):
    one = after("pay", refunds=how, refund_ms=50)
    ask = RefundBody(refund="r", session="gs_1", amount=amount, currency=currency)
    made = machine.give("gr_1", ask, one, one.captured - given, 200)
    assert (made.state, made.next_ms) == (state, next_ms)
    assert (made.reason != "") == (state == "failed")


@pytest.mark.parametrize(
    ("how", "state"), [("settle_later", "settled"), ("fail_later", "failed")]
)
def test_a_refund_takes_its_time(how, state):
    one = after("pay", refunds=how, refund_ms=50)
    ask = RefundBody(refund="r", session="gs_1", amount=1, currency="EUR")
    made = machine.give("gr_1", ask, one, 1, 200)
    assert machine.settle(made, 249) == made
    settled = machine.settle(made, 250)
    assert (settled.state, settled.next_ms) == (state, None)
    assert machine.settle(settled, 999) == settled


DOUBT = machine.Doubt(
    ref="gd_1",
    session="gs_1",
    amount=4000,
    currency="EUR",
    reason="fraudulent",
    changed_at_ms=200,
)


def test_a_dispute_is_decided_once_and_takes_what_it_took():
    one = after("pay")
    ask = RefundBody(refund="r", session="gs_1", amount=500, currency="EUR")
    open_left = machine.left_of(one, [], [DOUBT])
    assert open_left == 500
    refused = machine.give("gr_1", ask, one, open_left, 200, disputed=True)
    assert (refused.state, refused.reason) == ("failed", machine.IS_DISPUTED)
    won, lost = (machine.decide(DOUBT, to, 300) for to in ("won", "lost"))
    assert (won.state, won.changed_at_ms, lost.state) == ("won", 300, "lost")
    assert machine.decide(won, "lost", 400) == won
    given = machine.give("gr_1", ask, one, open_left, 400)
    assert given.state == "settled"
    assert machine.left_of(one, [refused], [won]) == 4500
    assert machine.left_of(one, [refused, given], [lost]) == 0
