"""Orders as rows: made once, read as they were written, and kept sound."""

import asyncio
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from inventory.settings import Settings
from persistence.errors import Unavailable
from persistence.events.catalog import Catalog
from persistence.people.notices.notices import Notice
from persistence.postgres.pool import Pool
from persistence.shop.money.entries import Entry, balances
from persistence.shop.money.terms import Terms
from persistence.shop.orders.listing import OrderList, OrderSearch, forget_orders
from persistence.shop.orders.orders import (
    NewOrder,
    OrderGone,
    Orders,
    read_order,
)
from persistence.shop.orders.provider_events import (
    ProviderEvent,
    keep_event,
    read_told,
    waiting_events,
)
from persistence.shop.orders.records import OrderLine, Payment, Refund, Rules
from persistence.shop.orders.rows import OrderBuyer
from persistence.shop.orders.writing import OrderLane, Written, write_order

pytestmark = pytest.mark.postgres

EVENT = Settings(name="Concert", starts_at_ms=4_000_000_000_000)
NOW = 1_800_000_000_000
NEW = NewOrder(
    order="ord_1",
    event="evt",
    hold="hold 1",
    user="olga",
    organisation=None,
    reference="REF1",
    buyer=OrderBuyer(email="olga@example.org", name="Olga", locale="de"),
    rules=Rules(pays=True, pay_s=900, until_s=1_020, types={"A-1": "child"}),
    terms=Terms("EUR"),
    provider="gateway",
    seen_total=4_650,
    request_hash=b"hash",
)
LINE = OrderLine(
    line=1, kind="seat", label="A-1", category="x", unit=4_500, fee=150, gross=4_650
)
PAYMENT = Payment(
    payment="pay_1",
    provider="gateway",
    amount=4_650,
    currency="EUR",
    at_ms=NOW,
    state="captured",
    ref="ref1",
    url="http://gateway/1",
    captured=4_650,
    captured_currency="EUR",
    use="accepted",
    asked="ask_1",
)
REFUND = Refund(
    refund="rfd_1",
    payment="pay_1",
    amount=50,
    currency="EUR",
    reason="outside",
    at_ms=NOW,
    state="settled",
    ref="r1",
    lines=(1,),
    was_settled=True,
)


@pytest.fixture
async def pool(database_url):
    pool = await Pool.open(database_url)
    await Catalog(pool).create_event(
        "evt", EVENT, capacity=10, created_by="usr", request_hash=b""
    )
    yield pool
    await pool.close()


async def write(pool: Pool, wake_ms: int | None = None, **changes: object):
    """Change an order as its rules would; return what it is then."""
    stored, _ = await read_order(pool, "ord_1")
    after = replace(stored.state, **changes)
    assert await OrderLane(pool).write(stored, after, wake_ms) is not None
    return after


async def test_an_order_is_read_as_it_was_written(pool):
    store = Orders(pool)
    made = await store.begin(NEW)
    assert (made.state.rules, made.state.step) == (NEW.rules, "pledging")
    assert (made.buyer, made.terms, made.event_name) == (
        NEW.buyer,
        NEW.terms,
        "Concert",
    )
    after = await write(
        pool,
        step="booked",
        currency="EUR",
        total=4_650,
        returned="part",
        due=3,
        pay_until_ms=NOW + 1,
        accepted="pay_1",
        booking="bkg",
        why="hold_expired",
        lines=(LINE,),
        payments=(PAYMENT,),
        refunds=(REFUND,),
    )
    found = await store.find("ord_1")
    assert found is not None
    assert found.state == after
    assert found.confirmed_at is not None
    assert await store.find_by_reference("REF1") == found
    assert await store.find("ord_2") is None
    with pytest.raises(OrderGone):
        await read_order(pool, "ord_2")


