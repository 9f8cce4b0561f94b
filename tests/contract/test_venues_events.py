"""Venues, events, their states, lists and reads."""

import pytest

from tests.contract import charts
from tests.contract.client import Api, Json, after, check_problem

UNKNOWN = "00000000-0000-0000-0000-000000000000"


async def make_venue(api: Api, name: str, chart: object) -> dict[str, object]:
    body = {"name": name, "chart": chart}
    answer = await api.request("POST", "/v1/venues", body, who=api.admin)
    assert answer.status == 201, answer.raw
    assert isinstance(answer.body, dict)
    return answer.body


# Venues


async def test_the_published_theatre_has_32_seats_and_two_areas(api):
    made = await make_venue(api, "Theatre", charts.real_chart("theatre"))
    assert (made["name"], made["seats"], made["areas"]) == ("Theatre", 32, 2)
    assert made["categories"]
    draft = await api.draft(
        None,
        venue=made["id"],
        prices={key: {"amount": 10, "currency": "EUR"} for key in ("9", "10")},
    )
    drawn = await api.map(draft["id"])
    labels = [seat["label"] for seat in drawn["seats"]]
    assert set(labels) == {f"{row}-{n}" for row in "ABCD" for n in range(1, 9)}
    assert [seat["label"] for seat in drawn["seats"] if seat["accessible"]] == ["A-7"]
    by_label = {seat["label"]: seat for seat in drawn["seats"]}
    assert by_label["A-1"]["category"] == "9"
    assert by_label["D-8"]["category"] == "10"
    assert {(a["label"], a["capacity"], a["category"]) for a in drawn["areas"]} == {
        ("GA1", 100, "9"),
        ("GA2", 100, "10"),
    }
    counts = (await api.event(draft["id"]))["counts"]
    assert counts == {"free": 232, "held": 0, "booked": 0, "blocked": 0}


async def test_the_published_stadium_has_8897_seats_with_sections_in_labels(api):
    made = await make_venue(api, "Stadium", charts.real_chart("stadium"))
    assert (made["seats"], made["areas"]) == (8897, 0)
    prices = {key: {"amount": 10, "currency": "EUR"} for key in ("1", "2")}
    draft = await api.draft(None, venue=made["id"], prices=prices)
    seats = (await api.map(draft["id"]))["seats"]
    labels = {seat["label"] for seat in seats}
    assert len(labels) == len(seats) == 8897
    assert "Goal Stand 4-A-1" in labels
    first = next(seat for seat in seats if seat["label"] == "Goal Stand 4-A-1")
    assert (first["section"], first["row"]) == ("Goal Stand 4", "A")
    assert str(first["number"]) == "1"
    assert {seat["section"] for seat in seats} == {
        "Goal Stand 4",
        "Goal Stand 3",
        "MT1",
        "MT3",
    }
    # The seats carry no category of their own there; they inherit the section's.
    assert {seat["category"] for seat in seats} == {"1", "2"}


async def test_a_small_chart_keeps_its_order_and_coordinates(api):
    event = (await api.draft("ramp"))["id"]
    drawn = await api.map(event)
    seats = drawn["seats"]
    assert [seat["index"] for seat in seats] == list(range(12))
    for seat in seats:
        assert seat["label"] == f"{seat['row']}-{seat['number']}"
        assert isinstance(seat["x"], int | float)
        assert isinstance(seat["y"], int | float)
    accessible = {seat["label"] for seat in seats if seat["accessible"]}
    assert accessible == {"A-3", "A-4"}
    a, b = (
        next(seat for seat in seats if seat["label"] == label)
        for label in ("A-1", "A-2")
    )
    assert b["x"] > a["x"]
    assert a["y"] == b["y"]


async def test_venues_are_listed_and_read(api):
    made = await make_venue(api, "One row", charts.chart([charts.row("A", 3, 10.0)]))
    body = await api.good("GET", f"/v1/venues/{made['id']}", who=api.admin)
    assert (body["id"], body["name"], body["seats"]) == (made["id"], "One row", 3)
    items, cursor = [], None
    while True:
        params = {"limit": "50"} | ({"cursor": cursor} if cursor else {})
        page = await api.good("GET", "/v1/venues", who=api.admin, params=params)
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert made["id"] in {item["id"] for item in items}
    missing = await api.get(f"/v1/venues/{UNKNOWN}", api.admin)
    assert check_problem(missing, 404)["code"] == "venue_not_found"


