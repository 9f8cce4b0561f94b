"""What a stretch of a journal comes to."""

import pytest
from msgspec import structs

from inventory.changes import (
    AnyChange,
    BookingCancelled,
    BookingReduced,
    EventConfigured,
    HoldBooked,
    HoldExpired,
    HoldExtended,
    HoldReleased,
    SeatsHeld,
    TurnEnded,
    TurnGiven,
)
from inventory.settings import Money
from persistence.analytics.tally import (
    FREE,
    Booked,
    Categories,
    Counts,
    Tally,
    UserCounts,
    bookings_in,
    digest_of,
    needs_categories,
)
from tests.scenario import settings_of

EUR = {"1": Money(4_500, "EUR"), "2": Money(3_000, "EUR")}
YEN = {"1": Money(70, "JPY")}
PLACES = Categories({"A-1": "1", "A-2": "1", "B-1": "2"}, {"GA": "2", "Free": "9"})
BOOKINGS = {
    "b1": Booked("ann", ["A-1", "A-2"], {"GA": 3}),
    "b2": Booked("ann", ["B-1"], {"Free": 2}),
}
MINUTE = 60_000


def tally(prices=EUR, values=None, holds=None) -> Tally:
    return Tally(
        {} if holds is None else holds,
        prices,
        bookings=BOOKINGS,
        values=values or {},
        categories=PLACES,
    )


def held(token: str, *seats: int, user: str = "ann", **areas: int) -> SeatsHeld:
    return SeatsHeld(token, user, seats, {int(k[1:]): n for k, n in areas.items()}, 9)


def test_what_is_held_for_the_next_in_line_is_a_hold():
    one = tally()
    one.add([TurnGiven(1, "ann", "line", 9, "h1", (0,), {0: 2}, 9)], MINUTE)
    one.add([TurnGiven(2, "bob", "line", 9)], MINUTE)
    assert one.holds == {digest_of("h1"): 3}
    assert one.users == {"ann": UserCounts(holds=1)}
    one.add([TurnEnded(1, "ann", "left", ("h1",))], MINUTE)
    assert one.holds == {}
    assert one.minutes == {(1, "EUR"): Counts(holds=1, released=1)}


def test_a_hold_counts_once_however_often_it_grows():
    one = tally()
    one.add([held("h1", 0), held("h1", 1, _0=3), held("h2", 5, user="bob")], MINUTE)
    assert one.minutes == {(1, "EUR"): Counts(holds=2)}
    assert one.holds == {digest_of("h1"): 5, digest_of("h2"): 1}
    assert one.users == {"ann": UserCounts(holds=1), "bob": UserCounts(holds=1)}


def test_a_booking_counts_its_places_and_what_they_cost():
    one = tally()
    one.add([held("h1", 0, 1, _0=3), HoldBooked("h1", "b1", "R1", None)], MINUTE)
    (counts,) = one.minutes.values()
    expected = Counts(holds=1, bookings=1, seats_booked=5, revenue=18_000)
    assert counts == expected
    assert one.made == {"b1": Money(18_000, "EUR")}
    assert one.users["ann"] == UserCounts(holds=1, bookings=1)
    assert one.holds == {}


def test_a_category_without_a_price_is_free():
    one = tally()
    one.add([held("h2", 2, _1=2), HoldBooked("h2", "b2", "R2", None)], 0)
    assert one.made == {"b2": Money(3_000, "EUR")}


def test_a_cancellation_gives_back_what_was_paid_and_not_what_it_costs_now():
    one = tally(YEN, values={"b1": Money(18_000, "EUR")})
    one.add([BookingCancelled("b1"), BookingCancelled("b2")], MINUTE)
    assert one.minutes == {
        (1, "EUR"): Counts(cancellations=1, seats_cancelled=5, refunded=18_000),
        (1, "JPY"): Counts(cancellations=1, seats_cancelled=3),
    }
    assert one.users == {"ann": UserCounts(cancellations=2)}


def test_what_was_made_in_the_same_stretch_is_given_back():
    one = tally()
    booked: list[AnyChange] = [held("h1", 0, 1, _0=3)]
    booked.append(HoldBooked("h1", "b1", "R1", None))
    one.add(booked, 0)
    one.add([BookingCancelled("b1")], 5 * MINUTE)
    assert one.minutes[5, "EUR"].refunded == 18_000
    assert one.minutes[0, "EUR"].refunded == 0


