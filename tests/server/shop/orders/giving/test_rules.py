"""What goes back of an order, by its rules alone: parts, amounts, events, failures."""

import random

import pytest
from msgspec.structs import replace

from persistence.shop.orders.records import OrderLine, OrderState
from server.shop.orders.facts import (
    Booked,
    EventCancelled,
    EventOver,
    FreeSeats,
    GiveBack,
    GiveMoney,
    Goodwill,
    Pledged,
    RefundAgain,
    RefundByHand,
    RefundSent,
    SeatsFreed,
)
from server.shop.orders.giving.rules import most_allowed
from server.shop.orders.rules import step, wishes_of
from server.shop.payments.provider import RefundFailed
from tests.server.shop.orders.test_rules import (
    NOW,
    OPEN,
    after,
    captured,
    new,
    settled,
)

LINES = (
    *(
        OrderLine(
            line=n, kind="seat", label=f"A-{n}", category="x", unit=unit, gross=unit
        )
        for n, unit in ((1, 334), (2, 333), (3, 333))
    ),
    OrderLine(line=4, kind="fee", label="fee", category="", unit=0, fee=50, gross=50),
)
PRICED = Pledged(lines=LINES, currency="EUR", total=1_050, pay_until_ms=NOW + 900_000)
BOOKED = after(new(), PRICED, OPEN, captured(1_050), Booked("bkg"))


def wishes(order: OrderState) -> list[object]:
    return list(wishes_of(order, NOW))


def refused(order: OrderState, asked: object) -> str | None:
    return step(order, asked, NOW).refused  # type: ignore[arg-type]


def test_a_line_goes_alone_with_just_what_it_cost_and_seats_go_first():
    order = after(BOOKED, GiveBack((2,), note="ill", by="usr"))
    assert [one.state for one in order.lines] == ["live", "leaving", "live", "live"]
    (refund,) = order.refunds
    assert (refund.amount, refund.lines, refund.note) == (333, (2,), "ill")
    assert wishes(order) == [FreeSeats(1)]
    gone = step(order, SeatsFreed(1), NOW)
    assert gone.order.step == "booked"
    assert gone.order.returned == "part"
    assert [(one.kind, one.about) for one in gone.postings] == [
        ("give_back", "ord_1:1")
    ]
    assert wishes(gone.order) == [GiveMoney(refund.refund)]


def test_a_line_that_was_given_back_is_given_back_once():
    order = after(BOOKED, GiveBack((2,)))
    assert after(order, GiveBack((2,))) == order
    gone = after(order, SeatsFreed(1))
    assert after(gone, GiveBack((2,)), SeatsFreed(1)) == gone
    more = after(gone, GiveBack((1, 2)))
    assert [one.lines for one in more.refunds] == [(2,), (1,)]


def test_two_parts_at_once_are_two_questions_and_neither_waits_for_the_other():
    order = after(BOOKED, GiveBack((1,)), GiveBack((3,)))
    assert wishes(order) == [FreeSeats(1), FreeSeats(2)]
    first, second = order.refunds
    freed = after(order, SeatsFreed(2))
    assert wishes(freed) == [FreeSeats(1), GiveMoney(second.refund)]
    assert (first.amount, second.amount) == (334, 333)


def test_the_last_part_ends_the_order_and_the_fee_stays():
    order = BOOKED
    for number, line in enumerate((2, 3, 1), 1):
        assert order.step == "booked"
        order = after(order, GiveBack((line,)), SeatsFreed(number))
    assert (order.step, order.returned) == ("given_back", "part")
    assert sum(one.amount for one in order.refunds) == 1_000
    assert order.due == 0


def test_what_is_no_seat_of_the_order_is_not_given_back():
    assert refused(BOOKED, GiveBack((9,))) == "line_not_found"
    assert refused(BOOKED, GiveBack((4,))) == "line_not_found"
    assert refused(after(BOOKED, EventOver()), GiveBack((1,))) == "order_closed"


def test_seats_that_are_kept_are_asked_of_nobody():
    outcome = step(BOOKED, GiveBack((1,), keep=True), NOW)
    assert outcome.order.lines[0].kept
    assert [one.kind for one in outcome.postings] == ["give_back"]
    assert wishes(outcome.order) == [GiveMoney(outcome.order.refunds[0].refund)]
    all_of_it = after(outcome.order, GiveBack(keep=True))
    assert all_of_it.step == "given_back"


def test_a_goodwill_takes_nothing_away_and_comes_once():
    outcome = step(BOOKED, Goodwill("rfd_g", 100), NOW)
    order = outcome.order
    assert {one.state for one in order.lines} == {"live"}
    assert [one.allowance for one in order.lines] == [32, 32, 31, 5]
    assert [(one.kind, one.amount) for one in outcome.postings] == [("allow", 100)]
    assert (order.step, order.returned, order.due) == ("booked", "part", 0)
    assert after(order, Goodwill("rfd_g", 100)) == order
    assert refused(order, Goodwill("rfd_g", 101)) == "key_reused"
    back = after(order, GiveBack((1,)))
    assert back.refunds[-1].amount == 334 - 32


