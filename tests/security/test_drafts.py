"""A draft of others and an event that there is not are one to a stranger."""

import re
from typing import Any

import pytest

from inventory.rejections import MANAGERS_ONLY
from server.app import ROUTES
from server.transport.rest.route import Route
from tests.contract.client import Answer, Api, Json, Person, after
from tests.contract.teams import (
    account,
    api_key,
    by_machine,
    draft_of,
    organizer,
    team,
)

OF_EVENT = [route for route in ROUTES if "{event}" in route.path]
"""Every call about an event, whichever capability it is of."""

COMMANDS: list[Json] = [
    {"op": "hold", "areas": {"GA": 1}},
    {"op": "holding"},
    {"op": "book", "hold": "none"},
    {"op": "cancel", "booking": "none"},
    {"op": "block", "areas": {"GA": 1}},
    {"op": "unblock", "areas": {"GA": 1}},
]
BODIES: dict[str, object] = {
    "edit_event": {"name": "Mine"},
    "create_attendee": {"email": "anna@example.com", "name": "Anna"},
}
FRAMES: list[Json] = [{"op": "watch"}, {"op": "unwatch"}, *COMMANDS]
QUERIES = {"show_entrants": "?bucket=0"}
LATER = {
    "show_entrants": "draw_not_found",
    "show_transcript": "draw_not_found",
    "show_line_message": "message_not_found",
}
"""What is there once a draw of the event is, or once something was said of it."""

OWN = {"request_id", "version", "id"}
KINDS = ["of an organisation", "of who made it"]


async def draft(api: Api, kind: str, **fields: Any) -> tuple[str, Person]:
    """Return a draft, and somebody who manages it."""
    if kind == KINDS[0]:
        made = await team(api)
        return await draft_of(api, made, **fields), made.owner
    maker = await organizer(api)
    body: Json = {"name": "An evening", "capacity": 100, "starts_at": after(days=30)}
    answer = await api.good("POST", "/v1/events", body | fields, who=maker)
    assert (answer["organisation"], answer["status"]) == (None, "draft")
    return str(answer["id"]), maker


async def strangers(api: Api) -> list[Person | None]:
    return [None, await api.guest(), await account(api), await organizer(api)]


def seen(answer: Answer) -> tuple[int, Json, Json]:
    """Return what tells one answer from another."""
    tags = {name: answer.headers.get(name) for name in ("etag", "cache-control")}
    said = {k: v for k, v in answer.body.items() if k not in OWN}
    return answer.status, said, tags


def address(route: Route, event: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda m: event if m[1] == "event" else "x", route.path)


async def send(api: Api, route: Route, event: str, who: Person | None) -> list[Any]:
    path = address(route, event)
    if route.name == "run_command":
        return [
            seen(await api.request(route.method, path, body, who=who))
            for body in COMMANDS
        ]
    path += QUERIES.get(route.name, "")
    body = None if route.body is None else BODIES.get(route.name, {})
    return [seen(await api.request(route.method, path, body, who=who))]


@pytest.mark.parametrize("kind", KINDS)
async def test_no_call_tells_a_draft_from_nothing(api, kind):
    event, manager = await draft(api, kind)
    people = await strangers(api)
    # What a process knows of it is no more than what it does not.
    await api.good("GET", f"/v1/events/{event}", who=manager)
    for route in OF_EVENT:
        for who in people:
            told = await send(api, route, event, who)
            assert told == await send(api, route, "evt_of_nobody", who), (route, who)
            assert {one[0] for one in told} <= {401, 403, 404}, (route, who)
    shown = await api.good("GET", f"/v1/events/{event}", who=manager)
    assert (shown["status"], shown["version"]) == ("draft", 0)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_all_may_read_of_an_event_is_not_there_while_it_is_a_draft(
    api, kind
):
    event, manager = await draft(api, kind)
    reads = [route for route in OF_EVENT if route.access == "anyone"]
    assert len(reads) >= 4
    key = (await api_key(api, await team(api)))["key"]
    for route in reads:
        path = address(route, event) + QUERIES.get(route.name, "")
        for who in await strangers(api):
            answer = await api.get(path, who)
            assert (answer.status, answer.body["code"]) == (404, "event_not_found")
        answer = await by_machine(api, key, "GET", path)
        assert (answer.status, answer.body["code"]) == (404, "event_not_found")
        for who in (manager, api.admin):
            answer = await api.get(path, who)
            if route.name in LATER:
                missing = LATER[route.name]
                assert (answer.status, answer.body["code"]) == (404, missing)
                continue
            assert answer.status == 200
            # Nor may a tag that was seen, or guessed, tell of it.
            tag = {"If-None-Match": answer.headers["etag"]}
            assert (await api.request("GET", path, headers=tag)).status == 404
    await api.good("POST", f"/v1/events/{event}/publish", who=manager)
    for route in reads:
        if route.name in LATER:
            continue
        assert (await api.get(route.path.replace("{event}", event))).status == 200


