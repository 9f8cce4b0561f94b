"""The bench of refunds: its copies are orders like others, and it can miss a figure."""

from typing import Any

import asyncpg
import pytest

from bench.drive import Driven
from bench.plan import Cpu, Curves, Figures
from bench.refunds import Found, Options, conclude, copy_orders, copy_sessions
from persistence.shop.money.sums import takings_of
from persistence.shop.orders.cancelled import CancelledOrders
from persistence.shop.payments.gateway_file import GatewayFile
from server.shop.orders.giving.event_refunds import EventRefunds
from server.shop.orders.giving.giver import Giver
from tests.server.shop.orders.giving.test_giver import booked, tickets
from tests.server.shop.orders.shop import open_shop


@pytest.mark.postgres
async def test_copies_are_paid_orders_and_all_are_given_back(database_url, tmp_path):
    async with open_shop(database_url, tmp_path) as shop:
        await booked(shop, 1)
        await booked(shop, 2)
        connection = await asyncpg.connect(database_url)
        try:
            refs = await copy_orders(connection, "evt", 3)
        finally:
            await connection.close()
        file = GatewayFile(tmp_path / "gateway.sqlite")
        copy_sessions(file, refs, 3)
        file.close()
        before = await takings_of(shop.pool, "evt")
        assert [(one.captured, one.live, one.differing) for one in before] == [
            (24_000, 24_000, 0)
        ]
        await shop.pool.fetch("UPDATE event SET status = 'cancelled'")
        store = CancelledOrders(shop.pool)
        giving = EventRefunds(store, Giver(shop.pool, shop.desk), shop.driver)
        assert await giving.give_back() == 8
        await shop.deliver()
        assert await tickets(shop) == 0
        (after,) = await takings_of(shop.pool, "evt")
        assert (after.returned, after.pending, after.differing) == (24_000, 0, 0)


def driven(p99_ms: float) -> Driven:
    figures = Figures(
        rate=1_000.0,
        window_s=8.0,
        sent=8_000,
        accepted=8_000,
        accepted_total=8_000,
        refused={},
        faults={},
        per_second=1_000.0,
        p50_ms=1.0,
        p90_ms=2.0,
        p99_ms=p99_ms,
        p999_ms=p99_ms,
        p9999_ms=p99_ms,
        max_ms=p99_ms,
        cpu=Cpu(1.0, 1.0, 1.0, 3.0),
        sold_out=False,
        reply_bytes=100,
    )
    return Driven(figures=figures, curves=Curves(), samples=[], begin=0.0, end=8.0)


def found(quiet: float, beside: list[float], **more: Any) -> Found:
    fields: dict[str, Any] = {
        "echo": [driven(1.0)],
        "quiet": [driven(quiet)],
        "beside": [driven(one) for one in beside],
        "orders": 10_000,
        "took_s": 100.0,
        "cpu_s": 40.0,
        "failed": 0,
        "outlasted": True,
    }
    return Found(**(fields | more))


@pytest.mark.parametrize(
    ("told", "sentences"),
    [
        (found(10.0, [11.0, 12.0, 50.0]), []),
        (found(10.0, [13.0]), ["p99 beside to alone: 1.3, more than 1.2"]),
        (found(10.0, [11.0], failed=2), ["2 orders were not given back"]),
        (
            found(10.0, []),
            ["refunds were over within the first window: take more orders"],
        ),
    ],
)
def test_a_figure_that_is_missed_is_told(told, sentences):
    assert conclude(told, Options(), {}).judged() == sentences


def test_alone_it_tells_what_an_order_costs():
    outcome = conclude(found(10.0, []), Options(alone=True), {})
    assert outcome.judged() == []
    assert {one.name: one.value for one in outcome.values}[
        "server CPU of an order"
    ] == pytest.approx(4.0)
