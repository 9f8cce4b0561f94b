"""A short form of `python3 dev.py faults`, in every run of the tests."""

import random
from collections.abc import Iterator

import pytest

from tests.faults import crowds, faults
from tests.faults.rig import Result, Rig

pytestmark = [pytest.mark.race, pytest.mark.slow]

KILLS = 2
CUTS = 3
VANISHING = 20
SLACK = 4.0
"""It runs beside other tests; how soon is judged by `dev.py faults`, which does not."""


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    rig = Rig(1, buyers=30, watchers=2, slack=SLACK)
    try:
        yield rig
    finally:
        rig.close()


def judged(rig: Rig, results: list[Result]) -> None:
    """Claim that no fault broke a promise; keep what is needed to see why one did."""
    broken = [result.line() for result in results if result.violations]
    rig.keep = rig.keep or bool(broken)
    assert not broken, (broken, [r.violations[:5] for r in results], str(rig.folder))
    assert all(result.counts["ok"] for result in results)


def test_killed_cut_frozen_and_left_nothing_acknowledged_is_lost(rig: Rig):
    dice = random.Random(1)
    with rig.selling():
        results = [faults.kill(rig, number, dice) for number in range(KILLS)]
        results += [faults.cut_commit(rig, number, dice) for number in range(CUTS)]
        results.append(faults.freeze_server(rig, 1, dice))
        results.append(faults.stop_postgres(rig, 1, dice))
        results.append(crowds.vanish(rig, 1, dice, count=VANISHING))
        results.append(faults.terminate(rig, 1, dice))
        results.append(rig.settle("short", 1))
    judged(rig, results)


def test_the_witness_would_have_seen_an_acknowledged_command_that_is_lost(rig: Rig):
    with rig.selling():
        rig.run(0.3)
        assert rig.settle("untouched", 1).violations == []
        line = next(line for line in rig.ledger.lines if line["q"]["op"] == "hold_best")
        line["r"] = {**line["r"], "version": 1_000_000}
        assert rig.ledger.judge() != []
