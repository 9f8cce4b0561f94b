"""The audit of one event: its whole journal replayed and compared with the tables.

Everything is read in one REPEATABLE READ READ ONLY transaction on a connection of its
own: it sees one moment, blocks nobody who writes, and is blocked by nobody. Journal and
tables are read in pages; what stays in memory is the event's state, as in its actor.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from hashlib import sha256
from typing import Any

import asyncpg
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from inventory.audit import CheckedSnapshot, Differences, Replay
from inventory.ports import BookedLines, BookingRow, JournalRow, ReducedRow
from inventory.settings import Settings, Sum
from inventory.state import Stock
from inventory.venue.map import Venue
from persistence import limits
from persistence.events.catalog import EventPlan
from persistence.journal.receipt_key import FIND_SEED
from persistence.shop.money.audit import compare_orders

_SERVER_SETTINGS = {
    "application_name": "onsale audit",
    "jit": "off",
    # Between two pages we compute, and before the first one we build the venue.
    "idle_in_transaction_session_timeout": "120s",
}

_EVENT = """
SELECT e.venue_id, e.initial_settings::text AS first_settings, v.map,
    e.settings::text AS settings, e.name, e.status, e.deleted_at,
    (extract(epoch FROM e.starts_at) * 1000)::bigint AS starts_at_ms,
    h.history_id, h.epoch, h.version, h.chain, h.batch_id, now() AS audited_at
FROM event e JOIN venue v USING (venue_id) LEFT JOIN event_head h USING (event_id)
WHERE e.event_id = $1
"""
_SNAPSHOT = "SELECT version, body FROM snapshot WHERE event_id = $1"
_JOURNAL = """
SELECT from_version, to_version, batch_id, epoch, body, chain,
    (extract(epoch FROM at) * 1000)::bigint AS at_ms
FROM journal WHERE event_id = $1 ORDER BY to_version
"""
_SOLD = "SELECT seat, booking FROM sold WHERE event_id = $1 ORDER BY seat"
_AREAS = "SELECT area, sold, capacity FROM area_sold WHERE event_id = $1 ORDER BY area"
_BOOKINGS = """
SELECT booking_id, reference, user_id, order_id, version, seats::text AS seats,
    areas::text AS areas, lines
