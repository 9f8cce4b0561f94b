"""Tables of a real event, read back as a spreadsheet would."""

import asyncio
import csv
import io
from typing import Any

import aiohttp
import pytest

from persistence.errors import Unavailable
from persistence.shop.exports import SoldOrder, pages_of
from server.shop.exports import service

pytestmark = [pytest.mark.postgres, pytest.mark.asyncio(loop_scope="module")]


async def table(world: Any, kind: str) -> list[dict[str, str]]:
    answer = await world.seller.get(f"/v1/events/{world.event}/exports/{kind}.csv")
    assert answer.status == 200, answer
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert f'filename="{kind}.csv"' in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    return list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"))))


async def test_orders_as_they_are_with_a_name_that_is_a_formula(world):
    buyer = await world.guest()
    evil = '=HYPERLINK("http://evil.example")'
    order = await world.order(buyer, buyer={"name": evil, "email": "o@example.org"})
    await world.choose(order, "pay")
    await world.becomes(buyer, order["id"], "confirmed")
    waiting = await world.order(await world.guest(), 1)
    rows = await table(world, "orders")
    assert [row["order"] for row in rows] == [order["id"], waiting["id"]]
    assert rows[0]["buyer_name"] == f"'{evil}"
    assert (rows[0]["places"], rows[0]["total"], rows[0]["currency"]) == (
        *("2", "41.00"),
        "EUR",
    )
    assert [row["status"] for row in rows] == ["confirmed", "payment_pending"]


async def test_tickets_have_prices_and_no_codes(world):
    buyer = await world.guest()
    order = await world.order(buyer)
    await world.choose(order, "pay")
    done = await world.becomes(buyer, order["id"], "confirmed")
    while len(done["tickets"]) < 2:
        done = await buyer.good("GET", f"/v1/orders/{order['id']}")
    rows = await table(world, "tickets")
    assert {row["number"] for row in rows} == {one["number"] for one in done["tickets"]}
    assert {row["unit"] for row in rows} == {"20.00"}
    assert {row["order_reference"] for row in rows} == {order["reference"]}
    answer = await world.seller.get(f"/v1/events/{world.event}/exports/tickets.csv")
    assert all(one["code"].encode() not in answer.body for one in done["tickets"])


async def test_who_registered(world, stand):
    free = await stand.world(payment="none", prices={}, registration="open")
    comer = {"email": "comer@example.org", "name": "@Comer"}
    path = f"/v1/events/{free.event}/attendees"
    await free.seller.good("POST", path, comer)
    (row,) = await table(free, "attendees")
    assert (row["attendee_name"], row["email"]) == ("'@Comer", "comer@example.org")


async def test_what_codes_brought(world):
    path = f"/v1/events/{world.event}/promotions"
    rules = {"name": "=Ten", "percent_ppm": 100_000}
    made = await world.seller.good("POST", path, rules)
    (used,), (idle,) = [
        (await world.seller.good("POST", f"{path}/{made['id']}/codes", body))["ids"]
        for body in ({"code": "TEN", "label": "+Posters"}, {"code": "NONE"})
    ]
    buyer = await world.guest()
    order = await world.order(buyer, 1, codes=["ten"])
    await world.choose(order, "pay")
    await world.becomes(buyer, order["id"], "confirmed")
    first, second = await table(world, "promotions")
    assert (first["promotion_name"], first["label"]) == ("'=Ten", "'+Posters")
    assert (first["code"], first["uses"], first["currency"]) == (used, "1", "EUR")
    assert (first["gross"], first["discount"], first["net"]) == (
        *("19.00", "2.00", "19.00"),
    )
    assert (second["code"], second["uses"], second["gross"]) == (idle, "0", "")


async def test_pages_leave_nothing_out_and_nothing_twice(world, pool):
    buyers = [await world.guest() for _ in range(5)]
    made = [(await world.order(one, 1))["id"] for one in buyers]
    for size in (1, 2, 5, 6):
        pages = [page async for page in pages_of(pool, "orders", world.event, size)]
        rows = [one for page in pages for one in page]
        assert [one.order for one in rows if isinstance(one, SoldOrder)] == made


async def noted(world: Any) -> list[dict[str, Any]]:
    """Return what the log tells of tables of the event, once it tells anything."""
    path = f"/v1/activity?event={world.event}&method=GET"
    async with asyncio.timeout(30):
        while True:
            rows: list[dict[str, Any]] = (await world.seller.good("GET", path))["items"]
            if rows:
                return rows
            await asyncio.sleep(0.02)


async def test_a_table_is_for_who_manages_the_event_and_who_took_it_is_kept(world):
    buyer = await world.guest()
    for kind in ("orders", "tickets", "attendees", "promotions"):
        path = f"/v1/events/{world.event}/exports/{kind}.csv"
        assert (await buyer.get(path)).status == 403
        assert (await world.nobody.get(path)).status == 401
    await table(world, "orders")
    (taken,) = await noted(world)
    seller = (await world.seller.good("GET", "/v1/me"))["id"]
    assert (taken["actor"], taken["status"]) == (seller, 200)
    assert taken["route"] == "/v1/events/{event}/exports/orders.csv"


async def test_a_table_that_breaks_off_is_known_to_be_no_whole_one(world, monkeypatch):
    await world.order(await world.guest(), 1)

    async def breaking(pool: Any, kind: Any, event: str) -> Any:
        async for page in pages_of(pool, kind, event):
            yield page
        raise Unavailable("the database is away")

    monkeypatch.setattr(service, "pages_of", breaking)
    path = f"/v1/events/{world.event}/exports/orders.csv"
    with pytest.raises(aiohttp.ClientPayloadError):
        await world.seller.get(path)

    async def away(pool: Any, kind: Any, event: str) -> Any:
        raise Unavailable("the database is away")
        yield

    # What is wrong before anything was sent is told as ever.
    monkeypatch.setattr(service, "pages_of", away)
    answer = await world.seller.get(path)
    assert (answer.status, answer.body["code"]) == (503, "unavailable")


async def test_the_head_of_a_table_alone(world):
    path = f"/v1/events/{world.event}/exports/orders.csv"
    answer = await world.seller.send("HEAD", path)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
