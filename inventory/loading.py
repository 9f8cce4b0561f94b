"""Reading an event's state: the newest snapshot, then the journal, through `apply`.

Used by the actor after it became the owner. Yields to the loop, so that a long journal
stalls nobody else. Writing those snapshots is here, too.
"""

import asyncio
from functools import partial
from time import monotonic

from msgspec import MsgspecError, msgpack

from inventory import limits
from inventory.batch import chained
from inventory.changes import AnyChange
from inventory.ports import (
    BoardState,
    CommitStatus,
    Journal,
    JournalRow,
    Observer,
    Ownership,
)
from inventory.records import Corrupt
from inventory.settings import Settings
from inventory.snapshot import (
    Snapshot,
    UnknownFormat,
    decode_snapshot,
    encode_slices,
    join_slices,
    take_snapshot,
)
from inventory.state import Stock
from inventory.venue.map import Venue

decode_changes = msgpack.Decoder(list[AnyChange]).decode


class Deposed(Exception):
    """Another process owns the event now."""


class Loaded:
    """The state of an event, and the right to write its journal."""

    def __init__(self, ownership: Ownership, stock: Stock) -> None:
        self.ownership = ownership
        self.stock = stock
        self.snapshot_version = stock.version


async def load(
    journal: Journal, ownership: Ownership, venue: Venue, first_settings: Settings
) -> Loaded:
    """Return the state at the head that we own.

    Raises `Corrupt` unless what is stored leads exactly there, or `Deposed` where
    somebody else became the owner, and wrote more, while we were reading.
    """
    try:
        return await _read(journal, ownership, venue, first_settings)
    except Corrupt:
        if await journal.confirm(ownership) is CommitStatus.COMMITTED:
            raise
        raise Deposed from None


async def _read(
    journal: Journal, ownership: Ownership, venue: Venue, first_settings: Settings
) -> Loaded:
    stored = await journal.load_snapshot(ownership.event)
    body = None if stored is None else stored.body
    read = partial(_begin, body, venue, first_settings)
    large = len(venue.seats) > limits.SEATS_AT_ONCE_MAX
    stock = await asyncio.to_thread(read) if large else read()
    loaded = Loaded(ownership, stock)
    chain = b""
    slice_ends = monotonic() + limits.REPLAY_SLICE_S
    while stock.version < ownership.version:
        rows = await journal.load_rows(
            ownership.event, stock.version, limits.REPLAY_ROWS
        )
        if not rows:
            raise Corrupt(f"the journal ends at {stock.version}, before its head")
        for row in rows:
            if chain and row.chain != chained(
                chain, ownership.event, row.base, row.to, row.at_ms, row.body
            ):
                raise Corrupt(f"the journal's chain breaks at {row.to}")
            replay_row(stock, row)
            chain = row.chain
            if monotonic() > slice_ends:
                await asyncio.sleep(0)
                slice_ends = monotonic() + limits.REPLAY_SLICE_S
    if stock.version != ownership.version or (chain and chain != ownership.chain):
        raise Corrupt(f"the journal does not end at its head {ownership.version}")
    return loaded


def _begin(body: bytes | None, venue: Venue, first_settings: Settings) -> Stock:
    """Return the state that the journal goes on from."""
    if body is not None:
        try:
            return decode_snapshot(body, venue)
        except UnknownFormat:
            # Of a version that was here and is not any more: all of the journal, then.
            pass
    return Stock(venue, first_settings)


def board_state(ownership: Ownership, stock: Stock) -> BoardState:
    """Return what watchers see of a stock that its owner just loaded."""
    return BoardState(
        event=ownership.event,
        history_id=ownership.history_id,
        epoch=ownership.epoch,
        version=stock.version,
        letters=bytes(stock.letters),
        areas=stock.area_counts(),
        settings=stock.settings,
    )


def replay_row(stock: Stock, row: JournalRow) -> None:
    """Apply one batch of the journal; raise `Corrupt` when it does not follow."""
    if row.base != stock.version:
        raise Corrupt(f"a batch from {row.base} after version {stock.version}")
    try:
        for change in decode_changes(row.body):
            stock.apply(change, row.at_ms)
    except (MsgspecError, LookupError, ValueError) as error:
        # It names what this event has not, or cannot even be read. The error itself is
        # kept from the log: it may hold the token of a hold, which is a secret.
        name = type(error).__name__
        raise Corrupt(f"a batch to {row.to} that does not fit: {name}") from None
    if row.to != stock.version:
        raise Corrupt(f"a batch to {row.to} that ends at {stock.version}")
    stock.touched_seats.clear()
    stock.touched_areas.clear()


class SnapshotWriter:
    """Stores recovery snapshots beside the actor, one at a time."""

    def __init__(self, journal: Journal, observer: Observer) -> None:
        self._journal = journal
        self._observer = observer
        self._task: asyncio.Task[None] | None = None

    def store_when_due(self, loaded: Loaded) -> None:
        """Store one when many versions came since the last; only between batches."""
        stock = loaded.stock
        if stock.version - loaded.snapshot_version < limits.SNAPSHOT_EVERY_VERSIONS:
            return
        if self._task is not None and not self._task.done():
            return
        loaded.snapshot_version = stock.version
        # Taken here, before the next batch; all else goes on beside it.
        self._task = asyncio.create_task(
            self._save(loaded.ownership, take_snapshot(stock)),
            name=f"snapshot {loaded.ownership.event}",
        )

    async def finish(self) -> None:
        """Wait for the one that is being written."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _save(self, ownership: Ownership, snapshot: Snapshot) -> None:
        slices = []
        for piece in encode_slices(snapshot):
            slices.append(piece)
            await asyncio.sleep(0)
        body = join_slices(slices)
        try:
            await self._journal.save_snapshot(ownership, snapshot.version, body)
        except Exception as error:
            # A snapshot only saves time: without it the journal is replayed from
            # further back. The next one is tried when it is due.
            self._observer.failed(ownership.event, error)
