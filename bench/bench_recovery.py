"""How long an event takes to recover: `python -m bench.bench_recovery`.

The figure: at most 2 s with 100,000 rows in the journal, from the actor's start until
it is ready, in a real Postgres with an arena of 20,000 seats. Measured with one change
per row and with few large rows, with the oldest snapshot there can be and without any.
An audit of the same event is timed beside it, and has to find nothing.
"""

import asyncio
import random
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import asyncpg
import msgspec
import uvloop
from cyclopts import App
from msgspec import Struct

from bench.bench_decide import settings
from inventory import limits
from inventory.actor import EventActor
from inventory.batch import BatchBuilder
from inventory.changes import (
    AnyChange,
    BookingCancelled,
    HoldBooked,
    HoldReleased,
    SeatsHeld,
)
from inventory.loading import Loaded, SnapshotWriter
from inventory.ports import Batch, BoardState, CommitStatus, Ownership, Publication
from inventory.state import Stock
from inventory.venue.arena import arena
from inventory.venue.map import Venue, VenueMap
from persistence.data_directory import DataDirectory
from persistence.embedded import EmbeddedPostgres
from persistence.events.catalog import Catalog
from persistence.journal.audit import audit_event
from persistence.journal.journal import PostgresJournal
from persistence.postgres.clock import DatabaseClock
from persistence.postgres.migrate import migrate
from persistence.postgres.pool import Pool
from server.base.ids import RandomIds

SEATS = 20_000
CHANGES = 100_000
LARGE_ROW = 1_000
SEED = 1
FIGURE_S = 2.0
WITH, WITHOUT = "with the oldest snapshot", "without any snapshot"
START_MS = 1_800_000_000_000


class Silence:
    """Watches nothing, and does not hide errors."""

    def publish(self, publication: Publication) -> None:
        """Nobody watches."""

    def reset(self, state: BoardState) -> None:
        """Nobody watches."""

    def committed(self, commands: int, seconds: float) -> None:
        """Nobody counts."""

    def refused(self, code: str) -> None:
        """Nobody counts."""

    def doubted(self, status: CommitStatus) -> None:
        """Nobody counts."""

    def failed(self, event: str, error: BaseException) -> None:
        """End the run."""
        raise error


class Sale:
    """A sale as it might have been: pairs are held, booked, released, cancelled."""

    def __init__(self, venue: Venue) -> None:
        self.stock = Stock(venue, settings(venue, prevent_orphans=False))
        self._choose = random.Random(SEED)
        self._ids = RandomIds()
        self._live: list[str] = []

    def change(self) -> AnyChange:
        """Return what happens next; it is not applied."""
        stock, choose, ids = self.stock, self._choose, self._ids
        if stock.holds and choose.random() < 0.5:
            token, hold = next(iter(stock.holds.items()))
            if choose.random() < 0.4:
                return HoldReleased(token, hold.seats, dict(hold.areas))
            self._live.append(ids.token())
            return HoldBooked(token, self._live[-1], ids.reference(), None)
        salt = choose.getrandbits(32)
        pairs = stock.finder.alternatives(2, category=None, salt=salt, count=1)
        if not pairs:
            at = choose.randrange(len(self._live))
            self._live[at], self._live[-1] = self._live[-1], self._live[at]
            return BookingCancelled(self._live.pop())
        deadline_ms = stock.at_ms + 600_000
        return SeatsHeld(ids.token(), ids.token(), tuple(pairs[0]), {}, deadline_ms)

    def batch(self, ownership: Ownership, size: int, at_ms: int) -> Batch:
        """Let so many changes happen as one batch."""
        builder = BatchBuilder(self.stock)
        for _ in range(size):
            builder.add(self.change(), at_ms)
        builder.publication(ownership)
        return builder.batch(ownership, self._ids.token(), at_ms)


class Trades(Sale):
    """A sale in which nobody stays: all seats are free after every second change."""

    def change(self) -> AnyChange:
        """Hold two seats, or release them."""
        for token, hold in self.stock.holds.items():
            return HoldReleased(token, hold.seats, {})
        deadline_ms = self.stock.at_ms + 600_000
        return SeatsHeld(self._ids.token(), self._ids.token(), (0, 1), {}, deadline_ms)


class History:
    """An event in a database, with a journal as long as it is asked for."""

    def __init__(
        self,
        url: str,
        pool: Pool,
        journal: PostgresJournal,
        venue_map: VenueMap | None = None,
        sale: type[Sale] = Sale,
    ) -> None:
        self.url = url
        self.journal = journal
        self.catalog = Catalog(pool)
        self.venue_map = arena(SEATS) if venue_map is None else venue_map
        self._sale = sale
        self.venue = Venue(self.venue_map)
        _ = self.venue.segments, self.venue.focal_distances
        self.settings = settings(self.venue, prevent_orphans=False)

    async def make(self, event: str, changes: int, row_size: int) -> None:
        """Fill the journal, with a snapshot as old as one can be."""
        await self.catalog.create_venue(
            "arena", "Arena", self.venue_map, created_by="bench", request_hash=b""
        )
        await self.catalog.create_event(
            event, self.settings, venue="arena", created_by="bench", request_hash=b""
        )
        sale = self._sale(self.venue)
        newest = max(0, changes - limits.SNAPSHOT_EVERY_VERSIONS)
        await self._write(event, sale, newest, row_size)
        if newest >= limits.SNAPSHOT_EVERY_VERSIONS:
            await self._snapshot(event, sale.stock)
        await self._write(event, sale, changes, row_size)

    async def _write(self, event: str, sale: Sale, upto: int, row_size: int) -> None:
        """Continue the sale, and copy what its commits would have written."""
        connection = await asyncpg.connect(self.url)
        head = await connection.fetchrow(
            "SELECT * FROM event_head WHERE event_id = $1", event
        )
        ownership = Ownership(event, "", 0, "", head["version"], head["chain"])
        batches = []
        while sale.stock.version < upto:
            size = min(row_size, upto - sale.stock.version)
            batch = sale.batch(ownership, size, START_MS + sale.stock.version)
            ownership.version, ownership.chain = batch.to, batch.chain
            batches.append(batch)
        if batches:
            async with connection.transaction():
                await _copy(connection, event, batches)
        await connection.close()

    async def _snapshot(self, event: str, stock: Stock) -> None:
        ownership = await self.journal.acquire(event)
        if ownership is None:
            raise RuntimeError("somebody else owns the event")
        loaded = Loaded(ownership, stock)
        loaded.snapshot_version = 0
        writer = SnapshotWriter(self.journal, Silence())
        writer.store_when_due(loaded)
        await writer.finish()
        await self.journal.release(ownership, due=False)

    async def recover(self, event: str) -> float:
        """Return how many seconds an actor takes until it is ready."""
        begun = perf_counter()
        actor = EventActor(
            event,
            self.venue,
            self.settings,
            journal=self.journal,
            publisher=Silence(),
            clock=self.journal.clock,
            ids=RandomIds(),
            observer=Silence(),
        )
        await actor.ready
        took_s = perf_counter() - begun
        await actor.stop(5)
        return took_s


