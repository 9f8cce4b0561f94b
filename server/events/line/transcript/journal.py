"""The journal of an event as transcripts and draws read it: a few batches at a time."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, TypeVar

from msgspec import Struct

from inventory.changes import AnyChange, LineOpened
from inventory.loading import decode_changes
from inventory.ports import JournalRow
from persistence.journal.journal import PostgresJournal

T = TypeVar("T")

VERSION_MAX: Final = 2**63 - 1
ROWS_PER_READ: Final = 16
"""A row holds one version or thousands, so rows are read a few at a time."""


class Happened(Struct, frozen=True):
    """A change, its version, and when it was committed, in Unix ms."""

    version: int
    at_ms: int
    change: AnyChange


class Batch(Struct, frozen=True):
    """A committed batch: what changed, and how far the journal is read with it."""

    changes: list[Happened]
    version: int
    at_ms: int
    chain: bytes


class NotInJournal(Exception):
    """What was looked for never happened."""


class JournalPages(Struct, frozen=True):
    """Reads journals. Raises `Unavailable`."""

    journal: PostgresJournal

    async def read(
        self, event: str, after: int = 0, upto: int = VERSION_MAX
    ) -> AsyncIterator[list[Batch]]:
        """Give the batches above a version, up to one or all, some at a time."""
        while after < upto:
            rows = await self.journal.load_rows(event, after, ROWS_PER_READ)
            rows = [row for row in rows if row.to <= upto]
            if not rows:
                return
            # Off the loop: a batch may have ten thousand places in it.
            yield await asyncio.to_thread(_batches_of, rows, after)
            after = rows[-1].to

    async def find(
        self, event: str, kind: type[T], draw: int, after: int = 0
    ) -> tuple[int, T]:
        """Return the change of a kind that a draw has once, and when it was committed.

        `after` is a version of that draw, or 0. Raises `NotInJournal`.
        """
        number = draw if after else 0
        async for batches in self.read(event, after):
            for one in (one for batch in batches for one in batch.changes):
                if isinstance(one.change, LineOpened):
                    number = one.change.draw
                elif number == draw and isinstance(one.change, kind):
                    return one.at_ms, one.change
        raise NotInJournal(f"{event} has no {kind.__name__} in draw {draw}")


def _batches_of(rows: list[JournalRow], after: int) -> list[Batch]:
    return [
        Batch(
            [
                Happened(version, row.at_ms, change)
                for version, change in enumerate(decode_changes(row.body), row.base + 1)
                if version > after
            ],
            row.to,
            row.at_ms,
            row.chain,
        )
        for row in rows
    ]
