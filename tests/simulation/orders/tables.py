"""The shop's tables, and what its SQL does to them: one statement is one moment.

A statement may find nobody, write nothing, or write and lose its answer. Between what
reads an order and what writes it, others may have written it: then nothing is.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any, Final, Self

from msgspec import Struct
from msgspec.structs import replace

import server.shop.orders.driving.desk as desk
import server.shop.orders.driving.lookout as lookout
import server.shop.orders.service as service
import server.shop.orders.webhooks.service as webhooks
from persistence.errors import Unavailable
from persistence.people.notices.notices import Notice, raise_notices
from persistence.shop.money.entries import Entry
from persistence.shop.money.terms import Fees, Tax, Terms
from persistence.shop.orders.looks import DueLook
from persistence.shop.orders.orders import NewOrder, OrderGone
from persistence.shop.orders.provider_events import ProviderEvent, Told
from persistence.shop.orders.records import OrderLine, OrderState
from persistence.shop.orders.rows import StoredOrder
from persistence.shop.orders.writing import Written
from persistence.shop.promotions.redemptions import reserve_codes
from tests.simulation.orders.freeing import UNPAID
from tests.simulation.orders.triggers import order_written
from tests.simulation.statements import Connection, Rows, Store
from tests.simulation.tickets.tables import Changed

if TYPE_CHECKING:
    from tests.simulation.world import World

DRIVEN_MS: Final = 2_000
LOOK_FIRST_MS: Final = 4_000
LOOK_AGAIN_MS: Final = 1_000
NEVER: Final = datetime(2027, 1, 1, tzinfo=UTC)

TERMS: Final = (
    Terms("EUR"),
    Terms("EUR", Fees(per_ticket=99, percent_ppm=25_000), Tax(ppm=190_000)),
    Terms(
        "EUR",
        Fees(per_order=250, returns=False),
        Tax(ppm=70_000, included=False),
    ),
    Terms("EUR", Fees(per_order=101, paid_by="seller", returns=False), Tax(ppm=1)),
)


class Row(Struct):
    """An order's rows."""

    stored: StoredOrder
    driven_ms: int | None
    """When it is to be taken up."""
    first_lines: tuple[OrderLine, ...] = ()


class Tables:
    """What is committed."""

    def __init__(self, world: "World", random: Random, faulty: bool) -> None:
        self.world = world
        self.random = random
        self.loses = random.choice((0.0, 0.03, 0.1)) if faulty else 0.0
        self.rows: dict[str, Row] = {}
        self.entries: dict[tuple[str, str], list[Entry]] = {}
        self.events: dict[str, ProviderEvent] = {}
        self.applied: set[str] = set()
        self.looks: dict[str, int | None] = {}
        """When attempts are looked at next, where somebody noted it."""
        self.over_s: dict[str, float] = {}
        """Since when an order is over that nobody paid."""
        self.store = Store()
        self.store.now_s = lambda: world.scheduler.now

    def heal(self) -> None:
        self.loses = 0.0

    def now_ms(self) -> int:
        return self.world.database.clock.now_ms()

    def holds(self, event: str, hold: str) -> str | None:
        """Return the order that has a hold, or had it."""
        for name, row in self.rows.items():
            state = row.stored.state
            if (state.event, state.hold) == (event, hold) and state.step != "refused":
                return name
        return None


