"""What may be wished, and which class of equal wishes it is."""

import pytest

from inventory import limits
from inventory.changes import WishesRecast
from inventory.commands import Configure, SetWish
from inventory.line.wishes import Wish, told_bytes
from inventory.rules.line_wishes import nearest, possible
from inventory.settings import SettingsPatch
from tests.line_scene import LineScene
from tests.scenario import ORGANIZER, hall

HALL = hall("A 11111111", "B 22222222")


def opened(mode: str = "fifo", **others) -> LineScene:
    scene = LineScene(HALL, mode, **others)
    scene.open()
    return scene


def test_equal_wishes_are_one_class_and_keep_it():
    scene = opened()
    scene.join("ann", Wish(2, ("1",)))
    scene.join("bob", Wish(2, ("1",)))
    scene.join("cat", Wish(2, ("2",)))
    assert list(scene.line.classes) == [1, 1, 2]
    assert scene.line.wishes == [Wish(2, ("1",)), Wish(2, ("2",))]


def test_another_wish_is_served_from_the_same_place():
    scene = opened()
    scene.join("ann", Wish(9, ("1",)))
    scene.join("bob", Wish(1, ("1",)))
    wish = scene.make(SetWish, rank=1, wish=Wish(1, ("2",)))
    assert scene.code("bob", wish) == "place_not_found"
    assert scene.code("ann", wish) == "ok"
    assert scene.code("ann", wish) == "ok"
    scene.give()
    assert scene.states() == "tw"
    assert scene.held_by("ann")[0].startswith("B-")
    assert scene.code("ann", wish) == "wrong_state"


def test_a_wish_may_be_dropped_and_taken_up_again():
    scene = opened()
    scene.join("ann", Wish(2, ("1",)))
    scene.ok("ann", scene.make(SetWish, rank=1))
    assert scene.line.wish_of(1) is None
    scene.ok("ann", scene.make(SetWish, rank=1, wish=Wish(2, ("1",))))
    scene.give()
    assert len(scene.held_by("ann")) == 2


def test_in_a_list_everybody_wishes_for_something():
    scene = opened("list")
    scene.take("zoe", *[f"A-{n}" for n in range(1, 9)])
    scene.join("ann", Wish(1, ("1",)))
    assert scene.code("ann", scene.make(SetWish, rank=1)) == "bad_wish"


@pytest.mark.parametrize(
    "wish", [Wish(5), Wish(1, ("9",)), Wish(1, ("1", "1")), Wish(1, ("9", "1"))]
)
def test_what_cannot_be_is_refused_where_it_is_asked(wish):
    scene = opened(max_per_booking=4)
    scene.join("ann", Wish(1))
    assert scene.code("ann", scene.make(SetWish, rank=1, wish=wish)) == "bad_wish"


def test_what_cannot_be_when_it_is_fed_is_the_nearest():
    """It was joined when it could; nobody loses the place for that."""
    scene = opened(max_per_booking=4)
    assert possible(scene.stock, Wish(5, ("9", "2"))) == Wish(4, ("2",))
    scene.join("ann", Wish(5, ("9", "2")))
    assert scene.line.wish_of(1) == Wish(4, ("2",))


def test_wishes_that_cannot_be_any_more_are_recast_in_the_step_that_forbids_them():
    scene = opened()
    scene.join("ann", Wish(5, ("1",)))
    scene.join("bob", Wish(2, ("1",)))
    patch = SettingsPatch(max_per_booking=3)
    scene.ok(ORGANIZER, scene.make(Configure, patch=patch))
    (recast,) = [one for one in scene.last if type(one) is WishesRecast]
    assert recast.pairs == ((1, 3),)
    assert scene.line.wish_of(1) == Wish(3, ("1",))
    assert scene.line.wish_of(2) == Wish(2, ("1",))
    scene.give()
    assert len(scene.held_by("ann")) == 3
    scene.check_replay()


def test_what_is_recast_and_cannot_be_told_at_once_is_put_with_the_nearest(monkeypatch):
    scene = opened()
    for number, wish in enumerate([Wish(8, ("1",)), Wish(8, ("2",)), Wish(3)]):
        scene.join(f"u{number}", wish)
    room = told_bytes([Wish(4, ("1",))])
    monkeypatch.setattr(limits, "LINE_WISHES_BYTES_MAX", room)
    patch = SettingsPatch(max_per_booking=4)
    scene.ok(ORGANIZER, scene.make(Configure, patch=patch))
    (recast,) = [one for one in scene.last if type(one) is WishesRecast]
    assert recast.wishes == (Wish(4, ("1",)),)
    assert recast.pairs == ((1, 4), (2, 3))
    assert scene.line.wish_of(2) == Wish(3)
    scene.check_replay()


def test_too_many_classes_are_put_with_the_nearest(monkeypatch):
    monkeypatch.setattr(limits, "WISH_CLASSES_MAX", 2)
    scene = opened()
    scene.join("ann", Wish(2, ("1",)))
    scene.join("bob", Wish(1, accessible=True))
    scene.join("cat", Wish(3, ("1", "2")))
    assert list(scene.line.classes) == [1, 2, 1]
    wish = scene.make(SetWish, rank=1, wish=Wish(7))
    assert scene.code("ann", wish) == "bad_wish"


def test_the_nearest_is_as_large_and_as_accessible():
    wishes = [Wish(1), Wish(2, accessible=True), Wish(2, ("1",)), Wish(2, ("2",))]
    assert nearest(wishes, Wish(2, ("2", "1"))) == Wish(2, ("1",))
    assert nearest(wishes, Wish(3, accessible=True)) == Wish(2, accessible=True)
