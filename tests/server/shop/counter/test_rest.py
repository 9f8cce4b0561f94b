"""Sales at a counter over REST: who may, each place once, money that was taken."""

import asyncio
from typing import Any

import pytest

pytestmark = [pytest.mark.postgres, pytest.mark.asyncio(loop_scope="module")]
SALE = "customer-0001"


def at(world, what):
    return f"/v1/events/{world.event}/counter/{what}"


async def held(world, sale=SALE, count=2):
    body = {"sale": sale, "areas": {"GA": count}}
    return await world.seller.good("POST", at(world, "hold"), body)


async def sold(world, sale=SALE, count=2, **paid: Any):
    hold = (await held(world, sale, count))["hold"]
    asked = {"sale": sale, "hold": hold}
    if not paid:
        quote = await world.seller.good("POST", at(world, "quote"), asked)
        paid = {"paid": "cash", "total": quote["total"]}
    return await world.seller.good("POST", at(world, "sales"), asked | paid)


async def books_of(world):
    money = await world.seller.good("GET", f"/v1/events/{world.event}/money")
    assert money["ok"], money["differences"]
    return money


async def money_of(world):
    return (await books_of(world))["currencies"][0]


async def test_what_is_paid_in_cash_is_booked_and_in_the_books(world):
    order = await sold(world)
    assert (order["status"], order["step"]) == ("confirmed", "booked")
    assert order["total"] == {"amount": 4_100, "currency": "EUR"}
    (attempt,) = order["attempts"]
    assert (attempt["provider"], attempt["use"]) == ("cash", "accepted")
    sums = await money_of(world)
    assert (sums["captured"], sums["sold"], sums["at_door"]) == (4_100, 4_100, 0)
    async with asyncio.timeout(20):
        while len(order["tickets"]) < 2:
            order = await world.seller.good("GET", f"/v1/orders/{order['id']}")
            await asyncio.sleep(0.02)
    path = f"/v1/orders/{order['id']}/tickets.pdf"
    printed = await world.seller.get(path)
    assert printed.body.startswith(b"%PDF")
    stranger = await (await world.guest()).get(path)
    assert (stranger.status, stranger.body["code"]) == (404, "ticket_not_found")


async def test_what_goes_back_waits_for_who_hands_it_over(world):
    order = await sold(world)
    path = f"/v1/orders/{order['id']}/refunds"
    made = await world.seller.post(path, {"lines": [1]})
    assert made.status == 202
    refund = made.body["refund"]
    assert refund["status"] == "sent"
    assert (await money_of(world))["pending"] == refund["amount"]["amount"]
    by_hand = f"{path}/{refund['refund']}/by-hand"
    for _ in range(2):
        noted = await world.seller.good("POST", by_hand, {"note": "From the till"})
        assert [one["status"] for one in noted["items"]] == ["settled"]
        assert noted["due"] is None
    sums = await money_of(world)
    assert (sums["pending"], sums["returned"]) == (0, refund["amount"]["amount"])


async def test_what_is_free_costs_nothing_and_says_why(world):
    order = await sold(world, paid="free", reason="Press")
    assert (order["status"], order["total"]["amount"]) == ("confirmed", 0)
    assert (order["attempts"], order["promotions"][0]["name"]) == ([], "Press")
    assert {one["discount"] for one in order["lines"]} == {2_000}
    assert (await money_of(world))["sold"] == 0


async def test_the_money_says_who_took_it_and_for_what(world):
    cash = await sold(world, "customer-0001", 3)
    card = {"paid": "card", "total": {"amount": 2_100, "currency": "EUR"}}
    await sold(world, "customer-0002", 1, **card)
    await sold(world, "customer-0003", 2, paid="free")
    back = await world.seller.post(f"/v1/orders/{cash['id']}/refunds", {"lines": [1]})
    gone = back.body["total"]["amount"]
    order = await world.order(await world.guest(), 1)
    assert await world.choose(order, "pay") < 400
    await world.becomes(world.seller, order["id"], "confirmed")
    books = await books_of(world)
    assert [
        (one["provider"], one["payments"], one["captured"], one["pending"])
        for one in books["ways"]
    ] == [
        ("card", 1, 2_100, 0),
        ("cash", 1, 6_100, gone),
        ("gateway", 1, 2_100, 0),
    ]
    (sums,) = books["currencies"]
    assert sum(one["captured"] for one in books["ways"]) == sums["captured"]
    assert books["kinds"] == [
        {
            "category": "GA",
            "type": None,
            "currency": "EUR",
            "places": 6,
            "gross": sums["sold"],
            "discount": 4_000,
        }
    ]


async def test_two_who_want_the_last_places_get_them_once(world):
    await held(world, "customer-0001", 10)
    guest = await world.guest()
    path = f"/v1/events/{world.event}/commands"
    command = {"op": "hold", "areas": {"GA": 10}}
    body = {"sale": "customer-0002", "areas": {"GA": 10}}
    answers = await asyncio.gather(
        guest.post(path, command), world.seller.post(at(world, "hold"), body)
    )
    assert sorted(one.status for one in answers) == [200, 409]
    (refused,) = [one for one in answers if one.status == 409]
    assert refused.body["code"] == "not_enough_seats"


