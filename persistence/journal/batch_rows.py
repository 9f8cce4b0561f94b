"""Batches as the arrays that `commit_batches` takes.

One array per column and call, whatever the number of events: an element costs asyncpg a
fraction of what a parameter or a call of its own would.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from inventory.ports import Batch

_PARAMETERS = 47
COMMIT = (
    "SELECT event_id, status, epoch, version, now_ms FROM commit_batches("
    + ", ".join(f"${n + 1}" for n in range(_PARAMETERS))
    + ")"
)

_json = msgspec.json.Encoder()


class Entry(Protocol):
    """What is asked of one head; without a batch only its lease is renewed."""

    event: str
    epoch: int
    token: str
    base: int
    batch: Batch | None


def encode_call(taken: Sequence[Entry], lease_ttl_ms: int) -> list[object]:
    """Return the arguments of `COMMIT` for these entries, each of another event."""
    batches = [(p.event, p.batch) for p in taken if p.batch is not None]
    return [
        lease_ttl_ms,
        *_heads(taken),
        *_columns(3, [(e, *row) for e, b in batches for row in b.freed]),
        *_columns(3, [(e, *row) for e, b in batches for row in b.sold]),
        *_columns(3, [(e, *row) for e, b in batches for row in b.area_sold.items()]),
        *_columns(8, _bookings(batches)),
        *_columns(2, [(e, booking) for e, b in batches for booking in b.cancelled]),
        *_columns(6, _results(batches)),
        *_columns(2, _settings(batches)),
        *_columns(1, _lines(batches)),
        *_columns(5, _reduced(batches)),
        tuple([None if p.batch is None else p.batch.marks for p in taken]),
        *_columns(3, [(e, *row) for e, b in batches for row in b.ranked]),
    ]


def _heads(taken: Sequence[Entry]) -> list[Sequence[object] | None]:
    return _columns(
        9,
        [
            (p.event, p.epoch, p.token, p.base, p.base, None, None, None, None)
            if (b := p.batch) is None
            else (
                p.event,
                p.epoch,
                p.token,
                p.base,
                b.to,
                b.batch_id,
                b.at_ms,
                b.body,
                b.chain,
            )
            for p in taken
        ],
    )


def _bookings(batches: list[tuple[str, Batch]]) -> list[tuple[object, ...]]:
    return [
        (
            event,
            row.booking,
            row.reference,
            row.user,
            row.order,
            row.version,
            _json.encode(row.seats).decode(),
            _json.encode(row.areas).decode(),
        )
        for event, batch in batches
        for row in batch.bookings
    ]


def _lines(batches: list[tuple[str, Batch]]) -> list[tuple[object, ...]]:
    """Return what the bookings cost, in the order of `_bookings`."""
    return [
        (None if row.lines is None else _json.encode(row.lines).decode(),)
        for _, batch in batches
        for row in batch.bookings
    ]


def _reduced(batches: list[tuple[str, Batch]]) -> list[tuple[object, ...]]:
    return [
        (
            event,
            row.booking,
            _json.encode(row.seats).decode(),
            _json.encode(row.areas).decode(),
            _json.encode(row.lines).decode(),
        )
        for event, batch in batches
        for row in batch.reduced
    ]


def _results(batches: list[tuple[str, Batch]]) -> list[tuple[object, ...]]:
    return [
        (event, row.user, row.key, row.request_hash, row.version, row.outcome)
        for event, batch in batches
        for row in batch.results
    ]


def _settings(batches: list[tuple[str, Batch]]) -> list[tuple[object, ...]]:
    return [
        (event, _json.encode(batch.settings).decode())
        for event, batch in batches
        if batch.settings is not None
    ]


def _columns(
    width: int, rows: list[tuple[object, ...]]
) -> list[Sequence[object] | None]:
    """Turn rows into columns; NULL, which costs nothing, where there is no row."""
    if not rows:
        return [None] * width
    columns: list[Sequence[object] | None] = list(zip(*rows, strict=True))
    if len(columns) != width:
        raise ValueError(f"a row of {len(columns)} columns where {width} are expected")
    return columns
