"""Makes the transcript of a draw from journal and rows, a piece at a time.

Whoever asks again later has the same bytes, and what came since: nothing of it is kept.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec
from aiohttp import web

from inventory.changes import (
    EventConfigured,
    LineOpened,
    LineSet,
    SaleChanged,
)
from persistence.events.line.lines import Lines
from persistence.events.line.lists import ListRow, Lists
from server.base.identity import Identity
from server.base.refusals.refusals import Refusal
from server.events.audit.receipts import ReceiptKey
from server.events.catalogue.service import EventService
from server.events.line.rules import OVER
from server.events.line.transcript.journal import Batch, Happened, JournalPages
from server.events.line.transcript.records import Joins, Journal
from server.events.line.transcript.writer import NoSuchDraw, Transcript
from server.events.line.wire.problems import DRAW_NOT_FOUND

AT_ONCE_MAX: Final = 2
"""Each reads a whole journal; who comes then waits, and holds nothing."""

NOTHING: Final = Batch([], 0, 0, bytes(32))
"""Where a journal is in which nothing happened."""

_joins = msgspec.json.Decoder(Joins).decode
_minutes = msgspec.json.Decoder(list[tuple[int, int]]).decode


class Transcripts:
    """Makes transcripts. Raises `Unavailable`, and `Refusal`."""

    def __init__(
        self,
        events: EventService,
        lines: Lines,
        lists: Lists,
        journal: JournalPages,
        key: ReceiptKey,
    ) -> None:
        self._events = events
        self._lines = lines
        self._lists = lists
        self._journal = journal
        self._key = key
        self._turn = asyncio.Semaphore(AT_ONCE_MAX)

    async def write(
        self, who: Identity | None, event: str, draw: int | None
    ) -> AsyncIterator[bytes]:
        """Give the lines of a draw's transcript, the newest draw's without a number.

        The first piece comes when it is sure that there is something to tell.
        """
        found = await self._events.find(who, event)
        row = await self._lines.find(event)
        if row is None or row.phase == "opening":
            raise Refusal(DRAW_NOT_FOUND)
        number = row.draw if draw is None else draw
        board = found.board
        # How they came is written down before the list is fixed: so it is here by now
        # for whatever is in the journal up to this version.
        version, history_id = board.version, board.history_id
        listed = await self._lists.find(event, number)
        transcript = Transcript(
            event=event, draw=number, key=self._key, joins=joins_of(listed, row.mode)
        )
        async with self._turn:
            over, last = Over(), NOTHING
            async for batches in self._journal.read(event, 0, version):
                lines, last = await asyncio.to_thread(
                    _lines_of, transcript, over, batches
                )
                if lines:
                    yield lines
                if transcript.is_past:
                    break
            at = Journal(last.chain.hex(), history_id, last.version)
            try:
                yield transcript.end(over=over.is_over, at_ms=last.at_ms, journal=at)
            except NoSuchDraw as error:
                raise Refusal(DRAW_NOT_FOUND) from error


class Over:
    """Whether a line is over, by the changes of its event."""

    def __init__(self) -> None:
        self.is_over = False

    def take(self, changes: Sequence[Happened]) -> None:
        """Take the next changes."""
        for one in changes:
            match one.change:
                case LineOpened():
                    self.is_over = False
                case LineSet(act="close"):
                    self.is_over = True
                case SaleChanged(to=state) if state in OVER:
                    self.is_over = True
                case EventConfigured(settings=settings) if settings.sale_state in OVER:
                    self.is_over = True
                case _:
                    pass  # The line goes on.


def joins_of(listed: ListRow | None, mode: str) -> Joins | None:
    """Return how entrants came; None where that is not known yet."""
    if mode != "draw":
        return Joins(gates={}, minutes=[])
    if listed is None or listed.joins is None:
        return None
    if listed.joins.startswith("["):
        return Joins(gates={}, minutes=_minutes(listed.joins))
    return _joins(listed.joins)


def _lines_of(
    transcript: Transcript, over: Over, batches: Sequence[Batch]
) -> tuple[bytes, Batch]:
    """Return the lines of some batches, and the last that the transcript tells of.

    A draw ends with the batch in which the next one begins.
    """
    lines: list[bytes] = []
    last = NOTHING
    for last in batches:
        over.take(last.changes)
        lines += [
            transcript.take(one.version, one.at_ms, one.change) for one in last.changes
        ]
        if transcript.is_past:
            break
    return b"".join(lines), last


TRANSCRIPTS: Final = web.AppKey("transcripts", Transcripts)
