import json
from typing import Any

import orjson
import pytest
from msgspec import Struct, structs

from server.app import CAPABILITIES, ROUTES
from server.events.bookings.rest import BookedEvent
from server.ops.api import openapi
from server.ops.api.links import BODY, Links
from server.people.activity.capability import recorded_of
from server.transport.rest.route import PARAMETER

DOCUMENT = json.loads(orjson.dumps(openapi.build(CAPABILITIES)))
LINKS = Links(ROUTES)
BY_NAME = {route.name: route for route in ROUTES}
LINKED = {route.name: links for route in ROUTES if (links := LINKS.of(route))}


def given(name: str) -> dict[str, dict[str, str]]:
    """Return what each link of an operation gives."""
    return {to: link["parameters"] for to, link in LINKED[name].items()}


def schemas_of(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the objects that a schema allows."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return schemas_of(DOCUMENT["components"]["schemas"][name])
    if "anyOf" in schema:
        return [one for part in schema["anyOf"] for one in schemas_of(part)]
    return [schema]


def test_what_is_made_is_linked_to_all_that_is_done_with_it():
    assert given("create_venue") == {
        name: {"venue": f"{BODY}/id"}
        for name in (
            "show_venue",
            "show_venue_map",
            "edit_venue",
            "duplicate_venue",
            "delete_venue",
        )
    }
    key = {"organisation": f"{BODY}/organisation", "key": f"{BODY}/id"}
    assert given("create_api_key") == {
        "show_api_key": key,
        "rotate_api_key": key,
        "revoke_api_key": key,
    }
    events = {
        route.name
        for route in ROUTES
        if PARAMETER.findall(route.path) == ["event"] and route.access != "admin"
    }
    assert given("create_event") == {name: {"event": f"{BODY}/id"} for name in events}
    assert given("duplicate_event") == given("create_event")


def test_what_is_told_in_passing_is_linked_too():
    booking = {"booking": f"{BODY}/booking"}
    assert given("run_command") == {
        "show_booking": booking,
        "cancel_booking": booking,
        "show_referenced_booking": {"reference": f"{BODY}/reference"},
    }
    assert given("upload_image") == {"show_image": {"image": f"{BODY}/image/id"}}
    session = {"end_session": {"session": f"{BODY}/session"}}
    assert given("register") == given("log_in") == given("refresh") == session
    assert given("accept_invitation")["show_organisation"] == {
        "organisation": f"{BODY}/organisation"
    }


class Told(Struct):
    """An answer with a booking's id, and with its event as an object."""

    booking: str
    event: BookedEvent


def test_what_is_told_as_an_object_is_named_by_the_id_in_it():
    route = structs.replace(BY_NAME["run_command"], path="/v1/told", answers=Told)
    links = Links([*ROUTES, route]).of(route)
    assert links["show_event"]["parameters"] == {"event": f"{BODY}/event/id"}
    assert links["show_booking"]["parameters"] == {"booking": f"{BODY}/booking"}


@pytest.mark.parametrize(
    "name",
    ["create_guest", "publish_event", "rotate_api_key", "cancel_booking", "move_event"],
)
def test_what_the_caller_knew_already_is_not_linked(name):
    assert name not in LINKED


def test_nothing_leads_to_what_only_administrators_may():
    to = {name for links in LINKED.values() for name in links}
    assert {BY_NAME[name].access for name in to} == {
        "anonymous",
        "anyone",
        "buyer",
        "customer",
        "leader",
        "manager",
        "member",
        "owner",
    }


@pytest.mark.parametrize("name", sorted(LINKED))
def test_every_link_gives_all_parts_of_a_path_out_of_an_answer(name):
    route = BY_NAME[name]
    operation = DOCUMENT["paths"][route.path]["post"]
    answer = operation["responses"][str(route.status)]
    assert answer["links"] == LINKED[name]
    (content,) = answer["content"].values()
    for link in LINKED[name].values():
        target = BY_NAME[link["operationId"]]
        assert sorted(link["parameters"]) == sorted(PARAMETER.findall(target.path))
        for expression in link["parameters"].values():
            asked = expression.removeprefix("$request.path.")
            if asked != expression:
                assert asked in PARAMETER.findall(route.path)
                continue
            shapes = [content["schema"]]
            for part in expression.removeprefix(f"{BODY}/").split("/"):
                shapes = [
                    shape["properties"][part]
                    for allowed in shapes
                    for shape in schemas_of(allowed)
                    if part in shape.get("properties", {})
                ]
            assert any(
                shape.get("type") == "string"
                for allowed in shapes
                for shape in schemas_of(allowed)
            ), expression


def test_what_has_a_location_is_what_the_activity_log_notes():
    made_at = recorded_of(CAPABILITIES).made_at
    made = {
        route.path.rpartition("/")[2]: LINKS.kind_of(route)
        for route in ROUTES
        if route.status == 201 and route.path.rpartition("/")[2] in made_at
    }
    assert made == made_at
    for route in ROUTES:
        good = DOCUMENT["paths"][route.path][route.method.lower()]["responses"]
        headers = good[str(route.status)].get("headers", {})
        placed = route.status == 201 and LINKS.kind_of(route) is not None
        assert ("Location" in headers) == placed, route.name
