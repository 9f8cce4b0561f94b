"""Giving one turn at 20,000 seats with 300 kinds of wishes, as `bench_decide` does.

And how long what the owner says of a line once a second is.
"""

import gc

import msgspec

from bench.bench_decide import NOW_MS, SEATS, percentile, sold_stock
from bench.line_parts import Part
from bench.line_turns import CLASSES, WAITING, give_turns, open_line
from inventory.limits import LINE_HEAD
from inventory.venue.arena import arena
from inventory.venue.map import Venue
from server.events.line.waiters.state import state_of_line

SHARES = (0.5, 0.99)
MEDIAN_US_MAX, P99_US_MAX = 50.0, 300.0
STATE_BYTES_MAX = 2_000.0


def measure(turns: int) -> Part:
    """Give so many turns in a house half sold, and in one that nearly is."""
    part = Part()
    venue = Venue(arena(SEATS))
    for share in SHARES:
        stock = sold_stock(venue, share, "at random", prevent_orphans=False)
        open_line(stock, NOW_MS)
        gc.collect()
        samples = give_turns(stock, turns, "cpu", NOW_MS)
        decided = sorted(one for one, _ in samples.get("give turn", []))
        what = (
            f"CPU to decide, {SEATS:,} seats {share:.0%} sold, {WAITING:,} waiting in"
            f" {CLASSES} classes, {len(decided):,} turns"
        )
        for percent, most in ((50, MEDIAN_US_MAX), (99, P99_US_MAX)):
            part.add(
                f"give_turn, {share:.0%} sold, p{percent}",
                percentile(decided, percent) if decided else float("nan"),
                "µs",
                what,
                at_most=most,
            )
        if share == SHARES[0]:
            line = stock.line
            assert line is not None
            state = state_of_line(stock, line, 1, NOW_MS, LINE_HEAD, 100, 60.0)
            part.add(
                "line state over the bus",
                float(len(msgspec.msgpack.encode(state))),
                "B/s",
                f"once a second for each process, {WAITING:,} waiting",
                at_most=STATE_BYTES_MAX,
            )
    return part
