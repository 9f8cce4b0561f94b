"""Rooms over real sockets and REST: who may enter, what is said, who moderates."""

import asyncio

import pytest

from tests.contract.client import Api, Person, check_problem
from tests.contract.teams import Team, booked, sale_of, team

pytestmark = pytest.mark.postgres


class Room:
    """The room of an event, with two who have a place and one who has none."""

    def __init__(self, api: Api, one: Team, event: str) -> None:
        self.api, self.one, self.event = api, one, event
        self.name = f"event:{event}"
        self.path = f"/v1/rooms/{self.name}"
        self.anna: Person
        self.bert: Person
        self.stranger: Person

    async def say(self, text: str, who: Person, **more):
        body = {"text": text, **more}
        return await self.api.good("POST", f"{self.path}/messages", body, who=who)

    async def enter(self, who: Person, **more):
        socket = await self.api.socket(who)
        return socket, await socket.ok("join_room", room=self.name, **more)


@pytest.fixture
async def room(api):
    one = await team(api)
    room = Room(api, one, await sale_of(api, one))
    room.anna, room.bert = await api.guest(), await api.guest()
    room.stranger = await api.guest()
    for who in (room.anna, room.bert):
        await booked(api, room.event, who)
    return room


async def test_what_is_said_reaches_everybody_once_and_in_order(room):
    first, _ = await room.enter(room.anna)
    second, entered = await room.enter(room.one.leader)
    assert (entered["seq"], entered["messages"], entered["staff"]) == (0, [], True)
    said = {"room": room.name, "text": "Grüße", "key": "one"}
    made = await first.ok("say", **said)
    again = await first.ok("say", **said)
    assert again["message"] == made["message"]
    await second.ok("say", room=room.name, text="Hello", key="one", reply_to=1)
    for socket in (first, second):
        _, one = await socket.find(lambda told: told.get("to") == 2)
        assert (one["op"], one["from"], one["message"]["reply_to"]) == ("said", 1, 1)
        told = [frame for frame in socket.log if frame["op"] == "said"]
        assert [frame["to"] for frame in told] == [1, 2]
        assert told[0]["message"]["text"] == "Grüße"
    await first.refused("key_reused", "say", room=room.name, text="Bye", key="one")
    await first.close()
    await second.close()


async def test_who_has_no_place_is_not_let_in(room):
    async with await room.api.socket(room.stranger) as socket:
        for name in (room.name, "event:none", "order:none", "kitchen:1", "event:"):
            await socket.refused("room_not_found", "join_room", room=name)
            await socket.refused("room_not_found", "say", room=name, text="a", key="a")
    answer = await room.api.get(room.path, room.stranger)
    assert check_problem(answer, 404)["code"] == "room_not_found"


async def test_an_orders_room_is_its_buyers_and_the_houses(room):
    held = await room.api.ok(room.event, room.anna, "hold", areas={"GA": 1})
    body = {
        "event": room.event,
        "hold": held["hold"],
        "buyer": {"email": "anna@example.org", "name": "Anna"},
    }
    order = await room.api.good("POST", "/v1/orders", body, who=room.anna)
    path = f"/v1/rooms/order:{order['id']}"
    text = {"text": "Is there a cloakroom?"}
    await room.api.good("POST", f"{path}/messages", text, who=room.anna)
    listed = await room.api.good(
        "GET", f"/v1/rooms?event={room.event}", who=room.one.leader
    )
    (asked,) = [one for one in listed["items"] if one["kind"] == "order"]
    assert (asked["unread"], asked["last"]["text"]) == (1, text["text"])
    assert asked["reference"] == order["reference"]
    seen = await room.api.good("GET", f"{path}/messages", who=room.one.staff)
    assert [one["text"] for one in seen["items"]] == [text["text"]]
    mine = await room.api.good("GET", "/v1/rooms", who=room.anna)
    assert {one["kind"] for one in mine["items"]} == {"event", "order"}
    answer = await room.api.get(path, room.bert)
    assert check_problem(answer, 404)["code"] == "room_not_found"


