"""Whether a row is still as whoever wants to change it has seen it."""

from typing import Any

from persistence.errors import Revisions, refuse_stale


# asyncpg ships no types, hence Any for its connection.
async def refuse_stale_row(
    connection: Any, find: str, *key: str, seen: Revisions
) -> None:
    """Raise `Stale` where the revision that `find` finds is none that was seen.

    Nothing is asked where any will do, and what is not there is left to the caller.
    """
    if seen is not None:
        revision = await connection.fetchval(find, *key)
        if revision is not None:
            refuse_stale(revision, seen)
