"""What promotions take off: to the cent, in any order of codes, never below nothing."""

import itertools
import random

import pytest

from persistence.shop.money.terms import Terms
from persistence.shop.promotions.discounts import Discount
from server.shop.money.pricing import Unit, price
from server.shop.promotions.rules import idle, taken_off


def units(*amounts: int, category: str = "front", kind: str | None = None):
    return [
        Unit(kind="seat", label=f"A-{number}", category=category, type=kind, amount=one)
        for number, one in enumerate(amounts, 1)
    ]


def percent(ppm: int, name: str = "p", **more):
    return Discount(promotion=name, name=name, ppm=ppm, **more)


def off(amount: int, name: str = "a", **more):
    return Discount(
        promotion=name, name=name, amount=amount, **({"currency": "EUR"} | more)
    )


@pytest.mark.parametrize(
    ("amounts", "discount", "taken"),
    [
        ((2_000, 2_000), percent(100_000), [200, 200]),
        ((999, 5, 4), percent(100_000), [100, 1, 0]),
        ((1_000, 1_000, 1_000), off(1_000), [334, 333, 333]),
        ((3_000, 1_000), off(1_000), [750, 250]),
        ((300, 200), off(1_000), [300, 200]),
        ((0, 100), off(50), [0, 50]),
        ((0, 0), off(50), [0, 0]),
        ((1_234,), percent(1_000_000), [1_234]),
    ],
)
def test_what_one_takes_off(amounts, discount, taken):
    assert taken_off(units(*amounts), [discount], "EUR") == taken


def test_it_is_for_its_categories_and_types_alone():
    some = [*units(1_000), *units(500, category="back"), *units(800, kind="child")]
    front = percent(500_000, categories=("front",))
    assert taken_off(some, [front], "EUR") == [500, 0, 400]
    child = off(5_000, types=("child",))
    assert taken_off(some, [child], "EUR") == [0, 0, 800]


def test_the_minimum_is_of_the_places_that_it_is_for_before_discounts():
    some = [*units(1_000, 1_000), *units(5_000, category="back")]
    enough = off(100, minimum=2_000, categories=("front",))
    short = off(100, minimum=2_001, categories=("front",))
    first = percent(500_000, stacks=True)
    assert taken_off(some, [enough], "EUR") == [50, 50, 0]
    assert taken_off(some, [short], "EUR") == [0, 0, 0]
    assert sum(taken_off(some, [first, enough], "EUR")) == 3_500 + 100


def test_another_currency_takes_nothing_off():
    assert taken_off(units(1_000), [off(100, currency="USD")], "EUR") == [0]


def test_several_come_to_the_same_in_any_order_and_never_below_nothing():
    dice = random.Random(5)
    for _ in range(300):
        some = units(*(dice.randint(0, 5_000) for _ in range(dice.randint(1, 6))))
        discounts = [
            percent(dice.randint(1, 1_000_000), f"p{number}")
            if dice.random() < 0.5
            else off(dice.randint(1, 9_000), f"a{number}")
            for number in range(3)
        ]
        found = {
            tuple(taken_off(some, order, "EUR"))
            for order in itertools.permutations(discounts)
        }
        (taken,) = found
        for unit, one in zip(some, taken, strict=True):
            assert 0 <= one <= unit.amount
        lines = price(some, Terms("EUR"), taken)
        whole = sum(unit.amount for unit in some) - sum(taken)
        assert sum(line.gross for line in lines) == whole


def test_one_that_takes_nothing_off_is_named():
    some = units(1_000)
    nothing = off(100, "n", categories=("back",))
    assert idle(some, [percent(1_000), nothing], "EUR") == nothing
    # All is off already, and there is nothing left for the second.
    assert idle(some, [percent(1_000_000), off(5)], "EUR") == off(5)
    assert idle(some, [percent(1_000), off(5)], "EUR") is None
    assert taken_off(some, [], "EUR") == []
