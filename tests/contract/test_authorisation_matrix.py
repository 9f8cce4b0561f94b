"""Every call as everybody: who is let in is what `server/base/access.py` says.

An organisation and an event of its own are really there, and an event that an organiser
made for none, each with bookings; whatever else a path names is not, and bodies are
wrong, so that those who are let in do no harm: they get any answer but 401 and 403.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple, get_args

import pytest

from persistence.people.api_keys import Scope
from persistence.people.organisations import MemberRole
from server.app import ROUTES
from server.base import access
from server.base.access import ADMIN_AS, UNASKED, Access, Denial, Needed
from server.base.identity import Identity, Machine
from server.transport.rest.route import Route
from tests.contract.client import Answer, Api, Json, Person, after
from tests.contract.process import Server
from tests.contract.teams import (
    account,
    api_key,
    booked,
    organizer,
    sale_of,
    team,
)

FOREVER: Final = 1 << 33
ORG: Final = "org"
MAKER: Final = "maker"


def key_of(organisation: str, *scopes: Scope) -> Machine:
    return Machine(
        "key", "key", FOREVER, organisation=organisation, scopes=frozenset(scopes)
    )


EVERYBODY: Final[dict[str, Identity | None]] = {
    "nobody": None,
    "guest": Identity("guest", "guest", FOREVER),
    "customer": Identity("customer", "customer", FOREVER),
    "organizer": Identity("organizer", "organizer", FOREVER),
    MAKER: Identity(MAKER, "organizer", FOREVER),
    "staff": Identity("staff", "customer", FOREVER),
    "leader": Identity("leader", "customer", FOREVER),
    "owner": Identity("owner", "customer", FOREVER),
    "admin": Identity("admin", "admin", FOREVER),
    "machine": key_of(ORG, *get_args(Scope)),
    "strange machine": key_of("other", *get_args(Scope)),
    "machine without scopes": key_of(ORG, "tickets:scan"),
}
"""Everybody as `access.py` is told of them."""

MEMBERS: Final[dict[str, MemberRole]] = {
    "staff": "staff",
    "leader": "leader",
    "owner": "owner",
}


class Asked(NamedTuple):
    """Somebody who asks for something of an organisation, or of a maker."""

    who: Identity
    organisation: str | None
    role: MemberRole | None
    maker: str

    def act(self, needed: Needed) -> Denial | None:
        """Ask as the organisation of the path does."""
        role = ADMIN_AS if self.who.role == "admin" else self.role
        return access.may_act_for(self.who, ORG, role, needed)


def to_end_a_booking(asked: Asked) -> Denial | None:
    # To strangers it is not there; staff see it and may not cancel it.
    return access.may_manage(*asked) if access.sees(*asked) else None


def to_end_an_account(asked: Asked) -> Denial | None:
    # Administrators are made and unmade by whoever runs the server.
    return Denial("forbidden") if asked.who.role == "admin" else None


def to_make_a_venue(asked: Asked) -> Denial | None:
    return access.may_make_some(asked.who, asked.role in access.MANAGING)


def to_note_a_person(asked: Asked) -> Denial | None:
    return None if isinstance(asked.who, Machine) else to_make_a_venue(asked)


def to_list_persons(asked: Asked) -> Denial | None:
    seller = isinstance(asked.who, Machine) or asked.who.organizer
    return None if seller or asked.role is not None else Denial("forbidden")


def nothing_more(asked: Asked) -> Denial | None:
    return None


BY_ACCESS: Final[dict[Access, Callable[[Asked], Denial | None]]] = {
    "manager": lambda asked: access.may_manage(*asked),
    "member": lambda asked: asked.act("member"),
    "leader": lambda asked: asked.act("leader"),
    "owner": lambda asked: asked.act("owner"),
}
BY_NAME: Final[dict[str, Callable[[Asked], Denial | None]]] = {
    "create_venue": to_make_a_venue,
    "duplicate_venue": to_make_a_venue,
    "preview_venue": to_make_a_venue,
    "list_event_bookings": lambda asked: access.may_see(*asked),
    "show_event_refunds": lambda asked: access.may_see(*asked),
    "list_event_orders": lambda asked: access.may_see(*asked),
    "list_attendees": lambda asked: access.may_see(*asked),
    "list_event_tickets": lambda asked: access.may_see(*asked),
    "list_revoked_tickets": lambda asked: access.may_see(*asked),
    # Staff remove nobody but themselves.
    "remove_member": lambda asked: asked.act("member") or asked.act("leader"),
    "cancel_booking": to_end_a_booking,
    "cancel_order": to_end_a_booking,
    "preview_refund": to_end_a_booking,
    "create_refund": to_end_a_booking,
    "retry_refund": to_end_a_booking,
    "note_refund": to_end_a_booking,
    "list_letters": to_end_a_booking,
    "send_letter": to_end_a_booking,
    "list_order_activity": to_end_a_booking,
    "delete_me": to_end_an_account,
    "create_person": to_note_a_person,
    "list_persons": to_list_persons,
    # Of ticket holders, too, and nobody of these is one.
    "list_announcements": lambda asked: asked.act("member"),
    "show_announcement": lambda asked: asked.act("member"),
    "run_command": lambda asked: access.may_command(asked.who, blocks=False),
    # Whose event it is stands in the body.
    "scan_ticket": nothing_more,
    "undo_scan": nothing_more,
    "upload_scans": nothing_more,
}
"""What a handler asks where that is not what the word for its access says."""

ENDING: Final = {"log_out", "log_out_everywhere", "delete_me"}
"""Whoever does these is nobody for the rest of the run: only refusals are tried."""

SEEN: Final = {
    "show_booking",
    "show_referenced_booking",
    "show_order",
    "show_referenced_order",
    "list_refunds",
}
"""To all who do not see it, what somebody else bought looks like nothing at all."""

INSTEAD: Final = {
    ("cancel_booking", "booking"): "cancelled",
    ("cancel_order", "order"): "cancelled_order",
}
"""What stands in a path instead, so that the booking stays."""

BODIES: Final[dict[str, object]] = {"run_command": {"op": "holding"}}
WRONG: Final = {"no such field": True}

OF_EVENT: Final = {"event", "booking", "reference", "order", "order_reference"}
"""What a path names where it matters whose the event is."""


class Scene(NamedTuple):
    """Whose the event is that is asked for, and what paths name."""

    organisation: str | None
    parts: dict[str, str]


class World(NamedTuple):
    """What is asked for, and how everybody proves who they are."""

    scenes: tuple[Scene, Scene]
    headers: dict[str, dict[str, str]]


def asked_by(name: str, organisation: str | None) -> Asked | None:
    """Return what is known of somebody who asks for something; None for nobody."""
    who = EVERYBODY[name]
    role = MEMBERS.get(name)
    return None if who is None else Asked(who, organisation, role, MAKER)


def expected(route: Route, who: str, organisation: str | None = ORG) -> Denial | None:
    """Return why a route does not let somebody in; None where it does."""
    if route.access in UNASKED:
        return None
    denial = access.admit(route.access, route.scope, EVERYBODY[who])
    asked = asked_by(who, organisation)
    if denial is not None or asked is None:
        return denial
    usual = BY_ACCESS.get(route.access, nothing_more)
    return BY_NAME.get(route.name, usual)(asked)


async def ordered(api: Api, event: str, buyer: Person) -> Json:
    """Order a place for somebody; it costs nothing."""
    held = await api.ok(event, buyer, "hold", areas={"GA": 1})
    body: Json = {"event": event, "hold": held["hold"]}
    made: Json = await api.good("POST", "/v1/orders", body, who=buyer)
    return made


async def scene_of(
    api: Api, event: str, organisation: str, owned: str | None = None
) -> Scene:
    booking = await booked(api, event, await api.guest())
    gone = await booked(api, event, await api.guest())
    await api.ok(event, api.admin, "cancel", booking=gone["booking"])
    order, ended = [await ordered(api, event, await api.guest()) for _ in range(2)]
    await api.good("POST", f"/v1/orders/{ended['id']}/cancel", who=api.admin)
    parts = {
        "order": order["id"],
        "order_reference": order["reference"],
        "cancelled_order": ended["id"],
        "event": event,
        "booking": booking["booking"],
        "cancelled": gone["booking"],
        "reference": booking["reference"],
        "organisation": organisation,
        "asset": "none",
    }
    return Scene(owned, parts)


async def sale_by(api: Api, maker: Person) -> str:
    """Make an event for no organisation and put it on sale."""
    body: Json = {"name": "An evening", "capacity": 100, "starts_at": after(days=30)}
    made = await api.good("POST", "/v1/events", body, who=maker)
    await api.good("POST", f"/v1/events/{made['id']}/publish", who=maker)
    return str(made["id"])


async def make_world(server: Server) -> World:
    async with Api(server) as api:
        one, other, maker = await team(api), await team(api), await organizer(api)
        scenes = (
            await scene_of(api, await sale_of(api, one), one.id, ORG),
            await scene_of(api, await sale_by(api, maker), one.id),
        )
        people: dict[str, Person] = {
            "guest": await api.guest(),
            "customer": await account(api),
            "organizer": await organizer(api),
            MAKER: maker,
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
        return World(scenes, headers | {"nobody": {}})


@pytest.fixture(scope="module")
def world(server: Server) -> World:
    return asyncio.run(make_world(server))


async def send(api: Api, world: World, route: Route, who: str, scene: Scene) -> Answer:
    def part(found: re.Match[str]) -> str:
        name = INSTEAD.get((route.name, found[1]), found[1])
        return scene.parts.get(name, "none")

    path = re.sub(r"\{(\w+)\}", part, route.path)
    body: Any = None if route.body is None else BODIES.get(route.name, WRONG)
    return await api.request(route.method, path, body, headers=world.headers[who])


def judge(
    route: Route, who: str, answer: Answer, organisation: str | None = ORG
) -> str | None:
    """Return what is wrong with an answer."""
    told = f"{route.name} of {organisation} as {who}: {answer.status} {answer.body}"
    code = answer.body.get("code") if answer.is_problem else None
    denial = expected(route, who, organisation)
    if denial is not None:
        status = 401 if denial.code == "unauthenticated" else 403
        if (answer.status, code) != (status, denial.code):
            return told
        said = denial.detail is None or answer.body["detail"] == denial.detail
        return None if said else told
    if answer.status in (401, 403) and route.access != "anonymous":
        return told
    if answer.status >= 500:
        return told
    if route.name in SEEN:
        asked = asked_by(who, organisation)
        sees = asked is not None and access.sees(*asked)
        return None if (answer.status == 200) == sees else told
    return None


def named(route: Route) -> set[str]:
    """Return what a route's path names."""
    return set(re.findall(r"\{(\w+)\}", route.path))


