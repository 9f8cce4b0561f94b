"""JSON Schemas of msgspec types, as both descriptions need them."""

import re
from collections.abc import Iterable
from typing import Any, Final, get_args

import msgspec

from inventory.commands import ClientCommand

REF: Final = "#/components/schemas/{name}"
Schema = dict[str, Any]

_WRAPPED: Final = re.compile(r"\s*\n\s*")


def components(types: Iterable[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """Return a schema for each type, and the named ones that these refer to."""
    schemas, named = msgspec.json.schema_components(list(types), ref_template=REF)
    for schema in named.values():
        if "description" in schema:
            # Docstrings are wrapped for us, not for the reader of a page.
            schema["description"] = _WRAPPED.sub(" ", schema["description"].strip())
    return list(schemas), named


def without_event(named: dict[str, Schema]) -> None:
    """Turn commands into their REST form: the path names the event, `id` may lack."""
    for command in get_args(ClientCommand):
        schema = named[command.__name__]
        del schema["properties"]["event"]
        schema["properties"]["id"]["default"] = 0
        schema["required"] = [
            name for name in schema["required"] if name not in ("event", "id")
        ]


def without_discriminators(schema: Any) -> None:
    """Drop what AsyncAPI spells in another way than OpenAPI."""
    waiting = [schema]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            item.pop("discriminator", None)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
