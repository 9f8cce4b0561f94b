"""Random sales with every kind of change, stored as an actor stores them."""

import random
from collections.abc import Awaitable, Callable

from msgspec import msgpack, structs

from inventory.batch import BatchBuilder
from inventory.changes import (
    AnyChange,
    BookingCancelled,
    BookingReduced,
    HoldBooked,
)
from inventory.ports import CommitStatus
from inventory.state import Stock
from tests.inventory.test_twin import Run
from tests.persistence.journals import Store

Happened = list[tuple[AnyChange, int]]
CHANGES_PER_BATCH_MAX = 12


def random_sale(seed: int, steps: int) -> Run:
    """Let people hold, book, cancel and be late, against a clock that jumps."""
    run = Run(seed)
    for _ in range(steps):
        run.step()
    return run


def changes_of(run: Run, event: str) -> Happened:
    """What happened, its bookings named for the event: no two have the same names."""
    happened: Happened = []
    for body, at_ms in run.journal:
        change: AnyChange = msgpack.decode(body, type=AnyChange)
        if isinstance(change, HoldBooked | BookingCancelled | BookingReduced):
            change = structs.replace(change, booking=f"{event} {change.booking}")
        if isinstance(change, HoldBooked):
            change = structs.replace(change, reference=f"{event} {change.reference}")
        happened.append((change, at_ms))
    return happened


async def store_sale(
    store: Store,
    event: str,
    run: Run,
    after: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Commit what happened in a sale, in batches of any size; `after` follows each."""
    dice = random.Random(len(run.journal))
    venue_map = run.venue.map
    await store.catalog.create_venue(
        f"ven of {event}", "Hall", venue_map, created_by="usr", request_hash=b""
    )
    await store.catalog.create_event(
        event,
        run.settings,
        venue=f"ven of {event}",
        created_by="usr",
        request_hash=b"",
    )
    ownership = await store.journal.acquire(event)
    assert ownership is not None
    stock, left = Stock(run.venue, run.settings), changes_of(run, event)
    while left:
        count = dice.randint(1, CHANGES_PER_BATCH_MAX)
        # A batch has one time, that of its first change.
        at_ms = left[0][1]
        taken = [one for one in left[:count] if one[1] == at_ms]
        left = left[len(taken) :]
        builder = BatchBuilder(stock)
        for change, _ in taken:
            builder.add(change, at_ms)
        batch = builder.batch(ownership, f"{event} {stock.version}", at_ms)
        assert await store.commit(ownership, batch) is CommitStatus.COMMITTED
        if after is not None:
            await after()