FROM booking WHERE event_id = $1 ORDER BY version, booking_id
"""
_CANCELLED = """
SELECT booking_id, cancelled_at IS NOT NULL FROM booking WHERE event_id = $1
"""
_RESULTS = """
SELECT user_id, version, outcome FROM command_result
WHERE event_id = $1 ORDER BY version, user_id, key
"""

_settings = msgspec.json.Decoder(Settings).decode
_labels = msgspec.json.Decoder(list[str]).decode
_areas = msgspec.json.Decoder(dict[str, int]).decode
_lines = msgspec.json.Decoder(BookedLines).decode


class _Outcome(Struct):
    """What the stored outcome of a keyed command says of its version."""

    version: int


_outcome = msgspec.msgpack.Decoder(_Outcome).decode


class NotAuditable(Exception):
    """There is nothing to audit, or no way to it; the message is one sentence."""


class Counts(Struct, frozen=True):
    """How many seats or places stand how."""

    free: int
    held: int
    booked: int
    blocked: int


class Digest(Struct, frozen=True):
    """Equal for equal histories.

    `origin` is over the map and the first settings, `chain` over all batches since, and
    `state` over what they led to.
    """

    state: str
    chain: str
    origin: str


class Receipt(Struct, frozen=True, kw_only=True):
    """What an audit found. The figures are those of the replayed journal.

    `counts` is the sum of `seats` and of the `places` in areas. `replayed_to` is below
    `version` where the journal could not be replayed to its end. `ordered` is what
    orders say of the revenue: what their seats and places cost by the event's prices.
    """

    event: str
    name: str
    ok: bool
    history_id: str
    epoch: int
    version: int
    replayed_to: int
    batches: int
    counts: Counts
    seats: Counts
    places: Counts
    holds: int
    bookings: int
    seats_booked: int
    revenue: list[Sum]
    ordered: list[Sum] = []
    digest: Digest
    differences: list[str]
    audited_at: datetime


async def audit_event(url: str, event: str) -> Receipt:
    """Audit one event. Raises `NotAuditable`."""
    receipt, _ = await audit_with_seed(url, event)
    return receipt


async def audit_with_seed(url: str, event: str) -> tuple[Receipt, bytes | None]:
    """Audit one event, and find what its database signs receipts with, if it has that.

    Raises `NotAuditable`.
    """
    try:
        connection = await asyncpg.connect(
            url,
            timeout=limits.CONNECT_TIMEOUT_S,
            command_timeout=limits.AUDIT_STATEMENT_TIMEOUT_S,
            server_settings=_SERVER_SETTINGS,
        )
    except (
        OSError,
        TimeoutError,
        ValueError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
    ) as error:
        raise NotAuditable(f"The database cannot be reached: {error}.") from error
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            seed = await connection.fetchval(FIND_SEED)
            return await _Audit(connection, event).run(), seed
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
        raise NotAuditable(
            "This database has not the tables of this version of Onsale."
        ) from error
    except (
        OSError,
        TimeoutError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
    ) as error:
        raise NotAuditable(f"The audit broke off: {error}.") from error
    finally:
        await connection.close(timeout=limits.CALL_DEADLINE_S)


class _Audit:
    """One audit under way."""

    def __init__(self, connection: Any, event: str) -> None:
        self._connection = connection
        self._event = event
        self._differences = Differences()

    async def run(self) -> Receipt:
        head = await self._connection.fetchrow(_EVENT, self._event)
        if head is None:
            raise NotAuditable(f"There is no event {self._event!r}.")
        if head["history_id"] is None:
            raise NotAuditable(f"The event {self._event!r} has lost its head.")
        plan = EventPlan(
            event=self._event,
            venue_id=head["venue_id"],
            first_settings=_settings(head["first_settings"]),
            map_json=head["map"],
        )
        stored = await self._connection.fetchrow(_SNAPSHOT, self._event)
        snapshot = None if stored is None else CheckedSnapshot(**stored)
        differences = self._differences
        venue = Venue(plan.venue_map())
        replay = Replay(self._event, venue, plan.first_settings, differences, snapshot)
        last_batch = await self._replay(replay)
        replay.finish()
        self._compare_head(head, replay, last_batch)
        ordered: list[Sum] = []
        if replay.broken:
            differences.add("The tables were compared only as far as replay came.")
        else:
            await self._compare_sold(replay.stock)
            await self._compare_cancelled(replay.stock)
            await self._compare_areas(replay.stock)
            self._compare_settings(head, replay.stock.settings)
            await self._compare_results(head["version"])
            found = self._connection, self._event, replay.stock, replay.paid
            ordered = await compare_orders(*found, differences.add)
        receipt = _receipt(self._event, head, replay, differences)
        return replace(receipt, ordered=ordered)

    async def _replay(self, replay: Replay) -> str | None:
        """Read the journal to its end, and beside it the bookings that it made."""
        bookings = _BookingRows(self._connection, self._event, self._differences)
        batch_id = None
        async for page in _pages(self._connection, _JOURNAL, self._event):
            for row in page:
                batch_id = row["batch_id"]
                journaled = JournalRow(
                    base=row["from_version"],
                    to=row["to_version"],
                    at_ms=row["at_ms"],
                    body=row["body"],
                    chain=row["chain"],
                )
                replay.read(journaled, row["epoch"])
            await bookings.compare(replay.booked)
            replay.booked.clear()
        if not replay.broken:
            await bookings.finish(replay.reduced)
        return batch_id

    def _compare_head(self, head: Any, replay: Replay, last_batch: str | None) -> None:
        add = self._differences.add
        if head["version"] != replay.version:
            add(
                f"The head stands at version {head['version']}, and the journal ends at"
                f" {replay.version}."
            )
        if head["chain"] != replay.chain:
            add("The head has another hash chain than the end of the journal.")
        if head["batch_id"] != last_batch:
            add("The head names another batch than the last one of the journal.")
        if head["epoch"] < replay.epoch:
            add(
                f"The head is of epoch {head['epoch']}, and the journal has a batch of"
                f" epoch {replay.epoch}."
            )

    async def _compare_sold(self, stock: Stock) -> None:
        """Exactly the booked seats are sold, each to its booking."""
        add, labels = self._differences.add, stock.venue.labels
        expected = {
            seat: booking.booking
            for booking in stock.bookings.values()
            for seat in booking.seats
        }
        async for seat, booking in self._rows(_SOLD):
            named = labels[seat] if 0 <= seat < len(labels) else f"number {seat}"
            booked = expected.pop(seat, None)
            if booked is None:
                add(
                    f"Seat {named} is sold to {booking} in the table and not booked"
                    " in the journal."
                )
            elif booked != booking:
                add(
                    f"Seat {named} is sold to {booking} in the table and booked by"
                    f" {booked} in the journal."
                )
        for seat, booking in expected.items():
            add(
                f"Seat {labels[seat]} is booked by {booking} in the journal and not"
                " sold in the table."
            )

    async def _compare_cancelled(self, stock: Stock) -> None:
        """The bookings of the table that nobody cancelled are the live ones."""
        add = self._differences.add
        async for booking, cancelled in self._rows(_CANCELLED):
            if cancelled and booking in stock.bookings:
                add(f"Booking {booking} is cancelled in the table alone.")
            elif not cancelled and booking not in stock.bookings:
                add(f"Booking {booking} is live in the table alone.")

    async def _compare_areas(self, stock: Stock) -> None:
        add, venue_areas = self._differences.add, stock.venue.areas
        expected = dict(enumerate(stock.areas))
        async for index, sold, capacity in self._rows(_AREAS):
            counts = expected.pop(index, None)
            if counts is None:
                add(f"The table has an area number {index}, and the venue has not.")
                continue
            label = venue_areas[index].label
            if sold != counts.booked:
                add(
                    f"Area {label} has {sold} places sold in the table and"
                    f" {counts.booked} booked in the journal."
                )
            if capacity != sum(counts.counts()):
                add(
                    f"Area {label} has {capacity} places in the table and"
                    f" {sum(counts.counts())} in the journal."
                )
        for index in expected:
            add(f"Area {venue_areas[index].label} is missing in the table.")

    def _compare_settings(self, head: Any, expected: Settings) -> None:
        """The event's row says what the journal led to."""
        add = self._differences.add
        try:
            same = _settings(head["settings"]) == expected
        except msgspec.ValidationError:
            same = False
        if not same:
            add("The event's settings are others than those of the journal.")
        stored = head["name"], head["status"], head["starts_at_ms"]
        if stored != (expected.name, expected.sale_state, expected.starts_at_ms):
            add("The event's name, status or beginning is not that of the journal.")
        if (head["deleted_at"] is not None) != expected.deleted:
            add("The event is deleted in one of table and journal, and not in both.")

    async def _compare_results(self, version: int) -> None:
        """Each stored outcome belongs to a version of its own, which there is."""
        add = self._differences.add
        former = 0
        async for row in self._rows(_RESULTS):
            of = row["version"]
            whose = f"The stored outcome of version {of}, of user {row['user_id']},"
            if not 0 < of <= version:
                add(f"{whose} belongs to no version of the journal.")
            elif of == former:
                add(f"{whose} is the second one of that version.")
            former = of
            try:
                told = _outcome(row["outcome"]).version
            except msgspec.MsgspecError:
                add(f"{whose} cannot be read.")
            else:
                if told != of:
                    add(f"{whose} tells of version {told}.")

    def _rows(self, sql: str) -> AsyncIterator[Any]:
        return _rows(self._connection, sql, self._event)


