"""`onsale demo --line`: gather, draw, sell in turns, give on, and check all of it."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final as Constant

import msgspec

from persistence.journal.audit import Receipt
from server.ops.demo.admin_client import AdminClient
from server.ops.demo.crowds import Output
from server.ops.demo.line.checking import Evidence, read_chain
from server.ops.demo.line.progress import describe
from server.ops.demo.line.reports import Final, Report
from server.ops.demo.progress import differences_of, say
from server.ops.demo.stage import (
    Plan,
    Site,
    first_line,
    follow,
    start_crowd,
    start_helper,
    start_server,
)

BEACON: Constant = "demo"
"""What `onsale beacon` calls its own."""

GATHER_S: Constant = 20
GATHER_MIN_S: Constant = 6
FIX_WITHIN_S: Constant = 6
FIX_WITHIN_MIN_S: Constant = 3
ORDERED_S: Constant = 2
"""From the round that decides to the opening."""

SELL_OUT_S: Constant = 60
TURN_S: Constant = 20
TURN_MIN_S: Constant = 5
LOOKS: Constant = 400
LOOK_S: Constant = 0.1


class Times(msgspec.Struct, frozen=True):
    """How long each part takes, in seconds."""

    gather: int
    fix_within: int
    sell_out: int
    turn: int

    @property
    def closes_before(self) -> int:
        """How long before the opening the list closes."""
        return self.fix_within + ORDERED_S


def times_of(pace: float) -> Times:
    """Return the times at a pace."""
    return Times(
        max(GATHER_MIN_S, ceil(GATHER_S * pace)),
        max(FIX_WITHIN_MIN_S, ceil(FIX_WITHIN_S * pace)),
        ceil(SELL_OUT_S * pace),
        max(TURN_MIN_S, ceil(TURN_S * pace)),
    )


def show_line(stack: ExitStack, plan: Plan, site: Site) -> int:
    """Go through the demo; whatever was entered on the stack is undone afterwards."""
    arguments = ["beacon", "--port", "0", "--period-s", "1"]
    beacon = start_helper(stack, "beacon", arguments, site)
    relay, chain = read_chain(first_line(beacon, "beacon", site.log("beacon")))
    server = start_server(
        stack, site, ONSALE_BEACON_RELAYS=relay, ONSALE_BEACON_CHAIN=chain
    )
    times = times_of(plan.pace)
    opens_at = datetime.now(UTC) + timedelta(seconds=times.gather + times.closes_before)
    event = server.office.open_line(
        plan.seats,
        times.turn,
        opens_at,
        {
            "mode": "draw",
            "beacon": BEACON,
            "closes_before_s": times.closes_before,
            "fix_within_s": times.fix_within,
            "turn_s": times.turn,
            "offer_s": times.turn,
            "sell_out_s": times.sell_out,
        },
    )
    say(f"Watch it sell: {server.url}/events/{event}")
    say(f"What was promised: {server.url}/v1/events/{event}/line")
    say(
        f"{plan.buyers:,} people come. The list closes in {times.gather} s; until then"
        " it makes no difference who is first."
    )
    opens_s = opens_at.timestamp()
    people = start_crowd(
        stack,
        [
            "server.ops.demo.line.crowd",
            *("--url", site.url, "--event", event, "--people", str(plan.buyers)),
            *("--closes-at", str(opens_s - times.closes_before)),
            *("--opens-at", str(opens_s)),
            *("--pace", str(plan.pace), "--seed", str(plan.seed)),
        ],
        site,
    )
    final = follow("people", people, server, site, Output[Report, Final], describe)
    _close(server.office, event)
    evidence = Evidence(server.url, event, chain, site.data_dir)
    evidence.collect(final)
    found, unproven = evidence.verify()
    receipt = server.office.audit(event)
    problems = [*final.problems, *unproven, *compare(final, receipt)]
    _conclude(final, evidence, found, problems)
    if not plan.once:
        server.stay()
    return 1 if problems else 0


def _close(office: AdminClient, event: str) -> None:
    """Close the line, and let the last turns end: then its transcript is final."""
    line = office.call("POST", f"/v1/events/{event}/line/close", {})
    for _ in range(LOOKS):
        if not line["counts"]["turns"]:
            return
        time.sleep(LOOK_S)
        line = office.call("GET", f"/v1/events/{event}/line")


def compare(final: Final, receipt: Receipt) -> list[str]:
    """Say where the people's own records and the audit's receipt differ."""
    counted = (
        ("seats sold", final.seats, receipt.seats.booked),
        ("standing places sold", final.places_in_areas, receipt.places.booked),
        ("bookings", final.bookings, receipt.bookings),
    )
    return differences_of("people", receipt, counted)


def _conclude(
    final: Final, evidence: Evidence, found: str, problems: list[str]
) -> None:
    """Tell what it came to, and how to check it."""
    report = final.report
    say(
        f"{report.joined:,} people, {final.entrants:,} of them in the draw;"
        f" {report.turns:,} turns, {final.wishes:,} by wishes, {final.slept:,} of those"
        f" while somebody slept. {final.bookings:,} bookings of"
        f" {final.seats + final.places_in_areas:,} places. {final.reloaded:,} lost"
        " their connection, and nobody their rank."
    )
    for line in returned_of(final):
        say(line)
    say("Check it yourself; the second command needs neither server nor network:")
    for command in evidence.commands():
        say(f"  {command}")
    say("It was run just now, and said:")
    say(found)
    for problem in problems:
        say(f"PROBLEM: {problem}")


def returned_of(final: Final) -> list[str]:
    """Say what came back, and how soon the next knew where that was measured."""
    if not final.returned:
        return []
    said = f"{final.returned:,} places came back and went to the next in line."
    if final.returned_p50_ms is not None:
        said += (
            f" {final.timed:,} times it is known from when on it all fitted somebody:"
            f" they had it on the screen {final.returned_p50_ms:.1f} ms (p50) and"
            f" {final.returned_p99_ms:.1f} ms (p99) later, the way of the cancellation"
            " among it."
        )
    return [said]
