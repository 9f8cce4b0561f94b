"""`onsale demo --line`: gather, draw, sell in turns, give on, and check all of it."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING
from typing import Final as Constant

import msgspec

from persistence.journal.audit import Receipt
from server.ops.demo.admin_client import AdminClient
from server.ops.demo.line.checking import Evidence, read_chain
from server.ops.demo.line.progress import choose_progress
from server.ops.demo.line.reports import Final, Output
from server.ops.demo.progress import say
from server.ops.demo.stage import (
    DemoError,
    Plan,
    Running,
    Site,
    first_line,
    last_words,
    start_crowd,
    start_helper,
    start_server,
)

if TYPE_CHECKING:
    import subprocess

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
    final = _follow(people, server, site)
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


def _follow(process: "subprocess.Popen[bytes]", server: Running, site: Site) -> Final:
    """Show how it goes until the people have told everything."""
    final = None
    assert process.stdout is not None
    with choose_progress() as progress:
        for encoded in process.stdout:
            line = msgspec.json.decode(encoded, type=Output)
            if line.said is not None:
                progress.say(line.said)
            if line.report is not None:
                progress.show(line.report)
            if line.final is not None:
                final = line.final
                progress.show(final.report)
            server.check()
    process.wait()
    if final is None:
        words = last_words(site.log("buyers"))
        raise DemoError(f"The people ended too early: {words}")
    return final


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
    problems = [f"The audit found: {found}" for found in receipt.differences]
    if not receipt.ok and not problems:
        problems.append("The audit says that something is wrong.")
    for name, ours, theirs in (
        ("seats sold", final.seats, receipt.seats.booked),
        ("standing places sold", final.places_in_areas, receipt.places.booked),
        ("bookings", final.bookings, receipt.bookings),
    ):
        if ours != theirs:
            problems.append(f"{name}: the people count {ours:,}, the audit {theirs:,}.")
    return problems


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
    if final.returned_p50_ms is not None:
        say(
            f"{final.returned:,} places came back and went to the next in line, who had"
            f" them on the screen after {final.returned_p50_ms:.1f} ms (p50) and"
            f" {final.returned_p99_ms:.1f} ms (p99), the way of the cancellation among"
            " it."
        )
    say("Check it yourself; the second command needs neither server nor network:")
    for command in evidence.commands():
        say(f"  {command}")
    say("It was run just now, and said:")
    say(found)
    for problem in problems:
        say(f"PROBLEM: {problem}")
