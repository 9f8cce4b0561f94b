"""A line from its opening to its end, in the three modes that there are."""

from inventory.changes import EntrantsFixed, LineDrawn, LineOpened, TurnGiven
from inventory.commands import ChangeSale
from inventory.line.wishes import Wish
from tests.line_scene import LineScene
from tests.scenario import hall

HALL = hall("A 1111", "B 2222", areas={"GA": (6, "3")})


def test_in_a_list_what_is_freed_goes_to_who_waits():
    scene = LineScene(hall("A 1111"), "list")
    scene.open()
    assert [type(one) for one in scene.last] == [LineOpened, EntrantsFixed, LineDrawn]
    assert scene.take("ann", "A-1", "A-2", "A-3", "A-4") == "t1"
    scene.join("bob", Wish(2))
    scene.join("cat", Wish(2))
    assert scene.states() == "ww"
    scene.release("ann")
    given = [one for one in scene.last if type(one) is TurnGiven]
    assert [(one.user, one.because) for one in given] == [
        ("bob", "returned"),
        ("cat", "returned"),
    ]
    assert scene.held_by("bob") + scene.held_by("cat") == ["A-1", "A-2", "A-3", "A-4"]
    scene.check_replay()


def test_what_came_free_while_a_sale_was_paused_is_offered_when_it_goes_on():
    scene = LineScene(hall("A 1111"), "list")
    scene.open()
    assert scene.take("ann", "A-1", "A-2", "A-3", "A-4") == "t1"
    scene.join("bob", Wish(2))
    scene.ok("org", scene.make(ChangeSale, to="pause"))
    scene.release("ann")
    assert scene.states() == "w"
    scene.ok("org", scene.make(ChangeSale, to="resume"))
    assert scene.held_by("bob") == ["A-1", "A-2"]
    scene.check_replay()


def test_in_front_of_a_sale_one_waits_for_a_turn():
    scene = LineScene(HALL)
    assert scene.take("ann", "A-1") == "wait_your_turn"
    scene.open()
    assert scene.take("ann", "A-1") == "wait_your_turn"
    scene.join("ann")
    scene.join("bob")
    assert scene.give()
    assert scene.take("bob", "A-1") == "wait_your_turn"
    assert scene.take("ann", "A-1", "A-2") != "wait_your_turn"
    scene.book("ann")
    assert scene.states() == "dw"
    assert scene.take("ann", "A-3") == "wait_your_turn"
    scene.check_replay()


def test_a_drawn_line_is_in_the_order_of_its_key():
    scene = LineScene(HALL, "draw")
    scene.open()
    scene.gather([(f"u{number}", Wish(1, ("3",))) for number in range(5)])
    assert scene.states() == "wwwww"
    assert scene.give()
    assert scene.line.turns.open.keys() == {scene.line.user_of(1)}
    scene.check_replay()
