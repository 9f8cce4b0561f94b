"""What watchers see: snapshots, deltas without holes, beats, their own news."""

import asyncio
import random
import time

import pytest

from tests.contract.client import Api
from tests.contract.socket_client import Socket

QUIET_S = 0.5


@pytest.mark.parametrize("packed", [False, True], ids=["json", "msgpack"])
async def test_watch_answers_first_then_a_snapshot_then_deltas_without_holes(
    api, packed
):
    event = await api.sale("small")
    buyer = await api.guest()
    held = await api.ok(event, buyer, "hold", seats=["A-1"], areas={"GA1": 2})
    async with await api.socket(await api.guest(), packed=packed) as socket:
        board = await socket.watch(event)
        assert board.resumed is False
        await board.reach()
        assert [frame["op"] for frame in socket.log[:2]] == ["ok", "snapshot"]
        assert board.version == held["version"]
        assert board.letters == (await api.availability(event))["seats"]
        assert board.areas["GA1"] == {"free": 3, "held": 2, "booked": 0, "blocked": 0}
        booked = await api.ok(event, buyer, "book", hold=held["hold"])
        await api.ok(event, api.admin, "block", seats=["C-1"])
        last = await api.ok(event, buyer, "cancel", booking=booked["booking"])
        await board.reach(last["version"])
        now = await api.availability(event, last["version"])
        assert board.letters == now["seats"]
        assert board.areas == now["areas"]
        assert board.history_id == now["history_id"]


async def test_a_delta_names_the_seats_by_letter_and_areas_by_absolute_counts(api):
    event = await api.sale("small")
    buyer = await api.guest()
    index = {s["label"]: s["index"] for s in (await api.map(event))["seats"]}
    async with await api.socket(buyer) as socket:
        board = await (await socket.watch(event)).reach()
        held = await socket.ok("hold", event=event, seats=["B-2"], areas={"GA1": 2})
        await board.reach(held["version"])
        delta = board.deltas[-1]
        assert {letter: s for letter, s in delta["seats"].items() if s} == {
            "h": [index["B-2"]]
        }
        assert delta["areas"] == {
            "GA1": {"free": 3, "held": 2, "booked": 0, "blocked": 0}
        }
        more = await socket.ok("hold", event=event, hold=held["hold"], seats=["B-3"])
        await board.reach(more["version"])
        assert board.deltas[-1]["areas"] == {}
        fields = {"event": event, "hold": held["hold"]}
        less = await socket.ok("release", areas={"GA1": 1}, **fields)
        await board.reach(less["version"])
        assert not any(board.deltas[-1]["seats"].values())
        assert board.deltas[-1]["areas"]["GA1"]["free"] == 4


