"""Who is away: after half a minute, of the next few thousand, and never by mistake."""

from types import SimpleNamespace
from typing import Any

import pytest

from inventory import limits
from inventory.commands import ChangeSale
from server.events.line.waiters import leading
from server.events.line.waiters.presence import GONE_S, KEPT_MAX, Presence
from tests.line_scene import LineScene
from tests.scenario import ORGANIZER, hall


def line_of(states):
    scene = LineScene(hall("A 1111"), "fifo")
    scene.open()
    scene.line.states = bytearray(states)
    return scene.line


def test_who_is_not_seen_is_away_after_half_a_minute_and_back_at_once():
    line, presence = line_of(b"www"), Presence()
    assert presence.look(line, 0.0) == ([], [])
    presence.hear([1, 3], 10.0)
    assert presence.look(line, 29.9) == ([], [])
    assert presence.look(line, GONE_S) == ([2], [])
    line.states[1] = ord("a")
    assert presence.look(line, 31.0) == ([], [])
    presence.hear([2], 35.0)
    assert presence.look(line, 35.0) == ([], [2])
    line.states[1] = ord("w")
    # As long as anybody else, from when they were seen.
    assert presence.look(line, 64.0) == ([1, 3], [])
    assert presence.look(line, 65.0) == ([1, 2, 3], [])


def test_a_new_owner_waits_half_a_minute_before_anybody_is_away():
    line, presence = line_of(b"w" * 100), Presence()
    assert presence.look(line, 1_000.0) == ([], [])
    assert presence.look(line, 1_029.0) == ([], [])
    assert len(presence.look(line, 1_030.0)[0]) == 100


def test_while_nobody_could_be_heard_nobody_is_away():
    line, presence = line_of(b"ww"), Presence()
    presence.look(line, 0.0)
    presence.start_over()
    assert presence.look(line, 40.0) == ([], [])
    assert presence.look(line, 70.0) == ([1, 2], [])


def test_only_the_next_few_thousand_are_looked_at():
    line, presence = line_of(b"d" * 50 + b"w" * (2 * limits.LINE_HEAD)), Presence()
    presence.look(line, 0.0)
    assert presence.head == 50 + limits.LINE_HEAD
    away, _ = presence.look(line, GONE_S)
    assert away == list(range(51, 51 + limits.LINE_HEAD))
    # Whoever comes into sight has as long as all others.
    line.states[50 : 50 + limits.LINE_HEAD] = b"a" * limits.LINE_HEAD
    assert presence.look(line, GONE_S + 1) == ([], [])
    assert len(presence.look(line, 2 * GONE_S + 1)[0]) == limits.LINE_HEAD


def test_presence_of_who_does_not_wait_is_nothing():
    line, presence = line_of(b"wpdtul"), Presence()
    presence.hear([1, 2, 3, 4, 5, 6, 700], 1.0)
    assert presence.look(line, 1.0) == ([], [])
    assert presence.look(line, 100.0) == ([1], [])


@pytest.mark.parametrize("rounds", [20])
def test_it_remembers_those_who_wait_and_no_others(rounds):
    line, presence = line_of(b"w" * 1_000), Presence()
    for number in range(rounds):
        first = 1_000 * number + 1
        line.states[:] = b"d" * (first - 1) + b"w" * 1_000
        presence.hear(range(first, first + 1_000), float(number))
        presence.look(line, float(number))
        assert len(presence._seen) <= KEPT_MAX + 1_000
    assert len(presence._seen) < KEPT_MAX


@pytest.mark.parametrize("to", ["cancel", "close"])
def test_who_is_here_is_not_noted_of_a_sale_that_is_over(to):
    """Found by simulation: it was journaled for as long as anybody looked."""
    scene = LineScene(hall("A 1111"), "fifo")
    scene.open()
    scene.join("ann")
    local: Any = SimpleNamespace(actor=SimpleNamespace(stock=scene.stock))
    assert leading._is_noted(local)
    scene.ok(ORGANIZER, scene.make(ChangeSale, to=to))
    assert not leading._is_noted(local)
