"""What the rules share."""

import pytest

from inventory.prices import Prices
from inventory.replies import Refused
from inventory.rules.common import (
    Request,
    closed,
    labels_of,
    names_of,
    own_hold,
    places_of,
    price,
    rfc3339,
)
from inventory.settings import Money
from inventory.state import Stock
from tests.scenario import NOW_MS, SMALL, SequentialIds, hall, play, settings_of


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (NOW_MS + 7, "2027-01-15T08:00:00.007Z"),
        (4_102_444_799_999, "2099-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_written_in_utc_with_milliseconds(ms, text):
    assert rfc3339(ms) == text


def test_labels_become_indexes_and_back():
    stock = Stock(SMALL, settings_of())
    places = places_of(stock, ["B-2", "A-1"], {"GA": 3})
    assert places == ((5, 0), {0: 3})
    assert labels_of(stock, [5, 0]) == ["B-2", "A-1"]
    assert names_of(stock, {0: 3}) == {"GA": 3}
    assert names_of(stock, {}) == {}


def test_unknown_labels_are_named_seats_before_areas():
    stock = Stock(SMALL, settings_of())
    refused = places_of(stock, ["A-1", "Z-1", "Z-2"], {"XX": 1})
    assert isinstance(refused, Refused)
    assert (refused.code, refused.seats) == ("seat_not_found", ["Z-1", "Z-2"])
    refused = places_of(stock, ["A-1"], {"XX": 1})
    assert isinstance(refused, Refused)
    assert (refused.code, "XX" in refused.detail) == ("area_not_found", True)


def test_a_category_without_a_price_is_free():
    venue = hall("A 123", areas={"GA": (5, "3"), "GB": (5, "1")})
    prices = {"1": Money(1_000, "CHF"), "2": Money(50, "CHF")}
    stock = Stock(venue, settings_of(prices=prices))
    both = price(stock, (0, 1, 2), {0: 2, 1: 3})
    assert both == Prices("CHF", (1_000, 50, 0), ((0, 2, 0), (1, 3, 1_000)))
    assert both.total() == Money(4_050, "CHF")
    assert price(stock, (2,), {0: 2}).total() == Money(0, "CHF")
    assert price(Stock(venue, settings_of(prices={})), (0,), {}).total() is None


def test_a_hold_is_its_holders_alone():
    stock = play("ann | hold A-1 | ok").stock
    ids = SequentialIds()
    hold = own_hold(Request(stock, "ann", False, NOW_MS, ids), "h1")
    assert hold is stock.holds["h1"]
    refused = own_hold(Request(stock, "bob", True, NOW_MS, ids), "h1")
    assert isinstance(refused, Refused)
    assert refused.code == "hold_not_found"


def test_an_open_sale_refuses_nothing():
    assert closed("on_sale") is None