async def test_a_change_that_touches_no_seat_still_sends_an_empty_delta(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as socket:
        board = await (await socket.watch(event)).reach()
        held = await socket.ok("hold", event=event, seats=["A-1"])
        await board.reach(held["version"])
        longer = await socket.ok("extend", event=event, hold=held["hold"])
        await board.reach(longer["version"])
        delta = board.deltas[-1]
        assert (delta["from"], delta["to"]) == (held["version"], longer["version"])
        assert not any(delta["seats"].values())
        assert delta["areas"] == {}


async def trade(api: Api, event: str, seed: int, rounds: int) -> int:
    """Hold, release and book at random; give the last version that we caused."""
    dice = random.Random(seed)
    version = 0
    async with await api.socket(await api.guest()) as socket:
        for _ in range(rounds):
            seats = [f"R{dice.randint(1, 4)}-{dice.randint(1, 30)}"]
            held = await socket.ask("hold", event=event, seats=seats)
            if held["op"] == "ok":
                op = dice.choice(["release", "release", "release", "extend"])
                done = await socket.ok(op, event=event, hold=held["hold"])
                version = done["version"]
                if op == "extend":
                    fields = {"event": event, "hold": held["hold"]}
                    version = (await socket.ok("book", **fields))["version"]
    return version


async def test_watchers_that_come_and_go_end_at_the_same_board(api):
    event = await api.sale("hall", max_per_user=100)
    early = await api.socket(await api.guest())
    fickle = await api.socket(await api.guest())
    steady_board = await (await early.watch(event)).reach()
    fickle_board = await (await fickle.watch(event)).reach()
    trades = [asyncio.create_task(trade(api, event, seed, 25)) for seed in range(5)]
    for _ in range(3):
        await fickle_board.reach(fickle_board.version + 5)
        await fickle.close()
        fickle = await api.socket(await api.guest())
        again = await fickle.watch(event, since=fickle_board.position)
        assert again.resumed is True
        fickle_board = again.adopt(fickle_board)
    late = await api.socket(await api.guest())
    late_board = await late.watch(event)
    last = max(await asyncio.gather(*trades))
    now = await api.availability(event, last)
    for board in (steady_board, fickle_board, late_board):
        await board.reach(now["version"])
        assert board.letters == now["seats"]
    for socket in (early, fickle, late):
        await socket.close()


async def test_a_watcher_that_comes_back_gets_what_it_missed(api):
    event = await api.sale("small")
    buyer, guest = await api.guests(2)
    async with await api.socket(guest) as socket:
        before = await (await socket.watch(event)).reach()
    held = await api.ok(event, buyer, "hold", seats=["A-1"])
    last = await api.ok(event, buyer, "book", hold=held["hold"])
    await api.availability(event, last["version"])
    async with await api.socket(guest) as socket:
        board = await socket.watch(event, since=before.position)
        assert board.resumed is True
        board.adopt(before)
        first = await board.step()
        assert first["op"] == "delta"
        assert first["from"] == before.version
        await board.reach(last["version"])
        assert board.letters == (await api.availability(event))["seats"]
        assert not socket.seen("snapshot")


async def test_a_watcher_that_missed_nothing_is_resumed(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as socket:
        first = await (await socket.watch(event)).reach()
        await socket.ok("unwatch", event=event)
        start = len(socket.log)
        again = await socket.watch(event, since=first.position)
        assert again.resumed is True
        again.adopt(first)
        held = await socket.ok("hold", event=event, seats=["A-1"])
        await again.reach(held["version"])
        assert again.deltas[0]["from"] == first.version
        assert all(frame["op"] != "snapshot" for frame in socket.log[start:])


async def test_another_history_gets_a_snapshot(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as socket:
        since = {"history_id": "another", "version": 0}
        board = await socket.watch(event, since=since)
        assert board.resumed is False
        first = await board.step()
        assert first["op"] == "snapshot"
        held = await socket.ok("hold", event=event, seats=["A-1"])
        await board.reach(held["version"])


async def test_a_since_ahead_waits_and_never_gets_an_older_snapshot(api):
    event = await api.sale("small")
    now = await api.availability(event)
    ahead = now["version"] + 2
    async with await api.socket(await api.guest()) as socket:
        since = {"history_id": now["history_id"], "version": ahead}
        await socket.post("watch", event=event, since=since)
        await asyncio.sleep(QUIET_S)
        for op in ("snapshot", "delta"):
            assert not socket.seen(op)
        async with await api.socket(await api.guest()) as buyer:
            for label in ("A-1", "A-2"):
                await buyer.ok("hold", event=event, seats=[label])
            held = await buyer.ok("hold", event=event, seats=["A-3"])
        _, first = await socket.find(lambda f: f["op"] in {"snapshot", "delta"})
        if first["op"] == "delta":
            assert first["from"] == ahead
            assert first["to"] == held["version"]
        else:
            assert first["version"] >= ahead


async def test_unwatch_ends_the_deltas(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as socket:
        board = await (await socket.watch(event)).reach()
        await socket.ok("unwatch", event=event)
        start = len(socket.log)
        held = await socket.ok("hold", event=event, seats=["A-1"])
        await api.availability(event, held["version"])
        await asyncio.sleep(QUIET_S)
        assert [frame["op"] for frame in socket.log[start:]] == ["ok"]
        assert board.version < held["version"]


async def test_one_socket_watches_several_events_and_keeps_them_apart(api):
    events = [await api.sale("small"), await api.sale("twenty")]
    buyer = await api.guest()
    async with await api.socket(buyer) as socket:
        boards = [await (await socket.watch(event)).reach() for event in events]
        for event, board in zip(events, boards, strict=True):
            held = await socket.ok("hold", event=event, seats=["A-1"])
            await board.reach(held["version"])
            now = await api.availability(event, held["version"])
            assert board.letters == now["seats"]


async def test_watching_an_event_that_is_not_there_is_refused(api):
    async with await api.socket(await api.guest()) as socket:
        await socket.refused("event_not_found", "watch", event="no-event")


async def test_watchers_are_told_the_state_of_the_sale(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as socket:
        await (await socket.watch(event)).reach()
        for verb, status in (
            ("pause", "paused"),
            ("resume", "on_sale"),
            ("close", "closed"),
        ):
            await api.change(event, verb)
            await socket.next("sale", event=event, status=status)
        assert len(socket.seen("sale")) == 3


@pytest.mark.slow
async def test_a_quiet_event_beats_every_ten_seconds(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as socket:
        board = await (await socket.watch(event)).reach()
        began = time.monotonic()
        beat = await socket.next("beat", event=event, timeout_s=60)
        # Not the second one.
        assert time.monotonic() - began < 20
        assert beat["version"] == board.version
        assert beat["history_id"] == board.history_id
        assert isinstance(beat["epoch"], int)


async def test_frames_of_a_watcher_carry_only_what_the_contract_says(api):
    event = await api.sale("small")
    async with (
        await api.socket(await api.guest()) as watcher,
        await api.socket(await api.guest()) as buyer,
    ):
        board = await (await watcher.watch(event)).reach()
        held = await buyer.ok("hold", event=event, seats=["A-1"])
        booked = await buyer.ok(
            "book", event=event, hold=held["hold"], order="order-4711"
        )
        await board.reach(booked["version"])
        seen = b"".join(watcher.raw)
        for secret in (held["hold"], booked["booking"], booked["reference"]):
            assert secret.encode() not in seen
        assert b"order-4711" not in seen
        assert_no_commands_answered(watcher)


def assert_no_commands_answered(watcher: Socket) -> None:
    """Check that a socket got one reply only, that to its watch."""
    assert len([frame for frame in watcher.log if "id" in frame]) == 1
