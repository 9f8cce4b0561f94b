"""Frames that are none: a clear error, an open connection, nothing changed."""

import asyncio
import json
import random
from typing import Any

import msgspec
import pytest
from aiohttp import WSServerHandshakeError

from tests.contract.client import Api
from tests.contract.socket_client import Socket

UNREADABLE = {"bad_frame", "bad_field"}
# Any refusal is clear enough for a number that no seller can satisfy.
CLEAR = {"bad_field", "bad_frame", "too_many_seats", "user_limit", "not_enough_seats"}


async def error_of(socket: Socket, seen: int) -> dict[str, Any]:
    """Wait for the answer to a frame that may have had no id."""
    _, frame = await socket.find(lambda f: f["op"] in {"error", "refused"}, seen)
    assert isinstance(frame["code"], str)
    assert isinstance(frame["detail"], str)
    assert "Traceback" not in frame["detail"]
    return frame


@pytest.fixture(autouse=True)
async def the_server_logs_no_traceback(log_since):
    yield
    assert "Traceback" not in log_since()


MALFORMED = {
    "empty": "",
    "word": "hello",
    "half": '{"op": "ping", "id"',
    "list": "[1, 2, 3]",
    "number": "42",
    "null": "null",
    "text": '"ping"',
    "no-op": '{"id": 5}',
    "no-id": '{"op": "ping"}',
    "id-text": '{"op": "ping", "id": "five"}',
    "id-float": '{"op": "ping", "id": 1.5}',
    "id-null": '{"op": "ping", "id": null}',
    "id-huge": '{"op": "ping", "id": 1e400}',
    "op-number": '{"op": 5, "id": 5}',
    "op-list": '{"op": ["ping"], "id": 5}',
    "two": '{"op": "ping", "id": 5}{"op": "ping", "id": 6}',
    "nan": '{"op": "ping", "id": NaN}',
    "deep": "[" * 1500 + "]" * 1500,
    "deep-map": '{"a":' * 600 + "1" + "}" * 600,
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_frame_is_an_error_and_the_connection_stays(api, name):
    async with await api.socket(await api.guest()) as socket:
        await socket.send_text(MALFORMED[name])
        frame = await error_of(socket, 0)
        assert frame["op"] == "error"
        assert frame["code"] in UNREADABLE | {"unknown_op"}
        await socket.ok("ping")
        socket.strays.clear()


async def test_an_unknown_op_is_told_with_the_id_of_its_frame(api):
    async with await api.socket(await api.guest()) as socket:
        shops = ("pledge", "unpledge", "cancel_part")
        for op in ("steal", "", "HOLD", "snapshot", "refused", "x" * 500, *shops):
            reply = await socket.ask(op)
            assert (reply["op"], reply["code"]) == ("error", "unknown_op")
        await socket.ok("ping")


WRONG_FIELDS: dict[str, dict[str, Any]] = {
    "unknown-field": {"op": "hold", "seats": ["A-1"], "colour": "red"},
    "seats-text": {"op": "hold", "seats": "A-1"},
    "seats-number": {"op": "hold", "seats": [1]},
    "seats-null-inside": {"op": "hold", "seats": ["A-1", None]},
    "seats-map": {"op": "hold", "seats": {"A-1": 1}},
    "areas-list": {"op": "hold", "areas": ["GA1"]},
    "areas-text": {"op": "hold", "areas": {"GA1": "two"}},
    "areas-float": {"op": "hold", "areas": {"GA1": 1.5}},
    "hold-number": {"op": "hold", "seats": ["A-1"], "hold": 5},
    "ttl-text": {"op": "hold", "seats": ["A-1"], "ttl_s": "long"},
    "ttl-negative": {"op": "hold", "seats": ["A-1"], "ttl_s": -5},
    "key-number": {"op": "hold", "seats": ["A-1"], "key": 5},
    "key-list": {"op": "hold", "seats": ["A-1"], "key": ["k"]},
    "best-no-quantity": {"op": "hold_best"},
    "best-text": {"op": "hold_best", "quantity": "two"},
    "best-bool": {"op": "hold_best", "quantity": True},
    "best-category": {"op": "hold_best", "quantity": 1, "category": 1},
    "best-adjacent": {"op": "hold_best", "quantity": 1, "adjacent": "yes"},
    "extend-nothing": {"op": "extend"},
    "extend-negative": {"op": "extend", "hold": "x", "ttl_s": -1},
    "release-nothing": {"op": "release"},
    "book-nothing": {"op": "book"},
    "book-order": {"op": "book", "hold": "x", "order": 5},
    "cancel-nothing": {"op": "cancel"},
    "watch-since": {"op": "watch", "since": 5},
    "watch-since-half": {"op": "watch", "since": {"version": 5}},
    "nul-seat": {"op": "hold", "seats": ["A-1\x00"]},
    "nul-hold": {"op": "book", "hold": "x\x00y"},
    "nul-key": {"op": "hold", "seats": ["A-1"], "key": "k\x00"},
    "nul-area": {"op": "hold", "areas": {"GA1\x00": 1}},
    "nul-order": {"op": "book", "hold": "x", "order": "\x00"},
    "surrogate-seat": {"op": "hold", "seats": ["A-1\ud800"]},
    "surrogate-key": {"op": "hold", "seats": ["A-1"], "key": "\udfff"},
    "surrogate-order": {"op": "book", "hold": "x", "order": "\ud83d"},
    "surrogate-area": {"op": "hold", "areas": {"\udc00": 1}},
}
# What the contract calls by this one name.
ALWAYS_BAD_FIELD = ("unknown-field", "nul-", "surrogate-")


@pytest.mark.parametrize("name", WRONG_FIELDS)
async def test_a_wrong_field_is_an_error_and_changes_nothing(api, name):
    event = await api.sale("small")
    before = await api.availability(event)
    async with await api.socket(await api.guest()) as socket:
        frame = {"event": event, "id": 9} | WRONG_FIELDS[name]
        await socket.send_text(json.dumps(frame))
        error = await error_of(socket, 0)
        assert error["id"] in {9, None}
        assert error["code"] in UNREADABLE
        if name.startswith(ALWAYS_BAD_FIELD):
            assert error["code"] == "bad_field"
        await socket.ok("ping")
        socket.strays.clear()
    assert (await api.availability(event))["version"] == before["version"]


@pytest.mark.parametrize("event", [None, 5, [], "nul\x00", "x" * 1000])
async def test_a_wrong_event_is_refused_clearly(api, event):
    async with await api.socket(await api.guest()) as socket:
        for op in ("hold", "watch", "holding"):
            fields: dict[str, Any] = {} if event is None else {"event": event}
            if op == "hold":
                fields["seats"] = ["A-1"]
            reply = await socket.ask(op, **fields)
            assert reply["op"] in {"error", "refused"}
            assert reply["code"] in UNREADABLE | {"event_not_found"}
        await socket.ok("ping")


NUMBERS = [0, -1, -(10**9), 10**9, 2**31, 2**63, 2**64, 10**30]


@pytest.mark.parametrize("number", NUMBERS)
async def test_quantities_out_of_any_bounds_are_refused(api, number):
    event = await api.sale("small")
    before = await api.availability(event)
    async with await api.socket(await api.guest()) as socket:
        for fields in (
            {"op": "hold_best", "quantity": number},
            {"op": "hold", "areas": {"GA1": number}},
        ):
            frame = {"event": event, "id": 9} | fields
            seen = len(socket.log)
            await socket.send_text(json.dumps(frame))
            assert (await error_of(socket, seen))["code"] in CLEAR
        await socket.ok("ping")
        socket.strays.clear()
    assert (await api.availability(event))["version"] == before["version"]


async def test_a_seat_twice_in_one_command_is_refused(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as socket:
        fields = {"event": event, "seats": ["A-1", "A-2", "A-1"]}
        reply = await socket.ask("hold", **fields)
        assert reply["op"] in {"error", "refused"}
        held = await socket.ok("hold", event=event, seats=["A-1", "A-2"])
        twice = {"seats": ["A-1", "A-1"], "hold": held["hold"]}
        reply = await socket.ask("release", event=event, **twice)
        assert reply["op"] in {"error", "refused"}
    assert (await api.letters(event, held["version"]))["A-1"] == "h"


async def test_a_hold_of_nothing_takes_nothing(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as socket:
        nothings: list[dict[str, Any]] = [
            {},
            {"seats": []},
            {"areas": {}},
            {"seats": [], "areas": {}},
        ]
        for fields in nothings:
            reply = await socket.ask("hold", event=event, **fields)
            assert reply["op"] in {"error", "refused"}, fields


async def test_releasing_what_is_not_in_the_hold_changes_nothing(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as socket:
        held = await socket.ok("hold", event=event, seats=["A-1"], areas={"GA1": 1})
        for fields in (
            {"seats": ["A-1", "A-2"]},
            {"seats": ["A-1", "Z-9"]},
            {"areas": {"GA1": 2}},
            {"areas": {"GA9": 1}},
        ):
            reply = await socket.ask(
                "release", event=event, hold=held["hold"], **fields
            )
            assert reply["op"] in {"error", "refused"}, fields
        await socket.ok("extend", event=event, hold=held["hold"])
    assert (await api.letters(event, held["version"]))["A-1"] == "h"


async def test_a_frame_of_4_kib_is_read_and_a_larger_one_closes_with_1009(api):
    async with await api.socket(await api.guest()) as socket:
        ping = '{"op": "ping", "id": 1000}'
        await socket.send_text(ping + " " * (4096 - len(ping)))
        await socket.next("ok", id=1000)
        socket.strays.clear()
        await socket.send_text(ping + " " * (4097 - len(ping)))
        assert await socket.close_code_within(5) == 1009


async def test_a_large_binary_frame_closes_with_1009_and_harms_nobody_else(api):
    async with await api.socket(await api.guest()) as other:
        socket = await api.socket(await api.guest(), packed=True)
        await socket.send_bytes(b"\xc4" * 1_000_000)
        assert await socket.close_code_within(5) == 1009
        await socket.close()
        await other.ok("ping")


@pytest.mark.slow
async def test_whoever_does_not_say_hello_within_ten_seconds_is_closed(api):
    async with await api.socket() as silent, await api.socket() as wrong:
        await wrong.ask("hello", token="nonsense")
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await silent.close_code_within(13) == 4001
        assert 8.5 <= loop.time() - began <= 12
        assert await wrong.close_code_within(3) == 4001


@pytest.mark.parametrize(
    "raw",
    [
        b"\xc1",
        b"",
        b"\x81\xa2op",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff\xa2op",
        b"\xc6\xff\xff\xff\xff",
        b"\x91" * 2000,
        msgspec.msgpack.encode([1, 2, 3]),
        msgspec.msgpack.encode({"op": "ping"}),
        msgspec.msgpack.encode({"op": "ping", "id": b"bytes"}),
        msgspec.msgpack.encode({1: 2}),
        b"\x82\xa2op\xa4ping\xa2id\xa2\xff\xfe",
        msgspec.msgpack.encode({"op": "ping", "id": 5}) + b"\x00",
    ],
)
async def test_broken_msgpack_is_an_error_and_the_connection_stays(api, raw):
    async with await api.socket(await api.guest(), packed=True) as socket:
        await socket.send_bytes(raw)
        frame = await error_of(socket, 0)
        assert frame["op"] == "error"
        assert frame["code"] in UNREADABLE
        await socket.ok("ping")
        socket.strays.clear()


async def test_nul_is_refused_in_msgpack_too(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest(), packed=True) as socket:
        reply = await socket.ask("hold", event=event, seats=["A-1\x00"])
        assert (reply["op"], reply["code"]) == ("error", "bad_field")


async def test_more_frames_than_may_be_in_flight_are_all_answered(api):
    event = await api.sale("small")
    guest = await api.guest()
    async with await api.socket() as socket:
        hello = await socket.ok("hello", token=guest.token)
        count = hello["limits"]["in_flight"] * 4 + 10
        asked = [
            await socket.post("hold", event=event, seats=[f"A-{n % 8 + 1}"])
            for n in range(count)
        ]
        async with asyncio.timeout(60):
            replies = await asyncio.gather(*asked)
        assert len({reply["id"] for reply in replies}) == count
        won = [reply for reply in replies if reply["op"] == "ok"]
        assert len(won) == 8


async def test_a_foreign_origin_gets_no_socket(api):
    guest = await api.guest()
    headers = {
        "Authorization": f"Bearer {guest.token}",
        "Origin": "https://somebody-else.example",
    }
    with pytest.raises(WSServerHandshakeError) as refused:
        async with api.session.ws_connect(f"{api.url}/v1/ws", headers=headers):
            pass
    assert refused.value.status == 403


async def test_the_websocket_address_without_an_upgrade_is_an_error(api):
    answer = await api.get("/v1/ws", await api.guest())
    assert 400 <= answer.status < 500


async def garble(api: Api, seed: int) -> None:
    """Send frames with random bytes changed until two hundred are through."""
    dice = random.Random(seed)
    event = "no-event"
    socket = await api.socket(await api.guest())
    good = {"op": "hold", "id": 10**6, "event": event, "seats": ["A-1"], "key": "k"}
    text = json.dumps(good)
    try:
        for _ in range(200):
            at = dice.randrange(len(text))
            junk = chr(dice.choice([0, 9, 34, 58, 92, 125, 200, 0x1F600]))
            await socket.send_text(text[:at] + junk + text[at + dice.randrange(3) :])
        await socket.ok("ping")
    finally:
        await socket.close()


async def test_garbage_from_some_does_no_harm_to_others(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as buyer:
        board = await (await buyer.watch(event)).reach()
        noise = [asyncio.create_task(garble(api, seed)) for seed in range(5)]
        for number in range(1, 9):
            held = await buyer.ok("hold", event=event, seats=[f"A-{number}"])
            last = await buyer.ok("release", event=event, hold=held["hold"])
            await board.reach(last["version"])
        await asyncio.gather(*noise)
        assert board.letters == "f" * 24
    assert (await api.get("/readyz")).status == 200
