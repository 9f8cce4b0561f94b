"""Refusals with several reasons give the first of the contract's order."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.contract.client import TRANSIENT, Api, Person, after

Json = dict[str, Any]
Make = Callable[[Api, Person], Awaitable[tuple[str, Json]]]
SEATS_TOO_MANY = ["A-1", "A-2", "A-3", "A-4", "A-5"]


async def on_sale(api: Api, who: Person) -> tuple[str, Json]:
    """Sell at most 3 a booking and 4 a user; A-8 and B-1 are somebody else's."""
    event = await api.sale("small", max_per_booking=3, max_per_user=4)
    await api.ok(event, api.admin, "block", seats=["A-8", "B-1"])
    held = await api.ok(event, who, "hold", seats=["C-1"])
    return event, {"HOLD": held["hold"]}


async def nearly_full_user(api: Api, who: Person) -> tuple[str, Json]:
    """Leave the caller one seat of four."""
    event, names = await on_sale(api, who)
    await api.ok(event, who, "hold", seats=["C-3", "C-4"])
    return event, names


async def scheduled(api: Api, who: Person) -> tuple[str, Json]:
    draft = await api.draft("small", max_per_booking=3, on_sale_at=after(days=1))
    await api.change(draft["id"], "publish")
    return draft["id"], {"HOLD": "no-hold"}


async def paused(api: Api, who: Person) -> tuple[str, Json]:
    event, names = await on_sale(api, who)
    await api.change(event, "pause")
    return event, names


async def closed(api: Api, who: Person) -> tuple[str, Json]:
    event, names = await on_sale(api, who)
    await api.change(event, "close")
    return event, names


async def orphans(api: Api, who: Person) -> tuple[str, Json]:
    """Refuse orphans; R1-1 is taken."""
    event = await api.sale("hall", prevent_orphans=True)
    await api.ok(event, api.admin, "block", seats=["R1-1"])
    return event, {}


async def paid(api: Api, who: Person) -> tuple[str, Json]:
    event = await api.sale("small", payment="required")
    held = await api.ok(event, who, "hold", seats=["A-1"])
    return event, {"HOLD": held["hold"]}


async def no_event(api: Api, who: Person) -> tuple[str, Json]:
    return "no-event", {}


UNKNOWN_SEAT = {"seats": ["Z-1"]}
TAKEN = {"seats": ["A-8"]}

