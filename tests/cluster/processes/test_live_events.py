"""Live events are heard at every process, whichever made the change, and once."""

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from tests.contract.client import Api

if TYPE_CHECKING:
    from tests.contract.socket_client import Socket

pytestmark = [pytest.mark.redis, pytest.mark.slow]


async def test_what_becomes_of_an_event_is_heard_at_every_process_once(
    apis: list[Api],
) -> None:
    first, second, third = apis
    async with AsyncExitStack() as stack:
        sockets: list[Socket] = []
        for number, api in enumerate(apis):
            socket = await api.socket(await api.guest(), packed=number == 1)
            sockets.append(await stack.enter_async_context(socket))
            await socket.ok("watch_events")
        event = (await first.draft(None, capacity=10))["id"]
        path = f"/v1/events/{event}"
        await second.change(event, "publish")
        for socket in sockets:
            await socket.next("new_event", event=event, status="on_sale")
        # What the catalogue says is told by whoever was asked, not by the owner.
        for api, category in zip(apis, ("Dance", "Film", "Opera"), strict=True):
            await api.good("PATCH", path, {"category": category}, who=api.admin)
            for socket in sockets:
                await socket.next("event_updated", event=event, category=category)
        held = await third.ok(event, await third.guest(), "hold", areas={"GA": 8})
        for socket in sockets:
            told = await socket.next("capacity", event=event)
            assert (told["level"], told["free"], told["capacity"]) == (80, 2, 10)
        assert held["version"] >= 1
        await third.change(event, "pause")
        for socket in sockets:
            await socket.next("event_updated", event=event, status="paused")
        # What comes over the bus comes in order, so all that was told before is here.
        for socket in sockets:
            assert len(socket.seen("new_event", event=event)) == 1
            assert len(socket.seen("capacity", event=event)) == 1
