"""The state table of orders, row by row, and facts in whatever order."""

import itertools
import random

import pytest
from msgspec.structs import replace

from persistence.shop.orders.records import (
    STATUS_OF,
    OrderLine,
    OrderState,
    Rules,
)
from server.shop.orders import facts
from server.shop.orders.attempts import next_look_at_rest_ms
from server.shop.orders.facts import (
    Book,
    BookAgain,
    Booked,
    EventOver,
    Expire,
    FreeSeats,
    GiveBack,
    GiveMoney,
    Heard,
    Leave,
    Look,
    NoSession,
    NotBooked,
    Notify,
    NotPledged,
    Open,
    PayAgain,
    Pledge,
    Pledged,
    SeatsFreed,
    SessionOpen,
    Tick,
    Unpledge,
    Unpledged,
)
from server.shop.orders.rules import step, wake_ms, wishes_of
from server.shop.payments.provider import (
    Captured,
    Expired,
    Failed,
    Opened,
    Processing,
    RefundFailed,
    RefundSettled,
)

NOW = 1_800_000_000_000
DUE = NOW + 900_000
PLEDGE_ENDS = DUE + 120_000
PAY = "pay_1_1"
LINES = tuple(
    OrderLine(
        line=number, kind="seat", label=f"A-{number}", category="x", unit=50, gross=50
    )
    for number in (1, 2)
)
PRICED = Pledged(lines=LINES, currency="EUR", total=100, pay_until_ms=DUE)
FREE = Pledged(lines=(), currency=None, total=0, pay_until_ms=DUE)
OPEN = SessionOpen(PAY, "ref1", "http://gateway/1")


def new(**changes) -> OrderState:
    order = OrderState(
        order="ord_1",
        event="evt",
        hold="hold",
        provider="gateway",
        rules=Rules(pays=True, pay_s=900, until_s=1_020),
    )
    return replace(order, **changes)


def captured(amount: int = 100, currency: str = "EUR", attempt=PAY, ref="ref1"):
    return Captured(
        ref=ref, at_ms=NOW, attempt=attempt, amount=amount, currency=currency
    )


def said(kind, attempt=PAY, ref="ref1"):
    return kind(ref=ref, at_ms=NOW, attempt=attempt)


def settled(refund, amount=100, ref="ref1", refund_ref="r1", kind=RefundSettled):
    return kind(
        ref=ref,
        at_ms=NOW,
        refund=refund,
        refund_ref=refund_ref,
        amount=amount,
        currency="EUR",
    )


def after(order: OrderState, *heard: Heard, now: int = NOW) -> OrderState:
    """Return an order after it heard of all these."""
    for one in heard:
        outcome = step(order, one, now)
        assert outcome.refused is None, (one, outcome.refused)
        order = outcome.order
    return order


def wishes(order: OrderState, now: int = NOW) -> set[object]:
    return set(wishes_of(order, now))


PAYING = after(new(), PRICED, OPEN)
PAID = after(PAYING, captured())
BOOKED = after(PAID, Booked("bkg"))
CLOSING = after(PAYING, Tick(), now=DUE)
EXPIRED = after(CLOSING, said(Expired), Unpledged(), now=DUE)
LATE = after(EXPIRED, captured(), now=DUE)

