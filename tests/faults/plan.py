"""Which faults a run does, how often, and what it prints of them."""

import random
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path  # noqa: TC003

from tests.faults import crowds, disk, faults
from tests.faults.rig import Result, Rig

ROUNDS_PER_EVENT = 25
"""Then a new event begins: its journal stays short enough to be audited each time."""


@dataclass(frozen=True)
class Kind:
    """A fault by the name that `--only` takes, and how often a full run does it."""

    name: str
    fault: faults.Fault
    full: int
    disk_bytes: int | None = None
    """Of a small disk of its own, where the fault needs one."""


KINDS: Sequence[Kind] = (
    Kind("kill", faults.kill, 200),
    Kind("cut-commit", faults.cut_commit, 120),
    Kind("cut-byte", faults.cut_byte, 20),
    Kind("freeze-server", faults.freeze_server, 40),
    Kind("freeze-past-lease", faults.freeze_past_lease, 4),
    Kind("freeze-postgres", faults.freeze_postgres, 12),
    Kind("stop-postgres", faults.stop_postgres, 10),
    Kind("crash-postgres", faults.crash_postgres, 10),
    Kind("kill-backend", faults.kill_backend, 10),
    Kind("reset", faults.reset, 20),
    Kind("refuse", faults.refuse, 4),
    Kind("blackhole", faults.blackhole, 8),
    Kind("blackhole-recovery", faults.blackhole_recovery, 6),
    Kind("delay", faults.delay, 5),
    Kind("terminate", faults.terminate, 10),
    Kind("terminate-no-database", faults.terminate_without_database, 6),
    Kind("combined", faults.combined, 20),
    Kind("cancel", faults.cancel, 1),
    Kind("vanish", crowds.vanish, 1),
    Kind("stall", crowds.stall, 1),
    Kind("disk-full", disk.fill, 4, disk.DISK_BYTES),
)


def say(line: str) -> None:
    """Print a line at once: whoever watches a long run wants to see it go on."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Report:
    """Prints each fault as it is judged, and the totals at the end."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.kept: list[Path] = []
        self.began = time.monotonic()

    def add(self, result: Result) -> None:
        self.results.append(result)
        say(result.line())
        for violation in result.violations[:10]:
            say(f"    {violation}")

    @property
    def violations(self) -> int:
        return sum(len(result.violations) for result in self.results)

    def totals(self) -> None:
        by_kind: dict[str, list[Result]] = {}
        for result in self.results:
            by_kind.setdefault(result.kind, []).append(result)
        say(f"\n{'fault':<28}{'times':>6}  {'recovery: median, worst':<24}violations")
        for kind, results in by_kind.items():
            found = sorted(r.recovery_s for r in results if r.recovery_s is not None)
            recovery = (
                f"{found[len(found) // 2]:.2f} s, {found[-1]:.2f} s" if found else ""
            )
            broken = sum(len(result.violations) for result in results)
            say(f"{kind:<28}{len(results):>6}  {recovery:<24}{broken}")
        settled = [r for r in self.results if r.kind.endswith("settled")]
        sent = sum(result.counts.get("sent", 0) for result in settled)
        accepted = sum(result.counts.get("ok", 0) for result in settled)
        took = time.monotonic() - self.began
        say(
            f"{sent:,} commands sent, {accepted:,} accepted, {self.violations}"
            f" violations, in {took / 60:.1f} minutes"
        )
        for folder in self.kept:
            say(f"What was seen is kept in {folder}")


def run(report: Report, rounds: Iterable[tuple[Kind, int]], seed: int) -> None:
    """Do these faults, those that need a disk of their own on one."""
    for disk_bytes, group in groupby(rounds, key=lambda one: one[0].disk_bytes):
        if disk_bytes is not None and not disk.can_mount():
            say("disk-full: skipped, because we may not mount a disk here")
            continue
        rig = Rig(seed, disk_bytes=disk_bytes)
        try:
            run_rounds(rig, report, group)
        except BaseException:
            rig.keep = True
            raise
        finally:
            rig.close()
            if rig.keep:
                report.kept.append(rig.folder)


def run_rounds(rig: Rig, report: Report, rounds: Iterable[tuple[Kind, int]]) -> None:
    """Do some faults to one event after the other."""
    left = list(rounds)
    while left:
        now, left = left[:ROUNDS_PER_EVENT], left[ROUNDS_PER_EVENT:]
        with rig.selling():
            for kind, number in now:
                dice = random.Random(f"{rig.seed} {kind.name} {number}")
                result = kind.fault(rig, number, dice)
                rig.keep = rig.keep or bool(result.violations)
                report.add(result)
            names = {kind.name for kind, _ in now}
            name = names.pop() if len(names) == 1 else "mixed"
            result = rig.settle(name, rig.events)
            rig.keep = rig.keep or bool(result.violations)
            report.add(result)


def full_rounds(only: str | None, times: int | None) -> list[tuple[Kind, int]]:
    """List the faults of a full run, each kind `times` at most."""
    return [
        (kind, number)
        for kind in KINDS
        if only in (None, kind.name)
        for number in range(1, min(kind.full, times or kind.full) + 1)
    ]


def random_rounds(only: str | None, seed: int, count: int) -> list[tuple[Kind, int]]:
    """Draw some faults, the usual ones more often."""
    dice = random.Random(seed)
    kinds = [kind for kind in KINDS if only in (None, kind.name)]
    weights = [kind.full for kind in kinds]
    drawn = dice.choices(kinds, weights, k=count)
    # Those with a disk of their own together: each change of it is a new start.
    drawn.sort(key=lambda kind: kind.disk_bytes or 0)
    return [(kind, dice.randint(1, 1_000)) for kind in drawn]
