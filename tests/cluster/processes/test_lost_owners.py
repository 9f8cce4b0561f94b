"""Owners that nobody sees die: their events are sold elsewhere when the lease is over.

One test, because all of it waits for leases: at the same time one machine is killed and
another one is frozen, which then comes back and believes that it still owns an event.
"""

import asyncio
import logging
import time

import asyncpg
import pytest

from tests.cluster.processes.clusters import Machines, frozen
from tests.cluster.processes.sale import Sale, selling
from tests.contract.client import Api, Person
from tests.contract.socket_client import Json, Socket

pytestmark = [pytest.mark.redis, pytest.mark.slow]

LOST_S_MAX = 60.0
"""The lease of 10 s and 3 s more, and what a busy machine may add."""

TRANSIENT = {"unavailable", "outcome_unknown"}

log = logging.getLogger("cluster")


@pytest.mark.campaign
def test_the_events_of_lost_owners_are_sold_on(machines: Machines):
    with selling(machines) as of_dead, selling(machines) as of_frozen:
        asyncio.run(lose_owners(machines, of_dead, of_frozen))
        machines.start()
        for sale in (of_dead, of_frozen):
            sale.settle()
            asyncio.run(check_epochs(machines.database_url, sale.event))


async def lose_owners(machines: Machines, of_dead: Sale, of_frozen: Sale) -> None:
    living, dying, freezing = machines.urls
    await machines.move(of_dead.event, dying)
    zombie = await machines.move(of_frozen.event, freezing)
    async with machines.api(living) as api, machines.api(freezing) as late:
        who, plain = await api.guest(), await api.sale()
        await machines.move(plain, dying)
        held = await api.ok(plain, who, "hold", seats=["A-1"], ttl_s=600)
        socket = await late.socket(who)
        board = await (await socket.watch(of_frozen.event)).reach(0)
        began = time.monotonic()
        with frozen(zombie["pid"]):
            machines.server_at(dying).kill()
            asked = await ask_the_frozen(socket, of_frozen.event)
            took = await asyncio.gather(
                asyncio.to_thread(of_dead.flows, began, LOST_S_MAX),
                asyncio.to_thread(of_frozen.flows, began, LOST_S_MAX),
            )
            log.info("sold on after %.2f s (killed), %.2f s (frozen)", *took)
        for sale in (of_dead, of_frozen):
            sale.stopped.append((began, time.monotonic()))
        await check_zombie(asked)
        await check_hold(api, plain, who, held["hold"])
        # It heard nothing for so long, and comes to what the new owner has.
        await board.reach((await api.availability(of_frozen.event))["version"])
        await socket.close()


async def ask_the_frozen(socket: Socket, event: str) -> list[asyncio.Future[Json]]:
    """Ask for what is read only when the frozen owner wakes up."""
    return [
        await socket.post("holding", event=event),
        await socket.post("hold_best", event=event, quantity=1, key="late"),
        await socket.post("hold_best", event=event, quantity=1),
    ]


async def check_zombie(asked: list[asyncio.Future[Json]]) -> None:
    """An owner of old asks the new one, or says that it does not know."""
    async with asyncio.timeout(60):
        for reply in await asyncio.gather(*asked):
            assert reply["op"] == "ok" or reply["code"] in TRANSIENT, reply


async def check_hold(api: Api, event: str, who: Person, hold: str) -> None:
    """What was held under the dead owner can be booked."""
    holding = await api.ok(event, who, "holding")
    assert [one["hold"] for one in holding["holds"]] == [hold]
    await api.ok(event, who, "book", hold=hold)
    await api.audit(event)


async def check_epochs(url: str, event: str) -> None:
    """No former owner wrote after its successor had."""
    connection = await asyncpg.connect(url)
    try:
        sql = "SELECT epoch FROM journal WHERE event_id = $1 ORDER BY to_version"
        epochs = [row["epoch"] for row in await connection.fetch(sql, event)]
    finally:
        await connection.close()
    assert len(set(epochs)) > 1
    assert epochs == sorted(epochs)
