"""An organisation with its people and machines, for the contract tests."""

import asyncio
import dataclasses
from typing import Any

from tests.contract.client import Answer, Api, Json, Person, after
from tests.contract.test_accounts import PASSWORD, person, registered

TRIES = 600
"""So often something is looked for that comes a moment later."""

SCOPES = [
    "events:read",
    "events:write",
    "bookings:read",
    "tickets:scan",
    "members:read",
    "analytics:read",
    "checkin",
]


@dataclasses.dataclass(frozen=True)
class Team:
    """An organisation, and one of each of those who belong to it."""

    id: str
    owner: Person
    leader: Person
    staff: Person

    @property
    def path(self) -> str:
        return f"/v1/organisations/{self.id}"


async def account(api: Api) -> Person:
    """Register somebody who belongs to nothing."""
    return person(await registered(api))


async def promoted(api: Api, role: str) -> Person:
    """Register somebody and give the account a role."""
    made = await registered(api)
    path = f"/v1/users/{made['user']['id']}"
    await api.good("PATCH", path, {"role": role}, who=api.admin)
    again = await api.login(made["email"], PASSWORD)
    assert again.body["user"]["role"] == role
    return person(again.body)


async def organizer(api: Api) -> Person:
    """Make somebody an organiser of the platform."""
    return await promoted(api, "organizer")


async def organisation(api: Api, owner: Person, name: str = "Theatre") -> str:
    made = await api.good("POST", "/v1/organisations", {"name": name}, who=owner)
    return str(made["id"])


async def join(api: Api, path: str, leader: Person, who: Person, role: str) -> None:
    """Let somebody ask to join, and somebody else accept it."""
    asked = await api.good("POST", f"{path}/join-requests", {}, who=who)
    answer = f"{path}/join-requests/{asked['id']}/accept"
    await api.good("POST", answer, {"role": role}, who=leader)


async def team(api: Api) -> Team:
    owner, leader, staff = [await account(api) for _ in range(3)]
    made = Team(await organisation(api, owner), owner, leader, staff)
    await join(api, made.path, owner, leader, "leader")
    await join(api, made.path, leader, staff, "staff")
    return made


async def api_key(
    api: Api, made: Team, scopes: list[str] | None = None, **fields: Any
) -> Json:
    """Make a key as the owner, with all scopes unless some are named."""
    body = {"name": "Till", "scopes": SCOPES if scopes is None else scopes, **fields}
    answer = await api.good("POST", f"{made.path}/api-keys", body, who=made.owner)
    assert isinstance(answer, dict)
    return answer


async def by_machine(
    api: Api, key: str, method: str, path: str, body: object = None, **headers: str
) -> Answer:
    """Send a request as a machine."""
    return await api.request(method, path, body, headers={"X-API-Key": key} | headers)


async def draft_of(api: Api, made: Team, **fields: Any) -> str:
    """Make an event of the organisation."""
    body: Json = {
        "name": "An evening",
        "capacity": 100,
        "starts_at": after(days=30),
        "organisation": made.id,
    }
    answer = await api.good("POST", "/v1/events", body | fields, who=made.leader)
    assert answer["organisation"] == made.id
    return str(answer["id"])


async def sale_of(api: Api, made: Team, **fields: Any) -> str:
    """Make an event of the organisation and put it on sale."""
    event = await draft_of(api, made, **fields)
    await api.good("POST", f"/v1/events/{event}/publish", who=made.leader)
    return event


async def own_venue(api: Api, made: Team) -> str:
    """Make a venue of the organisation, and return its path."""
    venue_map = {
        "categories": [{"key": "1"}],
        "seats": [{"row": "A", "number": "1", "category": "1"}],
    }
    body = {"name": "Hall", "map": venue_map, "organisation": made.id}
    venue = await api.good("POST", "/v1/venues", body, who=made.leader)
    return f"/v1/venues/{venue['id']}"


async def hook_of(api: Api, made: Team) -> str:
    """Make a hook that leads to nobody, and return its path."""
    body = {"url": "https://hooks.example/onsale"}
    hook = await api.good("POST", f"{made.path}/hooks", body, who=made.leader)
    return f"{made.path}/hooks/{hook['id']}"


async def ordered(api: Api, event: str, who: Person) -> str:
    """Order a place, and return the order's id."""
    held = await api.ok(event, who, "hold", areas={"GA": 1})
    body = {"event": event, "hold": held["hold"]}
    return str((await api.good("POST", "/v1/orders", body, who=who))["id"])


async def ticket_of(api: Api, event: str, who: Person) -> str:
    """Return somebody's ticket, which follows the journal, a moment later."""
    for _ in range(TRIES):
        page = await api.good("GET", f"/v1/tickets?event={event}", who=who)
        if page["items"]:
            return str(page["items"][0]["ticket"])
        await asyncio.sleep(0.05)
    raise AssertionError(f"there is no ticket of {event}")


async def offered(api: Api, made: Team) -> tuple[str, Person]:
    """Offer a ticket to somebody; return the offer's path, and who made it."""
    event, who = await sale_of(api, made), await api.guest()
    await booked(api, event, who)
    path = f"/v1/tickets/{await ticket_of(api, event, who)}/transfer"
    await api.good("POST", path, {"email": "mia@example.org"}, who=who)
    return path, who


async def booked(api: Api, event: str, who: Person) -> Json:
    held = await api.ok(event, who, "hold", areas={"GA": 1})
    return await api.ok(event, who, "book", hold=held["hold"])
