"""All that is wrong with a body is told at once, wherever it is sent."""

import re
from typing import Any, Final

import msgspec
import pytest

from server.app import ROUTES
from server.transport.rest.route import Route
from tests.contract.client import Answer, Api, Json, after, check_problem
from tests.contract.teams import ordered, own_venue, sale_of, team

WRONG: Final = 3.5
"""What no field of a body takes."""
UNKNOWN: Final = "no_such_field"


async def json_routes(api: Api) -> list[tuple[Route, str]]:
    """Give the routes whose body the API's description says is JSON."""
    document = await api.good("GET", "/openapi.json")
    described = {
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    found = [route for route in ROUTES if route.name in described]
    assert len(found) == len(described) > 20
    # What a provider sends is judged by its signature, and has no fields of ours.
    found = [route for route in found if route.name != "take_payment_webhook"]
    return [(route, field_of(route)) for route in found]


def field_of(route: Route) -> str:
    """Give a field that its body has; of a command, one that holds have."""
    if route.name == "run_command":
        return "ttl_s"
    fields = msgspec.structs.fields(route.body)
    return fields[0].encode_name


def faults(answer: Answer) -> dict[str, str]:
    body = check_problem(answer, 422)
    assert body["code"] == "bad_field"
    found = {error["field"]: error["detail"] for error in body["errors"]}
    for detail in found.values():
        assert detail.endswith((".", "…"))
        assert not re.search(r"[`$]|regex|`str`|struct", detail)
    return found


async def test_every_body_with_two_faults_is_refused_for_both(api):
    one = await team(api)
    venue = (await own_venue(api, one)).rpartition("/")[2]
    event = await sale_of(api, one)
    parts = {"organisation": one.id, "event": event, "venue": venue}
    parts["room"] = f"event:{event}"
    # Who may not touch an order is told so before its body is read.
    parts["order"] = await ordered(api, event, await api.guest())
    wrong: dict[str, Any] = {}
    for route, field in await json_routes(api):
        path = re.sub(r"\{(\w+)\}", lambda m: parts.get(m[1], "none"), route.path)
        body: Json = {field: WRONG, UNKNOWN: 1}
        if route.name == "run_command":
            body["op"] = "hold"
        # No administrator may leave, whatever is sent.
        who = one.owner if route.name == "delete_me" else api.admin
        answer = await api.request(route.method, path, body, who=who)
        told = answer.body.get("errors", answer.body) if answer.body else answer.status
        fields = {error["field"] for error in told} if type(told) is list else told
        if not isinstance(fields, set) or not {field, UNKNOWN} <= fields:
            wrong[route.name] = fields
            continue
        faults(answer)
    assert wrong == {}


async def refused(api: Api, method: str, path: str, body: Json) -> dict[str, str]:
    return faults(await api.request(method, path, body, who=api.admin))


async def test_a_new_event_is_told_all_that_is_wrong_with_it(api):
    body = {
        "name": 7,
        "venue": await api.venue("small"),
        "starts_at": after(days=30),
        "ends_at": after(days=29),
        "on_sale_at": "tomorrow",
        "prices": {
            "1": {"amount": -1, "currency": "euro"},
            "front": {"amount": 1, "currency": "EUR"},
        },
        "payment": "maybe",
        "hold_ttl": 60,
    }
    found = await refused(api, "POST", "/v1/events", body)
    assert found["name"] == "Expected text, got a whole number."
    assert found["ends_at"] == "Not after starts_at."
    assert "RFC 3339" in found["on_sale_at"]
    assert found["prices.1.amount"].startswith("Expected a whole number from 0 to")
    assert "three capital letters" in found["prices.1.currency"]
    assert "no such category" in found["prices.front"]
    assert found["payment"] == "Expected one of none, required."
    assert found["hold_ttl"].endswith("the nearest is 'hold_ttl_s'.")
    assert found["prices.2"] == "Category '2' has no price; 0 is one."
    assert len(found) == 9


async def test_rules_across_fields_wait_for_fields_that_can_be_read(api):
    body: Json = {"name": "x", "starts_at": 5, "ends_at": "2020-01-01T00:00:00Z"}
    found = await refused(api, "POST", "/v1/events", body | {"capacity": "7"})
    # When it starts nobody knows, nor whether there is a place.
    assert set(found) == {"starts_at", "ends_at", "capacity"}
    assert found["ends_at"] == "In the past."
    found = await refused(api, "POST", "/v1/events", body)
    assert found["venue"] == "Give exactly one of venue and capacity."


async def test_an_edit_and_a_duplicate_are_told_all_that_is_wrong(api):
    made = await api.draft("small", ends_at=after(days=31))
    path = f"/v1/events/{made['id']}"
    body = {"capacity": 7, "max_per_user": 0, "ends_at": after(days=29)}
    found = await refused(api, "PATCH", path, body)
    assert list(found) == ["max_per_user", "capacity", "ends_at"]
    body = {"starts_at": "soon", "ends_at": after(days=-3), "name": ""}
    found = await refused(api, "POST", f"{path}/duplicate", body)
    assert set(found) == {"starts_at", "ends_at", "name"}
    assert (await api.event(made["id"]))["max_per_user"] == made["max_per_user"]


async def test_a_venue_is_told_what_is_wrong_beside_its_map_and_in_it(api):
    seats: list[Json] = [
        {"category": "1", "row": "A", "number": i, "section": None} for i in range(9)
    ]
    seats += [{"category": "2", "row": [], "number": 1}, {"category": "1", "number": 0}]
    seats.append({"category": "1", "number": 0})
    body = {
        "name": "",
        "map": {"categories": [{"key": "1"}], "seats": seats},
        "exclusiv": True,
    }
    found = await refused(api, "POST", "/v1/venues", body)
    assert found["map.seats.9.row"].startswith("Expected text, a whole number or null")
    assert "used twice" in found["map.seats.11.label"]
    assert "not listed" in found["map.seats.9.category"]
    assert {"name", "exclusiv"} <= set(found)


async def test_a_command_is_told_all_that_is_wrong_with_it(api):
    event = await api.sale(None, capacity=5)
    body = {"op": "hold", "areas": {"GA": 0}, "ttl_s": "5", "event": event}
    path = f"/v1/events/{event}/commands"
    found = await refused(api, "POST", path, body)
    assert set(found) == {"areas.GA", "ttl_s", "event"}
    async with await api.socket(await api.guest()) as socket:
        frame = await socket.ask(**body)
    assert frame["code"] == "bad_field"
    assert "areas.GA: Expected a whole number from 1 to 1000000." in frame["detail"]
    assert "ttl_s: Expected a whole number or null, got text." in frame["detail"]


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        (
            "/v1/auth/register",
            {"email": "nobody", "password": "short", "name": "x"},
            {"email", "password"},
        ),
        (
            "/v1/me",
            {"email": "nobody", "name": ""},
            {"email", "name", "current_password"},
        ),
    ],
)
async def test_forms_of_people_are_told_all_that_is_wrong(api, path, body, wrong):
    method = "POST" if "auth" in path else "PATCH"
    assert set(await refused(api, method, path, body)) == wrong


