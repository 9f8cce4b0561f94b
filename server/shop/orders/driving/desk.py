"""Where facts reach orders: one transaction locks, judges, writes, keeps the books."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from msgspec import Struct
from msgspec.structs import replace

from persistence.postgres.pool import Pool
from persistence.shop.money.entries import post
from persistence.shop.orders.orders import lock_order
from persistence.shop.orders.rows import StoredOrder, write_order
from server.shop.money import ledger
from server.shop.orders.facts import Heard, Notify, Posting, Tick, Wish
from server.shop.orders.rules import step

Tell = Callable[[StoredOrder], None]
"""Tells the buyer's open pages how an order is."""

log: Final = structlog.get_logger()


class Applied(Struct, frozen=True):
    """An order after it heard of something, and what it wishes now."""

    stored: StoredOrder
    wishes: tuple[Wish, ...]
    refused: str | None = None
    """A code for who asked; then nothing was written."""


class Desk:
    """Lets orders hear of things. Raises `OrderGone` and `Unavailable`."""

    def __init__(self, pool: Pool, tell: Tell) -> None:
        self._pool = pool
        self._tell = tell
        self.alarms = 0
        """How often somebody has to look at an order."""

    async def hear(self, order: str, *heard: Heard) -> Applied:
        """Let an order hear of something, in a transaction of its own."""
        async with self._pool.transaction() as connection:
            applied = await self.apply(connection, order, heard)
        self.announce(applied)
        return applied

    async def apply(
        self, connection: Any, order: str, heard: Sequence[Heard]
    ) -> Applied:
        """Let an order hear of something in the caller's transaction.

        The caller announces what comes of it once that is committed.
        """
        stored, now_ms = await lock_order(connection, order)
        state, postings, notify = stored.state, list[Posting](), False
        outcome = None
        for one in heard or (Tick(),):
            outcome = step(state, one, now_ms)
            if outcome.refused is not None:
                return Applied(stored, (), outcome.refused)
            state = outcome.order
            postings += outcome.postings
            notify = notify or Notify() in outcome.wishes
            if outcome.alarm is not None:
                self.alarms += 1
                log.error("an order needs a person", order=order, why=outcome.alarm)
        assert outcome is not None
        await write_order(connection, stored.state, state, outcome.wake_ms)
        for posting in postings:
            booked = _entries_of(posting, returns=stored.terms.fees.returns)
            await post(connection, order, booked.name, booked.entries)
        wishes = tuple(one for one in outcome.wishes if not isinstance(one, Notify))
        return Applied(
            replace(stored, state=state), (*wishes, Notify()) if notify else wishes
        )

    def announce(self, applied: Applied) -> None:
        """Tell the buyer's pages of what was committed, where that shows."""
        if Notify() in applied.wishes:
            self._tell(applied.stored)


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
        case "confirm":
            return ledger.confirm(posting.lines, currency)
        case "give_back":
            lines = posting.lines
            return ledger.give_back(about, lines, currency, returns=returns)
        case "undo":
            return ledger.undo(about, amount, currency)
