"""`onsale demo --line` in small: all of it runs, and what it says can be checked."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from persistence.journal.audit import Receipt
from server.ops.demo.line.checking import TRANSCRIPT
from server.ops.demo.line.command import compare, returned_of, times_of
from server.ops.demo.line.progress import describe
from server.ops.demo.line.reports import Final, Report
from tests.scratch import make_folder
from tests.server.ops.demo.receipts import receipt_of

ROOT = Path(__file__).parents[5]


@pytest.fixture
def folder() -> Iterator[Path]:
    path = make_folder("test")
    yield path
    shutil.rmtree(path)


@pytest.mark.slow
@pytest.mark.postgres
def test_a_small_line_is_drawn_served_and_found_whole(folder: Path) -> None:
    arguments = ["--line", "--port", "0", "--buyers", "30", "--seats", "20", "--once"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "server", "demo", *arguments),
            *("--pace", "0.1", "--data-dir", str(folder)),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "PROBLEM" not in done.stdout
    assert "Traceback" not in done.stdout
    told = re.search(r"fingerprint ((?:[0-9a-f]{4} ){7}[0-9a-f]{4})\.", done.stdout)
    assert told is not None, done.stdout
    assert f"told as {told[1]}" in done.stdout
    assert "The order is drawn by the round" in done.stdout
    assert "\nwhole" in done.stdout
    # All of it has ended: what was printed is checked with files alone.
    printed = re.search(r"^  (.* verify .*)$", done.stdout, re.MULTILINE)
    assert printed is not None, done.stdout
    again = run(printed[1])
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.strip().splitlines()[-1].startswith("whole")
    transcript = folder / TRANSCRIPT
    transcript.write_bytes(transcript.read_bytes().replace(b'"draw":1', b'"draw":2'))
    assert run(printed[1]).returncode == 1


def run(command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as it was printed, with the code of this checkout."""
    return subprocess.run(
        shlex.split(command),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


REPORT = Report(
    elapsed_s=1.0,
    phase="open",
    joined=12,
    waiting=3,
    turns=5,
    next=7,
    per_min=None,
    free=1,
    held=2,
    booked=4,
    returned=0,
)
FINAL = Final(
    report=REPORT,
    sold_out=False,
    capacity=7,
    seats=3,
    places_in_areas=1,
    bookings=2,
    entrants=10,
    wishes=2,
    slept=1,
    returned=0,
    timed=0,
    returned_p50_ms=None,
    returned_p99_ms=None,
    reloaded=1,
    fixed=None,
    arrived_ms=0,
    place=None,
    version=9,
    problems=[],
)


def receipt(booked: int = 4, bookings: int = 2, *, ok: bool = True) -> Receipt:
    return receipt_of(seats=booked - 1, places=1, bookings=bookings, version=9, ok=ok)


def test_whatever_people_and_audit_do_not_agree_on_is_told() -> None:
    assert compare(FINAL, receipt()) == []
    assert len(compare(FINAL, receipt(booked=5))) == 1
    assert len(compare(FINAL, receipt(bookings=3))) == 1
    assert len(compare(FINAL, receipt(ok=False))) == 1
    assert len(compare(replace(FINAL, places_in_areas=2), receipt())) == 1


@pytest.mark.parametrize("pace", [0.01, 0.2, 1.0, 60.0])
def test_at_each_pace_the_list_is_fixed_before_the_sale_opens(pace: float) -> None:
    times = times_of(pace)
    assert times.closes_before > times.fix_within >= 2
    assert min(times.gather, times.sell_out, times.turn) >= 1


def test_the_line_of_progress_says_how_many_joined_and_then_who_is_next() -> None:
    assert "gathering: 12 in line" in describe(replace(REPORT, phase="gathering"))
    assert "rank 7  sold 4  held 2  free 1" in describe(REPORT)
    assert "turns 5 (61 a minute)" in describe(replace(REPORT, per_min=61.2))


def test_times_of_what_came_back_are_told_where_there_are_any() -> None:
    assert returned_of(FINAL) == []
    (said,) = returned_of(replace(FINAL, returned=3))
    assert said == "3 places came back and went to the next in line."
    told = replace(FINAL, returned=3, timed=2, returned_p50_ms=4, returned_p99_ms=9)
    (said,) = returned_of(told)
    assert "2 times it is known" in said
    assert "4.0 ms (p50) and 9.0 ms (p99)" in said
