"""Writes what became of orders and all their rows, postings too: several in one call.

What a buyer is told of it is raised in the same transaction; where there is nothing to
tell, the call is a transaction of its own.

Purpose: an order is written four or five times on its way, each time durably. What is
ready while a call is under way goes with the next one, as batches of events do; where
nothing is, an order goes at once and alone.

Concurrency: an order is written where it has the revision that it was read at, else not
at all. So no row is locked while somebody thinks, and of two who judged the same order
one writes, and the other judges what it is then.

Failure: what the database refuses of one order undoes the call, and all others of it
are written one by one; nobody fails for another's sake but where the database is away.

Invariants: whoever writes any row of an order does it here, and counts its revision.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from persistence.errors import Unavailable
from persistence.people.notices.notices import Notice, raise_notices
from persistence.postgres.pool import Pool
from persistence.shop.money.entries import Account, Entry, check_posting
from persistence.shop.money.terms import Reads
from persistence.shop.orders.provider_events import ProviderEvent
from persistence.shop.orders.records import OrderLine, OrderState, Payment, Refund
from persistence.shop.orders.rows import StoredOrder

ORDERS_PER_CALL_MAX: Final = 64

_WRITE: Final = "SELECT written, now_ms, confirmed FROM write_orders($1::json)"


class Written(Struct, frozen=True):
    """What the database said of an order that it wrote, at its own time."""

    now_ms: int
    confirmed_at: datetime | None


class _Posted(Struct):
    """An entry of the ledger, with the name of its posting."""

    posting: str
    account: Account
    amount: int
    currency: str


class _Write(Struct, omit_defaults=True, kw_only=True):
    """An order as `write_orders` takes it: what is not there is not to be written."""

    order_id: str
    revision: int
    status: str
    step: str
    leaving: bool
    refund: str
    currency: str | None
    total: int
    due: int
    pay_until_ms: int | None
    accepted: str | None
    why: str | None
    wake_ms: int | None
    event_id: str
    booking: str | None
    moved: bool
    lines: list[OrderLine] | None = None
    payments: list[Payment] | None = None
    refunds: list[Refund] | None = None
    entries: list[_Posted] | None = None
    event: ProviderEvent | None = None


class _Waiting(Struct):
    """A write that somebody waits for."""

    write: _Write
    notices: Sequence[Notice]
    answer: "asyncio.Future[Written | None]"


_encode = msgspec.json.Encoder().encode


class OrderLane:
    """Writes the orders of one process, a call at a time. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: list[_Waiting] = []
        self._running: asyncio.Task[None] | None = None

    async def write(
        self,
        stored: StoredOrder,
        after: OrderState,
        wake_ms: int | None,
        postings: Sequence[tuple[str, Sequence[Entry]]] = (),
        event: ProviderEvent | None = None,
        notices: Sequence[Notice] = (),
    ) -> Written | None:
        """Write what became of an order that was read, and when to look at it.

        None where somebody else wrote it meanwhile: then nothing is written. `event` is
        the message that it heard of, which is stored as applied; `notices` are raised
        with it. Raises ValueError for a posting that does not sum to 0 in one currency.
        """
        write = _write_of(stored, after, wake_ms, postings)
        write.event = event
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(write, notices, answer))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        written: Written | None = await answer
        return written

    async def _run(self) -> None:
        """Write all that waits."""
        try:
            while self._waiting:
                await self._send(self._next())
        finally:
            self._running = None

    def _next(self) -> list[_Waiting]:
        """Return what goes with the next call: of each order one, the first."""
        group: dict[str, _Waiting] = {}
        later: list[_Waiting] = []
        for one in self._waiting:
            name = one.write.order_id
            if name in group or len(group) == ORDERS_PER_CALL_MAX:
                later.append(one)
            else:
                group[name] = one
        self._waiting = later
        return list(group.values())

    async def _send(self, group: list[_Waiting]) -> None:
        try:
            said = await self._write_all(group)
        except Unavailable as error:
            for one in group:
                _fail(one, error)
        except Exception as error:
            if len(group) == 1:
                _fail(group[0], error)
                return
            for one in group:
                await self._send([one])
        else:
            for one in group:
                if not one.answer.done():
                    one.answer.set_result(said.get(one.write.order_id))

    async def _write_all(self, group: list[_Waiting]) -> dict[str, Written]:
        """Write a group, and tell what there is to tell of those that were written."""
        writes = [one.write for one in group]
        if not any(one.notices for one in group):
            return await _call(self._pool, writes)
        async with self._pool.transaction() as connection:
            said = await _call(connection, writes)
            told = [
                x for one in group if one.write.order_id in said for x in one.notices
            ]
            await raise_notices(connection, told)
        return said


async def write_order(
    connection: Any,
    stored: StoredOrder,
    after: OrderState,
    wake_ms: int | None,
    postings: Sequence[tuple[str, Sequence[Entry]]] = (),
    notices: Sequence[Notice] = (),
) -> Written | None:
    """Write as a lane does, but alone and in the caller's transaction."""
    write = _write_of(stored, after, wake_ms, postings)
    written = (await _call(connection, [write])).get(after.order)
    if written is not None:
        await raise_notices(connection, notices)
    return written


async def _call(where: Reads, writes: list[_Write]) -> dict[str, Written]:
    """Write orders; return those that were written, by their names."""
    rows = await where.fetch(_WRITE, _encode(writes).decode())
    return {row["written"]: Written(row["now_ms"], row["confirmed"]) for row in rows}


def _fail(one: _Waiting, error: Exception) -> None:
    if not one.answer.done():
        one.answer.set_exception(error)


def _write_of(
    stored: StoredOrder,
    after: OrderState,
    wake_ms: int | None,
    postings: Sequence[tuple[str, Sequence[Entry]]],
) -> _Write:
    """Return what is to be written of an order and its rows."""
    before = stored.state
    lines = [one for one in after.lines if one not in before.lines]
    payments = [one for one in after.payments if one not in before.payments]
    refunds = [one for one in after.refunds if one not in before.refunds]
    turned = (after.step == "refused") != (before.step == "refused")
    return _Write(
        order_id=after.order,
        revision=stored.revision,
        status=after.status,
        step=after.step,
        leaving=after.leaving,
        refund=after.returned,
        currency=after.currency,
        total=after.total,
        due=after.due,
        pay_until_ms=after.pay_until_ms,
        accepted=after.accepted,
        why=after.why,
        wake_ms=wake_ms,
        event_id=after.event,
        booking=after.booking,
        moved=turned or after.booking != before.booking,
        lines=lines or None,
        payments=payments or None,
        refunds=refunds or None,
        entries=_entries(after.order, postings) or None,
    )


def _entries(
    order: str, postings: Iterable[tuple[str, Sequence[Entry]]]
) -> list[_Posted]:
    posted = []
    for name, entries in postings:
        check_posting(order, name, entries)
        posted += [_Posted(name, e.account, e.amount, e.currency) for e in entries]
    return posted
