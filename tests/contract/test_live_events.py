"""Live events: who hears that events appear, change, go and fill up."""

import asyncio
import time

import pytest

from tests.contract.client import Api
from tests.contract.process import Server
from tests.contract.socket_client import Json
from tests.contract.teams import draft_of, sale_of, team

LISTED = {"organisation", "venue", "capacity", "tags", "registrations", "starts_at"}


def is_pause_of(event: str, frame: Json) -> bool:
    """Tell of a hint; who hears of the event anew is told that it is new."""
    return (frame.get("event"), frame.get("status")) == (event, "paused")


@pytest.mark.parametrize("packed", [False, True], ids=["json", "msgpack"])
async def test_a_stranger_hears_of_an_event_from_its_publication_to_its_end(
    api, packed
):
    stranger = await api.guest()
    async with await api.socket(stranger, packed=packed) as socket:
        assert "version" not in await socket.ok("watch_events")
        draft = await api.draft(None, capacity=10, name="Told of")
        event = draft["id"]
        path = f"/v1/events/{event}"
        await api.good("PATCH", path, {"name": "Told"}, who=api.admin)
        await api.change(event, "publish")
        told = await socket.next("new_event", event=event)
        assert told["status"] == "on_sale"
        assert told["name"] == "Told"
        listed = await api.good(
            "GET", "/v1/events", who=api.admin, params={"q": "Told"}
        )
        shown = next(one for one in listed["items"] if one["id"] == event)
        assert told.keys() - {"op", "event"} == shown.keys() - {"id"}
        assert told.keys() >= LISTED
        assert told["starts_at"] == shown["starts_at"]
        await api.change(event, "pause")
        await socket.next("event_updated", event=event, status="paused")
        await api.good("PATCH", path, {"category": "Dance"}, who=api.admin)
        await socket.next("event_updated", event=event, category="Dance")
        await api.good("DELETE", path, who=api.admin)
        gone = await socket.next("event_deleted", event=event)
        assert gone == {"op": "event_deleted", "event": event}
        ops = [frame["op"] for frame in socket.log if frame.get("event") == event]
        assert (ops[0], ops[-1]) == ("new_event", "event_deleted")
        assert "draft" not in {frame.get("status") for frame in socket.log}


async def test_a_sale_that_fills_up_is_told_level_by_level_and_once(api):
    event = await api.sale(None, capacity=10, max_per_user=10)
    buyer = await api.guest()
    async with await api.socket(buyer) as socket:
        await socket.ok("watch_events", events=[event])
        first = await socket.ok("hold", event=event, areas={"GA": 8})
        told = await socket.next("capacity", event=event)
        assert told == {
            "op": "capacity",
            "event": event,
            "level": 80,
            "free": 2,
            "capacity": 10,
        }
        await socket.ok("hold", event=event, areas={"GA": 2}, hold=first["hold"])
        sold_out = await socket.next("capacity", level=100)
        assert sold_out["free"] == 0
        assert [one["level"] for one in socket.seen("capacity")] == [80, 95, 100]
        await socket.ok("release", event=event, hold=first["hold"])
        # Only what is told is seen: the level falls at a look before the next hold.
        ends = time.monotonic() + 60
        while len(socket.seen("capacity", level=80)) < 2:
            assert time.monotonic() < ends, socket.log
            held = await socket.ok("hold", event=event, areas={"GA": 8})
            await asyncio.sleep(0.3)
            await socket.ok("release", event=event, hold=held["hold"])
            await asyncio.sleep(0.3)


async def test_each_hears_of_what_was_asked_for_until_it_is_unasked(api):
    mine, other = [await api.sale(None, capacity=5) for _ in range(2)]
    async with (
        await api.socket(await api.guest()) as narrow,
        await api.socket(await api.guest()) as wide,
        await api.socket(await api.guest()) as deaf,
        await api.socket(await api.guest()) as elsewhere,
    ):
        await narrow.ok("watch_events", events=[mine])
        await wide.ok("watch_events", events=[mine, other])
        await elsewhere.ok("watch_events", organisation="org_of_nobody")
        await deaf.ok("watch_events")
        await deaf.ok("unwatch_events")
        await deaf.ok("unwatch_events")
        await api.change(other, "pause")
        await wide.find(lambda frame: is_pause_of(other, frame))
        # Replaces what was asked before.
        await wide.ok("watch_events", events=[mine])
        await api.change(mine, "pause")
        for socket in (narrow, wide):
            await socket.find(lambda frame: is_pause_of(mine, frame))
        assert not any(is_pause_of(other, frame) for frame in narrow.log)
        for socket in (deaf, elsewhere):
            assert not any(frame.get("status") == "paused" for frame in socket.log)


async def test_an_organisation_s_events_are_heard_of_without_the_others(api):
    one = await team(api)
    async with await api.socket(await api.guest()) as socket:
        await socket.ok("watch_events", organisation=one.id)
        other = await api.sale(None, capacity=5)
        draft = await draft_of(api, one, name="Secret")
        event = await sale_of(api, one)
        told = await socket.next("new_event", event=event)
        assert told["organisation"] == one.id
        path = f"/v1/events/{event}/pause"
        await api.good("POST", path, who=one.leader)
        await socket.next("event_updated", event=event, status="paused")
        heard = {frame.get("event") for frame in socket.log}
        assert not {other, draft} & heard


@pytest.mark.parametrize(
    "fields",
    [
        {"events": []},
        {"events": [f"e{number}" for number in range(101)]},
        {"events": "evt_1"},
        {"organisation": ""},
        {"organisation": 5},
        {"event": "evt_1"},
    ],
    ids=repr,
)
async def test_a_wish_that_makes_no_sense_is_an_error(api, fields):
    async with await api.socket(await api.guest()) as socket:
        answer = await socket.ask("watch_events", **fields)
        assert (answer["op"], answer["code"]) == ("error", "bad_field")
        await socket.ok("ping")


async def test_who_is_not_known_hears_nothing(server: Server):
    async with Api(server) as api, await api.socket() as socket:
        for op in ("watch_events", "unwatch_events"):
            await socket.refused("unauthenticated", op)
