"""Over REST: what an event took: its orders, its audit and its money tell it alike."""

from typing import Any

from tests.contract.client import Api, Json, after, check_problem

NOTHING = dict.fromkeys(
    (
        "captured",
        "returned",
        "pending",
        "due",
        "outside",
        "sold",
        "fees",
        "seller_fees",
        "tax",
    ),
    0,
)


async def order(api: Api, event: str, **places: Any) -> Json:
    buyer = await api.guest()
    held = await api.ok(event, buyer, "hold", **places)
    body = {"event": event, "hold": held["hold"]}
    made: Json = await api.good("POST", "/v1/orders", body, who=buyer)
    assert made["status"] == "confirmed"
    return made


async def test_what_is_paid_at_the_door_is_told_and_ties_to_the_audit(api):
    fees = {"per_order": 100, "per_ticket": 150}
    event = await api.sale(fees=fees, tax={"ppm": 190_000})
    made = await order(api, event, seats=["A-1"], areas={"GA1": 2})
    other = await order(api, event, seats=["A-2"])
    for one in (made, other):
        for line in one["lines"]:
            assert line["gross"] == line["unit"] - line["discount"] + line["fee"]
        assert one["total"]["amount"] == sum(line["gross"] for line in one["lines"])
    answer = await api.get(f"/v1/events/{event}/money", api.admin)
    (takings,) = answer.body["currencies"]
    audit = await api.audit(event)
    assert audit["ordered"] == audit["revenue"]
    (ordered,) = audit["ordered"]
    totals = [one["total"]["amount"] for one in (made, other)]
    expected = {"at_door": sum(totals), "booked": ordered["amount"]}
    assert takings == {"currency": ordered["currency"], **NOTHING, **expected}
    assert answer.body["ok"] is True
    assert (answer.body["differing"], answer.body["differences"]) == (0, [])
    assert sum(totals) == ordered["amount"] + 4 * 150 + 2 * 100
    path, tag = f"/v1/events/{event}/money", answer.headers["etag"]
    assert (await api.get(path, api.admin, if_none_match=tag)).status == 304


async def test_prices_of_currencies_without_a_point_and_with_three_digits(api):
    for currency, amount in (("JPY", 10_000), ("KWD", 18_600)):
        prices = {"GA": {"amount": amount, "currency": currency}}
        event = await api.sale(None, capacity=5, prices=prices)
        made = await order(api, event, areas={"GA": 1})
        assert made["total"] == {"amount": amount, "currency": currency}
        money = await api.good("GET", f"/v1/events/{event}/money", who=api.admin)
        (takings,) = money["currencies"]
        assert (takings["currency"], takings["at_door"]) == (currency, amount)


async def test_what_an_order_was_made_with_stays_though_the_fees_change(api):
    event = await api.sale(fees={"per_ticket": 150})
    made = await order(api, event, seats=["A-1"])
    path = f"/v1/events/{event}"
    await api.good("PATCH", path, {"fees": {"per_ticket": 900}}, who=api.admin)
    other = await order(api, event, seats=["A-2"])
    assert [one["lines"][0]["fee"] for one in (made, other)] == [150, 900]
    shown = await api.get(f"/v1/events/{event}/money", api.admin)
    assert shown.body["ok"] is True


async def test_money_is_for_who_manages_the_event(api):
    made = await api.draft(None, capacity=5, starts_at=after(days=9))
    path = f"/v1/events/{made['id']}/money"
    check_problem(await api.get(path, await api.guest()), 403)
    await api.change(made["id"], "publish")
    check_problem(await api.get(path, await api.guest()), 403)
    check_problem(await api.get(path), 401)
    check_problem(await api.get("/v1/events/evt_none/money", api.admin), 404)
