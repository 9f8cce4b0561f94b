"""`onsale demo`: start everything, show it, compare, end everything."""

import subprocess
from contextlib import ExitStack
from math import ceil
from pathlib import Path
from typing import Final

import msgspec

from persistence.data_directory import DataDirectoryError
from server.ops.demo import reports
from server.ops.demo.admin_client import CODE, AdminClientError
from server.ops.demo.children import stopping_on_sigterm, temporary_directory
from server.ops.demo.crowds import Output
from server.ops.demo.line.command import show_line
from server.ops.demo.progress import compare, describe, say, show_receipt
from server.ops.demo.stage import (
    HOST,
    PACE_MAX,
    DemoError,
    Plan,
    Site,
    first_line,
    follow,
    free_port,
    prepare,
    start_crowd,
    start_helper,
    start_server,
)
from server.ops.demo.visitor import Visitor

ARENA: Final = 500, 20_000
LINE: Final = 2_000, 800
"""How many buyers come, and to how many seats."""

HOLD_TTL_S: Final = 8
HOLD_TTL_MIN_S: Final = 3
STROLLERS: Final = 24
INTERRUPTED: Final = 130
UNUSABLE: Final = 2


def demo(
    *,
    line: bool = False,
    port: int = 8080,
    data_dir: Path | None = None,
    buyers: int | None = None,
    seats: int | None = None,
    once: bool = False,
    pace: float = 1.0,
    seed: int = 1,
) -> int:
    """Sell out an arena to simulated buyers and show the audit's receipt.

    With --line thousands wait for a small hall instead: their order is drawn, turns
    come at a pace, what is given back goes to the next, and all of it is checked.

    Args:
        line: show the line in front of a sale.
        port: where the server listens; 0 takes any free port.
        data_dir: keep the database there; without it nothing is kept.
        buyers: how many simulated buyers come; 500, with --line 2,000.
        seats: how many seats there are, standing places not counted; 20,000, with
            --line 800.
        once: end after the receipt, with the audit's status, instead of staying up.
        pace: how long buyers hesitate; 0.5 is twice as fast.
        seed: makes the buyers' choices repeatable.
    """
    usual = LINE if line else ARENA
    plan = Plan(
        usual[0] if buyers is None else buyers,
        usual[1] if seats is None else seats,
        once,
        pace,
        seed,
    )
    show = show_line if line else _show_arena
    try:
        plan.check()
        with ExitStack() as stack:
            stack.enter_context(stopping_on_sigterm())
            if data_dir is None:
                data_dir = stack.enter_context(temporary_directory())
            return show(stack, plan, prepare(port, data_dir))
    except KeyboardInterrupt:
        say("Stopped before the end.")
        return INTERRUPTED
    except (DemoError, AdminClientError, DataDirectoryError) as error:
        say(str(error))
        return UNUSABLE


def _show_arena(stack: ExitStack, plan: Plan, site: Site) -> int:
    """Go through the demo; whatever was entered on the stack is undone afterwards."""
    till = free_port(0)
    arguments = ["gateway", "--port", str(till), "--data-dir", str(site.data_dir)]
    gateway = start_helper(stack, "gateway", arguments, site)
    server = start_server(
        stack,
        site,
        # Money that nobody has, with the secret of the data directory.
        ONSALE_PAYMENTS="gateway",
        ONSALE_GATEWAY_URL=f"http://{HOST}:{till}",
        ONSALE_UNSAFE="1",
    )
    first_line(gateway, "payment gateway", site.log("gateway"))
    office, url = server.office, server.url
    evening, door_key = office.open_evening()
    event = office.open_sale(plan.seats, hold_ttl_s(plan))
    say(f"Watch it sell: {url}/events/{event}")
    say(f"Buy a ticket yourself: {url}/events/{evening}")
    say(f"Let people in: {url}/checkin/{evening} with the key {door_key}")
    say(f"The code {CODE} takes a tenth off there, and tickets may be reduced.")
    say(f"{plan.buyers:,} buyers are coming.")

    if not plan.once:
        # Beside a person: few, and slowly.
        strollers = msgspec.structs.replace(plan, buyers=STROLLERS, pace=PACE_MAX)
        _start_buyers(stack, strollers, site, evening, subprocess.DEVNULL)
    process = _start_buyers(stack, plan, site, event)
    # While the buyers come: what it takes is no longer than that.
    visit, wrong_visit = Visitor(url).visit(evening)
    say(visit)
    final = follow(
        "buyers",
        process,
        server,
        site,
        Output[reports.Report, reports.Final],
        describe,
    )
    receipt = office.audit(event)
    kept, wrong = office.books(event)
    problems = final.problems + wrong_visit + wrong + compare(final, receipt, kept)
    show_receipt(final, receipt, kept, problems)
    if not plan.once:
        server.stay()
    return 1 if problems else 0


def hold_ttl_s(plan: Plan) -> int:
    """Return how long a hold lasts: short, so that abandoned seats are soon back."""
    return max(HOLD_TTL_MIN_S, ceil(HOLD_TTL_S * plan.pace))


def _start_buyers(
    stack: ExitStack,
    plan: Plan,
    site: Site,
    event: str,
    told_to: int = subprocess.PIPE,
) -> "subprocess.Popen[bytes]":
    arguments = ["server.ops.demo.buyers", "--url", site.url, "--event", event]
    arguments += ["--buyers", str(plan.buyers), "--pace", str(plan.pace)]
    arguments += ["--hold-ttl-s", str(hold_ttl_s(plan)), "--seed", str(plan.seed)]
    return start_crowd(stack, arguments, site, told_to)