NOT_CHARTS = {
    "empty": {},
    "list": [],
    "text": "a chart",
    "number": 7,
    "rows-text": {"subChart": {"rows": "none"}},
    "rows-numbers": {"subChart": {"rows": [1, 2, 3]}},
    "seats-null": {"subChart": {"rows": [{"label": "A", "seats": None}]}},
    "geojson": {"type": "FeatureCollection", "features": []},
    "twice": charts.chart([charts.row("A", 2, 10.0), charts.row("A", 2, 20.0)]),
    "no-capacity": charts.chart([], [charts.area("GA1", -5)]),
}


@pytest.mark.parametrize("name", NOT_CHARTS)
async def test_what_is_no_chart_is_refused_clearly(api, name):
    body = {"name": "No hall", "chart": NOT_CHARTS[name]}
    answer = await api.request("POST", "/v1/venues", body, who=api.admin)
    problem = check_problem(answer, 422)
    assert problem["detail"]


async def test_all_faults_of_a_map_are_listed_with_their_paths(api):
    seats: list[Json] = [
        {"row": "A", "number": number, "category": "all"} for number in range(12)
    ]
    seats[3]["category"] = "none"
    seats[10]["row"] = ["A"]
    seats[11]["number"] = 0
    body = {"name": "x", "map": {"seats": seats, "categories": [{"key": "all"}]}}
    answer = await api.request("POST", "/v1/venues", body, who=api.admin)
    problem = check_problem(answer, 422)
    assert problem["code"] == "bad_field"
    fields = {error["field"] for error in problem["errors"]}
    assert fields == {"map.seats.3.category", "map.seats.10.row", "map.seats.11.label"}


async def test_all_faults_of_a_chart_are_listed_with_their_paths(api):
    row = charts.row("A", 3, 10.0)
    row["seats"][1]["label"] = row["seats"][0]["label"]
    row["seats"][2]["x"] = None
    body = {"name": "x", "chart": charts.chart([row])}
    answer = await api.request("POST", "/v1/venues", body, who=api.admin)
    fields = {error["field"] for error in check_problem(answer, 422)["errors"]}
    where = "chart.subChart.rows.0.seats"
    assert fields == {f"{where}.1.label", f"{where}.2.x"}


async def test_a_chart_is_shown_before_a_venue_is_made_of_it(api):
    admin, path = api.admin, "/v1/venues/preview"
    before = await api.good("GET", "/v1/venues?count=true&limit=1")
    shown = await api.good(
        "POST", path, {"chart": charts.named_chart("small")}, who=admin
    )
    after_it = await api.good("GET", "/v1/venues?count=true&limit=1")
    assert after_it["total"] == before["total"]
    venue = await make_venue(api, "Shown before", charts.named_chart("small"))
    assert await api.good("GET", f"/v1/venues/{venue['id']}/map") == shown
    wrong = await api.request("POST", path, {"chart": {"categories": 1}}, who=admin)
    made = {"name": "Wrong", "chart": {"categories": 1}}
    refused = await api.request("POST", "/v1/venues", made, who=admin)
    told = check_problem(wrong, 422)["errors"]
    assert told == check_problem(refused, 422)["errors"]


async def test_a_venue_without_map_and_chart_is_refused(api):
    answer = await api.request("POST", "/v1/venues", {"name": "x"}, who=api.admin)
    check_problem(answer, 422)


# Making events


async def test_an_event_starts_as_a_draft_with_the_defaults_of_the_contract(api):
    venue = await api.venue("small")
    body = {
        "name": "A concert",
        "venue": venue,
        "starts_at": after(days=30),
        "prices": charts.PRICES,
    }
    answer = await api.request("POST", "/v1/events", body, who=api.admin)
    assert answer.status == 201
    made = answer.body
    assert made["status"] == "draft"
    assert made["name"] == "A concert"
    read = await api.event(made["id"])
    defaults = {
        "hold_ttl_s": 600,
        "max_per_user": 10,
        "max_per_booking": 10,
        "payment": "none",
        "pay_s": 900,
        "types": {},
        "cancel_until_s": 86400,
        "prevent_orphans": False,
        "waitlist": True,
        "line": None,
    }
    assert {name: read[name] for name in defaults} == defaults
    assert read["prices"] == charts.PRICES
    assert read["counts"] == {"free": 29, "held": 0, "booked": 0, "blocked": 0}


