"""What is posted when money moves.

We know that it works if each posting sums to 0, and if after any story of an order what
stands on `due` is what the equation says is owed.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.shop.money.ledger import (
    Books,
    Posting,
    capture,
    confirm,
    give_back,
    lose_dispute,
    settle,
    take_outside,
    undo,
)
from server.shop.money.pricing import Fees, Tax, Terms, price, total
from tests.server.shop.money.test_pricing import orders, units_of

TERMS = Terms("EUR", Fees(per_ticket=150), Tax(ppm=190_000))
LINES = price(units_of(4500, 1500), TERMS)


def amounts(posting: Posting) -> dict[str, int]:
    return {one.account: one.amount for one in posting.entries}


def balances(*postings: Posting) -> dict[str, int]:
    found: dict[str, int] = {}
    for posting in postings:
        for account, amount in amounts(posting).items():
            found[account] = found.get(account, 0) + amount
    return found


def test_what_is_captured_is_owed():
    posting = capture("pay_1", 6300, "EUR")
    assert posting.name == "capture:pay_1"
    assert amounts(posting) == {"provider": 6300, "due": -6300}
    assert {one.currency for one in posting.entries} == {"EUR"}


def test_what_is_confirmed_is_earned():
    posting = confirm(LINES, "EUR")
    assert posting.name == "confirm"
    assert amounts(posting) == {
        "due": 6300,
        "sales": -(6300 - 300 - 1005),
        "fees": -300,
        "tax": -1005,
    }


def test_what_is_given_back_is_owed_again():
    posting = give_back("re_1", LINES[:1], "EUR", returns=True)
    assert posting.name == "back:re_1"
    assert amounts(posting) == {"due": -4650, "sales": 3758, "fees": 150, "tax": 742}


@pytest.mark.parametrize(
    ("posting", "name"),
    [
        (settle("re_1", 4650, "EUR"), "settled:re_1"),
        (take_outside("ref", 4650, "EUR"), "outside:ref"),
        (lose_dispute("pay_1", 4650, "EUR"), "lost:pay_1"),
    ],
)
def test_what_has_gone_back_is_neither_owed_nor_held(posting, name):
    assert posting.name == name
    assert amounts(posting) == {"due": 4650, "provider": -4650}


def test_a_refund_that_failed_after_all_is_owed_again():
    posting = undo("re_1", 4650, "EUR")
    assert posting.name == "undone:re_1"
    assert amounts(posting) == {"provider": 4650, "due": -4650}
    settled = settle("re_1", 4650, "EUR")
    assert set(balances(settled, posting).values()) == {0}


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_moves_in_the_other_direction(amount):
    for move in (capture, settle, undo, take_outside, lose_dispute):
        with pytest.raises(ValueError, match="something"):
            move("x", amount, "EUR")


def test_what_costs_nothing_is_no_posting():
    assert confirm(price(units_of(0, 0), TERMS), "EUR").entries == []


@pytest.mark.parametrize("returns", [True, False])
def test_a_fee_of_the_seller_is_taken_from_its_sales(returns):
    fees = Fees(per_ticket=150, paid_by="seller", returns=returns)
    lines = price(units_of(4500), Terms("EUR", fees))
    made = confirm(lines, "EUR")
    assert amounts(made) == {"due": 4500, "sales": -4350, "fees": -150}
    back = give_back("re_1", lines, "EUR", returns=returns)
    kept = {} if returns else {"sales": 150, "fees": -150}
    left = balances(made, back)
    assert {name: amount for name, amount in left.items() if amount} == kept


def test_a_fee_beyond_the_price_is_the_sellers_loss():
    fees = Fees(per_ticket=150, paid_by="seller")
    made = confirm(price(units_of(100), Terms("EUR", fees)), "EUR")
    assert amounts(made) == {"due": 100, "sales": 50, "fees": -150}


@pytest.mark.parametrize(
    ("postings", "books"),
    [
        # Surplus: a second tab paid, too.
        (
            [
                capture("one", 6300, "EUR"),
                confirm(LINES, "EUR"),
                capture("two", 6300, "EUR"),
                settle("s:two", 6300, "EUR"),
            ],
            Books(captured=12_600, returned=6300, live=6300, pending=0),
        ),
        # Late: the seats had gone; rejected: less than the total.
        (
            [capture("one", 6300, "EUR"), settle("l:one", 6300, "EUR")],
            Books(captured=6300, returned=6300, live=0, pending=0),
        ),
        # A part is given back, and its refund is on its way.
        (
            [
                capture("one", 6300, "EUR"),
                confirm(LINES, "EUR"),
                give_back("re_1", LINES[1:], "EUR", returns=True),
            ],
            Books(captured=6300, returned=0, live=4650, pending=1650),
        ),
        # It failed, and nobody has tried again.
        (
            [
                capture("one", 6300, "EUR"),
                confirm(LINES, "EUR"),
                give_back("re_1", LINES[1:], "EUR", returns=True),
            ],
            Books(captured=6300, returned=0, live=4650, pending=0),
        ),
        # Sent back at the provider without us, and no line was given back for it.
        (
            [
                capture("one", 6300, "EUR"),
                confirm(LINES, "EUR"),
                take_outside("ref", 1650, "EUR"),
            ],
            Books(captured=6300, returned=1650, live=6300, pending=0),
        ),
    ],
    ids=["surplus", "late or rejected", "leaving", "failed", "outside"],
)
def test_what_is_due_is_what_the_equation_says(postings, books):
    due = -balances(*postings).get("due", 0)
    assert due == books.pending + books.rest


@pytest.mark.parametrize(
    ("books", "rest"),
    [
        (Books(captured=6300, returned=0, live=6300, pending=0), 0),
        (Books(captured=6300, returned=1650, live=4650, pending=0), 0),
        (Books(captured=6300, returned=0, live=4650, pending=1650), 0),
        (Books(captured=6300, returned=0, live=4650, pending=0), 1650),
        (Books(captured=6300, returned=1650, live=6300, pending=0), -1650),
    ],
)
def test_the_rest_is_what_is_owed_beyond_what_is_on_its_way(books, rest):
    assert books.rest == rest


@given(orders(), st.data())
@settings(max_examples=150)
def test_any_story_sums_to_nothing_and_leaves_what_is_live(order, data):
    units, discounts, terms = order
    lines, returns = price(units, terms, discounts), terms.fees.returns
    gone = [line for line in lines if data.draw(st.booleans())]
    kept = [line for line in lines if line not in gone]
    postings = [confirm(lines, "EUR"), give_back("r", gone, "EUR", returns=returns)]
    if total(lines):
        postings.append(capture("p", total(lines), "EUR"))
    if total(gone):
        postings.append(settle("r", total(gone), "EUR"))
    for posting in postings:
        assert sum(one.amount for one in posting.entries) == 0
        assert all(one.amount for one in posting.entries)
    left = balances(*postings)
    assert left.get("provider", 0) == total(kept)
    assert left.get("due", 0) == 0
    assert -left.get("tax", 0) == sum(line.tax for line in kept)
    borne = kept if returns else lines
    fees = sum(line.fee for line in kept) + sum(line.seller_fee for line in borne)
    assert -left.get("fees", 0) == fees