async def test_a_message_finds_its_order_and_is_applied_with_it_once(pool):
    made = await Orders(pool).begin(NEW)
    event = ProviderEvent(
        provider="gateway",
        event_ref="evt 1",
        payment_ref="ref1",
        attempt="pay_1",
        body=b"[]",
    )
    assert await read_told(pool, event) is None
    await keep_event(pool, event)
    await keep_event(pool, event)
    assert await waiting_events(pool) == []
    state = replace(made.state, payments=(PAYMENT,), currency="EUR")
    assert await OrderLane(pool).write(made, state, None) is not None
    assert await waiting_events(pool) == [event]
    for names in ({}, {"attempt": None}, {"provider": "other"}, {"payment_ref": "x"}):
        told = await read_told(pool, replace(event, **names))
        assert told is not None
        assert (told.stored.state, told.applied) == (state, False)
    strange = replace(event, provider="other", attempt=None)
    assert await read_told(pool, strange) is None
    posting = "capture", [Entry("provider", 5, "EUR"), Entry("due", -5, "EUR")]
    assert await OrderLane(pool).write(made, state, None, [posting], event) is None
    told = await read_told(pool, event)
    assert told is not None
    assert not told.applied, "an order that is another was written"
    now = await OrderLane(pool).write(told.stored, state, None, [posting], event)
    assert now is not None
    assert abs(now.now_ms - told.now_ms) < 60_000
    told = await read_told(pool, event)
    assert told is not None
    assert told.applied
    assert await waiting_events(pool) == []
    async with pool.transaction() as connection:
        assert len(await balances(connection, "ord_1")) == 2


async def test_a_notice_is_raised_with_what_it_tells_of_or_neither_is(pool):
    made = await Orders(pool).begin(NEW)
    lane, after = OrderLane(pool), replace(made.state, why="hold_expired")
    data = {"reference": "REF1", "amount": 5, "currency": "EUR"}
    notice = Notice(kind="refund_sent", subject="r", user_id="olga", data=data)

    async def raised() -> int:
        row = await pool.fetch_one("SELECT count(*) AS count FROM notice")
        assert row is not None
        return int(row["count"])

    with pytest.raises(ValueError, match="lacks"):
        await lane.write(made, after, None, notices=[replace(notice, data={})])
    assert (await read_order(pool, "ord_1"))[0].state.why is None
    assert await lane.write(made, after, None, notices=[notice]) is not None
    assert await raised() == 1
    other = replace(notice, subject="s")
    assert await lane.write(made, after, None, notices=[other]) is None
    async with pool.transaction() as connection:
        lost = await write_order(connection, made, after, None, notices=[other])
        assert lost is None
    assert await raised() == 1, "told of what was not written"


async def test_a_hold_has_one_order_until_that_is_refused(pool):
    store = Orders(pool)
    others = [
        replace(NEW, order=f"ord_{number}", reference=f"REF{number}")
        for number in range(1, 7)
    ]
    made = await asyncio.gather(*(store.begin(one) for one in others))
    (name,) = {one.state.order for one in made}
    assert await store.begin(replace(NEW, order=name, hold="another")) == made[0]
    assert (await store.begin(replace(NEW, order="ord_9", reference="REF9"))) == made[0]
    stored, _ = await read_order(pool, name)
    refused = replace(stored.state, step="refused")
    assert await OrderLane(pool).write(stored, refused, None) is not None
    again = await store.begin(replace(NEW, order="ord_9", reference="REF9"))
    assert again.state.order == "ord_9"


async def test_of_two_who_judged_the_same_order_one_writes(pool):
    await Orders(pool).begin(NEW)
    lanes = OrderLane(pool), OrderLane(pool)
    seen = [await read_order(pool, "ord_1") for _ in range(12)]

    async def add(number: int) -> bool:
        stored, _ = seen[number]
        lines = (replace(LINE, line=number + 1),)
        after = replace(stored.state, lines=lines, payments=(PAYMENT,))
        return await lanes[number % 2].write(stored, after, None) is not None

    wrote = await asyncio.gather(*map(add, range(12)))
    assert wrote.count(True) == 1
    found, _ = await read_order(pool, "ord_1")
    assert [line.line for line in found.state.lines] == [wrote.index(True) + 1]
    assert found.revision == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines": (replace(LINE, gross=4_649),)},
        {"lines": (replace(LINE, discount=4_501, gross=149),)},
        {"lines": (replace(LINE, tax=5_000),)},
        {"payments": (replace(PAYMENT, captured=4_649),)},
        {"payments": (replace(PAYMENT, captured_currency="USD"),)},
        {"payments": (replace(PAYMENT, state="open", captured_currency=None),)},
        {
            "payments": (
                PAYMENT,
                replace(PAYMENT, payment="pay_2", ref="ref2"),
            )
        },
        {"payments": (PAYMENT,), "refunds": (replace(REFUND, amount=0),)},
        {"payments": (PAYMENT,), "refunds": (replace(REFUND, was_settled=False),)},
        {"total": -1},
        {"total": 1, "currency": None},
    ],
)
async def test_what_cannot_be_is_not_stored(pool, wrong):
    await Orders(pool).begin(NEW)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await write(pool, **wrong)
    found = await Orders(pool).find("ord_1")
    assert found is not None
    assert found.state.payments == ()
    assert found.state.lines == ()


