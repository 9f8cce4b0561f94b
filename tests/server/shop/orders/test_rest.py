"""Orders over REST and the socket: one server, the gateway, its webhooks over HTTP."""

import asyncio
from typing import Any

import aiohttp
import pytest

from server.shop.payments.gateway.wire import Behaviour
from tests.server.shop.orders.world import BUYER

pytestmark = [pytest.mark.postgres, pytest.mark.asyncio(loop_scope="module")]


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


async def test_a_quote_is_what_the_order_costs_then(world):
    buyer, other = await world.guest(), await world.guest()
    asked = {"event": world.event, "hold": await world.hold(buyer)}
    quote = await buyer.good("POST", "/v1/orders/quote", asked)
    assert quote["total"] == {"amount": 4_100, "currency": "EUR"}
    assert (quote["fees"]["amount"], quote["tax"]["amount"]) == (100, 2 * 327)
    assert 0 < quote["expires_in_ms"] <= 600_000
    stolen = await other.post("/v1/orders/quote", asked)
    assert (stolen.status, stolen.body["code"]) == (404, "hold_not_found")
    strange = await buyer.post("/v1/orders/quote", {**asked, "types": {"GA": {"x": 1}}})
    assert (strange.status, strange.body["errors"][0]["field"]) == (422, "types")
    made = await buyer.good("POST", "/v1/orders", {**asked, "total": quote["total"]})
    kept = [{**one, "state": "live"} for one in quote["lines"]]
    assert (made["total"], made["lines"]) == (quote["total"], kept)
    late = await buyer.post("/v1/orders/quote", asked)
    assert (late.status, late.body["code"]) == (409, "hold_pledged")


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


@pytest.mark.parametrize("own", [True, False])
async def test_paying_leads_back_to_the_page_that_it_came_from(world, own):
    buyer = await world.guest()
    site = buyer.url.replace("127.0.0.1", "localhost")
    asked = {"event": world.event, "hold": await world.hold(buyer)}
    origin = site if own else "https://elsewhere.example"
    headers = {"Host": site.removeprefix("http://"), "Origin": origin}
    made = (await buyer.post("/v1/orders", asked, **headers)).body
    async with buyer.session.get(made["payment"]["url"]) as page:
        shop = site if own else buyer.url
        assert f'href="{shop}/orders/{made["id"]}"' in await page.text()


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


async def attempts_of(world, order):
    seen = await world.seller.good("GET", f"/v1/orders/{order['id']}")
    return [(one["status"], one["use"]) for one in seen["attempts"]]


async def test_two_tabs_at_once_leave_one_page_that_can_be_paid(world):
    """Each ends the attempt that it finds open, the other's too; none pays twice."""
    buyer = await world.guest()
    for _ in range(5):
        order = await world.order(buyer, 1)
        path = f"/v1/orders/{order['id']}/payments"
        tabs = await asyncio.gather(buyer.post(path), buyer.post(path))
        assert [one.status for one in tabs] == [200, 200]
        now = await buyer.good("GET", f"/v1/orders/{order['id']}")
        states = [status for status, _ in await attempts_of(world, order)]
        assert states.count("open") == 1, states
        assert set(states) == {"expired", "open"}
        # Whose attempt the other one ended at once may be told of none.
        told = [order, *(one.body for one in tabs)]
        pages = {one["payment"]["url"] for one in told if one["payment"] is not None}
        for page in pages - {now["payment"]["url"]}:
            assert await world.choose({"payment": {"url": page}}, "pay") == 409
        assert await world.choose(now, "pay") < 400
        await world.becomes(buyer, order["id"], "confirmed")
        uses = [use for _, use in await attempts_of(world, order)]
        assert sorted(map(str, uses)) == ["None"] * (len(uses) - 1) + ["accepted"]


async def test_two_tabs_find_what_was_paid_meanwhile_and_begin_nothing(world):
    """Its webhook is lost: that it is paid turns out when it is to be ended."""
    buyer = await world.guest()
    order = await world.order(buyer, 1)
    world.treat(order, Behaviour(lost=True))
    assert await world.choose(order, "pay") < 400
    path = f"/v1/orders/{order['id']}/payments"
    tabs = await asyncio.gather(buyer.post(path), buyer.post(path))
    assert await attempts_of(world, order) == [("captured", "accepted")]
    done = await world.becomes(buyer, order["id"], "confirmed")
    assert (done["refund"], done["payment"]) == ("none", None)
    # Who comes in second may hear that it is paid, in one way or the other.
    assert {one.status for one in tabs} <= {200, 409}
    assert 200 in {one.status for one in tabs}


async def test_who_pays_while_two_tabs_begin_anew_pays_once(world):
    buyer = await world.guest()
    for _ in range(8):
        order = await world.order(buyer, 1)
        path = f"/v1/orders/{order['id']}/payments"
        paid, *_ = await asyncio.gather(
            world.choose(order, "pay"), buyer.post(path), buyer.post(path)
        )
        if paid >= 400:
            now = await buyer.good("GET", f"/v1/orders/{order['id']}")
            assert await world.choose(now, "pay") < 400
        done = await world.becomes(buyer, order["id"], "confirmed")
        assert (done["refund"], done["due"]) == ("none", None)
        found = await attempts_of(world, order)
        assert [use for _, use in found if use is not None] == ["accepted"]
        assert [status for status, _ in found].count("captured") == 1


async def test_late_money_goes_back_where_the_event_said_so(world, pool):
    path = f"/v1/events/{world.event}"
    assert (await world.seller.good("GET", path))["late"] == "same"
    changed = await world.seller.good("PATCH", path, {"late": "refund"})
    assert changed["late"] == "refund"
    buyer = await world.guest()
    order = await world.order(buyer, 1)
    # What is said later is not for this one.
    await world.seller.good("PATCH", path, {"late": "same"})
    world.treat(order, Behaviour(late_ms=0))
    assert await world.choose(order, "late") < 400
    await pool.fetch(
        "UPDATE orders SET pay_until = now() - interval '1 s', driven_until = now()"
        " WHERE order_id = $1",
        order["id"],
    )
    done = await world.becomes(buyer, order["id"], "refunded")
    assert (done["refund"], done["booking"]) == ("full", None)
    assert (await buyer.good("GET", path))["counts"]["free"] == 20
    wrong = await world.seller.send("PATCH", path, {"late": "never"})
    assert (wrong.status, wrong.body["errors"][0]["field"]) == (422, "late")


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


async def test_an_order_waits_for_a_gateway_that_is_away(world):
    buyer = await world.guest()
    body = {"event": world.event, "hold": await world.hold(buyer)}
    async with world.stand.gateway_away():
        away = await buyer.post("/v1/orders", body, Idempotency_Key="k")
        assert (away.status, away.body["code"]) == (503, "provider_unavailable")
        assert away.body["transient"]
        assert int(away.headers["Retry-After"]) > 0
        (order,) = (await buyer.good("GET", "/v1/orders"))["items"]
        assert (order["status"], order["payment"]) == ("payment_pending", None)
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
        "codes": [""],
        "coupons": [],
    }
    answer = await buyer.post("/v1/orders", body)
    assert (answer.status, answer.body["code"]) == (422, "bad_field")
    assert {one["field"] for one in answer.body["errors"]} == {
        "buyer.email",
        "buyer.locale",
        "total.amount",
        "codes.0",
        "coupons",
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
