"""What makes a process one of several: its place, and its cluster as shipped."""

import asyncio
from typing import TYPE_CHECKING

from msgspec import Struct

from persistence.errors import Unavailable
from persistence.processes import Process as Row
from persistence.processes import Terms
from server.live.cluster.cluster import Cluster
from server.live.cluster.membership.members import Members
from server.live.cluster.messages import ALL, Gone, encode
from tests.simulation.bus import SimBus

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World

TERMS = Terms(protocol=1, bus=True, secret="", lease_ms=10_000)
RETRY_S = 0.3


class Place(Struct, frozen=True):
    """Where a process runs: at most one at a time in each slot."""

    slot: int
    node: str
    process: str
    supervised: bool
    """Whether a parent knows of its death, and ends its leases."""


async def form(process: "Process") -> Cluster:
    """Join the others, as `server.app` does; again where the database is silent."""
    world, place, registry = process.world, process.place, process.registry
    row = Row(place.process, place.node, 1, None, "1", 0, leaving=False)
    while True:
        try:
            if not place.supervised:
                await registry.void_node(place.node)
            await registry.join(row, TERMS)
        except Unavailable:
            await asyncio.sleep(RETRY_S)
        else:
            break
    bus = process.bus = SimBus(world.exchange, process.loop)
    while bus.status != "ok":
        bus.connect()
        await asyncio.sleep(RETRY_S)
    members = Members(registry, row, TERMS)  # type: ignore[arg-type]
    cluster = process.cluster = Cluster(
        bus,  # type: ignore[arg-type]
        process.journal,  # type: ignore[arg-type]
        process.event_registry,
        members,
    )
    await members.look()
    process.spawn(members.run())
    process.spawn(cluster.run())
    return cluster


def bury(world: "World", name: str) -> None:
    """End the leases of a dead worker and tell of it, as its supervisor does."""
    database = world.database
    if database.down or database.frozen or database.full:
        world.scheduler.call_later(RETRY_S, bury, world, name)
        return
    events = world.table.void(lambda process: process == name)
    announce(world, name, events)


def announce(world: "World", name: str, events: list[str]) -> None:
    """Tell until somebody heard."""
    if not world.exchange.say(ALL, encode(Gone(name, events))) and events:
        world.scheduler.call_later(RETRY_S, announce, world, name, events)
