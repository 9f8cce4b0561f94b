"""`onsale bench SCENARIO`, or `python -m bench SCENARIO`: measure the server."""

import os
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from cyclopts import App

from bench import hot as scenario
from bench import report
from bench.lab import Lab
from bench.outcome import HERE, Common, Outcome, in_lab
from bench.progress import new_console

if find_spec("picows") is None:
    raise SystemExit("The load generator needs picows: pip install picows")

app = App(
    name="bench",
    help="Put a load on a server, beside baselines in the same run.",
)

COMMANDS = {
    "bench.check_in:check_in": "Scans at the gates of an event.",
    "bench.compare:compare": "Set two reports side by side.",
    "bench.enqueue:enqueue": "Mails, webhooks and notices, as they are written.",
    "bench.fanout:fanout": "Changes, told to watchers.",
    "bench.forward:forward": "Commands for an event that another process owns.",
    "bench.growth:growth": "Seats, events and journals that grow.",
    "bench.herd:herd": "Everyone reconnects at once.",
    "bench.lines:line": "The line in front of a sale, and behind it.",
    "bench.many:many": "Many lukewarm events, beside a hot one.",
    "bench.memory:memory": "Memory of idle connections.",
    "bench.on_sale:on_sale": "A whole on-sale, with people in it.",
    "bench.orders:orders": "Orders: free, paid, abandoned.",
    "bench.reads:reads": "Reads over REST.",
    "bench.recover:recover": "Recovery of a long journal, restart and takeover.",
    "bench.refunds:refunds": "Refunds of a cancelled event, beside a sale.",
    "bench.snapshot:snapshot": "Loop time of snapshots and deltas.",
    "bench.start:start": "Start to ready.",
    "bench.watchers:watchers": "What watchers take from the sale they watch.",
}
for place, line in COMMANDS.items():
    app.command(place, help=line)

USUAL = scenario.Options()


@app.command
def hot(options: scenario.Options = USUAL, *, common: Common = HERE) -> int:
    """Measure accepted, committed holds on one hot event.

    First how many per second each server does at most, in a closed loop; then what a
    buyer waits for at half of that, in an open loop beside the echo at the same rate.
    """
    if common.target is not None:
        options = replace(options, servers=("onsale",))

    async def work(lab: Lab) -> Outcome:
        shape = lab.shaped(**options.shape())
        return report.conclude_hot(
            await scenario.measure(options, shape, new_console().print)
        )

    return in_lab(work, common)


def main() -> None:
    """Run the command line."""
    os.chdir(Path(__file__).resolve().parents[1])  # children import `bench` from here
    sys.exit(app())


if __name__ == "__main__":
    main()
