"""Venues: changed while no event uses them, else copied; deleted; previewed."""

import asyncio

import jsonschema
import pytest

from tests.contract.client import Api, Json, Person, after, check_problem
from tests.contract.teams import account, organisation, organizer

ROW = {"row": "A", "category": "1"}
SMALL = {
    "categories": [{"key": "1"}],
    "seats": [{**ROW, "number": str(number)} for number in range(1, 4)],
}
LARGE = {
    "categories": [{"key": "1"}, {"key": "2"}],
    "seats": SMALL["seats"],
    "areas": [{"label": "Floor", "capacity": 50, "category": "2"}],
}


async def made(api: Api, who: Person | None = None, **fields: object) -> Json:
    body = {"name": "Hall", "map": SMALL} | fields
    found: Json = await api.good("POST", "/v1/venues", body, who=who or api.admin)
    return found


def path_of(venue: Json) -> str:
    return f"/v1/venues/{venue['id']}"


async def draft_in(api: Api, venue: Json, **fields: object) -> str:
    body = {"name": "Evening", "venue": venue["id"], "starts_at": after(days=9)}
    event = await api.good("POST", "/v1/events", body | fields, who=api.admin)
    return str(event["id"])


async def test_a_venue_that_no_event_uses_is_changed_its_map_included(api):
    venue = await made(api)
    place = {"lat": 48.2, "lon": 16.37}
    change = {"name": "Great Hall", "address": "1 High Street", "coordinates": place}
    whole = change | {"map": LARGE}
    after_it = await api.good("PATCH", path_of(venue), whole, who=api.admin)
    assert [one["key"] for one in after_it["categories"]] == ["1", "2"]
    categories = {"categories": after_it["categories"]}
    assert after_it == venue | change | categories | {"areas": 1}
    again = await api.good("PATCH", path_of(venue), whole, who=api.admin)
    assert again == after_it
    assert await api.good("GET", path_of(venue)) == after_it
    event = await draft_in(api, venue)
    shown = await api.good("GET", f"/v1/events/{event}/map", who=api.admin)
    assert [area["label"] for area in shown["areas"]] == ["Floor"]
    cleared = {"address": None, "coordinates": None}
    after_it = await api.good("PATCH", path_of(venue), cleared, who=api.admin)
    assert (after_it["address"], after_it["coordinates"]) == (None, None)
    assert after_it["name"] == "Great Hall"


async def test_a_venue_is_made_with_its_address(api):
    said: Json = {"address": "Platz 1\nBerlin", "coordinates": {"lat": -90, "lon": 180}}
    venue = await made(api, **said)
    assert {name: venue[name] for name in said} == said
    bare = await made(api)
    assert (bare["address"], bare["coordinates"]) == (None, None)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("coordinates.lat", {"coordinates": {"lat": 90.1, "lon": 0}}),
        ("coordinates.lon", {"coordinates": {"lat": 0, "lon": -181}}),
        ("coordinates.lon", {"coordinates": {"lat": 0}}),
        ("address", {"address": "  "}),
        ("address", {"address": "x" * 501}),
        ("name", {"name": ""}),
        ("name", {"name": None}),
        ("map.seats.0.category", {"map": {"seats": [{"row": "A", "number": "1"}]}}),
        ("map", {"map": LARGE, "chart": {}}),
        ("colour", {"colour": "red"}),
        ("timezone", {"timezone": "Mars/Olympus"}),
    ],
)
async def test_what_is_wrong_with_a_change_is_told(api, field, change):
    venue = await made(api)
    answer = await api.request("PATCH", path_of(venue), change, who=api.admin)
    problem = check_problem(answer, 422)
    assert problem["code"] == "bad_field"
    assert field in [one["field"] for one in problem["errors"]]
    assert await api.good("GET", path_of(venue)) == venue