@pytest.mark.parametrize("who", sorted(EVERYBODY))
async def test_every_call_lets_in_whom_its_route_names_and_nobody_else(api, world, who):
    wrong = []
    for scene in world.scenes:
        of = scene.organisation
        for route in ROUTES:
            if route.name in ENDING and expected(route, who, of) is None:
                continue
            if of is None and not named(route) & OF_EVENT:
                # The same as before: whose the event is makes no difference.
                continue
            answer = await send(api, world, route, who, scene)
            wrong.append(judge(route, who, answer, of))
    assert [one for one in wrong if one is not None] == []


def test_the_matrix_has_a_line_for_every_kind_of_access():
    decided = {*UNASKED, *access.ROLES, *BY_ACCESS, "anyone"}
    assert {route.access for route in ROUTES} <= decided
    assert set(BY_NAME) | ENDING | SEEN <= {route.name for route in ROUTES}


def test_an_event_without_organisation_is_let_to_its_maker_alone():
    (route,) = [one for one in ROUTES if one.name == "delete_event"]
    let_in = {who for who in EVERYBODY if expected(route, who, None) is None}
    assert let_in == {MAKER, "admin"}
    let_in = {who for who in EVERYBODY if expected(route, who) is None}
    assert let_in == {"leader", "owner", "admin", "machine"}


async def test_a_route_that_lets_in_others_than_it_says_would_be_found(api, world):
    (route,) = [one for one in ROUTES if one.name == "list_api_keys"]
    scene = world.scenes[0]
    answer = await send(api, world, route, "staff", scene)
    assert judge(route, "staff", answer) is None
    assert judge(route, "leader", answer) is not None
    answer = await send(api, world, route, "leader", scene)
    assert judge(route, "staff", answer) is not None
