"""How many places of each event are booked, kept for lists that are sorted by it.

Counted again for those events only that have a new version since: a busy event costs a
look at its part of an index every few seconds, and no sale pays for it.
"""

from typing import Final

from persistence.postgres.pool import Pool

# "registra" in ASCII: held by the one process that counts.
LOCK_KEY: Final = 0x7265676973747261

_COUNT = """
WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock($1) AS ours)
INSERT INTO event_popularity AS p (event_id, version, registrations)
SELECT e.event_id, h.version,
    (SELECT count(*) FROM sold s WHERE s.event_id = e.event_id)
    + (SELECT coalesce(sum(a.sold), 0) FROM area_sold a WHERE a.event_id = e.event_id)
FROM turn, event e JOIN event_head h USING (event_id)
    LEFT JOIN event_popularity k USING (event_id)
WHERE turn.ours AND k.version IS DISTINCT FROM h.version
ON CONFLICT (event_id) DO UPDATE
    SET version = excluded.version, registrations = excluded.registrations
RETURNING 1
"""


class Popularity:
    """Counts what is booked. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def count(self) -> int:
        """Bring the counts up to date; return how many events had changed."""
        return len(await self._pool.fetch(_COUNT, LOCK_KEY))