async def test_while_events_use_it_the_map_stays_and_a_copy_is_changed(api):
    venue = await made(api)
    event = await draft_in(api, venue)
    answer = await api.request("PATCH", path_of(venue), {"map": LARGE}, who=api.admin)
    problem = check_problem(answer, 409)
    assert problem["code"] == "venue_in_use"
    assert "duplicate" in problem["detail"]
    assert await api.good("GET", path_of(venue)) == venue
    # The same map again changes nothing, and the rest may change.
    change = {"name": "Old Hall", "map": SMALL}
    renamed = await api.good("PATCH", path_of(venue), change, who=api.admin)
    assert renamed == venue | {"name": "Old Hall"}
    copied = await api.request(
        "POST", f"{path_of(venue)}/duplicate", who=api.admin, headers={}
    )
    assert copied.status == 201
    copy = copied.body
    assert copied.headers["location"] == path_of(copy)
    assert copy == renamed | {"id": copy["id"]}
    drawn = await api.good("PATCH", path_of(copy), {"map": LARGE}, who=api.admin)
    assert drawn["areas"] == 1
    shown = await api.good("GET", f"/v1/events/{event}/map", who=api.admin)
    assert shown["areas"] == []


async def test_events_are_searched_by_the_new_name_of_their_venue(api):
    venue = await made(api)
    await api.change(event := await draft_in(api, venue), "publish")
    name = f"Zz{venue['id'][4:].replace('-', '').replace('_', '')}"
    await api.good("PATCH", path_of(venue), {"name": name}, who=api.admin)
    page = await api.good("GET", "/v1/events", params={"q": name})
    assert [one["id"] for one in page["items"]] == [event]


async def test_a_deleted_event_keeps_its_map_and_uses_its_venue_no_more(api):
    venue = await made(api)
    event = await draft_in(api, venue)
    await api.good("DELETE", f"/v1/events/{event}", who=api.admin)
    drawn = await api.good("PATCH", path_of(venue), {"map": LARGE}, who=api.admin)
    assert drawn["areas"] == 1
    other = await draft_in(api, venue)
    shown = await api.good("GET", f"/v1/events/{other}/map", who=api.admin)
    assert len(shown["areas"]) == 1
    assert (await api.good("GET", f"/v1/events/{other}/audit", who=api.admin))["ok"]
    listed = await api.good("GET", "/v1/venues", params={"limit": "200"})
    names = [one["id"] for one in listed["items"]]
    assert names.count(venue["id"]) == 1
    assert all("." not in name for name in names)


async def test_a_venue_is_deleted_while_no_event_uses_it(api):
    venue = await made(api)
    event = await draft_in(api, venue)
    answer = await api.request("DELETE", path_of(venue), who=api.admin)
    assert check_problem(answer, 409)["code"] == "venue_in_use"
    await api.good("DELETE", f"/v1/events/{event}", who=api.admin)
    for _ in range(2):
        answer = await api.request("DELETE", path_of(venue), who=api.admin)
        assert answer.status == 204
    for method, tail, body in (
        ("GET", "", None),
        ("GET", "/map", None),
        ("PATCH", "", {"name": "x"}),
        ("POST", "/duplicate", {}),
    ):
        answer = await api.request(method, path_of(venue) + tail, body, who=api.admin)
        assert check_problem(answer, 404)["code"] == "venue_not_found"
    body = {"name": "Late", "venue": venue["id"], "starts_at": after(days=9)}
    answer = await api.request("POST", "/v1/events", body, who=api.admin)
    assert check_problem(answer, 422)["errors"][0]["field"] == "venue"
    page = await api.good("GET", "/v1/venues", params={"limit": "200"})
    assert venue["id"] not in [one["id"] for one in page["items"]]


async def test_only_who_manages_a_venue_changes_and_deletes_it(api):
    owner, stranger = await account(api), await account(api)
    maker, other = await organizer(api), await organizer(api)
    org = await organisation(api, owner)
    theirs = await made(api, owner, organisation=org)
    own = await made(api, maker)
    for venue, people in ((theirs, (stranger, maker)), (own, (other, owner))):
        for who in people:
            for method, body in (("PATCH", {"name": "Mine"}), ("DELETE", None)):
                answer = await api.request(method, path_of(venue), body, who=who)
                assert check_problem(answer, 403)["code"] == "forbidden"
    for venue, who in ((theirs, owner), (own, maker)):
        await api.good("PATCH", path_of(venue), {"name": "Ours"}, who=who)
    copy = f"{path_of(theirs)}/duplicate"
    check_problem(await api.request("POST", copy, who=stranger), 403)
    assert (await api.good("POST", copy, who=owner))["organisation"] == org
    assert (await api.good("POST", copy, who=maker))["organisation"] is None
    await api.good("DELETE", path_of(theirs), who=owner)
    await api.good("DELETE", path_of(own), who=maker)


