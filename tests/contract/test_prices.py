"""Over REST: what was shown is what it costs, and nothing that is past is sold."""

import asyncio
from typing import Any

import pytest

from tests.contract.client import Api, Json, after, check_problem


def money(amount: int, currency: str = "EUR") -> Json:
    return {"amount": amount, "currency": currency}


async def patch(api: Api, event: str, **fields: Any) -> Json:
    path = f"/v1/events/{event}"
    shown = await api.good("PATCH", path, fields, who=api.admin)
    assert isinstance(shown, dict)
    return shown


async def wrong(api: Api, event: str, status: int, **fields: Any) -> Json:
    path = f"/v1/events/{event}"
    answer = await api.request("PATCH", path, fields, who=api.admin)
    return check_problem(answer, status)


async def refused(api: Api, **fields: Any) -> list[str]:
    """Give the fields that a new event is refused for."""
    body = {"name": "x", "starts_at": after(days=30)} | fields
    answer = await api.request("POST", "/v1/events", body, who=api.admin)
    problem = check_problem(answer, 422)
    assert problem["code"] == "bad_field"
    return sorted(error["field"] for error in problem["errors"])


async def test_what_a_hold_was_told_is_what_its_booking_costs(api):
    event = await api.sale()
    buyer = await api.guest()
    held = await api.ok(event, buyer, "hold", seats=["A-1"], areas={"GA1": 2})
    shown = held["total"]
    await patch(api, event, prices={"1": money(99_900), "2": money(77)})
    holding = await api.ok(event, buyer, "holding")
    assert holding["holds"][0]["total"] == shown
    more = await api.ok(event, buyer, "hold", seats=["A-2"], hold=held["hold"])
    assert more["total"] == money(shown["amount"] + 99_900)
    answer = await api.command(event, buyer, "book", hold=held["hold"], total=shown)
    problem = check_problem(answer, 409)
    assert (problem["code"], problem["total"]) == ("price_changed", more["total"])
    booked = await api.ok(event, buyer, "book", hold=held["hold"], total=more["total"])
    assert booked["total"] == more["total"]
    assert (await api.audit(event))["revenue"] == [more["total"]]


async def test_a_booking_tells_what_it_is_and_costs(api):
    starts = "2040-05-04T20:00:00Z"
    event = await api.sale(name="Gala", starts_at=starts, timezone="Asia/Tokyo")
    buyer = await api.guest()
    held = await api.ok(event, buyer, "hold", seats=["A-2", "A-1"])
    await patch(api, event, prices={"1": money(1), "2": money(2)})
    made = await api.ok(event, buyer, "book", hold=held["hold"])
    shown = await api.good("GET", f"/v1/bookings/{made['booking']}", who=buyer)
    assert shown["total"] == made["total"] == money(9_000)
    assert shown["currency"] == "EUR"
    assert [(line["label"], line["category"]) for line in shown["lines"]] == [
        ("A-2", "1"),
        ("A-1", "1"),
    ]
    assert all(line["price"] == money(4_500) for line in shown["lines"])
    assert shown["event"] == {
        "id": event,
        "name": "Gala",
        "starts_at": starts,
        "timezone": "Asia/Tokyo",
    }
    assert shown["cancel_until"] == "2040-05-03T20:00:00Z"
    page = await api.good("GET", f"/v1/events/{event}/bookings", who=api.admin)
    assert page["items"][0]["lines"] == shown["lines"]
    mine = await api.good("GET", "/v1/bookings", who=buyer)
    assert mine["items"] == [shown]


async def test_a_free_booking_has_lines_without_prices(api):
    event = await api.sale(None, capacity=5)
    buyer = await api.guest()
    held = await api.ok(event, buyer, "hold", areas={"GA": 2})
    made = await api.ok(event, buyer, "book", hold=held["hold"])
    shown = await api.good("GET", f"/v1/bookings/{made['booking']}", who=buyer)
    assert (shown["total"], shown["currency"]) == (None, None)
    line = {"label": "GA", "category": "GA", "quantity": 2, "price": None}
    assert shown["lines"] == [line]


async def test_prices_are_merged_and_null_takes_one_away(api):
    event = (await api.draft())["id"]
    shown = await patch(api, event, prices={"1": money(1)})
    assert shown["prices"] == {"1": money(1), "2": money(3_000)}
    shown = await patch(api, event, prices={"2": None})
    assert shown["prices"] == {"1": money(1)}
    answer = await api.request("POST", f"/v1/events/{event}/publish", who=api.admin)
    problem = check_problem(answer, 409)
    assert [error["field"] for error in problem["errors"]] == ["prices.2"]
    await patch(api, event, prices={"2": money(0)})
    assert (await api.change(event, "publish"))["status"] == "on_sale"
    problem = await wrong(api, event, 422, prices={"2": None})
    assert [error["field"] for error in problem["errors"]] == ["prices.2"]
    free = await patch(api, event, prices={"1": None, "2": None})
    assert free["prices"] == {}


