"""The other processes: this one joins them, and owns its share of the events."""

import asyncio
from typing import Final

from server.base import limits
from server.live.actors.registry import JOURNAL, REGISTRY
from server.live.cluster.examples import EXAMPLES
from server.live.cluster.membership.adoption import adopt
from server.live.cluster.membership.members import MEMBERS, Members
from server.live.cluster.membership.start import join, process_of, terms_of
from server.live.cluster.peers import PEERS, Alone, Peers
from server.live.cluster.rest import ROUTES
from server.transport.bus.open import BUS, PROCESSES
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    startup[MEMBERS] = members = await _join(startup)
    startup.on_stop(members.leave)
    startup.run(members.run(), "members")
    startup[PEERS] = peers = await _meet(startup, members)
    peers.count_in(startup.metrics)
    adoption = adopt(startup[PROCESSES], peers.take_share, startup.job("adoption"))
    startup.run(adoption, "adoption")
    startup.on_drain(lambda _: peers.leave(limits.HAND_OVER_S_MAX))


async def _join(startup: Startup) -> Members:
    """Put our name on the list of processes, those of our node being dead."""
    instance, processes = startup.instance, startup[PROCESSES]
    if not instance.supervised:
        await processes.void_node(instance.node)
    me = process_of(instance, startup.clock.now_ms())
    terms = terms_of(startup.settings, instance)
    await join(processes, me, terms)
    return Members(processes, me, terms)


async def _meet(startup: Startup, members: Members) -> Peers:
    """Become one of many, or be alone: the only place that makes a difference."""
    registry = startup[REGISTRY]
    if startup.instance.redis_url is None:
        return Alone(registry, asyncio.get_running_loop().time)
    # Imported here, because who is alone needs none of it.
    from server.live.cluster.cluster import Cluster

    cluster = Cluster(startup[BUS], startup[JOURNAL], registry, members)
    startup.on_stop(cluster.close)
    await cluster.see_that_all_hear()
    startup.run(cluster.run(), "cluster")
    return cluster


CLUSTER: Final = Capability(
    name="cluster",
    open=_open,
    routes=ROUTES,
    examples=EXAMPLES,
)