class SimPool:
    """Stands for the pool of one process."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    def transaction(self) -> "Transaction":
        return Transaction(self.tables)

    async def run(self, work: Callable[["Transaction"], Any]) -> Any:
        """Do one thing in a transaction of its own."""
        async with self.transaction() as connection:
            return work(connection)

    async def fetch(self, sql: str, *values: Any) -> Rows:
        """Run one statement, as `Pool` does."""
        found: Rows = await self.run(lambda connection: connection.run(sql, *values))
        return found

    async def fetch_one(self, sql: str, *values: Any) -> Any:
        rows = await self.fetch(sql, *values)
        return rows[0] if rows else None


class Transaction(Connection):
    """What is written at once, or not at all. Nothing in it waits."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables.store)
        self.tables = tables
        self.tickets = tables.world.tickets
        self.changed = Changed()
        self.rows: dict[str, Row] = {}
        self.entries: dict[tuple[str, str], list[Entry]] = {}
        self.events: dict[str, ProviderEvent] = {}
        self.applied: set[str] = set()
        self.looks: dict[str, int | None] = {}

    async def __aenter__(self) -> Self:
        database = self.tables.world.database
        await asyncio.sleep(database.commit_s * self.tables.random.random())
        while database.frozen:  # noqa: ASYNC110 - it tells nobody when it goes on
            await asyncio.sleep(0.1)
        if database.down or database.full:
            raise Unavailable("the database does not answer")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.undo()
            return
        tables = self.tables
        chance = tables.random.random()
        if chance < tables.loses:
            self.undo()
            raise Unavailable("nothing was written")
        self._commit()
        await asyncio.sleep(tables.world.database.commit_s * tables.random.random())
        if chance > 1 - tables.loses:
            raise Unavailable("it was written, and the answer is lost")

    def _commit(self) -> None:
        tables = self.tables
        before = tables.rows.keys() & self.rows.keys()
        for name, row in self.rows.items():
            self._check_lines(name, row)
            tables.rows[name] = row
            if row.stored.state.step in UNPAID:
                tables.over_s.setdefault(name, tables.world.scheduler.now)
        self._check_codes(before)
        tables.entries |= self.entries
        tables.events |= self.events
        tables.applied |= self.applied
        tables.looks |= self.looks
        self.changed.commit(self.tickets)

    def _check_codes(self, before: Collection[str]) -> None:
        """No more orders have a promotion than may: R1."""
        offered = self.tables.world.offered
        for name, row in self.rows.items():
            if row.stored.state.rules.discounts:
                if name not in before:
                    offered.check_made(row.stored.state)
                offered.check_limits()

    def _check_lines(self, name: str, row: Row) -> None:
        """No line changes its amounts after it was priced: M5."""
        lines = tuple(
            replace(one, state="live", back=0, kept=False, allowance=0)
            for one in row.stored.state.lines
        )
        row.first_lines = row.first_lines or lines
        if lines != row.first_lines:
            self.tables.world.violate(f"The lines of {name} changed: {lines}")

    def post(self, order: str, posting: str, entries: Sequence[Entry]) -> None:
        """Add a posting, once."""
        name, made = (order, posting), sorted(entries)
        if not entries:
            return
        if sum(one.amount for one in entries):
            self.tables.world.violate(f"{name} does not sum to 0: {made}")
        if name in self.entries or name in self.tables.entries:
            self.tables.world.violate(f"{name} is posted twice")
        self.entries[name] = made

    def orders(self) -> list[OrderState]:
        """Return all orders as this transaction sees them."""
        return [one.stored.state for one in (self.tables.rows | self.rows).values()]

    def row(self, order: str) -> Row:
        """Return an order's row as this transaction sees it."""
        row = self.rows.get(order) or self.tables.rows.get(order)
        if row is None:
            raise OrderGone(order)
        return row


class SimOrders:
    """Stands for `Orders`."""

    def __init__(self, pool: SimPool) -> None:
        self._pool = pool
        self._tables = pool.tables

    async def begin(self, new: NewOrder) -> StoredOrder:
        tables = self._tables
        async with self._pool.transaction() as connection:
            known = tables.rows.get(new.order)
            name = tables.holds(new.event, new.hold)
            if known is None and name is not None:
                known = tables.rows[name]
            if known is not None:
                return known.stored
            row = Row(_stored(new), tables.now_ms() + DRIVEN_MS)
            connection.rows[new.order] = row
            if new.redeems is not None:
                named = new.order, new.event, new.user
                await reserve_codes(connection, *named, new.redeems)
        return row.stored

    async def find(self, order: str) -> StoredOrder | None:
        return await self._found(lambda: order)

    async def find_of_hold(self, event: str, hold: str) -> StoredOrder | None:
        return await self._found(lambda: self._tables.holds(event, hold))

    async def _found(self, name: Callable[[], str | None]) -> StoredOrder | None:
        def look(_: Transaction) -> StoredOrder | None:
            row = self._tables.rows.get(name() or "")
            return None if row is None else row.stored

        found: StoredOrder | None = await self._pool.run(look)
        return found

    async def take_up(self) -> list[str]:
        def take(connection: Transaction) -> list[str]:
            now_ms = self._tables.now_ms()
            due = [
                (row.driven_ms, name)
                for name, row in self._tables.rows.items()
                if row.driven_ms is not None and row.driven_ms < now_ms
            ]
            taken = [name for _, name in sorted(due)[:50]]
            for name in taken:
                row = connection.row(name)
                connection.rows[name] = Row(
                    row.stored, now_ms + DRIVEN_MS, row.first_lines
                )
            return taken

        found: list[str] = await self._pool.run(take)
        return found

    async def next_s(self) -> float | None:
        def look(_: Transaction) -> float | None:
            times = [row.driven_ms for row in self._tables.rows.values()]
            due = min((one for one in times if one is not None), default=None)
            return None if due is None else (due - self._tables.now_ms()) / 1_000

        found: float | None = await self._pool.run(look)
        return found

    async def over(self) -> list[str]:
        return []


def _stored(new: NewOrder) -> StoredOrder:
    return StoredOrder(
        state=OrderState(
            order=new.order,
            event=new.event,
            hold=new.hold,
            provider=new.provider,
            rules=new.rules,
            step="pledging",
            seen_total=new.seen_total,
        ),
        revision=0,
        user=new.user,
        organisation=new.organisation,
        reference=new.reference,
        buyer=new.buyer,
        terms=new.terms,
        request_hash=new.request_hash,
        created_at=NEVER,
        confirmed_at=None,
        event_name=new.event,
        event_starts_at=NEVER,
        event_timezone="UTC",
    )