async def test_an_event_has_a_price_for_each_category_or_for_none(api):
    venue = await api.venue("small")
    assert await refused(api, venue=venue, prices={"1": money(1)}) == ["prices.2"]
    made = await api.draft(None, venue=venue)
    assert made["prices"] == {}


async def test_a_category_that_nothing_is_of_needs_no_price(api):
    drawn = {
        "categories": [{"key": "1", "label": "One"}, {"key": "9", "label": "Unused"}],
        "seats": [{"label": "A-1", "row": "A", "number": "1", "category": "1"}],
    }
    body = {"name": "Small", "map": drawn}
    venue = await api.good("POST", "/v1/venues", body, who=api.admin)
    made = await api.draft(None, venue=venue["id"], prices={"1": money(5)})
    assert (await api.change(made["id"], "publish"))["status"] == "on_sale"


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
async def test_the_currency_stays_once_something_is_held(api, currency):
    prices = {key: money(1_000, currency) for key in "12"}
    event = await api.sale(prices=prices)
    buyer = await api.guest()
    held = await api.ok(event, buyer, "hold", seats=["A-1"])
    assert held["total"] == money(1_000, currency)
    other = {key: money(1_000, "EUR") for key in "12"}
    problem = await wrong(api, event, 409, prices=other)
    assert (problem["code"], currency in problem["detail"]) == ("tickets_sold", True)
    await api.ok(event, buyer, "release", hold=held["hold"])
    assert (await patch(api, event, prices=other))["prices"] == other


async def test_a_currency_that_nobody_pays_in_is_refused(api):
    prices = {"GA": money(1, "XXX")}
    assert await refused(api, capacity=5, prices=prices) == ["prices.GA.currency"]
    event = (await api.draft(None, capacity=5))["id"]
    problem = await wrong(api, event, 422, prices=prices)
    assert problem["errors"][0]["field"] == "prices.GA.currency"


@pytest.mark.parametrize(
    ("times", "fields"),
    [
        ({"starts_at": after(days=-1)}, ["starts_at"]),
        ({"starts_at": after(days=-2), "ends_at": after(days=1)}, ["starts_at"]),
        (
            {"starts_at": after(days=-2), "ends_at": after(days=-1)},
            ["ends_at", "starts_at"],
        ),
        ({"off_sale_at": after(days=-1)}, ["off_sale_at"]),
        ({"on_sale_at": after(days=31)}, ["on_sale_at"]),
        ({"off_sale_at": after(days=32)}, ["off_sale_at"]),
        (
            {"on_sale_at": after(days=2), "off_sale_at": after(days=1)},
            ["off_sale_at"],
        ),
        ({"ends_at": after(days=29)}, ["ends_at"]),
        ({"ends_at": after(days=31), "off_sale_at": after(days=32)}, ["off_sale_at"]),
    ],
)
async def test_times_that_are_past_or_in_no_order_are_refused(api, times, fields):
    assert await refused(api, capacity=5, **times) == fields


async def test_a_creation_made_again_after_its_beginning_gets_its_answer(api):
    body = {"name": "x", "capacity": 5, "starts_at": after(seconds=4)}
    key = {"Idempotency-Key": f"late-{body['starts_at']}"}
    call = ("POST", "/v1/events", body)
    first = await api.request(*call, who=api.admin, headers=key)
    assert first.status == 201, first.raw
    # The server's clock, not ours, says when it has begun.
    for _ in range(600):
        if (await api.request(*call, who=api.admin)).status == 422:
            break
        await asyncio.sleep(0.1)
    again = await api.request(*call, who=api.admin, headers=key)
    assert (again.status, again.body) == (201, first.body)
    path = f"/v1/events/{first.body['id']}/publish"
    problem = check_problem(await api.request("POST", path, who=api.admin), 409)
    assert [error["field"] for error in problem["errors"]] == ["starts_at"]


async def test_a_patch_into_the_past_completes_what_was_on_sale(api):
    event = await api.sale()
    past = {"starts_at": after(days=-3), "ends_at": after(days=-2)}
    assert (await patch(api, event, **past))["status"] == "completed"
    buyer = await api.guest()
    answer = await api.command(event, buyer, "hold", seats=["A-1"])
    assert check_problem(answer, 410)["code"] == "sale_closed"
