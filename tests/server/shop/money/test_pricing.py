"""What an order costs, line by line: worked examples, and what holds for any order.

We know that it works if each line adds up (M2), each sum is the sum of its lines, what
is shared out is shared out whole, and the examples come out as people reckon them.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import limits
from server.shop.money.pricing import (
    Fees,
    Line,
    Tax,
    Terms,
    Unit,
    div,
    price,
    spread,
    total,
)

AMOUNTS = st.integers(0, 20_000) | st.integers(0, limits.PRICE_MAX)
PPMS = st.integers(0, 1_000_000) | st.sampled_from([0, 70_000, 190_000, 250_000])
FEES = st.builds(
    Fees,
    per_order=st.integers(0, 1_000),
    per_ticket=st.integers(0, 300),
    percent_ppm=PPMS,
    paid_by=st.sampled_from(["buyer", "seller"]),
    returns=st.booleans(),
)
TERMS = st.builds(
    Terms,
    currency=st.just("EUR"),
    fees=FEES,
    tax=st.builds(Tax, ppm=PPMS, included=st.booleans()),
)


def units_of(*amounts: int) -> list[Unit]:
    return [
        Unit("seat", f"A-{number}", "front", None, amount)
        for number, amount in enumerate(amounts, 1)
    ]


def line_of(terms: Terms, amount: int = 4500, discount: int = 0) -> Line:
    (line,) = price(units_of(amount), terms, [discount])
    return line


@st.composite
def orders(draw: st.DrawFn) -> tuple[list[Unit], list[int], Terms]:
    amounts = draw(st.lists(AMOUNTS, min_size=1, max_size=8))
    discounts = [draw(st.integers(0, amount)) for amount in amounts]
    return units_of(*amounts), discounts, draw(TERMS)


@pytest.mark.parametrize(
    ("dividend", "divisor", "expected"),
    [(0, 3, 0), (1, 2, 1), (1, 3, 0), (2, 3, 1), (5, 2, 3), (7, 7, 1), (449, 100, 4)],
)
def test_a_half_is_rounded_up(dividend, divisor, expected):
    assert div(dividend, divisor) == expected


@pytest.mark.parametrize(("dividend", "divisor"), [(-1, 2), (1, 0), (1, -2)])
def test_what_is_negative_is_not_divided(dividend, divisor):
    with pytest.raises(ValueError, match="not negative"):
        div(dividend, divisor)


@pytest.mark.parametrize(
    ("amount", "weights", "shares"),
    [
        (1000, [1, 1, 1], [334, 333, 333]),
        (1, [5, 5], [1, 0]),
        (2, [1, 1, 1], [1, 1, 0]),
        (100, [4500, 1500], [75, 25]),
        # The larger remainder goes before the lower line.
        (10, [1, 2], [3, 7]),
        (5, [0, 3, 0], [0, 5, 0]),
        (0, [0, 0], [0, 0]),
        (0, [], []),
    ],
)
def test_a_sum_is_shared_out_whole_with_ties_to_the_lower_line(amount, weights, shares):
    assert spread(amount, weights) == shares


@pytest.mark.parametrize("wrong", [(-1, [1]), (1, [2, -1]), (1, []), (1, [0, 0])])
def test_what_cannot_be_shared_out_is_refused(wrong):
    with pytest.raises(ValueError, match=r"shared out|share it by"):
        spread(*wrong)


@given(st.lists(AMOUNTS, min_size=1, max_size=12).filter(any), st.data())
@settings(max_examples=100)
def test_no_share_is_above_its_weight_or_a_whole_one_from_its_part(weights, data):
    amount = data.draw(st.integers(0, sum(weights)))
    shares = spread(amount, weights)
    assert sum(shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert 0 <= share <= weight
        assert abs(share * sum(weights) - amount * weight) < sum(weights)


def test_tax_inside_of_a_price_and_its_fee():
    terms = Terms("EUR", Fees(per_ticket=150), Tax(ppm=190_000))
    line = line_of(terms)
    assert (line.unit, line.fee, line.gross) == (4500, 150, 4650)
    # 46.50 / 1.19 is 39.0756: 39.08 without the tax.
    assert line.tax == 742


@pytest.mark.parametrize(("ppm", "tax"), [(190_019, 742), (190_020, 743)])
def test_the_rate_at_which_the_line_of_the_contract_has_its_tax(ppm, tax):
    assert line_of(Terms("EUR", Fees(per_ticket=150), Tax(ppm=ppm))).tax == tax


def test_tax_added_to_a_price_and_its_fee():
    terms = Terms("EUR", Fees(per_ticket=150), Tax(ppm=190_000, included=False))
    line = line_of(terms)
    # 19 % of 46.50 is 8.835.
    assert (line.tax, line.gross) == (884, 5534)


def test_tax_is_rounded_for_each_line_and_never_again():
    terms = Terms("EUR", tax=Tax(ppm=190_000, included=False))
    lines = price(units_of(103, 103, 103), terms)
    # Of 3.09 at once it would be 0.59.
    assert [line.tax for line in lines] == [20, 20, 20]
    assert total(lines) == 369


def test_fifteen_stays_fifteen_whatever_tax_is_inside():
    terms = Terms("EUR", tax=Tax(ppm=190_000))
    assert total(price(units_of(500, 500, 500), terms)) == 1500


def test_a_discount_comes_before_fee_and_tax():
    terms = Terms("EUR", Fees(percent_ppm=100_000), Tax(ppm=250_000, included=False))
    line = line_of(terms, 4500, 500)
    assert (line.fee, line.tax, line.gross) == (400, 1100, 5500)


def test_a_fee_of_the_order_is_shared_out_by_price():
    lines = price(units_of(4500, 1500, 0), Terms("EUR", Fees(per_order=100)))
    assert [line.fee for line in lines] == [75, 25, 0]


def test_what_costs_nothing_has_no_fee():
    fees = Fees(per_order=100, per_ticket=150, percent_ppm=10_000)
    terms = Terms("EUR", fees, Tax(ppm=190_000, included=False))
    lines = price(units_of(0, 0), terms)
    assert [line.gross for line in lines] == [0, 0]
    assert line_of(terms, 4500, 4500).gross == 0


def test_a_fee_that_does_not_return_is_a_line_that_stays():
    fees = Fees(per_order=100, per_ticket=150, percent_ppm=10_000, returns=False)
    terms = Terms("EUR", fees, Tax(ppm=190_000))
    lines = price(units_of(4500, 1500), terms)
    assert [(line.line, line.kind, line.fee) for line in lines] == [
        (1, "seat", 0),
        (2, "seat", 0),
        (3, "fee", 460),
    ]
    assert lines[2].gross == 460
    assert lines[2].tax == 73
    assert total(lines) == 6460


def test_a_fee_of_nothing_is_no_line():
    fees = Fees(per_ticket=150, returns=False)
    assert len(price(units_of(0), Terms("EUR", fees))) == 1


@pytest.mark.parametrize("returns", [True, False])
def test_a_fee_of_the_seller_is_inside_of_the_price(returns):
    fees = Fees(per_ticket=150, percent_ppm=10_000, paid_by="seller", returns=returns)
    lines = price(units_of(4500), Terms("EUR", fees))
    assert [(line.fee, line.seller_fee, line.gross) for line in lines] == [
        (0, 195, 4500)
    ]


@pytest.mark.parametrize("discount", [-1, 4501])
def test_no_line_is_made_negative_or_dearer_by_a_discount(discount):
    with pytest.raises(ValueError, match="discount"):
        line_of(Terms("EUR"), 4500, discount)


def test_each_unit_has_its_discount_or_none_has():
    with pytest.raises(ValueError, match="zip"):
        price(units_of(1, 2), Terms("EUR"), [1])


@pytest.mark.parametrize(
    ("currency", "amount"), [("JPY", 10_000), ("KWD", 18_600), ("EUR", 4500)]
)
def test_amounts_are_charged_as_they_are_in_whatever_currency(currency, amount):
    assert total(price(units_of(amount), Terms(currency))) == amount


@given(orders())
@settings(max_examples=150)
def test_every_line_adds_up_and_none_is_negative(order):
    units, discounts, terms = order
    lines = price(units, terms, discounts)
    assert [line.line for line in lines] == list(range(1, len(lines) + 1))
    for line in lines:
        added = 0 if terms.tax.included else line.tax
        assert line.gross == line.unit - line.discount + line.fee + added
        assert min(line.gross, line.tax, line.fee, line.seller_fee) >= 0
        assert line.tax <= line.gross
        assert line.tax_ppm == terms.tax.ppm
    assert total(lines) == sum(line.gross for line in lines) <= limits.AMOUNT_MAX
    for unit, discount, line in zip(units, discounts, lines, strict=False):
        told = (line.kind, line.label, line.category, line.type)
        assert told == (unit.kind, unit.label, unit.category, unit.type)
        assert (line.unit, line.discount) == (unit.amount, discount)


@given(orders())
@settings(max_examples=100)
def test_tax_is_within_half_a_unit_of_what_it_would_be_exactly(order):
    units, discounts, terms = order
    ppm = terms.tax.ppm
    for line in price(units, terms, discounts):
        if terms.tax.included:
            exact, parts = line.gross * ppm, 1_000_000 + ppm
        else:
            exact, parts = (line.gross - line.tax) * ppm, 1_000_000
        assert abs(2 * (line.tax * parts - exact)) <= parts


@given(orders())
@settings(max_examples=100)
def test_fees_are_the_same_whoever_pays_them_and_wherever_they_stand(order):
    units, discounts, terms = order
    fees = terms.fees
    nets = [unit.amount - off for unit, off in zip(units, discounts, strict=True)]
    paid = [net for net in nets if net]
    expected = fees.per_ticket * len(paid) + (fees.per_order if paid else 0)
    expected += sum(div(net * fees.percent_ppm, 1_000_000) for net in paid)
    lines = price(units, terms, discounts)
    of_buyer = sum(line.fee for line in lines)
    of_seller = sum(line.seller_fee for line in lines)
    by_buyer = fees.paid_by == "buyer"
    assert (of_buyer, of_seller) == ((expected, 0) if by_buyer else (0, expected))
    if not fees.returns:
        assert not any(line.fee for line in lines if line.kind != "fee")
