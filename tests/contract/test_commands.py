"""What each command answers and changes, over the websocket."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.client import TRANSIENT, after, check_problem, status_of


def labels_of(added: Any) -> list[str]:
    """Give the seats of `added`, whose inner form the contract leaves open."""
    seats = added["seats"] if isinstance(added, dict) else added
    return sorted(seats)


def parts(value: Any, name: str) -> list[dict[str, Any]]:
    """Find every object that has a field of that name, at any depth."""
    if isinstance(value, list):
        return [part for item in value for part in parts(item, name)]
    if not isinstance(value, dict):
        return []
    inner = [part for item in value.values() for part in parts(item, name)]
    return ([value] if isinstance(value.get(name), str) else []) + inner


@pytest.mark.parametrize("packed", [False, True], ids=["json", "msgpack"])
async def test_hello_tells_user_protocol_and_limits(api, packed):
    guest = await api.guest()
    async with await api.socket(packed=packed) as socket:
        hello = await socket.ok("hello", token=guest.token)
        assert hello["protocol"] == 1
        assert hello["limits"]["in_flight"] >= 1
        assert guest.id in str(hello["user"])
        assert (await socket.ok("ping"))["op"] == "ok"


async def test_without_a_subprotocol_the_frames_are_json(api):
    guest = await api.guest()
    headers = {"Authorization": f"Bearer {guest.token}"}
    async with api.session.ws_connect(f"{api.url}/v1/ws", headers=headers) as ws:
        await ws.send_str('{"op": "ping", "id": 7}')
        reply = await ws.receive_json(timeout=60)
        assert (reply["op"], reply["id"]) == ("ok", 7)


@pytest.mark.parametrize("packed", [False, True], ids=["json", "msgpack"])
async def test_hold_answers_with_everything_the_contract_names(api, packed):
    event = await api.sale("small")
    async with await api.socket(await api.guest(), packed=packed) as buyer:
        reply = await buyer.ok(
            "hold", event=event, seats=["A-1", "C-1"], areas={"GA1": 2}
        )
    assert isinstance(reply["hold"], str)
    assert 590_000 < reply["expires_in_ms"] <= 600_000
    expires = datetime.fromisoformat(reply["expires_at"])
    far = expires - datetime.now(UTC)
    assert timedelta(seconds=580) < far < timedelta(seconds=620)
    assert sorted(reply["seats"]) == ["A-1", "C-1"]
    assert reply["areas"] == {"GA1": 2}
    assert reply["total"] == {"amount": 4500 + 3 * 3000, "currency": "EUR"}
    assert labels_of(reply["added"]) == ["A-1", "C-1"]
    letters = await api.letters(event, reply["version"])
    assert (letters["A-1"], letters["C-1"], letters["A-2"]) == ("h", "h", "f")


async def test_hold_takes_the_time_it_is_asked_for(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as buyer:
        reply = await buyer.ok("hold", event=event, seats=["A-1"], ttl_s=60)
        assert 50_000 < reply["expires_in_ms"] <= 60_000


async def test_a_hold_is_all_or_nothing(api):
    event = await api.sale("small")
    first, second = await api.guests(2)
    async with await api.socket(first) as one, await api.socket(second) as two:
        held = await one.ok("hold", event=event, seats=["A-2"])
        refused = await two.refused(
            "seat_not_free",
            "hold",
            event=event,
            seats=["A-1", "A-2", "A-3"],
            areas={"GA1": 1},
        )
        assert refused["seats"] == ["A-2"]
        await two.refused(
            "not_enough_seats", "hold", event=event, seats=["A-1"], areas={"GA1": 6}
        )
        await two.refused("seat_not_found", "hold", event=event, seats=["A-1", "Z-9"])
    board = await api.availability(event, held["version"])
    assert board["version"] == held["version"]
    assert board["seats"].count("h") == 1
    assert board["areas"]["GA1"]["free"] == 5


async def test_adding_to_a_hold_keeps_its_clock_and_answers_the_whole(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as buyer:
        first = await buyer.ok("hold", event=event, seats=["A-1"], ttl_s=60)
        second = await buyer.ok(
            "hold",
            event=event,
            hold=first["hold"],
            seats=["A-2"],
            areas={"GA1": 1},
            ttl_s=600,
        )
        third = await buyer.ok(
            "hold_best", event=event, hold=first["hold"], quantity=2, category="2"
        )
    for reply in (second, third):
        assert reply["hold"] == first["hold"]
        assert reply["expires_at"] == first["expires_at"]
        assert reply["expires_in_ms"] <= first["expires_in_ms"]
        assert reply["areas"] == {"GA1": 1}
    assert sorted(second["seats"]) == ["A-1", "A-2"]
    assert labels_of(second["added"]) == ["A-2"]
    assert second["total"]["amount"] == 2 * 4500 + 3000
    assert len(third["seats"]) == 4
    assert len(labels_of(third["added"])) == 2
    assert set(third["seats"]) == {"A-1", "A-2", *labels_of(third["added"])}


async def test_extend_moves_the_clock_and_nothing_else(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as buyer:
        held = await buyer.ok("hold", event=event, seats=["A-1"], ttl_s=60)
        longer = await buyer.ok("extend", event=event, hold=held["hold"], ttl_s=300)
        assert 290_000 < longer["expires_in_ms"] <= 300_000
        assert longer["expires_at"] > held["expires_at"]
        full = await buyer.ok("extend", event=event, hold=held["hold"])
        assert 590_000 < full["expires_in_ms"] <= 600_000
        holding = await buyer.ok("holding", event=event)
        assert parts(holding, "hold")[0]["seats"] == ["A-1"]


async def test_extend_by_more_than_the_event_allows_is_no_way_out(api):
    event = await api.sale("small", hold_ttl_s=120)
    async with await api.socket(await api.guest()) as buyer:
        held = await buyer.ok("hold", event=event, seats=["A-1"])
        reply = await buyer.ask("extend", event=event, hold=held["hold"], ttl_s=100_000)
        assert reply["op"] != "ok" or reply["expires_in_ms"] <= 120_000


async def test_release_in_part_and_then_the_rest(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as buyer:
        held = await buyer.ok(
            "hold", event=event, seats=["A-1", "A-2", "A-3"], areas={"GA1": 3}
        )
        token = held["hold"]
        part = await buyer.ok(
            "release", event=event, hold=token, seats=["A-2"], areas={"GA1": 1}
        )
        assert (part["seats"], part["areas"]) == (["A-2"], {"GA1": 1})
        letters = await api.letters(event, part["version"])
        assert [letters[f"A-{n}"] for n in (1, 2, 3)] == ["h", "f", "h"]
        rest = await buyer.ok("release", event=event, hold=token)
        assert sorted(rest["seats"]) == ["A-1", "A-3"]
        assert rest["areas"] == {"GA1": 2}
        await buyer.refused("hold_not_found", "book", event=event, hold=token)
    board = await api.availability(event, rest["version"])
    assert set(board["seats"]) == {"f"}
    assert board["areas"]["GA1"]["free"] == 5


async def test_a_hold_released_seat_by_seat_leaves_nothing_held(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as buyer:
        held = await buyer.ok("hold", event=event, seats=["A-1", "A-2"])
        fields = {"event": event, "hold": held["hold"]}
        await buyer.ok("release", seats=["A-1"], **fields)
        last = await buyer.ok("release", seats=["A-2"], **fields)
        holding = await buyer.ok("holding", event=event)
        assert not any(part.get("seats") for part in parts(holding, "hold"))
    board = await api.availability(event, last["version"])
    assert set(board["seats"]) == {"f"}


async def test_book_ends_the_hold_and_cancel_frees_the_seats(api):
    event = await api.sale("small")
    buyer = await api.guest()
    async with await api.socket(buyer) as socket:
        held = await socket.ok("hold", event=event, seats=["A-1"], areas={"GA1": 2})
        booked = await socket.ok(
            "book", event=event, hold=held["hold"], order="order-77"
        )
        assert isinstance(booked["booking"], str)
        assert isinstance(booked["reference"], str)
        assert (booked["seats"], booked["areas"]) == (["A-1"], {"GA1": 2})
        assert (await api.letters(event, booked["version"]))["A-1"] == "b"
        await socket.refused("hold_not_found", "book", event=event, hold=held["hold"])
        freed = await socket.ok("cancel", event=event, booking=booked["booking"])
        assert (freed["seats"], freed["areas"]) == (["A-1"], {"GA1": 2})
        again = await socket.ask("cancel", event=event, booking=booked["booking"])
        assert again["code"] == "booking_not_found"
        await socket.ok("hold", event=event, seats=["A-1"])
    board = await api.availability(event, freed["version"])
    assert board["areas"]["GA1"]["booked"] == 0


async def test_holding_lists_holds_and_bookings_of_the_caller_alone(api):
    event = await api.sale("small")
    mine, theirs = await api.guests(2)
    async with await api.socket(mine) as me, await api.socket(theirs) as other:
        await other.ok("hold", event=event, seats=["B-1"])
        held = await me.ok("hold", event=event, seats=["A-1"])
        second = await me.ok("hold", event=event, seats=["A-5"])
        booked = await me.ok("book", event=event, hold=second["hold"])
        holding = await me.ok("holding", event=event)
    assert {part["hold"] for part in parts(holding, "hold")} == {held["hold"]}
    bookings = parts(holding, "booking")
    assert {part["booking"] for part in bookings} == {booked["booking"]}
    text = str(holding)
    assert "'A-1'" in text
    assert "'A-5'" in text
    assert "B-1" not in text


async def test_block_and_unblock_are_the_organisers(api):
    event = await api.sale("small")
    buyer = await api.guest()
    async with await api.socket(api.admin) as desk, await api.socket(buyer) as socket:
        blocked = await desk.ok(
            "block", event=event, seats=["A-1", "A-2"], areas={"GA1": 4}
        )
        letters = await api.letters(event, blocked["version"])
        assert (letters["A-1"], letters["A-2"]) == ("x", "x")
        refused = await socket.refused(
            "seat_not_free", "hold", event=event, seats=["A-1"]
        )
        assert refused["seats"] == ["A-1"]
        await socket.refused("not_enough_seats", "hold", event=event, areas={"GA1": 2})
        await socket.refused("forbidden", "block", event=event, seats=["B-1"])
        await socket.refused("forbidden", "unblock", event=event, seats=["A-1"])
        held = await socket.ok("hold", event=event, seats=["B-1"])
        await desk.refused("seat_not_free", "block", event=event, seats=["B-1", "B-2"])
        freed = await desk.ok("unblock", event=event, seats=["A-1"], areas={"GA1": 4})
        assert freed["version"] == held["version"] + 1
        await socket.ok("hold", event=event, seats=["A-1"], areas={"GA1": 2})


async def test_limits_for_each_booking_and_each_user(api):
    event = await api.sale("small", max_per_booking=3, max_per_user=4)
    buyer, other = await api.guests(2)
    async with await api.socket(buyer) as socket, await api.socket(other) as two:
        four = ["A-1", "A-2", "A-3", "A-4"]
        await socket.refused("too_many_seats", "hold", event=event, seats=four)
        await socket.refused("too_many_seats", "hold_best", event=event, quantity=4)
        await socket.refused(
            "too_many_seats", "hold", event=event, seats=["A-1"], areas={"GA1": 3}
        )
        held = await socket.ok("hold", event=event, seats=four[:3])
        await socket.refused(
            "too_many_seats", "hold", event=event, hold=held["hold"], seats=["A-4"]
        )
        await socket.ok("book", event=event, hold=held["hold"])
        pair = ["B-1", "B-2"]
        await socket.refused("user_limit", "hold", event=event, seats=pair)
        await socket.refused("user_limit", "hold", event=event, areas={"GA1": 2})
        await socket.refused("user_limit", "hold_best", event=event, quantity=2)
        await socket.ok("hold", event=event, seats=["B-1"])
        await socket.refused("user_limit", "hold", event=event, seats=["B-2"])
        await two.ok("hold", event=event, seats=["B-2", "B-3", "B-4"])


async def test_somebody_elses_hold_and_booking_do_not_exist(api):
    event = await api.sale("small")
    owner, thief = await api.guests(2)
    async with await api.socket(owner) as one, await api.socket(thief) as two:
        held = await one.ok("hold", event=event, seats=["A-1"])
        booked_hold = await one.ok("hold", event=event, seats=["A-5"])
        booked = await one.ok("book", event=event, hold=booked_hold["hold"])
        fields = {"event": event, "hold": held["hold"]}
        await two.refused("hold_not_found", "book", **fields)
        await two.refused("hold_not_found", "extend", **fields)
        await two.refused("hold_not_found", "release", **fields)
        await two.refused("hold_not_found", "hold", seats=["A-2"], **fields)
        await two.refused("hold_not_found", "hold_best", quantity=1, **fields)
        booking = booked["booking"]
        await two.refused("booking_not_found", "cancel", event=event, booking=booking)
        await one.ok("book", **fields)


async def test_payment_is_asked_for_where_the_event_says_so(api):
    event = await api.sale("small", payment="required")
    async with await api.socket(await api.guest()) as buyer:
        held = await buyer.ok("hold", event=event, seats=["A-1"])
        fields = {"event": event, "hold": held["hold"]}
        await buyer.refused("payment_required", "book", **fields)
        await buyer.ok("extend", **fields)
        await buyer.ok("release", **fields)


async def test_cancel_is_too_late_near_the_start(api):
    event = await api.sale("small", starts_at=after(hours=2), cancel_until_s=86400)
    async with await api.socket(await api.guest()) as buyer:
        held = await buyer.ok("hold", event=event, seats=["A-1"])
        booked = await buyer.ok("book", event=event, hold=held["hold"])
        fields = {"event": event, "booking": booked["booking"]}
        await buyer.refused("cancel_too_late", "cancel", **fields)
    assert (await api.letters(event, booked["version"]))["A-1"] == "b"


@pytest.mark.parametrize(
    ("verb", "code"), [("pause", "sale_paused"), ("close", "sale_closed")]
)
async def test_a_sale_that_stopped_refuses_holds_but_lets_live_ones_be_booked(
    api, verb, code
):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as buyer:
        held = await buyer.ok("hold", event=event, seats=["A-1"])
        other = await buyer.ok("hold", event=event, seats=["B-1", "B-2"])
        await api.change(event, verb)
        refused = await buyer.refused(code, "hold", event=event, seats=["A-2"])
        assert refused["transient"] == (code in TRANSIENT)
        await buyer.refused(code, "hold_best", event=event, quantity=1)
        await buyer.refused(code, "extend", event=event, hold=held["hold"])
        await buyer.ok("release", event=event, hold=other["hold"], seats=["B-1"])
        booked = await buyer.ok("book", event=event, hold=held["hold"])
        await buyer.ok("cancel", event=event, booking=booked["booking"])


async def test_versions_count_up_by_one_for_each_accepted_change_only(api):
    event = await api.sale("small")
    start = (await api.availability(event))["version"]
    async with await api.socket(await api.guest()) as buyer:
        held = await buyer.ok("hold", event=event, seats=["A-1", "A-2"])
        await buyer.refused("seat_not_free", "hold", event=event, seats=["A-1"])
        fields = {"event": event, "hold": held["hold"]}
        extended = await buyer.ok("extend", **fields)
        await buyer.ok("holding", event=event)
        await buyer.ok("ping")
        released = await buyer.ok("release", seats=["A-2"], **fields)
        booked = await buyer.ok("book", **fields)
        freed = await buyer.ok("cancel", event=event, booking=booked["booking"])
    versions = [reply["version"] for reply in (held, extended, released, booked, freed)]
    assert versions == [start + n for n in range(1, 6)]
    board = await api.availability(event, freed["version"])
    assert board["version"] == freed["version"]


async def test_commands_over_rest_answer_their_reply_object(api):
    event = await api.sale("small")
    buyer = await api.guest()
    held = await api.ok(event, buyer, "hold", seats=["A-1"], areas={"GA1": 1})
    assert held["seats"] == ["A-1"]
    assert held["total"] == {"amount": 7500, "currency": "EUR"}
    assert held["expires_in_ms"] > 0
    best = await api.ok(event, buyer, "hold_best", quantity=2)
    assert best["adjacent"] is True
    await api.ok(event, buyer, "extend", hold=held["hold"])
    booked = await api.ok(event, buyer, "book", hold=held["hold"])
    holding = await api.ok(event, buyer, "holding")
    assert booked["booking"] in str(holding)
    await api.ok(event, buyer, "cancel", booking=booked["booking"])
    released = await api.ok(event, buyer, "release", hold=best["hold"])
    assert sorted(released["seats"]) == sorted(best["seats"])
    await api.ok(event, api.admin, "block", seats=["C-1"])
    await api.ok(event, api.admin, "unblock", seats=["C-1"])


async def test_a_refusal_over_rest_is_a_problem_with_its_code_and_status(api):
    paid = await api.sale("small", payment="required", max_per_booking=3)
    closed = await api.sale("small")
    await api.change(closed, "close")
    buyer = await api.guest()
    held = await api.ok(paid, buyer, "hold", seats=["A-1"])
    cases = [
        (paid, "payment_required", "book", {"hold": held["hold"]}),
        (paid, "forbidden", "block", {"seats": ["A-2"]}),
        ("nothing", "event_not_found", "hold", {"seats": ["A-2"]}),
        (paid, "hold_not_found", "book", {"hold": "nothing"}),
        (paid, "seat_not_found", "hold", {"seats": ["Z-1"]}),
        (paid, "area_not_found", "hold", {"areas": {"GA9": 1}}),
        (paid, "booking_not_found", "cancel", {"booking": "nothing"}),
        (closed, "sale_closed", "hold", {"seats": ["A-1"]}),
        (paid, "bad_field", "hold", {"seats": ["A-2"], "colour": "red"}),
        (paid, "unknown_op", "steal", {"seats": ["A-2"]}),
        (paid, "seat_not_free", "hold", {"seats": ["A-1"]}),
        (paid, "too_many_seats", "hold_best", {"quantity": 4}),
    ]
    for event, code, op, fields in cases:
        answer = await api.command(event, buyer, op, **fields)
        problem = check_problem(answer, status_of(code))
        assert problem["code"] == code
        assert problem["transient"] is (code in TRANSIENT)
        if code == "seat_not_free":
            assert problem["seats"] == ["A-1"]
            assert "alternatives" in problem
