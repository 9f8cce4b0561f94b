"""The line over sockets and over REST: join, wait, be offered, leave."""

import asyncio
from unittest.mock import ANY

import pytest

from tests.contract.client import Answer, Api, Json, Person, check_problem
from tests.contract.teams import account

Booking = tuple[Person, str]


async def sold_out(
    api: Api, places: int = 1, **fields: object
) -> tuple[str, list[Booking]]:
    """An event of which somebody bought all places, and the bookings."""
    event = await api.sale(None, capacity=places, **fields)
    buyer = await api.guest()
    bookings: list[Booking] = []
    for _ in range(places):
        held = await api.ok(event, buyer, "hold", areas={"GA": 1})
        booked = await api.ok(event, buyer, "book", hold=held["hold"])
        bookings.append((buyer, booked["booking"]))
    return event, bookings


async def give_back(api: Api, event: str, booking: Booking) -> None:
    buyer, name = booking
    await api.ok(event, buyer, "cancel", booking=name)


async def ranked(api: Api, event: str, who: Person) -> Json:
    """Ask until a place has its rank, as an application does."""
    path = f"/v1/events/{event}/line/entries/me"
    for _ in range(600):
        body: Json = await api.good("GET", path, who=who)
        if body["rank"] is not None:
            return body
        await asyncio.sleep(0.05)
    raise AssertionError("nobody was fed")


@pytest.mark.parametrize("packed", [False, True], ids=["json", "msgpack"])
async def test_an_offer_comes_to_who_waits_and_to_nobody_else(api, packed):
    event, (booking,) = await sold_out(api)
    ann, bert = await api.guest(), await api.guest()
    async with (
        await api.socket(ann, packed=packed) as first,
        await api.socket(bert) as second,
    ):
        joined = await first.ok("join_waitlist", event=event, quantity=1)
        assert joined["rank"] is None
        assert joined["phase"] == "waitlist"
        again = await first.ok("join_waitlist", event=event, quantity=1)
        assert again["entry"] == joined["entry"]
        assert (await ranked(api, event, ann))["rank"] == 1
        other = await second.ok("join_line", event=event, wish={"quantity": 1})
        assert other["entry"] != joined["entry"]
        assert (await ranked(api, event, bert))["ahead"] == 1
        await give_back(api, event, booking)
        offer = await first.next("offer", event=event)
        assert offer["entry"] == joined["entry"]
        assert offer["areas"] == {"GA": 1}
        assert 0 < offer["expires_in_ms"] <= 600_000
        waits = await second.ok("wait", event=event)
        assert (waits["state"], waits["rank"]) == ("waiting", 2)
        # What is offered is held for one: nobody else has it.
        refused = await second.ask("hold", event=event, areas={"GA": 1})
        assert refused["code"] == "not_enough_seats"
        booked = await first.ok("book", event=event, hold=offer["hold"])
        assert booked["areas"] == {"GA": 1}
        # Followers of the journal raise it a moment later.
        await first.next("notice", kind="offer")
        over = await first.next("turn_over", event=event)
        assert over["why"] == "booked"
        assert second.seen("offer") == []
        gone = await second.ok("leave_waitlist", event=event, entry=other["entry"])
        assert "version" not in gone
    await api.audit(event)


async def test_who_comes_back_within_the_turn_hears_it_at_once(api):
    event, (booking,) = await sold_out(api)
    ann = await api.guest()
    async with await api.socket(ann) as before:
        await before.ok("join_waitlist", event=event, quantity=1)
        await ranked(api, event, ann)
    await give_back(api, event, booking)
    body = await api.good("GET", f"/v1/events/{event}/line/entries/me", who=ann)
    for _ in range(600):
        if body["state"] == "turn":
            break
        await asyncio.sleep(0.05)
        body = await api.good("GET", f"/v1/events/{event}/line/entries/me", who=ann)
    assert body["turn"]["areas"] == {"GA": 1}
    async with await api.socket(ann) as after:
        waits = await after.ok("wait", event=event)
        assert waits["state"] == "turn"
        offer = await after.next("offer", event=event)
        assert offer["hold"] == body["turn"]["hold"]
        place = await after.ok("place", event=event)
        assert (place["state"], place["ahead"]) == ("turn", 0)
        await after.ok("leave_line", event=event)
        await after.next("turn_over", event=event, why="left")


