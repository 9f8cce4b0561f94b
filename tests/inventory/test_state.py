"""The state: what cannot happen stops the event, and every invariant is watched."""

from typing import get_args

import pytest

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
from inventory.records import Corrupt
from tests.scenario import NOW_MS, SMALL, Scene, busy, play, settings_of

END_MS = NOW_MS + 600_000


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


def test_in_a_cancelled_event_all_holds_are_due_at_once():
    scene = play("""
        ann | hold A-1 ttl=3 | ok
        ann | hold A-2 ttl=1 | ok
        ann | hold A-3 ttl=2 | ok
        org | sale cancel    | ok
    """)
    stock = scene.stock
    assert stock.next_deadline_ms() == NOW_MS
    assert stock.due_holds(NOW_MS, 2) == ["h2", "h3"]
    scene.tick(0)
    assert (stock.next_deadline_ms(), stock.due_holds(NOW_MS, 9)) == (None, [])


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
