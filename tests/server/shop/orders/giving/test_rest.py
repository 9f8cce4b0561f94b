"""What goes back of orders over REST: who may, what it tells, and once for a key."""

import asyncio
from typing import Any

import pytest

from server.shop.payments.gateway.wire import Behaviour

pytestmark = [pytest.mark.postgres, pytest.mark.asyncio(loop_scope="module")]


async def bought(world, buyer, count=3):
    """Return an order that is paid, and has its tickets."""
    order = paid = await world.order(buyer, count)
    assert await world.choose(paid, "pay") < 400
    async with asyncio.timeout(20):
        while len(order["tickets"]) < count:
            order = await buyer.good("GET", f"/v1/orders/{order['id']}")
            await asyncio.sleep(0.02)
    return order | {"payment": paid["payment"]}


async def test_a_buyer_cancels_one_of_three_places(world):
    buyer = await world.guest()
    order = await bought(world, buyer)
    path = f"/v1/orders/{order['id']}"
    done = await buyer.post(f"{path}/cancel", {"lines": [2]})
    assert done.status in (200, 202)
    assert (done.body["status"], done.body["refund"]) == ("confirmed", "part")
    again = await buyer.post(f"{path}/cancel", {"lines": [2]})
    assert again.status == 200
    event = await buyer.good("GET", f"/v1/events/{world.event}")
    assert event["counts"]["free"] == 18
    (refund,) = (await buyer.good("GET", f"{path}/refunds"))["items"]
    assert (refund["amount"], refund["lines"]) == (
        {"amount": order["lines"][1]["gross"], "currency": "EUR"},
        [2],
    )
    wrong = await buyer.post(f"{path}/cancel", {"lines": [9]})
    assert (wrong.status, wrong.body["code"]) == (404, "line_not_found")
    bad = await buyer.post(f"{path}/cancel", {"lines": []})
    assert (bad.status, bad.body["code"]) == (422, "bad_field")
    rest = await buyer.good("POST", f"{path}/cancel")
    assert (rest["status"], rest["refund"]) == ("refunded", "full")
    money = await world.seller.good("GET", f"/v1/events/{world.event}/money")
    assert money["ok"], money["differences"]
    (sums,) = money["currencies"]
    assert sums["captured"] == sums["returned"] == order["total"]["amount"]


async def test_a_buyer_is_told_what_comes_back_before_they_give_it(world):
    buyer = await world.guest()
    order = await bought(world, buyer)
    path = f"/v1/orders/{order['id']}"
    told = await buyer.good("POST", f"{path}/refunds/preview", {"lines": [1, 3]})
    assert [one["label"] for one in told["lines"]] == [
        order["lines"][0]["label"],
        order["lines"][2]["label"],
    ]
    unchanged = await buyer.good("GET", path)
    assert {one["state"] for one in unchanged["lines"]} == {"live"}
    done = await buyer.post(f"{path}/cancel", {"lines": [1, 3]})
    assert done.status in (200, 202)
    (refund,) = (await buyer.good("GET", f"{path}/refunds"))["items"]
    assert refund["amount"] == told["total"]
    # What is too late to give back is too late to be asked about.
    event = f"/v1/events/{world.event}"
    await world.seller.good("PATCH", event, {"cancel_until_s": 1_000_000_000})
    answer = await buyer.post(f"{path}/refunds/preview", {"lines": [2]})
    assert (answer.status, answer.body["code"]) == (409, "cancel_too_late")
    answer = await buyer.post(f"{path}/cancel", {"lines": [2]})
    assert (answer.status, answer.body["code"]) == (409, "cancel_too_late")
    mine = await world.seller.post(f"{path}/refunds/preview", {"lines": [2]})
    assert mine.status == 200
    await world.seller.good("PATCH", event, {"cancel_until_s": 86_400})