async def _copy(connection: Any, event: str, batches: list[Batch]) -> None:
    """Write the batches as their commits would have, a few statements for all."""
    rows = [
        (event, b.base, b.to, b.batch_id, 0, _time(b.at_ms), b.body, b.chain)
        for b in batches
    ]
    await connection.copy_records_to_table("journal", records=rows)
    bookings = [
        (
            row.booking,
            event,
            row.reference,
            row.user,
            row.version,
            _json(row.seats),
            _json(row.areas),
        )
        for b in batches
        for row in b.bookings
    ]
    await connection.executemany(
        "INSERT INTO booking (booking_id, event_id, reference, user_id, version, seats,"
        " areas) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        bookings,
    )
    cancelled = [booking for b in batches for booking in b.cancelled]
    await connection.execute(
        "UPDATE booking SET cancelled_at = now() WHERE booking_id = ANY ($1)", cancelled
    )
    sold: dict[int, str] = {}
    freed = []
    for b in batches:
        for seat, _ in b.freed:
            if sold.pop(seat, None) is None:
                freed.append(seat)
        sold.update(b.sold)
    await connection.execute(
        "DELETE FROM sold WHERE event_id = $1 AND seat = ANY ($2)", event, freed
    )
    records = [(event, seat, booking) for seat, booking in sold.items()]
    await connection.copy_records_to_table("sold", records=records)
    last = batches[-1]
    await connection.execute(
        "UPDATE event_head SET version = $2, chain = $3, batch_id = $4"
        " WHERE event_id = $1",
        event,
        last.to,
        last.chain,
        last.batch_id,
    )


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1_000, UTC)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


class Recovered(Struct, kw_only=True):
    """One event, recovered as it was stored."""

    row_size: int
    kind: str
    seconds: float
    judged: bool
    """Whether the figure is promised for it; what an audit takes is only told."""

    differences: list[str] = []


async def measure(url: str, changes: int, sizes: tuple[int, ...]) -> list[Recovered]:
    """Recover an event with rows of each of these sizes, and audit it."""
    connection = await asyncpg.connect(url)
    await migrate(connection)
    pool = await Pool.open(url)
    journal = await PostgresJournal.open(url, pool, "bench", DatabaseClock())
    found = []
    try:
        history = History(url, pool, journal)
        for size in sizes:
            event = f"rows of {size}"
            await history.make(event, changes, size)
            await connection.execute("VACUUM ANALYZE")
            kinds = {WITH: await history.recover(event)}
            await connection.execute("DELETE FROM snapshot")
            kinds[WITHOUT] = await history.recover(event)
            begun = perf_counter()
            receipt = await audit_event(url, event)
            kinds["audit"] = perf_counter() - begun
            found += [
                Recovered(
                    row_size=size,
                    kind=kind,
                    seconds=seconds,
                    judged=kind != "audit",
                    differences=receipt.differences if kind == "audit" else [],
                )
                for kind, seconds in kinds.items()
            ]
    finally:
        await journal.close()
        await pool.close()
        await connection.close()
    return found


def show(found: list[Recovered], changes: int) -> int:
    """Print a line for each way in which an event may have been stored."""
    print(f"{changes:,} changes on {SEATS:,} seats; seconds until ready")
    missed = 0
    for one in found:
        late = one.judged and one.seconds > FIGURE_S
        missed += late + len(one.differences)
        print(f"{one.row_size:>6,} a row, {one.kind:<26}{one.seconds:>6.2f}", end="")
        print("  MISSED" if late else "")
        print(*one.differences, sep="\n", end="\n" if one.differences else "")
    return 1 if missed else 0


def main(*, changes: int = CHANGES) -> int:
    """Start a Postgres, measure in it, and leave nothing behind.

    Args:
        changes: how many versions the event has.
    """
    # Not below /tmp, which may be memory: there reading would cost nothing.
    folder = Path(tempfile.mkdtemp(prefix="onsale-bench-", dir="/var/tmp"))
    folder.chmod(0o711)
    data = DataDirectory(folder / "data")
    postgres = EmbeddedPostgres(data)
    try:
        with data:
            url = postgres.start()
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                found = runner.run(measure(url, changes, (1, LARGE_ROW)))
            return show(found, changes)
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    app = App(name="bench_recovery")
    app.default(main)
    sys.exit(app())
