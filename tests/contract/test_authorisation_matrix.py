"""Every call as everybody: who is let in is what the table of routes says.

An event, its organisation and a booking are really there; whatever else a path names is
not, and bodies are wrong, so that those who are let in do no harm: they get any answer
but 401 and 403.
"""

import asyncio
import re
from typing import Any, Final, NamedTuple

import pytest

from server.app import ROUTES
from server.transport.rest.route import Route
from tests.contract.client import Answer, Api, Person
from tests.contract.process import Server
from tests.contract.teams import (
    account,
    api_key,
    booked,
    organizer,
    sale_of,
    team,
)

BUYERS: Final = {"guest", "customer", "organizer", "staff", "leader", "owner", "admin"}
ACCOUNTS: Final = BUYERS - {"guest"}
PEOPLE: Final = {"nobody"} | BUYERS
MACHINES: Final = {"machine", "strange machine", "machine without scopes"}
EVERYBODY: Final = PEOPLE | MACHINES

ALLOWED: Final[dict[str, set[str]]] = {
    "operational": EVERYBODY,
    "anonymous": EVERYBODY,
    "anyone": PEOPLE,
    "buyer": BUYERS,
    "customer": ACCOUNTS,
    "manager": {"leader", "owner", "admin"},
    "member": {"staff", "leader", "owner", "admin"},
    "leader": {"leader", "owner", "admin"},
    "owner": {"owner", "admin"},
    "organizer": {"organizer", "admin"},
    "admin": {"admin"},
}
UNLIKE: Final[dict[str, set[str]]] = {
    # For their organisation, or for nobody's.
    "create_venue": {"organizer", "leader", "owner", "admin"},
    # Staff see bookings, and remove nobody but themselves.
    "list_event_bookings": {"staff", "leader", "owner", "admin"},
    "list_attendees": {"staff", "leader", "owner", "admin"},
    # For their organisations, or their own.
    "create_person": {"organizer", "leader", "owner", "admin"},
    "list_persons": {"organizer", "staff", "leader", "owner", "admin"},
    # Of ticket holders, too, and nobody of these is one.
    "list_announcements": {"staff", "leader", "owner", "admin"},
    "show_announcement": {"staff", "leader", "owner", "admin"},
    "remove_member": {"leader", "owner", "admin"},
    # To strangers it is not there; staff see it and may not cancel it.
    "cancel_booking": BUYERS - {"staff"},
    # Administrators are made and unmade by whoever runs the server.
    "delete_me": ACCOUNTS - {"admin"},
}
"""Whom a handler lets in otherwise than the word for its access says."""

OF_ONE: Final = {"manager", "member", "leader", "owner"}
READ_BY_HOLDERS: Final = {"list_announcements", "show_announcement"}
ENDING: Final = {"log_out", "log_out_everywhere", "delete_me"}
"""Whoever does these is nobody for the rest of the run: only refusals are tried."""

SEEN: Final = {"show_booking", "show_referenced_booking"}
SEERS: Final = {"staff", "leader", "owner", "admin", "machine"}
"""To all others a booking of somebody else looks like none at all."""

INSTEAD: Final = {("cancel_booking", "booking"): "cancelled"}
"""What stands in a path instead, so that the booking stays."""

BODIES: Final[dict[str, object]] = {"run_command": {"op": "holding"}}
WRONG: Final = {"no such field": True}


class World(NamedTuple):
    """What is asked for, and how everybody proves who they are."""

    parts: dict[str, str]
    headers: dict[str, dict[str, str]]


def expected(route: Route, who: str) -> bool:
    """Return whether a route lets somebody in."""
    if who in MACHINES and route.access not in ("operational", "anonymous"):
        if route.scope is None or who == "machine without scopes":
            return False
        strange = who == "strange machine"
        one = route.access in OF_ONE or route.name in READ_BY_HOLDERS
        return not (strange and one) and route.name != "run_command"
    return who in UNLIKE.get(route.name, ALLOWED[route.access])


async def make_world(server: Server) -> World:
    async with Api(server) as api:
        one, other = await team(api), await team(api)
        event = await sale_of(api, one)
        booking = await booked(api, event, await api.guest())
        gone = await booked(api, event, await api.guest())
        await api.ok(event, api.admin, "cancel", booking=gone["booking"])
        people: dict[str, Person] = {
            "guest": await api.guest(),
            "customer": await account(api),
            "organizer": await organizer(api),
            "staff": one.staff,
            "leader": one.leader,
            "owner": one.owner,
            "admin": api.admin,
        }
        headers = {
            who: {"Authorization": f"Bearer {one.token}"} for who, one in people.items()
        }
        keys = {
            "machine": await api_key(api, one),
            "strange machine": await api_key(api, other),
            "machine without scopes": await api_key(api, one, ["tickets:scan"]),
        }
        headers |= {who: {"X-API-Key": made["key"]} for who, made in keys.items()}
        parts = {
            "event": event,
            "booking": booking["booking"],
            "cancelled": gone["booking"],
            "reference": booking["reference"],
            "organisation": one.id,
            "asset": "none",
        }
        return World(parts, headers | {"nobody": {}})


@pytest.fixture(scope="module")
def world(server: Server) -> World:
    return asyncio.run(make_world(server))


async def send(api: Api, world: World, route: Route, who: str) -> Answer:
    def part(found: re.Match[str]) -> str:
        name = INSTEAD.get((route.name, found[1]), found[1])
        return world.parts.get(name, "none")

    path = re.sub(r"\{(\w+)\}", part, route.path)
    body: Any = None if route.body is None else BODIES.get(route.name, WRONG)
    return await api.request(route.method, path, body, headers=world.headers[who])


def judge(route: Route, who: str, answer: Answer) -> str | None:
    """Return what is wrong with an answer."""
    told = f"{route.name} as {who}: {answer.status}"
    code = answer.body.get("code") if answer.is_problem else None
    if not expected(route, who):
        wanted = (401, "unauthenticated") if who == "nobody" else (403, "forbidden")
        return None if (answer.status, code) == wanted else f"{told} {code}"
    if answer.status in (401, 403) and route.access != "anonymous":
        return f"{told} {code}"
    if answer.status >= 500:
        return f"{told} {code}"
    if route.name in SEEN and (answer.status == 200) != (who in SEERS):
        return f"{told} {code}"
    return None


@pytest.mark.parametrize("who", sorted(EVERYBODY))
async def test_every_call_lets_in_whom_its_route_names_and_nobody_else(api, world, who):
    wrong = []
    for route in ROUTES:
        if route.name in ENDING and expected(route, who):
            continue
        answer = await send(api, world, route, who)
        wrong.append(judge(route, who, answer))
    assert [one for one in wrong if one is not None] == []


def test_the_matrix_has_a_line_for_every_kind_of_access():
    assert {route.access for route in ROUTES} <= set(ALLOWED)
    assert set(UNLIKE) | ENDING | SEEN <= {route.name for route in ROUTES}


async def test_a_route_that_lets_in_others_than_it_says_would_be_found(api, world):
    (route,) = [one for one in ROUTES if one.name == "list_api_keys"]
    answer = await send(api, world, route, "staff")
    assert judge(route, "staff", answer) is None
    assert judge(route, "leader", answer) is not None
    answer = await send(api, world, route, "leader")
    assert judge(route, "staff", answer) is not None
