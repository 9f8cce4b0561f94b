"""A draft of an organisation and an event that there is not are one to a stranger."""

import pytest

from tests.contract.client import Api, Json, Person
from tests.contract.teams import account, draft_of, organizer, team

CALLS = [
    ("GET", "", None),
    ("GET", "/map", None),
    ("GET", "/availability", None),
    ("GET", "/journal", None),
    ("GET", "/audit", None),
    ("GET", "/bookings", None),
    ("PATCH", "", {"name": "Mine"}),
    ("DELETE", "", None),
    ("POST", "/publish", None),
    ("POST", "/commands", {"op": "hold", "areas": {"GA": 1}}),
    ("POST", "/commands", {"op": "holding"}),
    ("POST", "/commands", {"op": "book", "hold": "none"}),
    ("POST", "/commands", {"op": "block", "areas": {"GA": 1}}),
    ("POST", "/commands", {"op": "unblock", "areas": {"GA": 1}}),
]
FRAMES: list[Json] = [
    {"op": "watch"},
    {"op": "holding"},
    {"op": "hold", "areas": {"GA": 1}},
    {"op": "book", "hold": "none"},
    {"op": "block", "areas": {"GA": 1}},
]
OWN = {"request_id", "version", "id"}


async def draft(api: Api) -> tuple[str, Person]:
    made = await team(api)
    return await draft_of(api, made), made.owner


async def strangers(api: Api) -> list[Person | None]:
    return [None, await api.guest(), await account(api), await organizer(api)]


async def test_no_call_tells_a_draft_from_nothing(api):
    event, owner = await draft(api)
    people = await strangers(api)
    for method, tail, body in CALLS:
        for who in people:
            told = []
            for name in (event, "evt_of_nobody"):
                path = f"/v1/events/{name}{tail}"
                answer = await api.request(method, path, body, who=who)
                said = {k: v for k, v in answer.body.items() if k not in OWN}
                told.append((answer.status, said))
            assert told[0] == told[1], (method, tail, who)
            assert told[0][0] in {401, 403, 404}
    shown = await api.good("GET", f"/v1/events/{event}", who=owner)
    assert (shown["status"], shown["version"]) == ("draft", 0)


@pytest.mark.parametrize("packed", [False, True], ids=["json", "msgpack"])
async def test_no_frame_tells_a_draft_from_nothing(api, packed):
    event, owner = await draft(api)
    # Loaded, so that nothing of its loading is seen.
    await api.good("GET", f"/v1/events/{event}", who=owner)
    for who in (await strangers(api))[1:]:
        async with await api.socket(who, packed=packed) as socket:
            for fields in FRAMES:
                told = []
                for name in (event, "evt_of_nobody"):
                    reply = await socket.ask(**fields, event=name)
                    told.append({k: v for k, v in reply.items() if k not in OWN})
                assert told[0] == told[1], (fields, who)
                assert told[0]["op"] == "refused"


async def test_its_own_people_are_told_what_is_wrong(api):
    event, owner = await draft(api)
    async with await api.socket(owner) as socket:
        await socket.refused("sale_not_open", "hold", event=event, areas={"GA": 1})
        await socket.ok("block", event=event, areas={"GA": 1})
    answer = await api.command(event, owner, "hold", areas={"GA": 1})
    assert answer.body["code"] == "sale_not_open"
