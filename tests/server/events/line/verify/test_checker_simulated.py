"""Lines that were decided at random are whole to whoever checks their transcripts."""

import pytest

from inventory import commands as c
from inventory.changes import EventConfigured
from server.events.line.transcript import records
from server.events.line.transcript.writer import Transcript
from server.events.line.verify.checker import check
from server.events.line.verify.options import Options
from tests.inventory.line.test_line_twin import Run, play
from tests.scenario import EVENT, NOW_MS
from tests.server.events.line.verify.bending import SERVER

SEEDS = range(12)
"""Of lists, lines in order of their coming, and drawn ones in turn."""


def transcript(run: Run) -> list[bytes]:
    """The lines of a run, from its journal and the state that it began in."""
    minute = NOW_MS // 60_000
    fixed = run.line.fixed
    assert fixed is not None
    minutes = [(minute, fixed.entries)] if fixed.entries else []
    joins = records.Joins(gates={}, minutes=minutes)
    writer = Transcript(event=EVENT, draw=1, key=SERVER, joins=joins)
    lines = writer.take(1, NOW_MS, EventConfigured(run.settings))
    for version, (change, at_ms) in enumerate(run.journal, 2):
        lines += writer.take(version, at_ms, change)
    told = records.Journal(
        chain="00" * 32, history_id="hst", version=len(run.journal) + 1
    )
    lines += writer.end(over=run.line.closed, at_ms=run.now_ms, journal=told)
    return lines.splitlines(keepends=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_the_actor_decides_is_whole_to_who_checks_it(seed):
    run = play(seed)
    found = check(transcript(run), Options())
    assert found.verdict().startswith("whole"), "\n".join(found.lines())


def test_a_line_that_is_closed_is_over():
    run = play(2)
    run.ok("org", run.make(c.SetLine, act="close"))
    run.tick(2_000)
    assert not run.line.turns.open
    lines = transcript(run)
    assert b'"over":true' in lines[-2]
    assert check(lines, Options()).verdict().startswith("whole")
