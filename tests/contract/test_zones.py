"""Times of day are meant on the clocks of a place, wherever they are told."""

import asyncio
import re
from datetime import UTC, datetime

import pytest

from tests.contract.client import Api, Json, check_problem
from tests.contract.teams import team

MAP = {
    "categories": [{"key": "1", "label": "Stalls"}],
    "seats": [{"row": "A", "number": str(n), "category": "1"} for n in range(1, 4)],
}
# Summer time ends in Berlin on 2040-10-28, at 01:00 UTC.
BEFORE, AFTER = "2040-10-27T20:00:00+02:00", "2040-10-28T20:00:00+01:00"
BERLIN, TOKYO = "Europe/Berlin", "Asia/Tokyo"


def utc(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


async def make(api: Api, **fields: object) -> Json:
    body = {"name": "Gala", "starts_at": BEFORE, **fields}
    if "venue" not in fields:
        body["capacity"] = 5
    made = await api.good("POST", "/v1/events", body, who=api.admin)
    assert isinstance(made, dict)
    return made


async def venue(api: Api, **fields: object) -> str:
    body = {"name": "Hall", "map": MAP, **fields}
    made = await api.good("POST", "/v1/venues", body, who=api.admin)
    assert made["timezone"] == fields.get("timezone")
    shown = await api.good("GET", f"/v1/venues/{made['id']}")
    assert shown == made
    return str(made["id"])


async def test_an_event_has_its_own_zone_or_its_venue_s_or_its_organisation_s(api):
    one = await team(api)
    plain, tokyo = await venue(api), await venue(api, timezone=TOKYO)
    assert (await make(api))["timezone"] == "UTC"
    assert (await make(api, timezone=None))["timezone"] == "UTC"
    assert (await make(api, organisation=one.id))["timezone"] == "UTC"
    patched = {"timezone": BERLIN}
    shown = await api.good("PATCH", one.path, patched, who=one.leader)
    assert shown["timezone"] == BERLIN
    assert (await api.good("GET", one.path, who=one.staff))["timezone"] == BERLIN
    for expected, fields in {
        "Asia/Kolkata": {"timezone": "Asia/Kolkata", "venue": tokyo},
        TOKYO: {"venue": tokyo},
        BERLIN: {"venue": plain},
    }.items():
        made = await make(api, organisation=one.id, **fields)
        assert made["timezone"] == expected
        assert (await api.event(made["id"]))["timezone"] == expected
    shown = await api.good("PATCH", one.path, {"timezone": None}, who=one.leader)
    assert shown["timezone"] is None
    assert (await make(api, organisation=one.id))["timezone"] == "UTC"


async def test_made_again_it_has_the_zone_that_it_had_at_first(api):
    one = await team(api)
    body = {"name": "Gala", "starts_at": BEFORE, "capacity": 5, "organisation": one.id}

    async def again() -> Json:
        headers = {"Idempotency-Key": "zone"}
        answer = await api.request(
            "POST", "/v1/events", body, who=one.leader, headers=headers
        )
        assert answer.status == 201
        assert isinstance(answer.body, dict)
        return answer.body

    first = await again()
    await api.good("PATCH", one.path, {"timezone": BERLIN}, who=one.leader)
    assert await again() == first


async def test_an_organisation_says_its_zone_when_it_is_made(api):
    body = {"name": "Theatre", "timezone": TOKYO}
    made = await api.good("POST", "/v1/organisations", body, who=api.admin)
    assert made["timezone"] == TOKYO
    path = f"/v1/organisations/{made['id']}"
    shown = await api.good("PATCH", path, {"name": "Opera"}, who=api.admin)
    assert (shown["name"], shown["timezone"]) == ("Opera", TOKYO)


@pytest.mark.parametrize("name", ["CEST", "Europe/Atlantis", "+01:00", "", "a b", 7])
async def test_what_is_no_zone_is_a_wrong_field(api, name):
    event = (await make(api))["id"]
    one = await team(api)
    gala = {"name": "Gala", "starts_at": BEFORE, "capacity": 5}
    for method, path, body in (
        ("POST", "/v1/events", gala),
        ("PATCH", f"/v1/events/{event}", {}),
        ("POST", f"/v1/events/{event}/duplicate", {}),
        ("POST", "/v1/venues", {"name": "Hall", "map": MAP}),
        ("POST", "/v1/organisations", {"name": "Theatre"}),
        ("PATCH", one.path, {}),
    ):
        wrong = {**body, "timezone": name}
        answer = await api.request(method, path, wrong, who=api.admin)
        problem = check_problem(answer, 422)
        assert [error["field"] for error in problem["errors"]] == ["timezone"], path


TIMES = {
    "ends_at": "2040-10-27T23:00:00+02:00",
    "on_sale_at": "2040-10-20T10:00:00+02:00",
    "off_sale_at": "2040-10-27T10:00:00+02:00",
}
MOVED = {
    "ends_at": "2040-10-28T23:00:00+01:00",
    "on_sale_at": "2040-10-21T10:00:00+02:00",
    "off_sale_at": "2040-10-28T10:00:00+01:00",
}


async def test_a_duplicate_keeps_ten_o_clock_over_the_end_of_summer_time(api):
    event = (await make(api, timezone=BERLIN, **TIMES))["id"]
    path = f"/v1/events/{event}/duplicate"
    copy = await api.good("POST", path, {"starts_at": AFTER}, who=api.admin)
    assert copy["timezone"] == BERLIN
    assert {field: copy[field] for field in MOVED} == {
        field: utc(text) for field, text in MOVED.items()
    }


async def test_a_moved_event_takes_its_other_times_along(api):
    event = (await make(api, timezone=BERLIN, **TIMES))["id"]
    path, move = f"/v1/events/{event}", {"starts_at": AFTER}
    shown = await api.good("PATCH", path, move, who=api.admin)
    assert {field: shown[field] for field in MOVED} == {
        field: utc(text) for field, text in MOVED.items()
    }
    assert shown == await api.event(event)
    kept = {"starts_at": BEFORE, "off_sale_at": shown["off_sale_at"], "ends_at": None}
    answer = await api.request("PATCH", path, kept, who=api.admin)
    assert answer.body["off_sale_at"] == shown["off_sale_at"]
    assert answer.body["on_sale_at"] == utc(TIMES["on_sale_at"])
    assert answer.body["ends_at"] is None


async def test_another_zone_moves_no_time(api):
    made = await make(api, timezone=BERLIN, **TIMES)
    path = f"/v1/events/{made['id']}"
    shown = await api.good("PATCH", path, {"timezone": TOKYO}, who=api.admin)
    assert shown["timezone"] == TOKYO
    for field in ("starts_at", *TIMES):
        assert shown[field] == made[field]


async def test_a_calendar_file_tells_the_clocks_of_the_event(api):
    event = (await make(api, timezone=BERLIN, **TIMES))["id"]
    await api.change(event, "publish")
    path = f"/v1/events/{event}/calendar.ics"
    text = (await api.get(path)).raw.decode()
    assert "\r\nDTSTART;TZID=Europe/Berlin:20401027T200000\r\n" in text
    assert "\r\nDTEND;TZID=Europe/Berlin:20401027T230000\r\n" in text
    assert "\r\nTZID:Europe/Berlin\r\n" in text
    await api.good("PATCH", f"/v1/events/{event}", {"timezone": "UTC"}, who=api.admin)
    text = (await api.get(path)).raw.decode()
    assert "\r\nDTSTART:20401027T180000Z\r\n" in text
    assert "VTIMEZONE" not in text
    # A calendar takes it for newer.
    assert re.search("\r\nSEQUENCE:[1-9]", text)


async def test_numbers_are_told_by_the_days_of_a_zone(api):
    one = await team(api)
    # It is another day there than in UTC at any time of the day in one of them.
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        event = await api.sale(None, capacity=5, organisation=one.id, timezone=zone)
        buyer = await api.guest()
        held = await api.ok(event, buyer, "hold", areas={"GA": 1})
        await api.ok(event, buyer, "book", hold=held["hold"])
        path = f"/v1/events/{event}/analytics"
        async with asyncio.timeout(60):
            while True:
                shown = await api.good("GET", path, who=one.leader)
                if shown["bookings"]:
                    break
                await asyncio.sleep(0.1)
        hour = {"Pacific/Kiritimati": "T10:00:00Z", "Pacific/Pago_Pago": "T11:00:00Z"}
        assert shown["tz"] == zone
        assert shown["trend"]
        assert all(point["at"].endswith(hour[zone]) for point in shown["trend"])
        assert sum(point["bookings"] for point in shown["trend"]) == 1
        utc_days = await api.good("GET", f"{path}?tz=UTC", who=one.leader)
        assert utc_days["tz"] == "UTC"
        assert all(p["at"].endswith("T00:00:00Z") for p in utc_days["trend"])
    for path in (f"{one.path}/analytics", "/v1/analytics"):
        shown = await api.good("GET", path, who=api.admin)
        assert shown["tz"] == "UTC"
        # A plus sign that nobody escaped.
        shown = await api.good("GET", f"{path}?tz=Etc/GMT+1", who=api.admin)
        assert shown["tz"] == "Etc/GMT+1"
        assert all(point["at"].endswith("T01:00:00Z") for point in shown["trend"])
        answer = await api.get(f"{path}?tz=Berlin", api.admin)
        assert check_problem(answer, 422)["errors"][0]["field"] == "tz"
