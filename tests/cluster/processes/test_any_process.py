"""Whichever process a client comes to, it is served as if there were only one."""

import asyncio
from typing import Any

import pytest

from tests.cluster.processes.clusters import until
from tests.contract.client import Api, Person, after, check_problem
from tests.contract.socket_client import Socket

pytestmark = [pytest.mark.redis, pytest.mark.slow]

Json = dict[str, Any]
CHANGES_OF_REPLAY = {"id", "expires_in_ms"}


def same(reply: Json) -> Json:
    """Leave out what a replay may tell anew."""
    return {name: v for name, v in reply.items() if name not in CHANGES_OF_REPLAY}


async def owners(apis: list[Api], event: str) -> list[Json]:
    return [(await api.event(event))["owner"] for api in apis]


async def split(apis: list[Api], event: str) -> tuple[Api, list[Api]]:
    """Tell the owner from the others."""
    address = (await apis[0].event(event))["owner"]["address"]
    (owner,) = [api for api in apis if api.url == address]
    return owner, [api for api in apis if api is not owner]


async def sockets_at(apis: list[Api], who: Person) -> list[Socket]:
    return [await api.socket(who) for api in apis]


async def close(sockets: list[Socket]) -> None:
    for socket in sockets:
        await socket.__aexit__(None)


async def test_all_name_the_same_owner_and_where_it_is(apis):
    event = await apis[0].sale()
    said = await owners(apis, event)
    assert said[0] == said[1] == said[2]
    assert said[0]["address"] in {api.url for api in apis}
    cluster = [await a.good("GET", "/v1/cluster", who=a.admin) for a in apis]
    for body in cluster:
        assert len(body["processes"]) == 3
        (owner,) = [
            process
            for process in body["processes"]
            if event in {one["event"] for one in process["events"]}
        ]
        assert owner["process"] == said[0]["process"]
        assert owner["address"] == said[0]["address"]
        (entry,) = [one for one in owner["events"] if one["event"] == event]
        assert entry["epoch"] == said[0]["epoch"]
        assert entry["lease_until"] > after()
    check_problem(await apis[0].get("/v1/cluster", await apis[0].guest()), 403)


async def test_commands_and_keys_are_one_across_processes(apis):
    event = await apis[0].sale()
    owner, others = await split(apis, event)
    who = await others[0].guest()
    a, b, c = sockets = await sockets_at([owner, *others], who)

    wish = {"event": event, "seats": ["A-1", "A-2"], "key": "one"}
    held = await b.ok("hold", **wish)
    for reply in (await a.ok("hold", **wish), await c.ok("hold", **wish)):
        assert same(reply) == same(held)
    over_rest = await others[1].ok(
        event, who, "hold", seats=["A-1", "A-2"], idempotency_key="one"
    )
    assert same(over_rest) == same(held)
    await c.refused("key_reused", "hold", **wish | {"seats": ["B-1"]})

    stranger = await owner.guest()
    answer = await others[1].command(event, stranger, "hold", seats=["A-1"])
    assert check_problem(answer, 409)["code"] == "seat_not_free"

    booked = await owner.ok(
        event, who, "book", hold=held["hold"], idempotency_key="two"
    )
    again = await b.ok("book", event=event, hold=held["hold"], key="two")
    assert same(again) == same(booked)
    for socket in sockets:
        holding = await socket.ok("holding", event=event)
        assert [one["booking"] for one in holding["bookings"]] == [booked["booking"]]
        assert holding["holds"] == []
    for api in apis:
        listed = await api.good("GET", "/v1/bookings", who=who)
        assert [one["id"] for one in listed["items"]] == [booked["booking"]]
    cancelled = await c.ok("cancel", event=event, booking=booked["booking"])
    for api in apis:
        letters = await api.letters(event, cancelled["version"])
        assert letters["A-1"] == "f"
    await others[1].audit(event)
    await close(sockets)


async def test_watchers_of_all_processes_see_one_board(apis):
    event = await apis[0].sale("hall", max_per_user=100)
    owner, _ = await split(apis, event)
    who = await owner.guest()
    sockets = await sockets_at(apis, who)
    boards = [await socket.watch(event) for socket in sockets]
    for api, socket in zip(apis, sockets, strict=True):
        (told,) = socket.seen("ok")
        assert told.get("address") == (None if api is owner else owner.url)
    buyers = [await api.socket(await api.guest()) for api in apis for _ in range(3)]

    async def trade(buyer: Socket, row: int) -> int:
        for n in range(1, 11):
            seats = [f"R{row}-{n}", f"R{row}-{n + 10}"]
            held = await buyer.ok("hold", event=event, seats=seats)
            verb = "book" if n % 2 else "release"
            await buyer.ok(verb, event=event, hold=held["hold"])
        return row

    await asyncio.gather(*(trade(b, n) for n, b in enumerate(buyers, 1)))
    last = (await owner.availability(event))["version"]
    for board in boards:
        await board.reach(last)
    assert {board.version for board in boards} == {last}
    read = [await api.availability(event, last) for api in apis]
    assert read[0] == read[1] == read[2]
    assert {board.letters for board in boards} == {read[0]["seats"]}
    assert read[0]["seats"].count("b") == 9 * 5 * 2
    await close(sockets + buyers)


