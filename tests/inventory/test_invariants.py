"""A state as a whole: each broken invariant is seen, and the digest covers it all."""

import pytest
from msgspec.structs import replace

from inventory.prices import Prices
from inventory.records import HELD, AreaCount, Corrupt
from inventory.state import Stock
from tests.scenario import SMALL, Scene, busy, play, settings_of


def corrupt_letters(stock: Stock) -> None:
    stock.letters[2] = HELD


def corrupt_holder(stock: Stock) -> None:
    hold = stock.holds["h1"]
    stock.holds["h1"] = replace(hold, seats=(*hold.seats, 4))


def corrupt_sum(stock: Stock) -> None:
    stock.areas[0].free += 1


def corrupt_area(stock: Stock) -> None:
    stock.areas[0].held -= 1
    stock.areas[0].free += 1


def corrupt_negative(stock: Stock) -> None:
    stock.areas[0] = AreaCount(-1, 2, 1, 8)


def corrupt_count(stock: Stock) -> None:
    stock.users["ann"].count += 1


def corrupt_prices(stock: Stock) -> None:
    hold = stock.holds["h1"]
    stock.holds["h1"] = replace(hold, prices=Prices("EUR", (4_500,), ((0, 2, 1),)))


def corrupt_places(stock: Stock) -> None:
    booking = stock.bookings["b1"]
    stock.bookings["b1"] = replace(booking, prices=Prices("EUR", (1,), ((0, 2, 1),)))


def corrupt_users(stock: Stock) -> None:
    del stock.users["ann"]


def corrupt_finder(stock: Stock) -> None:
    stock.finder.take([2])


def corrupt_finder_without_a_difference_in_number(stock: Stock) -> None:
    stock.finder.free([0])
    stock.finder.take([2])


def corrupt_reason(stock):
    stock.reasons[0] = "Press"


@pytest.mark.parametrize(
    ("damage", "invariant"),
    [
        (corrupt_letters, "I2"),
        (corrupt_holder, "I2"),
        (corrupt_sum, "I3"),
        (corrupt_area, "I3"),
        (corrupt_negative, "I3"),
        (corrupt_count, "I4"),
        (corrupt_users, "I4"),
        (corrupt_finder, "I6"),
        (corrupt_prices, "I7"),
        (corrupt_places, "I7"),
        (corrupt_finder_without_a_difference_in_number, "I6"),
        (corrupt_reason, "I10"),
    ],
)
def test_the_check_sees_each_broken_invariant(damage, invariant):
    stock = busy().stock
    stock.check()
    damage(stock)
    with pytest.raises(Corrupt, match=invariant):
        stock.check()


DIFFERENCES = {
    "a seat": "ann | hold A-3 | ok",
    "a place": "ann | hold GA*1 | ok",
    "a block": "org | block A-3 | ok",
    "an end": "ann | extend h1 | ok",
    "a booking": "ann | book h1 | ok",
    "a cancellation": "ann | cancel b1 | ok",
    "a price": "ann | release h1 GA*1 | ok",
    "a setting": "org | configure max_per_user=11 | ok",
    "a sale state": "org | sale pause | ok",
}


@pytest.mark.parametrize("row", DIFFERENCES.values(), ids=DIFFERENCES)
def test_the_hash_tells_states_apart(row):
    one, other = busy(), busy()
    assert one.stock.hash() == other.stock.hash()
    other.play(row)
    # Alone the version would tell: what else differs must, too.
    other.stock.version, other.stock.at_ms = one.stock.version, one.stock.at_ms
    assert one.stock.hash() != other.stock.hash()


def test_the_hash_does_not_depend_on_the_order_within_a_hold():
    one = play("ann | hold A-1 A-2 | ok")
    other = play("ann | hold A-2 A-1 | ok")
    assert one.stock.hash() == other.stock.hash()


def test_the_hash_covers_who_has_and_since_when():
    one = play("ann | hold A-1 | ok")
    other = play("bob | hold A-1 | ok")
    assert one.stock.hash() != other.stock.hash()
    later = Scene(SMALL, settings_of())
    later.now_ms += 1
    later.ask("ann", "hold A-1")
    assert one.stock.hash() != later.stock.hash()


def test_the_hash_covers_why_seats_are_off_sale():
    one = play("org | block A-1 reason=Press | ok")
    other = play("org | block A-1 reason=Pillar | ok")
    assert one.stock.hash() != other.stock.hash()
