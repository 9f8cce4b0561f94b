"""`bench enqueue`: what it costs to tell somebody, in the transaction that causes it.

A mail, a webhook and a notice are written in a transaction that goes on, one after the
other and each beside a statement that does nothing, so that all of them see the same
machine. No server runs: what is measured is what whoever sells waits for.
"""

import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from statistics import median
from typing import Any, Final

import asyncpg

from bench.check import percentile
from bench.lab import Lab, describe
from bench.outcome import HERE, Common, Outcome, Value, in_lab
from persistence.mail import Mail, put_mails
from persistence.people.hooks.raising import raise_hook
from persistence.people.notices.notices import Notice, raise_notice
from persistence.postgres.prepare import prepare_database

AT_MOST_MS: Final = 0.2
PER_TRANSACTION: Final = 50
WARM: Final = 200
"""Rounds before it is measured: plans are made, and tables are not empty."""

LASTS_S: Final = 86_400
ORGANISATION: Final = "org_bench"
DATABASE: Final = "bench_enqueue"

Put = Callable[[Any, int], Awaitable[object]]

_SELLER: Final = """
INSERT INTO organisation (organisation_id, name, description, created_by, request_hash)
VALUES ($1, 'Bench', '', 'usr_bench', '')
"""
_HOOK: Final = """
INSERT INTO hook (hook_id, organisation_id, url, description, types, form, secret,
    created_by, request_hash)
VALUES ('hook_bench', $1, 'https://example.org/', '', '{}', 'standard', $2, 'usr_bench',
    '')
"""


async def put_nothing(connection: Any, number: int) -> None:
    """Ask the database something that it need not look up."""
    await connection.fetchval("SELECT $1::int", number)


async def put_mail(connection: Any, number: int) -> None:
    """Write a mail with its words."""
    name = f"mail_bench_{number}"
    data = {"code": "x" * 43}
    mail = Mail(name, "usr_bench", "o@example.org", "verify_email", data, LASTS_S)
    await put_mails(connection, [mail], [])


async def put_notice(connection: Any, number: int) -> None:
    """Tell a buyer of an order, in the application and by mail."""
    order, data = f"ord_bench_{number}", {"reference": "K7M2QX"}
    await raise_notice(
        connection,
        Notice(
            kind="order_confirmed",
            subject=order,
            user_id=f"usr_{number % 1_000}",
            email="o@example.org",
            event_id="evt_bench",
            data={"order": order, **data},
            mail={"lines": [{"label": "A-1", "amount": 4_500}] * 2, "secret": ""},
            files=("calendar:evt_bench", f"ticket:{order}"),
        ),
    )


async def put_hook(connection: Any, number: int) -> None:
    """Tell an organisation with one webhook of an order."""
    order = f"ord_bench_{number}"
    data = {"order": order, "reference": "K7M2QX", "status": "confirmed"}
    await raise_hook(connection, ORGANISATION, "order.confirmed", data, order)


PUTS: Final[dict[str, Put]] = {
    "nothing": put_nothing,
    "mail": put_mail,
    "hook": put_hook,
    "notice": put_notice,
}


async def measure(connection: Any, rounds: int) -> dict[str, list[float]]:
    """Write each once a round, in turns; return in ms how long each took."""
    took: dict[str, list[float]] = {name: [] for name in PUTS}
    number = 0
    while number < WARM + rounds:
        async with connection.transaction():
            for _ in range(PER_TRANSACTION):
                number += 1
                for name, put in PUTS.items():
                    begun = time.perf_counter()
                    await put(connection, number)
                    if number > WARM:
                        took[name].append((time.perf_counter() - begun) * 1e3)
    return {name: sorted(times) for name, times in took.items()}


async def open_connection(stack: AsyncExitStack, lab: Lab) -> Any:
    """Make a database with an organisation that has one webhook; connect to it."""
    url = await lab.make_database(DATABASE)
    stack.push_async_callback(lab.drop_database, DATABASE)
    await prepare_database(url, unsafe=True)
    connection = await asyncpg.connect(url)
    stack.push_async_callback(connection.close)
    await connection.execute(_SELLER, ORGANISATION)
    await connection.execute(_HOOK, ORGANISATION, secrets.token_bytes(32))
    return connection


def conclude(
    took: dict[str, list[float]],
    settings: dict[str, object],
    machine: dict[str, object],
) -> Outcome:
    """Make the table, and hold the medians against what is promised."""
    rows, values = [], []
    for name, times in took.items():
        p50, p99 = median(times), percentile(times, 0.99)
        at_most = None if name == "nothing" else AT_MOST_MS
        values.append(Value(name=f"{name}, p50", value=p50, unit="ms", at_most=at_most))
        values.append(Value(name=f"{name}, p99", value=p99, unit="ms"))
        rows.append([name, f"{len(times):,}", f"{p50:.3f}", f"{p99:.3f}"])
    return Outcome(
        bench="enqueue",
        title="To tell somebody, in a transaction that goes on",
        settings=settings,
        machine=machine,
        columns=["what", "times", "p50 ms", "p99 ms"],
        rows=rows,
        values=values,
        notes=["A notice is a row of the application and one of the outbox."],
    )


def enqueue(*, rounds: int = 3_000, common: Common = HERE) -> int:
    """Measure what a mail, a webhook and a notice take in the transaction they are of.

    Ends with 1 where the median of one is above 0.2 ms.

    Parameters
    ----------
    rounds
        How many of each are written.
    """

    async def work(lab: Lab) -> Outcome:
        machine = await describe(lab)
        async with AsyncExitStack() as stack:
            connection = await open_connection(stack, lab)
            took = await measure(connection, rounds)
        return conclude(took, {"rounds": rounds}, machine)

    return in_lab(work, common)
