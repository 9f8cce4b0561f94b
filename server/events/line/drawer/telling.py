"""Tells everybody who waits of a list that is fixed, and of the order that came of it.

The process that drew says it over the bus; each tells its own sockets. Whoever misses
it finds the same in what anybody may read of the line.
"""

import asyncio
from typing import Any, Final

import msgspec
import structlog
from msgspec import Struct

from persistence.errors import Unavailable
from persistence.events.line.lists import ListRow, Lists
from server.events.line.news import LineNews
from server.live.fanout.hub import Hub
from server.live.fanout.writer import Writer
from server.transport.bus.bus import Bus

TOPIC: Final = "line drawn"
SLICE: Final = 200
"""So many are told, or looked up, until others on the loop have their turn."""

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

    The rank is null for who came late, and while it is not fed.
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
    """Tells those who wait in this process."""

    def __init__(self, bus: Bus, hub: Hub, news: LineNews, lists: Lists) -> None:
        self._bus = bus
        self._hub = hub
        self._news = news
        self._lists = lists
        self._tasks: set[asyncio.Task[None]] = set()
        bus.subscribe(TOPIC, self._hear, lambda: None)

    def tell(self, told: LineTold) -> None:
        """Have all processes tell; our own hears it, too."""
        self._bus.publish(TOPIC, _encode(told))

    async def close(self) -> None:
        """Tell nobody any more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _hear(self, data: bytes) -> None:
        try:
            told = _decode(data)
        except msgspec.MsgspecError as error:
            log.info("news of a draw cannot be read", error=str(error))
            return
        task = asyncio.create_task(self._spread(told), name=f"tell {told.event}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _spread(self, told: LineTold) -> None:
        writers = self._news.waiting.get(told.event, set())
        if isinstance(told, FixedNews):
            packed: dict[str, bytes] = {}
            for number, writer in enumerate(list(writers), 1):
                codec = writer.codec
                if codec.name not in packed:
                    packed[codec.name] = codec.pack(told.frame)
                writer.write(packed[codec.name])
                if not number % SLICE:
                    await asyncio.sleep(0)
            return
        try:
            await self._spread_ranks(told, writers)
        except Unavailable as error:
            log.warning("ranks were not told", event_id=told.event, reason=str(error))

    async def _spread_ranks(self, told: DrawnNews, waiting: set[Writer]) -> None:
        users = [user for user, here in self._hub.by_user.items() if here & waiting]
        for start in range(0, len(users), SLICE):
            some = users[start : start + SLICE]
            ranks = await self._lists.ranks_of(told.event, some)
            for user in some:
                frame = LineDrawn(
                    told.event,
                    told.draw,
                    told.seed,
                    told.beacon,
                    told.line_hash,
                    ranks.get(user),
                )
                for writer in waiting & self._hub.by_user.get(user, set()):
                    writer.send(frame)
