"""Bookings over REST: found, filtered, searched by who runs the event, cancelled."""

import asyncio
import uuid

import pytest

from tests.contract.client import Api, Json, Person, after, check_problem
from tests.contract.teams import (
    account,
    api_key,
    booked,
    by_machine,
    organizer,
    sale_of,
    team,
)


async def book(api: Api, event: str, who: Person, *seats: str) -> Json:
    held = await api.ok(event, who, "hold", seats=list(seats))
    return await api.ok(event, who, "book", hold=held["hold"])


async def cancel(
    api: Api, booking: str, who: Person, key: str | None = None
) -> tuple[int, Json]:
    headers = {} if key is None else {"Idempotency-Key": key}
    path = f"/v1/bookings/{booking}/cancel"
    answer = await api.request("POST", path, who=who, headers=headers)
    return answer.status, answer.body


async def test_a_buyer_cancels_and_the_seats_are_free_again(api):
    event = await api.sale("small")
    buyer, other = await api.guests(2)
    made = await book(api, event, buyer, "A-1", "A-2")
    shown = await api.good("GET", f"/v1/bookings/{made['booking']}", who=buyer)
    assert (shown["status"], shown["cancelled_at"]) == ("confirmed", None)
    status, body = await cancel(api, made["booking"], other)
    assert (status, body["code"]) == (404, "booking_not_found")
    status, body = await cancel(api, made["booking"], buyer)
    assert (status, body["status"]) == (200, "cancelled")
    assert body["cancelled_at"] is not None
    assert body == await api.good("GET", f"/v1/bookings/{made['booking']}", who=buyer)
    again = await book(api, event, other, "A-1")
    assert again["seats"] == ["A-1"]
    status, body = await cancel(api, made["booking"], buyer)
    assert (status, body["status"]) == (200, "cancelled")
    await api.audit(event)


async def test_the_same_cancellation_again_gets_the_same_answer(api):
    event = await api.sale("small")
    buyer = await api.guest()
    first = await book(api, event, buyer, "A-1")
    second = await book(api, event, buyer, "A-2")
    answers = await asyncio.gather(
        *(cancel(api, first["booking"], buyer, "once") for _ in range(3))
    )
    assert [status for status, _ in answers] == [200, 200, 200]
    assert answers[0] == answers[1] == answers[2]
    status, body = await cancel(api, second["booking"], buyer, "once")
    assert (status, body["code"]) == (422, "key_reused")
    path = f"/v1/bookings/{second['booking']}/cancel"
    wrong = {"Idempotency-Key": "x" * 129}
    answer = await api.request("POST", path, who=buyer, headers=wrong)
    assert check_problem(answer, 422)["code"] == "bad_field"


async def test_after_the_deadline_only_who_manages_the_event_cancels(api):
    one = await team(api)
    event = await sale_of(api, one, starts_at=after(hours=20))
    buyer = await account(api)
    made = (await booked(api, event, buyer))["booking"]
    status, body = await cancel(api, made, buyer)
    assert (status, body["code"]) == (409, "cancel_too_late")
    for who in (await account(api), await organizer(api)):
        assert (await cancel(api, made, who))[1]["code"] == "booking_not_found"
    # Staff see what they may not cancel.
    status, body = await cancel(api, made, one.staff)
    assert (status, body["code"]) == (403, "forbidden")
    status, body = await cancel(api, made, one.leader)
    assert (status, body["status"]) == (200, "cancelled")
    own = (await booked(api, await sale_of(api, one), one.staff))["booking"]
    assert (await cancel(api, own, one.staff))[0] == 200


async def test_a_list_of_one_s_bookings_is_filtered(api):
    first, second = await api.sale("small"), await api.sale("small")
    buyer = await api.guest()
    gone = (await book(api, first, buyer, "A-1"))["booking"]
    await cancel(api, gone, buyer)
    middle = after()
    kept = (await book(api, first, buyer, "A-2"))["booking"]
    other = (await book(api, second, buyer, "A-1"))["booking"]

    async def ids(**params: str) -> list[str]:
        body = await api.good("GET", "/v1/bookings", who=buyer, params=params)
        return [one["id"] for one in body["items"]]

    assert await ids() == [other, kept, gone]
    assert await ids(status="cancelled") == [gone]
    assert await ids(status="confirmed", event=first) == [kept]
    assert await ids(**{"from": middle}) == [other, kept]
    assert await ids(to=middle) == [gone]
    for wrong in ({"status": "gone"}, {"from": "today"}, {"event": ""}):
        answer = await api.request("GET", "/v1/bookings", who=buyer, params=wrong)
        assert check_problem(answer, 422)["code"] == "bad_field"


