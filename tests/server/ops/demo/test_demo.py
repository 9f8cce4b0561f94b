import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from persistence.data_directory import DataDirectory
from server.ops.demo.children import (
    TEMPORARY_PARENT,
    TEMPORARY_PREFIX,
    child_environment,
    temporary_directory,
)
from server.ops.demo.ledger import Ledger
from server.ops.demo.progress import compare
from server.ops.demo.reports import Final, Report
from server.ops.demo.visitor import compare as compare_visit
from server.transport.client.board import Board
from server.transport.client.latencies import Latencies
from tests.scratch import make_folder
from tests.server.ops.demo.receipts import receipt_of

ROOT = Path(__file__).parents[4]


def demo(*arguments, **options):
    command = [sys.executable, "-m", "server", "demo", *arguments]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def descendants(pid):
    """Return every process below this one, as (pid, start time)."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(entry.name)] = (int(fields[1]), fields[19], fields[0])
    found: set[tuple[int, str]] = set()
    wanted = {pid}
    while wanted:
        wanted = {
            child
            for child, (parent, _, state) in parents.items()
            if parent in wanted and state != "Z"
        } - {child for child, _ in found}
        found |= {(child, parents[child][1]) for child in wanted}
    return found


def still_there(processes):
    left = set()
    for pid, started in processes:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if stat[19] == started and stat[0] != "Z":
            left.add(pid)
    return left


@pytest.fixture
def shop_directory():
    # Where Postgres' account can reach it, so that nothing is put elsewhere.
    path = make_folder("test")
    yield path
    shutil.rmtree(path)


@pytest.mark.slow
@pytest.mark.postgres
def test_a_small_demo_sells_out_and_the_audit_agrees(shop_directory):
    arguments = ("--port", "0", "--buyers", "10", "--seats", "60", "--once")
    process = demo(*arguments, "--pace", "0.2", "--data-dir", shop_directory)
    output, _ = process.communicate(timeout=180)
    assert process.returncode == 0, output
    assert "Sold out." in output
    # 79.00 and 47.40 less 10 %; the reduced one goes back with what it cost.
    assert "for 113.76 EUR, and gave the reduced one back: 42.66 EUR" in output
    assert "PROBLEM" not in output
    assert "Traceback" not in output


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal is Linux's")
def test_nothing_runs_on_after_the_demo_was_killed(shop_directory):
    process = demo("--port", "0", "--buyers", "5", "--data-dir", shop_directory)
    assert process.stdout is not None
    for line in process.stdout:
        if " sold " in line:
            break
    below = descendants(process.pid)
    assert len(below) > 3  # the server, the buyers, and a Postgres with its helpers
    process.kill()
    process.wait()
    deadline = time.monotonic() + 60
    while still_there(below) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert still_there(below) == set()
    process.stdout.close()


@pytest.mark.slow
@pytest.mark.postgres
def test_nothing_runs_on_after_the_demo_was_stopped(shop_directory):
    process = demo("--port", "0", "--buyers", "5", "--data-dir", shop_directory)
    assert process.stdout is not None
    url = ""
    for line in process.stdout:
        if line.startswith("Watch it sell: "):
            url = line.split()[-1].partition("/events/")[0]
        if " sold " in line:
            break
    with urllib.request.urlopen(f"{url}/health") as answer:
        payments = json.load(answer)["parts"]["payments"]
    assert (payments["provider"], payments["test"]) == ("gateway", True)
    below = descendants(process.pid) if sys.platform == "linux" else set()
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    process.wait(30)
    process.stdout.close()
    assert "Stopped before the end." in rest
    assert process.returncode == 130
    assert still_there(below) == set()


def test_a_taken_port_is_one_clear_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = demo("--port", str(port), "--once")
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert output == f"Port {port} is taken; choose another one with --port.\n"


def test_a_directory_that_cannot_be_made_is_one_clear_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    process = demo("--port", "0", "--data-dir", tmp_path / "file" / "data", "--once")
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert output.startswith("The data directory ")
    assert output.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [("--buyers", "0"), ("--seats", "0"), ("--pace", "0")]
)
def test_a_number_without_sense_is_one_clear_sentence(arguments):
    process = demo("--port", "0", "--once", *arguments)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert output.startswith(arguments[0])
    assert output.count("\n") == 1


def test_the_demo_hands_no_foreign_configuration_to_its_server(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://production")
    monkeypatch.setenv("ONSALE_PORT", "1")
    monkeypatch.setenv("PGHOST", "production")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    environment = child_environment(ONSALE_RATE_LIMITS="off")
    assert environment["ONSALE_RATE_LIMITS"] == "off"
    assert (
        not {
            "AWS_SECRET_ACCESS_KEY",
            "DATABASE_URL",
            "ONSALE_PORT",
            "PGHOST",
        }
        & environment.keys()
    )
    assert environment["PATH"] == os.environ["PATH"]


def test_a_temporary_directory_is_removed_with_what_it_has_elsewhere(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with temporary_directory() as path:
        DataDirectory(path).write_record("postgres-home", str(elsewhere))
        assert path.is_dir()
    assert not path.exists()
    assert not elsewhere.exists()


def test_what_a_killed_demo_left_is_removed_by_the_next_one_unless_in_use():
    left, used = (
        Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=TEMPORARY_PARENT))
        for _ in range(2)
    )
    with DataDirectory(used):
        for path in (left, used):
            os.utime(path, (0, 0))
        with temporary_directory():
            assert not left.exists()
            assert used.exists()
    os.utime(used, (0, 0))
    with temporary_directory():
        assert not used.exists()


# -- The buyers' own records


def booked(booking, seats, areas=None):
    return {"booking": booking, "reference": "R", "seats": seats, "areas": areas or {}}


def test_the_ledger_notices_a_seat_sold_twice():
    ledger = Ledger()
    ledger.add(1, booked("b1", ["A-1", "A-2"]))
    assert ledger.problems == []
    ledger.add(2, booked("b2", ["A-2"]))
    assert ledger.problems == ["Seat A-2 is in two bookings: b1, b2."]


def test_the_ledger_notices_a_lost_an_unknown_and_a_changed_booking():
    ledger = Ledger()
    ledger.add(1, booked("lost", ["A-1"]))
    ledger.add(1, booked("changed", ["A-2"]))
    ledger.add(2, booked("somebody else's", ["A-3"]))
    ledger.compare(1, [booked("changed", ["A-4"]), booked("unknown", ["A-5"])])
    assert len(ledger.problems) == 3
    assert any("lost" in problem and "gone" in problem for problem in ledger.problems)
    assert any("unknown" in problem for problem in ledger.problems)
    assert any("changed" in problem for problem in ledger.problems)


def test_the_ledger_agrees_with_the_same_bookings_in_another_order():
    ledger = Ledger()
    ledger.add(1, booked("b1", ["A-1", "A-2"], {"GA": 3}))
    ledger.compare(1, [booked("b1", ["A-2", "A-1"], {"GA": 3})])
    assert ledger.problems == []
    assert ledger.places == 5


def test_a_quantile_is_within_a_twelfth_of_the_truth():
    latencies = Latencies()
    for number in range(1, 1001):
        latencies.add(number / 10)
    assert 50 <= latencies.quantile(0.5) <= 50 * 13 / 12 + 0.1
    assert 99 <= latencies.quantile(0.99) <= 99 * 13 / 12 + 0.1


def publication(op, **fields):
    return {"op": op, "history_id": "H", "epoch": 1, "areas": {}, **fields}


def test_a_board_follows_contiguous_deltas_and_notices_a_gap():
    board = Board(3, {"GA": 2})
    assert board.take(publication("snapshot", version=4, seats="ffh"))
    assert board.take(
        publication(
            "delta",
            **{"from": 4, "to": 6},
            seats={"b": [0, 2]},
            areas={"GA": {"free": 0, "held": 0, "booked": 2, "blocked": 0}},
        )
    )
    assert board.letters == b"bfb"
    assert (board.count("booked"), board.count("free"), board.version) == (4, 1, 6)
    assert not board.take(publication("delta", **{"from": 7, "to": 8}, seats={}))
    assert (board.gaps, board.version) == (1, 6)
    assert not board.take(publication("beat", version=8))
    assert board.take(publication("beat", version=6))


def test_a_board_is_sold_out_only_when_all_is_booked():
    board = Board(2, {})
    assert board.take(publication("snapshot", version=1, seats="bh"))
    assert not board.sold_out
    assert board.take(publication("delta", **{"from": 1, "to": 2}, seats={"b": [1]}))
    assert board.sold_out


REPORT = Report(
    elapsed_s=1,
    free=0,
    held=0,
    booked=5,
    bookings=2,
    commands=4,
    commands_per_s=4,
    p50_ms=1,
    p99_ms=1,
    refused=0,
    retries=0,
    connected=1,
)
FINAL = Final(
    report=REPORT,
    sold_out=True,
    capacity=5,
    seats=3,
    places_in_areas=2,
    bookings=2,
    paid=9_300,
    declined=1,
    left=1,
    watchers=1,
    gaps=0,
    version=4,
    problems=[],
)


def receipt(**said):
    return receipt_of(**{"seats": 3, "places": 2, "bookings": 2, "version": 4} | said)


def test_a_receipt_that_agrees_with_the_buyers_records_is_no_problem():
    assert compare(FINAL, receipt(), 9_300) == []
    assert len(compare(FINAL, receipt(), 9_299)) == 1


def test_whatever_a_visitor_was_not_told_is_a_problem():
    def euros(amount):
        return {"amount": amount, "currency": "EUR"}

    quote = {"total": euros(900), "discount": euros(100)}
    paid, preview = {"total": euros(900)}, {"total": euros(400)}
    assert compare_visit(quote, paid, preview, 400) == []
    for other in (
        (quote, {"total": euros(901)}, preview, 400),
        ({**quote, "discount": euros(0)}, paid, preview, 400),
        (quote, paid, preview, 399),
    ):
        assert len(compare_visit(*other)) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"seats": 2},
        {"places": 3},
        {"bookings": 3},
        {"version": 5},
        {"ok": False},
        {"ok": False, "differences": ["A-1 is missing."]},
    ],
)
def test_whatever_differs_between_receipt_and_buyers_is_told(other):
    assert len(compare(FINAL, receipt(**other), 9_300)) == 1
