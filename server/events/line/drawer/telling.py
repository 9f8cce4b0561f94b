"""Tells everybody who waits of a list that is fixed, and of the order that came of it.

The process that drew says it over the bus; each tells its own sockets, and those that
come later. Whoever misses it finds the same in what anybody may read of the line.
"""

import asyncio
from typing import Any, Final

import msgspec
import structlog
from aiohttp import web
from msgspec import Struct

from persistence.events.line.lines import LineRow
from persistence.events.line.lists import ListRow, Lists
from server.events.line.waiters.waiters import Waiters
from server.transport.bus.bus import Bus

TOPIC: Final = "line drawn"
SLICE: Final = 200
"""So many are told until others on the loop have their turn."""

KNOWN_MAX: Final = 1_000
"""Of so many events it is remembered what was told."""

log = structlog.get_logger()


class LineFixed(Struct, tag_field="op", tag="line_fixed"):
    """The list of entrants is fixed: signed, before the round that decides is out."""

    event: str
    draw: int
    entries: int
    root: str
    round: int | None
    round_at_ms: int | None
    at_ms: int
    commitment: str
    signature: str


class LineDrawn(Struct, tag_field="op", tag="line_drawn"):
    """The order is there: the seed, the round's signature if any, and one's rank.

    The rank is null while it is not fed; then the frame `line` tells it.
    """

    event: str
    draw: int
    seed: str
    beacon: str | None
    line_hash: str
    rank: int | None


class FixedNews(Struct, tag=True, frozen=True):
    """A list that was fixed."""

    event: str
    frame: LineFixed


class DrawnNews(Struct, tag=True, frozen=True):
    """An order that was drawn."""

    event: str
    draw: int
    seed: str
    beacon: str | None
    line_hash: str

    def frame(self, rank: int | None) -> LineDrawn:
        """Return what somebody is told who has this rank."""
        return LineDrawn(
            self.event, self.draw, self.seed, self.beacon, self.line_hash, rank
        )


class Told(Struct, frozen=True):
    """What was told of the newest draw of a line."""

    fixed: LineFixed
    drawn: DrawnNews | None = None


LineTold = FixedNews | DrawnNews
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(LineTold).decode


def fixed_of(row: ListRow) -> LineFixed:
    """Return the frame of a list that is fixed."""
    assert row.statement is not None
    assert row.signature is not None
    statement: dict[str, Any] = msgspec.json.decode(row.statement)
    return LineFixed(**statement, signature=row.signature.hex())


class DrawTelling:
    """Tells those who wait in this process, and those who come to."""

    def __init__(self, bus: Bus, waiters: Waiters, lists: Lists) -> None:
        self._bus = bus
        self._waiters = waiters
        self._lists = lists
        self._known: dict[str, Told] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        bus.subscribe(TOPIC, self._hear, lambda: None)

    def tell(self, told: LineTold) -> None:
        """Have all processes tell; our own hears it, too."""
        self._bus.publish(TOPIC, _encode(told))

    async def frames_of(
        self, row: LineRow, rank: int | None
    ) -> list[LineFixed | LineDrawn]:
        """Return what those who waited before were told of the draw of a line.

        For who waits since `row` was read or before: what is told then is heard with
        the others. Raises `Unavailable`.
        """
        told = self._known.get(row.event_id)
        if told is None or not _holds(told, row):
            if row.mode != "draw" or row.root is None:
                return []
            told = await self._read(row)
        drawn = told.drawn
        if drawn is None:
            return [told.fixed]
        return [told.fixed, drawn.frame(rank if drawn.draw == row.draw else None)]

    async def close(self) -> None:
        """Tell nobody any more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, row: LineRow) -> Told:
        """Read what was told, of a list that is fixed."""
        listed = await self._lists.find(row.event_id, row.draw)
        assert listed is not None
        drawn = None
        if row.line_hash is not None and row.seed is not None:
            drawn = DrawnNews(
                row.event_id,
                row.draw,
                row.seed.hex(),
                None if listed.beacon is None else listed.beacon.hex(),
                row.line_hash.hex(),
            )
        return self._know(Told(fixed_of(listed), drawn))

    def _know(self, told: Told) -> Told:
        known = self._known
        # The last that came is the last to go.
        known.pop(told.fixed.event, None)
        known[told.fixed.event] = told
        if len(known) > KNOWN_MAX:
            del known[next(iter(known))]
        return told

    def _hear(self, data: bytes) -> None:
        try:
            news = _decode(data)
        except msgspec.MsgspecError as error:
            log.info("news of a draw cannot be read", error=str(error))
            return
        self._note(news)
        task = asyncio.create_task(self._spread(news), name=f"tell {news.event}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _note(self, news: LineTold) -> None:
        """Remember what was told; what was told of a draw before is late."""
        told = self._known.get(news.event)
        if isinstance(news, FixedNews):
            if told is None or told.fixed.draw < news.frame.draw:
                self._know(Told(news.frame))
        elif told is not None and told.fixed.draw == news.draw:
            self._know(Told(told.fixed, news))

    async def _spread(self, news: LineTold) -> None:
        """Tell those who wait; frames that are alike are packed once."""
        crowd = self._waiters.crowds.get(news.event)
        if crowd is None:
            return
        draw = news.frame.draw if isinstance(news, FixedNews) else news.draw
        crowd.begin(draw)
        if crowd.draw > draw:
            return
        packed: dict[str, bytes] = {}
        for number, waiter in enumerate(list(crowd.waiters.values()), 1):
            writer, rank = waiter.writer, waiter.rank
            if writer is None:
                continue
            if rank and isinstance(news, DrawnNews):
                writer.send(news.frame(rank))
            else:
                codec = writer.codec
                if codec.name not in packed:
                    packed[codec.name] = codec.pack(_frame_for_all(news))
                writer.write(packed[codec.name])
            if not number % SLICE:
                await asyncio.sleep(0)


def _frame_for_all(news: LineTold) -> LineFixed | LineDrawn:
    return news.frame if isinstance(news, FixedNews) else news.frame(None)


def _holds(told: Told, row: LineRow) -> bool:
    """Return whether nothing was told since, as far as a row knows."""
    if told.fixed.draw != row.draw:
        return told.fixed.draw > row.draw
    return told.drawn is not None or row.line_hash is None


DRAW_TELLING: Final = web.AppKey("draw telling", DrawTelling)
