"""Promotions over REST, from the code to the booking: one server, the gateway."""

import asyncio
from typing import Any

import pytest

from tests.server.shop.orders.world import BUYER

pytestmark = [pytest.mark.postgres, pytest.mark.asyncio(loop_scope="module")]

TEN_PERCENT = {"name": "Early birds", "percent_ppm": 100_000}


async def promotion(world: Any, *codes: str, uses: Any = None, **fields: Any) -> str:
    """Make a promotion of the event with these codes; return its path."""
    path = f"/v1/events/{world.event}/promotions"
    rules = TEN_PERCENT if "amount" not in fields else {"name": "Some off"}
    made = await world.seller.good("POST", path, {**rules, **fields})
    for code in codes:
        body = {"code": code, "uses": uses}
        await world.seller.good("POST", f"{path}/{made['id']}/codes", body)
    return f"{path}/{made['id']}"


async def counts(world: Any, path: str) -> tuple[int, int]:
    shown = await world.seller.good("GET", path)
    return shown["reserved"], shown["used"]


async def refused(buyer: Any, world: Any, **more: Any) -> tuple[int, str]:
    body = {"event": world.event, "hold": await world.hold(buyer, 1), **more}
    answer = await buyer.post("/v1/orders", body)
    return answer.status, answer.body["code"]


async def test_a_code_from_the_check_to_the_booking_and_back(world):
    buyer = await world.guest()
    path = await promotion(world, "Early-Bird", limit=5)
    check = {"code": "early bird"}
    told = await buyer.good("POST", f"/v1/events/{world.event}/codes/check", check)
    assert (told["kind"], told["percent_ppm"]) == ("percent", 100_000)
    asked = {
        "event": world.event,
        "hold": await world.hold(buyer),
        "codes": ["earlybird"],
    }
    quote = await buyer.good("POST", "/v1/orders/quote", asked)
    assert (quote["total"]["amount"], quote["discount"]["amount"]) == (3_700, 400)
    body = {**asked, "total": quote["total"], "buyer": BUYER}
    order = await buyer.good("POST", "/v1/orders", body)
    assert [(one["unit"], one["discount"]) for one in order["lines"]] == [
        (2_000, 200),
        (2_000, 200),
    ]
    assert [one["name"] for one in order["promotions"]] == ["Early birds"]
    assert await counts(world, path) == (1, 0)
    again = await buyer.good("POST", "/v1/orders", body)
    assert again["id"] == order["id"]
    assert await counts(world, path) == (1, 0)
    assert await world.choose(order, "pay") < 400
    done = await world.becomes(buyer, order["id"], "confirmed")
    assert (done["total"]["amount"], done["lines"]) == (3_700, order["lines"])
    assert await counts(world, path) == (0, 1)
    kept = await world.seller.send("DELETE", path)
    assert (kept.status, kept.body["code"]) == (409, "promotion_used")
    await buyer.good("POST", f"/v1/orders/{order['id']}/cancel")
    back = await world.becomes(buyer, order["id"], "refunded")
    assert back["refund"] == "full"
    seen = await world.seller.good("GET", f"/v1/orders/{order['id']}")
    assert [one["amount"]["amount"] for one in seen["refunds"]] == [3_700]
    assert await counts(world, path) == (0, 0)


async def test_a_one_use_code_in_two_checkouts_discounts_once(world):
    buyers = [await world.guest(), await world.guest()]
    path = await promotion(world, "ONCE", uses=1)
    bodies = [
        {"event": world.event, "hold": await world.hold(one, 1), "codes": ["ONCE"]}
        for one in buyers
    ]
    asked = zip(buyers, bodies, strict=True)
    answers = await asyncio.gather(
        *(one.post("/v1/orders", body) for one, body in asked)
    )
    assert sorted(one.status for one in answers) == [201, 409]
    (no,) = (one for one in answers if one.status == 409)
    assert no.body["code"] == "code_used_up"
    assert await counts(world, path) == (1, 0)
    index = 0 if answers[0].status == 201 else 1
    mine = answers[index].body["id"]
    await buyers[index].good("POST", f"/v1/orders/{mine}/cancel")
    await world.becomes(buyers[index], mine, "cancelled")
    # An abandoned code is usable again.
    made = await buyers[1 - index].good("POST", "/v1/orders", bodies[1 - index])
    assert made["lines"][0]["discount"] == 200


async def test_the_tenth_of_ten_codes_works_and_each_works_once(world):
    path = await promotion(world, limit=10)
    made = await world.seller.good("POST", f"{path}/codes", {"count": 10})
    assert len(set(made["codes"])) == 10
    for code in made["codes"]:
        buyer = await world.guest()
        order = await world.order(buyer, 1, codes=[code])
        assert order["lines"][0]["discount"] == 200, code
    buyer = await world.guest()
    used = await refused(buyer, world, codes=[made["codes"][9]])
    assert used == (409, "code_used_up")


