"""What webhooks are told, as one of the outboxes that administrators see.

Of where a hook leads only the machine is shown: what comes behind it may be a secret.
"""

from typing import Final
from urllib.parse import urlsplit

from persistence.mail import OutboxRow, OutboxState
from persistence.people.hooks.deliveries import LIFE_S
from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool, Row

# What is too late is dead, though nobody has noted it yet.
_STATE: Final = """
CASE WHEN d.state = 'due' AND d.dies_at <= now() THEN 'dead' ELSE d.state END
"""
_ROWS: Final = f"""
SELECT d.delivery_id, {_STATE} AS state, h.url, d.type, d.attempts, d.created_at,
    d.due_at, d.ended_at, d.error
FROM hook_delivery d JOIN hook h USING (hook_id)
"""
_LIST: Final = f"""{_ROWS}
WHERE ($4::text IS NULL OR {_STATE} = $4)
    AND ($2::timestamptz IS NULL OR (d.created_at, d.delivery_id) < ($2, $3))
ORDER BY d.created_at DESC, d.delivery_id DESC LIMIT $1
"""
_COUNT: Final = f"""
SELECT count(*) AS count FROM hook_delivery d WHERE $1::text IS NULL OR {_STATE} = $1
"""
_REPLAY: Final = f"""
UPDATE hook_delivery d SET state = 'due', ended_at = NULL, attempts = 0,
    due_at = now(), error = NULL, dies_at = now() + $2 * interval '1 s'
WHERE delivery_id = $1 AND {_STATE} = 'dead'
"""
_FIND: Final = f"{_ROWS} WHERE d.delivery_id = $1"


class HookOutbox:
    """Lists the messages of all hooks, and lets dead ones go again.

    Raises `Unavailable`.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def list_rows(
        self, state: OutboxState | None, *, limit: int, cursor: str | None
    ) -> tuple[list[OutboxRow], str | None]:
        """Return a page of messages, the newest first. Raises `BadCursor`."""
        values = (fetched(limit), *decode_cursor(cursor), state)
        rows = [_row_of(row) for row in await self._pool.fetch(_LIST, *values)]
        return page(rows, limit, lambda one: (one.created_at, one.row))

    async def count_rows(self, state: OutboxState | None) -> int:
        """Return how many messages there are, of all or of one state."""
        row = await self._pool.fetch_one(_COUNT, state)
        return 0 if row is None else int(row["count"])

    async def replay(self, row: str) -> OutboxRow | None:
        """Let a dead message be due again, with its id and as it was.

        Returns it as it is now, None without one; others are left as they are.
        """
        await self._pool.fetch(_REPLAY, row, LIFE_S)
        found = await self._pool.fetch_one(_FIND, row)
        return None if found is None else _row_of(found)


def _row_of(row: Row) -> OutboxRow:
    parts = urlsplit(row["url"])
    return OutboxRow(
        row=row["delivery_id"],
        state=row["state"],
        recipient=f"{parts.scheme}://{parts.netloc}",
        kind=row["type"],
        notice=None,
        attempts=row["attempts"],
        created_at=row["created_at"],
        due_at=row["due_at"],
        ended_at=row["ended_at"],
        reason=row["error"],
    )
