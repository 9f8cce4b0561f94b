"""Where facts reach orders: read, judged, and written if nobody wrote in between.

Purpose: what an order hears of, what becomes of it, the books and the message that told
of it are one statement, which writes all or nothing. What its buyer is told of it by
mail is in the same transaction.

Concurrency: nothing is locked while an order is judged. Who wrote second wrote nothing,
and judges the order as the first one left it. What one process wrote it knows, so that
who drives an order along need not read it at each step.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from msgspec import Struct
from msgspec.structs import replace

from persistence.postgres.clock import DatabaseClock
from persistence.postgres.pool import Pool
from persistence.shop.money.entries import Entry
from persistence.shop.money.terms import Reads
from persistence.shop.orders.orders import read_order
from persistence.shop.orders.provider_events import (
    ProviderEvent,
    keep_event,
    read_told,
)
from persistence.shop.orders.records import OrderState
from persistence.shop.orders.rows import StoredOrder
from persistence.shop.orders.writing import OrderLane, Written, write_order
from server.shop.money import ledger
from server.shop.orders.driving.telling import notices_of
from server.shop.orders.facts import Heard, Notify, Posting, Tick, Wish
from server.shop.orders.rules import step
from server.shop.payments.provider import Fact

Tell = Callable[[StoredOrder], None]
"""Tells the buyer's open pages how an order is."""

Failed = Callable[[str], None]
"""Notes that a payment of an event failed."""

log: Final = structlog.get_logger()


class Applied(Struct, frozen=True):
    """An order after it heard of something, and what it wishes now."""

    stored: StoredOrder
    wishes: tuple[Wish, ...]
    refused: str | None = None
    """A code for who asked; then nothing was written."""


class _Judged(Struct):
    """What is to be written of an order that heard of something."""

    state: OrderState
    wishes: tuple[Wish, ...]
    wake_ms: int | None
    postings: list[tuple[str, Sequence[Entry]]]
    alarms: list[str]


