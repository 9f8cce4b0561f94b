"""Joining the cluster when a process starts."""

import asyncio
import os
from hashlib import sha256

import server
from inventory import limits as inventory_limits
from persistence import limits as persistence_limits
from persistence.processes import ClusterMismatch, Process, Processes, Terms
from server.base.instance import Place
from server.base.settings import Config, ConfigError
from server.live.cluster.messages import PROTOCOL
from server.transport.bus.bus import Bus, BusError
from server.transport.bus.memory_bus import MemoryBus

RETRY_S = 0.5


def process_of(place: Place, now_ms: int) -> Process:
    """Return the row of this process."""
    return Process(
        process=place.process,
        node=place.node,
        pid=os.getpid(),
        address=place.address,
        version=server.__version__,
        started_at_ms=now_ms,
        leaving=False,
    )


def terms_of(config: Config, place: Place) -> Terms:
    """Return what all processes of the cluster have to agree on."""
    key = config.secret_key
    return Terms(
        protocol=PROTOCOL,
        bus=place.redis_url is not None,
        secret="" if key is None else sha256(f"onsale {key}".encode()).hexdigest()[:16],
        lease_ms=inventory_limits.LEASE_MS,
    )


async def join(processes: Processes, me: Process, terms: Terms) -> None:
    """Add our row; wait while what disagrees with us may be the row of a dead process.

    Raises `ConfigError` where it lives, and `Unavailable`.
    """
    loop = asyncio.get_running_loop()
    ends = loop.time() + persistence_limits.SEEN_S_MAX + RETRY_S
    while True:
        try:
            await processes.join(me, terms)
        except ClusterMismatch as error:
            if loop.time() > ends:
                raise ConfigError(str(error)) from None
        else:
            return
        await asyncio.sleep(RETRY_S)


async def open_bus(url: str | None, processes: Processes) -> Bus:
    """Connect to the bus of our cluster; without an address, to one of our own.

    Raises `ConfigError` and `Unavailable`.
    """
    if url is None:
        alone = MemoryBus()
        await alone.start()
        return alone
    # Here, because who is alone needs no client of Redis, which takes long to import.
    from server.transport.bus.redis_bus import RedisBus

    cluster, secret = await processes.cluster()
    try:
        bus = RedisBus(url, f"onsale:{cluster}", secret)
        await bus.start()
    except (BusError, ValueError) as error:
        raise ConfigError(f"the bus (--redis-url, REDIS_URL): {error}") from None
    return bus
