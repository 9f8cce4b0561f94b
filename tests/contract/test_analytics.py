"""Numbers over REST: of an event, of an organisation, of the whole server."""

import asyncio

import pytest

from tests.contract.client import Api, Json, Person, after, check_problem
from tests.contract.teams import (
    account,
    api_key,
    booked,
    by_machine,
    organizer,
    sale_of,
    team,
)

WAIT_S = 60.0
PRICE = {"amount": 1_500, "currency": "EUR"}


async def numbers(api: Api, path: str, who: Person, bookings: int) -> Json:
    """Read the numbers once so many bookings are counted."""
    async with asyncio.timeout(WAIT_S):
        while True:
            body = await api.good("GET", path, who=who)
            assert isinstance(body, dict)
            if body["bookings"] >= bookings:
                return body
            await asyncio.sleep(0.1)


async def test_an_event_s_numbers_follow_its_sale(api):
    one = await team(api)
    event = await sale_of(api, one, capacity=20, prices={"GA": PRICE})
    prices = (await api.event(event))["prices"]
    assert prices == {"GA": PRICE}
    buyers = await api.guests(3)
    made = [await booked(api, event, who) for who in buyers]
    await api.ok(event, buyers[0], "cancel", booking=made[0]["booking"])
    held = await api.ok(event, buyers[1], "hold", areas={"GA": 2})
    await api.ok(event, buyers[1], "release", hold=held["hold"])
    await booked(api, event, buyers[1])
    path = f"/v1/events/{event}/analytics"
    shown = await numbers(api, path, one.leader, 4)
    assert shown["event"] == event
    expected = {"holds": 5, "bookings": 4, "cancellations": 1, "released": 1}
    assert {name: shown[name] for name in expected} == expected
    assert (shown["capacity"], shown["sold"]) == (20, 3)
    assert (shown["utilisation"], shown["conversion"]) == (0.15, 0.8)
    assert shown["revenue"] == [{"amount": 6_000, "currency": "EUR"}]
    assert shown["refunded"] == [{"amount": 1_500, "currency": "EUR"}]
    engaged = {"interested": 3, "buyers": 3, "returning_buyers": 1}
    assert shown["engagement"] == engaged
    assert shown["as_of"] > after(minutes=-5)
    assert sum(point["bookings"] for point in shown["trend"]) == 4
    minutes = await api.good("GET", f"{path}?step=minute", who=one.owner)
    assert minutes["step"] == "minute"
    assert sum(point["seats_booked"] for point in minutes["trend"]) == 4
    of_all = f"{one.path}/analytics"
    whole = await numbers(api, of_all, one.owner, 4)
    assert (whole["organisation"], whole["events"]) == (one.id, 1)
    (ranked,) = whole["ranking"]
    assert (ranked["event"], ranked["sold"], ranked["utilisation"]) == (event, 3, 0.15)
    key = (await api_key(api, one, ["analytics:read"]))["key"]
    for place in (path, of_all):
        assert (await by_machine(api, key, "GET", place)).status == 200
    for who in (one.staff, await account(api), await organizer(api), buyers[0]):
        check_problem(await api.get(path, who), 403)
        check_problem(await api.get(of_all, who), 403)


async def test_administrators_see_the_whole_server(api):
    event = await api.sale(None, capacity=5)
    await booked(api, event, await api.guest())
    shown = await numbers(api, "/v1/analytics", api.admin, 1)
    assert shown["events"] == sum(shown["events_by_status"].values())
    assert shown["accounts"] >= 1
    assert set(shown["job"]) == {"events_behind", "versions_behind", "lag_s"}
    assert len(shown["ranking"]) <= 10
    sold = [one["sold"] for one in shown["ranking"]]
    assert sold == sorted(sold, reverse=True)
    check_problem(await api.get("/v1/analytics", await organizer(api)), 403)
    metrics = await api.get("/metrics")
    assert b"onsale_analytics_lag_seconds" in metrics.raw


@pytest.mark.parametrize(
    "params",
    [
        {"step": "hour"},
        {"from": "yesterday"},
        {"from": after(days=1)},
        {"from": after(days=-2), "step": "minute"},
        {"from": after(days=-500)},
        {"to": "0001-01-01T00:00:00Z"},
        {"to": "0001-01-01T00:00:00Z", "from": "0001-01-01T00:00:00Z"},
    ],
)
async def test_a_trend_that_cannot_be_is_a_wrong_field(api, params):
    answer = await api.request("GET", "/v1/analytics", who=api.admin, params=params)
    assert check_problem(answer, 422)["code"] == "bad_field"


async def test_of_an_event_that_is_not_there_nothing_is_told(api):
    answer = await api.get("/v1/events/none/analytics", api.admin)
    assert check_problem(answer, 404)["code"] == "event_not_found"
