"""The state: what cannot happen stops the event, and every invariant is watched."""

from typing import get_args

import pytest
from msgspec.structs import replace

from inventory import limits
from inventory import state as module
from inventory.changes import (
    AnyChange,
    BookingCancelled,
    HoldBooked,
    HoldExpired,
    HoldExtended,
    HoldReleased,
    SeatsBlocked,
    SeatsHeld,
    SeatsUnblocked,
)
from inventory.state import AreaCount, Corrupt, Stock
from tests.scenario import NOW_MS, SMALL, Scene, play, settings_of

END_MS = NOW_MS + 600_000


def busy() -> Scene:
    """Seats 0 and 1 and two places are held as h1, seat 4 and a place booked as b1.

    Seat 8 and three places are blocked; h3 of bob ran out.
    """
    return play("""
        ann | hold A-1 A-2 GA*2 | ok hold=h1
        ann | hold B-1 GA*1     | ok hold=h2
        ann | book h2           | ok booking=b1
        bob | hold B-4 ttl=1    | ok hold=h3
        org | block C-1 GA*3    | ok
        tick +6s
    """)


def held(hold="h9", user="bob", seats=(), areas=None) -> SeatsHeld:
    return SeatsHeld(hold, user, seats, areas or {}, END_MS)


IMPOSSIBLE = {
    "a held seat is held again": held(seats=[0]),
    "a booked seat is held": held(seats=[4]),
    "a blocked seat is held": held(seats=[8]),
    "a seat is held twice at once": held(seats=[3, 3]),
    "more places are held than are free": held(areas={0: 5}),
    "no place of an area is held": held(areas={0: 0}),
    "places are given to nobody": held(areas={0: -1}),
    "an unknown hold is booked": HoldBooked("h9", "b2", "R2", None),
    "a booked hold is booked again": HoldBooked("h2", "b2", "R2", None),
    "a booking's name is used again": HoldBooked("h1", "b1", "R2", None),
    "an unknown hold is extended": HoldExtended("h9", END_MS),
    "an unknown hold is released": HoldReleased("h9", (0,), {}),
    "a seat of nobody is released": HoldReleased("h1", (3,), {}),
    "a seat of another is released": HoldReleased("h1", (4,), {}),
    "a seat is released twice at once": HoldReleased("h1", (0, 0), {}),
    "more places are released than held": HoldReleased("h1", (), {0: 3}),
    "places of another area are released": HoldReleased("h1", (), {1: 1}),
    "an unknown hold expires": HoldExpired("h9"),
    "an expired hold expires again": HoldExpired("h3"),
    "an unknown booking is cancelled": BookingCancelled("b9"),
    "a held seat is blocked": SeatsBlocked((0,), {}),
    "a blocked seat is blocked again": SeatsBlocked((8,), {}),
    "more places are blocked than are free": SeatsBlocked((), {0: 5}),
    "a free seat is unblocked": SeatsUnblocked((3,), {}),
    "a held seat is unblocked": SeatsUnblocked((0,), {}),
    "more places are unblocked than blocked": SeatsUnblocked((), {0: 4}),
}


@pytest.mark.parametrize("change", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_happen_stops_the_event(change):
    stock = busy().stock
    version = stock.version
    with pytest.raises(Corrupt):
        stock.apply(change, NOW_MS)
    assert stock.version == version


def test_every_change_can_be_applied():
    assert set(module._APPLY) == set(get_args(AnyChange))


def test_each_change_is_one_version_at_its_time():
    scene = busy()
    assert scene.stock.version == len(scene.journal) == 6
    assert scene.stock.at_ms == scene.now_ms
    scene.stock.apply(held(seats=[3]), scene.now_ms + 5)
    assert (scene.stock.version, scene.stock.at_ms) == (7, scene.now_ms + 5)


def test_what_changed_is_noted_for_the_watchers():
    stock = busy().stock
    assert set(stock.touched_seats) == {0, 1, 4, 7, 8}
    assert stock.touched_areas == {0}


def corrupt_letters(stock: Stock) -> None:
    stock.letters[2] = module.HELD


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


def corrupt_users(stock: Stock) -> None:
    del stock.users["ann"]


def corrupt_finder(stock: Stock) -> None:
    stock.finder.take([2])


def corrupt_finder_without_a_difference_in_number(stock: Stock) -> None:
    stock.finder.free([0])
    stock.finder.take([2])


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
        (corrupt_finder_without_a_difference_in_number, "I6"),
    ],
)
def test_the_check_sees_each_broken_invariant(damage, invariant):
    stock = busy().stock
    stock.check()
    damage(stock)
    with pytest.raises(Corrupt, match=invariant):
        stock.check()


