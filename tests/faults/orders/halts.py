"""Stops a server inside one of its transactions, or while it commits that.

Triggers of our own let a row of an event wait for a lock that we have. When the server
was killed meanwhile, what it had begun is either undone, as if it had died a moment
earlier, or goes on to its end, as if only the answer were lost.
"""

import asyncio
from typing import Any, Literal

import asyncpg

Place = Literal["journal", "webhook", "ticket"]
SPACE = 14_014
"""Our advisory locks, beside those of the product."""

LOOK_S = 0.01
LOOKS_MAX = 6_000

SCHEMA = f"""
CREATE TABLE halt (
    number integer PRIMARY KEY, event_id text NOT NULL, place text NOT NULL);
CREATE FUNCTION halt() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    event text;
    found integer;
BEGIN
    IF NOT EXISTS (SELECT FROM halt) THEN
        RETURN NULL;
    END IF;
    IF TG_ARGV[0] = 'webhook' THEN
        SELECT p.event_id INTO event FROM payment y JOIN order_part p USING (order_id)
        WHERE y.payment_id = NEW.attempt;
    ELSE
        event := NEW.event_id;
    END IF;
    SELECT number INTO found FROM halt
    WHERE event_id = event AND place = TG_ARGV[0] LIMIT 1;
    IF found IS NOT NULL THEN
        PERFORM set_config('lock_timeout', '0', true);
        PERFORM pg_advisory_xact_lock_shared({SPACE}, found);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER halt AFTER INSERT ON journal
    FOR EACH ROW EXECUTE FUNCTION halt('journal');
CREATE CONSTRAINT TRIGGER halt AFTER INSERT ON provider_event
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION halt('webhook');
CREATE CONSTRAINT TRIGGER halt AFTER INSERT ON ticket
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION halt('ticket');
"""


class Halts:
    """Where a server is to be stopped, and what becomes of what it had begun."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._undone: dict[int, bool] = {}
        """Of each whether what waits there is undone."""
        self._made = 0

    @classmethod
    async def open(cls, url: str) -> "Halts":
        """Put the triggers into a database."""
        connection = await asyncpg.connect(url)
        await connection.execute(SCHEMA)
        return cls(connection)

    async def close(self) -> None:
        """Let go."""
        await self._connection.close()

    async def put(self, event: str, place: Place, *, undone: bool) -> int:
        """Stop whoever writes for an event there, from now on."""
        self._made += 1
        await self._connection.execute(
            "SELECT pg_advisory_lock($1, $2)", SPACE, self._made
        )
        await self._connection.execute(
            "INSERT INTO halt VALUES ($1, $2, $3)", self._made, event, place
        )
        self._undone[self._made] = undone
        return self._made

    async def reached(self, number: int | None = None) -> None:
        """Wait until somebody is stopped at one, or at any."""
        for _ in range(LOOKS_MAX):
            waiting = await self._waiting()
            if number in waiting or (number is None and waiting):
                return
            await asyncio.sleep(LOOK_S)
        raise AssertionError(f"nobody came to halt {number}")

    async def is_reached(self) -> bool:
        """Return whether anybody is stopped anywhere."""
        return bool(await self._waiting())

    async def decide(self) -> None:
        """After the kill: undo what is to be undone, and let the rest go on."""
        waiting = await self._waiting()
        for number, pids in waiting.items():
            if self._undone[number]:
                for pid in pids:
                    await self._connection.execute(
                        "SELECT pg_terminate_backend($1, 10000)", pid
                    )
        await self._connection.execute("DELETE FROM halt")
        await self._connection.execute("SELECT pg_advisory_unlock_all()")
        self._undone.clear()

    async def _waiting(self) -> dict[int, list[int]]:
        rows = await self._connection.fetch(
            "SELECT objid::integer AS number, array_agg(pid) AS pids FROM pg_locks"
            " WHERE locktype = 'advisory' AND NOT granted AND classid = $1::oid"
            " AND database = (SELECT oid FROM pg_database"
            " WHERE datname = current_database()) GROUP BY objid",
            SPACE,
        )
        return {row["number"]: row["pids"] for row in rows}