TABLE = [
    # before, heard, at, the step then, and all that it wishes
    (new(), Tick(), NOW, "pledging", {Pledge(1_020)}),
    (new(), NotPledged("hold_not_found"), NOW, "refused", set()),
    (new(), PRICED, NOW, "priced", {Open(PAY)}),
    (new(), FREE, NOW, "paid", {Book()}),
    (new(seen_total=100), PRICED, NOW, "priced", {Open(PAY)}),
    (new(seen_total=90), PRICED, NOW, "closing", {Unpledge(release=False)}),
    (after(new(), PRICED), OPEN, NOW, "paying", set()),
    (PAYING, Tick(), NOW + 59_999, "paying", set()),
    (PAYING, Tick(), NOW + 60_000, "paying", {Look(PAY)}),
    (PAYING, Tick(), DUE - 1, "paying", {Look(PAY)}),
    (PAYING, Tick(), DUE, "closing", {Expire(PAY)}),
    (PAYING, said(Failed), NOW, "priced", set()),
    (PAYING, said(Expired), NOW, "priced", set()),
    (PAYING, said(Processing), NOW, "paying", set()),
    (PAYING, captured(), NOW, "paid", {Book()}),
    (PAYING, captured(), DUE + 1, "paid", {Book()}),
    (PAYING, Leave(), NOW, "closing", {Expire(PAY)}),
    (after(new(), Leave()), PRICED, NOW, "closing", {Unpledge(release=True)}),
    (CLOSING, said(Expired), DUE, "closing", {Unpledge(release=True)}),
    (CLOSING, NoSession(PAY), DUE, "closing", {Unpledge(release=True)}),
    (CLOSING, captured(), DUE, "paid", {Book()}),
    (CLOSING, said(Processing), DUE, "closing", {Look(PAY)}),
    (CLOSING, Tick(), PLEDGE_ENDS, "closing", {Expire(PAY), Unpledge(release=True)}),
    (CLOSING, Unpledged(), DUE, "expired", {Expire(PAY)}),
    (after(PAYING, Leave()), Unpledged(), NOW, "left", {Expire(PAY)}),
    (PAID, Booked("bkg"), NOW, "booked", set()),
    (PAID, NotBooked("hold_expired"), NOW, "late", {BookAgain()}),
    (PAID, NotBooked("sale_closed"), NOW, "event_cancelled", None),
    (after(new(), FREE), NotBooked("hold_not_found"), NOW, "expired", set()),
    (after(new(), FREE), NotBooked("sale_closed"), NOW, "event_cancelled", set()),
    (EXPIRED, captured(), DUE, "late", {BookAgain()}),
    (LATE, Booked("bkg"), DUE, "booked", set()),
    (
        LATE,
        NotBooked("seat_not_free", again=True),
        DUE,
        "lost",
        {GiveMoney("rfd_1_1_lost")},
    ),
    (BOOKED, EventOver(), NOW, "completed", set()),
    (BOOKED, GiveBack(), NOW, "booked", {FreeSeats()}),
    (
        after(BOOKED, GiveBack()),
        SeatsFreed(),
        NOW,
        "given_back",
        {GiveMoney("rfd_1_1_given_back")},
    ),
]


@pytest.mark.parametrize(("before", "heard", "at", "then", "wished"), TABLE)
def test_an_order_takes_the_steps_of_the_table(before, heard, at, then, wished):
    outcome = step(before, heard, at)
    assert outcome.refused is None
    assert outcome.order.step == then
    if wished is not None:
        assert set(outcome.wishes) - {Notify()} == wished
    if wished or outcome.order.payments[-1:] == ():
        assert (outcome.wake_ms is not None) == bool(wished)
    assert (Notify() in outcome.wishes) == (
        (before.status, before.returned, before.due, before.pay_until_ms)
        != (
            outcome.order.status,
            outcome.order.returned,
            outcome.order.due,
            outcome.order.pay_until_ms,
        )
    )


def test_every_step_is_in_the_table_and_has_a_status():
    reached = {row[3] for row in TABLE} | {"new"}
    assert reached == set(STATUS_OF)


@pytest.mark.parametrize(
    ("order", "asked"),
    [
        (PAID, Leave()),
        (BOOKED, Leave()),
        (after(LATE, NotBooked("seat_not_free", again=True)), Leave()),
        (PAYING, GiveBack()),
        (EXPIRED, GiveBack()),
        (PAYING, PayAgain()),
        (CLOSING, PayAgain()),
        (BOOKED, PayAgain()),
        (after(BOOKED, EventOver()), GiveBack()),
    ],
)
def test_what_comes_too_early_or_too_late_is_refused(order, asked):
    outcome = step(order, asked, NOW)
    assert outcome.refused == "order_closed"
    assert outcome.order == order
    assert outcome.postings == ()


def test_another_attempt_begins_once_the_open_one_has_ended():
    ended = after(PAYING, said(Failed))
    again = after(ended, PayAgain())
    assert [one.payment for one in again.payments] == [PAY, "pay_1_2"]
    assert wishes(again) == {Open("pay_1_2")}
    assert step(ended, PayAgain(), DUE).refused == "order_closed"


def test_a_hold_that_comes_to_an_order_that_has_ended_goes_back():
    ended = after(new(), NotPledged("user_limit"))
    outcome = step(ended, PRICED, NOW)
    assert outcome.order.step == "refused"
    assert outcome.order.lines == ()
    assert Unpledge(release=True) in outcome.wishes


def test_two_that_drive_one_order_do_not_mistake_each_others_answers():
    late = after(PAID, NotBooked("hold_expired"))
    assert after(late, NotBooked("hold_expired")) == late
    lost = after(late, NotBooked("seat_not_free", again=True))
    booked = step(lost, Booked("bkg"), NOW)
    assert booked.postings == ()
    assert FreeSeats() in booked.wishes
    gone = after(booked.order, SeatsFreed())
    assert (gone.step, gone.status, gone.returned) == ("lost", "refunded", "full")
    assert FreeSeats() not in wishes(gone)


def test_too_much_is_accepted_and_the_rest_goes_back():
    order = after(PAYING, captured(130))
    assert order.step == "paid"
    (refund,) = order.refunds
    assert (refund.amount, refund.reason) == (30, "excess")
    lost = after(order, NotBooked("event_not_found"))
    assert sum(one.amount for one in lost.refunds) == 130


