"""How a line is told to stand: marks that are exact, and nobody's count ever rises."""

import random

import msgspec
import pytest

from inventory.line.line import AWAY, DONE, LEFT, PAUSED, TURN, WAITING
from inventory.line.wishes import Wish
from server.events.line.waiters.leading import encode_state
from server.events.line.waiters.state import (
    LineState,
    ahead_of,
    left_of,
    marks_of,
    phase_now,
    state_of_line,
    wait_s,
)
from tests.line_scene import LineScene
from tests.scenario import NOW_MS, hall

HALL = hall("A 11111111", "B 22222222", areas={"GA": (6, "3")})


def scene_of(people=0, **others):
    scene = LineScene(HALL, "fifo", **others)
    scene.open()
    for number in range(people):
        scene.join(f"u{number}", None)
    return scene


def state_of(scene, turns=0, over_s=0.0):
    return state_of_line(scene.stock, scene.line, 1, NOW_MS, 4_096, turns, over_s)


def counted(line, rank):
    """Those before a rank who are not done, one by one."""
    return sum(chr(state) not in "dl" for state in line.states[: rank - 1])


def test_at_a_mark_it_is_exact_and_the_first_is_the_first_who_is_not_done():
    scene = scene_of(40)
    line, choose = scene.line, random.Random(1)
    for rank in range(1, 41):
        line.states[rank - 1] = DONE if rank < 8 else choose.choice(b"wwaputdl")
    line.states[7] = AWAY
    marks = marks_of(line)
    assert marks[0].rank == 8
    assert marks[-1].rank == 41
    assert len(marks) <= 16
    for mark in marks:
        assert mark.left == counted(line, mark.rank) == ahead_of(line, mark.rank)
        here = sum(chr(state) == "w" for state in line.states[: mark.rank - 1])
        assert mark.here == here


def test_marks_are_dense_in_front_and_few():
    scene = scene_of(1)
    scene.line.states = bytearray(b"w" * 200_000)
    marks = marks_of(scene.line)
    assert len(marks) <= 16
    assert [mark.rank for mark in marks[:3]] == [1, 2, 3]
    assert marks[-1].rank == 200_001
    assert marks[-1].left == 200_000


def test_a_line_of_nobody_has_a_mark_behind_all():
    scene = scene_of(0)
    assert [mark.rank for mark in marks_of(scene.line)] == [1]
    scene = scene_of(3)
    scene.line.states = bytearray(b"dld")
    assert [(mark.rank, mark.left) for mark in marks_of(scene.line)] == [(4, 0)]
    assert state_of(scene).ahead(2) == 0


@pytest.mark.parametrize("seed", range(5))
def test_how_many_are_ahead_never_rises_at_the_owner(seed):
    """L23: whatever becomes of who is before."""
    scene, choose = scene_of(30), random.Random(seed)
    line = scene.line
    told = [ahead_of(line, rank) for rank in range(1, 31)]
    for _ in range(200):
        at = choose.randrange(30)
        if line.states[at] not in (DONE, LEFT):
            line.states[at] = choose.choice([WAITING, AWAY, PAUSED, TURN, DONE, LEFT])
        now = [ahead_of(line, rank) for rank in range(1, 31)]
        assert all(new <= old for new, old in zip(now, told, strict=True))
        assert now == [counted(line, rank) for rank in range(1, 31)]
        told = now


def test_between_two_marks_it_is_on_the_line_that_joins_them():
    scene = scene_of(1)
    scene.line.states = bytearray(b"w" * 100_000)
    state = state_of(scene)
    for rank in (1, 77, 5_000, 99_999, 100_001):
        assert state.ahead(rank) == rank - 1
    scene.line.states[:50_000] = b"d" * 50_000
    state = state_of(scene)
    assert state.ahead(10) == 0
    assert state.ahead(60_001) == 10_000
    # Who came since is behind the last mark.
    assert state.ahead(100_011) == 50_010


def test_how_long_it_takes_is_a_range_and_not_known_at_first():
    assert wait_s(100, 49, 300.0) is None
    assert wait_s(100, 50, 0.0) is None
    assert wait_s(0, 300, 300.0) == (0, 0)
    low, high = wait_s(100, 300, 300.0) or (0, 0)
    assert low == 100
    # One in ten of hundred waits for longer than this, at one turn a second.
    assert 112 <= high <= 122
    few, many = wait_s(4, 300, 300.0), wait_s(10_000, 300, 300.0)
    assert few is not None
    assert many is not None
    assert few[1] / few[0] > 1.5 > 1.2 > many[1] / many[0]


def test_distances_follow_how_fast_it_goes():
    scene = scene_of(1)
    scene.line.states = bytearray(b"w" * 100_000)
    slow = state_of(scene)
    assert slow.near == pytest.approx(501, abs=2)
    assert slow.middle == pytest.approx(5_001, abs=2)
    fast = state_of(scene, 3_000, 300.0)
    assert fast.near == pytest.approx(1_201, abs=2)
    assert fast.middle == pytest.approx(6_001, abs=2)
    crawling = state_of(scene, 60, 300.0)
    assert crawling.near == crawling.middle == pytest.approx(501, abs=2)


def test_it_says_who_was_served_and_what_is_left():
    scene = scene_of(0)
    scene.join("ann", Wish(2, ("2",)))
    scene.join("bob", Wish(9, ("1",)))
    scene.join("cat", Wish(3, ("3",)))
    scene.give()
    scene.give()
    state = state_of(scene)
    assert state.next == 3
    assert state.left == {"1": 8, "2": 6, "3": 3} == left_of(scene.stock)
    assert (state.version, state.fed) == (scene.stock.version, 3)
    # Who has a turn is before one still; who books is not.
    assert state.ahead(3) == 2


def test_phases_are_what_the_event_knows():
    scene = scene_of(1)
    assert phase_now(scene.stock, scene.line, NOW_MS) == "open"
    opened = scene.line.opened
    scene.line.opened = msgspec.structs.replace(opened, wish_floor=23)
    assert phase_now(scene.stock, scene.line, NOW_MS) == "waitlist"
    opens_ms = scene.line.rules.opens_at_ms
    assert opens_ms is not None
    assert phase_now(scene.stock, scene.line, opens_ms - 1) == "gathering"
    scene.line.closed = True
    assert phase_now(scene.stock, scene.line, NOW_MS) == "over"
    waitlist = LineScene(HALL, "list")
    waitlist.open()
    assert phase_now(waitlist.stock, waitlist.line, NOW_MS) == "waitlist"


def test_all_of_it_is_a_kilobyte_at_most_and_comes_back():
    scene = scene_of(1)
    scene.line.states = bytearray(b"w" * 1_000_000)
    state = state_of(scene, 20_000, 300.0)
    data = encode_state(state)
    assert len(data) <= 1_024
    assert msgspec.msgpack.decode(data, type=LineState) == state
