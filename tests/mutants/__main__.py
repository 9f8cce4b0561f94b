"""`python3 dev.py mutants`: plant each seeded bug in a copy, and see who notices."""

import argparse
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import NamedTuple

from tests.mutants.detectors import Detector, command_of, detectors_of, pytest
from tests.mutants.patches import ROOT, Mutant, read

PATIENCE_S = 300
"""A detector that takes longer hangs, which is a way of noticing."""

CPU_S_WANTED = 60
COPIED = ("inventory", "persistence", "server", "bench", "tests", "pyproject.toml")
FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
SUMMARY = "short test summary info"
"""What pytest writes above the names; logs before it have lines that look like them."""

FLUKES_MAX = 3
"""How many tests may fail without failing again, before the search is given up."""

_stamps = count(1)


class Run(NamedTuple):
    """What one detector said."""

    code: int
    cpu_s: float
    output: str


class Finding(NamedTuple):
    """How a mutant came out."""

    mutant: Mutant
    caught_by: str | None
    cpu_s: float
    broken: bool = False


class Copy:
    """A copy of the tree in which bugs are planted, one at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__")
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=ignored)
            elif source.exists():
                shutil.copy(source, folder / name)

    def judge(self, mutant: Mutant) -> Finding:
        """Plant the bug and ask the detectors until one fails."""
        path = self.folder / mutant.file
        text = path.read_text()
        cpu_s = 0.0
        self._write(path, mutant.planted(text))
        try:
            for detector in detectors_of(mutant.file):
                name, used_s, broken = self._ask(detector)
                cpu_s += used_s
                if name is not None:
                    return Finding(mutant, name, cpu_s, broken)
        finally:
            self._write(path, text)
        return Finding(mutant, None, cpu_s)

    def _ask(self, detector: Detector) -> tuple[str | None, float, bool]:
        """Return what in a detector failed, and failed again when it was asked alone.

        A test that fails by chance, say because the machine is busy, has not noticed
        anything: the others are asked without it.
        """
        flukes: list[str] = []
        cpu_s = 0.0
        while len(flukes) <= FLUKES_MAX:
            without = [part for name in flukes for part in ("--deselect", name)]
            run = self.run((*detector, *without))
            cpu_s += run.cpu_s
            if run.code == 0:
                break
            found = FAILED.search(run.output.rpartition(SUMMARY)[2])
            if found is None and "tests.simulation" in detector:
                return "simulation", cpu_s, False
            if found is None:
                last = run.output.strip().rpartition("\n")[2]
                say(f"  no test failed, and yet {run.code}: {last}")
                flukes.append(f"nothing {len(flukes)}")
                continue
            name = found.group(1)
            if run.code == 2 or self.run(pytest(name)).code != 0:
                return name, cpu_s, run.code == 2
            say(f"  a fluke: {name}")
            flukes.append(name)
        else:
            return f"{len(flukes)} tests that failed by turns", cpu_s, False
        return None, cpu_s, False

    def _write(self, path: Path, text: str) -> None:
        """Write with a time of its own, or a cached byte code might be taken for it."""
        path.write_text(text)
        stamp = 1_000_000_000 + next(_stamps)
        os.utime(path, (stamp, stamp))

    def run(self, detector: Detector) -> Run:
        """Run a detector in this copy; its CPU time is that of all its children."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            "PYTHONHASHSEED": "0",
        }
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(
                command_of(detector),
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            deadline = time.monotonic() + PATIENCE_S
            while True:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    break
                if time.monotonic() > deadline:
                    os.killpg(process.pid, signal.SIGKILL)
                time.sleep(0.05)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            text = output.read()
        return Run(process.returncode, usage.ru_utime + usage.ru_stime, text)


def check_baseline(copy: Copy, mutants: list[Mutant]) -> bool:
    """See that every detector is content with the code as it is."""
    needed = dict.fromkeys(one for m in mutants for one in detectors_of(m.file))
    good = True
    for detector in needed:
        run = copy.run(detector)
        if run.code != 0:
            say(f"Without any bug this fails: {' '.join(detector)}\n{run.output}")
            good = False
    return good


def judge_all(copies: list[Copy], mutants: list[Mutant]) -> list[Finding]:
    """Judge the mutants, one at a time in each copy, and tell of each."""
    free: queue.SimpleQueue[Copy] = queue.SimpleQueue()
    for copy in copies:
        free.put(copy)

    def judge(mutant: Mutant) -> Finding:
        copy = free.get()
        try:
            return copy.judge(mutant)
        finally:
            free.put(copy)

    findings = []
    with ThreadPoolExecutor(len(copies)) as pool:
        for finding in pool.map(judge, mutants):
            findings.append(finding)
            tell(finding)
    return findings


def tell(finding: Finding) -> None:
    mutant = finding.mutant
    if finding.caught_by is None:
        say(f"ESCAPED {mutant.name} ({mutant.file}): {mutant.guard}")
    elif finding.broken:
        say(f"BROKEN  {mutant.name}: {finding.caught_by} could not even be loaded")
    else:
        name = finding.caught_by.removeprefix("tests/")
        say(f"caught  {mutant.name:<44} {finding.cpu_s:5.1f} s  {name}")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is the report


def main() -> int:
    mutants = read()
    parser = argparse.ArgumentParser(prog="dev.py mutants", description=__doc__)
    parser.add_argument("--only", help="a part of the names of those to plant")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--no-baseline", action="store_true")
    options = parser.parse_args()
    if options.only is not None:
        wanted = options.only
        mutants = [one for one in mutants if wanted in f"{one.name} {one.file}"]
    if not mutants:
        parser.error("no mutant has such a name")
    with tempfile.TemporaryDirectory(prefix="onsale-mutants-", dir="/var/tmp") as made:
        folders = [Path(made, str(number)) for number in range(options.jobs)]
        for folder in folders:
            folder.mkdir()
        copies = [Copy(folder) for folder in folders]
        if not options.no_baseline and not check_baseline(copies[0], mutants):
            return 2
        findings = judge_all(copies, mutants)
    caught = [one for one in findings if one.caught_by is not None and not one.broken]
    quick = sum(one.cpu_s <= CPU_S_WANTED for one in caught)
    total_s = sum(one.cpu_s for one in findings)
    say(
        f"{len(caught)} of {len(findings)} seeded bugs caught,"
        f" {quick / max(1, len(caught)):.0%} of them within {CPU_S_WANTED} CPU-seconds;"
        f" {total_s:,.0f} CPU-seconds in all."
    )
    return 0 if len(caught) == len(findings) else 1


if __name__ == "__main__":
    sys.exit(main())
