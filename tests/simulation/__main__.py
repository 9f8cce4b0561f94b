"""`python3 dev.py simulate`: many seeds, what they did, and what was wrong."""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

CHUNK = 10
REPEAT_EVERY = 100
"""One seed in so many is run twice and must do the very same."""

SHOWN_MAX = 5


class Part:
    """What a chunk of seeds came to."""

    def __init__(self) -> None:
        self.seeds = 0
        self.commands = 0
        self.repeated = 0
        self.seconds = 0.0
        self.by_processes: dict[int, list[float]] = {}
        """Commands and seconds of the seeds with so many processes."""
        self.faults: Counter[str] = Counter()
        self.failed: list[tuple[int, list[str]]] = []

    def add(self, other: "Part") -> None:
        self.seeds += other.seeds
        self.commands += other.commands
        self.repeated += other.repeated
        self.seconds += other.seconds
        for processes, (commands, seconds) in other.by_processes.items():
            self.count(processes, commands, seconds)
        self.faults += other.faults
        self.failed += other.failed

    def count(self, processes: int, commands: float, seconds: float) -> None:
        figures = self.by_processes.setdefault(processes, [0.0, 0.0])
        figures[0] += commands
        figures[1] += seconds


def run_seeds(seeds: list[int], commands: int, lined: bool) -> Part:
    """Play these seeds; the time is that of this process alone."""
    import gc

    from tests.simulation.tape import draw
    from tests.simulation.world import play

    part = Part()
    began = time.process_time()
    for seed in seeds:
        tape = draw(seed, commands, lined=lined)
        started = time.process_time()
        outcome = play(tape)
        took = time.process_time() - started
        part.count(tape.world.processes, outcome.commands, took)
        part.seeds += 1
        part.commands += outcome.commands
        part.faults += outcome.faults
        violations = outcome.violations
        if seed % REPEAT_EVERY == 0:
            part.repeated += 1
            again = play(draw(seed, commands, lined=lined)).hash
            if again != outcome.hash:
                violations = [*violations, f"Not the same twice: {again:08x}"]
        if violations:
            part.failed.append((seed, violations))
    gc.collect()
    part.seconds = time.process_time() - began
    return part


def parts(options: argparse.Namespace) -> Iterator[Part]:
    """Yield the parts as they are done, over as many processes as asked for."""
    last = options.first_seed + options.seeds
    chunks = [
        list(range(start, min(start + CHUNK, last)))
        for start in range(options.first_seed, last, CHUNK)
    ]
    asked = options.commands, options.lined
    if options.jobs == 1:
        for chunk in chunks:
            yield run_seeds(chunk, *asked)
        return
    with ProcessPoolExecutor(options.jobs) as pool:
        futures = [pool.submit(run_seeds, one, *asked) for one in chunks]
        for future in futures:
            yield future.result()


def many(options: argparse.Namespace) -> int:
    """Run all seeds, and print the figures."""
    total = Part()
    began = time.monotonic()
    for part in parts(options):
        for seed, violations in part.failed[: SHOWN_MAX - len(total.failed)]:
            show(seed, violations, options)
        total.add(part)
        if total.failed and options.stop:
            break
    took = time.monotonic() - began
    say(
        f"{total.seeds} seeds, {total.commands:,} commands checked,"
        f" {total.faults.total():,} faults injected, {total.repeated} run twice,"
        f" {len(total.failed)} seeds with violations"
    )
    say(
        f"{took:.1f} s: {total.seeds / took:.1f} seeds/s,"
        f" {total.commands / took:,.0f} commands/s,"
        f" {total.commands / total.seconds:,.0f} commands/s per core"
    )
    for processes, (commands, seconds) in sorted(total.by_processes.items()):
        say(f"{processes} processes: {commands / seconds:,.0f} commands/s per core")
    say("faults: " + ", ".join(f"{k} {n:,}" for k, n in sorted(total.faults.items())))
    if total.failed and options.shrink:
        keep(*total.failed[0], options)
    return 1 if total.failed else 0


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def show(seed: int, violations: list[str], options: argparse.Namespace) -> None:
    say(f"seed {seed}: {len(violations)} violations; replay with")
    lined = " --lined" if options.lined else ""
    say(f"  python3 dev.py simulate --seed {seed} --commands {options.commands}{lined}")
    for sentence in violations[:3]:
        say(f"  {sentence}")


def keep(seed: int, violations: list[str], options: argparse.Namespace) -> None:
    """Make the failing tape small, and store it where a test replays it."""
    from tests.simulation.shrink import shrink
    from tests.simulation.tape import TAPES, draw, store

    drawn = draw(seed, options.commands, lined=options.lined)
    tape = shrink(drawn, violations[0])
    path = TAPES / f"seed_{seed}.json"
    store(tape, path)
    say(f"{len(tape.actions)} actions are left of seed {seed}; stored as")
    say(f"  tests/simulation/tapes/{path.name}")


def one(options: argparse.Namespace) -> int:
    """Replay one seed or one tape."""
    from tests.simulation.tape import draw, read
    from tests.simulation.world import play

    if options.tape is not None:
        tape = read(options.tape)
    else:
        tape = draw(options.seed, options.commands, lined=options.lined)
    outcome = play(tape)
    say(f"seed {tape.seed}: {outcome.commands} commands, trace {outcome.hash:08x}")
    for sentence in outcome.violations:
        say(f"  {sentence}")
    if outcome.violations and options.shrink and options.tape is None:
        keep(tape.seed, outcome.violations, options)
    return 1 if outcome.violations else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2_000)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--commands", type=int, default=1_000, help="per seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, help="play this one only")
    parser.add_argument("--tape", type=Path, help="play this stored tape")
    parser.add_argument("--lined", action="store_true", help="worlds with lines only")
    parser.add_argument("--stop", action="store_true", help="at the first violation")
    parser.add_argument(
        "--no-shrink",
        dest="shrink",
        action="store_false",
        help="store no small tape of the first failing seed",
    )
    options = parser.parse_args()
    if options.seed is not None or options.tape is not None:
        return one(options)
    return many(options)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of what is hashed is part of a run.
        os.environ["PYTHONHASHSEED"] = "0"
        arguments = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execv(sys.executable, arguments)
    sys.exit(main())