async def test_a_capacity_event_has_one_area_called_ga(api):
    event = (await api.draft(None, capacity=120))["id"]
    drawn = await api.map(event)
    assert drawn["seats"] == []
    assert [(a["label"], a["capacity"]) for a in drawn["areas"]] == [("GA", 120)]
    board = await api.availability(event)
    assert board["seats"] == ""
    assert board["areas"] == {"GA": {"free": 120, "held": 0, "booked": 0, "blocked": 0}}


WRONG_EVENTS: dict[str, Json] = {
    "no-name": {"name": None},
    "name-number": {"name": 5},
    "both": {"venue": "VENUE"},
    "neither": {"capacity": None},
    "capacity-negative": {"capacity": -1},
    "capacity-text": {"capacity": "many"},
    "no-start": {"starts_at": None},
    "start-word": {"starts_at": "tomorrow"},
    "ttl-negative": {"hold_ttl_s": -1},
    "ttl-text": {"hold_ttl_s": "ten"},
    "max-negative": {"max_per_user": -1},
    "payment": {"payment": "maybe"},
    "pay-short": {"pay_s": 59},
    "pay-long": {"pay_s": 1_501},
    "prices-list": {"prices": []},
    "price-negative": {"prices": {"1": {"amount": -5, "currency": "EUR"}}},
    "price-float": {"prices": {"1": {"amount": 4.5, "currency": "EUR"}}},
    "orphans-text": {"prevent_orphans": "yes"},
}


@pytest.mark.parametrize("name", WRONG_EVENTS)
async def test_a_wrong_event_is_422_with_the_field_named(api, name):
    body: Json = {"name": "x", "capacity": 10, "starts_at": after(days=3)}
    body |= WRONG_EVENTS[name]
    if body.get("venue"):
        body["venue"] = await api.venue("small")
    body = {field: value for field, value in body.items() if value is not None}
    answer = await api.request("POST", "/v1/events", body, who=api.admin)
    problem = check_problem(answer, 422)
    assert problem["errors"]
    for error in problem["errors"]:
        assert isinstance(error["field"], str)
        assert isinstance(error["detail"], str)


async def test_an_event_in_an_unknown_venue_is_refused(api):
    body = {
        "name": "x",
        "venue": UNKNOWN,
        "starts_at": after(days=3),
        "prices": charts.PRICES,
    }
    answer = await api.request("POST", "/v1/events", body, who=api.admin)
    assert answer.status in {404, 422}
    check_problem(answer)


# Sale states


async def test_the_sale_goes_from_draft_over_pause_to_closed(api):
    event = (await api.draft("small"))["id"]
    for verb, status in (
        ("publish", "on_sale"),
        ("pause", "paused"),
        ("resume", "on_sale"),
        ("pause", "paused"),
        ("resume", "on_sale"),
        ("close", "closed"),
    ):
        body = await api.change(event, verb)
        assert (body["id"], body["status"]) == (event, status)
        assert (await api.event(event))["status"] == status


async def test_a_paused_sale_can_be_closed(api):
    event = await api.sale("small")
    await api.change(event, "pause")
    assert (await api.change(event, "close"))["status"] == "closed"


@pytest.mark.parametrize(
    ("verbs", "wrong"),
    [
        ([], "pause"),
        ([], "resume"),
        (["publish", "close"], "pause"),
        (["publish", "close"], "resume"),
        (["publish", "close"], "publish"),
    ],
)
async def test_a_step_that_the_sale_states_do_not_know_is_refused(api, verbs, wrong):
    event = (await api.draft("small"))["id"]
    for verb in verbs:
        await api.change(event, verb)
    before = (await api.event(event))["status"]
    answer = await api.request("POST", f"/v1/events/{event}/{wrong}", who=api.admin)
    assert check_problem(answer)["status"] in {409, 410}
    assert (await api.event(event))["status"] == before


