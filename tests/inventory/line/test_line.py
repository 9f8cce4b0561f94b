"""What happens to the line by each change, and what no change may do."""

import pytest
from msgspec.structs import replace

from inventory.changes import (
    LineFed,
    PlaceLeft,
    PlacePaused,
    PlaceResumed,
    PresenceNoted,
    TurnEnded,
    TurnGiven,
    WishSet,
)
from inventory.commands import NotePresence, PausePlace, ResumePlace, SetWish
from inventory.line.wishes import Wish
from inventory.records import Corrupt
from tests.line_scene import SYSTEM, LineScene
from tests.scenario import NOW_MS, hall


def waiting(*wishes: Wish | None) -> LineScene:
    scene = LineScene(hall("A 11111111", "B 22222222"))
    scene.open()
    for number, wish in enumerate(wishes, 1):
        scene.join(f"u{number}", wish)
    return scene


def test_users_and_wishes_are_found_by_rank():
    scene = waiting(*[None, Wish(2), Wish(2)] * 500)
    line = scene.line
    assert line.fed == 1_500
    assert [line.user_of(rank) for rank in (0, 1, 777, 1_500, 1_501)] == [
        None,
        "u1",
        "u777",
        "u1500",
        None,
    ]
    assert [line.wish_of(rank) for rank in (1, 2)] == [None, Wish(2)]
    # Steps of few are one segment: there may be very many of them.
    assert len(line.users) < 10


@pytest.mark.parametrize(
    "change",
    [
        PlacePaused(9),
        PlaceResumed(1),
        PlaceLeft(0),
        PresenceNoted((), (1,)),
        TurnEnded(1, "u1", "left"),
        WishSet(1, 7, ()),
        WishSet(9, 0, ()),
        TurnGiven(9, "u9", "line", NOW_MS),
        LineFed(3, ("ann",), b"x" * 16, b"\0\0", (), (), 3),
        LineFed(2, ("ann",), b"x" * 16, b"\0\7", (), (), 3),
        LineFed(2, ("ann",), b"x" * 16, b"\0\1", (Wish(2), Wish(2)), (), 3),
    ],
)
def test_what_does_not_fit_the_line_stops_the_event(change):
    scene = waiting(None)
    with pytest.raises(Corrupt):
        scene.stock.apply(change, NOW_MS)


def test_nobody_has_a_line_before_it_is_opened():
    scene = LineScene(hall("A 1"))
    with pytest.raises(Corrupt, match="no line"):
        scene.stock.apply(PlaceLeft(1), NOW_MS)


def test_a_line_is_not_fed_before_it_is_drawn():
    scene = LineScene(hall("A 1"), "draw")
    scene.open()
    fed = LineFed(1, ("ann",), b"x" * 16, b"\0\0", (), (), None)
    with pytest.raises(Corrupt, match="before it is drawn"):
        scene.stock.apply(fed, NOW_MS)


def test_who_was_passed_over_is_back_in_the_same_place():
    """L17, by presence and by pause, for wishes and for those who choose."""
    for wish in (Wish(1), None):
        scene = waiting(*[wish] * 4)
        scene.line.serve_away = False
        scene.twin.serve_away = False
        scene.ok(SYSTEM, scene.make(NotePresence, away=[1, 2]))
        scene.ok("u3", scene.make(PausePlace, rank=3))
        scene.give()
        assert scene.states() == "aapt"
        scene.ok("u3", scene.make(ResumePlace, rank=3))
        scene.ok(SYSTEM, scene.make(NotePresence, back=[2]))
        scene.give()
        assert scene.states() == "atwt"
        scene.ok(SYSTEM, scene.make(NotePresence, back=[1]))
        scene.give()
        assert scene.states() == "ttwt"


def test_what_did_not_fit_is_looked_at_again_when_something_is_freed():
    scene = waiting(Wish(8, ("1",)), Wish(7, ("1",)))
    scene.take("org", "A-1")
    assert scene.give()
    assert scene.states() == "wt"
    assert not scene.give()
    assert scene.line.is_parked((8, "1", True, False))
    scene.stock.check()
    scene.release("org")
    assert scene.states() == "wt"
    scene.release("u2")
    # u2 keeps the turn, and may choose.
    assert scene.states() == "tt"


def test_a_lower_rank_that_joins_what_did_not_fit_is_found_first():
    """It is kept at which rank an atom is looked at again."""
    scene = waiting(Wish(1, ("2",)), Wish(8, ("1",)), Wish(8, ("1",)))
    scene.take("org", "A-1")
    assert scene.give()
    assert not scene.give()
    scene.join("u4", Wish(1, ("2",)))
    scene.ok("u2", scene.make(PausePlace, rank=2))
    scene.ok("u2", scene.make(ResumePlace, rank=2))
    # One seat came back, which is one turn, and the next is another's.
    scene.release("org")
    assert scene.states() == "ttww"
    assert scene.give()
    assert scene.states() == "ttwt"


def test_any_and_some_category_may_wait_at_one_rank():
    """What did not fit is looked at again: they are sorted by rank, then by kind."""
    scene = waiting(Wish(8, ("1",)), Wish(8))
    scene.take("org", "A-1", "B-1")
    scene.ok("u1", scene.make(SetWish, rank=1, wish=Wish(7)))
    while scene.line.heads:
        scene.line.park(*scene.line.heads.pop())
    scene.line.freed.update({"1", "2"})
    assert scene.give()
    assert scene.states() == "tw"


def test_many_wishes_one_after_another_leave_no_trace():
    scene = waiting(Wish(1), None)
    for _ in range(3):
        for wish in (Wish(2), None, Wish(1, if_none="browse"), Wish(1)):
            scene.ok("u1", scene.make(SetWish, rank=1, wish=wish))
    scene.check_replay()
    assert scene.line.waiting_wishes == 1
    scene.give()
    assert scene.states() == "tw"


def test_a_granted_turn_is_kept_when_a_new_line_is_opened():
    scene = waiting()
    scene.line.turns.grant("ann", NOW_MS + 60_000, NOW_MS)
    scene.stock.apply(replace(scene.line.opened, draw=2), NOW_MS)
    assert scene.line.turns.lets("ann", NOW_MS)