class Desk:
    """Lets orders hear of things. Raises `OrderGone` and `Unavailable`."""

    def __init__(
        self, pool: Pool, tell: Tell, clock: DatabaseClock, failed: Failed
    ) -> None:
        self._pool = pool
        self._failed = failed
        self._lane = OrderLane(pool)
        self._tell = tell
        self._clock = clock
        self.alarms = 0
        """How often somebody has to look at an order."""

    async def hear(
        self, order: str, *heard: Heard, known: StoredOrder | None = None
    ) -> Applied:
        """Let an order hear of something.

        `known` is how whoever asks read or wrote it last, which need not be true any
        more; what people ask for is refused by how it is, so they give none.
        """
        stored = known
        while True:
            if stored is None:
                stored = await self._read(self._pool, order)
            judged = self._judge(stored, heard)
            if isinstance(judged, str):
                return Applied(stored, (), judged)
            applied = await self._write(stored, judged, None)
            if applied is not None:
                return applied
            stored = None

    async def apply(
        self, connection: Any, order: str, heard: Sequence[Heard]
    ) -> Applied:
        """Let an order hear of something in the caller's transaction.

        Who meets somebody there waits, and judges what the other left. The caller
        announces what comes of it once that is committed.
        """
        while True:
            stored = await self._read(connection, order)
            judged = self._judge(stored, heard)
            if isinstance(judged, str):
                return Applied(stored, (), judged)
            written = await write_order(
                connection,
                stored,
                judged.state,
                judged.wake_ms,
                judged.postings,
                notices_of(stored, judged.state),
            )
            if written is not None:
                return self._applied(stored, judged, written)

    def announce(self, applied: Applied) -> None:
        """Tell the buyer's pages of what was committed, where that shows."""
        if Notify() in applied.wishes:
            self._tell(applied.stored)

    async def take(self, event: ProviderEvent, facts: Sequence[Fact]) -> Applied | bool:
        """Let an order hear of a provider's message, and store that it has.

        True where it had before, False where the message is kept because its attempt is
        not known.
        """
        while True:
            sent = self._clock.monotonic()
            told = await read_told(self._pool, event)
            if told is None:
                await keep_event(self._pool, event)
                return False
            self._clock.observe(told.now_ms, sent, self._clock.monotonic())
            if told.applied:
                return True
            judged = self._judge(told.stored, facts)
            assert not isinstance(judged, str), "facts are not refused"
            applied = await self._write(told.stored, judged, event)
            if applied is not None:
                return applied

    def _judge(self, stored: StoredOrder, heard: Sequence[Heard]) -> _Judged | str:
        """Return what becomes of an order; a code where who asked is refused."""
        now_ms = self._clock.now_ms()
        judged = _Judged(stored.state, (), None, [], [])
        notify, returns = False, stored.terms.fees.returns
        for one in heard or (Tick(),):
            outcome = step(judged.state, one, now_ms)
            if outcome.refused is not None:
                return outcome.refused
            judged.state, judged.wake_ms = outcome.order, outcome.wake_ms
            for posting in outcome.postings:
                booked = _entries_of(posting, returns=returns)
                judged.postings.append((booked.name, booked.entries))
            if outcome.alarm is not None:
                judged.alarms.append(outcome.alarm)
            notify = notify or Notify() in outcome.wishes
            judged.wishes = tuple(
                wish for wish in outcome.wishes if not isinstance(wish, Notify)
            )
        if notify:
            judged.wishes = (*judged.wishes, Notify())
        return judged

    async def _write(
        self, stored: StoredOrder, judged: _Judged, event: ProviderEvent | None
    ) -> Applied | None:
        """Write what was judged, and say so; None where the order is another by now."""
        sent = self._clock.monotonic()
        written = await self._lane.write(
            stored,
            judged.state,
            judged.wake_ms,
            judged.postings,
            event,
            notices_of(stored, judged.state),
        )
        if written is None:
            return None
        self._clock.observe(written.now_ms, sent, self._clock.monotonic())
        applied = self._applied(stored, judged, written)
        self.announce(applied)
        return applied

    async def _read(self, where: Reads, order: str) -> StoredOrder:
        sent = self._clock.monotonic()
        stored, now_ms = await read_order(where, order)
        self._clock.observe(now_ms, sent, self._clock.monotonic())
        return stored

    def _applied(
        self, stored: StoredOrder, judged: _Judged, written: Written
    ) -> Applied:
        """Return an order as it was written, and say what somebody has to look at."""
        for alarm in judged.alarms:
            self.alarms += 1
            log.error("an order needs a person", order=judged.state.order, why=alarm)
        for _ in range(_failed(judged.state) - _failed(stored.state)):
            self._failed(judged.state.event)
        after = replace(
            stored,
            state=judged.state,
            revision=stored.revision + 1,
            confirmed_at=written.confirmed_at,
        )
        return Applied(after, judged.wishes)


def _failed(order: OrderState) -> int:
    return sum(one.state == "failed" for one in order.payments)


def _entries_of(posting: Posting, *, returns: bool) -> ledger.Posting:
    """Return a posting with its entries."""
    about, amount, currency = posting.about, posting.amount, posting.currency
    match posting.kind:
        case "capture":
            return ledger.capture(about, amount, currency)
        case "settle":
            return ledger.settle(about, amount, currency)
        case "outside":
            return ledger.take_outside(about, amount, currency)
        case "dispute":
            return ledger.lose_dispute(about, amount, currency)
        case "confirm":
            return ledger.confirm(posting.lines, currency)
        case "give_back":
            lines = posting.lines
            allowed = sum(line.allowance for line in lines)
            return ledger.give_back(
                about, lines, currency, returns=returns, allowed=allowed
            )
        case "allow":
            return ledger.allow(about, amount, currency)
        case "undo":
            return ledger.undo(about, amount, currency)