async def test_who_sells_has_no_limit_but_each_customer_has(world):
    one, other = await held(world, count=10), await held(world, "customer-0002", 10)
    assert one["hold"] != other["hold"]
    body = {"sale": SALE, "areas": {"GA": 1}}
    refused = await world.seller.post(at(world, "hold"), body)
    assert refused.body["code"] == "user_limit"


async def test_the_counter_sells_while_the_sale_is_paused(world):
    await world.seller.good("POST", f"/v1/events/{world.event}/pause")
    assert (await sold(world))["status"] == "confirmed"


async def test_the_same_hold_is_the_same_order_at_what_was_told(world):
    hold = (await held(world))["hold"]
    asked = {"sale": SALE, "hold": hold, "paid": "card"}
    asked["total"] = {"amount": 4_000, "currency": "EUR"}
    changed = await world.seller.post(at(world, "sales"), asked)
    assert (changed.status, changed.body["code"]) == (409, "price_changed")
    assert changed.body["total"]["amount"] == 4_100
    right = asked | {"total": changed.body["total"]}
    first = await world.seller.post(at(world, "sales"), right, Idempotency_Key="k")
    again = await world.seller.post(at(world, "sales"), right, Idempotency_Key="k")
    assert (first.status, first.body["id"]) == (201, again.body["id"])
    assert (await money_of(world))["captured"] == 4_100


async def test_a_customer_may_think_for_longer(world):
    asked = {"sale": SALE, "hold": (await held(world))["hold"]}
    longer = await world.seller.good("POST", at(world, "extend"), asked)
    assert longer["expires_in_ms"] > 500_000


async def test_what_a_customer_does_not_want_is_free_again(world):
    hold = (await held(world, count=3))["hold"]
    body = {"sale": SALE, "hold": hold, "areas": {"GA": 1}}
    await world.seller.good("POST", at(world, "release"), body)
    event = await world.seller.good("GET", f"/v1/events/{world.event}")
    assert event["counts"]["held"] == 2
    elsewhere = await world.seller.post(
        at(world, "release"), body | {"sale": "customer-0002"}
    )
    assert (elsewhere.status, elsewhere.body["code"]) == (404, "hold_not_found")


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("hold", {"sale": SALE}, "seats"),
        ("hold", {"sale": SALE, "seats": ["A-1"], "quantity": 1}, "seats"),
        ("hold", {"sale": "short", "quantity": 1}, "sale"),
        ("sales", {"sale": SALE, "hold": "h", "paid": "cash"}, "total"),
        (
            "sales",
            {"sale": SALE, "hold": "h", "paid": "free", "buyer": {"email": "x"}},
            "buyer.email",
        ),
    ],
)
async def test_what_does_not_go_together_is_told(world, what, body, field):
    answer = await world.seller.post(at(world, what), body)
    assert answer.body["code"] == "bad_field"
    assert field in {one["field"] for one in answer.body["errors"]}


@pytest.mark.parametrize("what", ["hold", "extend", "release", "quote", "sales"])
async def test_buyers_do_not_sell(world, what):
    guest = await world.guest()
    answer = await guest.post(at(world, what), {})
    assert (answer.status, answer.body["code"]) == (403, "forbidden")


@pytest.mark.parametrize(("paid", "at_door"), [("cash", False), (None, True)])
async def test_who_paid_at_the_counter_pays_nothing_at_the_door(
    stand, pool, paid, at_door
):
    world = await stand.world(payment="none")
    buyer = {"email": "olga@example.org"}
    if paid is None:
        order = await world.order(await world.guest(), 1, buyer=buyer)
    else:
        total = {"amount": 2_100, "currency": "EUR"}
        order = await sold(world, count=1, paid=paid, total=total, buyer=buyer)
    assert (order["due"] is not None) == at_door
    found: list[Any] = []
    async with asyncio.timeout(20):
        while not found:
            found = await pool.fetch(
                "SELECT (data ->> 'at_door')::boolean AS at_door FROM mail"
                " WHERE data ->> 'order' = $1",
                order["id"],
            )
            await asyncio.sleep(0.02)
    assert [one["at_door"] for one in found] == [at_door]


async def test_why_places_are_off_sale_is_for_who_manages_the_event(world):
    path = f"/v1/events/{world.event}/blocked"
    block = {"op": "block", "areas": {"GA": 1}, "reason": "Press"}
    commands = f"/v1/events/{world.event}/commands"
    blocked = await world.seller.good("POST", commands, block)
    # Those of seats are listed; this event has none.
    told = await world.seller.good("GET", path)
    assert told == {"event": world.event, "version": blocked["version"], "items": []}
    journal = await world.seller.good("GET", f"/v1/events/{world.event}/journal")
    assert [one["reason"] for one in journal["items"] if "reason" in one] == ["Press"]
    stranger = await (await world.guest()).get(path)
    assert (stranger.status, stranger.body["code"]) == (403, "forbidden")
    long = await world.seller.post(commands, block | {"reason": "x" * 201})
    assert (long.status, long.body["code"]) == (422, "bad_field")
    await world.seller.good("POST", commands, {"op": "unblock", "areas": {"GA": 1}})