async def test_orders_whose_time_has_come_are_taken_up_once(pool):
    store = Orders(pool)
    await store.begin(NEW)
    await write(pool, 1)
    taken = await asyncio.gather(*(store.take_up() for _ in range(4)))
    assert [order for one in taken for order in one] == ["ord_1"]
    await write(pool, None)
    await pool.fetch("UPDATE orders SET driven_until = driven_until - interval '1 day'")
    assert await store.take_up() == []


async def test_who_bought_is_forgotten_and_the_amounts_stay(pool):
    await Orders(pool).begin(NEW)
    listed, search = OrderList(pool), OrderSearch(text="olga@example.org")
    assert await listed.count_of_event("evt", search) == 1
    async with pool.transaction() as connection:
        await forget_orders(connection, "olga")
    assert await listed.count_of_event("evt", search) == 0
    (row,), _ = await listed.of_user("olga", limit=1)
    assert (row.buyer, row.state.seen_total) == (OrderBuyer(), 4_650)


class CountedPool:
    """A pool that tells how many calls were made of it, and can be away."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.calls = 0
        self.away = False

    async def fetch(self, sql: str, *args: object):
        self.calls += 1
        if self.away:
            raise Unavailable("nobody answers")
        return await self.pool.fetch(sql, *args)


async def begin_many(pool: Pool, count: int):
    store = Orders(pool)
    return [
        await store.begin(
            replace(NEW, order=f"ord_{n}", hold=f"hold {n}", reference=f"REF{n}")
        )
        for n in range(count)
    ]


async def test_orders_that_are_ready_together_are_written_in_one_call(pool):
    made = await begin_many(pool, 6)
    counted: Any = CountedPool(pool)
    lane = OrderLane(counted)
    wrong = replace(LINE, gross=1)
    payment = replace(PAYMENT, ref=None, state="open", captured=0, use=None)
    open_payment = replace(payment, captured_currency=None)

    async def write(number: int):
        stored = made[number]
        name = stored.state.order
        lines = (wrong if number == 3 else LINE,)
        payments = (replace(open_payment, payment=f"pay {name}"),)
        after = replace(stored.state, lines=lines, payments=payments)
        return await lane.write(stored, after, None)

    # The last is of an order that is in the first call already.
    said = await asyncio.gather(
        *(write(number) for number in (*range(6), 1)), return_exceptions=True
    )
    assert isinstance(said[3], asyncpg.CheckViolationError)
    assert said[6] is None
    others = [said[n] for n in (0, 1, 2, 4, 5)]
    assert all(isinstance(one, Written) for one in others)
    # One of six, which one of them breaks; six alone; and the last.
    assert counted.calls == 8
    for number in range(6):
        found, _ = await read_order(pool, f"ord_{number}")
        assert found.revision == (number != 3)
        assert len(found.state.payments) == (number != 3)


async def test_who_is_gone_or_cannot_be_written_holds_up_nobody(pool):
    made = await begin_many(pool, 3)
    counted: Any = CountedPool(pool)
    lane = OrderLane(counted)
    writes = [
        asyncio.create_task(lane.write(one, replace(one.state, due=1), None))
        for one in made
    ]
    await asyncio.sleep(0)
    writes[1].cancel()
    assert await writes[0] is not None
    assert await writes[2] is not None
    counted.away = True
    with pytest.raises(Unavailable):
        await lane.write(made[0], made[0].state, None)
    counted.away = False
    found, _ = await read_order(pool, "ord_0")
    assert await lane.write(found, found.state, None) is not None
    with pytest.raises(ValueError, match="does not sum to 0"):
        await lane.write(found, found.state, None, [("x", [Entry("due", 1, "EUR")])])
