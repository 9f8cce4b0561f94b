"""`bench start`: how long the server takes until it is ready, on a warm directory.

From the start of the process to the line that says it is ready, everything included:
the interpreter, the embedded Postgres and its recovery, the tables, the first
administrator. A cold start, which also makes the database, is told as information, and
so is one after `kill -9`, where Postgres replays its log.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from msgspec import Struct

from bench.children import ChildError, die_with_parent
from bench.lab import describe_machine
from bench.outcome import BROKEN, HERE, STOPPED, Common, Outcome, conclude
from bench.progress import new_console
from bench.usage import cpu_seconds, machine_seconds

S_MAX = 2.0
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
READY = b"onsale is ready at "
ADMIN = {
    "ONSALE_ADMIN_EMAIL": "bench@example.org",
    "ONSALE_ADMIN_PASSWORD": "correct horse battery staple",
}


class Start(Struct, kw_only=True):
    """One start."""

    kind: str
    seconds: float
    cpu_s: float
    """Of the server and its Postgres until then."""

    others_share: float
    """How much of one core other work used meanwhile."""


def start_once(data: Path, kind: str, *, admin: bool, kill: bool = False) -> Start:
    """Start the server, wait for its line, and stop it."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ONSALE_") and name != "DATABASE_URL"
    }
    begun, machine = time.monotonic(), machine_seconds()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "server", "serve", "--port", "0"),
            *("--data-dir", str(data)),
        ],
        env=environment | (ADMIN if admin else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=die_with_parent(),
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.monotonic() - begun
        cpu_s = cpu_seconds([process.pid])
        others_s = max(0.0, machine_seconds() - machine - cpu_s)
        if not line.startswith(READY):
            process.kill()
            _, errors = process.communicate()
            raise ChildError(f"the server did not start:\n{errors.decode()}")
    finally:
        _stop(process, signal.SIGKILL if kill else signal.SIGTERM)
    return Start(
        kind=kind, seconds=seconds, cpu_s=cpu_s, others_share=others_s / seconds
    )


def _stop(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    process.send_signal(number)
    try:
        process.communicate(timeout=STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def measure(runs: int) -> list[Start]:
    """Start cold, then warm, in turns with and without an administrator."""
    # Not below /tmp, which may be memory; and where Postgres' user may pass through.
    place = Path(tempfile.mkdtemp(prefix="onsale-bench-", dir="/var/tmp"))
    place.chmod(0o711)
    data = place / "data"
    try:
        found = [start_once(data, "cold", admin=True)]
        for _ in range(runs):
            found.append(start_once(data, "warm", admin=False))
            found.append(start_once(data, "warm, administrator", admin=True))
        start_once(data, "warm", admin=False, kill=True)
        found.append(start_once(data, "after kill -9", admin=True))
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return found


def conclude_starts(starts: list[Start]) -> Outcome:
    """Make the table, a row for each kind of start."""
    kinds: dict[str, list[Start]] = {}
    for one in starts:
        kinds.setdefault(one.kind, []).append(one)
    medians = {
        kind: median(one.seconds for one in found) for kind, found in kinds.items()
    }
    others = median(one.others_share for one in starts)
    return Outcome(
        bench="start",
        title="From the start of the process to ready",
        columns=["start", "runs", "median s", "least s", "most s", "CPU s"],
        rows=[
            [
                kind,
                str(len(found)),
                f"{medians[kind]:.2f}",
                f"{min(one.seconds for one in found):.2f}",
                f"{max(one.seconds for one in found):.2f}",
                f"{median(one.cpu_s for one in found):.2f}",
            ]
            for kind, found in kinds.items()
        ],
        figures={"s_max": S_MAX, "starts": starts},
        notes=[f"Other work used {others:.0%} of a core meanwhile (median)."],
        missed=[
            f"{kind}: {seconds:.2f} s (median), over {S_MAX:g} s"
            for kind, seconds in medians.items()
            if kind.startswith("warm") and seconds > S_MAX
        ],
        machine=describe_machine(),
    )


def start(*, runs: int = 5, common: Common = HERE) -> int:
    """Measure how long the server takes from its start until it is ready.

    Ends with 1 where the
    median of the starts on a warm data directory is over 2 s.

    Parameters
    ----------
    runs
        Warm starts, with and without an administrator to make sure of.
    """
    try:
        starts = measure(runs)
    except ChildError as error:
        new_console().print(str(error), style="bold red", markup=False)
        return BROKEN
    except KeyboardInterrupt:
        return STOPPED
    return conclude(conclude_starts(starts), common)
