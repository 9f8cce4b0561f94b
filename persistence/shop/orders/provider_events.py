"""What providers told by themselves: stored once, by the statement that applies it.

What tells of no attempt that is known waits: it may have overtaken our own commit.
"""

from typing import Final

from msgspec import Struct

from persistence.postgres.pool import Pool
from persistence.shop.orders.rows import (
    CLOCK_MS,
    FIELDS,
    FROM,
    StoredOrder,
    order_of,
)

WAITING_MAX: Final = 50

_KEEP = """
INSERT INTO provider_event (provider, event_ref, payment_ref, attempt, body)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
"""
_IS_APPLIED: Final = """
SELECT applied_at IS NOT NULL FROM provider_event WHERE provider = $1 AND event_ref = $2
"""
_TOLD = f"""
SELECT ({_IS_APPLIED}) AS applied, {FIELDS}, {CLOCK_MS} AS now_ms {FROM}
WHERE o.order_id = (SELECT order_id FROM payment
    WHERE payment_id = $3 OR (provider = $1 AND provider_ref = $4) LIMIT 1)
"""
_WAITING = """
SELECT e.provider, e.event_ref, e.payment_ref, e.attempt, e.body
FROM provider_event e
WHERE e.applied_at IS NULL AND EXISTS (
    SELECT FROM payment p WHERE p.payment_id = e.attempt
        OR (p.provider = e.provider AND p.provider_ref = e.payment_ref))
ORDER BY e.received_at LIMIT $1
"""
_STRANGE = """
SELECT count(*) AS strange FROM provider_event
WHERE applied_at IS NULL AND received_at < now() - $1 * interval '1 s'
"""

KEPT_D: Final = 90
"""Days for which messages are kept: providers repeat theirs for some days at most, and
people ask about a payment for some weeks."""

FORGET_MAX: Final = 5_000
_FORGET = """
DELETE FROM provider_event WHERE (provider, event_ref) IN (
    SELECT provider, event_ref FROM provider_event
    WHERE received_at < now() - $1 * interval '1 day'
        AND (applied_at IS NULL OR applied_at < now() - $1 * interval '1 day')
    ORDER BY received_at LIMIT $2)
RETURNING provider, event_ref, payment_ref, attempt, body, applied_at
"""


class ProviderEvent(Struct, frozen=True, kw_only=True):
    """One message of a provider; `body` holds its facts."""

    provider: str
    event_ref: str
    payment_ref: str
    attempt: str | None
    body: bytes


class Told(Struct, frozen=True):
    """What a message is about, and the database's time."""

    stored: StoredOrder
    now_ms: int
    applied: bool
    """Whether the order has heard of it."""


async def read_told(pool: Pool, event: ProviderEvent) -> Told | None:
    """Return the order of a message, by our id of its attempt or by the provider's.

    None where that is not known. Raises `Unavailable`.
    """
    row = await pool.fetch_one(
        _TOLD, event.provider, event.event_ref, event.attempt, event.payment_ref
    )
    if row is None:
        return None
    return Told(order_of(row), row["now_ms"], bool(row["applied"]))


async def keep_event(pool: Pool, event: ProviderEvent) -> None:
    """Store a message that waits for its attempt. Raises `Unavailable`."""
    await pool.fetch(
        _KEEP,
        event.provider,
        event.event_ref,
        event.payment_ref,
        event.attempt,
        event.body,
    )


async def waiting_events(pool: Pool) -> list[ProviderEvent]:
    """Return stored messages whose attempt is known by now. Raises `Unavailable`."""
    rows = await pool.fetch(_WAITING, WAITING_MAX)
    return [ProviderEvent(**row) for row in rows]


async def count_strange(pool: Pool, older_s: float) -> int:
    """Count messages that have told of nothing known for so long."""
    row = await pool.fetch_one(_STRANGE, older_s)
    assert row is not None
    return int(row["strange"])


async def forget_events(pool: Pool) -> tuple[int, list[ProviderEvent]]:
    """Delete some messages that are old; return how many, and those never applied.

    Raises `Unavailable`. There may be more where it was `FORGET_MAX`.
    """
    rows = await pool.fetch(_FORGET, KEPT_D, FORGET_MAX)
    strange = [row for row in rows if row["applied_at"] is None]
    names = ProviderEvent.__struct_fields__
    return len(rows), [
        ProviderEvent(**{name: row[name] for name in names}) for row in strange
    ]
