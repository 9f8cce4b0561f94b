"""Orders over REST and the socket: one server, the gateway, its webhooks over HTTP."""

import asyncio
import time
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from persistence.shop.payments.gateway_file import GatewayFile
from server.shop.payments.gateway.book import Book
from server.shop.payments.gateway.deliveries import Deliveries
from server.shop.payments.gateway.handlers import make_app
from tests.server.conftest import ADMIN, Client, run_server
from tests.server.shop.orders.shop import SECRET

pytestmark = pytest.mark.postgres

EVENT = {
    "name": "Concert",
    "capacity": 20,
    "starts_at": "2036-12-31T19:00:00Z",
    "prices": {"GA": {"amount": 2000, "currency": "EUR"}},
    "payment": "required",
    "fees": {"per_order": 100},
    "tax": {"ppm": 190_000, "name": "VAT"},
}
BUYER = {"email": "olga@example.org", "name": "Olga Ivanova", "locale": "de"}


async def free_port() -> int:
    """Return a port at which nobody listens."""
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = int(runner.addresses[0][1])
    await runner.cleanup()
    return port


@asynccontextmanager
async def gateway(path, port):
    """Run the gateway with its deliveries; yield its address."""
    file = GatewayFile(path / "gateway.sqlite")
    url = f"http://127.0.0.1:{port}"
    book = Book(file, url, lambda: int(time.time() * 1_000))
    runner = web.AppRunner(make_app(book, (SECRET,)), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    sending = asyncio.create_task(Deliveries(book, (SECRET,)).run())
    try:
        yield url
    finally:
        sending.cancel()
        await asyncio.wait([sending])
        await runner.cleanup()
        file.close()


class World:
    """A server with a paid event on sale, and who buys and who sells."""

    def __init__(self, nobody: Client, seller: Client, event: str) -> None:
        self.nobody, self.seller, self.event = nobody, seller, event

    async def guest(self) -> Client:
        token = await self.nobody.good("POST", "/v1/auth/guest")
        return self.nobody.as_(token["access_token"])

    async def hold(self, buyer: Client, count: int = 2) -> str:
        command = {"op": "hold", "areas": {"GA": count}}
        path = f"/v1/events/{self.event}/commands"
        return str((await buyer.good("POST", path, command))["hold"])

    async def order(self, who: Client, count: int = 2, **more):
        body = {"event": self.event, "hold": await self.hold(who, count), **more}
        return await who.good("POST", "/v1/orders", body)

    async def becomes(self, buyer: Client, order: str, status: str):
        """Wait until an order is so, and return it."""
        async with asyncio.timeout(20):
            while True:
                found = await buyer.good("GET", f"/v1/orders/{order}")
                if found["status"] == status:
                    return found
                await asyncio.sleep(0.02)

    async def choose(self, order, outcome: str) -> int:
        """Do on the gateway's page what a buyer does; return what it answers."""
        form, url = {"outcome": outcome}, order["payment"]["url"]
        async with self.nobody.session.post(
            url, data=form, allow_redirects=False
        ) as response:
            return response.status


@asynccontextmanager
async def selling(database_url, url):
    """Run a server that asks this gateway, with the event on sale."""
    settings = {
        "payments": "gateway",
        "gateway_url": url,
        "gateway_secret": SECRET.decode(),
        "unsafe": True,
    }
    async for nobody in run_server(database_url, rate_limits="off", **settings):
        signed_in = await nobody.good("POST", "/v1/auth/login", ADMIN)
        seller = nobody.as_(signed_in["access_token"])
        event = (await seller.good("POST", "/v1/events", EVENT))["id"]
        await seller.good("POST", f"/v1/events/{event}/publish")
        yield World(nobody, seller, event)


@pytest.fixture
async def world(database_url, tmp_path):
    async with (
        gateway(tmp_path, await free_port()) as url,
        selling(database_url, url) as world,
    ):
        yield world


async def test_an_order_from_the_hold_to_the_booking(world):
    buyer = await world.guest()
    socket = await buyer.session.ws_connect(
        f"{buyer.url}/v1/ws", headers={"Authorization": f"Bearer {buyer.token}"}
    )
    order = await world.order(buyer, buyer=BUYER)
    assert order["status"] == "payment_pending"
    assert order["total"] == {"amount": 4_100, "currency": "EUR"}
    assert [(one["unit"], one["fee"], one["gross"]) for one in order["lines"]] == [
        (2_000, 50, 2_050),
        (2_000, 50, 2_050),
    ]
    assert sum(one["tax"] for one in order["lines"]) == 2 * 327
    assert order["tickets"] == []
    async with buyer.session.get(order["payment"]["url"]) as page:
        assert page.status == 200
    assert await world.choose(order, "pay") < 400
    done = await world.becomes(buyer, order["id"], "confirmed")
    assert done["payment"] is None
    assert done["lines"] == order["lines"]
    told: list[dict[str, Any]] = []
    while not told or told[-1]["status"] != "confirmed":
        told.append(await socket.receive_json(timeout=10))
    assert {one["op"] for one in told} == {"order"}
    assert 0 < told[0]["expires_in_ms"] <= 900_000
    await socket.close()
    (booking,) = (await buyer.good("GET", "/v1/bookings"))["items"]
    assert booking["id"] == done["booking"]
    refused = await buyer.post(f"/v1/bookings/{booking['id']}/cancel")
    assert (refused.status, refused.body["code"]) == (409, "belongs_to_order")
    back = await buyer.post(f"/v1/orders/{order['id']}/cancel")
    assert back.status == 200
    assert (back.body["status"], back.body["refund"]) == ("refunded", "full")
    seen = await world.seller.good("GET", f"/v1/orders/{order['id']}")
    (refund,) = seen["refunds"]
    assert (refund["status"], refund["amount"]["amount"]) == ("settled", 4_100)


async def test_the_same_hold_and_the_same_key_are_one_order(world):
    buyer, other = await world.guest(), await world.guest()
    hold = await world.hold(buyer)
    body = {"event": world.event, "hold": hold}
    first = await buyer.post("/v1/orders", body, Idempotency_Key="k")
    again = await buyer.post("/v1/orders", body, Idempotency_Key="k")
    without = await buyer.post("/v1/orders", body)
    assert [one.status for one in (first, again, without)] == [201] * 3
    assert first.body == again.body == without.body
    assert first.headers["Location"] == f"/v1/orders/{first.body['id']}"
    changed = {**body, "buyer": {"name": "Else"}}
    reused = await buyer.post("/v1/orders", changed, Idempotency_Key="k")
    assert (reused.status, reused.body["code"]) == (422, "key_reused")
    stolen = await other.post("/v1/orders", body)
    assert (stolen.status, stolen.body["code"]) == (404, "hold_not_found")
    hidden = await other.get(f"/v1/orders/{first.body['id']}")
    assert (hidden.status, hidden.body["code"]) == (404, "order_not_found")


async def test_a_pledged_hold_is_nobodys_to_change(world):
    buyer = await world.guest()
    hold = await world.hold(buyer)
    await buyer.good("POST", "/v1/orders", {"event": world.event, "hold": hold})
    for op in ("release", "extend", "book"):
        answer = await buyer.post(
            f"/v1/events/{world.event}/commands", {"op": op, "hold": hold}
        )
        assert (answer.status, answer.body["code"]) == (409, "hold_pledged"), op


async def test_another_total_is_told_and_the_hold_stays(world):
    buyer = await world.guest()
    body = {"event": world.event, "hold": await world.hold(buyer, 1)}
    total = {"amount": 2_000, "currency": "EUR"}
    answer = await buyer.post("/v1/orders", {**body, "total": total})
    assert (answer.status, answer.body["code"]) == (409, "price_changed")
    assert answer.body["total"] == {"amount": 2_100, "currency": "EUR"}
    other = await buyer.post(
        "/v1/orders", {**body, "total": {"amount": 2_100, "currency": "USD"}}
    )
    assert (other.status, other.body["code"]) == (409, "price_changed")
    right = {**body, "total": answer.body["total"]}
    assert (await buyer.post("/v1/orders", right)).status == 201


async def test_a_second_attempt_ends_the_first(world):
    buyer = await world.guest()
    order = await world.order(buyer)
    path = f"/v1/orders/{order['id']}/payments"
    first = await buyer.post(path, Idempotency_Key="k")
    again = await buyer.post(path, Idempotency_Key="k")
    assert first.body == again.body
    assert first.body["payment"] != order["payment"]
    assert await world.choose(order, "pay") == 409
    assert await world.choose(first.body, "pay") < 400
    await world.becomes(buyer, order["id"], "confirmed")
    seen = await world.seller.good("GET", f"/v1/orders/{order['id']}")
    states = [(one["status"], one["use"]) for one in seen["attempts"]]
    assert states == [("expired", None), ("captured", "accepted")]
    closed = await buyer.post(path)
    assert (closed.status, closed.body["code"]) == (409, "order_closed")


async def test_what_is_in_is_not_given_back_and_what_goes_back_lets_nobody_in(world):
    buyer = await world.guest()
    codes = []
    orders = [await world.order(buyer, 1) for _ in range(2)]
    for order in orders:
        assert await world.choose(order, "pay") < 400
        async with asyncio.timeout(20):
            while not order["tickets"]:
                order = await buyer.good("GET", f"/v1/orders/{order['id']}")
                await asyncio.sleep(0.02)
        codes.append(order["tickets"][0]["code"])

    async def scan(code: str, nonce: str) -> str:
        body = {"event": world.event, "code": code, "nonce": nonce}
        found = await world.seller.good("POST", "/v1/checkin/scans", body)
        return str(found["result"])

    assert await scan(codes[0], "nonce-0000000000000001") == "ok"
    refused = await buyer.post(f"/v1/orders/{orders[0]['id']}/cancel")
    assert (refused.status, refused.body["code"]) == (409, "already_in")
    assert await scan(codes[0], "nonce-0000000000000002") == "already_in"
    gone = await buyer.post(f"/v1/orders/{orders[1]['id']}/cancel")
    assert gone.body["status"] == "refunded"
    assert await scan(codes[1], "nonce-0000000000000003") in ("locked", "revoked")


async def test_an_order_that_is_left_frees_its_places(world):
    buyer = await world.guest()
    order = await world.order(buyer, 5)
    left = await buyer.post(f"/v1/orders/{order['id']}/cancel")
    assert (left.status, left.body["status"]) == (200, "cancelled")
    event = await buyer.good("GET", f"/v1/events/{world.event}")
    assert event["counts"]["free"] == 20


async def test_orders_are_listed_and_searched(world):
    buyer, other = await world.guest(), await world.guest()
    one = await world.order(buyer, 1, buyer=BUYER)
    two = await world.order(other, 1)
    await other.good("POST", f"/v1/orders/{two['id']}/cancel")
    mine = await buyer.good("GET", "/v1/orders?count=true")
    assert ([row["id"] for row in mine["items"]], mine["total"]) == ([one["id"]], 1)
    path = f"/v1/events/{world.event}/orders"
    for query, found in {
        "": [two["id"], one["id"]],
        "?limit=1": [two["id"]],
        "?q=ivanova": [one["id"]],
        "?q=olga%40example.org": [one["id"]],
        f"?q={one['reference'][:4].lower()}": [one["id"]],
        f"?q={two['id']}": [two["id"]],
        "?status=cancelled": [two["id"]],
        "?refund=full": [],
    }.items():
        page = await world.seller.good("GET", path + query)
        assert [row["id"] for row in page["items"]] == found, query
    refused = await buyer.get(path)
    assert refused.status == 403
    reference = one["reference"].lower()
    found = await buyer.good("GET", f"/v1/orders/reference/{reference}")
    assert found["id"] == one["id"]


async def test_an_order_waits_for_a_gateway_that_is_away(database_url, tmp_path):
    port = await free_port()
    async with selling(database_url, f"http://127.0.0.1:{port}") as world:
        buyer = await world.guest()
        body = {"event": world.event, "hold": await world.hold(buyer)}
        away = await buyer.post("/v1/orders", body, Idempotency_Key="k")
        assert (away.status, away.body["code"]) == (503, "provider_unavailable")
        assert away.body["transient"]
        assert int(away.headers["Retry-After"]) > 0
        (order,) = (await buyer.good("GET", "/v1/orders"))["items"]
        assert (order["status"], order["payment"]) == ("payment_pending", None)
        async with gateway(tmp_path, port):
            there = await buyer.post("/v1/orders", body, Idempotency_Key="k")
            assert (there.status, there.body["id"]) == (201, order["id"])
            assert await world.choose(there.body, "pay") < 400
            await world.becomes(buyer, order["id"], "confirmed")


async def test_bad_input_is_told_in_full(world):
    buyer = await world.guest()
    body = {
        "event": world.event,
        "hold": "nobody's",
        "buyer": {"email": "no address", "locale": "de\n"},
        "total": {"amount": -1, "currency": "EUR"},
        "codes": [],
    }
    answer = await buyer.post("/v1/orders", body)
    assert (answer.status, answer.body["code"]) == (422, "bad_field")
    assert {one["field"] for one in answer.body["errors"]} == {
        "buyer.email",
        "buyer.locale",
        "total.amount",
        "codes",
    }
    missing = await buyer.post("/v1/orders", {"event": "evt_none", "hold": "h"})
    assert (missing.status, missing.body["code"]) == (404, "event_not_found")
    stranger = await buyer.post("/v1/orders", {"event": world.event, "hold": "h"})
    assert (stranger.status, stranger.body["code"]) == (404, "hold_not_found")
    big = b'{"a": "' + b"x" * (256 << 10) + b'"}'
    async with aiohttp.ClientSession() as session:
        url = f"{buyer.url}/v1/payments/gateway/webhook"
        async with session.post(
            url, data=big, headers={"Content-Type": "application/json"}
        ) as response:
            assert response.status == 413
    forged = await buyer.post("/v1/payments/gateway/webhook", {"type": "x"})
    assert (forged.status, forged.body["code"]) == (400, "webhook_forged")
    unknown = await buyer.post("/v1/payments/stripe/webhook", {})
    assert unknown.status == 404
    # The log of who did what is written in this order; the last one is in there.
    await buyer.post("/v1/orders/ord_none/cancel")
    async with asyncio.timeout(20):
        routes: list[str] = []
        while "/v1/orders/{order}/cancel" not in routes:
            page = await world.seller.good("GET", "/v1/activity?limit=200")
            routes = [one["route"] for one in page["items"]]
    assert not any("webhook" in route for route in routes)


async def test_without_a_provider_nothing_is_sold_that_is_paid_first(admin):
    event = (await admin.good("POST", "/v1/events", EVENT))["id"]
    refused = await admin.post(f"/v1/events/{event}/publish")
    assert (refused.status, refused.body["code"]) == (409, "wrong_state")
    assert "ONSALE_PAYMENTS" in refused.body["detail"]
    path = f"/v1/events/{event}"
    await admin.good("PATCH", path, {"payment": "none"})
    await admin.good("POST", f"{path}/publish")
    changed = await admin.send("PATCH", path, {"payment": "required"})
    assert changed.status == 422
    assert changed.body["errors"][0]["field"] == "payment"
