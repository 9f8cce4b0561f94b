"""One row of the table of routes."""

import re
from typing import Any, Final

from msgspec import Struct

from persistence.people.api_keys import Scope
from server.base.access import Access
from server.base.refusals.refusals import ProblemType
from server.transport.http.problems import (
    BAD_FIELD,
    BAD_FRAME,
    EVENT_NOT_FOUND,
    REQUEST_TIMEOUT,
    TOO_LARGE,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
)
from server.transport.ratelimit.request_limits import Budget
from server.transport.rest.guard import CallHandler

PARAMETER: Final = re.compile(r"\{(\w+)\}")
"""A part of a path that stands for any value."""


class Query(Struct, frozen=True):
    """One parameter of a query."""

    name: str
    schema: dict[str, Any]
    description: str

    @property
    def several(self) -> bool:
        """Whether it may be given several times."""
        return self.schema.get("type") == "array"


class Route(Struct, frozen=True, kw_only=True):
    """One operation: what is served, to whom, what goes in and what comes out."""

    method: str
    path: str
    handler: CallHandler
    name: str
    """Its operation id."""
    summary: str
    tag: str
    access: Access
    who: str | None = None
    """Who may call it, in words, where its access is not the whole story."""
    scope: Scope | None = None
    """What an API key needs to be let in; without one none is."""
    opened: bool = False
    """Whether it lets in who opened an order with a secret that was mailed."""
    body: Any = None
    body_required: bool = True
    body_media_type: str = "application/json"
    answers: Any = None
    """The type, or types, of a good answer; None where it is no JSON of ours."""
    media_type: str = "application/json"
    status: int = 200
    done_status: int | None = None
    """What is answered instead where it was done before, by another request."""
    budget: Budget = "requests"
    """What a call takes from, where requests are limited."""
    keyed: bool = False
    """Whether it honours `Idempotency-Key`."""
    cached: bool = False
    """Whether it carries an `ETag` and honours `If-None-Match`."""
    query: tuple[Query, ...] = ()
    problems: tuple[ProblemType, ...] = ()


PAGING: Final = (
    Query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
        "How many items a page has at most.",
    ),
    Query("cursor", {"type": "string"}, "The `next_cursor` of the page before."),
    Query(
        "count",
        {"type": "boolean", "default": False},
        "Whether to count: `total` is how many items all pages have together.",
    ),
)
EVENT: Final = (EVENT_NOT_FOUND, UNAVAILABLE)
FIELDS: Final = (BAD_FRAME, BAD_FIELD)
WRITES: Final = (
    *FIELDS,
    REQUEST_TIMEOUT,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    UNAVAILABLE,
)
"""What may be wrong with any body, and with storing what it says."""


def operational(
    path: str,
    name: str,
    handler: CallHandler,
    budget: Budget = "shown",
    **more: Any,
) -> Route:
    """Return the row of something that is served to operators and their machines."""
    return Route(
        budget=budget,
        method="GET",
        path=path,
        handler=handler,
        name=name,
        tag="Operation",
        access="operational",
        **more,
    )
