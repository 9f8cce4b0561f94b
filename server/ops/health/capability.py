"""Whether the server is well, for operators and their machines."""

from functools import partial
from typing import Final

from persistence.postgres.durability import Durability
from server.ops.health import rest, rest_caches
from server.ops.health.database_probe import DATABASE_PROBE, DURABILITY, DatabaseProbe
from server.ops.health.examples import EXAMPLES
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    durability = startup.durability
    startup[DURABILITY] = durability.durability_class
    startup[DATABASE_PROBE] = probe = DatabaseProbe(
        partial(startup.pool.fetch_one, "SELECT 1")
    )
    startup.report("database", partial(_database_part, probe, durability))
    startup.run(probe.run(), "database probe")


def _database_part(probe: DatabaseProbe, durability: Durability) -> dict[str, object]:
    return {
        "status": probe.status,
        "silent_s": round(probe.silent_s, 1),
        "problems": durability.problems,
        "server_version": durability.server_version,
    }


HEALTH: Final = Capability(
    name="health",
    open=_open,
    routes=(*rest.ROUTES, *rest_caches.CACHE_ROUTES),
    tags={
        "Operation": """\
Health and descriptions for anybody; caches, processes and moving an event between them
for administrators. The `process` of a move is one that `GET /v1/cluster` lists.""",
    },
    examples=EXAMPLES,
)
