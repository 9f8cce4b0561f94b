"""What is offered instead of taken seats, and instead of orphans."""

import pytest

from inventory import limits
from inventory.replies import Refused
from tests.scenario import Scene, hall, play, settings_of

WIDE = hall(*(f"{row} {'1' * 20}" for row in "ABCDEFGH"), "Z 22222222")


def refused_hold(scene: Scene, user: str, seats: str) -> Refused:
    reply = scene.ask(user, f"hold {seats}")
    assert isinstance(reply, Refused)
    return reply


def offered_to(scene: Scene, user: str, seats: str) -> list[list[str]]:
    alternatives = refused_hold(scene, user, seats).alternatives
    assert isinstance(alternatives, list)
    return alternatives


def test_alternatives_are_free_adjacent_and_of_the_same_size():
    scene = play("ann | hold A-8 A-9 | ok", venue=WIDE)
    refused = refused_hold(scene, "bob", "A-9 A-10 A-11")
    assert refused.code == "seat_not_free"
    assert refused.seats == ["A-9"]
    windows = offered_to(scene, "bob", "A-9 A-10 A-11")
    assert refused.alternatives == windows
    assert len(windows) == limits.ALTERNATIVES_MAX
    offered = [label for window in windows for label in window]
    assert len(set(offered)) == len(offered) == 9
    for window in windows:
        rows = {label.partition("-")[0] for label in window}
        numbers = [int(label.partition("-")[2]) for label in window]
        assert len(rows) == 1
        assert numbers == list(range(numbers[0], numbers[0] + 3))
        assert not {"A-8", "A-9"} & set(window)


def test_somebody_was_faster_only_where_it_is_so():
    scene = play(
        """
        ann | hold A-1 A-2 | ok
        ann | book h1      | ok
        ann | hold A-3     | ok
        bob | hold A-4     | ok
        org | block A-5    | ok
        """,
        venue=WIDE,
    )
    asked = {
        "A-1": "You have booked A-1 already.",
        "A-3": "You hold A-3 already.",
        "A-4": "Somebody else was faster.",
        "A-5": "Not for sale: A-5.",
        "A-6 A-3": "You hold A-3 already.",
        "A-5 A-4 A-3 A-2": "You hold A-3 already. You have booked A-2 already. "
        "Not for sale: A-5. Somebody else was faster.",
    }
    for seats, detail in asked.items():
        refused = refused_hold(scene, "ann", seats)
        assert (refused.code, refused.detail) == ("seat_not_free", detail)
    assert refused_hold(scene, "bob", "A-1").detail == "Somebody else was faster."


def test_alternatives_can_be_had():
    scene = play("ann | hold A-1 A-2 | ok", venue=WIDE)
    for window in offered_to(scene, "bob", "A-1 A-2"):
        scene.play(f"bob | hold {' '.join(window)} | ok")


def test_alternatives_differ_from_buyer_to_buyer():
    scene = play("ann | hold A-9 A-10 | ok", venue=WIDE)
    first = [
        tuple(offered_to(scene, f"buyer {number}", "A-9 A-10")[0])
        for number in range(100)
    ]
    assert len(set(first)) > 30
    assert max(map(first.count, first)) < 15


def test_alternatives_are_of_the_category_asked_for_while_there_are_any():
    scene = play("ann | hold Z-1 Z-2 | ok", venue=WIDE)
    for window in offered_to(scene, "bob", "Z-1 Z-2"):
        assert {label[0] for label in window} == {"Z"}
    scene.play("org | block Z-3 Z-4 Z-5 Z-6 Z-7 Z-8 | ok")
    others = offered_to(scene, "bob", "Z-1 Z-2")
    assert len(others) == 3
    assert {label[0] for window in others for label in window} <= set("ABCDEFGH")


def test_where_nothing_is_left_nothing_is_offered():
    scene = play("ann | hold A-1 A-2 A-3 A-4 | ok", venue=hall("A 1111"))
    assert offered_to(scene, "bob", "A-1 A-2") == []


def test_accessible_seats_are_not_offered_instead():
    scene = play("ann | hold A-1 | ok", venue=hall("A 1wwwc1"))
    assert offered_to(scene, "bob", "A-1") == [["A-6"]]


@pytest.mark.parametrize("user", ["ann", "bob", "zoe"])
def test_what_is_offered_instead_of_orphans_leaves_none(user):
    scene = Scene(WIDE, settings_of(prevent_orphans=True))
    refused = refused_hold(scene, user, "B-2 B-3")
    assert (refused.code, refused.orphans) == ("orphan_seat", ["B-1"])
    windows = offered_to(scene, user, "B-2 B-3")
    assert windows
    for window in windows:
        indexes = [scene.venue.seat_index[label] for label in window]
        assert scene.stock.finder.orphans(indexes) == []


def test_seats_that_are_taken_come_before_orphans():
    scene = play(
        """
        ann | hold A-1 A-2 | ok
        bob | hold A-2 A-4 | seat_not_free seats=A-2
        """,
        venue=WIDE,
        prevent_orphans=True,
    )
    assert scene.stock.version == 1