@pytest.mark.parametrize(
    ("amount", "currency"), [(99, "EUR"), (100, "USD"), (1, "JPY")]
)
def test_too_little_and_another_currency_are_rejected_in_full(amount, currency):
    outcome = step(PAYING, captured(amount, currency), NOW)
    order = outcome.order
    assert order.accepted is None
    assert order.step == "priced"
    (refund,) = order.refunds
    assert (refund.amount, refund.currency, refund.reason) == (
        amount,
        currency,
        "rejected",
    )
    assert (outcome.alarm is not None) == (currency != "EUR")


def test_a_second_attempt_that_is_captured_goes_back_and_touches_nothing_else():
    two = after(PAYING, said(Expired), PayAgain(), SessionOpen("pay_1_2", "ref2", "u"))
    order = after(two, captured(attempt="pay_1_2", ref="ref2"), Booked("bkg"))
    doubled = after(order, captured())
    (refund,) = doubled.refunds
    assert (refund.payment, refund.reason, refund.amount) == (PAY, "surplus", 100)
    assert replace(doubled, payments=(), refunds=()) == replace(order, payments=())
    back = after(doubled, settled(refund.refund))
    assert (back.status, back.returned, back.due) == ("confirmed", "none", 0)


def test_an_attempt_that_was_charged_twice_keeps_one_charge():
    doubled = after(BOOKED, captured(ref="ref1b"))
    assert len(doubled.payments) == 2
    (refund,) = doubled.refunds
    assert refund.payment == doubled.payments[1].payment
    assert after(doubled, captured(ref="ref1b")) == doubled


def test_who_asks_again_to_give_back_what_went_back_meanwhile_is_answered_alike():
    given_back = after(BOOKED, GiveBack(), SeatsFreed())
    lost = after(PAYING, Leave(), said(Expired), Unpledged(), captured())
    assert (given_back.step, lost.step) == ("given_back", "lost")
    for order in (given_back, lost):
        outcome = step(order, Leave(), NOW)
        assert (outcome.refused, outcome.order) == (None, order)


def test_money_for_an_order_that_was_left_goes_back():
    left = after(PAYING, Leave(), said(Expired), Unpledged())
    order = after(left, captured())
    assert (order.step, order.status, order.returned) == ("lost", "refunded", "full")


def test_late_money_goes_back_where_the_rules_say_so():
    rules = Rules(pays=True, pay_s=900, until_s=1_020, late="refund")
    order = after(replace(EXPIRED, rules=rules), captured(), now=DUE)
    assert order.step == "lost"


def test_a_refund_that_fails_is_due_until_somebody_returns_it_otherwise():
    order = after(LATE, NotBooked("seat_not_free", again=True), now=DUE)
    (refund,) = order.refunds
    failed = step(order, settled(refund.refund, kind=RefundFailed), DUE)
    assert failed.order.due == 100
    assert failed.alarm is not None
    by_hand = after(failed.order, settled(None, refund_ref="dashboard"), now=DUE)
    assert by_hand.due == 0
    assert by_hand.status == "refunded"


def test_a_refund_may_fail_after_it_was_settled():
    order = after(LATE, NotBooked("seat_not_free", again=True), now=DUE)
    (refund,) = order.refunds
    done = step(order, settled(refund.refund), DUE)
    assert [one.kind for one in done.postings] == ["settle"]
    assert done.order.due == 0
    undone = step(done.order, settled(refund.refund, kind=RefundFailed), DUE)
    assert [one.kind for one in undone.postings] == ["undo"]
    assert undone.order.due == 100
    again = step(undone.order, settled(refund.refund), DUE)
    assert again.order == undone.order
    assert again.postings == ()


def test_a_refund_that_nobody_asked_for_is_noted_and_alarms():
    outcome = step(BOOKED, settled(None, 40, refund_ref="dashboard"), NOW)
    assert outcome.alarm is not None
    assert outcome.order.returned == "part"
    assert outcome.order.status == "confirmed"
    assert [one.kind for one in outcome.postings] == ["outside"]
    again = step(outcome.order, settled(None, 40, refund_ref="dashboard"), NOW)
    assert again.order == outcome.order
    assert again.postings == ()


def test_a_refund_that_no_provider_takes_is_due_after_a_week():
    order = after(LATE, NotBooked("seat_not_free", again=True), now=DUE)
    week = 7 * 86_400_000
    assert after(order, Tick(), now=DUE + week - 1).due == 0
    given_up = step(order, Tick(), DUE + week)
    assert given_up.order.due == 100
    assert given_up.alarm is not None
    assert wake_ms(given_up.order, DUE + week) is None


