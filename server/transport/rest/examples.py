"""What a capability shows of its operations in the description of the interface."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

Several = Mapping[str, Mapping[str, Any]]
"""By operation and by the example's name, which a request and its answer share."""


class Examples(Struct, frozen=True, kw_only=True):
    """Bodies and queries that can be sent as they are, by operation."""

    requests: Mapping[str, Any] = {}
    answers: Mapping[str, Any] = {}
    several_requests: Several = {}
    """Where one example does not explain what may be sent."""
    several_answers: Several = {}
    queries: Several = {}
    """By operation and parameter; what is not here has a default that will do."""


class PathParameter(Struct, frozen=True):
    """A part of paths: what stands there, and one that the examples make."""

    description: str
    example: str
    recorded: bool = True
    """Whether it is the id of a thing, and no secret: the activity log keeps it."""


def merged(several: Iterable[Examples]) -> Examples:
    """Return the examples of all capabilities as those of one."""
    every = list(several)

    def all_of(name: str) -> dict[str, Any]:
        return {key: one for each in every for key, one in getattr(each, name).items()}

    return Examples(**{name: all_of(name) for name in Examples.__struct_fields__})