async def test_an_event_published_too_early_is_scheduled_and_opens_by_itself(api):
    draft = await api.draft("small", on_sale_at=after(seconds=5))
    event = draft["id"]
    assert (await api.change(event, "publish"))["status"] == "scheduled"
    async with await api.socket(await api.guest()) as buyer:
        await buyer.watch(event)
        early = await buyer.refused("sale_not_open", "hold", event=event, seats=["A-1"])
        assert early["transient"] is True
        await buyer.next("sale", event=event, status="on_sale")
        await buyer.ok("hold", event=event, seats=["A-1"])
    assert (await api.event(event))["status"] == "on_sale"


# Changing and deleting


async def test_patch_changes_what_it_names_and_the_next_command_sees_it(api):
    event = await api.sale("small")
    path = f"/v1/events/{event}"
    patch = {"name": "Another evening", "max_per_booking": 2}
    body = await api.good("PATCH", path, patch, who=api.admin)
    assert (body["name"], body["max_per_booking"]) == ("Another evening", 2)
    assert body["max_per_user"] == 10
    read = await api.event(event)
    assert (read["name"], read["max_per_booking"]) == ("Another evening", 2)
    async with await api.socket(await api.guest()) as buyer:
        seats = ["A-1", "A-2", "A-3"]
        await buyer.refused("too_many_seats", "hold", event=event, seats=seats)
        await buyer.ok("hold", event=event, seats=seats[:2])


async def test_a_wrong_patch_changes_nothing(api):
    event = await api.sale("small")
    path = f"/v1/events/{event}"
    for patch in (
        {"max_per_user": -1},
        {"name": 5},
        {"payment": "maybe"},
        {"pay_s": 59},
    ):
        answer = await api.request("PATCH", path, patch, who=api.admin)
        check_problem(answer, 422)
    read = await api.event(event)
    assert (read["max_per_user"], read["name"]) == (10, "An evening")


async def test_the_capacity_cannot_fall_below_what_is_sold(api):
    event = await api.sale(None, capacity=10)
    buyer = await api.guest()
    held = await api.ok(event, buyer, "hold", areas={"GA": 5})
    booked = await api.ok(event, buyer, "book", hold=held["hold"])
    path = f"/v1/events/{event}"
    answer = await api.request("PATCH", path, {"capacity": 1}, who=api.admin)
    assert 400 <= check_problem(answer)["status"] < 500
    board = await api.availability(event, booked["version"])
    assert board["areas"]["GA"]["booked"] == 5


async def test_a_draft_can_be_deleted(api):
    event = (await api.draft("small"))["id"]
    answer = await api.request("DELETE", f"/v1/events/{event}", who=api.admin)
    assert 200 <= answer.status < 300
    gone = check_problem(await api.get(f"/v1/events/{event}", api.admin), 404)
    assert gone["code"] == "event_not_found"


async def test_an_event_with_tickets_sold_is_not_deleted(api):
    event = await api.sale("small")
    buyer = await api.guest()
    held = await api.ok(event, buyer, "hold", seats=["A-1"])
    await api.ok(event, buyer, "book", hold=held["hold"])
    answer = await api.request("DELETE", f"/v1/events/{event}", who=api.admin)
    assert 400 <= check_problem(answer)["status"] < 500
    assert (await api.event(event))["id"] == event


async def test_an_unknown_event_is_404_everywhere(api):
    for method, tail in (
        ("GET", ""),
        ("GET", "/map"),
        ("GET", "/availability"),
        ("GET", "/journal"),
        ("GET", "/audit"),
        ("POST", "/publish"),
        ("PATCH", ""),
        ("DELETE", ""),
    ):
        for event in (UNKNOWN, "not-an-id"):
            path = f"/v1/events/{event}{tail}"
            sent = {"name": "x"} if method == "PATCH" else None
            answer = await api.request(method, path, sent, who=api.admin)
            problem = check_problem(answer, 404)
            assert problem["code"] == "event_not_found", (method, tail)
