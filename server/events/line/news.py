"""Tells people at once of their turns, on whichever process their sockets are.

The owner publishes turns with the batch that gave them; each process tells those who
are here. Who is elsewhere in that moment has the notice, and is told when they come to
`wait`. The next one to be told is waited for by nobody: it is a hint, as all that is
pushed.
"""

import asyncio
from time import monotonic
from typing import Final

import structlog
from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from inventory.ports import Clock, Publication, TurnNews, TurnOver
from inventory.replies import HeldHold
from inventory.settings import LineMode, Money
from persistence.errors import Unavailable
from persistence.events.line.entries import Entries, Entry
from server.base.metrics import Histogram
from server.live.fanout.hub import Hub

SERVED_BUCKETS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0)

log = structlog.get_logger()


class Turn(Struct, tag_field="op", tag="turn"):
    """The caller's turn, until then; with a `hold` what they wished for is theirs."""

    event: str
    rank: int
    because: str
    until_ms: int
    expires_in_ms: int
    hold: str | UnsetType = UNSET
    seats: list[str] | UnsetType = UNSET
    areas: dict[str, int] | UnsetType = UNSET
    total: Money | UnsetType | None = UNSET


class Offer(Struct, tag_field="op", tag="offer"):
    """What was freed and fits the caller's wish: held for them until it expires."""

    event: str
    entry: str
    rank: int
    hold: str
    seats: list[str]
    areas: dict[str, int]
    total: Money | None
    expires_in_ms: int


class TurnEnd(Struct, tag_field="op", tag="turn_over"):
    """The caller's turn is over: `booked`, `ran_out`, `left`, or the `sale` is."""

    event: str
    why: str


class LineNews:
    """The turns that this process tells of."""

    def __init__(self, hub: Hub, entries: Entries, clock: Clock) -> None:
        self._hub = hub
        self._entries = entries
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self.served = Histogram(
            "onsale_line_served_from_return_seconds",
            "From hearing that what came back is somebody's to telling them here.",
            SERVED_BUCKETS_S,
        )

    def tell(self, event: str, publication: Publication) -> None:
        """Tell whoever is here of their turns: called for each batch that has some."""
        by_user = self._hub.by_user
        for over in publication.turns_over:
            self._tell_over(event, over)
        turns = [one for one in publication.turns if one.user in by_user]
        if turns:
            telling = self._tell_turns(event, turns, monotonic())
            task = asyncio.create_task(telling)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def frame_of(self, entry: Entry, held: HeldHold | None) -> Turn | Offer | None:
        """Return what tells of the open turn of a place; None where there is none.

        What is `held` for it says itself until when: it may have been extended.
        """
        if entry.turn is None or entry.turn_until is None or entry.rank is None:
            return None
        now_ms = self._clock.now_ms()
        until_ms = int(entry.turn_until.timestamp() * 1_000)
        news = TurnNews(
            user=entry.user_id,
            rank=entry.rank,
            because=entry.turn,
            until_ms=until_ms,
            hold=None if held is None else held.hold,
            seats=[] if held is None else held.seats,
            areas={} if held is None else held.areas,
            total=None if held is None else held.total,
            deadline_ms=until_ms if held is None else now_ms + held.expires_in_ms,
        )
        return frame_of(entry.event_id, entry.entry_id, entry.mode, news, now_ms)

    async def _tell_turns(
        self, event: str, turns: list[TurnNews], heard_at: float
    ) -> None:
        try:
            places = await self._entries.named(event, [one.user for one in turns])
        except Unavailable as error:
            log.warning("turns were not told", event_id=event, reason=str(error))
            return
        now_ms = self._clock.now_ms()
        for news in turns:
            if news.user not in places:
                # It is over by now, which was told before.
                continue
            frame = frame_of(event, *places[news.user], news, now_ms)
            for writer in self._hub.by_user.get(news.user, ()):
                writer.write(writer.codec.pack(frame))
            if news.because == "returned":
                self.served.add(monotonic() - heard_at)

    def _tell_over(self, event: str, over: TurnOver) -> None:
        frame = TurnEnd(event, over.why)
        for writer in self._hub.by_user.get(over.user, ()):
            writer.write(writer.codec.pack(frame))


def frame_of(
    event: str, entry: str, mode: LineMode, news: TurnNews, now_ms: int
) -> Turn | Offer:
    """Return the frame of a turn: an `Offer` of what was freed, or of a waitlist."""
    if news.hold is None:
        left_ms = max(0, news.until_ms - now_ms)
        return Turn(event, news.rank, news.because, news.until_ms, left_ms)
    left_ms = max(0, news.deadline_ms - now_ms)
    held = news.hold, news.seats, news.areas, news.total
    if news.because == "returned" or mode == "list":
        return Offer(event, entry, news.rank, *held, left_ms)
    return Turn(event, news.rank, news.because, news.until_ms, left_ms, *held)


LINE_NEWS: Final = web.AppKey("line news", LineNews)