async def test_over_rest_a_place_is_made_once_and_left_once(api):
    event, _ = await sold_out(api)
    ann, path = await api.guest(), f"/v1/events/{event}/line/entries"
    first = await api.request("POST", path, {"wish": {"quantity": 1}}, who=ann)
    assert first.status == 201
    again = await api.request("POST", path, {"wish": {"quantity": 1}}, who=ann)
    assert again.status == 200
    assert again.body["entry"] == first.body["entry"]
    assert again.body["place"] == first.body["place"]
    other = await api.request("POST", path, {"wish": {"quantity": 2}}, who=ann)
    assert check_problem(other, 409)["code"] == "already_waiting"
    mine = await ranked(api, event, ann)
    assert (mine["state"], mine["wish"]["quantity"]) == ("waiting", 1)
    wished = await api.good("PATCH", f"{path}/me", {"wish": {"quantity": 2}}, who=ann)
    assert wished["wish"]["quantity"] == 2
    paused = await api.good("PATCH", f"{path}/me", {"paused": True}, who=ann)
    assert paused["state"] == "paused"
    listed = await api.good("GET", "/v1/line/entries?count=true", who=ann)
    assert [one["event"] for one in listed["items"]] == [event]
    assert listed["total"] == 1
    left = await api.good("DELETE", f"{path}/me", who=ann)
    assert (left["state"], left["ended"]) == ("left", "left")
    assert (await api.good("DELETE", f"{path}/me", who=ann)) == left
    live = await api.good("GET", "/v1/line/entries?live=true", who=ann)
    assert live["items"] == []
    line = await api.get(f"/v1/events/{event}/line")
    assert line.body["phase"] == "waitlist"
    assert line.body["counts"] == {"joined": 1, "waiting": 0, "turns": 0}
    same = await api.get(f"/v1/events/{event}/line", if_none_match=line.headers["etag"])
    assert same.status == 304


async def test_a_place_opens_a_guest_on_another_device(api):
    event, _ = await sold_out(api)
    ann, path = await api.guest(), f"/v1/events/{event}/line/entries"
    made = await api.good("POST", path, {"wish": {"quantity": 1}}, who=ann)
    opened = await api.good("POST", "/v1/auth/place", {"place": made["place"]})
    assert opened["user"] == {"id": ann.id, "role": "guest"}
    who = type(ann)(ann.id, "guest", opened["access_token"])
    mine = await api.good("GET", f"{path}/me", who=who)
    assert mine["entry"] == made["entry"]
    bad = made["place"][:-4] + "AAAA"
    wrong = await api.request("POST", "/v1/auth/place", {"place": bad})
    assert check_problem(wrong, 404)["code"] == "place_not_found"
    mia = await account(api)
    hers = await api.good("POST", path, {"wish": {"quantity": 1}}, who=mia)
    refused = await api.request("POST", "/v1/auth/place", {"place": hers["place"]})
    check_problem(refused, 403)


async def test_what_is_refused(api):
    event, _ = await sold_out(api)
    ann = await api.guest()
    path = f"/v1/events/{event}/line/entries"

    async def tried(body: object, at: str = path) -> Answer:
        answer: Answer = await api.request("POST", at, body, who=ann)
        return answer

    assert check_problem(await tried({}), 409)["code"] == "bad_wish"
    twelve = await tried({"wish": {"quantity": 12}})
    assert check_problem(twelve, 409)["code"] == "bad_wish"
    odd = await tried({"wish": {"quantity": 1, "rows": 2}})
    assert check_problem(odd, 422)["errors"][0]["field"] == "wish.rows"
    nowhere = await tried({"wish": {"quantity": 1}}, "/v1/events/none/line/entries")
    check_problem(nowhere, 404)
    mine = await api.get(f"{path}/me", ann)
    assert check_problem(mine, 404)["code"] == "place_not_found"
    none = await api.sale(None, capacity=1, waitlist=False)
    closed = await tried({"wish": {"quantity": 1}}, f"/v1/events/{none}/line/entries")
    problem = check_problem(closed, 409)
    assert (problem["code"], problem["transient"]) == ("line_not_open", True)
    async with await api.socket(ann) as socket:
        refused = await socket.ask("leave_waitlist", event=event, entry="x")
        assert refused["code"] == "place_not_found"
        refused = await socket.ask("join_waitlist", event="none", quantity=1)
        assert refused["code"] == "event_not_found"
        await api.change(event, "pause")
        refused = await socket.ask("join_waitlist", event=event, quantity=1)
        assert (refused["code"], refused["transient"]) == ("sale_paused", True)
        await api.change(event, "close")
        refused = await socket.ask("join_waitlist", event=event, quantity=1)
        assert refused["code"] == "line_over"
    line = await api.good("GET", f"/v1/events/{event}/line")
    assert line["phase"] == "over"