async def test_who_runs_an_event_finds_its_bookings(api):
    one = await team(api)
    event = await sale_of(api, one, max_per_user=100)
    tag = uuid.uuid4().hex
    body = {"email": f"{tag}@example.org", "password": "a long one", "name": "Zoë B"}
    signed = await api.good("POST", "/v1/auth/register", body)
    buyer = Person(signed["user"]["id"], "customer", signed["access_token"])
    guest = await api.guest()
    mine = [(await booked(api, event, buyer))["booking"] for _ in range(3)]
    theirs = await booked(api, event, guest)
    await cancel(api, mine[0], buyer)
    path = f"/v1/events/{event}/bookings"

    async def ids(who: Person = one.staff, **params: str) -> list[str]:
        found = await api.good("GET", path, who=who, params=params)
        return [item["id"] for item in found["items"]]

    everything = [theirs["booking"], *reversed(mine)]
    for who in (one.owner, one.leader, one.staff, api.admin):
        assert await ids(who) == everything
    assert await ids(q=tag.upper()) == everything[1:]
    assert await ids(q="zoë") == everything[1:]
    assert await ids(q=theirs["reference"].lower()) == [theirs["booking"]]
    assert await ids(q="zoë", status="cancelled") == [mine[0]]
    assert await ids(seat="A-1") == []
    page = await api.good("GET", f"{path}?limit=2", who=one.staff)
    rest = await api.good(
        "GET", f"{path}?limit=2&cursor={page['next_cursor']}", who=one.staff
    )
    assert [b["id"] for b in page["items"] + rest["items"]] == everything
    assert page["items"][0]["buyer"] == {"id": guest.id, "email": None, "name": None}
    known = rest["items"][0]["buyer"]
    assert known == {"id": buyer.id, "email": f"{tag}@example.org", "name": "Zoë B"}
    key = (await api_key(api, one, ["bookings:read"]))["key"]
    answer = await by_machine(api, key, "GET", path)
    assert len(answer.body["items"]) == 4
    for stranger in (buyer, await organizer(api)):
        check_problem(await api.get(path, stranger), 403)


async def test_a_seat_finds_its_booking(api):
    event = await api.sale("small")
    buyer = await api.guest()
    made = await book(api, event, buyer, "A-1", "A-2")
    await book(api, event, buyer, "B-1")
    for params in ({"seat": "A-2"}, {"q": "A-2"}):
        path = f"/v1/events/{event}/bookings"
        found = await api.good("GET", path, who=api.admin, params=params)
        assert [one["id"] for one in found["items"]] == [made["booking"]]


@pytest.mark.parametrize("cursor", ["x", "zwD__________w", "0P8"])
async def test_a_cursor_of_no_list_is_a_wrong_field(api, cursor):
    event = await api.sale("small")
    path = f"/v1/events/{event}/bookings?cursor={cursor}"
    check_problem(await api.get(path, api.admin), 422)


async def test_an_event_may_allow_one_booking_per_user(api):
    event = await api.sale("small", one_booking_per_user=True)
    assert (await api.event(event))["one_booking_per_user"] is True
    buyer = await api.guest()
    spare = await api.ok(event, buyer, "hold", seats=["B-1"])
    first = await book(api, event, buyer, "A-1")
    answer = await api.command(event, buyer, "book", hold=spare["hold"])
    assert check_problem(answer, 409)["code"] == "already_booked"
    answer = await api.command(event, buyer, "hold", seats=["A-2"])
    assert check_problem(answer, 409)["code"] == "already_booked"
    await cancel(api, first["booking"], buyer)
    await api.ok(event, buyer, "book", hold=spare["hold"])
    await api.audit(event)
