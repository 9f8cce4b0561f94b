"""Our own map format as a JSON Schema, made of the types that read it."""

from inspect import cleandoc
from typing import Any

import msgspec

from inventory.venue.own import MapArea, MapDocument, MapSeat

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def map_schema() -> dict[str, Any]:
    """Return the schema of what `read_map` reads.

    What no schema can say is left to that: that labels are unique, that the categories
    of seats are listed, that an index is its place in the list.
    """
    _, parts = msgspec.json.schema_components(
        [MapDocument], ref_template="#/$defs/{name}"
    )
    schema = parts.pop(MapDocument.__name__)
    for part in (schema, *parts.values()):
        part["description"] = cleandoc(part["description"])
    schema["anyOf"] = [
        {"required": [name], "properties": {name: {"minItems": 1}}}
        for name in ("seats", "areas")
    ]
    seat, area = parts[MapSeat.__name__], parts[MapArea.__name__]
    seat["anyOf"] = [_given("number"), _given("label")]
    for part in (seat, area):
        part["oneOf"] = [
            _given("x", "y"),
            {"not": {"anyOf": [_given("x"), _given("y")]}},
        ]
    return {"$schema": DIALECT, **schema, "$defs": parts}


def _given(*names: str) -> dict[str, Any]:
    """Return what says that fields are there, and not null."""
    properties = {name: {"not": {"type": "null"}} for name in names}
    return {"required": list(names), "properties": properties}