async def test_a_copy_is_made_once_under_its_key(api):
    venue = await made(api)
    path, key = f"{path_of(venue)}/duplicate", {"Idempotency-Key": venue["id"]}

    async def copied(name: str):
        return await api.request(
            "POST", path, {"name": name}, who=api.admin, headers=key
        )

    first, again = await copied("Copy"), await copied("Copy")
    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body
    assert first.body == venue | {"id": first.body["id"], "name": "Copy"}
    assert check_problem(await copied("Other"))["code"] == "key_reused"


async def test_the_map_of_a_venue_is_previewed_with_its_tag(api):
    venue = await made(api)
    path = f"{path_of(venue)}/map"
    first = await api.get(path)
    assert first.status == 200
    event = await draft_in(api, venue)
    shown = await api.good("GET", f"/v1/events/{event}/map", who=api.admin)
    assert first.body == shown
    known = {"If-None-Match": first.headers["etag"]}
    assert (await api.request("GET", path, headers=known)).status == 304
    await api.good("DELETE", f"/v1/events/{event}", who=api.admin)
    await api.good("PATCH", path_of(venue), {"map": LARGE}, who=api.admin)
    drawn = await api.request("GET", path, headers=known)
    assert drawn.status == 200
    assert [area["label"] for area in drawn.body["areas"]] == ["Floor"]
    check_problem(await api.get("/v1/venues/ven_none/map"), 404)


async def test_the_schema_of_maps_is_served_and_named(api):
    answer = await api.get("/v1/venues/map-schema")
    assert answer.headers["content-type"] == "application/schema+json"
    check = jsonschema.Draft202012Validator(answer.body)
    check.check_schema(answer.body)
    assert check.is_valid(LARGE)
    assert not check.is_valid({"seats": [{"row": 1.5}]})
    known = {"If-None-Match": answer.headers["etag"]}
    again = await api.request("GET", "/v1/venues/map-schema", headers=known)
    assert again.status == 304
    document = await api.good("GET", "/openapi.json")
    for name in ("VenueCreate", "VenuePatch"):
        said = str(document["components"]["schemas"][name]["properties"]["map"])
        assert "/v1/venues/map-schema" in said


async def test_a_venue_becomes_exclusive_while_its_events_do_not_overlap(api):
    venue = await made(api)
    first = await draft_in(api, venue, starts_at=after(days=20))
    second = await draft_in(api, venue, starts_at=after(days=20, hours=1))
    for event in (first, second):
        await api.change(event, "publish")
    alone, shared = {"exclusive": True}, {"exclusive": False}
    answer = await api.request("PATCH", path_of(venue), alone, who=api.admin)
    problem = check_problem(answer, 409)
    assert problem["code"] == "venue_in_use"
    assert "overlap" in problem["detail"]
    await api.good("DELETE", f"/v1/events/{second}", who=api.admin)
    for _ in range(2):
        changed = await api.good("PATCH", path_of(venue), alone, who=api.admin)
        assert changed["exclusive"] is True
    body = {"name": "Same", "venue": venue["id"], "starts_at": after(days=20)}
    third = await api.good("POST", "/v1/events", body, who=api.admin)
    path = f"/v1/events/{third['id']}/publish"
    answer = await api.request("POST", path, who=api.admin)
    assert check_problem(answer, 409)["code"] == "venue_taken"
    await api.good("PATCH", path_of(venue), shared, who=api.admin)
    await api.good("POST", path, who=api.admin)


async def test_events_made_while_a_map_changes_have_one_map_or_the_other(api):
    """Whichever comes first: an event's places are always those of its own map."""
    for _ in range(4):
        venue = await made(api)
        drawn, event = await asyncio.gather(
            api.request("PATCH", path_of(venue), {"map": LARGE}, who=api.admin),
            draft_in(api, venue),
        )
        shown = await api.good("GET", f"/v1/events/{event}/map", who=api.admin)
        assert len(shown["areas"]) == (1 if drawn.status == 200 else 0)
        audit = await api.good("GET", f"/v1/events/{event}/audit", who=api.admin)
        assert audit["ok"] is True
