"""Refusals say how many there may be, how many there are, and until when."""

from msgspec import UNSET

from inventory.replies import Refused
from inventory.rules.common import rfc3339
from tests.scenario import NOW_MS, hall, play


def test_limits_come_with_what_one_has():
    scene = play("ann | hold A-1 GA*2 | ok", max_per_booking=4, max_per_user=5)
    many = scene.refused("ann", "hold GA*2 on=h1")
    assert (many.code, many.limit, many.has) == ("too_many_seats", 4, 3)
    new = scene.refused("ann", "hold GA*5")
    assert (new.code, new.limit, new.has) == ("too_many_seats", 4, 0)
    over = scene.refused("ann", "hold GA*3")
    assert (over.code, over.limit, over.has) == ("user_limit", 5, 3)
    assert over.free is UNSET
    best = scene.refused("ann", "best 3")
    assert (best.code, best.limit, best.has) == ("user_limit", 5, 3)


def test_what_is_free_is_told_where_it_is_not_enough():
    scene = play("ann | hold A-2 GA*8 | ok", max_per_booking=20, max_per_user=99)
    few = scene.refused("bob", "hold GA*3")
    assert (few.code, few.free) == ("not_enough_seats", 2)
    assert few.detail == "GA has 2 free places."
    best = scene.refused("bob", "best 9 category=2")
    assert best.code == "not_enough_seats"
    assert best.free == scene.stock.finder.free_count("2")
    assert best.detail == f"Only {best.free} of this kind are left."


def test_enough_seats_that_are_apart_are_told_as_such():
    scene = play("ann | hold A-2 A-4 | ok", venue=hall("A 11111"))
    apart = scene.refused("bob", "best 2 category=1")
    assert (apart.code, apart.free) == ("not_enough_seats", 3)
    assert apart.detail == "No 2 of this kind are side by side."


def test_a_blocked_place_that_is_not_there_is_told_in_other_words():
    scene = play("org | block GA*2 | ok")
    refused = scene.refused("org", "unblock GA*3")
    assert refused.detail == "GA has 2 blocked places."
    assert refused.free is UNSET


def test_the_last_moment_is_told_where_it_is_too_late():
    scene = play("ann | hold A-1 | ok")
    scene.now_ms += 595_000
    scene.play("ann | extend h1 | ok")
    scene.now_ms += 595_000
    late = scene.refused("ann", "extend h1")
    assert (late.code, late.deadline) == ("extend_limit", rfc3339(NOW_MS + 1_200_000))
    scene.play("ann | book h1 | ok")
    settings = scene.stock.settings
    until_ms = settings.starts_at_ms - settings.cancel_until_s * 1_000
    scene.now_ms = until_ms + 1
    (booking,) = scene.stock.bookings
    refused = scene.refused("ann", f"cancel {booking}")
    assert type(refused) is Refused
    assert (refused.code, refused.deadline) == ("cancel_too_late", rfc3339(until_ms))
