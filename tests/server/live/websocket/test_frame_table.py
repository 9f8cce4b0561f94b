"""A capability's frame is registered in a table, and the session knows nothing of it.

Here that is `wave`, of a capability that counts who waves at an event.
"""

import asyncio
import json
from collections import Counter
from typing import Any, get_args

import msgspec
import orjson
import pytest
from aiohttp import web
from msgspec import Struct

from inventory.commands import ClientCommand, EventId
from inventory.replies import Ok
from persistence.people.api_keys import Scope
from server.app import FRAMES
from server.base.access import PEOPLE_ONLY
from server.base.identity import Identity, Machine
from server.live.actors.registry import EventNotFound, EventUnavailable, ServedEvent
from server.live.fanout.frames import CODECS, Frame, FrameError
from server.live.websocket.frame_table import FrameTable
from server.live.websocket.session import Session
from server.ops.api import asyncapi
from server.transport.capability.frame_row import FrameRow
from tests.server.live.fanout.test_hub import EVENT, turns
from tests.server.live.websocket.test_session import connected, sold_by

Counts = Counter[str]
WAVES = web.AppKey("waves", Counts)


class Wave(Frame, tag="wave"):
    """Wave at the others at an event."""

    event: EventId
    times: int = 1


class WaveOk(Ok, tag="ok"):
    """How often everybody waved."""

    waves: int


class Waved(Struct, tag_field="op", tag="waved"):
    """Somebody waved."""

    user: str


class Stay:
    """Counts a connection that waved, for as long as it is there."""

    def __init__(self, session: Session) -> None:
        self.waves = session.app[WAVES]
        self.waves["here"] += 1

    def close(self) -> None:
        self.waves["here"] -= 1


def wave(session: Session, caller: Identity, frame: Wave) -> None:
    def use(local: ServedEvent) -> None:
        session.keep(Stay)
        waves = session.app[WAVES]
        waves[frame.event] += frame.times
        session.answer(frame.id, WaveOk(waves=waves[frame.event]))
        session.writer.send(Waved(caller.user))

    session.with_event(caller, frame.id, frame.event, use)


class Duck(Frame, tag="duck"):
    """Be seen by nobody."""


def duck(session: Session, caller: Identity, frame: Duck) -> None:
    session.answer(frame.id, Ok())


EXAMPLE = {"op": "wave", "id": 21, "event": EVENT}
ROWS = (
    FrameRow(
        kind=Wave,
        handle=wave,
        scope="events:read",
        reply=WaveOk,
        sends=(Waved,),
        examples=(EXAMPLE,),
    ),
    FrameRow(kind=Duck, handle=duck),
)


def waving(**options: Any) -> Any:
    return connected(rows=ROWS, **options)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_a_frame_is_decoded_where_its_row_is_in_the_table(codec) -> None:
    module = msgspec.msgpack if codec.binary else msgspec.json
    data = module.encode({"op": "wave", "id": 3, "event": EVENT, "times": 2})
    decode = FrameTable(ROWS).decoders[codec].decode
    assert decode(data) == Wave(id=3, event=EVENT, times=2)
    with pytest.raises(FrameError) as unknown:
        FrameTable(FRAMES).decoders[codec].decode(data)
    assert (unknown.value.code, unknown.value.frame_id) == ("unknown_op", 3)
    with pytest.raises(FrameError) as wrong:
        decode(module.encode({"op": "wave", "id": 4, "event": EVENT, "hard": True}))
    assert (wrong.value.code, wrong.value.frame_id) == ("bad_field", 4)
    for kind in get_args(ClientCommand):
        fields = msgspec.structs.fields(kind)
        named = {one.name: "x" for one in fields if one.required} | {"id": 5}
        command = {"op": kind.__struct_config__.tag, **named, "seats": ["A-1"]}
        if all(one.name != "seats" for one in fields):
            del command["seats"]
        if "quantity" in named:
            command["quantity"] = 1
        assert type(decode(module.encode(command))) is kind


async def test_a_frame_is_answered_and_more_is_sent_later() -> None:
    async with waving() as guest:
        guest.app[WAVES] = Counts()
        guest.say("hello", token="anna")
        assert guest.say("wave", event=EVENT, times=3) == [
            {"op": "ok", "id": 1, "waves": 3},
            {"op": "waved", "user": "anna"},
        ]
        assert guest.session.in_flight == 0


async def test_what_is_kept_for_a_connection_is_made_once_and_closed_with_it() -> None:
    async with waving() as guest:
        waves = guest.app[WAVES] = Counts()
        guest.say("hello", token="anna")
        guest.say("wave", event=EVENT)
        guest.say("wave", event=EVENT)
        assert waves == {EVENT: 2, "here": 1}
        guest.session.close()
        assert waves["here"] == 0


