import json
from typing import get_args

import jsonschema
import msgspec
import orjson
import pytest

from inventory.commands import ClientCommand
from server.app import FRAMES
from server.live.fanout import frames
from server.ops.api import asyncapi
from server.ops.api.socket_examples import EXAMPLES

DOCUMENT = json.loads(orjson.dumps(asyncapi.build(FRAMES)))


def references(item):
    if isinstance(item, dict):
        if isinstance(item.get("$ref"), str):
            yield item["$ref"]
        for part in item.values():
            yield from references(part)
    elif isinstance(item, list):
        for part in item:
            yield from references(part)


def test_every_reference_leads_somewhere():
    found = set(references(DOCUMENT))
    assert found
    for reference in found:
        item = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            item = item[name]


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_every_schema_is_one(name):
    schema = DOCUMENT["components"]["schemas"][name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "discriminator" not in json.dumps(schema)


def test_every_frame_of_a_client_has_its_operation_and_reply():
    tags = {
        kind.__struct_config__.tag
        for kind in (
            *get_args(frames.SessionFrame),
            *get_args(ClientCommand),
            *(row.kind for row in FRAMES),
        )
    }
    assert {"watch", "unwatch", "watch_events", "unwatch_events"} < tags
    received = {
        name
        for name, operation in DOCUMENT["operations"].items()
        if operation["action"] == "receive"
    }
    assert received == tags
    assert all(
        len(DOCUMENT["operations"][tag]["reply"]["messages"]) == 3 for tag in tags
    )


def test_frames_nobody_asked_for_are_sent():
    sent = {
        name
        for name, operation in DOCUMENT["operations"].items()
        if operation["action"] == "send"
    }
    assert sent == {
        "send_snapshot",
        "send_delta",
        "send_beat",
        "send_sale",
        "send_expired",
        "send_bye",
        "send_new_event",
        "send_event_updated",
        "send_event_deleted",
        "send_capacity",
        "send_gate",
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one["op"])
def test_examples_fit_their_schemas_and_stand_with_their_messages(example):
    messages = [
        message
        for message in DOCUMENT["components"]["messages"].values()
        if {"payload": example} in message.get("examples", ())
    ]
    assert [message["title"] for message in messages] == [example["op"]]
    schema = messages[0]["payload"] | {"components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema).validate(example)


def test_an_encoded_delta_fits_its_schema():
    delta = frames.Delta("evt_1", "h", 1, 4, 5, {"h": [1, 2]}, {})
    found = msgspec.to_builtins(delta)
    schemas = {"components": DOCUMENT["components"]}
    schema = {"$ref": "#/components/schemas/Delta", **schemas}
    jsonschema.Draft202012Validator(schema).validate(found)
    assert found["from"] == 4
