"""Empties the activity stream into Postgres; every process has one consumer.

Redis gives each record to one of them, and keeps in mind to whom until it is settled.
Whoever comes back after a lost connection begins with what it had taken; what a dead
process had taken is claimed by another one.
"""

import asyncio
from collections.abc import Callable
from time import monotonic

import structlog

from server.people.activity.limits import (
    BACKOFF_S_MAX,
    BACKOFF_S_MIN,
    BATCH_MAX,
    CLAIM_IDLE_S,
    CLAIM_S,
    GOODBYE_S_MAX,
    PACE_S,
)
from server.people.activity.stream import BEGIN, PENDING, Entry, NoGroup, Stream
from server.people.activity.writer import Writer
from server.transport.bus.bus import BusError

log = structlog.get_logger()


class Consumer:
    """Reads from the stream, writes to Postgres, and then lets go."""

    def __init__(
        self,
        stream: Stream,
        writer: Writer,
        on_lost: Callable[[], None],
        *,
        claim_s: float = CLAIM_S,
        idle_s: float = CLAIM_IDLE_S,
    ) -> None:
        self.redelivered = 0
        """Records read that somebody had taken before, without having settled them."""
        self.unreadable = 0
        """Entries that are no record of ours."""
        self.oldest_ms: int | None = None
        """When the oldest record came that is still in the stream."""
        self._stream = stream
        self._writer = writer
        self._on_lost = on_lost
        self._claim_s = claim_s
        self._idle_s = idle_s
        self._claimed_s = -claim_s

    async def run(self) -> None:
        """Consume for ever, over one connection after the other."""
        backoff_s = BACKOFF_S_MIN
        while True:
            try:
                await self._stream.found()
                await self._owed()
                while True:
                    await self._turn()
                    backoff_s = BACKOFF_S_MIN
            except (BusError, NoGroup) as error:
                log.warning("the activity stream is lost", reason=str(error))
            except Exception:
                # Nothing is lost by beginning again: what was read is still pending.
                log.exception("the activity stream is lost by an error of ours")
                await self._stream.close()
            self._on_lost()
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    async def leave(self) -> None:
        """Say that we are gone, where we owe nothing; for an orderly end."""
        try:
            async with asyncio.timeout(GOODBYE_S_MAX):
                await self._stream.leave()
        except (BusError, NoGroup, TimeoutError) as error:
            log.debug("left the activity stream without a word", reason=str(error))

    async def _owed(self) -> None:
        """Finish what we had taken over a connection before."""
        while entries := await self._stream.read(PENDING):
            await self._finish(entries, again=True)

    async def _turn(self) -> None:
        """Read and write one batch; now and then, what others have left."""
        if monotonic() - self._claimed_s >= self._claim_s:
            await self._claim()
            self._claimed_s = monotonic()
        entries = await self._stream.read()
        if entries:
            self.oldest_ms = entries[0].at_ms
            await self._finish(entries)
        self.oldest_ms = await self._stream.oldest_ms()
        if 0 < len(entries) < BATCH_MAX:
            # Those that come now make one batch.
            await asyncio.sleep(PACE_S)

    async def _claim(self) -> None:
        cursor = None
        while cursor != BEGIN:
            entries, cursor = await self._stream.claim(cursor or BEGIN, self._idle_s)
            if entries:
                log.info("finishing the activity of others", records=len(entries))
                await self._finish(entries, again=True)
        await self._stream.forget_the_gone()

    async def _finish(self, entries: list[Entry], *, again: bool = False) -> None:
        """Write a batch, then let go of it."""
        records = [entry.record for entry in entries if entry.record is not None]
        self.unreadable += sum(each.is_there for each in entries) - len(records)
        self.redelivered += len(records) if again else 0
        if records:
            await self._writer.write_for_sure(records)
        await self._stream.settle([entry.entry_id for entry in entries])
