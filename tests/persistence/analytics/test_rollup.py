"""Random sales, counted by the job's store and again from their journals."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from inventory.changes import (
    BookingCancelled,
    BookingReduced,
    HoldBooked,
    HoldExpired,
    HoldReleased,
    SeatsHeld,
)
from inventory.rules.common import told
from inventory.state import Stock
from persistence.analytics import rollup
from persistence.analytics.rollup import Rollup
from persistence.analytics.tally import Counts
from persistence.errors import Unavailable
from persistence.journal import stretches
from persistence.journal.stretches import Hole
from persistence.postgres.pool import Pool
from tests.inventory.test_twin import Run
from tests.persistence.doomed import Doomed
from tests.persistence.journals import Store
from tests.persistence.journeys import changes_of, random_sale, store_sale

NAMES = Counts.__struct_fields__
STEPS = 700
# Other tests have locks, too, and the same tables in databases of their own.
OURS = "l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"


class Expected:
    """A sale played again through the real state, and counted the plain way."""

    def __init__(self, run: Run, event: str) -> None:
        self.minutes: dict[tuple[int, str], Counter[str]] = {}
        self.users: dict[str, Counter[str]] = {}
        self.total: Counter[str] = Counter()
        self.worth: dict[str, Any] = {}
        self.made: dict[str, tuple[str, int]] = {}
        self.stock = stock = Stock(run.venue, run.settings)
        for change, at_ms in changes_of(run, event):
            known = set(stock.holds)
            hold = stock.holds.get(getattr(change, "hold", ""))
            size = 0 if hold is None else hold.size()
            prices = stock.settings.prices
            currency = next(iter(prices.values())).currency if prices else ""
            if isinstance(change, HoldBooked):
                assert hold is not None
                # As the buyer was told: the prices may be others by now, or gone.
                total = told(stock, hold).total()
                amount = 0 if total is None else total.amount
                currency = currency if total is None else total.currency
                self.worth[change.booking] = (amount, currency)
                self.made[change.booking] = (hold.user, size)
                counts = {"bookings": 1, "seats_booked": size, "revenue": amount}
                self.note(at_ms, currency, hold.user, **counts)
            if isinstance(change, BookingCancelled):
                user, size = self.made[change.booking]
                amount, paid_in = self.worth[change.booking]
                currency = paid_in if amount else currency
                counts = {"cancellations": 1, "seats_cancelled": size}
                self.note(at_ms, currency, user, **counts, refunded=amount)
            if isinstance(change, BookingReduced):
                user, size = self.made[change.booking]
                amount, paid_in = self.worth[change.booking]
                gone = len(change.seats) + sum(change.areas.values())
                less = 0 if change.total is None else change.total.amount
                self.made[change.booking] = (user, size - gone)
                self.worth[change.booking] = (amount - less, paid_in)
                currency = currency if change.total is None else change.total.currency
                self.note(at_ms, currency, None, seats_cancelled=gone, refunded=less)
            stock.apply(change, at_ms)
            if isinstance(change, SeatsHeld) and change.hold not in known:
                self.note(at_ms, currency, change.user, holds=1)
            if isinstance(change, HoldExpired):
                self.note(at_ms, currency, None, expired=1)
            if isinstance(change, HoldReleased) and change.hold not in stock.holds:
                self.note(at_ms, currency, None, released=1)

    def note(self, at_ms: int, currency: str, user: str | None, **counts: int) -> None:
        key = at_ms // 60_000, currency
        self.minutes.setdefault(key, Counter()).update(counts)
        self.total.update(counts)
        if user is not None:
            self.users.setdefault(user, Counter()).update(counts)

    def rows(self) -> dict[tuple[int, str], tuple[int, ...]]:
        return {
            key: tuple(counts[name] for name in NAMES)
            for key, counts in self.minutes.items()
        }


async def counted(store: Store, event: str, unit: str) -> dict[Any, tuple[int, ...]]:
    seconds = {"minute": 60, "day": 86_400}[unit]
    rows = await store.query(
        f"SELECT (extract(epoch FROM {unit}) / {seconds})::bigint, currency,"
        f" {', '.join(NAMES)} FROM event_{unit} WHERE event_id = $1",
        event,
    )
    return {(row[0], row[1]): row[2:] for row in rows}


async def check(store: Store, event: str, run: Run) -> None:
    """Compare all tables with the sale played again, and with the other tables."""
    expected = Expected(run, event)
    assert await counted(store, event, "minute") == expected.rows()
    days: dict[Any, Counter[str]] = {}
    for (minute, currency), counts in expected.minutes.items():
        days.setdefault((minute // 1_440, currency), Counter()).update(counts)
    assert await counted(store, event, "day") == {
        key: tuple(counts[name] for name in NAMES) for key, counts in days.items()
    }
    buyers = await store.query(
        "SELECT user_id, holds, bookings, cancellations FROM event_buyer"
        " WHERE event_id = $1",
        event,
    )
    names = ("holds", "bookings", "cancellations")
    assert {row[0]: row[1:] for row in buyers} == {
        user: tuple(counts[name] for name in names)
        for user, counts in expected.users.items()
    }
    totals = await store.query(
        "SELECT version, holds, bookings, cancellations, expired, released,"
        " seats_booked, seats_cancelled, interested, buyers, returning_buyers"
        " FROM event_rollup WHERE event_id = $1",
        event,
    )
    many = expected.users.values()
    assert totals == [
        (
            expected.stock.version,
            *(expected.total[name] for name in NAMES[:7]),
            sum(counts["holds"] > 0 for counts in many),
            sum(counts["bookings"] > 0 for counts in many),
            sum(counts["bookings"] > 1 for counts in many),
        )
    ]
    # Against what the commits wrote, which the journal had no part in.
    direct = await store.query(
        "SELECT count(*), count(cancelled_at) FROM booking WHERE event_id = $1", event
    )
    assert direct == [(expected.total["bookings"], expected.total["cancellations"])]
    sold = await store.query(
        "SELECT (SELECT count(*) FROM sold WHERE event_id = $1)"
        " + (SELECT coalesce(sum(sold), 0) FROM area_sold WHERE event_id = $1)",
        event,
    )
    left = expected.total["seats_booked"] - expected.total["seats_cancelled"]
    assert sold == [(left,)]
    live = await store.query(
        "SELECT live_holds FROM event_rollup WHERE event_id = $1", event
    )
    sizes = sorted(rollup._holds(live[0][0]).values())
    assert sizes == sorted(hold.size() for hold in expected.stock.holds.values())


async def count_all(one: Rollup) -> int:
    versions = 0
    while (behind := await one.behind()).events:
        for event in behind.events:
            versions += (await one.count(event)).versions
    return versions


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count in so many transactions that much can come in between."""
    monkeypatch.setattr(stretches, "ROWS_MAX", 7)


