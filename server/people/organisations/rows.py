"""What the rows of organisations have in common: address, queries, how they fail."""

from functools import partial
from typing import Any, Final

from persistence.people.invitations import AnswerState
from server.base.access import Needed
from server.people.organisations.membership import MEMBERSHIPS, Membership
from server.people.organisations.problems import ORGANISATION_NOT_FOUND
from server.transport.http.problems import (
    BAD_FIELD,
    KEY_REUSED,
    LIMIT_REACHED,
    UNAVAILABLE,
)
from server.transport.rest.bodies import convert
from server.transport.rest.call import Call
from server.transport.rest.paging import Page
from server.transport.rest.route import PAGING, WRITES, Query, Route

TAG: Final = "Organisations"
ONE: Final = "/v1/organisations/{organisation}"
ORGANISATION: Final = (ORGANISATION_NOT_FOUND, UNAVAILABLE)
EMPTY: Final = (*ORGANISATION, BAD_FIELD)
"""What may be wrong with a write that has no body."""

BODY: Final = (*WRITES, ORGANISATION_NOT_FOUND)
MADE: Final = (*BODY, KEY_REUSED, LIMIT_REACHED)
PAGED: Final = (*ORGANISATION, BAD_FIELD)
STATE: Final = Query(
    "state",
    {"type": "string", "enum": ["pending", "accepted", "declined", "withdrawn"]},
    "Only those of this state.",
)

read: Final = partial(Route, method="GET", tag=TAG, cached=True)
write: Final = partial(Route, tag=TAG, keyed=True)
post: Final = partial(write, method="POST")
delete: Final = partial(write, method="DELETE", status=204)


def listing(item: Any, **more: Any) -> Route:
    """Return the row of a list of items, page by page."""
    query = (*more.pop("query", ()), *PAGING)
    return read(answers=Page[item], query=query, **{"problems": PAGED, **more})


async def find_membership(call: Call) -> Membership:
    """Return the organisation of the path, and what the caller is to it, if anything.

    Raises `Refusal`.
    """
    name = call.path("organisation", ORGANISATION_NOT_FOUND)
    return await call[MEMBERSHIPS].find(call.identity, name)


async def require_membership(call: Call, needed: Needed) -> Membership:
    """Return the organisation of the path, where the caller may do this for it."""
    name = call.path("organisation", ORGANISATION_NOT_FOUND)
    return await call[MEMBERSHIPS].require(call.who, name, needed)


def read_state(call: Call) -> AnswerState | None:
    """Return the state that a list is asked for."""
    state = call.request.query.get("state")
    if state is None:
        return None
    return convert({"state": state}, dict[str, AnswerState])["state"]
