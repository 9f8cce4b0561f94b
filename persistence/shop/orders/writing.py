"""Writes what became of an order and all its rows, postings too: one statement.

Concurrency: it writes where the order has the revision that it was read at, else
nothing at all. So no row is locked while somebody thinks, and of two who judged the
same order one writes, and the other judges what it is then.

Invariants: whoever writes any row of an order does it here, and counts its revision.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from persistence.postgres.pool import Pool
from persistence.shop.money.entries import Account, Entry, check_posting
from persistence.shop.orders.provider_events import ProviderEvent
from persistence.shop.orders.records import OrderState
from persistence.shop.orders.rows import CLOCK_MS, StoredOrder

_MS: Final = "'epoch'::timestamptz + {} * interval '1 ms'"


class _Part(NamedTuple):
    """What writes rows of one kind, beside the order's own; and how many values."""

    sql: str
    values: int


# It comes first, and all others take the order from it: without it they do nothing.
_OWN: Final = _Part(
    f"""own AS (
    UPDATE orders SET status = {{2}}, step = {{3}}, leaving = {{4}}, refund = {{5}},
        currency = {{6}}, total = {{7}}, due = {{8}},
        pay_until = {_MS.format("{9}::bigint")}, accepted_payment = {{10}},
        why = {{11}}, driven_until = {_MS.format("{12}::bigint")},
        confirmed_at = CASE WHEN {{13}} THEN coalesce(confirmed_at, clock_timestamp())
            END,
        revision = revision + 1
    WHERE order_id = {{0}} AND revision = {{1}}
    RETURNING order_id, confirmed_at
)""",
    14,
)
_PART: Final = _Part(
    """part AS (
    UPDATE order_part p SET booking_id = {1}, refused = {2}
    FROM own WHERE p.order_id = own.order_id AND p.event_id = {0}
)""",
    3,
)
# Rows come as JSON, by the names of the structs' fields: asyncpg takes longer to write
# an array than the server does to read this.
_LINES: Final = _Part(
    """lines AS (
    INSERT INTO order_line (order_id, line, kind, label, category, type, unit, discount,
        fee, tax, tax_ppm, gross, seller_fee, state)
    SELECT own.order_id, l.* FROM own, json_to_recordset({0}::json) AS l(line int,
        kind text, label text, category text, type text, unit bigint, discount bigint,
        fee bigint, tax bigint, tax_ppm int, gross bigint, seller_fee bigint,
        state text)
    ON CONFLICT (order_id, line) DO UPDATE SET state = excluded.state
)""",
    1,
)
_PAYMENTS: Final = _Part(
    f"""payments AS (
    INSERT INTO payment (order_id, payment_id, provider, provider_ref, state, amount,
        currency, captured, captured_currency, use, session, created_at, asked)
    SELECT own.order_id, y.payment, y.provider, y.ref, y.state, y.amount, y.currency,
        y.captured, y.captured_currency, y.use, y.url, {_MS.format("y.at_ms")}, y.asked
    FROM own, json_to_recordset({{0}}::json) AS y(payment text, provider text,
        amount bigint, currency text, at_ms bigint, state text, ref text, url text,
        captured bigint, captured_currency text, use text, asked text)
    ON CONFLICT (payment_id) DO UPDATE SET provider_ref = excluded.provider_ref,
        state = excluded.state, captured = excluded.captured,
        captured_currency = excluded.captured_currency, use = excluded.use,
        session = excluded.session
)""",
    1,
)
_REFUNDS: Final = _Part(
    f"""refunds AS (
    INSERT INTO refund (order_id, refund_id, payment_id, amount, currency, reason,
        state, provider_ref, lines, was_settled, created_at)
    SELECT own.order_id, r.refund, r.payment, r.amount, r.currency, r.reason, r.state,
        r.ref, r.lines, r.was_settled, {_MS.format("r.at_ms")}
    FROM own, json_to_recordset({{0}}::json) AS r(refund text, payment text,
        amount bigint, currency text, reason text, at_ms bigint, state text, ref text,
        lines int[], was_settled bool)
    ON CONFLICT (refund_id) DO UPDATE SET state = excluded.state,
        provider_ref = excluded.provider_ref, was_settled = excluded.was_settled
)""",
    1,
)
# Where a posting is there already, its key refuses all of it.
_ENTRIES: Final = _Part(
    """entries AS (
    INSERT INTO money_entry (order_id, posting, account, amount, currency)
    SELECT own.order_id, e.posting, e.account, e.amount, e.currency
    FROM own, json_to_recordset({0}::json) AS e(posting text, account text,
        amount bigint, currency text)
)""",
    1,
)
_EVENT: Final = _Part(
    """event AS (
    INSERT INTO provider_event (provider, event_ref, payment_ref, attempt, body,
        applied_at)
    SELECT {0}, {1}, {2}, {3}, {4}::bytea, clock_timestamp() FROM own
    ON CONFLICT (provider, event_ref) DO UPDATE SET applied_at = excluded.applied_at
)""",
    5,
)


