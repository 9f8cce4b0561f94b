"""An organisation's machines on the websocket: how they come in, what they may send."""

import asyncio

import pytest
from aiohttp import WSServerHandshakeError

from tests.contract.client import Api, Json, after
from tests.contract.process import Server
from tests.contract.socket_client import Socket
from tests.contract.teams import Team, api_key, draft_of, sale_of, team

WRITER = ["events:write"]
READER = ["events:read"]


async def make_teams(server: Server) -> list[Team]:
    async with Api(server) as api:
        return [await team(api), await team(api)]


@pytest.fixture(scope="module")
def teams(server: Server) -> list[Team]:
    return asyncio.run(make_teams(server))


@pytest.fixture
def one(teams: list[Team]) -> Team:
    return teams[0]


async def by_header(api: Api, key: str) -> Socket:
    return await api.socket(X_API_Key=key)


async def by_bearer(api: Api, key: str) -> Socket:
    return await api.socket(Authorization=f"Bearer {key}")


async def by_hello(api: Api, key: str) -> Socket:
    socket = await api.socket()
    reply = await socket.ok("hello", token=key)
    assert reply["user"]["role"] == "key"
    return socket


@pytest.mark.parametrize("enter", [by_header, by_bearer, by_hello])
async def test_a_machine_watches_and_blocks_what_is_its_organisation_s(api, enter, one):
    key, event = (await api_key(api, one))["key"], await draft_of(api, one)
    async with await enter(api, key) as socket:
        board = await socket.watch(event)
        reply = await socket.ok("block", event=event, areas={"GA": 2})
        await board.reach(reply["version"])
        assert board.areas["GA"]["blocked"] == 2
        await socket.ok("unblock", event=event, areas={"GA": 1})
        await socket.ok("watch_events")
        await socket.ok("unwatch_events")
        await socket.ok("unwatch", event=event)


BUYING: list[tuple[str, Json]] = [
    ("hold", {"areas": {"GA": 1}}),
    ("hold_best", {"quantity": 1}),
    ("extend", {"hold": "none"}),
    ("release", {"hold": "none"}),
    ("book", {"hold": "none"}),
    ("cancel", {"booking": "none"}),
    ("holding", {}),
]


async def test_a_machine_buys_nothing(api, one):
    key, event = (await api_key(api, one))["key"], await sale_of(api, one)
    async with await by_header(api, key) as socket:
        for op, fields in BUYING:
            await socket.refused("forbidden", op, event=event, **fields)
    counts = (await api.event(event))["counts"]
    assert counts == {"free": 100, "held": 0, "booked": 0, "blocked": 0}


async def test_a_machine_does_nothing_for_others(api, teams):
    one, other = teams
    key = (await api_key(api, one))["key"]
    sale, draft = await sale_of(api, other), await draft_of(api, other)
    free = await api.sale(None, capacity=5)
    async with await by_header(api, key) as socket:
        for event in (sale, draft, free, "none"):
            await socket.refused("forbidden", "block", event=event, areas={"GA": 1})
        await socket.refused("event_not_found", "watch", event=draft)
        # Everybody may watch what is on sale.
        await socket.ok("watch", event=sale)


async def test_each_scope_lets_a_machine_do_its_part_and_no_more(api, one):
    event = await sale_of(api, one)
    block = {"event": event, "areas": {"GA": 1}}
    reader = (await api_key(api, one, READER))["key"]
    async with await by_header(api, reader) as socket:
        await socket.ok("watch", event=event)
        refused = await socket.refused("forbidden", "block", **block)
        assert "events:write" in refused["detail"]
    writer = (await api_key(api, one, WRITER))["key"]
    async with await by_header(api, writer) as socket:
        await socket.ok("block", **block)
        for op, fields in (("watch", {"event": event}), ("watch_events", {})):
            refused = await socket.refused("forbidden", op, **fields)
            assert "events:read" in refused["detail"]
    neither = (await api_key(api, one, ["tickets:scan"]))["key"]
    async with await by_header(api, neither) as socket:
        await socket.refused("forbidden", "watch", event=event)
        await socket.refused("forbidden", "block", **block)
        await socket.ok("ping")


async def test_what_follows_a_hello_at_once_waits_for_it(api, one):
    key, event = (await api_key(api, one))["key"], await sale_of(api, one)
    async with await api.socket() as socket:
        # Looked up in the database, for it was never used before.
        asked = [
            await socket.post("hello", token=key),
            await socket.post("watch", event=event),
            await socket.post("block", event=event, areas={"GA": 1}),
            await socket.post("ping"),
        ]
        replies = [await one for one in asked]
        assert [reply["op"] for reply in replies] == ["ok"] * len(asked)


async def test_whoever_says_hello_again_is_that_one(api, one):
    guest = await api.guest()
    key, event = (await api_key(api, one))["key"], await sale_of(api, one)
    async with await by_header(api, key) as socket:
        await socket.ok("hello", token=guest.token)
        await socket.ok("hold", event=event, areas={"GA": 1})
        await socket.refused("forbidden", "block", event=event, areas={"GA": 1})
        await socket.ok("hello", token=key)
        await socket.refused("forbidden", "hold", event=event, areas={"GA": 1})
        await socket.ok("block", event=event, areas={"GA": 1})


async def test_what_is_no_key_lets_nobody_in(api, one):
    key = (await api_key(api, one))["key"]
    wrong = key[:-1] + ("A" if key[-1] != "A" else "B")
    unknown = key[:7] + "0" * 12 + key[19:]
    for text in (wrong, unknown, "none", one.owner.token):
        with pytest.raises(WSServerHandshakeError) as refused:
            await by_header(api, text)
        assert refused.value.status == 401
    with pytest.raises(WSServerHandshakeError) as refused:
        await api.socket(one.owner, X_API_Key=key)
    assert refused.value.status == 400
    async with await api.socket() as socket:
        for text in (wrong, unknown):
            await socket.refused("unauthenticated", "hello", token=text)
        await socket.refused("unauthenticated", "watch", event="none")


async def rotate(api: Api, one: Team, path: str) -> None:
    await api.good("POST", f"{path}/rotate", {}, who=one.owner)


async def revoke(api: Api, one: Team, path: str) -> None:
    await api.good("DELETE", path, who=one.owner)


@pytest.mark.parametrize("end", [rotate, revoke])
async def test_a_key_that_ends_closes_its_sockets_and_no_others(api, end, one):
    made, other = await api_key(api, one), await api_key(api, one)
    async with (
        await by_header(api, made["key"]) as socket,
        await by_hello(api, made["key"]) as second,
        await by_header(api, other["key"]) as third,
    ):
        await end(api, one, f"{one.path}/api-keys/{made['id']}")
        assert await socket.close_code_within() == 4001
        assert await second.close_code_within() == 4001
        await third.ok("ping")


async def test_a_key_that_expires_closes_its_sockets(api, one):
    made = await api_key(api, one, expires_at=after(seconds=4))
    async with await by_header(api, made["key"]) as socket:
        assert await socket.close_code_within() == 4001
