"""What a hold costs follows what goes into it and out of it."""

from inventory.prices import Prices
from inventory.settings import Money

BOTH = Prices("EUR", (100, 200, 300), ((0, 2, 10), (1, 1, 5), (0, 3, 20)))


def test_the_total_is_that_of_seats_and_places():
    assert BOTH.total() == Money(685, "EUR")
    assert Prices(None, (0,), ((0, 2, 0),)).total() is None
    assert Prices("EUR", (0,), ()).total() == Money(0, "EUR")


def test_what_is_added_comes_behind_with_its_own_prices():
    more = Prices("EUR", (7,), ((0, 1, 30),))
    both = BOTH.plus(more)
    assert both == Prices("EUR", (100, 200, 300, 7), (*BOTH.areas, (0, 1, 30)))


def test_what_had_no_price_costs_nothing_in_the_currency_of_the_rest():
    free, paid = Prices(None, (0,), ()), Prices("JPY", (70,), ())
    assert free.plus(paid) == Prices("JPY", (0, 70), ())
    assert paid.plus(free) == Prices("JPY", (70, 0), ())
    assert free.plus(free).currency is None


def test_seats_go_back_with_their_own_prices():
    assert BOTH.keeping([True, False, True], {}).seats == (100, 300)


def test_the_places_that_came_last_go_back_first():
    kept = [True, True, True]
    assert BOTH.keeping(kept, {0: 2}).areas == ((0, 2, 10), (1, 1, 5), (0, 1, 20))
    assert BOTH.keeping(kept, {0: 4}).areas == ((0, 1, 10), (1, 1, 5))
    assert BOTH.keeping(kept, {0: 5, 1: 1}).areas == ()