async def read_order(
    where: SimPool | Transaction, order: str
) -> tuple[StoredOrder, int]:
    def look(connection: Transaction) -> tuple[StoredOrder, int]:
        return connection.row(order).stored, connection.tables.now_ms()

    if isinstance(where, Transaction):
        return look(where)
    found: tuple[StoredOrder, int] = await where.run(look)
    return found


async def write_order(
    connection: Transaction,
    stored: StoredOrder,
    after: OrderState,
    wake_ms: int | None,
    postings: Sequence[tuple[str, Sequence[Entry]]] = (),
    notices: Sequence[Notice] = (),
) -> Written | None:
    row = connection.row(after.order)
    if row.stored.revision != stored.revision:
        return None
    written = replace(row.stored, state=after, revision=stored.revision + 1)
    connection.rows[after.order] = Row(written, wake_ms, row.first_lines)
    for posting, entries in postings:
        connection.post(after.order, posting, entries)
    order_written(connection, row.stored, after)
    if connection.tables.world.plan.outboxes:
        await raise_notices(connection, notices)
    return Written(connection.tables.now_ms(), None)


async def read_told(pool: SimPool, event: ProviderEvent) -> Told | None:
    def look(connection: Transaction) -> Told | None:
        for row in pool.tables.rows.values():
            for one in row.stored.state.payments:
                names = one.payment, (one.provider, one.ref)
                if (
                    event.attempt in names
                    or (event.provider, event.payment_ref) in names
                ):
                    applied = event.event_ref in pool.tables.applied
                    return Told(row.stored, pool.tables.now_ms(), applied)
        return None

    found: Told | None = await pool.run(look)
    return found


async def keep_event(pool: SimPool, event: ProviderEvent) -> None:
    def keep(connection: Transaction) -> None:
        connection.events[event.event_ref] = event

    await pool.run(keep)


class SimLane:
    """Stands for `OrderLane`."""

    def __init__(self, pool: SimPool) -> None:
        self._pool = pool

    async def write(
        self,
        stored: StoredOrder,
        after: OrderState,
        wake_ms: int | None,
        postings: Sequence[tuple[str, Sequence[Entry]]],
        event: ProviderEvent | None,
        notices: Sequence[Notice],
    ) -> Written | None:
        async with self._pool.transaction() as connection:
            written = await write_order(
                connection, stored, after, wake_ms, postings, notices
            )
            if written is not None and event is not None:
                connection.events[event.event_ref] = event
                connection.applied.add(event.event_ref)
            return written


async def waiting_events(pool: SimPool) -> list[ProviderEvent]:
    def wait(connection: Transaction) -> list[ProviderEvent]:
        tables = connection.tables
        known = {
            key
            for row in tables.rows.values()
            for one in row.stored.state.payments
            for key in (one.payment, one.ref)
        }
        return [
            event
            for name, event in tables.events.items()
            if name not in tables.applied
            and (event.attempt in known or event.payment_ref in known)
        ][:50]

    found: list[ProviderEvent] = await pool.run(wait)
    return found


async def count_strange(pool: SimPool, older_s: float) -> int:
    return 0


async def take_looks(pool: SimPool, provider: str) -> list[DueLook]:
    def take(connection: Transaction) -> list[DueLook]:
        tables, now_ms = connection.tables, connection.tables.now_ms()
        due = [
            DueLook(name, one.payment, one.at_ms, now_ms)
            for name, row in tables.rows.items()
            for one in row.stored.state.payments
            if (at_ms := tables.looks.get(one.payment, one.at_ms + LOOK_FIRST_MS))
            is not None
            and at_ms < now_ms
        ]
        connection.looks.update((one.payment, now_ms + LOOK_AGAIN_MS) for one in due)
        return due

    found: list[DueLook] = await pool.run(take)
    return found


async def put_look(pool: SimPool, payment: str, at_ms: int | None) -> None:
    await pool.run(lambda connection: connection.looks.update({payment: at_ms}))


async def terms_of(pool: SimPool, event: str) -> Terms:
    def look(connection: Transaction) -> Terms:
        return TERMS[connection.tables.world.plans[event].terms]

    found: Terms = await pool.run(look)
    return found


PATCHES: Final[tuple[tuple[Any, str, Any], ...]] = (
    (desk, "read_order", read_order),
    (desk, "read_told", read_told),
    (desk, "keep_event", keep_event),
    (desk, "write_order", write_order),
    (desk, "OrderLane", SimLane),
    (lookout, "take_looks", take_looks),
    (lookout, "put_look", put_look),
    (service, "terms_of", terms_of),
    (service, "Orders", SimOrders),
    (webhooks, "waiting_events", waiting_events),
    (webhooks, "count_strange", count_strange),
)
"""What of the shop's SQL stands here instead."""
