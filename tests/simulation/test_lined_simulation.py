"""Worlds with lines keep every promise, and show what is broken."""

from collections import Counter

import pytest

from inventory.rules import line_turns
from server.events.line.feeder import Feeders
from tests.simulation.tape import draw
from tests.simulation.world import play

SEEDS = range(1, 11)
COMMANDS = 200
ENDS = {
    "line join ok",
    "line join already_waiting",
    "line leave ok",
    "line wish ok",
    "line pause ok",
    "line go on ok",
    "line look ok",
    "line grant ok",
    "line pause line ok",
    "line set line ok",
    "line transcript ok",
    "turn line",
    "turn returned",
    "verify whole",
    "verify whole,",
}
"""What comes of people, of turns, and of transcripts, some of which are weak."""


def test_lines_keep_their_promises_whatever_goes_wrong():
    counts: Counter[str] = Counter()
    for seed in SEEDS:
        outcome = play(draw(seed, COMMANDS, lined=True))
        told = f"python3 dev.py simulate --lined --commands {COMMANDS} --seed {seed}"
        assert outcome.violations == [], told
        counts += outcome.orders
    assert counts.keys() >= ENDS, "lines never come to some end"


def test_a_line_does_the_same_each_time():
    """L31: the same tape twice gives the same line."""
    assert len({play(draw(7, COMMANDS, lined=True)).hash for _ in range(2)}) == 1


async def feed_nobody(*_: object) -> bool:
    """Believe that somebody else feeds."""
    return False


def give_always(*_: object) -> None:
    """Give turns whatever the sale and the line are."""


SABOTAGE = {
    "nobody is fed": (Feeders, "step", feed_nobody),
    "turns are given at any time": (line_turns, "no_turns", give_always),
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_what_is_sabotaged_is_found(name, monkeypatch):
    monkeypatch.setattr(*SABOTAGE[name])
    tapes = (draw(seed, COMMANDS, lined=True) for seed in range(1, 40))
    assert any(play(tape).violations for tape in tapes), "no seed found it"
