import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.database import COMMIT_FAULTS
from tests.simulation.tape import FAULTS, TAPES, draw, read, store
from tests.simulation.world import play

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 150
COMMANDS = 300
PARTS = 3


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_goes_wrong_every_promise_is_kept(part):
    faults: Counter[str] = Counter()
    commands = 0
    for seed in range(1 + part, 1 + SEEDS, PARTS):
        outcome = play(draw(seed, COMMANDS))
        assert outcome.violations == [], f"python3 dev.py simulate --seed {seed}"
        commands += outcome.commands
        faults += outcome.faults
    assert commands > COMMANDS * SEEDS / PARTS / 2
    assert faults.keys() >= {*COMMIT_FAULTS, *FAULTS}, "some fault never happens"


def test_a_seed_does_the_same_each_time():
    traces = [(play(draw(seed, 200)).hash, seed) for seed in (7, 8, 7, 8)]
    assert traces[:2] == traces[2:]
    assert len(set(traces)) == 2


def test_a_seed_does_the_same_in_another_process():
    command = [sys.executable, "-m", "tests.simulation", "--seed", "9"]
    command += ["--commands", "200"]
    said = {
        subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(said) == 1
    assert "seed 9: " in said.pop()


def test_a_stored_tape_is_the_run_that_was_stored(tmp_path):
    tape = draw(11, 150)
    store(tape, tmp_path / "tape.json")
    assert play(read(tmp_path / "tape.json")).hash == play(tape).hash


@pytest.mark.parametrize(
    "path", sorted(TAPES.glob("*.json")), ids=lambda path: path.stem
)
def test_what_once_went_wrong_is_right(path):
    assert play(read(path)).violations == []
