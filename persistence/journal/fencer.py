"""Shut out late writes: the way out of every commit that was not a clean success.

Concurrency: one task with a connection of its own, since the lane's may be the patient.
The events that ask while a call is in flight go together in the next one. No call waits
for a row lock: a locked head is asked for again, and delays no other event.

Invariants: an answer is given only after the bump of the epoch has itself committed. A
resolution keeps its token however often it is asked, and gets the same epoch each time.
"""

import asyncio
import logging
import random
from copy import copy
from typing import Any

from inventory.ports import Fenced, Ownership
from persistence import limits
from persistence.errors import Aborted, Ambiguous, Unsent
from persistence.postgres.connection import Connection

logger = logging.getLogger(__name__)

_FENCE = """
SELECT event_id, status, history_id, epoch, version, chain, batch_id, now_ms
FROM fence_heads($1, $2, $3, $4, $5)
"""


class _Waiting:
    """One resolution until its answer."""

    __slots__ = ("future", "ownership", "token")

    def __init__(self, ownership: Ownership, token: str) -> None:
        # A copy, because the question must stay the same when it is repeated.
        self.ownership = copy(ownership)
        self.token = token
        self.future: asyncio.Future[Fenced | None] = (
            asyncio.get_running_loop().create_future()
        )


class Fencer:
    """Resolves what lanes could not say."""

    def __init__(
        self, connection: Connection, lease_ttl_s: float = limits.LEASE_TTL_S
    ) -> None:
        self._connection = connection
        self._lease_ttl_ms = round(lease_ttl_s * 1000)
        # By event: an event has one owner here, who resolves one thing at a time.
        self._waiting: dict[str, _Waiting] = {}
        self._wake = asyncio.Event()
        self._closing = False
        self._backoff_s = limits.BACKOFF_S_MIN
        self._task = asyncio.create_task(self._run(), name="fencer")

    def submit(self, ownership: Ownership, token: str) -> asyncio.Future[Fenced | None]:
        """Ask until there is an answer; a caller who has had enough cancels it."""
        waiting = _Waiting(ownership, token)
        if self._closing:
            waiting.future.cancel()
            return waiting.future
        former = self._waiting.get(ownership.event)
        if former is not None:
            former.future.cancel()
        self._waiting[ownership.event] = waiting
        self._wake.set()
        return waiting.future

    async def close(self) -> None:
        """Stop asking; who still waits is cancelled."""
        self._closing = True
        for waiting in self._waiting.values():
            waiting.future.cancel()
        self._wake.set()
        await asyncio.wait([self._task], timeout=limits.CLOSE_S_MAX)
        # A fence that is given up is asked again by whoever owns the event next.
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._connection.close()

    async def _run(self) -> None:
        while not self._closing:
            await self._wake.wait()
            self._wake.clear()
            while await self._ask():
                await asyncio.sleep(self._backoff_s * random.uniform(0.5, 1.5))
                self._backoff_s = min(self._backoff_s * 2, limits.BACKOFF_S_MAX)
            self._backoff_s = limits.BACKOFF_S_MIN

    async def _ask(self) -> bool:
        """Ask once for all that wait; return whether some still do."""
        self._waiting = {
            event: waiting
            for event, waiting in self._waiting.items()
            if not waiting.future.done()
        }
        chosen = sorted(list(self._waiting)[: limits.EVENTS_PER_CALL_MAX])
        if not chosen:
            return False
        # To the end of the queue, in case they are busy: others have their turn then.
        asked = [self._waiting.pop(event) for event in chosen]
        self._waiting.update(zip(chosen, asked, strict=True))
        try:
            rows = await self._connection.call(
                _FENCE,
                [w.ownership.event for w in asked],
                [w.ownership.epoch for w in asked],
                [w.ownership.token for w in asked],
                [w.token for w in asked],
                self._lease_ttl_ms,
            )
        except (Unsent, Aborted, Ambiguous) as error:
            logger.warning("fence of %d events to be repeated: %s", len(asked), error)
            return True
        answers = {row["event_id"]: row for row in rows}
        for waiting in asked:
            row = answers[waiting.ownership.event]
            if not waiting.future.done() and row["status"] != "busy":
                waiting.future.set_result(_fenced(waiting.token, row))
        return any(not waiting.future.done() for waiting in self._waiting.values())


def _fenced(token: str, row: Any) -> Fenced | None:
    if row["status"] != "fenced":
        return None
    renewed = Ownership(
        event=row["event_id"],
        history_id=row["history_id"],
        epoch=row["epoch"],
        token=token,
        version=row["version"],
        chain=row["chain"],
    )
    return Fenced(renewed, row["batch_id"])
