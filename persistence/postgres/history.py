"""Give all events a new history, because their committed past may be another one.

After a restore the same (history, epoch, version) may stand for other bookings. Clients
that see a new `history_id` forget what they know. What the database remembers of its
former servers is forgotten too: they are gone, or serve the original of this copy.
"""

from typing import Any

from persistence import limits

_HAS_TABLE = "SELECT to_regclass($1) IS NOT NULL"
# Who had an event stays in its row: it is how events without an owner are found, whose
# holds have to end in time.
_RENEW = """
UPDATE event_head SET
    history_id = gen_random_uuid()::text,
    server_line = server_line(),
    epoch = epoch + 1,
    owner_token = NULL,
    lease_until = '-infinity'
"""
_LIVING = """
SELECT process FROM process
WHERE seen_at BETWEEN clock_timestamp() - make_interval(secs => $1)
    AND clock_timestamp()
ORDER BY process
"""
_OF_FORMER_SERVERS = ("process", "cluster")


async def living_processes(connection: Any) -> list[str]:
    """Return the names of the servers that use this database just now."""
    if not await connection.fetchval(_HAS_TABLE, "process"):
        return []
    rows = await connection.fetch(_LIVING, limits.SEEN_S_MAX)
    return [row["process"] for row in rows]


async def begin_new_history(connection: Any) -> int:
    """Give every event a new history; return how many there are.

    Servers should be stopped; one that is not loses its events by the new epochs.
    """
    if not await connection.fetchval(_HAS_TABLE, "event_head"):
        return 0
    async with connection.transaction():
        for table in _OF_FORMER_SERVERS:
            if await connection.fetchval(_HAS_TABLE, table):
                await connection.execute(f"DELETE FROM {table}")
        done: str = await connection.execute(_RENEW)
    return int(done.removeprefix("UPDATE "))