class _BookingRows:
    """The bookings of the table in order of version, beside those of the journal."""

    def __init__(self, connection: Any, event: str, differences: Differences) -> None:
        self._rows = _rows(connection, _BOOKINGS, event)
        self._next: Any = None
        self._begun = False
        self._add = differences.add
        self._others: dict[str, tuple[Any, BookingRow]] = {}
        """Rows that are not as they were made, which may have given back a part."""

    async def compare(self, journaled: list[BookingRow]) -> None:
        """Compare the bookings that some versions made with the next rows."""
        if not self._begun:
            self._begun = True
            await self._advance()
        for expected in journaled:
            while self._next is not None and self._next["version"] < expected.version:
                self._add(_unknown(self._next))
                await self._advance()
            row = self._next
            if row is None or row["version"] != expected.version:
                self._add(
                    f"Booking {expected.booking} of version {expected.version} is in"
                    " the journal and not in the table."
                )
                continue
            if not _agree(row, expected):
                self._others[expected.booking] = row, expected
            await self._advance()

    async def finish(self, reduced: dict[str, ReducedRow]) -> None:
        """Compare what is left of those that gave back a part; name further rows."""
        for booking, (row, made) in self._others.items():
            left = reduced.pop(booking, None)
            if left is None or not _agree(row, _as_left(made, left)):
                self._add(_differs(made.version, booking))
        for booking in reduced:
            self._add(
                f"Booking {booking} gave back a part in the journal, and not in the"
                " table."
            )
        await self.compare([])
        while self._next is not None:
            self._add(_unknown(self._next))
            await self._advance()

    async def _advance(self) -> None:
        self._next = await anext(self._rows, None)