def test_a_user_who_has_nothing_counts_nothing():
    stock = busy().stock
    stock.users["ann"].count += 1
    stock.apply(BookingCancelled("b1"), NOW_MS)
    with pytest.raises(Corrupt, match="counts 1"):
        stock.apply(HoldExpired("h1"), NOW_MS)


def test_users_without_holds_and_bookings_are_forgotten():
    scene = busy()
    assert set(scene.stock.users) == {"ann"}
    scene.play("""
        ann | release h1 | ok
        ann | cancel b1  | ok
    """)
    assert scene.stock.users == {}


DIFFERENCES = {
    "a seat": "ann | hold A-3 | ok",
    "a place": "ann | hold GA*1 | ok",
    "a block": "org | block A-3 | ok",
    "an end": "ann | extend h1 | ok",
    "a booking": "ann | book h1 | ok",
    "a cancellation": "ann | cancel b1 | ok",
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


def test_the_next_deadline_is_that_of_the_hold_that_ends_first():
    scene = Scene(SMALL, settings_of())
    stock = scene.stock
    assert stock.next_deadline_ms() is None
    scene.play("""
        ann | hold A-1 ttl=20 | ok
        bob | hold A-2 ttl=10 | ok
    """)
    grace = limits.HOLD_GRACE_MS
    assert stock.next_deadline_ms() == NOW_MS + 10_000 + grace
    scene.play("bob | extend h2 ttl=30 | ok")
    assert stock.next_deadline_ms() == NOW_MS + 20_000 + grace
    scene.play("ann | release h1 | ok")
    assert stock.next_deadline_ms() == NOW_MS + 30_000 + grace
    scene.play("bob | book h2 | ok")
    assert stock.next_deadline_ms() is None


def test_a_hold_whose_end_did_not_move_is_due_once():
    scene = play("""
        ann | hold A-1         | ok
        ann | extend h1        | ok
        ann | extend h1 ttl=5  | ok
    """)
    assert scene.stock.due_holds(NOW_MS + 605_000, 10) == ["h1"]


def test_due_holds_are_bounded_and_asking_changes_nothing():
    scene = play("""
        ann | hold A-1 ttl=3 | ok
        ann | hold A-2 ttl=1 | ok
        ann | hold A-3 ttl=2 | ok
        ann | hold A-4       | ok
    """)
    at = NOW_MS + 60_000
    assert scene.stock.due_holds(at, 2) == ["h2", "h3"]
    assert scene.stock.due_holds(at, 9) == ["h2", "h3", "h1"]
    assert scene.stock.due_holds(at, 9) == ["h2", "h3", "h1"]
    assert scene.stock.due_holds(NOW_MS, 9) == []


def test_stale_deadlines_do_not_pile_up():
    scene = play("ann | hold A-1 ttl=1 | ok", hold_ttl_s=86_400)
    stock = scene.stock
    for n in range(3_000):
        stock.apply(HoldExtended("h1", NOW_MS + 10_000 + n), NOW_MS)
    assert len(stock.deadlines) < 1_100
    assert stock.next_deadline_ms() == NOW_MS + 12_999 + limits.HOLD_GRACE_MS


def test_expired_tokens_are_remembered_for_an_hour_and_no_longer():
    scene = play("ann | hold A-1 ttl=1 | ok")
    for n in range(5):
        scene.tick(1_000)
        scene.play(f"ann | hold A-1 ttl=1 | ok hold=h{n + 2}")
    assert set(scene.stock.expired) == {"h2", "h3", "h4", "h5"}
    assert len(scene.stock.expired_at) == 4
