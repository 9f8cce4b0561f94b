"""Pausing, waiting again, leaving."""

from inventory.commands import LeaveLine, NotePresence, PausePlace, ResumePlace
from inventory.line.wishes import Wish
from tests.line_scene import SYSTEM, LineScene
from tests.scenario import hall


def waiting(*users: str) -> LineScene:
    scene = LineScene(hall("A 11111111"))
    scene.open()
    for user in users:
        scene.join(user)
    return scene


def test_who_pauses_is_passed_over_and_keeps_the_place():
    scene = waiting("ann", "bob", "cat")
    pause, resume = (scene.make(kind, rank=1) for kind in (PausePlace, ResumePlace))
    assert scene.code("ann", pause) == "ok"
    assert scene.code("ann", pause) == "ok"
    scene.give()
    assert scene.states() == "ptw"
    assert scene.code("ann", resume) == "ok"
    assert scene.code("ann", resume) == "ok"
    scene.give()
    assert scene.states() == "ttw"
    assert scene.code("ann", pause) == "wrong_state"


def test_who_pauses_is_not_noted_away():
    scene = waiting("ann")
    scene.ok("ann", scene.make(PausePlace, rank=1))
    version = scene.stock.version
    scene.ok(SYSTEM, scene.make(NotePresence, away=[1], back=[1]))
    assert scene.stock.version == version
    assert scene.states() == "p"


def test_who_left_has_no_place_any_more():
    scene = waiting("ann", "bob")
    leave = scene.make(LeaveLine, rank=1)
    assert scene.code("bob", leave) == "place_not_found"
    assert scene.code("ann", scene.make(LeaveLine, rank=3)) == "place_not_found"
    assert scene.code("ann", leave) == "ok"
    assert scene.code("ann", leave) == "place_not_found"
    assert scene.code("ann", scene.make(ResumePlace, rank=1)) == "place_not_found"
    scene.give()
    assert scene.states() == "lt"


def test_leaving_with_a_key_has_one_effect():
    scene = waiting("ann")
    leave = scene.make(LeaveLine, rank=1)
    first = scene.ask("ann", leave, "k")
    again = scene.ask("ann", leave, "k")
    assert (first.version, again) == (scene.stock.version, first)


def test_a_place_is_left_once_its_turn_is_over():
    scene = waiting("ann")
    scene.give()
    scene.tick(185)
    for kind in (LeaveLine, PausePlace, ResumePlace):
        assert scene.code("ann", scene.make(kind, rank=1)) == "turn_over"


def test_before_there_is_a_line_there_is_no_place():
    scene = LineScene(hall("A 1"))
    assert scene.code("ann", scene.make(LeaveLine, rank=1)) == "line_not_open"


def test_who_has_all_one_may_have_cannot_wait_for_more():
    scene = LineScene(hall("A 1111"), "list", max_per_user=2, max_per_booking=2)
    scene.open()
    scene.take("ann", "A-1", "A-2")
    scene.take("bob", "A-3", "A-4")
    scene.join("ann", Wish(2))
    scene.release("bob")
    assert scene.states() == "u"
    assert scene.code("ann", scene.make(PausePlace, rank=1)) == "wrong_state"
    assert scene.code("ann", scene.make(ResumePlace, rank=1)) == "user_limit"
    scene.release("ann")
    assert scene.states() == "t"
