"""What may be asked next about what a call has made or told, as OpenAPI's `links`.

Nobody writes them down, because they follow from the table of routes and from the types
of its answers. What is made at `/v1/events` and shown at `/v1/events/{event}` is an
event, and the `id` of such an answer stands for `{event}` in every path.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import fields

from server.ops.api.schemas import Schema
from server.transport.rest.route import PARAMETER, Route

BODY: Final = "$response.body#"
MADE: Final = HTTPStatus.CREATED


class Links:
    """The links of a table of routes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        every = [(route, PARAMETER.findall(route.path)) for route in routes]
        # What administrators may do is no use to almost all who would read of it.
        self._targets = [one for one in every if one[0].access != "admin"]
        self._names = {name for _, names in self._targets for name in names}
        shown = {route.path for route, _ in every if route.method == "GET"}
        self._kinds: dict[Any, str] = {
            route.answers: name
            for route, _ in every
            for name in {name for _, names in every for name in names}
            if route.status == MADE and f"{route.path}/{{{name}}}" in shown
        }

    def kind_of(self, route: Route) -> str | None:
        """Name what a good answer shows, as paths do; None where that is not known."""
        return self._kinds.get(route.answers)

    def of(self, route: Route) -> Schema:
        """Return the links of a good answer, by the operations that they lead to."""
        if route.method != "POST":
            # Whoever reads, changes or deletes something has its id already.
            return {}
        asked = PARAMETER.findall(route.path)
        new = self._new(route, asked)
        known = {
            **{name: f"$request.path.{name}" for name in asked},
            **self._named(route.answers),
            **new,
        }
        return {
            target.name: {
                "operationId": target.name,
                "parameters": {name: known[name] for name in names},
            }
            for target, names in self._targets
            if new.keys() & names and known.keys() >= set(names)
        }

    def _new(self, route: Route, asked: list[str]) -> dict[str, str]:
        """Say where an answer holds what its reader could not know before."""
        kind, held = self.kind_of(route), _held(route.answers)
        if kind is not None:
            # A copy is another than the one it was made from; an edited one is not.
            other = route.status == MADE or kind not in asked
            return {kind: f"{BODY}/id"} if other else {}
        part = route.path.rpartition("/")[2]
        if part in held and part in self._names:
            return {part: f"{BODY}/{part}/id"}
        if held.get("id") is str:
            # It tells of itself.
            return {}
        said = {*asked, *_held(route.body)}
        named = self._named(route.answers)
        return {name: named[name] for name in named if name not in said}

    def _named(self, answers: Any) -> dict[str, str]:
        return {
            name: f"{BODY}/{name}/id" if "id" in _held(kind) else f"{BODY}/{name}"
            for name, kind in _held(answers).items()
            if name in self._names
        }


def _held(kind: Any) -> dict[str, Any]:
    """Return the fields of a type, or of several, and their types."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return {
        field.encode_name: field.type
        for one in kinds
        if isinstance(one, type) and issubclass(one, Struct)
        for field in fields(one)
    }
