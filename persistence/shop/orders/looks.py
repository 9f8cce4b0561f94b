"""Attempts whose provider is to be asked once more, though all seems to be over."""

from typing import Final

from msgspec import Struct

from persistence.postgres.pool import Pool

AGAIN_S: Final = 3_600.0
"""What was taken and could not be looked at is taken again so much later."""

LOOKS_MAX: Final = 300
"""How many are taken at a time."""

_TAKE = """
UPDATE payment SET look_at = now() + $1 * interval '1 s'
WHERE payment_id IN (
    SELECT payment_id FROM payment WHERE look_at < now() AND provider = $2
    ORDER BY look_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
RETURNING order_id AS order, payment_id AS payment,
    (extract(epoch FROM created_at) * 1000)::bigint AS made_ms,
    (extract(epoch FROM now()) * 1000)::bigint AS now_ms
"""
_PUT = """
UPDATE payment SET look_at = 'epoch'::timestamptz + $2::bigint * interval '1 ms'
WHERE payment_id = $1
"""


class DueLook(Struct, frozen=True):
    """An attempt that is to be looked at now."""

    order: str
    payment: str
    made_ms: int
    now_ms: int


async def take_looks(pool: Pool, provider: str) -> list[DueLook]:
    """Return attempts at a provider whose time has come; nobody else gets them soon.

    Raises `Unavailable`.
    """
    rows = await pool.fetch(_TAKE, AGAIN_S, provider, LOOKS_MAX)
    return [DueLook(**row) for row in rows]


async def put_look(pool: Pool, payment: str, at_ms: int | None) -> None:
    """Note when an attempt is to be looked at next; None for never again.

    Raises `Unavailable`.
    """
    await pool.fetch(_PUT, payment, at_ms)
