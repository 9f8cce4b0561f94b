import json
from collections import Counter

import jsonschema
import orjson
import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator

from inventory import rejections
from server.app import CAPABILITIES, ROUTES
from server.ops.api import openapi
from server.transport.capability.capability import add_routes
from server.transport.http import problems
from server.transport.rest.examples import merged
from server.transport.rest.story import CODE

EXAMPLES = merged(one.examples for one in CAPABILITIES)
PROBLEM = {
    "type": "urn:onsale:problem:seat_not_free",
    "title": "Conflict",
    "status": 409,
    "detail": "Somebody else was faster.",
    "code": "seat_not_free",
    "transient": False,
    "request_id": "Zk0bTQyW2mGq1c5u",
    "seats": ["A-1"],
    "alternatives": [["B-4", "B-5"]],
}
DOCUMENT = json.loads(orjson.dumps(openapi.build(CAPABILITIES)))
OPERATIONS = {
    operation["operationId"]: operation
    for path in DOCUMENT["paths"].values()
    for operation in path.values()
}
BY_NAME = {route.name: route for route in ROUTES}


def check(example, schema):
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(
        whole, format_checker=jsonschema.FormatChecker()
    ).validate(example)


def test_the_document_is_valid_openapi():
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_route_of_the_application_is_described_and_vice_versa():
    app = web.Application()
    add_routes(app, ROUTES)
    served = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        # The last refuse whatever an address takes not.
        if route.resource is not None and route.method not in ("HEAD", "*")
    }
    described = {
        (method.upper(), path)
        for path, operations in DOCUMENT["paths"].items()
        for method in operations
    }
    assert served == described
    assert len(served) == len(ROUTES)


def test_every_operation_has_a_name_of_its_own():
    assert max(Counter(route.name for route in ROUTES).values()) == 1


def test_only_what_anybody_may_do_goes_without_a_token():
    free = {name for name, found in OPERATIONS.items() if not found["security"]}
    assert free == {
        "show_alive",
        "show_ready",
        "show_health",
        "show_metrics",
        "show_openapi",
        "show_asyncapi",
        "show_docs",
        "show_docs_asset",
        "show_try",
        "create_guest",
        "log_in",
        "refresh",
        "verify_email",
        "forgot_password",
        "reset_password",
        "cancel_registration",
        "show_token_keys",
        "take_payment_webhook",
        "look_up_order",
        "open_order",
        "open_place",
        "show_ticket_keys",
    }


def test_every_write_on_behalf_of_somebody_takes_an_idempotency_key():
    for route in ROUTES:
        writes = route.method != "GET" and route.access != "anonymous"
        # Nobody asks for it by name, but only the owner of a session can.
        assert route.keyed == (writes or route.name == "refresh"), route.name


def test_every_query_may_be_wrong():
    asked = [route for route in ROUTES if route.query]
    codes = {route.name: {one.code for one in route.problems} for route in asked}
    assert [name for name in codes if "bad_field" not in codes[name]] == []


def test_every_read_of_the_interface_carries_a_tag():
    without = {
        route.name
        for route in ROUTES
        if route.method == "GET" and route.access != "operational" and not route.cached
    }
    # A receipt is made anew each time, and may take minutes; tables and transcripts are
    # sent while they are read, and nobody knows their tag before their end.
    tables = {f"export_{one}" for one in ("orders", "tickets", "attendees")}
    sent = {"export_promotions", "show_transcript", *tables}
    assert without == {"show_audit", *sent}


def test_every_code_that_a_route_names_has_a_text():
    for route in ROUTES:
        for kind in route.problems:
            assert kind.detail, (route.name, kind.code)
    assert set(rejections.CODES) == set(problems.REFUSALS)


@pytest.mark.parametrize("name", sorted(EXAMPLES.requests))
def test_the_example_of_a_request_fits_its_schema(name):
    content = OPERATIONS[name]["requestBody"]["content"]["application/json"]
    assert content["example"] == EXAMPLES.requests[name]
    check(content["example"], content["schema"])


@pytest.mark.parametrize("name", sorted(EXAMPLES.answers))
def test_the_example_of_an_answer_fits_its_schema(name):
    good = OPERATIONS[name]["responses"][str(BY_NAME[name].status)]
    content = good["content"][BY_NAME[name].media_type]
    assert content["example"] == EXAMPLES.answers[name]
    check(content["example"], content["schema"])


def several(of):
    return [(name, one) for name in sorted(of) for one in of[name]]


@pytest.mark.parametrize(("name", "one"), several(EXAMPLES.several_requests))
def test_each_of_several_examples_of_a_request_fits_its_schema(name, one):
    content = OPERATIONS[name]["requestBody"]["content"]["application/json"]
    assert content["examples"][one]["value"] == EXAMPLES.several_requests[name][one]
    assert "example" not in content
    check(EXAMPLES.several_requests[name][one], content["schema"])


@pytest.mark.parametrize(("name", "one"), several(EXAMPLES.several_answers))
def test_each_of_several_examples_of_an_answer_fits_its_schema(name, one):
    good = OPERATIONS[name]["responses"][str(BY_NAME[name].status)]
    content = good["content"][BY_NAME[name].media_type]
    assert content["examples"][one]["value"] == EXAMPLES.several_answers[name][one]
    assert one in EXAMPLES.several_requests[name]
    check(EXAMPLES.several_answers[name][one], content["schema"])


@pytest.mark.parametrize("name", sorted(EXAMPLES.queries))
def test_the_examples_of_a_query_fit_and_stand_with_every_filter(name):
    parameters = {
        one["name"]: one
        for one in OPERATIONS[name]["parameters"]
        if one["in"] == "query"
    }
    shown = EXAMPLES.queries[name]
    assert parameters.keys() - {"count", "cursor", "limit"} == shown.keys()
    for parameter, example in shown.items():
        assert parameters[parameter]["example"] == example
        check(example, parameters[parameter]["schema"])


def test_whoever_is_new_is_told_the_order_of_steps_and_who_may_take_them():
    tags = {tag["name"]: tag["description"] for tag in DOCUMENT["tags"]}
    assert tags.keys() == {route.tag for route in ROUTES}
    assert DOCUMENT["info"]["description"].startswith("# First steps")
    for route in ROUTES:
        said = OPERATIONS[route.name]["description"]
        assert route.scope is None or f"`{route.scope}`" in said
        assert ("Needs no token" in said) == (
            route.access in ("anonymous", "anyone") and route.name != "refresh"
        )


def test_every_part_of_a_path_has_an_example_that_some_answer_gives():
    answers = json.dumps([EXAMPLES.answers, EXAMPLES.several_answers])
    shown = {
        (one["name"], one["example"])
        for operation in OPERATIONS.values()
        for one in operation["parameters"]
        if one["in"] == "path"
    }
    by_mail = {("code", CODE), ("asset", "redoc.standalone.js")}
    for name, example in shown - by_mail:
        assert f'"{example}"' in answers, name


def test_the_example_of_a_problem_fits_its_schema():
    check(PROBLEM, {"$ref": "#/components/schemas/Problem"})


def test_a_command_over_rest_names_no_event_and_needs_no_id():
    schema = {"$ref": "#/components/schemas/Hold"}
    check({"op": "hold", "seats": ["A-1"]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        check({"op": "hold", "seats": ["A-1"], "event": "evt_1"}, schema)
