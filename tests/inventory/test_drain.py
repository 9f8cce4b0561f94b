"""One batch being decided, where an event has a line: what is owed comes first."""

from inventory.commands import Block, Hold, Unblock
from inventory.line.wishes import Wish
from tests.line_scene import LineScene, code_of
from tests.scenario import ORGANIZER, hall

SEATS = 30


def blocked() -> LineScene:
    """A hall that is blocked, and thirty who wait for a seat of it."""
    scene = LineScene(
        hall("A " + "1" * SEATS), "list", max_per_booking=SEATS, max_per_user=SEATS
    )
    scene.open()
    scene.ok(ORGANIZER, scene.make(Block, seats=labels()))
    for number in range(SEATS):
        scene.join(f"u{number}", Wish(1))
    return scene


def labels() -> list[str]:
    return [f"A-{number}" for number in range(1, SEATS + 1)]


def test_what_there_was_no_time_for_comes_first_in_the_next_batch():
    scene = blocked()
    # Each look at the clock takes a third of what a batch may: three turns each.
    scene.clock.step_s = 0.004
    scene.send(ORGANIZER, scene.make(Unblock, seats=labels()))
    rude = scene.send("zoe", scene.make(Hold, seats=labels()))
    batches = 0
    while not rude:
        scene.turn()
        batches += 1
        waiting = scene.states().count("w")
        assert bool(scene.drain.owed) == (waiting > 0 or not rude)
    assert scene.states() == "t" * SEATS
    assert code_of(rude[0]) == "seat_not_free"
    assert batches >= 10


def test_each_batch_gets_on_however_slow_it_is():
    scene = blocked()
    scene.clock.step_s = 1.0
    scene.send(ORGANIZER, scene.make(Unblock, seats=labels()))
    scene.turn()
    for given in range(1, SEATS):
        assert scene.states().count("t") == given
        assert scene.turn()


def test_what_is_due_waits_for_what_is_owed():
    scene = LineScene(hall("A 1111"), "list")
    scene.open()
    for user, first in (("ann", 1), ("bob", 3)):
        seats = [f"A-{first}", f"A-{first + 1}"]
        scene.ok(user, scene.make(Hold, seats=seats))
    for number in range(4):
        scene.join(f"u{number}", Wish(1))
    scene.clock.step_s = 1.0
    scene.now_ms += 605_000
    scene.turn()
    # One hold is over and one turn given; the other hold has its time yet.
    assert scene.states() == "twww"
    assert len(scene.stock.holds) == 2
    scene.tick(0)
    assert scene.states() == "tttt"


def test_without_a_line_nothing_is_owed():
    scene = LineScene(hall("A 1111"), "list")
    scene.take("ann", "A-1")
    scene.release("ann")
    assert scene.drain.owed == 0
    assert scene.stock.line is None