async def test_refusals_carry_their_numbers(api):
    event = await api.sale(None, capacity=6, max_per_booking=4, max_per_user=5)
    ann, bob = await api.guests(2)

    async def problem(who: Any, op: str, **fields: Any) -> Json:
        answer = await api.command(event, who, op, **fields)
        body = check_problem(answer)
        async with await api.socket(who) as socket:
            told = await socket.ask(op, event=event, **fields)
        for name in ("limit", "has", "free", "deadline", "code", "detail"):
            assert told.get(name) == body.get(name)
        return body

    held = await api.ok(event, ann, "hold", areas={"GA": 3})
    many = await problem(ann, "hold", areas={"GA": 2}, hold=held["hold"])
    assert (many["code"], many["limit"], many["has"]) == ("too_many_seats", 4, 3)
    over = await problem(ann, "hold", areas={"GA": 3})
    assert (over["code"], over["limit"], over["has"]) == ("user_limit", 5, 3)
    few = await problem(bob, "hold", areas={"GA": 4})
    assert (few["code"], few["free"]) == ("not_enough_seats", 3)
    best = await problem(bob, "hold_best", quantity=4)
    assert (best["code"], best["free"]) == ("not_enough_seats", 3)


async def test_the_other_event_of_a_taken_venue_is_named_to_whom_it_is_shown(api):
    plan = {"categories": [{"key": "1"}], "seats": [{"category": "1", "number": 1}]}
    room = {"name": "Room", "map": plan, "exclusive": True}
    one, other = await team(api), await team(api)
    room["planners"] = [one.id, other.id]
    venue = (await api.good("POST", "/v1/venues", room, who=api.admin))["id"]
    body = {"name": "Secret", "venue": venue, "starts_at": after(days=30)}

    async def taken(who: Any, organisation: str) -> Json:
        new = body | {"organisation": organisation}
        made = await api.good("POST", "/v1/events", new, who=who)
        answer = await api.request("POST", f"/v1/events/{made['id']}/publish", who=who)
        found = check_problem(answer, 409)
        assert found["code"] == "venue_taken"
        return found

    own = body | {"organisation": one.id}
    first = await api.good("POST", "/v1/events", own, who=one.owner)
    await api.good("POST", f"/v1/events/{first['id']}/publish", who=one.owner)
    named = {"id": first["id"], "name": "Secret"}
    assert (await taken(one.leader, one.id))["event"] == named
    assert (await taken(other.owner, other.id))["event"] == named
