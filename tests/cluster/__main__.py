"""`python -m tests.cluster`: do things to clusters of real processes, and measure."""

import argparse
import sys

from tests.cluster.processes import campaign
from tests.faults.plan import Report


def main() -> int:
    names = [kind.name for kind in campaign.KINDS]
    parser = argparse.ArgumentParser(prog="tests.cluster", description=__doc__)
    parser.add_argument("--only", choices=names, action="append")
    parser.add_argument("--times", type=int, help="each kind so often at most")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    report = Report()
    try:
        for kind in campaign.KINDS:
            if options.only is None or kind.name in options.only:
                times = min(kind.times, options.times or kind.times)
                campaign.run(report, kind, times, options.seed)
    finally:
        report.totals()
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
