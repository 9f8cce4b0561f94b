"""`python3 dev.py faults`: break things for real, and check that nothing was lost."""

import argparse
import sys
import time

from tests.faults import plan
from tests.faults.rig import Rig

ROUNDS_AT_A_TIME = 10


def main() -> int:
    names = [kind.name for kind in plan.KINDS]
    parser = argparse.ArgumentParser(prog="dev.py faults", description=__doc__)
    parser.add_argument("--minutes", type=float, help="random faults for so long")
    parser.add_argument("--only", choices=names, help="one kind of fault")
    parser.add_argument("--times", type=int, help="how often, instead of a full run")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    report = plan.Report()
    rig = Rig(options.seed)
    try:
        if options.minutes is None:
            rounds = plan.full_rounds(options.only)
            if options.times is not None:
                rounds = [(kind, n) for kind, n in rounds if n <= options.times]
            plan.run_rounds(rig, report, rounds)
        else:
            _run_for(rig, report, options)
    except BaseException:
        rig.keep = True
        raise
    finally:
        rig.close()
        report.totals()
        if rig.keep:
            plan.say(f"What was seen is kept in {rig.folder}")
    return 1 if report.violations else 0


def _run_for(rig: Rig, report: plan.Report, options: argparse.Namespace) -> None:
    ends = time.monotonic() + 60 * options.minutes
    seed = options.seed
    while time.monotonic() < ends:
        rounds = plan.random_rounds(options.only, seed, ROUNDS_AT_A_TIME)
        plan.run_rounds(rig, report, rounds)
        seed += 1


if __name__ == "__main__":
    sys.exit(main())
