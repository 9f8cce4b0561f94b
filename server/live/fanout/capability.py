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
    metrics.gauge(
        "onsale_connections", "Websockets that are open.", lambda: len(hub.writers)
    )
    metrics.gauge(
        "onsale_watchers",
        "Events that websockets watch, summed over the websockets.",
        lambda: sum(len(event.watchers) for event in hub.events.values()),
    )
    metrics.gauge(
        "onsale_listeners",
        "Websockets that hear of changes to the list of events.",
        lambda: len(live.listeners),
    )
    metrics.counter(
        "onsale_deliveries_total",
        "Frames that were sent to websockets that watch an event.",
        lambda: hub.deliveries,
    )
    metrics.counter(
        "onsale_hints_total",
        "Changes to the list of events that were sent to websockets.",
        lambda: live.told,
    )
    metrics.counter(
        "onsale_hints_dropped_total",
        "Changes to the list of events that were not sent, being too many.",
        lambda: live.dropped,
    )
    metrics.counter(
        "onsale_fanout_seconds_total",
        "Time of the event loop that was spent on websockets that watch.",
        lambda: hub.fanout_s,
    )


FANOUT: Final = Capability(name="fan-out", open=_open)
