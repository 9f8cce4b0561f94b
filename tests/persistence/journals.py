"""What the tests of the journal share: events, batches, a journal over a database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import asyncpg

from inventory.batch import chained
from inventory.ports import Batch, BookingRow, CommitStatus, KeyedResult, Ownership
from inventory.settings import Settings
from inventory.venue.map import Area, Category, Seat, VenueMap
from persistence.events.bookings import Bookings
from persistence.events.catalog import Catalog
from persistence.journal.journal import PostgresJournal
from persistence.postgres.clock import DatabaseClock
from persistence.postgres.pool import Pool
from tests.database import query

AREA_CAPACITY = 5
NOW_MS = 1_800_000_000_123

_numbers = count(1)

SETTINGS = Settings(name="Café Noir", starts_at_ms=NOW_MS)
VENUE = VenueMap(
    seats=[
        Seat(
            index=n,
            label=f"A-{n + 1}",
            row="A",
            number=str(n + 1),
            category="1",
            x=n,
            y=0,
        )
        for n in range(10)
    ],
    areas=[Area(label="GA", capacity=AREA_CAPACITY, category="1")],
    categories=[Category(key="1", label="All")],
)


class Store:
    """A journal with its parts, and a way to look past it."""

    def __init__(self, url: str, pool: Pool, journal: PostgresJournal) -> None:
        self.url = url
        self.pool = pool
        self.journal = journal
        self.catalog = Catalog(pool)
        self.bookings = Bookings(pool)

    async def query(self, sql: str, *args: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await query(self.url, sql, *args)]

    async def make_event(self, event: str) -> None:
        await self.catalog.create_venue(
            "ven", "Hall", VENUE, created_by="usr", request_hash=b""
        )
        await self.catalog.create_event(
            event, SETTINGS, venue="ven", created_by="usr", request_hash=b""
        )

    async def own(self, event: str) -> Ownership:
        """Make an event and take it."""
        await self.make_event(event)
        ownership = await self.journal.acquire(event)
        assert ownership is not None
        return ownership

    async def commit(self, ownership: Ownership, batch: Batch) -> CommitStatus:
        """Commit as the actor does: a clean commit moves the ownership on."""
        status = await self.journal.commit(ownership, batch)
        if status is CommitStatus.COMMITTED:
            ownership.version, ownership.chain = batch.to, batch.chain
        return status


@asynccontextmanager
async def open_store(
    url: str, address: str = "here", **options: Any
) -> AsyncIterator[Store]:
    pool = await Pool.open(url)
    journal = await PostgresJournal.open(url, pool, address, DatabaseClock(), **options)
    try:
        yield Store(url, pool, journal)
    finally:
        await journal.close()
        await pool.close()


@asynccontextmanager
async def session(url: str) -> AsyncIterator[Any]:
    """A connection of somebody else, say to hold a lock."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        connection.terminate()


def make_batch(ownership: Ownership, versions: int = 1, **rows: Any) -> Batch:
    body = f"batch {next(_numbers)}".encode()
    base, to = ownership.version, ownership.version + versions
    empty: dict[str, Any] = {
        "sold": [],
        "freed": [],
        "area_sold": {},
        "results": [],
        "bookings": [],
        "cancelled": [],
        "settings": None,
    }
    return Batch(
        base=base,
        to=to,
        batch_id=f"batch-{next(_numbers)}",
        at_ms=NOW_MS,
        body=body,
        chain=chained(ownership.chain, ownership.event, base, to, NOW_MS, body),
        **(empty | rows),
    )


def make_booking(booking: str, version: int = 1) -> BookingRow:
    return BookingRow(
        booking=booking,
        reference=f"REF-{booking}",
        user="buyer",
        order=None,
        version=version,
        seats=["A-1", "A-2"],
        areas={"GA": 1},
    )


def make_result(key: str, version: int = 1) -> KeyedResult:
    return KeyedResult("buyer", key, b"hash", version, b'{"op":"ok"}')
