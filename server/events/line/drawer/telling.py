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
from server.events.line.waiters.crowd import Crowd
from server.events.line.waiters.waiters import Waiters
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

    def __init__(self, bus: Bus, waiters: Waiters, lists: Lists) -> None:
        self._bus = bus
        self._waiters = waiters
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
        crowd = self._waiters.crowds.get(told.event)
        if crowd is None:
            return
        if isinstance(told, FixedNews):
            packed: dict[str, bytes] = {}
            for number, writer in enumerate(list(crowd.waiters), 1):
                codec = writer.codec
                if codec.name not in packed:
                    packed[codec.name] = codec.pack(told.frame)
                writer.write(packed[codec.name])
                if not number % SLICE:
                    await asyncio.sleep(0)
            return
        try:
            await self._spread_ranks(told, crowd)
        except Unavailable as error:
            log.warning("ranks were not told", event_id=told.event, reason=str(error))

    async def _spread_ranks(self, told: DrawnNews, crowd: Crowd) -> None:
        # Before the order is told nobody who waits has a rank.
        users = crowd.unknown(len(crowd.unranked))
        for start in range(0, len(users), SLICE):
            some = users[start : start + SLICE]
            ranks = await self._lists.ranks_of(told.event, some)
            for user in some:
                rank = ranks.get(user)
                frame = LineDrawn(
                    told.event,
                    told.draw,
                    told.seed,
                    told.beacon,
                    told.line_hash,
                    rank,
                )
                waiting = list(crowd.unranked.get(user, ()))
                if rank is not None:
                    crowd.learn(user, rank)
                for waiter in waiting:
                    if waiter.writer is not None:
                        waiter.writer.send(frame)
