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


class JournalPage(Struct, frozen=True):
    """Some batches, in order: what changed, and how far the journal is read."""

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
    ) -> AsyncIterator[JournalPage]:
        """Give the batches above a version, to one that ends a batch, or all."""
        while after < upto:
            rows = await self.journal.load_rows(event, after, ROWS_PER_READ)
            rows = [row for row in rows if row.to <= upto]
            if not rows:
                return
            # Off the loop: a batch may have ten thousand places in it.
            changes = await asyncio.to_thread(_changes_of, rows, after)
            last = rows[-1]
            after = last.to
            yield JournalPage(changes, last.to, last.at_ms, last.chain)

    async def find(
        self, event: str, kind: type[T], draw: int, after: int = 0
    ) -> tuple[int, T]:
        """Return the change of a kind that a draw has once, and when it was committed.

        `after` is a version of that draw, or 0. Raises `NotInJournal`.
        """
        number = draw if after else 0
        async for page in self.read(event, after):
            for one in page.changes:
                if isinstance(one.change, LineOpened):
                    number = one.change.draw
                elif number == draw and isinstance(one.change, kind):
                    return one.at_ms, one.change
        raise NotInJournal(f"{event} has no {kind.__name__} in draw {draw}")


def _changes_of(rows: list[JournalRow], after: int) -> list[Happened]:
    return [
        Happened(version, row.at_ms, change)
        for row in rows
        for version, change in enumerate(decode_changes(row.body), row.base + 1)
        if version > after
    ]
