"""The usual shop: one transaction per hold, with row locks in Postgres.

The transaction locks the event's row, whose counters everybody who looks at the event
reads, and the seats' rows in order; it checks, then updates them and inserts the hold.
With `BENCH_EVENT_ROW=read` the event's row is only read and the counters are left to
others, which lets holds of different seats commit side by side.
"""

import os
import secrets
import sys
from collections.abc import AsyncIterator

import asyncpg
import msgspec
from aiohttp import web

from bench import arena
from bench.baselines import shell
from inventory.commands import Hold
from inventory.replies import HoldOk, Refused, refuse

CONNECTIONS = {"lock": 2, "read": 32}
"""The best of 2, 4, 8, 16 and 32 on two cores, by what becomes of the event's row:
where all wait for its lock, more of them only wait. `BENCH_POOL` sets another."""

SCHEMA = """
CREATE TABLE event (
    id text PRIMARY KEY, sale_state text NOT NULL, version bigint NOT NULL,
    free int NOT NULL, held int NOT NULL, max_per_booking int NOT NULL);
CREATE TABLE seat (
    event text NOT NULL, label text NOT NULL, status text NOT NULL, hold text,
    PRIMARY KEY (event, label)) WITH (fillfactor = 50);
CREATE TABLE hold (
    token text PRIMARY KEY, event text NOT NULL, holder text NOT NULL,
    key text, seats text[] NOT NULL, expires_at timestamptz NOT NULL,
    UNIQUE (event, holder, key));
"""

READ_EVENT = "SELECT sale_state, version, max_per_booking FROM event WHERE id = $1"
LOCK_EVENT = READ_EVENT + " FOR UPDATE"
LOCK_SEATS = """SELECT status FROM seat WHERE event = $1 AND label = ANY($2)
    ORDER BY label FOR UPDATE"""
HOLD_SEATS = """UPDATE seat SET status = 'held', hold = $3
    WHERE event = $1 AND label = ANY($2)"""
INSERT_HOLD = """INSERT INTO hold (token, event, holder, key, seats, expires_at)
    VALUES ($1, $2, $3, $4, $5, now() + interval '1 hour')"""
COUNT = """UPDATE event SET version = version + 1, free = free - $2, held = held + $2
    WHERE id = $1"""


class Shop:
    """The pool, and the one transaction that this is about."""

    def __init__(self, pool: asyncpg.Pool, counting: bool) -> None:
        self._pool = pool
        self._counting = counting

    async def hold(self, user: str, command: Hold) -> HoldOk | Refused:
        """Hold these seats, all or none; answer after the commit."""
        seats = command.seats or []
        async with self._pool.acquire() as connection, connection.transaction():
            event = await connection.fetchrow(
                LOCK_EVENT if self._counting else READ_EVENT, command.event
            )
            if event is None:
                return refuse("event_not_found")
            if event["sale_state"] != "on_sale":
                return refuse("sale_not_open")
            if len(seats) > event["max_per_booking"]:
                return refuse("too_many_seats")
            rows = await connection.fetch(LOCK_SEATS, command.event, seats)
            if len(rows) != len(seats):
                return refuse("seat_not_found")
            if any(row["status"] != "free" for row in rows):
                return refuse("seat_not_free")
            token = secrets.token_urlsafe(16)
            await connection.execute(HOLD_SEATS, command.event, seats, token)
            await connection.execute(
                INSERT_HOLD, token, command.event, user, command.key, seats
            )
            if self._counting:
                await connection.execute(COUNT, command.event, len(seats))
        return shell.hold_ok(token, seats, event["version"] + 1)


async def prepare(url: str, events: list[str], seats: int) -> None:
    """Make the tables and fill the arenas."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(SCHEMA)
        await connection.executemany(
            "INSERT INTO event VALUES ($1, 'on_sale', 0, $2, 0, 100)",
            [(event, seats) for event in events],
        )
        for event in events:
            await connection.copy_records_to_table(
                "seat",
                records=[
                    (event, arena.label_of(index), "free", None)
                    for index in range(seats)
                ],
            )
        await connection.execute("VACUUM ANALYZE event, seat, hold")
    finally:
        await connection.close()


def main() -> None:
    """Serve the events of the plan on stdin until SIGTERM."""
    url, events, seats = msgspec.json.decode(
        sys.stdin.buffer.read(), type=tuple[str, list[str], int]
    )
    event_row = os.environ.get("BENCH_EVENT_ROW", "lock")
    size = int(os.environ.get("BENCH_POOL", CONNECTIONS[event_row]))
    counting = event_row == "lock"

    async def shop(app: web.Application) -> AsyncIterator[None]:
        await prepare(url, events, seats)
        async with asyncpg.create_pool(url, min_size=size, max_size=size) as pool:
            app[SHOP] = Shop(pool, counting)
            yield

    app = web.Application()
    app.cleanup_ctx.append(shop)
    app.router.add_get(
        "/v1/ws", shell.handler(lambda user, command: app[SHOP].hold(user, command))
    )
    shell.serve(app)


SHOP = web.AppKey("shop", Shop)

if __name__ == "__main__":
    main()
