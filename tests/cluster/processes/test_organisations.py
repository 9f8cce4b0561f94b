"""Whoever leads an organisation leads it in every process, and ends in every one."""

import asyncio

import pytest

from tests.contract.teams import api_key, by_machine, sale_of, team

pytestmark = [pytest.mark.redis, pytest.mark.slow]

SOON_S = 9.0
"""What one process is told of is known to all sooner than it is looked up (10 s)."""


async def test_a_leader_blocks_wherever_the_event_is_until_removed_anywhere(apis):
    one = await team(apis[0])
    event = await sale_of(apis[0], one)
    key = (await api_key(apis[0], one))["key"]
    blocking = {"event": event, "areas": {"GA": 1}}
    sockets = [await api.socket(one.leader) for api in apis]
    for socket in sockets:
        await socket.ok("block", **blocking)
    staff = await apis[1].socket(one.staff)
    await staff.refused("forbidden", "block", **blocking)
    path = f"/v1/events/{event}/commands"
    body = {"op": "unblock", "areas": {"GA": 1}}
    for api in apis:
        assert (await by_machine(api, key, "POST", path, body)).status == 200
    member = f"{one.path}/members/{one.leader.id}"
    await apis[2].good("DELETE", member, who=one.owner)
    for api in apis:
        answer = await api.command(event, one.leader, "block", areas={"GA": 1})
        assert answer.status == 403
    async with asyncio.timeout(SOON_S):
        for socket in sockets:
            while (  # noqa: ASYNC110 - nobody tells
                await socket.ask("block", **blocking)
            )["op"] == "ok":
                await asyncio.sleep(0.02)
    keys = f"{one.path}/api-keys"
    (made,) = (await apis[1].good("GET", keys, who=one.owner))["items"]
    await apis[1].good("DELETE", f"{keys}/{made['id']}", who=one.owner)
    async with asyncio.timeout(SOON_S):
        for api in apis:
            while (  # noqa: ASYNC110
                await by_machine(api, key, "POST", path, body)
            ).status != 401:
                await asyncio.sleep(0.02)
    for socket in [*sockets, staff]:
        await socket.__aexit__(None)
