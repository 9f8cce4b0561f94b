"""What people reported of other shops, each with the value that is right.

Those that have a test elsewhere: a one-use code in two checkouts discounts once, the
tenth of ten codes works (`promotions/test_rest.py`); a bulk refund makes all, and each
once (`orders/giving/test_event_refunds.py`).
"""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from server.shop.payments.gateway.wire import Behaviour
from tests.server.shop.orders.giving.test_rest import bought
from tests.server.shop.promotions.test_rest import counts, promotion

pytestmark = [pytest.mark.postgres, pytest.mark.asyncio(loop_scope="module")]

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("pay_s", "hold_s", "sale_s", "ends"),
    [
        (300, 600, None, "pay"),
        (300, 600, 3_600, "pay"),
        # It would end with the sale, and nobody loses a hold by ordering it.
        (900, 600, 300, "hold"),
        (900, 60, 300, "sale"),
        (300, 600, 200, "pay"),
    ],
)
async def test_the_payment_deadline_is_the_pay_time_but_not_beyond_the_sale(
    stand, pay_s, hold_s, sale_s, ends
):
    """min(now + pay time, the later of the hold's end and the end of the sale)."""
    settings = {"pay_s": pay_s, "hold_ttl_s": hold_s}
    sale_ends = datetime.now(UTC) + timedelta(seconds=sale_s or 0)
    if sale_s is not None:
        settings["off_sale_at"] = sale_ends.isoformat()
    world = await stand.world(**settings)
    buyer = await world.guest()
    command = {"op": "hold", "areas": {"GA": 1}}
    hold = await buyer.good("POST", f"/v1/events/{world.event}/commands", command)
    body = {"event": world.event, "hold": hold["hold"]}
    before = datetime.now(UTC)
    order = await buyer.good("POST", "/v1/orders", body)
    took = datetime.now(UTC) - before
    due = {
        "pay": before + timedelta(seconds=pay_s),
        "hold": datetime.fromisoformat(hold["expires_at"]),
        "sale": sale_ends,
    }[ends]
    told = datetime.fromisoformat(order["pay_until"])
    # Whole seconds are given, of what is left at some moment of the request.
    assert due - SECOND <= told <= due + took + SECOND


async def test_limit_n_and_twice_as_many_checkouts_at_once_make_n_cheaper(world):
    path = await promotion(world, "FEW", limit=3)
    buyers = [await world.guest() for _ in range(6)]
    bodies = [
        {"event": world.event, "hold": await world.hold(one, 1), "codes": ["FEW"]}
        for one in buyers
    ]
    answers = await asyncio.gather(
        *(
            one.post("/v1/orders", body)
            for one, body in zip(buyers, bodies, strict=True)
        )
    )
    assert sorted(one.status for one in answers) == [201] * 3 + [409] * 3
    made = [one.body for one in answers if one.status == 201]
    assert [one["lines"][0]["discount"] for one in made] == [200] * 3
    assert await counts(world, path) == (3, 0)


async def test_a_code_of_who_never_paid_is_usable_again(world, pool):
    """Nobody cancels an abandoned checkout: its time just passes."""
    path = await promotion(world, "LEFT", uses=1)
    first, second = await world.guest(), await world.guest()
    left = await world.order(first, 1, codes=["LEFT"])
    assert await counts(world, path) == (1, 0)
    await pool.fetch(
        "UPDATE orders SET pay_until = now() - interval '1 s', driven_until = now()"
        " WHERE order_id = $1",
        left["id"],
    )
    await world.becomes(first, left["id"], "cancelled")
    assert await counts(world, path) == (0, 0)
    again = await world.order(second, 1, codes=["LEFT"])
    assert again["lines"][0]["discount"] == 200


@pytest.mark.parametrize("included", [True, False])
async def test_a_full_refund_is_what_was_paid_to_the_cent(stand, included):
    """However it was priced, and in however many pieces it went back."""
    world = await stand.world(
        prices={"GA": {"amount": 1_999, "currency": "EUR"}},
        fees={"per_order": 101, "percent_ppm": 33_333},
        tax={"ppm": 190_000, "name": "VAT", "included": included},
    )
    money = {"amount": 1_000, "currency": "EUR"}
    await promotion(world, "TENOFF", amount=money)
    buyer = await world.guest()
    paid = await world.order(buyer, 3, codes=["TENOFF"])
    assert sum(one["discount"] for one in paid["lines"]) == 1_000
    assert await world.choose(paid, "pay") < 400
    await world.becomes(buyer, paid["id"], "confirmed")
    path = f"/v1/orders/{paid['id']}"
    goodwill = {"amount": {"amount": 1, "currency": "EUR"}}
    await world.seller.good("POST", f"{path}/refunds", goodwill)
    await world.seller.good("POST", f"{path}/refunds", {"lines": [2]})
    await buyer.good("POST", f"{path}/cancel")
    done = await world.becomes(buyer, paid["id"], "refunded")
    assert (done["refund"], done["due"]) == ("full", None)
    seen = await world.seller.good("GET", path)
    back = sum(one["amount"]["amount"] for one in seen["refunds"])
    assert back == paid["total"]["amount"]
    (sums,) = await settled(world)
    assert (sums["captured"], sums["returned"]) == (back, back)


async def test_what_is_refunded_twice_counts_once(world):
    """Two people press the button, and the provider tells of it three times."""
    buyer = await world.guest()
    order = await bought(world, buyer)
    world.treat(order, Behaviour(webhook_copies=3))
    path, lines = f"/v1/orders/{order['id']}", {"lines": [1, 2]}
    asked = [world.seller.post(f"{path}/refunds", lines) for _ in range(3)]
    asked += [buyer.post(f"{path}/cancel", lines) for _ in range(3)]
    answers = await asyncio.gather(*asked)
    assert {one.status for one in answers} <= {200, 201, 202}
    cost = sum(one["gross"] for one in order["lines"][:2])
    (sums,) = await settled(world, pending=cost)
    seen = await world.seller.good("GET", path)
    assert [one["amount"]["amount"] for one in seen["refunds"]] == [cost]
    assert sums["returned"] == cost
    assert seen["refund"] == "part"


async def settled(world, pending=None):
    """Wait until no refund of the event is on its way; return what it took."""
    async with asyncio.timeout(30):
        while True:
            money = await world.seller.good("GET", f"/v1/events/{world.event}/money")
            assert money["ok"], money["differences"]
            (sums,) = money["currencies"]
            if not sums["pending"] and (pending is None or sums["returned"]):
                return money["currencies"]
            await asyncio.sleep(0.05)