async def test_who_comes_back_is_told_what_was_missed(room):
    for number in range(3):
        await room.say(f"text {number}", room.anna)
    await room.api.good("DELETE", f"{room.path}/messages/1", who=room.anna)
    socket, entered = await room.enter(room.bert, after=2)
    missed = [(one["seq"], one["state"]) for one in entered["messages"]]
    assert missed == [(3, "shown"), (1, "deleted")]
    assert (entered["to"], entered["messages"][1]["text"]) == (4, "")
    await room.say("Later", room.anna)
    _, told = await socket.find(lambda one: one.get("to") == 5)
    assert told["from"] == 4
    await socket.ok("seen", room=room.name, seq=5)
    await socket.close()
    (listed,) = (await room.api.good("GET", "/v1/rooms", who=room.bert))["items"]
    assert (listed["unread"], listed["last"]["text"]) == (0, "Later")


async def test_who_runs_the_event_moderates(room):
    leader = room.one.leader
    set_to = {"words": ["Resale"], "slow_s": 0}
    for who in (room.anna, room.stranger):
        answer = await room.api.request("PATCH", room.path, set_to, who=who)
        assert answer.status in (403, 404)
    await room.api.good("PATCH", room.path, set_to, who=leader)
    socket, _ = await room.enter(room.bert)
    held = await room.say("RESALE here", room.anna)
    assert (held["state"], "why" in held) == ("held", False)
    _, told = await socket.find(lambda one: one.get("to") == 1)
    assert told["message"] is None
    for path in ("messages?after=0", "messages"):
        read = await room.api.good("GET", f"{room.path}/{path}", who=room.bert)
        assert read["items"] == []
    answer = await room.api.get(f"{room.path}/messages/1", room.bert)
    assert check_problem(answer, 404)["code"] == "room_message_not_found"
    (case,) = (await room.api.good("GET", f"{room.path}/cases", who=leader))["items"]
    assert (case["message"]["why"], case["reasons"]) == ("words", [])
    await room.api.good("POST", f"{room.path}/messages/1/show", who=leader)
    _, told = await socket.find(lambda one: one.get("to") == 2)
    assert (told["op"], told["message"]["text"]) == ("changed", "RESALE here")
    user = case["message"]["user"]
    answer = await room.api.request(
        "POST", f"{room.path}/members/{user}/mute", {"seconds": 60}, who=room.bert
    )
    assert check_problem(answer, 403)["code"] == "forbidden"
    mute = f"{room.path}/members/{user}/mute"
    await room.api.good("POST", mute, {"seconds": 60}, who=leader)
    said = {"text": "Why?"}
    answer = await room.api.request(
        "POST", f"{room.path}/messages", said, who=room.anna
    )
    assert check_problem(answer, 403)["code"] == "muted"
    await room.api.good("POST", mute, {}, who=leader)
    await room.say("Thank you", room.anna)
    await socket.close()


async def test_who_is_put_out_is_told_and_stays_out(room):
    socket, _ = await room.enter(room.anna)
    await room.say("Rude", room.anna)
    read = await room.api.good("GET", f"{room.path}/messages", who=room.one.leader)
    user = read["items"][0]["user"]
    mute = f"{room.path}/members/{user}/mute"
    await room.api.good("POST", mute, {"banned": True}, who=room.one.leader)
    assert (await socket.next("room_over"))["code"] == "banned"
    await socket.refused("banned", "join_room", room=room.name)
    await socket.refused("banned", "say", room=room.name, text="No", key="no")
    await socket.close()
    answer = await room.api.get(room.path, room.anna)
    assert check_problem(answer, 403)["code"] == "banned"


async def test_too_much_at_once_is_refused_and_says_for_how_long(room):
    async with await room.api.socket(room.anna) as socket:
        asked = [
            socket.ask("say", room=room.name, text="Spam", key=f"{number}")
            for number in range(40)
        ]
        replies = await asyncio.gather(*asked)
        refused = [one for one in replies if one["op"] == "refused"]
        assert 0 < len(refused) <= 30
        assert {one["code"] for one in refused} == {"too_fast"}
        assert all(one["transient"] and one["retry_after_ms"] for one in refused)
        said = sorted(one["message"]["seq"] for one in replies if one["op"] == "ok")
        assert said == list(range(1, len(said) + 1))


async def test_text_is_a_thousand_characters_at_most_and_no_control(room):
    async with await room.api.socket(room.anna) as socket:
        for text in ("", "a" * 1_001, "a\x00b"):
            reply = await socket.ask("say", room=room.name, text=text, key="k")
            assert (reply["op"], reply["code"]) == ("error", "bad_field")
        assert (await socket.ok("say", room=room.name, text="a" * 1_000, key="k"))[
            "message"
        ]["seq"] == 1