async def test_a_watcher_goes_on_at_another_process_from_where_it_was(apis):
    event = await apis[0].sale()
    owner, others = await split(apis, event)
    who = await owner.guest()
    for there in [others[0], owner, others[1]]:
        first = await there.socket(who)
        board = await (await first.watch(event)).reach(0)
        await close([first])
        held = await others[0].ok(event, who, "hold", seats=["A-1"])
        done = await owner.ok(event, who, "release", hold=held["hold"])
        for api in apis:
            await api.availability(event, done["version"])
            second = await api.socket(who)
            later = await second.watch(event, board.position)
            # Who followed all the while has the deltas; others may start over.
            assert later.resumed or api is not owner
            if later.resumed:
                later.adopt(board)
            await later.reach(done["version"])
            assert later.letters == (await owner.availability(event))["seats"]
            await close([second])


async def test_a_since_ahead_of_a_process_never_gets_less(apis):
    event = await apis[0].sale()
    owner, others = await split(apis, event)
    who = await owner.guest()
    history_id = (await owner.availability(event))["history_id"]
    for n in range(8):
        sockets = await sockets_at(others, who)
        # The answer is here before the publication is there.
        held = await owner.ok(event, who, "hold", seats=[f"A-{n + 1}"])
        since = {"history_id": history_id, "version": held["version"]}
        boards = [await socket.watch(event, since) for socket in sockets]
        for board in boards:
            if board.resumed:
                board.history_id, board.version = history_id, held["version"]
                board.seats = list((await owner.availability(event))["seats"])
        done = await owner.ok(event, who, "release", hold=held["hold"])
        for board in boards:
            if not board.resumed:
                assert (await board.step())["version"] >= held["version"]
            await board.reach(done["version"])
            assert set(board.letters) == {"f"}
        await close(sockets)


async def test_whoever_is_asked_answers_with_the_new_state_of_an_event(apis):
    made = await apis[0].draft("small")
    event = made["id"]
    _, (a, b) = await split(apis, event)
    assert (await a.change(event, "publish"))["status"] == "on_sale"
    body = {"max_per_user": 3}
    path = f"/v1/events/{event}"
    changed = await b.good("PATCH", path, body, who=b.admin)
    assert changed["max_per_user"] == 3
    who = await a.guest()
    reply = await a.command(event, who, "hold", seats=["A-1", "A-2", "A-3", "A-4"])
    assert check_problem(reply, 409)["code"] == "user_limit"
    assert (await b.change(event, "pause"))["status"] == "paused"
    reply = await a.command(event, who, "hold", seats=["A-1"])
    assert check_problem(reply, 409)["code"] == "sale_paused"
    assert (await a.change(event, "resume"))["status"] == "on_sale"
    assert (await b.change(event, "close"))["status"] == "closed"
    for api in apis:
        reply = await api.command(event, who, "hold", seats=["A-1"])
        assert check_problem(reply, 410)["code"] == "sale_closed"
        shown = await api.event(event)
        assert (shown["status"], shown["max_per_user"]) == ("closed", 3)


async def test_all_who_ask_at_once_for_an_event_that_nobody_owns_are_answered(apis):
    made = [await apis[0].draft("small") for _ in range(6)]
    events = [one["id"] for one in made]
    # Strangers are told nothing of an event before it is published.
    asked = [
        api.command(event, api.admin, "hold", seats=["A-1"])
        for event in events
        for api in apis
    ]
    for answer in await asyncio.gather(*asked):
        assert check_problem(answer, 409)["code"] == "sale_not_open"
    for event in events:
        said = await owners(apis, event)
        assert said[0] == said[1] == said[2]
        # One owner from the first, not several after one another.
        assert said[0]["epoch"] == 1


async def test_of_edits_at_several_processes_at_once_none_is_lost(apis):
    event = await apis[0].draft()
    path = f"/v1/events/{event['id']}"
    for number in range(1, 11):
        start, end = after(days=40 + number), after(days=90 + number)
        price = {"amount": number, "currency": "EUR"}
        patches = [
            {"name": f"Evening {number}", "prices": {"1": price}},
            {"max_per_user": number, "description": end, "prices": {"2": price}},
            # Together, since an end of which nothing is said moves with the start.
            {"hold_ttl_s": 60 + number, "starts_at": start, "ends_at": end},
        ]
        await asyncio.gather(
            *(
                api.good("PATCH", path, patch, who=api.admin)
                for api, patch in zip(apis, patches, strict=True)
            )
        )
        wanted = {
            "name": f"Evening {number}",
            "max_per_user": number,
            "hold_ttl_s": 60 + number,
            "prices": {"1": price, "2": price},
        }
        for api in apis:

            async def has_all(api: Api = api, wanted: Json = wanted) -> bool:
                shown = await api.event(event["id"])
                return wanted == {name: shown[name] for name in wanted}

            # A process that does not own the event hears of it a moment later.
            await until(has_all)
            shown = await api.event(event["id"])
            assert shown["starts_at"][:19] == start[:19]
            assert shown["ends_at"][:19] == end[:19]