def test_what_rests_is_looked_at_ever_more_seldom_for_half_a_year():
    half_hour, made = 1_800_000, NOW
    looked: int | None = made + half_hour
    ages = []
    while looked is not None:
        ages.append((looked - made) / half_hour)
        looked = next_look_at_rest_ms(made, looked)
    assert ages == [2**n for n in range(14)] + [180 * 48]
    # Who comes late goes on from there, and who comes at once waits for the first time.
    assert next_look_at_rest_ms(made, made + 50 * half_hour) == made + 100 * half_hour
    assert next_look_at_rest_ms(made, made + 5) == made + half_hour


def test_seats_go_first_and_money_follows():
    order = after(BOOKED, GiveBack())
    assert wishes(order) == {FreeSeats()}
    gone = step(order, SeatsFreed(), NOW)
    assert [one.kind for one in gone.postings] == ["give_back"]
    assert {line.state for line in gone.order.lines} == {"gone"}
    assert gone.order.status == "refunded"
    assert after(gone.order, SeatsFreed(), GiveBack()) == gone.order


def test_what_is_paid_at_the_door_is_booked_without_money():
    rules = Rules(pays=False, pay_s=900, until_s=1_020)
    order = after(new(rules=rules), PRICED)
    assert (order.step, order.payments) == ("paid", ())
    booked = step(order, Booked("bkg"), NOW)
    assert [one.kind for one in booked.postings] == ["confirm"]
    back = after(booked.order, GiveBack(), SeatsFreed())
    assert (back.status, back.refunds) == ("cancelled", ())


def test_facts_of_other_payments_change_nothing():
    for fact in (
        captured(attempt="pay_other", ref="other"),
        said(Expired, "pay_other", "other"),
        settled("rfd_other", ref="other"),
        facts.RefundSent("rfd_other"),
        SessionOpen("pay_other", "other", "u"),
    ):
        assert step(PAYING, fact, NOW).order == PAYING


FACTS = [
    said(Opened),
    said(Processing),
    said(Failed),
    said(Expired),
    captured(),
    captured(ref="twin"),
]


def test_attempts_come_to_the_same_end_whatever_is_told_first():
    """All orders of six facts, each of them twice: 720 histories, one end."""
    ends = set()
    for order in itertools.permutations(FACTS):
        now = after(PAYING, *order, *order)
        ends.add((now.step, now.accepted is not None, len(now.payments)))
        brought = sum(one.captured for one in now.payments)
        back = sum(one.amount for one in now.refunds)
        assert brought - back == now.total
        assert sum(one.use == "accepted" for one in now.payments) == 1
    assert ends == {("paid", True, 2)}


def test_an_order_stays_sound_whatever_it_hears_in_whatever_order():
    """200 histories of 40 things at random, from a written seed."""
    chance = random.Random(14)
    for _ in range(200):
        order, now = new(), NOW
        posted: list[tuple[str, str]] = []
        for _ in range(40):
            heard = chance.choice(
                [
                    PRICED,
                    OPEN,
                    *FACTS,
                    captured(99),
                    captured(120),
                    Booked("bkg"),
                    NotBooked("hold_expired"),
                    NotBooked("seat_not_free", again=True),
                    Unpledged(),
                    NoSession(PAY),
                    Leave(),
                    GiveBack(),
                    SeatsFreed(),
                    PayAgain(),
                    Tick(),
                    *(settled(one.refund, one.amount) for one in order.refunds),
                ]
            )
            now += chance.choice([0, 1_000, 400_000])
            before, outcome = order, step(order, heard, now)
            order = outcome.order
            posted += [(one.kind, one.about) for one in outcome.postings]
            check(before, order)
            wake = wake_ms(order, now)
            if wishes_of(order, now):
                assert wake is not None
            if not isinstance(heard, Unpledged | PayAgain):
                assert step(order, heard, now).order == order
        assert len(posted) == len(set(posted))


def check(before: OrderState, order: OrderState) -> None:
    """Check what holds of an order at any time."""
    if before.lines:
        frozen = [(one.line, one.unit, one.gross) for one in before.lines]
        assert [(one.line, one.unit, one.gross) for one in order.lines] == frozen
    for payment in order.payments:
        mine = [one for one in order.refunds if one.payment == payment.payment]
        assert sum(one.amount for one in mine) <= payment.captured
        if payment.use in ("surplus", "rejected"):
            assert sum(one.amount for one in mine) == payment.captured
    accepted = [one for one in order.payments if one.use == "accepted"]
    assert [one.payment for one in accepted] == (
        [] if order.accepted is None else [order.accepted]
    )
    if before.accepted is not None:
        assert order.accepted == before.accepted
    if before.booking is not None:
        assert order.booking == before.booking
    if order.step in ("lost", "event_cancelled") and accepted:
        back = sum(one.amount for one in order.refunds if one.payment == order.accepted)
        assert back == accepted[0].captured