class Written(Struct, frozen=True):
    """What the database said of an order that it wrote, at its own time."""

    now_ms: int
    confirmed_at: datetime | None


class _Posted(Struct):
    """An entry of the ledger, with the name of its posting."""

    posting: str
    account: Account
    amount: int
    currency: str


_encode = msgspec.json.Encoder().encode


async def write_order(
    pool: Pool,
    stored: StoredOrder,
    after: OrderState,
    wake_ms: int | None,
    postings: Sequence[tuple[str, Sequence[Entry]]] = (),
    event: ProviderEvent | None = None,
) -> Written | None:
    """Write what became of an order that was read, and when to look at it.

    None where somebody else wrote it meanwhile: then nothing is written. `event` is the
    message that it heard of, which is stored as applied. Raises `Unavailable`, and
    ValueError for a posting that does not sum to 0 in one currency.
    """
    before, order = stored.state, after.order
    parts = [_OWN]
    values: list[object] = [
        order,
        stored.revision,
        after.status,
        after.step,
        after.leaving,
        after.returned,
        after.currency,
        after.total,
        after.due,
        after.pay_until_ms,
        after.accepted,
        after.why,
        wake_ms,
        after.booking is not None,
    ]

    def add(part: _Part, rows: Sequence[object]) -> None:
        if rows:
            parts.append(part)
            values.append(_encode(rows).decode())

    refused = after.step == "refused"
    if after.booking != before.booking or refused != (before.step == "refused"):
        parts.append(_PART)
        values += (after.event, after.booking, refused)
    known: set[object] = {*before.lines, *before.payments, *before.refunds}
    add(_LINES, [one for one in after.lines if one not in known])
    add(_PAYMENTS, [one for one in after.payments if one not in known])
    add(_REFUNDS, [one for one in after.refunds if one not in known])
    add(_ENTRIES, _entries(order, postings))
    if event is not None:
        parts.append(_EVENT)
        values += (
            event.provider,
            event.event_ref,
            event.payment_ref,
            event.attempt,
            event.body,
        )
    row = await pool.fetch_one(_statement(tuple(parts)), *values)
    return None if row is None else Written(row["now_ms"], row["confirmed_at"])


@cache
def _statement(parts: tuple[_Part, ...]) -> str:
    """Return the statement of some parts, its values numbered through."""
    made, first = [], 1
    for part in parts:
        names = [f"${number}" for number in range(first, first + part.values)]
        made.append(part.sql.format(*names))
        first += part.values
    return f"WITH {', '.join(made)} SELECT confirmed_at, {CLOCK_MS} AS now_ms FROM own"


def _entries(
    order: str, postings: Iterable[tuple[str, Sequence[Entry]]]
) -> list[_Posted]:
    posted = []
    for name, entries in postings:
        check_posting(order, name, entries)
        posted += [_Posted(name, e.account, e.amount, e.currency) for e in entries]
    return posted