@pytest.mark.parametrize("seed", [3, 11])
async def test_the_counts_are_those_of_a_direct_look(store, small_steps, seed):
    run = random_sale(seed, STEPS)
    await store_sale(store, "evt", run)
    one = Rollup(store.pool)
    behind = await one.behind()
    assert behind.events == ["evt"]
    assert behind.versions_behind == len(run.journal)
    assert await count_all(one) == len(run.journal)
    await check(store, "evt", run)
    for name in ("holds", "bookings", "cancellations", "expired", "released"):
        assert Expected(run, "evt").total[name] > 0, name
    assert (await one.count("evt")).versions == 0
    await check(store, "evt", run)
    assert (await one.count("no such event")).versions == 0


async def test_two_who_count_at_once_count_once(store, small_steps):
    first, second = random_sale(5, STEPS), random_sale(6, STEPS)
    await store_sale(store, "evt 1", first)
    await store_sale(store, "evt 2", second)
    counters = [Rollup(store.pool) for _ in range(3)]
    versions = await asyncio.gather(*(count_all(one) for one in counters))
    assert sum(versions) == len(first.journal) + len(second.journal)
    await check(store, "evt 1", first)
    await check(store, "evt 2", second)


async def test_what_dies_in_the_middle_counts_nothing_twice(store, small_steps):
    """Its connection is killed by the server at each of its statements in turn."""
    run = random_sale(7, STEPS)
    await store_sale(store, "evt", run)
    died = 0
    for statement in range(11):
        pool = await Pool.open(store.url, size=1, name="doomed")
        try:
            await Rollup(Doomed.pool_of(pool, store, statement)).count("evt")
        except Unavailable:
            died += 1
        finally:
            await pool.close()
    assert died > 0
    one = Rollup(store.pool)
    await count_all(one)
    await check(store, "evt", run)


async def test_a_sale_is_never_kept_waiting(store):
    """Whoever counts locks nothing that a commit writes."""
    run = random_sale(8, 120)
    await store_sale(store, "evt", run)
    async with store.pool.transaction() as connection:
        await connection.execute("LOCK TABLE event_buyer")
        counting = asyncio.create_task(Rollup(store.pool).count("evt"))
        waits = f"SELECT count(*) FROM pg_locks l WHERE NOT granted AND {OURS}"
        async with asyncio.timeout(60):
            while True:
                if await connection.fetchval(waits):
                    break
                await asyncio.sleep(0.01)
        async with asyncio.timeout(60):
            ownership = await store.journal.acquire("evt")
            assert ownership is None  # Its owner's lease is good: nobody waited.
        locked = await connection.fetch(
            "SELECT DISTINCT c.relname FROM pg_locks l JOIN pg_class c"
            f" ON c.oid = l.relation WHERE l.mode = 'RowExclusiveLock' AND {OURS}"
        )
    tables = {row["relname"] for row in locked}
    assert {"event_minute", "event_day"} <= tables
    assert not tables & {"event_head", "booking", "sold", "area_sold", "journal"}
    await counting
    await check(store, "evt", run)


async def test_a_hole_in_a_journal_is_not_counted_over(store):
    run = random_sale(9, 120)
    await store_sale(store, "evt", run)
    await store.query(
        "DELETE FROM journal WHERE to_version = (SELECT min(to_version) FROM journal)"
    )
    with pytest.raises(Hole):
        await Rollup(store.pool).count("evt")
    assert await store.query("SELECT * FROM event_rollup") == []


async def test_a_token_of_a_hold_is_in_no_table_of_analytics(store):
    sales = (random_sale(seed, 200) for seed in range(10, 40))
    run = next(sale for sale in sales if sale.stock.holds)
    await store_sale(store, "evt", run)
    await count_all(Rollup(store.pool))
    ((packed,),) = await store.query("SELECT live_holds FROM event_rollup")
    assert len(packed) > len(run.stock.holds)
    assert not any(token.encode() in packed for token in run.stock.holds)


async def test_it_tells_whether_something_is_left_of_what_there_was(store, small_steps):
    await store_sale(store, "evt", random_sale(4, STEPS))
    one, told = Rollup(store.pool), []
    while (done := await one.count("evt")).versions:
        told.append(done.more)
    assert len(told) > 2
    assert told == [True] * (len(told) - 1) + [False]
