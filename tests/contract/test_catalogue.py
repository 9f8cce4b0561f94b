"""What the catalogue tells of events, and how they are found by it."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tests.contract import charts
from tests.contract.client import WAIT_S, Api, Json, after, check_problem

DETAILS: Json = {
    "description": "Two hours of quiet.\nDoors at seven.",
    "category": "Concert",
    "tags": ["quiet", "piano"],
}

DAY = datetime.now(UTC).replace(microsecond=0) + timedelta(days=400)


def a_word() -> str:
    return f"w{uuid.uuid4().hex}"


def times(hour: float, hours: float) -> Json:
    starts = DAY + timedelta(hours=hour)
    ends = starts + timedelta(hours=hours)
    return {"starts_at": starts.isoformat(), "ends_at": ends.isoformat()}


async def ids(api: Api, **params: str) -> list[str]:
    page = await api.good("GET", "/v1/events", who=api.admin, params=params)
    return [item["id"] for item in page["items"]]


async def exclusive_venue(api: Api) -> str:
    chart = charts.chart([charts.row("A", 2, 10.0)])
    body = {"name": "Room", "chart": chart, "exclusive": True}
    made = await api.good("POST", "/v1/venues", body, who=api.admin)
    assert made["exclusive"] is True
    return str(made["id"])


async def test_an_event_is_told_of_as_it_was_made(api):
    made = await api.draft(None, capacity=5, **DETAILS)
    read = await api.event(made["id"])
    for shown in (made, read):
        assert {name: shown[name] for name in DETAILS} == DETAILS
        assert (shown["image"], shown["registrations"]) == (None, 0)
    plain = await api.draft(None, capacity=5)
    shown = (plain["description"], plain["category"], plain["tags"])
    assert shown == ("", None, [])


async def test_tags_and_categories_are_kept_tidy(api):
    made = await api.draft(
        None, capacity=5, tags=[" Big  Band ", "big band", "x"], category="  A  b "
    )
    assert (made["tags"], made["category"]) == (["big band", "x"], "A b")


@pytest.mark.parametrize(
    "wrong",
    [
        {"tags": [str(n) for n in range(21)]},
        {"tags": [" "]},
        {"tags": ["x" * 51]},
        {"tags": "x"},
        {"category": ""},
        {"category": 5},
        {"description": "x" * 10_001},
        {"description": None},
    ],
)
async def test_what_cannot_be_told_is_refused(api, wrong):
    event = (await api.draft(None, capacity=5))["id"]
    patch = await api.request("PATCH", f"/v1/events/{event}", wrong, who=api.admin)
    body = {"name": "x", "capacity": 5, "starts_at": after(days=3), **wrong}
    post = await api.request("POST", "/v1/events", body, who=api.admin)
    for answer in (patch, post):
        assert check_problem(answer, 422)["code"] == "bad_field"


async def test_telling_it_otherwise_is_no_change_of_the_event(api):
    event = await api.sale(None, capacity=5)
    path = f"/v1/events/{event}"
    before = await api.event(event)
    known = (await api.get(path)).headers["etag"]
    changed = await api.good("PATCH", path, DETAILS, who=api.admin)
    assert changed["version"] == before["version"]
    # Whoever asks next is told, though the answer was kept.
    read = await api.get(path, if_none_match=known)
    assert (read.status, read.body["tags"]) == (200, DETAILS["tags"])
    without: Json = {"category": None, "tags": []}
    changed = await api.good("PATCH", path, without, who=api.admin)
    assert (changed["category"], changed["tags"]) == (None, [])
    assert changed["description"] == DETAILS["description"]
    # Both halves of an edit are made.
    both = {"tags": ["late"], "max_per_user": 3}
    changed = await api.good("PATCH", path, both, who=api.admin)
    assert (changed["tags"], changed["max_per_user"]) == (["late"], 3)
    assert changed["version"] == before["version"] + 1


async def test_an_edit_under_a_key_is_made_once_whichever_half_it_changes(api):
    path = f"/v1/events/{(await api.draft(None, capacity=5))['id']}"

    async def patch(key: str, body: Json) -> Json:
        headers = {"Idempotency-Key": key}
        answer = await api.request("PATCH", path, body, who=api.admin, headers=headers)
        return dict(answer.body)

    await patch("a", {"description": "first"})
    await patch("b", {"description": "second", "max_per_user": 2})
    assert (await patch("a", {"description": "first"}))["description"] == "second"
    await patch("c", {"max_per_user": 4})
    again = await patch("b", {"description": "second", "max_per_user": 2})
    assert again["max_per_user"] == 4
    for key in ("a", "b", "c"):
        for other in ({"tags": ["x"]}, {"name": "x"}, {"tags": ["x"], "name": "x"}):
            assert (await patch(key, other))["code"] == "key_reused", (key, other)


async def test_a_stranger_tells_nothing(api):
    event = await api.sale(None, capacity=5)
    answer = await api.request(
        "PATCH", f"/v1/events/{event}", DETAILS, who=await api.guest()
    )
    assert check_problem(answer, 403)["code"] == "forbidden"


async def test_events_are_found_by_any_of_their_words(api):
    word = a_word()
    named = await api.sale(None, capacity=5, name=f"An {word} evening")
    tagged = await api.sale(None, capacity=5, tags=[word, "late"])
    told = await api.sale(None, capacity=5, description=f"So {word.upper()}!")
    assert await ids(api, q=word) == [named, tagged, told]
    assert await ids(api, q=f"{word[:-3]} late") == [tagged]
    assert await ids(api, q=word[4:]) == [named]
    assert await ids(api, tag=word) == [tagged]
    anybody = await api.good("GET", "/v1/events", params={"q": word})
    assert [item["id"] for item in anybody["items"]] == [named, tagged, told]


async def test_filters_and_sorts_go_with_pages(api):
    word = a_word()
    made = [
        await api.sale(None, capacity=5, name=name, category=word)
        for name in ("b", "c", "a")
    ]
    buyer = await api.guest()
    hold = await api.ok(made[1], buyer, "hold", areas={"GA": 2})
    await api.ok(made[1], buyer, "book", hold=hold["hold"])
    expected = {"name": [2, 0, 1], "-name": [1, 0, 2], "-created_at": [2, 1, 0]}
    for sort, order in expected.items():
        found: list[str] = []
        params = {"category": word, "sort": sort, "limit": "2"}
        while "cursor" not in params or params["cursor"]:
            page = await api.good("GET", "/v1/events", who=api.admin, params=params)
            found += [item["id"] for item in page["items"]]
            params["cursor"] = page["next_cursor"]
        assert found == [made[n] for n in order], sort
    most: list[str] = []
    async with asyncio.timeout(WAIT_S):
        # The ranking is a few seconds old.
        while most[:1] != made[1:2]:
            await asyncio.sleep(0.1)
            most = await ids(api, category=word, sort="-registrations")
    assert (await api.event(made[1]))["registrations"] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"sort": "price"},
        {"sort": ""},
        {"status": "late"},
        {"category": ""},
        {"tag": "x" * 51},
        {"venue": "\x00"},
        {"organisation": "x" * 200},
        {"cursor": "AAAA"},
    ],
)
async def test_a_list_that_cannot_be_asked_for_is_refused(api, wrong):
    answer = await api.request("GET", "/v1/events", params=wrong)
    assert check_problem(answer, 422)["errors"][0]["field"] == next(iter(wrong))


async def test_an_exclusive_venue_takes_one_event_at_a_time(api):
    venue = await exclusive_venue(api)
    first = await api.draft(None, venue=venue, **times(0, 2))
    await api.change(first["id"], "publish")
    second = await api.draft(None, venue=venue, **times(1, 2))
    path = f"/v1/events/{second['id']}"
    answer = await api.request("POST", f"{path}/publish", who=api.admin)
    assert check_problem(answer, 409)["code"] == "venue_taken"
    assert (await api.event(second["id"]))["status"] == "draft"
    await api.good("PATCH", path, times(2, 2), who=api.admin)
    for _ in range(2):
        await api.change(second["id"], "publish")
    answer = await api.request("PATCH", path, times(1.5, 2), who=api.admin)
    assert check_problem(answer, 409)["code"] == "venue_taken"
    assert (await api.event(second["id"]))["starts_at"] == first["ends_at"]
    await api.good("PATCH", path, times(5, 2), who=api.admin)
    await api.good("PATCH", f"/v1/events/{first['id']}", times(3, 2), who=api.admin)
    await api.change(second["id"], "cancel")
    await api.good("PATCH", f"/v1/events/{first['id']}", times(5, 1), who=api.admin)


async def test_a_sale_closes_by_itself_to_the_millisecond(api):
    event = (await api.draft(None, capacity=5))["id"]
    path = f"/v1/events/{event}"
    closes = after(seconds=5)
    await api.good("PATCH", path, {"off_sale_at": closes}, who=api.admin)
    await api.change(event, "publish")
    async with await api.socket(await api.guest()) as buyer:
        await buyer.watch(event)
        await buyer.ok("hold", event=event, areas={"GA": 1})
        await buyer.next("sale", event=event, status="closed")
        await buyer.refused("sale_closed", "hold", event=event, areas={"GA": 1})
    page = await api.good("GET", f"{path}/journal", who=api.admin)
    ended = next(one for one in page["items"] if one.get("status") == "closed")
    at = datetime.fromisoformat(ended["at"])
    assert at >= datetime.fromisoformat(closes)
    answer = await api.request("POST", f"{path}/publish", who=api.admin)
    assert check_problem(answer, 409)["code"] == "wrong_state"


async def test_an_event_that_nobody_asks_about_is_completed_when_it_is_over(api):
    soon = {"starts_at": after(seconds=4), "ends_at": after(seconds=4.5)}
    event = (await api.draft(None, capacity=5, **soon))["id"]
    await api.change(event, "publish")
    status = ""
    async with asyncio.timeout(WAIT_S):
        while status != "completed":
            await asyncio.sleep(0.05)
            page = await api.good("GET", "/v1/events?sort=-created_at", who=api.admin)
            shown = {item["id"]: item["status"] for item in page["items"]}
            status = shown.get(event, "")
    answer = await api.request(
        "PATCH", f"/v1/events/{event}", {"name": "x"}, who=api.admin
    )
    assert check_problem(answer, 409)["code"] == "wrong_state"


async def test_the_end_of_an_event_follows_its_times(api):
    made = await api.draft(None, capacity=5, **times(0, 2))
    assert made["completes_at"] == made["ends_at"]
    path = f"/v1/events/{made['id']}"
    patched = await api.good("PATCH", path, {"ends_at": None}, who=api.admin)
    a_day_later = datetime.fromisoformat(made["starts_at"]) + timedelta(days=1)
    assert datetime.fromisoformat(patched["completes_at"]) == a_day_later
    past = {"starts_at": "2020-01-01T00:00:00Z"}
    patched = await api.good("PATCH", path, past, who=api.admin)
    assert patched["completes_at"] == "2020-01-02T00:00:00Z"
    answer = await api.request("POST", f"{path}/publish", who=api.admin)
    problem = check_problem(answer, 409)
    assert [error["field"] for error in problem["errors"]] == ["starts_at"]


async def test_a_sale_that_closes_before_it_opens_is_refused(api):
    body = {"name": "x", "capacity": 5, "starts_at": after(days=3)}
    body |= {"on_sale_at": after(days=2), "off_sale_at": after(days=1)}
    answer = await api.request("POST", "/v1/events", body, who=api.admin)
    assert check_problem(answer, 422)["errors"][0]["field"] == "off_sale_at"


async def test_a_duplicate_is_a_draft_like_the_event(api):
    made = await api.draft("small", max_per_user=3, **DETAILS, **times(0, 2))
    await api.good(
        "PATCH",
        f"/v1/events/{made['id']}",
        {"on_sale_at": after(days=3), "off_sale_at": after(days=5)},
        who=api.admin,
    )
    await api.change(made["id"], "publish")
    source = await api.event(made["id"])
    path = f"/v1/events/{made['id']}/duplicate"
    same = await api.request("POST", path, who=api.admin)
    assert same.status == 201
    assert same.headers["location"] == f"/v1/events/{same.body['id']}"
    differing = {"id", "status", "created_at", "version", "counts", "owner"}
    for name in source.keys() - differing:
        assert same.body[name] == source[name], name
    assert same.body["status"] == "draft"
    assert same.body["id"] != source["id"]
    later = {"name": "Next week", **times(24 * 7, 1)}
    moved = await api.good("POST", path, later, who=api.admin)
    week = timedelta(days=7)
    for name in ("starts_at", "on_sale_at", "off_sale_at"):
        gap = datetime.fromisoformat(moved[name]) - datetime.fromisoformat(source[name])
        assert abs(gap - week) < timedelta(seconds=10), name
    assert moved["name"] == "Next week"
    assert moved["completes_at"] == moved["ends_at"]
    assert (await api.event(moved["id"]))["description"] == DETAILS["description"]


async def test_a_duplicate_is_not_moved_beyond_all_dates(api):
    made = await api.draft(None, capacity=1, on_sale_at="1900-01-01T00:00:00Z")
    path = f"/v1/events/{made['id']}/duplicate"
    body: Json = {"starts_at": "0121-03-28T14:24:34.7Z"}
    answer = await api.request("POST", path, body, who=api.admin)
    assert check_problem(answer, 422)["errors"][0]["field"] == "on_sale_at"
    body |= {"on_sale_at": None}
    answer = await api.request("POST", path, body, who=api.admin)
    assert check_problem(answer, 422)["errors"] == [
        {"field": "starts_at", "detail": "In the past."}
    ]


async def test_a_duplicate_under_a_key_is_made_once(api):
    event = (await api.draft(None, capacity=7))["id"]
    path, headers = f"/v1/events/{event}/duplicate", {"Idempotency-Key": "again"}

    async def post(body: Json) -> Json:
        answer = await api.request("POST", path, body, who=api.admin, headers=headers)
        return dict(answer.body)

    first = await post({"name": "Two"})
    await api.good("PATCH", f"/v1/events/{first['id']}", {"name": "x"}, who=api.admin)
    assert await post({"name": "Two"}) == first
    assert (await post({"name": "Three"}))["code"] == "key_reused"
    assert first["capacity"] == 7


async def test_a_duplicate_needs_a_time_of_its_own_in_an_exclusive_venue(api):
    made = await api.draft(None, venue=await exclusive_venue(api), **times(0, 2))
    await api.change(made["id"], "publish")
    path = f"/v1/events/{made['id']}/duplicate"
    copy = await api.good("POST", path, {}, who=api.admin)
    publish = f"/v1/events/{copy['id']}/publish"
    answer = await api.request("POST", publish, who=api.admin)
    assert check_problem(answer, 409)["code"] == "venue_taken"
    later = await api.good("POST", path, times(2, 2), who=api.admin)
    await api.change(later["id"], "publish")
    stranger = await api.request("POST", path, times(9, 1), who=await api.guest())
    assert check_problem(stranger, 403)["code"] == "forbidden"


async def test_an_event_goes_into_calendars(api):
    event = await api.sale(
        "small", name="A, b; c", description="One\nTwo", **times(0, 2)
    )
    path = f"/v1/events/{event}/calendar.ics"
    answer = await api.get(path)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    lines = answer.raw.decode().split("\r\n")
    assert f"UID:{event}@onsale" in lines
    assert "SUMMARY:A\\, b\\; c" in lines
    assert "DESCRIPTION:One\\nTwo" in lines
    assert any(line.startswith("LOCATION:") for line in lines)
    known = answer.headers["etag"]
    assert (await api.get(path, if_none_match=known)).status == 304
    await api.good("PATCH", f"/v1/events/{event}", {"name": "D"}, who=api.admin)
    again = await api.get(path, if_none_match=known)
    assert b"SUMMARY:D\r\n" in again.raw
    assert f"UID:{event}@onsale".encode() in again.raw
    missing = await api.get("/v1/events/none/calendar.ics")
    assert check_problem(missing, 404)["code"] == "event_not_found"


async def test_a_calendar_is_told_of_each_change_and_of_no_other(api):
    event = (await api.draft("small", description="One"))["id"]
    path = f"/v1/events/{event}"

    async def read() -> dict[str, str]:
        answer = await api.get(f"{path}/calendar.ics", who=api.admin)
        lines = answer.raw.decode().replace("\r\n ", "").split("\r\n")
        return dict(line.split(":", 1) for line in lines if ":" in line)

    shown = await read()
    assert shown["SEQUENCE"] == "0"
    assert shown["DTSTAMP"] == shown["LAST-MODIFIED"] == shown["CREATED"]
    for number, change in enumerate(
        (
            {"name": "Another"},
            {"description": "Two"},
            {"starts_at": times(3, 4)["starts_at"], "ends_at": None},
            {"tags": ["loud"], "name": "A third"},
            {"category": "Opera"},
        )
    ):
        await api.good("PATCH", path, change, who=api.admin)
        again = await read()
        assert int(again["SEQUENCE"]) > int(shown["SEQUENCE"]) >= number
        assert again["LAST-MODIFIED"] == again["DTSTAMP"] >= shown["DTSTAMP"]
        assert again["DTEND"] > again["DTSTART"]
        shown = again
    for done in ("publish", "pause", "resume"):
        await api.good("POST", f"{path}/{done}", who=api.admin)
    sold = await read()
    assert int(sold["SEQUENCE"]) > int(shown["SEQUENCE"])
    buyer = await api.guest()
    hold = await api.ok(event, buyer, "hold", seats=["A-1"])
    await api.ok(event, buyer, "book", hold=hold["hold"])
    await api.good("PATCH", path, {"name": "A third"}, who=api.admin)
    assert await read() == sold


async def test_a_capacity_is_changed_but_never_below_what_is_taken(api):
    event = await api.sale(None, capacity=4)
    path, buyer = f"/v1/events/{event}", await api.guest()

    async def change(capacity: object) -> Json:
        body = {"capacity": capacity}
        answer = await api.request("PATCH", path, body, who=api.admin)
        return dict(answer.body)

    hold = await api.ok(event, buyer, "hold", areas={"GA": 3})
    assert (await change(2))["code"] == "tickets_sold"
    await api.ok(event, buyer, "book", hold=hold["hold"])
    assert (await change(2))["code"] == "tickets_sold"
    changed = await change(20)
    assert (changed["capacity"], changed["counts"]["free"]) == (20, 17)
    for _ in range(2):
        other = await api.guest()
        await api.ok(event, other, "hold", areas={"GA": 8})
    assert (await change(18))["code"] == "tickets_sold"
    changed = await change(19)
    assert changed["counts"] == {"free": 0, "held": 16, "booked": 3, "blocked": 0}
    for wrong in (0, -1, None, "many", 10**9):
        assert (await change(wrong))["code"] == "bad_field", wrong
    await api.audit(event)
    copy = await api.good("POST", f"{path}/duplicate", who=api.admin)
    assert copy["capacity"] == 19
    counts = (await api.event(copy["id"]))["counts"]
    assert counts["free"] == 19
    seats = (await api.draft("small"))["id"]
    answer = await api.request(
        "PATCH", f"/v1/events/{seats}", {"capacity": 9}, who=api.admin
    )
    assert check_problem(answer, 422)["errors"][0]["field"] == "capacity"
