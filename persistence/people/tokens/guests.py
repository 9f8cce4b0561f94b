"""Which guests have held something. They have no account, so nothing else tells."""

from collections.abc import Collection
from typing import Final

from persistence.postgres.pool import Pool

FORGET_MAX: Final = 5_000
"""How many rows go in one statement."""

_KEEP = """
INSERT INTO guest (user_id) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING
"""
# Whoever booked has held, also where the word of that was lost.
_IS_KEPT = """
SELECT EXISTS (SELECT FROM guest WHERE user_id = $1)
    OR EXISTS (SELECT FROM booking WHERE user_id = $1) AS kept
"""
_FORGET = """
WITH gone AS (
    DELETE FROM guest WHERE user_id IN (
        SELECT user_id FROM guest WHERE seen_at < now() - $1 * interval '1 second'
        LIMIT $2 FOR UPDATE SKIP LOCKED)
    RETURNING 1
)
SELECT count(*) AS gone FROM gone
"""


class GuestRows:
    """The guests whose tokens last. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def keep(self, users: Collection[str]) -> None:
        """Remember guests; those that are known stay as they are."""
        await self._pool.fetch(_KEEP, list(users))

    async def is_kept(self, user: str) -> bool:
        """Return whether a guest has held or booked something."""
        row = await self._pool.fetch_one(_IS_KEPT, user)
        return row is not None and row["kept"]

    async def forget(self, lasts_s: int) -> int:
        """Forget some whose tokens have expired; return how many."""
        row = await self._pool.fetch_one(_FORGET, lasts_s, FORGET_MAX)
        return 0 if row is None else row["gone"]