async def test_what_was_not_paid_yet_is_cancelled_as_a_whole(world):
    buyer = await world.guest()
    order = await world.order(buyer, 2)
    answer = await buyer.post(f"/v1/orders/{order['id']}/cancel", {"lines": [1]})
    assert (answer.status, answer.body["code"]) == (409, "order_closed")


async def test_a_refund_is_what_its_preview_said_and_comes_once_for_a_key(world):
    buyer = await world.guest()
    order = await bought(world, buyer)
    path, seller = f"/v1/orders/{order['id']}/refunds", world.seller
    asked = {"amount": {"amount": 1_000, "currency": "EUR"}, "reason": "It rained."}
    told = await seller.good("POST", f"{path}/preview", asked)
    assert told["total"] == asked["amount"]
    assert [one["amount"] for one in told["lines"]] == [334, 333, 333]
    first = await seller.post(path, asked, Idempotency_Key="k")
    again = await seller.post(path, asked, Idempotency_Key="k")
    assert first.status in (200, 202)
    assert again.body["refund"]["refund"] == first.body["refund"]["refund"]
    other = {**asked, "amount": {"amount": 1_001, "currency": "EUR"}}
    reused = await seller.post(path, other, Idempotency_Key="k")
    assert (reused.status, reused.body["code"]) == (422, "key_reused")
    lines = {"lines": [1], "seats": "keep"}
    told = await seller.good("POST", f"{path}/preview", lines)
    made = await seller.post(path, lines)
    assert {name: made.body[name] for name in told} == told
    assert told["total"]["amount"] == order["lines"][0]["gross"] - 334
    listed = await seller.good("GET", path)
    assert [one["reason"] for one in listed["items"]] == ["goodwill", "given_back"]
    assert listed["items"][0]["note"] == "It rained."
    # The log has who gave what back, of which event; previews are no acts.
    asked_for = f"/v1/activity?event={world.event}&route=/v1/orders/{{order}}/refunds"
    noted: list[dict[str, Any]] = []
    async with asyncio.timeout(30):
        while len(noted) < 4:
            noted = (await seller.good("GET", asked_for))["items"]
            await asyncio.sleep(0.02)
    assert [(one["status"] < 300, one["details"]) for one in reversed(noted)] == [
        (True, {"amount": 1_000, "currency": "EUR"}),
        (True, {"amount": 1_000, "currency": "EUR"}),
        (False, {"amount": 1_001, "currency": "EUR"}),
        (True, {"lines": [1], "seats": "keep"}),
    ]
    assert noted[-1]["objects"] == {
        "event": world.event,
        "order": order["id"],
        "order_refund": first.body["refund"]["refund"],
    }
    seen = await buyer.good("GET", path)
    assert {one["note"] for one in seen["items"]} == {None}
    left = listed["refundable"]["amount"]
    assert left == order["total"]["amount"] - 1_000 - told["total"]["amount"]
    much = {"amount": {"amount": left + 1, "currency": "EUR"}}
    refused = await seller.post(path, much)
    assert (refused.status, refused.body["code"]) == (409, "refund_too_much")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "lines"),
        ({"lines": [1], "amount": {"amount": 1, "currency": "EUR"}}, "lines"),
        ({"amount": {"amount": 0, "currency": "EUR"}}, "amount.amount"),
        ({"amount": {"amount": 5, "currency": "USD"}}, "amount.currency"),
        ({"amount": {"amount": 5, "currency": "EUR"}, "seats": "keep"}, "seats"),
    ],
)
async def test_what_does_not_go_together_is_told(world, body, field):
    buyer = await world.guest()
    order = await world.order(buyer, 1)
    answer = await world.seller.post(f"/v1/orders/{order['id']}/refunds", body)
    assert (answer.status, answer.body["code"]) == (422, "bad_field")
    assert [one["field"] for one in answer.body["errors"]] == [field]


