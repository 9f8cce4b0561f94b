"""Lines that the event's own rules have played have whole transcripts (L28)."""

import json

import pytest

from inventory.changes import EntrantsFixed, EventConfigured, TurnGiven
from server.events.line.transcript.records import Joins, Journal
from server.events.line.transcript.writer import Transcript
from server.events.line.verify.checker import check
from server.events.line.verify.options import Options
from tests.inventory.line.test_line_twin import Run, play
from tests.scenario import EVENT
from tests.server.events.line.verify.bending import SERVER, Json, signed

SEEDS = range(24)


def written(run: Run) -> list[bytes]:
    fixed = next(one for one, _ in run.journal if isinstance(one, EntrantsFixed))
    minutes = [(1, fixed.entries)] if fixed.entries else []
    writer = Transcript(
        event=EVENT, draw=1, key=SERVER, joins=Joins(gates={}, minutes=minutes)
    )
    writer.take(0, 0, EventConfigured(run.settings))
    lines = b"".join(
        writer.take(version, at_ms, change)
        for version, (change, at_ms) in enumerate(run.journal, 1)
    )
    last = Journal(chain="00" * 32, history_id="h", version=len(run.journal))
    lines += writer.end(over=False, at_ms=run.now_ms, journal=last)
    return lines.splitlines(keepends=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_line_of_the_events_rules_is_whole(seed):
    run = play(seed)
    report = check(written(run), Options())
    weak = ", weak: seed_only" if run.line.rules.mode == "draw" else ""
    assert report.verdict() == f"whole{weak}", list(report.lines())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_turn_of_it_that_somebody_else_gets_is_found(seed):
    """The first turn goes to the last in line, and all is signed again."""
    run = play(seed)
    told: list[Json] = [json.loads(line) for line in written(run)][:-1]
    turn = next((one for one in told if one["type"] == "turn"), None)
    if turn is None:
        assert not any(isinstance(one, TurnGiven) for one, _ in run.journal)
        return
    turn["rank"] = max(
        one["counts"]["entries"] + one["counts"]["late"] for one in told[-1:]
    )
    assert check(signed(told), Options()).verdict() == "broken"
