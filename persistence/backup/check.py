"""The audit of every event in a database."""

import asyncpg

from persistence.backup.connection import connected
from persistence.journal.audit import NotAuditable, audit_event

_EVENTS = "SELECT event_id FROM event ORDER BY event_id"


async def audit_all(url: str) -> tuple[int, list[str]]:
    """Return how many events were audited, and what was found wrong in sentences.

    Raises `BackupError` where the database is not there.
    """
    async with connected(url) as connection:
        try:
            events = [row["event_id"] for row in await connection.fetch(_EVENTS)]
        except asyncpg.UndefinedTableError:
            events = []
    wrong: list[str] = []
    for event in events:
        try:
            receipt = await audit_event(url, event)
        except NotAuditable as error:
            wrong.append(f"{event}: {error}")
        else:
            wrong += [f"{event}: {difference}" for difference in receipt.differences]
    return len(events), wrong