async def test_who_does_not_manage_the_event_gives_nothing_back(world):
    buyer, other = await world.guest(), await world.guest()
    order = await world.order(buyer, 1)
    path = f"/v1/orders/{order['id']}/refunds"
    body = {"amount": {"amount": 1, "currency": "EUR"}}
    told = await other.post(f"{path}/preview", {"lines": [1]})
    assert (told.status, told.body["code"]) == (404, "order_not_found")
    # Buyers give back lines, and are told of those; amounts are for who manages.
    for what in (path, f"{path}/preview", f"{path}/rfd_1/retry"):
        mine, theirs = await buyer.post(what, body), await other.post(what, body)
        assert (mine.status, mine.body["code"]) == (403, "forbidden"), what
        assert (theirs.status, theirs.body["code"]) == (404, "order_not_found"), what


async def test_what_failed_is_tried_again_or_noted(world):
    buyer = await world.guest()
    order = await bought(world, buyer, 2)
    path, seller = f"/v1/orders/{order['id']}/refunds", world.seller
    world.treat(order, Behaviour(refunds="fail"))
    failed = (await seller.good("POST", path, {"lines": [1]}))["refund"]
    assert failed["status"] == "failed"
    again = await seller.good("POST", f"{path}/{failed['refund']}/retry")
    assert [one["status"] for one in again["items"]] == ["failed", "failed"]
    assert again["items"][1]["instead_of"] == failed["refund"]
    assert again["due"]["amount"] == failed["amount"]["amount"]
    name = again["items"][1]["refund"]
    noted = await seller.good("POST", f"{path}/{name}/by-hand", {"note": "In cash."})
    assert (noted["items"][1]["status"], noted["due"]) == ("by_hand", None)
    closed = await seller.post(f"{path}/{name}/retry")
    assert (closed.status, closed.body["code"]) == (409, "refund_closed")
    none = await seller.post(f"{path}/rfd_none/retry")
    assert (none.status, none.body["code"]) == (404, "refund_not_found")


async def test_an_event_that_is_cancelled_pays_everybody_back_to_the_cent(world):
    buyers = [await world.guest() for _ in range(2)]
    orders = [await bought(world, one, 2) for one in buyers]
    path = f"/v1/events/{world.event}"
    assert (await world.seller.good("GET", f"{path}/refunds"))["status"] == "none"
    await world.seller.good("POST", f"{path}/cancel")
    for buyer, order in zip(buyers, orders, strict=True):
        done = await world.becomes(buyer, order["id"], "refunded")
        assert (done["refund"], done["due"]) == ("full", None)
    async with asyncio.timeout(20):
        while True:
            told = await world.seller.good("GET", f"{path}/refunds")
            if told["status"] == "done":
                break
            await asyncio.sleep(0.05)
    assert (told["orders"], told["done"], told["failures"]) == (2, 2, [])
    money = await world.seller.good("GET", f"{path}/money")
    assert money["ok"], money["differences"]
    (sums,) = money["currencies"]
    total = sum(one["total"]["amount"] for one in orders)
    assert (sums["captured"], sums["returned"], sums["sold"]) == (total, total, 0)
    refused = await buyers[0].get(f"{path}/refunds")
    assert refused.status == 403


async def test_what_costs_nothing_is_given_back_in_parts_too(stand):
    world = await stand.world(prices={}, payment="none", fees={}, tax={})
    buyer = await world.guest()
    order = await world.order(buyer, 2)
    assert order["status"] == "confirmed"
    path = f"/v1/orders/{order['id']}"
    done = await buyer.good("POST", f"{path}/cancel", {"lines": [2]})
    assert [one["state"] for one in done["lines"]] == ["live", "gone"]
    assert (done["status"], done["refund"]) == ("confirmed", "none")
    last = await world.seller.good("POST", f"{path}/refunds", {"lines": [1]})
    assert (last["status"], last["refund"], last["total"]) == ("cancelled", None, None)
    event = await buyer.good("GET", f"/v1/events/{world.event}")
    assert event["counts"]["free"] == 20