async def test_what_takes_nothing_off_is_refused_and_the_hold_stays(world):
    buyer = await world.guest()
    minimum = {"amount": 10_000, "currency": "EUR"}
    await promotion(world, "LARGE", minimum=minimum)
    await promotion(world, "STALLS", categories=["stalls"])
    await promotion(world, "OVER", ends_at="2020-01-01T00:00:00Z")
    for code in ("LARGE", "STALLS", "OVER", "NONE-SUCH"):
        found = await refused(buyer, world, codes=[code])
        assert found == (409, "code_invalid"), code
    both = {"event": world.event, "hold": await world.hold(buyer, 1)}
    told = await buyer.post("/v1/orders", {**both, "codes": ["LARGE", "NOPE"]})
    assert [one["field"] for one in told.body["errors"]] == ["codes.1"]
    orders = await buyer.good("GET", "/v1/orders")
    assert orders["items"] == []


async def test_all_off_is_confirmed_without_a_payment(world):
    buyer = await world.guest()
    path = await promotion(world, "FREE", percent_ppm=1_000_000)
    order = await world.order(buyer, 2, codes=["free"])
    assert (order["status"], order["total"]["amount"]) == ("confirmed", 0)
    assert order["payment"] is None
    assert await counts(world, path) == (0, 1)


async def test_codes_stack_only_if_both_say_so(world):
    buyer = await world.guest()
    five = {"amount": 500, "currency": "EUR"}
    await promotion(world, "FIVE", amount=five, stacks=True)
    await promotion(world, "TEN", stacks=True)
    await promotion(world, "ALONE")
    found = await refused(buyer, world, codes=["FIVE", "ALONE"])
    assert found == (409, "code_invalid")
    order = await world.order(buyer, 3, codes=["FIVE", "TEN"])
    # Ten percent first, whichever was named first; then 5.00 over three: to the cent.
    assert [one["discount"] for one in order["lines"]] == [367, 367, 366]


async def test_what_is_wrong_with_a_promotion_is_told_at_once(world):
    path = f"/v1/events/{world.event}/promotions"
    wrong = {
        "name": "x",
        "percent_ppm": 5,
        "amount": {"amount": 0, "currency": "EUR"},
        "starts_at": "2030-01-02T00:00:00Z",
        "ends_at": "2030-01-01T00:00:00Z",
    }
    answer = await world.seller.post(path, wrong)
    assert answer.status == 422
    fields = {one["field"] for one in answer.body["errors"]}
    assert fields == {"percent_ppm", "amount.amount", "ends_at"}
    yen = {"name": "x", "amount": {"amount": 100, "currency": "JPY"}}
    other = await world.seller.post(path, yen)
    assert other.body["errors"][0]["field"] == "amount.currency"
    one = await promotion(world, "TWO", limit=2)
    buyers = [await world.guest(), await world.guest()]
    for buyer in buyers:
        await world.order(buyer, 1, codes=["TWO"])
    less = await world.seller.send("PATCH", one, {"limit": 1})
    assert (less.status, less.body["errors"][0]["field"]) == (422, "limit")
    twice = await world.seller.post(f"{one}/codes", {"code": "two", "uses": 1})
    assert (twice.status, twice.body["code"]) == (409, "code_taken")


async def test_types_have_prices_and_limits_of_their_own_and_codes_may_be_for_them(
    stand,
):
    child = {"name": "Child", "prices": {"GA": {"amount": 500, "currency": "EUR"}}}
    types = {"child": {**child, "max_per_order": 2}}
    world = await stand.world(types=types, fees={}, tax={})
    shown = await world.seller.good("GET", f"/v1/events/{world.event}")
    assert shown["types"]["child"]["max_per_order"] == 2
    await promotion(world, "CHILDREN", percent_ppm=500_000, types=["child"])
    buyer = await world.guest()
    asked = {"event": world.event, "hold": await world.hold(buyer, 4)}
    for path in ("/v1/orders/quote", "/v1/orders"):
        many = await buyer.post(path, {**asked, "types": {"GA": {"child": 3}}})
        assert (many.status, many.body["code"]) == (409, "type_limit"), path
    none = await buyer.post("/v1/orders", {**asked, "codes": ["CHILDREN"]})
    assert (none.status, none.body["code"]) == (409, "code_invalid")
    body = {**asked, "types": {"GA": {"child": 2}}, "codes": ["CHILDREN"]}
    order = await buyer.good("POST", "/v1/orders", body)
    found = [(one["type"], one["unit"], one["gross"]) for one in order["lines"]]
    child_line, full = ("child", 500, 250), (None, 2_000, 2_000)
    assert sorted(found, key=str) == [child_line, child_line, full, full]