def test_a_part_that_is_given_back_is_refunded_and_the_rest_only_once():
    one = tally(YEN, values={"b1": Money(18_000, "EUR")})
    part = BookingReduced("b1", (0,), {0: 1}, Money(7_500, "EUR"))
    one.add([part], MINUTE)
    assert one.left == {"b1": Money(10_500, "EUR")}
    one.add([BookingCancelled("b1")], 2 * MINUTE)
    assert one.minutes[1, "EUR"] == Counts(seats_cancelled=2, refunded=7_500)
    assert one.minutes[2, "EUR"].refunded == 10_500
    assert bookings_in([[part]]) == {"b1"}


def test_a_part_of_what_was_made_in_the_same_stretch_is_given_back():
    one = tally()
    booked = HoldBooked("h1", "b1", "R1", None, Money(18_000, "EUR"))
    part = BookingReduced("b1", (0,), {}, Money(4_500, "EUR"))
    one.add([held("h1", 0, 1, _0=3), booked, part], 0)
    assert (one.made, one.left) == ({"b1": Money(13_500, "EUR")}, {})


def test_a_part_of_what_was_free_is_worth_nothing():
    one = tally({})
    one.add([BookingReduced("b1", (0,), {}, None)], 0)
    assert one.minutes == {(0, FREE): Counts(seats_cancelled=1)}
    assert one.left == {}


def test_prices_are_those_of_the_moment():
    settings = structs.replace(settings_of(), prices=YEN)
    one = tally({})
    one.add([held("h1", 0, 1, _0=3)], 0)
    one.add([EventConfigured(settings), HoldBooked("h1", "b1", "R1", None)], 0)
    assert one.minutes[0, FREE] == Counts(holds=1)
    assert one.minutes[0, "JPY"] == Counts(bookings=1, seats_booked=5, revenue=140)
    assert one.prices == YEN


def test_without_prices_nothing_is_worth_anything():
    one = tally({})
    one.add([held("h1", 0, 1, _0=3), HoldBooked("h1", "b1", "R1", None)], 0)
    assert one.made == {}
    assert one.minutes == {(0, FREE): Counts(holds=1, bookings=1, seats_booked=5)}


def test_a_release_counts_when_it_was_the_last_of_a_hold():
    one = tally()
    one.add([held("h1", 0, 1), HoldReleased("h1", (0,), {})], 0)
    assert one.minutes[0, "EUR"].released == 0
    one.add([HoldReleased("h1", (1,), {})], 0)
    assert one.minutes[0, "EUR"] == Counts(holds=1, released=1)
    assert one.holds == {}


def test_what_comes_with_a_turn_is_a_hold_and_ends_as_one():
    one = tally()
    turn = TurnGiven(1, "ann", "returned", 9, "h1", (0,), {0: 2}, 9)
    browsing = TurnGiven(2, "bob", "line", 9)
    one.add([turn, browsing], MINUTE)
    assert one.holds == {digest_of("h1"): 3}
    assert one.users == {"ann": UserCounts(holds=1)}
    one.add([TurnEnded(2, "bob", "ran_out"), TurnEnded(1, "ann", "left", ("h1",))], 0)
    assert one.holds == {}
    assert one.minutes[1, "EUR"] == Counts(holds=1)
    assert one.minutes[0, "EUR"] == Counts(released=1)


def test_holds_of_before_are_known():
    one = tally(holds={digest_of("h1"): 2, digest_of("h2"): 1})
    one.add([held("h1", 5), HoldExtended("h2", 9), HoldExpired("h2")], MINUTE)
    assert one.minutes == {(1, "EUR"): Counts(expired=1)}
    assert one.holds == {digest_of("h1"): 3}


@pytest.mark.parametrize("change", [HoldExpired("h9"), HoldReleased("h9", (1,), {})])
def test_what_does_not_follow_from_before_is_an_error(change):
    with pytest.raises(KeyError):
        tally().add([change], 0)


def test_a_token_is_not_kept():
    one = tally()
    one.add([held("secret", 0)], 0)
    assert b"secret" not in b"".join(one.holds)


def test_what_has_to_be_looked_up_is_known_beforehand():
    made, gone = HoldBooked("h1", "b1", "R1", None), BookingCancelled("b2")
    assert bookings_in([[held("h1", 0)], [made, gone]]) == {"b1", "b2"}
    priced = EventConfigured(settings_of())
    assert needs_categories([[made]], EUR)
    assert needs_categories([[made], [priced]], {})
    free = EventConfigured(structs.replace(settings_of(), prices={}))
    assert not needs_categories([[made, free]], {})
