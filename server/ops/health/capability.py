"""Whether the server is well, for operators and their machines."""

from functools import partial
from pathlib import Path
from typing import Final

from persistence.data_directory import DataDirectory
from persistence.embedded.places import CLUSTER, existing_home
from persistence.postgres.durability import Durability
from server.base.metrics import Metrics
from server.ops.health import rest, rest_caches, rest_limits
from server.ops.health.database_probe import DATABASE_PROBE, DURABILITY, DatabaseProbe
from server.ops.health.examples import EXAMPLES
from server.ops.health.machine import memory
from server.ops.health.observer import OBSERVER, Observer
from server.transport.bus.questions import ASKING
from server.transport.capability.capability import Capability, Startup

IMAGES: Final = "images"
LOG: Final = "pg_wal"
"""Folders that operators put on disks of their own."""


async def _open(startup: Startup) -> None:
    durability = startup.durability
    startup[DURABILITY] = durability.durability_class
    startup[DATABASE_PROBE] = probe = DatabaseProbe(
        partial(startup.pool.fetch_one, "SELECT 1")
    )
    observer = Observer(
        startup.instance,
        _folders(startup),
        startup.readiness,
        startup.metrics,
        probe,
    )
    startup[OBSERVER] = observer
    _measure(startup.metrics, observer)
    observer.answer(startup[ASKING])
    startup[rest.KEPT] = rest.KeptAnswers(startup.app)
    startup.run(observer.run(), "observer")
    startup.report("database", partial(_database_part, probe, durability))
    startup.run(probe.run(), "database probe")


def _measure(metrics: Metrics, observer: Observer) -> None:
    """Show what alerts compare: what is left, and of how much."""
    metrics.gauge(
        "onsale_disk_free_bytes",
        "Bytes that are free on that disk of the data which is full first.",
        lambda: observer.disk().free_bytes,
    )
    metrics.gauge(
        "onsale_disk_total_bytes",
        "Bytes that there are on that disk of the data which is full first.",
        lambda: observer.disk().total_bytes,
    )
    metrics.gauge(
        "onsale_memory_available_bytes",
        "Bytes of memory that are left on this machine, or in this container.",
        lambda: memory().available_bytes,
    )
    metrics.gauge(
        "onsale_memory_total_bytes",
        "Bytes of memory that this machine has, or this container may take.",
        lambda: memory().total_bytes,
    )


def _folders(startup: Startup) -> list[str]:
    """Return where data are kept on this machine, each perhaps on a disk of its own."""
    data = DataDirectory(Path(startup.settings.data_dir))
    folders = [data.path, data.path / IMAGES]
    if startup.instance.own_database:
        home = existing_home(data)
        assert home is not None, "it runs"
        folders += [home / CLUSTER, home / CLUSTER / LOG]
    return [str(folder) for folder in folders]


def _database_part(probe: DatabaseProbe, durability: Durability) -> dict[str, object]:
    problems = list(durability.problems)
    if probe.status != "ok":
        silent_s = round(probe.silent_s)
        problems.append(f"The database has not answered for {silent_s} s.")
    return {
        "status": probe.status,
        "silent_s": round(probe.silent_s, 1),
        "problems": problems,
        "server_version": durability.server_version,
    }


HEALTH: Final = Capability(
    name="health",
    open=_open,
    routes=(*rest.ROUTES, *rest_caches.CACHE_ROUTES, *rest_limits.LIMIT_ROUTES),
    tags={
        "Operation": """\
Health and descriptions for anybody; caches, processes and moving an event between them
for administrators. The `process` of a move is one that `GET /v1/cluster` lists.""",
    },
    examples=EXAMPLES,
)
