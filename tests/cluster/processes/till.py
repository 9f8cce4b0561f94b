"""One buyer at the owner of an event, and a watcher at each process."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from tests.cluster.processes.clusters import Cluster
from tests.contract.client import Api
from tests.contract.socket_client import Board, Socket

PAUSE_S = 0.01


class Till:
    """Sells at the owner without a pause; any refusal is raised by `till`."""

    def __init__(self, event: str, owner: Api, buyer: Socket, boards: list[Board]):
        self.event = event
        self.owner = owner
        self.buyer = buyer
        self.boards = boards
        self.sold = 0
        self.slowest_s = 0.0

    async def trade(self) -> None:
        """Hold and release a seat, for ever."""
        while True:
            began = time.monotonic()
            held = await self.buyer.ok("hold", event=self.event, seats=["A-1"])
            await self.buyer.ok("release", event=self.event, hold=held["hold"])
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            self.sold += 1
            await asyncio.sleep(PAUSE_S)

    async def until_equal(self) -> float:
        """Wait until each watcher has what is committed now; return how long it took.

        Each frame is checked for holes on its way.
        """
        began = time.monotonic()
        version = (await self.owner.availability(self.event))["version"]
        for board in self.boards:
            await board.reach(version)
        return time.monotonic() - began


@asynccontextmanager
async def till(cluster: Cluster, url: str) -> AsyncIterator[Till]:
    """Sell an event that the process at this address owns."""
    async with AsyncExitStack() as stack:
        apis = await stack.enter_async_context(cluster.apis())
        event = await apis[0].sale()
        await cluster.move(event, url)
        (owner,) = [api for api in apis if api.url == url]
        who = await owner.guest()
        sockets = [await stack.enter_async_context(await a.socket(who)) for a in apis]
        boards = [await socket.watch(event) for socket in sockets]
        buyer = await stack.enter_async_context(await owner.socket(who))
        made = Till(event, owner, buyer, boards)
        trade = asyncio.create_task(made.trade())
        try:
            yield made
            assert not trade.done(), trade.result()
        finally:
            trade.cancel()
            await asyncio.gather(trade, return_exceptions=True)
