"""Fan-out: the hub that watchers are told by."""

import asyncio
import random
from typing import Final

from server.base.metrics import Metrics
from server.live.fanout.hub import HUB, Hub
from server.transport.capability.capability import Capability, Startup
from server.transport.http.response_cache import CACHES

RESTART_SPREAD_MS: Final = 3_000


async def _open(startup: Startup) -> None:
    startup[HUB] = hub = Hub(asyncio.get_running_loop())
    hub.settings_changed = startup[CACHES].settings_changed
    startup.run(hub.run(), "hub")
    startup.run(hub.feed.run(), "live events")
    _count_in(startup.metrics, hub)

    async def send_away(_: float) -> None:
        for writer in list(hub.writers):
            # Spread, so that not all come back in the same instant.
            writer.close(1012, "restart", random.randrange(RESTART_SPREAD_MS))

    startup.on_drain(send_away)


def _count_in(metrics: Metrics, hub: Hub) -> None:
    live = hub.feed
    metrics.gauge("onsale_connections", "Open websockets", lambda: len(hub.writers))
    metrics.gauge(
        "onsale_watchers",
        "Watched events, summed over connections",
        lambda: sum(len(event.watchers) for event in hub.events.values()),
    )
    metrics.gauge(
        "onsale_deliveries", "Frames sent to watchers", lambda: hub.deliveries
    )
    metrics.gauge("onsale_listeners", "Who watch_events", lambda: len(live.listeners))
    metrics.gauge("onsale_hints", "Live events told", lambda: live.told)
    metrics.gauge("onsale_hints_dropped", "And not told", lambda: live.dropped)
    metrics.gauge(
        "onsale_fanout_seconds", "Loop time spent on watchers", lambda: hub.fanout_s
    )


FANOUT: Final = Capability(name="fan-out", open=_open)
