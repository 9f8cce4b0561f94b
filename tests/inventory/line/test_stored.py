"""The line in a snapshot, its invariants, and what is stored of it today."""

import pytest
from msgspec import msgpack

from inventory.commands import (
    GrantTurn,
    LeaveLine,
    NotePresence,
    PausePlace,
    SetLine,
)
from inventory.line.line import Line
from inventory.line.queues import Queue
from inventory.line.stored import LineFacts, facts_of, restore
from inventory.line.wishes import Wish
from inventory.records import Corrupt
from inventory.snapshot import decode_snapshot, encode_snapshot
from tests.line_scene import SYSTEM, LineScene
from tests.scenario import ORGANIZER, hall


def busy() -> LineScene:
    """A line with places in every state."""
    scene = LineScene(hall("A 11111111", "B 22222222"), max_per_user=3)
    scene.open()
    scene.ok(SYSTEM, scene.make(GrantTurn, user="u4", until_s=600, because="presale"))
    scene.take("u4", "B-1", "B-2", "B-3")
    for number in range(1, 8):
        scene.join(f"u{number}", [None, Wish(1), Wish(2, ("1", "2"))][number % 3])
    scene.feed([("u8", None)], more_time=[8])
    scene.feed([("u9", Wish(1))], left=[9])
    scene.ok(SYSTEM, scene.make(NotePresence, away=[6]))
    scene.ok("u5", scene.make(PausePlace, rank=5))
    for _ in range(3):
        scene.give()
    scene.book("u1")
    scene.tick(185)
    scene.give()
    scene.ok(ORGANIZER, scene.make(SetLine, sell_out_s=60, turns_per_min=9))
    scene.take("u3", "A-8")
    return scene


def test_all_of_it_is_in_a_snapshot():
    scene = busy()
    assert set(scene.states()) >= set("wpudlt")
    scene.check_replay()
    read = decode_snapshot(encode_snapshot(scene.stock), scene.venue)
    other = busy()
    other.stock = read
    for line in (scene.line, other.line):
        assert line.turns.ran_out("u3") == scene.line.turns.ran_out("u3")
    # What is not in the digest goes on alike: who is next.
    other.now_ms = scene.now_ms
    for _ in range(5):
        scene.give()
        other.give()
    assert other.line.states == scene.line.states


def test_who_had_another_turn_since_did_not_run_out():
    """Found by simulation: after a recovery they were told that it had."""
    scene = LineScene(hall("A 11111111"))
    scene.open()
    scene.join("ann", name="first")
    scene.give()
    scene.tick(185)
    assert scene.line.turns.ran_out("ann")
    scene.join("ann", name="second")
    scene.give()
    scene.ok("ann", scene.make(LeaveLine, rank=2))
    assert not scene.line.turns.ran_out("ann")
    scene.check_replay()
    read = decode_snapshot(encode_snapshot(scene.stock), scene.venue)
    assert read.line is not None
    assert not read.line.turns.ran_out("ann")


def test_a_line_that_lost_places_is_not_read():
    scene = busy()
    facts = facts_of(scene.line)
    with pytest.raises(Corrupt, match="lost places"):
        restore(scene.stock, facts, [("u1",)])


def test_fields_that_a_version_to_come_appends_are_passed_over():
    """As msgspec reads arrays: what is longer is cut."""
    facts = facts_of(busy().line)
    longer = msgpack.encode([*msgpack.decode(msgpack.encode(facts)), "more"])
    assert msgpack.decode(longer, type=LineFacts) == facts


def forget(line: Line) -> None:
    """Let nobody wait for anything."""
    line.queues = {atom: Queue() for atoms in line.atoms for atom in atoms}


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("W1", lambda line: line.classes.append(0)),
        ("W1", lambda line: line.classes.__setitem__(0, 99)),
        ("W2", lambda line: line.states.__setitem__(line.states.index(b"w"), ord("t"))),
        ("W2", lambda line: line.turns.open.clear()),
        ("W3", forget),
        ("W3", lambda line: setattr(line, "waiting_wishes", 99)),
        ("W4", lambda line: line.limited.clear()),
        ("W5", lambda line: line.turns.choosing.add("nobody")),
    ],
)
def test_each_invariant_is_looked_at(name, damage):
    scene = busy()
    damage(scene.line)
    with pytest.raises(Corrupt, match=name):
        scene.stock.check()
