"""`python3 dev.py faults`: break things for real, and check that nothing was lost."""

import argparse
import sys
import time

from tests.faults import plan

ROUNDS_AT_A_TIME = 10


def main() -> int:
    names = [kind.name for kind in plan.KINDS]
    parser = argparse.ArgumentParser(prog="dev.py faults", description=__doc__)
    parser.add_argument("--minutes", type=float, help="random faults for so long")
    parser.add_argument("--only", choices=names, help="one kind of fault")
    parser.add_argument("--times", type=int, help="each kind so often at most")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    report = plan.Report()
    try:
        if options.minutes is None:
            rounds = plan.full_rounds(options.only, options.times)
            plan.run(report, rounds, options.seed)
        else:
            _run_for(report, options)
    finally:
        report.totals()
    return 1 if report.violations else 0


def _run_for(report: plan.Report, options: argparse.Namespace) -> None:
    ends = time.monotonic() + 60 * options.minutes
    seed = options.seed
    while time.monotonic() < ends:
        rounds = plan.random_rounds(options.only, seed, ROUNDS_AT_A_TIME)
        plan.run(report, rounds, seed)
        seed += 1


if __name__ == "__main__":
    sys.exit(main())