# What there is, the command, and which refusal comes first.
TABLE: list[tuple[Make, str, Json, str]] = [
    (no_event, "block", UNKNOWN_SEAT, "forbidden"),
    (no_event, "hold", {"hold": "x", **UNKNOWN_SEAT}, "event_not_found"),
    (no_event, "cancel", {"booking": "x"}, "event_not_found"),
    (scheduled, "block", UNKNOWN_SEAT, "forbidden"),
    (scheduled, "hold", {"hold": "x", **UNKNOWN_SEAT}, "sale_not_open"),
    (scheduled, "hold", {"seats": SEATS_TOO_MANY}, "sale_not_open"),
    (scheduled, "hold_best", {"quantity": 9}, "sale_not_open"),
    (scheduled, "extend", {"hold": "x"}, "sale_not_open"),
    (scheduled, "book", {"hold": "x"}, "hold_not_found"),
    (scheduled, "cancel", {"booking": "x"}, "booking_not_found"),
    (paused, "hold", {"hold": "x", **UNKNOWN_SEAT}, "sale_paused"),
    (paused, "hold", TAKEN, "sale_paused"),
    (paused, "extend", {"hold": "x"}, "sale_paused"),
    (paused, "release", {"hold": "x"}, "hold_not_found"),
    (closed, "hold", {"seats": SEATS_TOO_MANY}, "sale_closed"),
    (closed, "hold_best", {"hold": "x", "quantity": 1}, "sale_closed"),
    (closed, "book", {"hold": "x"}, "hold_not_found"),
    (on_sale, "hold", {"hold": "x", "seats": SEATS_TOO_MANY}, "hold_not_found"),
    (on_sale, "hold", {"hold": "x", **UNKNOWN_SEAT}, "hold_not_found"),
    (on_sale, "hold_best", {"hold": "x", "quantity": 9}, "hold_not_found"),
    (on_sale, "hold", {"seats": SEATS_TOO_MANY}, "too_many_seats"),
    (on_sale, "hold", {"seats": [*SEATS_TOO_MANY, "Z-1"]}, "too_many_seats"),
    (
        on_sale,
        "hold",
        {"hold": "HOLD", "seats": ["A-8", "B-1", "Z-1"]},
        "too_many_seats",
    ),
    (on_sale, "hold", {"areas": {"GA9": 4}}, "too_many_seats"),
    (nearly_full_user, "hold", {"seats": SEATS_TOO_MANY}, "too_many_seats"),
    (nearly_full_user, "hold", {"seats": ["A-1", "Z-1"]}, "user_limit"),
    (nearly_full_user, "hold", {"seats": ["A-8", "A-1"]}, "user_limit"),
    (nearly_full_user, "hold", {"areas": {"GA9": 2}}, "user_limit"),
    (on_sale, "hold", {**UNKNOWN_SEAT, "areas": {"GA9": 1}}, "seat_not_found"),
    (on_sale, "hold", {"seats": ["A-8", "Z-1"]}, "seat_not_found"),
    (on_sale, "hold", {**TAKEN, "areas": {"GA9": 1}}, "area_not_found"),
    (on_sale, "hold", TAKEN, "seat_not_free"),
    (orphans, "hold", {"seats": ["R1-1", "R1-10", "R1-12"]}, "seat_not_free"),
    (orphans, "hold", {"seats": ["R1-10", "R1-12"]}, "orphan_seat"),
    (paid, "book", {"hold": "x"}, "hold_not_found"),
    (paid, "book", {"hold": "HOLD"}, "payment_required"),
]


def with_names(fields: Json, names: Json) -> Json:
    return {
        name: names.get(value, value) if isinstance(value, str) else value
        for name, value in fields.items()
    }


@pytest.mark.parametrize(
    ("make", "op", "fields", "code"),
    TABLE,
    ids=[
        f"{make.__name__}-{op}-{code}-{n}"
        for n, (make, op, _, code) in enumerate(TABLE)
    ],
)
async def test_the_first_reason_in_order_is_given(api, make, op, fields, code):
    buyer = await api.guest()
    event, names = await make(api, buyer)
    async with await api.socket(buyer) as socket:
        sent = with_names(fields, names)
        reply = await socket.refused(code, op, event=event, **sent)
        assert reply["transient"] is (code in TRANSIENT)


async def test_seats_that_are_taken_come_before_areas_that_are_full(api):
    event = await api.sale("small")
    await api.ok(event, api.admin, "block", seats=["A-8"], areas={"GA1": 4})
    async with await api.socket(await api.guest()) as socket:
        full = {"areas": {"GA1": 2}}
        both = {"seats": ["A-8"], **full}
        await socket.refused("seat_not_free", "hold", event=event, **both)
        await socket.refused("not_enough_seats", "hold", event=event, **full)


async def test_whoever_is_nobody_is_told_so_before_anything_else(api):
    socket = await api.socket()
    for event in (await api.sale("small"), "no-event"):
        reply = await socket.ask("hold", event=event, seats=["A-1"])
        assert reply["code"] == "unauthenticated"
    await socket.close()


async def test_a_reused_key_comes_before_the_state_of_the_sale(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as socket:
        fields = {"event": event, "key": "one"}
        await socket.ok("hold", seats=["A-1"], **fields)
        await api.change(event, "close")
        reused = await socket.refused("key_reused", "hold", seats=["A-2"], **fields)
        assert reused["transient"] is False
        await socket.refused("key_reused", "book", hold="no-hold", **fields)
