"""Holds that run out: never early, then for everybody to see."""

import asyncio
import time

from tests.contract.client import check_problem

KEPT_S = 5.0
"""How long a hold lives past its promised end, as the interface's description says."""

GRACE_S = 60.0


async def test_a_hold_runs_out_for_everyone_and_not_before_its_time(api):
    event = await api.sale("small", max_per_booking=2)
    owner, rival, onlooker = await api.guests(3)
    mine = await api.socket(owner)
    theirs = await api.socket(rival)
    watcher = await api.socket(onlooker)
    await mine.watch(event)
    board = await (await watcher.watch(event)).reach()
    asked = time.monotonic()
    held = await mine.ok("hold", event=event, seats=["A-1"], areas={"GA1": 1}, ttl_s=1)
    # Whenever the server decided, it was after we asked.
    promised = asked + held["expires_in_ms"] / 1000
    async with asyncio.timeout(GRACE_S):
        while True:
            reply = await theirs.ask("hold", event=event, seats=["A-1"])
            if reply["op"] == "ok":
                break
            assert reply["code"] == "seat_not_free"
            await asyncio.sleep(0.1)
        # Two clocks may differ a little over these seconds.
        assert time.monotonic() >= promised + KEPT_S - 0.1
        expired = await mine.next("expired", event=event)
    assert expired["hold"] == held["hold"]
    assert (expired["seats"], expired["areas"]) == (["A-1"], {"GA1": 1})
    # The expiry is one version, and so is the hold that followed it.
    assert reply["version"] == held["version"] + 2
    await board.reach(reply["version"])
    assert board.areas["GA1"]["free"] == 5
    for socket in (theirs, watcher):
        assert not socket.seen("expired")
    fields = {"event": event, "hold": held["hold"]}
    await mine.refused("hold_expired", "book", **fields)
    await mine.refused("hold_expired", "extend", **fields)
    await mine.refused("hold_expired", "release", **fields)
    await mine.refused("hold_expired", "hold", seats=["A-2"], **fields)
    # An expired hold is told before too many seats and seats that do not exist.
    await mine.refused("hold_expired", "hold_best", quantity=9, **fields)
    await mine.refused("hold_expired", "hold", seats=["Z-1"], **fields)
    await theirs.refused("hold_not_found", "book", **fields)
    answer = await api.command(event, owner, "book", hold=held["hold"])
    assert check_problem(answer, 410)["code"] == "hold_expired"
    for socket in (mine, theirs, watcher):
        await socket.close()
    await api.audit(event)


async def test_a_booking_in_time_is_kept_and_a_user_gets_his_allowance_back(api):
    event = await api.sale("small", max_per_user=2)
    async with await api.socket(await api.guest()) as buyer:
        first = await buyer.ok("hold", event=event, seats=["A-1"], ttl_s=2)
        await buyer.ok("hold", event=event, seats=["A-2"], ttl_s=1)
        await buyer.refused("user_limit", "hold", event=event, seats=["A-3"])
        await asyncio.sleep(max(0.0, first["expires_in_ms"] / 1000 - 0.7))
        await buyer.ok("book", event=event, hold=first["hold"])
        async with asyncio.timeout(GRACE_S):
            while True:
                reply = await buyer.ask("hold", event=event, seats=["A-3"])
                if reply["op"] == "ok":
                    break
                assert reply["code"] == "user_limit"
                await asyncio.sleep(0.2)
    letters = await api.letters(event, reply["version"])
    assert [letters[f"A-{n}"] for n in (1, 2, 3)] == ["b", "f", "h"]


async def test_a_hold_may_be_booked_shortly_after_its_promised_end(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as buyer:
        held = await buyer.ok("hold", event=event, seats=["A-1"], ttl_s=1)
        await asyncio.sleep(held["expires_in_ms"] / 1000 + 0.5)
        holding = await buyer.ok("holding", event=event)
        assert [one["expires_in_ms"] for one in holding["holds"]] == [0]
        await buyer.ok("book", event=event, hold=held["hold"])
    for path in ("/openapi.json", "/asyncapi.json"):
        assert "5 seconds later" in (await api.get(path)).raw.decode(), path


async def test_no_hold_outlives_twice_the_events_time(api):
    event = await api.sale("small", hold_ttl_s=2)
    async with await api.socket(await api.guest()) as buyer:
        held = await buyer.ok("hold", event=event, seats=["A-1"])
        received = time.monotonic()
        code = ""
        async with asyncio.timeout(GRACE_S):
            while not code:
                await asyncio.sleep(0.4)
                asked = time.monotonic()
                reply = await buyer.ask("extend", event=event, hold=held["hold"])
                if reply["op"] == "ok":
                    assert asked + reply["expires_in_ms"] / 1000 <= received + 4.05
                else:
                    code = reply["code"]
        assert code == "extend_limit"
        # The refusal took nothing away.
        await buyer.ok("book", event=event, hold=held["hold"])