def euros(*amounts: int) -> list[dict[str, Any]]:
    return [{"amount": one, "currency": "EUR"} for one in amounts if one]


async def bought(world: Any, *codes: str, wait: bool = True) -> tuple[Any, Any]:
    """Buy a place with codes, and return the order as it is then, with its buyer."""
    buyer = await world.guest()
    order = await world.order(buyer, 1, codes=list(codes))
    if wait:
        await world.choose(order, "pay")
        order = await world.becomes(buyer, order["id"], "confirmed")
    return order, buyer


async def test_what_each_promotion_and_code_brought(world):
    path = await promotion(world, stacks=True, limit=50)
    other = await promotion(
        world, "FIVER", stacks=True, amount={"amount": 500, "currency": "EUR"}
    )
    first, second = path.rpartition("/")[2], other.rpartition("/")[2]
    ids: dict[str, str] = {}
    for code, label in (("POSTER", "Posters"), ("RADIO", None)):
        body = {"code": code, "label": label}
        added = await world.seller.good("POST", f"{path}/codes", body)
        (ids[code],) = added["ids"]
    await bought(world, "POSTER")
    order, buyer = await bought(world, "RADIO", "FIVER")
    await bought(world, "RADIO", wait=False)
    # 20.00 less 10 %, and 1.00 for the order; the other one 5.00 less.
    alone, both = 1_900, 1_400
    assert order["total"]["amount"] == both
    await buyer.good("POST", f"/v1/orders/{order['id']}/cancel")
    await world.becomes(buyer, order["id"], "refunded")
    numbers = f"/v1/events/{world.event}/analytics/promotions"
    async with asyncio.timeout(20):
        told = await world.seller.good("GET", numbers)
        while told["items"][1]["returned"] == []:
            # The gateway settles a moment later.
            await asyncio.sleep(0.02)
            told = await world.seller.good("GET", numbers)
    assert told["event"] == world.event
    common = {"given_back": 1, "returned": euros(both)}
    assert told["items"] == [
        common
        | {
            "promotion": first,
            "name": "Early birds",
            "reserved": 1,
            "uses": 2,
            "gross": euros(alone + both),
            "discount": euros(400),
            "net": euros(alone),
        },
        common
        | {
            "promotion": second,
            "name": "Some off",
            "reserved": 0,
            "uses": 1,
            "gross": euros(both),
            "discount": euros(500),
            "net": [],
        },
    ]
    await codes_of(world, numbers, first, ids, alone, both)


async def codes_of(
    world: Any, numbers: str, name: str, ids: Any, alone: int, both: int
) -> None:
    """Look at the codes of a promotion, one by one."""
    found = await world.seller.good("GET", f"{numbers}/{name}?limit=1&count=true")
    assert (found["total"], len(found["items"])) == (2, 1)
    cursor = found["next_cursor"]
    rest = await world.seller.good("GET", f"{numbers}/{name}?cursor={cursor}")
    assert rest["next_cursor"] is None
    (poster,), (radio,) = found["items"], rest["items"]
    assert (poster["code"], poster["label"]) == (ids["POSTER"], "Posters")
    assert (radio["code"], radio["label"]) == (ids["RADIO"], None)
    assert (poster["uses"], poster["gross"], poster["net"]) == (
        1,
        euros(alone),
        euros(alone),
    )
    assert (radio["uses"], radio["reserved"], radio["given_back"]) == (1, 1, 1)
    assert (radio["gross"], radio["net"]) == (euros(both), [])
    assert radio["discount"] == euros(200)


async def test_what_promotions_brought_is_for_who_manages_the_event(world):
    buyer = await world.guest()
    path = await promotion(world)
    numbers = f"/v1/events/{world.event}/analytics/promotions"
    one = f"{numbers}/{path.rpartition('/')[2]}"
    for where in (numbers, one):
        assert (await buyer.get(where)).status == 403
        assert (await world.nobody.get(where)).status == 401
    assert (await world.seller.get(one)).body["items"] == []
    missing = await world.seller.get(f"{numbers}/prm_none")
    assert (missing.status, missing.body["code"]) == (404, "promotion_not_found")
    bad = await world.seller.get(f"{one}?cursor=x")
    assert (bad.status, bad.body["code"]) == (422, "bad_field")


async def test_a_label_is_a_part_of_what_is_asked_under_a_key(world):
    path = f"{await promotion(world)}/codes"
    body = {"count": 2, "label": "Radio"}
    made = await world.seller.post(path, body, Idempotency_Key="k")
    again = await world.seller.post(path, body, Idempotency_Key="k")
    assert (made.status, again.body) == (201, made.body)
    other = await world.seller.post(path, body | {"label": "TV"}, Idempotency_Key="k")
    assert (other.status, other.body["code"]) == (422, "key_reused")
