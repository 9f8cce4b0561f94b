"""Journal lanes: the ready batches of many events in one call.

Purpose: while one call is in flight the batches of the lane's events queue up; then all
that are ready go together, one per event. A thousand lukewarm events cost about as
little as one hot one.

Concurrency: each lane has one task and one connection. A caller waits on a future and
may vanish; its batch goes on. Events are spread over lanes by hash.

Invariants: an event that is fenced or busy neither fails nor delays the others of its
call. A call that the server took back is repeated in halves until only the culprit
fails. A call with an unknown outcome is never repeated: all its events hear AMBIGUOUS.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Sequence

from inventory.ports import Batch, CommitStatus, Ownership
from persistence import limits
from persistence.errors import Aborted, Ambiguous, Unsent
from persistence.journal.batch_rows import COMMIT, encode_call
from persistence.postgres.connection import Connection

logger = logging.getLogger(__name__)


class Pending:
    """One batch on its way (or, without a batch, one renewal)."""

    __slots__ = ("base", "batch", "epoch", "event", "future", "since", "token", "tries")

    def __init__(self, ownership: Ownership, batch: Batch | None, since: float) -> None:
        self.event = ownership.event
        self.epoch = ownership.epoch
        self.token = ownership.token
        self.base = ownership.version if batch is None else batch.base
        self.batch = batch
        self.since = since
        self.tries = 0
        self.future: asyncio.Future[CommitStatus] = (
            asyncio.get_running_loop().create_future()
        )

    def settle(self, status: CommitStatus) -> None:
        """Tell the caller, if it still listens."""
        if not self.future.done():
            self.future.set_result(status)

    @property
    def size(self) -> int:
        """Bytes of the body: what mostly makes up a call."""
        return 0 if self.batch is None else len(self.batch.body)


class Lane:
    """One connection with the batches that wait for it."""

    def __init__(
        self, connection: Connection, lease_ttl_s: float = limits.LEASE_TTL_S
    ) -> None:
        self._connection = connection
        self._lease_ttl_ms = round(lease_ttl_s * 1000)
        self._waiting: deque[Pending] = deque()
        self._delayed: set[Pending] = set()
        self._taken: list[Pending] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._backoff_s = limits.BACKOFF_S_MIN
        self._task = asyncio.create_task(self._run(), name="journal lane")

    def submit(
        self, ownership: Ownership, batch: Batch | None
    ) -> asyncio.Future[CommitStatus]:
        """Queue a batch, or a renewal where it is None."""
        pending = Pending(ownership, batch, asyncio.get_running_loop().time())
        if self._closing or self._full() or self._task.done():
            # Nothing was sent, so this is the truth and not only caution.
            pending.settle(CommitStatus.ABORTED)
        else:
            self._waiting.append(pending)
            self._wake.set()
        return pending.future

    async def close(self) -> None:
        """Finish what is queued, but not for ever; then close the connection."""
        self._closing = True
        self._wake.set()
        await asyncio.wait([self._task], timeout=limits.CLOSE_S_MAX)
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._connection.close()

    def _full(self) -> bool:
        return len(self._waiting) + len(self._delayed) >= limits.WAITING_PER_LANE_MAX

    async def _run(self) -> None:
        try:
            while self._waiting or self._delayed or not self._closing:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    self._taken = self._take()
                    await self._send(self._taken)
        except Exception:
            logger.exception("a journal lane stopped")
        finally:
            # Only after a failure is there anybody left: those who wait have nothing
            # in the database, the others may have.
            for pending in (*self._waiting, *self._delayed):
                pending.settle(CommitStatus.ABORTED)
            for pending in self._taken:
                pending.settle(CommitStatus.AMBIGUOUS)

    def _take(self) -> list[Pending]:
        """Take what is ready: one batch per event, in event order, bounded."""
        taken: dict[str, Pending] = {}
        later: list[Pending] = []
        size = 0
        while (
            self._waiting
            and len(taken) < limits.EVENTS_PER_CALL_MAX
            and size < limits.BYTES_PER_CALL_MAX
        ):
            pending = self._waiting.popleft()
            if pending.event in taken:
                later.append(pending)
            else:
                taken[pending.event] = pending
                size += pending.size
        self._waiting.extendleft(reversed(later))
        return [taken[event] for event in sorted(taken)]

    async def _send(self, taken: Sequence[Pending]) -> None:
        """Make one call and tell each event how it ended for it."""
        try:
            arguments = encode_call(taken, self._lease_ttl_ms)
        except Exception as error:
            # Nothing was sent: as definite as a refusal of the server.
            await self._divide(taken, error)
            return
        try:
            rows = await self._connection.call(COMMIT, *arguments)
            statuses = {row["event_id"]: row["status"] for row in rows}
        except Unsent as error:
            logger.warning("cannot reach the database: %s", error)
            for pending in taken:
                self._again(pending)
            # Nothing else can be sent either: the lane waits as a whole.
            await asyncio.sleep(self._backoff_s * random.uniform(0.5, 1.5))
            self._backoff_s = min(self._backoff_s * 2, limits.BACKOFF_S_MAX)
        except Aborted as error:
            await self._divide(taken, error)
        except Ambiguous as error:
            logger.error("unknown outcome of %d commits: %s", len(taken), error)
            for pending in taken:
                pending.settle(CommitStatus.AMBIGUOUS)
        else:
            self._backoff_s = limits.BACKOFF_S_MIN
            self._answer(taken, statuses)

    async def _divide(self, taken: Sequence[Pending], error: Exception) -> None:
        if len(taken) == 1:
            logger.error("commit of %s refused: %s", taken[0].event, error)
            taken[0].settle(CommitStatus.ABORTED)
            return
        middle = len(taken) // 2
        await self._send(taken[:middle])
        await self._send(taken[middle:])

    def _answer(self, taken: Sequence[Pending], statuses: dict[str, str]) -> None:
        for pending in taken:
            match statuses.get(pending.event):
                case "committed":
                    pending.settle(CommitStatus.COMMITTED)
                case "fenced":
                    pending.settle(CommitStatus.FENCED)
                case "busy":
                    self._again(pending)
                case other:
                    # Not an answer that the function gives: trust nothing.
                    logger.error("commit of %s answered %r", pending.event, other)
                    pending.settle(CommitStatus.AMBIGUOUS)

    def _again(self, pending: Pending) -> None:
        """Send it once more, unchanged and a little later, while its patience lasts.

        Nothing of it was written, so giving up is a clear outcome too.
        """
        loop = asyncio.get_running_loop()
        if loop.time() - pending.since > limits.UNSENT_PATIENCE_S:
            pending.settle(CommitStatus.ABORTED)
            return
        pending.tries += 1
        delay_s = min(limits.BACKOFF_S_MIN * 2**pending.tries, limits.BACKOFF_S_MAX)
        self._delayed.add(pending)
        loop.call_later(delay_s * random.uniform(0.5, 1.0), self._requeue, pending)

    def _requeue(self, pending: Pending) -> None:
        self._delayed.discard(pending)
        self._waiting.append(pending)
        self._wake.set()