@pytest.mark.parametrize("amount", [951, 1_000_000])
def test_no_more_goes_back_than_is_left(amount):
    order = after(BOOKED, Goodwill("rfd_g", 100))
    assert most_allowed(order) == 950
    assert refused(order, Goodwill("rfd_h", amount)) == "refund_too_much"
    all_of_it = after(order, Goodwill("rfd_h", 950))
    assert most_allowed(all_of_it) == 0
    given = after(all_of_it, GiveBack(), SeatsFreed())
    assert (len(given.refunds), given.step, given.due) == (2, "given_back", 0)


def test_an_event_that_is_cancelled_returns_what_was_paid_to_the_cent():
    order = step(BOOKED, EventCancelled(), NOW).order
    assert (order.step, order.status, order.returned) == (
        "event_cancelled",
        "refunded",
        "full",
    )
    assert [one.amount for one in order.refunds] == [1_050]
    assert not any(isinstance(one, FreeSeats) for one in wishes(order))
    assert after(order, EventCancelled()) == order
    part = after(BOOKED, GiveBack((2,)))
    assert refused(part, EventCancelled()) == "order_closed"
    rest = after(part, SeatsFreed(1), EventCancelled())
    assert [one.amount for one in rest.refunds] == [333, 717]
    assert rest.due == 0


def test_a_refund_that_failed_is_tried_again_or_noted_and_counts_once():
    order = after(BOOKED, GiveBack((1,)), SeatsFreed(1))
    (refund,) = order.refunds
    assert refused(order, RefundAgain(refund.refund)) == "refund_closed"
    assert refused(order, RefundAgain("rfd_none")) == "refund_not_found"
    failed = after(order, settled(refund.refund, 334, kind=RefundFailed))
    assert failed.due == 334
    again = after(failed, RefundAgain(refund.refund, "usr"))
    assert (again.due, again.returned) == (0, "part")
    assert after(again, RefundAgain(refund.refund)) == again
    assert refused(again, RefundByHand(refund.refund, "cash")) == "refund_closed"
    assert most_allowed(again) == 716
    name = again.refunds[-1].refund
    assert wishes(again) == [GiveMoney(name)]
    twice = after(again, settled(name, 334, refund_ref="r2", kind=RefundFailed))
    noted = after(twice, RefundByHand(name, "cash", "usr"))
    assert (twice.due, noted.due, noted.refunds[-1].note) == (334, 0, "cash")
    assert after(noted, RefundByHand(name, "cash")) == noted


def test_money_that_was_taken_by_hand_waits_for_who_hands_it_over_and_is_posted_once():
    payments = tuple(replace(one, provider="cash") for one in BOOKED.payments)
    order = after(
        replace(BOOKED, provider="cash", payments=payments),
        GiveBack((1,)),
        SeatsFreed(1),
    )
    name = order.refunds[0].refund
    sent = after(order, RefundSent(name))
    asked = RefundByHand(name, "At the till", "usr")
    for waiting in (order, sent):
        done = step(waiting, asked, NOW)
        assert [(one.kind, one.amount) for one in done.postings] == [("settle", 334)]
        assert done.order.refunds[0].state == "settled"
        assert (done.order.due, done.order.refunds[0].asked_by) == (0, "usr")
        again = step(done.order, asked, NOW)
        assert (again.order, again.postings) == (done.order, ())
    assert refused(sent, RefundByHand("rfd_none", "x")) == "refund_not_found"


def test_what_was_noted_by_hand_is_settled_by_no_message_that_comes_late():
    """The provider has the money: it failed, and was told to be settled before."""
    order = after(BOOKED, GiveBack((1,)), SeatsFreed(1))
    (refund,) = order.refunds
    failed = after(order, settled(refund.refund, 334, kind=RefundFailed))
    noted = after(failed, RefundByHand(refund.refund, "cash", "usr"))
    late = step(noted, settled(refund.refund, 334), NOW)
    assert (late.order, late.postings) == (noted, ())


def test_whatever_goes_back_in_whatever_order_it_comes_to_what_was_paid():
    """100 histories of 30 things, from a written seed."""
    chance = random.Random(16)
    for _ in range(100):
        order, posted = BOOKED, []
        for number in range(30):
            backs = [one.back for one in order.lines if one.state == "leaving"]
            asked = chance.choice(
                [
                    GiveBack((chance.randint(1, 3),), keep=chance.random() < 0.3),
                    Goodwill(f"rfd_{number}", chance.randint(1, 400)),
                    GiveBack() if chance.random() < 0.1 else Booked("bkg"),
                    EventCancelled() if chance.random() < 0.1 else Booked("bkg"),
                    *(SeatsFreed(back) for back in backs),
                    *(settled(x.refund, x.amount) for x in order.refunds[-1:]),
                    *(RefundAgain(x.refund) for x in order.refunds[:1]),
                ]
            )
            outcome = step(order, asked, NOW)
            order = outcome.order
            posted += [(one.kind, one.about) for one in outcome.postings]
            worth = sum(one.worth for one in order.lines if one.state == "live")
            back = sum(one.amount for one in order.refunds if one.state != "failed")
            assert order.due == 1_050 - back - worth == 0
            frozen = [
                replace(one, state="live", back=0, kept=False, allowance=0)
                for one in order.lines
            ]
            assert tuple(frozen) == LINES
        assert len(posted) == len(set(posted))
