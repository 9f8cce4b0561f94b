"""A key has at most one effect and, once accepted, always the same answer."""

import asyncio
import json
from typing import Any

import pytest

from tests.contract.charts import named_chart
from tests.contract.client import Api, Json, after, check_problem
from tests.contract.process import Server


def answer_of(reply: Json) -> Json:
    """Drop what may differ between an answer and its replay."""
    return {
        name: value
        for name, value in reply.items()
        if name not in {"id", "expires_in_ms"}
    }


async def test_a_replay_is_the_same_answer_and_changes_nothing(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as buyer:

        async def twice(op: str, **fields: Any) -> Json:
            first = await buyer.ok(op, event=event, key=f"key-{op}", **fields)
            again = await buyer.ok(op, event=event, key=f"key-{op}", **fields)
            assert again["id"] != first["id"]
            assert answer_of(again) == answer_of(first)
            assert isinstance(first, dict)
            return first

        held = await twice("hold", seats=["A-1", "A-2"], areas={"GA1": 1})
        await twice("extend", hold=held["hold"], ttl_s=600)
        await twice("release", hold=held["hold"], seats=["A-2"])
        best = await twice("hold_best", quantity=2)
        booked = await twice("book", hold=held["hold"])
        freed = await twice("cancel", booking=booked["booking"])
        assert freed["version"] == held["version"] + 5
        again = await buyer.ok(
            "hold", event=event, key="key-hold", seats=["A-1", "A-2"], areas={"GA1": 1}
        )
        assert answer_of(again) == answer_of(held)
    board = await api.availability(event, freed["version"])
    assert board["version"] == freed["version"]
    assert board["seats"].count("h") == len(best["seats"]) == 2


async def test_expires_in_of_a_replay_is_recomputed(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as buyer:
        fields = {"event": event, "seats": ["A-1"], "key": "k"}
        first = await buyer.ok("hold", **fields)
        await asyncio.sleep(0.3)
        again = await buyer.ok("hold", **fields)
    gone = first["expires_in_ms"] - again["expires_in_ms"]
    assert 250 <= gone <= 10_000


async def test_a_key_used_for_another_command_is_refused(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as buyer:
        fields = {"event": event, "key": "k"}
        held = await buyer.ok("hold", seats=["A-1"], **fields)
        for op, other in (
            ("hold", {"seats": ["A-2"]}),
            ("hold", {"seats": ["A-1"], "areas": {"GA1": 1}}),
            ("hold_best", {"quantity": 1}),
            ("book", {"hold": held["hold"]}),
        ):
            await buyer.refused("key_reused", op, **other, **fields)
        await buyer.ok("hold", seats=["A-1"], **fields)
    letters = await api.letters(event, held["version"])
    assert (letters["A-1"], letters["A-2"]) == ("h", "f")


async def test_a_key_belongs_to_one_user_and_one_event(api):
    one, two = await api.sale("small"), await api.sale("small")
    first, second = await api.guests(2)
    async with await api.socket(first) as a, await api.socket(second) as b:
        held = await a.ok("hold", event=one, seats=["A-1"], key="same")
        other = await b.ok("hold", event=one, seats=["A-2"], key="same")
        third = await a.ok("hold", event=two, seats=["A-3"], key="same")
        assert len({held["hold"], other["hold"], third["hold"]}) == 3
        taken = await b.refused(
            "key_reused", "hold", event=one, seats=["A-1"], key="same"
        )
        assert "hold" not in taken


async def test_spelling_order_and_subprotocol_make_no_other_command(api):
    event = await api.sale("small")
    guest = await api.guest()
    async with (
        await api.socket(guest) as plain,
        await api.socket(guest, packed=True) as packed,
    ):
        fields = {"event": event, "seats": ["A-1"], "key": "k"}
        held = await plain.ok("hold", **fields)
        assert answer_of(await packed.ok("hold", **fields)) == answer_of(held)
        frame = {"key": "k", "seats": ["A-1"], "id": 99, "event": event, "op": "hold"}
        await plain.send_text(json.dumps(frame, indent=2))
        again = await plain.next("ok", id=99)
        assert answer_of(again) == answer_of(held)
        plain.strays.clear()
    over_rest = await api.ok(event, guest, "hold", seats=["A-1"], idempotency_key="k")
    assert over_rest["hold"] == held["hold"]
    assert over_rest["version"] == held["version"]


async def test_the_idempotency_key_header_is_the_commands_key(api):
    event = await api.sale("small")
    guest = await api.guest()
    fields = {"seats": ["B-1"], "idempotency_key": "k"}
    held = await api.ok(event, guest, "hold", **fields)
    again = await api.ok(event, guest, "hold", **fields)
    assert answer_of(again) == answer_of(held)
    answer = await api.command(event, guest, "hold", seats=["B-2"], idempotency_key="k")
    assert check_problem(answer, 422)["code"] == "key_reused"
    async with await api.socket(guest) as socket:
        over_ws = await socket.ok("hold", event=event, seats=["B-1"], key="k")
        assert over_ws["hold"] == held["hold"]


async def test_a_refusal_does_not_use_up_its_key(api):
    event = await api.sale("small")
    await api.ok(event, api.admin, "block", seats=["A-1"])
    async with await api.socket(await api.guest()) as buyer:
        fields = {"event": event, "seats": ["A-1"], "key": "k"}
        await buyer.refused("seat_not_free", "hold", **fields)
        await api.ok(event, api.admin, "unblock", seats=["A-1"])
        held = await buyer.ok("hold", **fields)
        again = await buyer.ok("hold", **fields)
        assert answer_of(again) == answer_of(held)


async def test_an_accepted_key_answers_the_same_whatever_happened_since(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as buyer:
        fields = {"event": event, "seats": ["A-1"], "key": "k"}
        held = await buyer.ok("hold", **fields)
        await buyer.ok("release", event=event, hold=held["hold"])
        rival = await api.ok(event, await api.guest(), "hold", seats=["A-1"])
        await api.change(event, "close")
        again = await buyer.ok("hold", **fields)
        assert answer_of(again) == answer_of(held)
        assert again["hold"] != rival["hold"]


async def test_a_key_has_at_most_128_characters(api):
    event = await api.sale("small")
    guest = await api.guest()
    async with await api.socket(guest) as buyer:
        await buyer.ok("hold", event=event, seats=["A-1"], key="k" * 128)
        reply = await buyer.ask("hold", event=event, seats=["A-2"], key="k" * 129)
        assert reply["op"] in {"error", "refused"}
        await buyer.ok("ping")
    answer = await api.command(
        event, guest, "hold", seats=["A-2"], idempotency_key="k" * 129
    )
    assert 400 <= check_problem(answer)["status"] < 500
    assert (await api.letters(event))["A-2"] == "f"


@pytest.mark.race
async def test_duplicates_at_the_same_moment_have_one_effect(api):
    event = await api.sale("small")
    guest = await api.guest()
    sockets = [await api.socket(guest) for _ in range(3)]
    fields = {"event": event, "quantity": 2, "key": "k"}
    asked = [
        await socket.post("hold_best", **fields) for socket in sockets for _ in range(5)
    ]
    over_rest = asyncio.create_task(
        api.ok(event, guest, "hold_best", quantity=2, idempotency_key="k")
    )
    replies = await asyncio.gather(*asked)
    assert all(reply["op"] == "ok" for reply in replies)
    assert all(answer_of(reply) == answer_of(replies[0]) for reply in replies)
    assert (await over_rest)["hold"] == replies[0]["hold"]
    board = await api.availability(event, replies[0]["version"])
    assert board["version"] == replies[0]["version"]
    assert board["seats"].count("h") == 2
    for socket in sockets:
        await socket.close()


async def test_making_events_and_venues_honours_the_idempotency_key(api):
    headers = {"Idempotency-Key": f"make-{after(seconds=0)}"}
    body: Json = {"name": "x", "capacity": 10, "starts_at": after(days=3)}
    options: Json = {"who": api.admin, "headers": headers}
    first = await api.good("POST", "/v1/events", body, **options)
    again = await api.good("POST", "/v1/events", body, **options)
    assert again["id"] == first["id"]
    other = body | {"capacity": 11}
    answer = await api.request("POST", "/v1/events", other, **options)
    assert check_problem(answer, 422)["code"] == "key_reused"


async def test_a_key_reused_with_another_body_is_refused_whatever_way_it_comes(api):
    event = await api.sale("small")
    guest = await api.guest()
    async with await api.socket(guest) as socket:
        held = await socket.ok("hold", event=event, seats=["A-1"], key="one")
        over_rest = {"seats": ["A-2"], "idempotency_key": "one"}
        answer = await api.command(event, guest, "hold", **over_rest)
        assert check_problem(answer, 422)["code"] == "key_reused"
        await api.ok(event, guest, "hold", seats=["B-1"], idempotency_key="two")
        await socket.refused(
            "key_reused", "book", event=event, hold=held["hold"], key="two"
        )
    letters = await api.letters(event)
    assert (letters["A-1"], letters["A-2"], letters["B-1"]) == ("h", "f", "h")


async def test_what_an_organiser_asks_of_an_event_honours_the_idempotency_key(api):
    event = (await api.draft("small"))["id"]
    path = f"/v1/events/{event}"
    options: Json = {"who": api.admin, "headers": {"Idempotency-Key": "k"}}
    edited = await api.good("PATCH", path, {"hold_ttl_s": 300}, **options)
    again = await api.good("PATCH", path, {"hold_ttl_s": 300}, **options)
    assert again["version"] == edited["version"]
    for method, where, body in (
        ("PATCH", path, {"hold_ttl_s": 200}),
        ("PATCH", path, {"name": "Another"}),
        ("POST", f"{path}/publish", None),
        ("DELETE", path, None),
    ):
        answer = await api.request(method, where, body, **options)
        assert check_problem(answer, 422)["code"] == "key_reused", (method, where)
    now = await api.event(event)
    assert (now["hold_ttl_s"], now["status"]) == (300, "draft")
    assert now["version"] == edited["version"]
    options["headers"] = {"Idempotency-Key": "venue"}
    made = {"name": "small", "chart": named_chart("small")}
    first = await api.good("POST", "/v1/venues", made, **options)
    again = await api.good("POST", "/v1/venues", made, **options)
    assert again["id"] == first["id"]
    answer = await api.request("POST", "/v1/venues", made | {"name": "x"}, **options)
    assert check_problem(answer, 422)["code"] == "key_reused"


@pytest.mark.parametrize("hard", [False, True], ids=["sigterm", "kill-9"])
async def test_keys_are_remembered_across_a_restart(own_server: Server, hard: bool):
    async with Api(own_server) as api:
        event = await api.sale("small")
        guest = await api.guest()
        held = await api.ok(event, guest, "hold", seats=["A-1"], idempotency_key="hold")
        booked = await api.ok(
            event, guest, "book", hold=held["hold"], idempotency_key="book"
        )
    await asyncio.to_thread(own_server.kill if hard else own_server.stop)
    await asyncio.to_thread(own_server.start)
    async with Api(own_server) as api:
        async with await api.socket(guest) as socket:
            fields = {"event": event, "hold": held["hold"], "key": "book"}
            again = await socket.ok("book", **fields)
            assert answer_of(again) == answer_of(booked)
            first = await socket.ok("hold", event=event, seats=["A-1"], key="hold")
            assert answer_of(first) == answer_of(held)
            await socket.refused(
                "key_reused", "hold", event=event, seats=["A-2"], key="hold"
            )
        await api.audit(event)