async def test_who_is_not_signed_in_is_not_handled() -> None:
    async with waving() as guest:
        (refused,) = guest.say("wave", event=EVENT)
        assert (refused["op"], refused["code"]) == ("refused", "unauthenticated")


def machine(*scopes: Scope) -> Machine:
    return Machine("key", "key", 1 << 33, organisation="org", scopes=frozenset(scopes))


@pytest.mark.parametrize(
    ("op", "fields", "scopes", "detail"),
    [
        ("wave", {"event": EVENT}, ("events:read",), None),
        (
            "wave",
            {"event": EVENT},
            ("events:write",),
            "This API key lacks the scope events:read.",
        ),
        ("duck", {}, get_args(Scope), PEOPLE_ONLY),
    ],
)
async def test_machines_are_judged_by_the_scope_of_the_row(
    op, fields, scopes, detail
) -> None:
    async with waving() as guest:
        guest.app[WAVES] = Counts()
        guest.session.user = machine(*scopes)
        frame, *_ = guest.say(op, **fields)
        if detail is None:
            assert frame["op"] == "ok"
        else:
            assert (frame["code"], frame["detail"]) == ("forbidden", detail)
            assert not guest.app[WAVES]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EventNotFound("evt_other"), "event_not_found"),
        (EventUnavailable("evt_other"), "unavailable"),
    ],
)
async def test_an_event_that_cannot_be_had_is_refused_before_the_handler(
    error, code, monkeypatch
) -> None:
    async with waving() as guest:

        async def find_for(user: Identity, event: str, *, deleted: bool) -> ServedEvent:
            raise error

        monkeypatch.setattr(guest.registry, "find_for", find_for)
        guest.say("hello", token="anna")
        assert guest.say("wave", event="evt_other") == []
        await turns()
        (refused,) = guest.line.frames()
        assert (refused["id"], refused["code"]) == (1, code)


async def test_a_draft_of_others_is_refused_before_the_handler() -> None:
    async with waving() as guest:
        guest.app[WAVES] = Counts()
        board = guest.stand.event.board
        board.settings = msgspec.structs.replace(board.settings, sale_state="draft")
        sold_by(guest, bert="staff")
        guest.say("hello", token="anna")
        (refused,) = guest.say("wave", event=EVENT)
        assert refused["code"] == "event_not_found"
        guest.say("hello", token="bert")
        assert guest.say("wave", event=EVENT)[0]["op"] == "ok"


async def test_a_handler_that_breaks_later_ends_the_connection() -> None:
    async with waving() as guest:
        # Without the counts that it needs.
        served: ServedEvent = guest.registry.active.pop(EVENT)

        async def load() -> ServedEvent:
            return served

        guest.registry._loading[EVENT] = asyncio.create_task(load())
        guest.say("hello", token="anna")
        assert guest.say("wave", event=EVENT) == []
        await turns()
        assert [frame["op"] for frame in guest.line.frames()] == ["bye"]
        assert guest.line.code == 1011


def test_a_frame_is_described() -> None:
    document = json.loads(orjson.dumps(asyncapi.build((*FRAMES, *ROWS))))
    operations, components = document["operations"], document["components"]
    reference = "#/channels/socket/messages"
    assert operations["wave"] == {
        "action": "receive",
        "channel": {"$ref": "#/channels/socket"},
        "summary": "Wave at the others at an event.",
        "messages": [{"$ref": f"{reference}/Wave"}],
        "reply": {
            "channel": {"$ref": "#/channels/socket"},
            "messages": [
                {"$ref": f"{reference}/{name}"}
                for name in ("WaveOk", "Refused", "ErrorFrame")
            ],
        },
    }
    assert operations["send_waved"]["action"] == "send"
    assert components["messages"]["Wave"]["examples"] == [{"payload": EXAMPLE}]
    assert set(components["schemas"]["Wave"]["properties"]) == {
        *("op", "id", "event", "times")
    }
    assert components["schemas"].keys() >= {"WaveOk", "Waved"}
    assert "wave" not in json.loads(orjson.dumps(asyncapi.build(FRAMES)))["operations"]


class Wink(Frame, tag="wave"):
    """Take the `op` of another."""


class Greet(Frame, tag="hello"):
    """Take the `op` of the session."""


@pytest.mark.parametrize("kind", [Wave, Wink, Greet])
def test_no_two_frames_have_one_op(kind) -> None:
    with pytest.raises((ValueError, TypeError)):
        FrameTable((*ROWS, FrameRow(kind=kind, handle=wave)))
