"""Notices over REST and the websocket, of a whole server."""

import asyncio
from typing import Any

from persistence.people.notices.notices import Notice, raise_notice
from tests.persistence.journals import open_store
from tests.server.conftest import Client

DATA = {"reference": "REF1", "amount": 1_000, "currency": "EUR"}
WAIT_S = 30.0


async def guest_of(client: Client) -> tuple[Client, str]:
    answer = await client.good("POST", "/v1/auth/guest")
    return client.as_(answer["access_token"]), answer["user"]["id"]


async def told(database_url: str, user: str, *subjects: str) -> None:
    async with open_store(database_url) as store:
        for subject in subjects:
            notice = Notice(
                kind="refund_sent", subject=subject, user_id=user, data=DATA
            )
            async with store.pool.transaction() as connection:
                await raise_notice(connection, notice)


async def test_a_buyer_finds_what_it_is_told_and_reads_it(client, database_url):
    (guest, user), (other, stranger) = await guest_of(client), await guest_of(client)
    await told(database_url, user, "r1", "r2", "r3")
    await told(database_url, stranger, "r1")
    first = await guest.good("GET", "/v1/notices?limit=2&count=true")
    assert (len(first["items"]), first["total"]) == (2, 3)
    rest = await guest.good("GET", f"/v1/notices?cursor={first['next_cursor']}")
    assert rest["next_cursor"] is None
    found = [*first["items"], *rest["items"]]
    assert [one["kind"] for one in found] == ["refund_sent"] * 3
    assert (found[0]["data"], found[0]["read_at"]) == (DATA, None)
    body: dict[str, Any] = {"notices": [found[0]["id"]]}
    for _ in range(2):
        assert await guest.good("POST", "/v1/notices/read", body) == {"unread": 2}
    # Nobody reads what is another's.
    assert await other.good("POST", "/v1/notices/read", body) == {"unread": 1}
    unread = await guest.good("GET", "/v1/notices?unread=true")
    assert [one["id"] for one in unread["items"]] == [one["id"] for one in found[1:]]
    assert await guest.good("POST", "/v1/notices/read", {}) == {"unread": 0}
    assert (await client.get("/v1/notices")).status == 401


async def test_open_pages_hear_of_it_once(client, database_url):
    (guest, user), (other, stranger) = await guest_of(client), await guest_of(client)
    url = f"{client.url}/v1/ws"
    headers = [{"Authorization": f"Bearer {one.token}"} for one in (guest, other)]
    async with (
        client.session.ws_connect(url, headers=headers[0]) as mine,
        client.session.ws_connect(url, headers=headers[1]) as theirs,
    ):
        # Once each is answered it is known whose sockets they are.
        for socket in (mine, theirs):
            await socket.send_json({"op": "ping", "id": 1})
            await frame_of(socket, "ok")
        await told(database_url, user, "r1")
        frame = await frame_of(mine, "notice")
        listed = await guest.good("GET", "/v1/notices")
        (one,) = listed["items"]
        assert frame == {
            "op": "notice",
            "notice": one["id"],
            "kind": "refund_sent",
            "event": None,
            "event_name": None,
            "data": DATA,
            "at": one["at"],
        }
        # The next one that each of them hears is of something else.
        await told(database_url, stranger, "r1")
        await told(database_url, user, "r2")
        for socket in (mine, theirs):
            assert (await frame_of(socket, "notice"))["notice"] != one["id"]


async def frame_of(socket: Any, op: str) -> Any:
    async with asyncio.timeout(WAIT_S):
        while True:
            frame = await socket.receive_json()
            if frame["op"] == op:
                return frame
