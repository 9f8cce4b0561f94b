"""The memory of keyed commands."""

import pytest
from msgspec import msgpack

from inventory import limits
from inventory.commands import Book, Extend, Hold
from inventory.keys import KeyMemory, Remembered, replay
from inventory.replies import BookOk, ExtendOk, HoldOk, Refused
from tests.scenario import EVENT, NOW_MS, play


def remembered(scene, user, command) -> Remembered:
    return Remembered(b"hash", msgpack.encode(scene.ask(user, command)))


def test_a_replay_gives_the_first_answer_again():
    scene = play("ann | hold A-1 GA*2 | ok")
    first = scene.ask("ann", "book h1")
    known = Remembered(b"hash", msgpack.encode(first))
    command = Book(id=9, event=EVENT, hold="h1", key="k")
    again = replay(command, b"hash", known, NOW_MS + 1_000_000)
    assert isinstance(again, BookOk)
    assert again == first


@pytest.mark.parametrize(
    ("kind", "command", "cls"),
    [
        (Hold(id=1, event=EVENT, seats=["A-2"]), "hold A-2 on=h1", HoldOk),
        (Extend(id=1, event=EVENT, hold="h1"), "extend h1", ExtendOk),
    ],
)
def test_a_replay_counts_the_time_that_is_left_again(kind, command, cls):
    scene = play("ann | hold A-1 | ok")
    known = remembered(scene, "ann", command)
    first = msgpack.decode(known.outcome, type=cls)
    later = replay(kind, b"hash", known, NOW_MS + 250_000)
    assert isinstance(later, cls)
    assert later.expires_in_ms == 350_000
    assert later.expires_at == first.expires_at
    over = replay(kind, b"hash", known, NOW_MS + 700_000)
    assert isinstance(over, cls)
    assert over.expires_in_ms == 0
    later.expires_in_ms = first.expires_in_ms
    assert later == first


def test_a_key_with_another_command_is_refused():
    scene = play("ann | hold A-1 | ok")
    known = remembered(scene, "ann", "book h1")
    answer = replay(Hold(id=1, event=EVENT, seats=["A-1"]), b"other", known, NOW_MS)
    assert isinstance(answer, Refused)
    assert answer.code == "key_reused"


def test_keys_belong_to_their_user():
    memory = KeyMemory(complete=True)
    memory.add("ann", "k", b"hash", b"outcome")
    assert memory.get("ann", "k") == Remembered(b"hash", b"outcome")
    assert memory.get("bob", "k") is None
    assert memory.get("ann", "k") is not None
    assert memory.get("bob", "k") is None


def test_the_oldest_are_forgotten_and_the_memory_knows_that(monkeypatch):
    monkeypatch.setattr(limits, "KEYS_REMEMBERED_MAX", 2)
    memory = KeyMemory(complete=True)
    for key in "abcd":
        memory.add("ann", key, b"", b"")
    assert memory.get("ann", "a") is not None, "nothing vanishes within a batch"
    memory.trim()
    assert [memory.get("ann", key) is None for key in "abcd"] == [
        True,
        True,
        False,
        False,
    ]
    assert not memory.complete


def test_a_memory_within_its_bound_forgets_nothing():
    memory = KeyMemory(complete=True)
    memory.add("ann", "a", b"", b"")
    memory.trim()
    assert memory.complete
    assert memory.get("ann", "a") is not None