async def test_managers_open_pause_and_close_a_line(api):
    event, (booking,) = await sold_out(api)
    path, who = f"/v1/events/{event}/line", api.admin
    opened = await api.good("POST", f"{path}/open", who=who)
    assert (opened["mode"], opened["draw"], opened["entries"]) == ("list", 1, 0)
    assert opened["rules"]["event"] == event
    ann = await api.guest()
    body = {"wish": {"quantity": 1}}
    await api.good("POST", f"{path}/entries", body, who=ann)
    await ranked(api, event, ann)
    assert (await api.good("POST", f"{path}/pause", who=who))["paused"]
    await give_back(api, event, booking)
    changed = await api.good("PATCH", path, {"offer_s": 120, "paused": False}, who=who)
    assert not changed["paused"]
    held = await api.ok(event, ann, "holding")
    assert [one["areas"] for one in held["holds"]] == [{"GA": 1}]
    assert held["holds"][0]["expires_in_ms"] <= 120_000
    closed = await api.good("POST", f"{path}/close", who=who)
    assert closed["phase"] == "over"
    entries = await api.good("GET", f"/v1/events/{event}/journal?limit=200", who=who)
    changes = {one["change"] for one in entries["items"]}
    assert {"line_opened", "line_drawn", "line_fed", "turn", "line_set"} <= changes
    assert all("stubs" not in one and "seed" not in one for one in entries["items"])


@pytest.mark.parametrize("packed", [False, True], ids=["json", "msgpack"])
async def test_whoever_waits_is_told_how_the_line_stands(api, packed):
    """By itself, and nobody who only watches; `unwait` ends it."""
    event, (booking,) = await sold_out(api)
    ann, bert, cat = [await api.guest() for _ in range(3)]
    async with (
        await api.socket(ann) as first,
        await api.socket(bert, packed=packed) as second,
        await api.socket(cat) as third,
    ):
        await third.ok("watch", event=event)
        await first.ok("join_waitlist", event=event, quantity=1)
        assert (await ranked(api, event, ann))["rank"] == 1
        await second.ok("join_line", event=event, wish={"quantity": 1})
        _, told = await second.find(
            lambda one: one["op"] == "line" and list(one["marks"][-1]) == [3, 2]
        )
        assert (told["phase"], told["left"]) == ("waitlist", {"GA": 0})
        assert "per_min" not in told
        place = await second.ok("place", event=event)
        assert (place["rank"], place["ahead"], place["here_ahead"]) == (2, 1, 1)
        # Who asks again at once is told the same.
        assert await second.ok("place", event=event) == {**place, "id": ANY}
        await second.ok("unwait", event=event)
        await give_back(api, event, booking)
        offer = await first.next("offer", event=event)
        await first.ok("book", event=event, hold=offer["hold"])
        assert (await first.next("turn_over", event=event))["why"] == "booked"
        assert third.seen("line") == []
    await api.audit(event)


async def test_what_is_said_to_a_line_comes_to_who_waits_and_who_comes_later(api):
    event, _ = await sold_out(api)
    path = f"/v1/events/{event}/line"
    ann, bert, cat = [await api.guest() for _ in range(3)]
    said = {"text": "Doors open later.", "texts": {"de": "Der Einlass ist später."}}
    async with (
        await api.socket(ann) as first,
        await api.socket(bert, packed=True) as second,
        await api.socket(cat) as third,
    ):
        await third.ok("watch", event=event)
        await first.ok("join_waitlist", event=event, quantity=1)
        keyed = {"who": api.admin, "body": said, "headers": {"Idempotency-Key": "k"}}
        kept = await api.good("POST", f"{path}/messages", **keyed)
        told = await first.next("line_message", event=event, **said)
        assert told["message"] == kept["id"]
        assert await api.good("GET", f"{path}/messages/{kept['id']}") == kept
        shown = await api.good("GET", path)
        assert {**shown["message"], "event": event} == kept
        await second.ok("join_line", event=event, wish={"quantity": 1})
        later = await second.next("line_message", event=event, **said)
        assert later == told
        # Whoever comes back hears it, too; who only watches does not.
        await first.ok("unwait", event=event)
        heard = len(first.log)
        await first.ok("wait", event=event)
        await first.next("line_message", heard, event=event, message=kept["id"])
        await third.ok("ping")
        assert third.seen("line_message") == []
    await api.audit(event)
