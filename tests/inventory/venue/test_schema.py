"""The schema of our map format accepts what the reader does, and tells most faults."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from inventory.venue.arena import arena
from inventory.venue.chart import read_chart
from inventory.venue.errors import ChartError
from inventory.venue.own import capacity_map, read_map
from inventory.venue.schema import map_schema
from tests import charts
from tests.inventory.venue.test_own import FIELDS, JSON, SMALL, spoilt

PUBLISHED = Path(__file__).parents[3] / "docs" / "map.schema.json"
SCHEMA = map_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def is_valid(value: object) -> bool:
    return bool(VALIDATOR.is_valid(value))


def test_it_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)
    assert "\n  " not in json.dumps(SCHEMA["description"])


def test_the_published_one_is_the_one_that_the_types_say():
    """Write it anew with `python -m tests.inventory.venue.test_schema`."""
    assert json.loads(PUBLISHED.read_text("utf-8")) == SCHEMA


@pytest.mark.parametrize("name", charts.NAMES)
def test_maps_that_were_given_out_are_valid(name):
    assert is_valid(msgspec.to_builtins(read_chart(charts.load(name))))


def test_maps_of_every_kind_are_valid():
    assert is_valid(SMALL)
    assert is_valid(msgspec.to_builtins(arena(300)))
    assert is_valid(msgspec.to_builtins(capacity_map(10)))
    assert is_valid(SMALL | {"name": "Small", "focal_point": {"x": 1, "y": 2}})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("seats", 1, "number"), None),
        (("seats", 1, "number"), ""),
        (("seats", 1, "number"), " "),
        (("seats", 1, "label"), "a\0b"),
        (("seats", 1, "label"), "x" * 101),
        (("seats", 1, "section"), []),
        (("seats", 1, "acessible"), True),
        (("seats", 1, "x"), 3),
        (("seats", 3, "y"), 1e10),
        (("seats", 3, "y"), None),
        (("seats", 0), []),
        (("areas", 0, "capacity"), 0),
        (("areas", 0, "capacity"), 10**30),
        (("areas", 0, "y"), 3),
        (("categories", 0, "color"), "red;"),
        (("categories", 0, "key"), ""),
        (("categories",), None),
        (("focal_point",), {"x": 1}),
        (("section_focal_points",), {"\0": {"x": 1, "y": 2}}),
    ],
)
def test_what_the_reader_refuses_the_schema_does_too(path: tuple[Any, ...], value):
    document = spoilt(path, value)
    assert not is_valid(document)
    with pytest.raises(ChartError):
        read_map(document)


def test_a_map_without_seats_and_areas_is_not_valid():
    assert not is_valid({"seats": [], "areas": [], "categories": []})
    assert not is_valid({"categories": []})


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FIELDS), JSON)
def test_what_is_read_is_valid(path: tuple[Any, ...], value: object):
    document = spoilt(path, value)
    try:
        read_map(document)
    except ChartError:
        return
    assert is_valid(document)


if __name__ == "__main__":
    PUBLISHED.write_text(json.dumps(SCHEMA, indent=2) + "\n", "utf-8")
