"""Joining the cluster when a process starts."""

import asyncio
import os
from hashlib import sha256

import server
from inventory import limits as inventory_limits
from persistence import limits as persistence_limits
from persistence.processes import ClusterMismatch, Process, Processes, Terms
from server.base.instance import Instance
from server.base.settings import Config, ConfigError
from server.live.cluster.messages import PROTOCOL

RETRY_S = 0.5


def process_of(instance: Instance, now_ms: int) -> Process:
    """Return the row of this process."""
    return Process(
        process=instance.process,
        node=instance.node,
        pid=os.getpid(),
        address=instance.address,
        version=server.__version__,
        started_at_ms=now_ms,
        leaving=False,
    )


def terms_of(config: Config, instance: Instance) -> Terms:
    """Return what all processes of the cluster have to agree on."""
    key = config.secret_key
    return Terms(
        protocol=PROTOCOL,
        bus=instance.redis_url is not None,
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