@pytest.mark.parametrize("packed", [False, True], ids=["json", "msgpack"])
@pytest.mark.parametrize("kind", KINDS)
async def test_no_frame_tells_a_draft_from_nothing(api, kind, packed):
    event, manager = await draft(api, kind)
    # Loaded, so that nothing of its loading is seen.
    await api.good("GET", f"/v1/events/{event}", who=manager)
    for who in (await strangers(api))[1:]:
        async with await api.socket(who, packed=packed) as socket:
            for fields in FRAMES:
                told = []
                for name in (event, "evt_of_nobody"):
                    reply = await socket.ask(**fields, event=name)
                    told.append({k: v for k, v in reply.items() if k != "id"})
                assert told[0] == told[1], (fields, who)
                if fields["op"] != "unwatch":
                    assert told[0]["op"] == "refused"
                if fields["op"] in ("hold", "watch"):
                    assert told[0]["code"] == "event_not_found"


@pytest.mark.parametrize("kind", KINDS)
async def test_those_who_manage_it_are_told_what_is_wrong(api, kind):
    event, manager = await draft(api, kind)
    async with await api.socket(manager) as socket:
        await socket.refused("sale_not_open", "hold", event=event, areas={"GA": 1})
        await socket.ok("block", event=event, areas={"GA": 1})
    answer = await api.command(event, manager, "hold", areas={"GA": 1})
    assert answer.body["code"] == "sale_not_open"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_draft_that_was_deleted_is_there_for_nobody(api, kind):
    event, manager = await draft(api, kind)
    await api.good("DELETE", f"/v1/events/{event}", who=manager)
    for who in (await organizer(api), await account(api)):
        answer = await api.request("DELETE", f"/v1/events/{event}", who=who)
        assert (answer.status, answer.body["code"]) == (404, "event_not_found")
    for who in (await api.guest(), await organizer(api), manager):
        async with await api.socket(who) as socket:
            await socket.refused("event_not_found", "watch", event=event)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refused_block_says_what_is_missing_and_not_what_there_is(api, kind):
    hidden, _ = await draft(api, kind)
    shown, manager = await draft(api, kind)
    await api.good("POST", f"/v1/events/{shown}/publish", who=manager)
    for who in (await api.guest(), await account(api)):
        said = set()
        async with await api.socket(who) as socket:
            for event in (hidden, shown, "evt_of_nobody"):
                block = {"op": "block", "areas": {"GA": 1}}
                reply = await socket.ask(**block, event=event)
                said.add((reply["code"], reply["detail"]))
                answer = await api.request(
                    "POST", f"/v1/events/{event}/commands", block, who=who
                )
                said.add((answer.body["code"], answer.body["detail"]))
        assert said == {("forbidden", MANAGERS_ONLY)}
    other = await organizer(api)
    for event, code in ((shown, "forbidden"), (hidden, "event_not_found")):
        answer = await api.command(event, other, "block", areas={"GA": 1})
        assert answer.body["code"] == code


async def names(api: Api, who: Person | None, query: str) -> set[str]:
    answer = await api.get(f"/v1/events?{query}&limit=100", who)
    assert answer.status == 200
    return {event["id"] for event in answer.body["items"]}


async def test_a_draft_is_listed_and_found_by_its_maker_and_administrators(api):
    word = "Quintessenz"
    event, maker = await draft(api, KINDS[1], name=word, tags=["Quintett"])
    for query in (f"q={word}", "status=draft", f"tag=quintett&q={word}", "sort=-name"):
        for who in await strangers(api):
            assert event not in await names(api, who, query), (query, who)
    for query in (f"q={word}", f"status=draft&q={word}", "tag=quintett"):
        for who in (maker, api.admin):
            assert event in await names(api, who, query), (query, who)
    await api.good("POST", f"/v1/events/{event}/publish", who=maker)
    other = await organizer(api)
    assert event in await names(api, other, f"q={word}")


async def test_who_hears_of_events_hears_of_a_draft_once_it_is_published(api):
    event, maker = await draft(api, KINDS[1])
    async with await api.socket(await organizer(api)) as socket:
        await socket.ok("watch_events", events=[event])
        await api.good("PATCH", f"/v1/events/{event}", {"name": "Later"}, who=maker)
        patch = {"description": "Of four"}
        await api.good("PATCH", f"/v1/events/{event}", patch, who=maker)
        await api.good("POST", f"/v1/events/{event}/publish", who=maker)
        told = await socket.next("new_event", event=event)
        assert told["name"] == "Later"
        # Frames come in order: what was told of the draft would be here already.
        about = [frame["op"] for frame in socket.log if frame.get("event") == event]
        assert about[0] == "new_event"
