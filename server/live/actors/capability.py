"""The actors of events, and the journal that they commit to."""

from functools import partial
from typing import Final

from persistence.events.catalog import Catalog
from persistence.journal.journal import PostgresJournal
from persistence.journal.results import Results
from server.base.ids import RandomIds
from server.base.pressure.pressure import PRESSURE, Pressure
from server.live.actors.idle import IdleEvents
from server.live.actors.job import LOOK_S, trim_results
from server.live.actors.origins import ORIGINS, Origins
from server.live.actors.registry import CATALOG, JOURNAL, REGISTRY, EventRegistry
from server.live.fanout.hub import HUB
from server.transport.bus.open import PROCESSES
from server.transport.capability.capability import Capability, Startup
from server.transport.jobs.scheduler import JOBS
from server.transport.ratelimit.request_limits import LIMITS

SLOW_COMMITS_MAX: Final = 0.05
"""A line is slowed down where more commits than that are slow, of an interval."""

MAILBOX_MAX: Final = 0.25
"""Or where a mailbox is fuller than that."""


async def _open(startup: Startup) -> None:
    instance, metrics = startup.instance, startup.metrics
    journal = await PostgresJournal.open(
        instance.database_url, startup.pool, instance.process, startup.clock
    )
    startup.on_stop(journal.close)
    startup[JOURNAL] = journal
    startup[CATALOG] = catalog = Catalog(startup.pool, startup.settings.quotas)
    startup[REGISTRY] = registry = EventRegistry(
        catalog, journal, startup[HUB], startup.clock, RandomIds(), metrics
    )
    startup[PRESSURE] = pressure = Pressure()
    pressure.share(
        "commits",
        SLOW_COMMITS_MAX,
        lambda _: metrics.slow_commits,
        lambda _: metrics.commits,
    )
    pressure.level("mailbox", MAILBOX_MAX, registry.mailbox_share)
    if LIMITS in startup.app:
        startup[ORIGINS] = Origins(await shared_secret(startup))
    startup.on_drain(registry.stop)
    startup.run(registry.run(startup.job("scheduled sales")), "scheduled sales")
    trimming = partial(trim_results, Results(startup.pool))
    startup[JOBS].every("outcomes of commands", LOOK_S, trimming)
    idle = IdleEvents(registry, startup.clock)
    startup.run(idle.run(startup.job("idle events")), "idle events")
    startup.run(metrics.watch_loop(), "loop lag")
    metrics.gauge(
        "onsale_venues_bytes",
        "About what the loaded venues take.",
        registry.venues.bytes,
    )
    metrics.counter(
        "onsale_events_unloaded_total",
        "Events that were unloaded because nobody used them.",
        lambda: idle.unloaded,
    )
    metrics.gauge(
        "onsale_events",
        "Events that this process serves.",
        lambda: len(registry.active),
    )
    metrics.gauge(
        "onsale_mailbox_depth",
        "Commands that wait for the actors of events.",
        registry.mailbox_depth,
    )


async def shared_secret(startup: Startup) -> bytes:
    """Return what all processes of one database have in common and tell nobody."""
    configured = startup.settings.secret_key
    if configured is not None:
        return configured.encode()
    _, secret = await startup[PROCESSES].cluster()
    return secret


ACTORS: Final = Capability(name="actors", open=_open)
