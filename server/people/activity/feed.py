"""Takes records from requests, and hands them over in batches.

Only the feeding task takes from the front of the queue, and only once somebody else has
what it takes: a task that dies, or a Redis that does not answer, loses nothing.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import islice
from time import monotonic
from typing import Final, Protocol

import structlog

from persistence.errors import Unavailable
from persistence.people.activity import Record
from server.people.activity.limits import (
    BACKOFF_S_MAX,
    BACKOFF_S_MIN,
    BATCH_MAX,
    FLUSH_S_MAX,
    GATHER_S,
    PACE_S,
    RESEND_BATCHES_MAX,
    RESEND_S,
    WAITING_MAX,
)
from server.people.activity.writer import Writer

SINK_AGAIN_S: Final = 1.0
"""How long nothing is sent to a Redis that did not take it."""

log = structlog.get_logger()


class Sink(Protocol):
    """Somebody who keeps records until they are written."""

    async def add(self, records: Sequence[Record]) -> bool:
        """Take records; False: they stay with the caller, perhaps here as well."""
        ...


class Feed:
    """The records of this process that nobody else has yet."""

    def __init__(self, writer: Writer) -> None:
        self.sink: Sink | None = None
        """Who takes records before Postgres does, where there is a Redis."""
        self.dropped = 0
        """Records for which there was no room."""
        self._writer = writer
        self._waiting: deque[Record] = deque()
        self._sent: deque[tuple[float, list[Record]]] = deque(maxlen=RESEND_BATCHES_MAX)
        """What Redis has, and Postgres perhaps not yet."""
        self._wake = asyncio.Event()
        self._dropping = False
        self._sink_again_s = 0.0

    def put(self, record: Record) -> None:
        """Take a record; never waits, never raises."""
        if len(self._waiting) >= WAITING_MAX:
            self._drop()
            return
        self._waiting.append(record)
        self._wake.set()

    @property
    def waiting(self) -> int:
        """How many records nobody else has."""
        return len(self._waiting)

    @property
    def oldest_ms(self) -> int | None:
        """When the oldest record was made that nobody else has."""
        return self._waiting[0].at_ms if self._waiting else None

    async def run(self) -> None:
        """Hand over what comes, for ever."""
        backoff_s = BACKOFF_S_MIN
        while True:
            await self._wake.wait()
            await asyncio.sleep(PACE_S if self.sink is None else GATHER_S)
            try:
                while await self.hand_over() == BATCH_MAX:
                    pass
                backoff_s = BACKOFF_S_MIN
            except Unavailable as error:
                log.warning("activity waits for the database", reason=str(error))
                await asyncio.sleep(backoff_s)
                backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)
            except Exception:
                # Nothing is lost by going on: what was not handed over still waits.
                log.exception("activity waits for an error of ours")
                await asyncio.sleep(BACKOFF_S_MAX)
            if not self._waiting:
                self._wake.clear()

    async def hand_over(self) -> int:
        """Hand over one batch; return how many records. Raises `Unavailable`."""
        batch = list(islice(self._waiting, BATCH_MAX))
        if not batch:
            return 0
        if not await self._send(batch):
            await self._writer.write(batch)
        # What came meanwhile, by `put` or `send_again`, stands behind them.
        for _ in batch:
            self._waiting.popleft()
        if len(self._waiting) < WAITING_MAX / 2:
            self._dropping = False
        return len(batch)

    def send_again(self) -> None:
        """Take back what was sent lately: Redis was lost, perhaps with all of it.

        What is stored already, or comes out of the stream as well, is stored once.
        """
        since = monotonic() - RESEND_S
        for at, records in self._sent:
            if at >= since:
                self._waiting.extend(records)
        self._sent.clear()
        if self._waiting:
            self._wake.set()

    async def flush(self) -> None:
        """Hand over all that waits, for a second at most; nothing is put any more."""
        try:
            async with asyncio.timeout(FLUSH_S_MAX):
                while await self.hand_over():
                    pass
        except (Unavailable, TimeoutError):
            self.dropped += len(self._waiting)
            log.error("activity is lost by the stop", records=len(self._waiting))

    async def _send(self, batch: list[Record]) -> bool:
        now = monotonic()
        while self._sent and self._sent[0][0] < now - RESEND_S:
            self._sent.popleft()
        if self.sink is None or now < self._sink_again_s:
            return False
        if await self.sink.add(batch):
            self._sent.append((now, batch))
            return True
        self._sink_again_s = monotonic() + SINK_AGAIN_S
        return False

    def _drop(self) -> None:
        self.dropped += 1
        if not self._dropping:
            self._dropping = True
            log.error("activity is dropped: too much of it waits", records=WAITING_MAX)