async def _pages(connection: Any, sql: str, event: str) -> AsyncIterator[list[Any]]:
    """Read a statement's rows through a cursor, as many at a time as memory allows."""
    cursor = await connection.cursor(sql, event)
    rows = limits.AUDIT_ROWS_MIN
    while page := await cursor.fetch(rows):
        yield page
        size = sum(len(row.get("body", b"")) for row in page) // len(page)
        rows = limits.AUDIT_PAGE_BYTES // max(1, size)
        rows = max(limits.AUDIT_ROWS_MIN, min(rows, limits.AUDIT_ROWS_MAX))


async def _rows(connection: Any, sql: str, event: str) -> AsyncIterator[Any]:
    async for page in _pages(connection, sql, event):
        for row in page:
            yield row


def _agree(row: Any, expected: BookingRow) -> bool:
    """Return whether a row is what the journal made; former versions kept no lines."""
    found = _booking_of(row)
    if found.lines is None:
        expected = replace(expected, lines=None)
    return found == expected


def _as_left(made: BookingRow, left: ReducedRow) -> BookingRow:
    return replace(made, seats=left.seats, areas=left.areas, lines=left.lines)


def _differs(version: int, booking: str) -> str:
    return (
        f"Booking {booking} of version {version} is not in the table what it is in the"
        " journal."
    )


def _booking_of(row: Any) -> BookingRow:
    return BookingRow(
        row["booking_id"],
        row["reference"],
        row["user_id"],
        row["order_id"],
        row["version"],
        _labels(row["seats"]),
        _areas(row["areas"]),
        None if row["lines"] is None else _lines(row["lines"]),
    )


def _unknown(row: Any) -> str:
    return (
        f"Booking {row['booking_id']} of version {row['version']} is in the table and"
        " not in the journal."
    )


def _origin(head: Any) -> str:
    parts = head["map"], head["first_settings"]
    return sha256(msgspec.msgpack.encode(parts)).hexdigest()


def _receipt(
    event: str, head: Any, replay: Replay, differences: Differences
) -> Receipt:
    stock = replay.stock
    seats = Counts(*(stock.letters.count(letter) for letter in b"fhbx"))
    areas = [(0, 0, 0, 0), *stock.area_counts()]
    places = Counts(*(sum(column) for column in zip(*areas, strict=True)))
    return Receipt(
        event=event,
        name=stock.settings.name,
        ok=not differences.count,
        history_id=head["history_id"],
        epoch=head["epoch"],
        version=head["version"],
        replayed_to=stock.version,
        batches=replay.batches,
        counts=Counts(
            seats.free + places.free,
            seats.held + places.held,
            seats.booked + places.booked,
            seats.blocked + places.blocked,
        ),
        seats=seats,
        places=places,
        holds=len(stock.holds),
        bookings=len(stock.bookings),
        seats_booked=seats.booked,
        revenue=replay.revenue(),
        digest=Digest(stock.hash().hex(), replay.chain.hex(), _origin(head)),
        differences=differences.sentences(),
        audited_at=head["audited_at"],
    )
