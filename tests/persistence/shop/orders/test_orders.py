"""Orders as rows: made once, locked, read as they were written, and kept sound."""

import asyncio

import asyncpg
import pytest
from msgspec.structs import replace

from inventory.settings import Settings
from persistence.events.catalog import Catalog
from persistence.postgres.pool import Pool
from persistence.shop.money.terms import Terms
from persistence.shop.orders.listing import OrderList, OrderSearch, forget_orders
from persistence.shop.orders.orders import (
    NewOrder,
    OrderGone,
    Orders,
    lock_order,
    order_of_payment,
)
from persistence.shop.orders.records import OrderLine, Payment, Refund, Rules
from persistence.shop.orders.rows import OrderBuyer, write_order

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
    async with pool.transaction() as connection:
        stored, _ = await lock_order(connection, "ord_1")
        after = replace(stored.state, **changes)
        await write_order(connection, stored.state, after, wake_ms)
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
    async with pool.transaction() as connection:
        assert await order_of_payment(connection, "gateway", None, "ref1") == "ord_1"
        assert await order_of_payment(connection, "other", "pay_1", "x") == "ord_1"
        assert await order_of_payment(connection, "other", None, "ref1") is None
        with pytest.raises(OrderGone):
            await lock_order(connection, "ord_2")


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
    async with pool.transaction() as connection:
        stored, _ = await lock_order(connection, name)
        refused = replace(stored.state, step="refused")
        await write_order(connection, stored.state, refused, None)
    again = await store.begin(replace(NEW, order="ord_9", reference="REF9"))
    assert again.state.order == "ord_9"


async def test_two_at_one_order_go_one_after_the_other(pool):
    await Orders(pool).begin(NEW)

    async def add(_: int) -> None:
        async with pool.transaction() as connection:
            stored, _ = await lock_order(connection, "ord_1")
            line = replace(LINE, line=len(stored.state.lines) + 1)
            after = replace(stored.state, lines=(*stored.state.lines, line))
            await write_order(connection, stored.state, after, None)

    await asyncio.gather(*map(add, range(12)))
    found = await Orders(pool).find("ord_1")
    assert found is not None
    assert [line.line for line in found.state.lines] == list(range(1, 13))


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
