"""Whether the server is well, for operators and their machines."""

from functools import partial
from typing import Final

from persistence.postgres.durability import Durability
from server.ops.health import rest, rest_caches
from server.ops.health.database_probe import DURABILITY, PULSE, Pulse
from server.ops.health.examples import EXAMPLES
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    durability = startup.durability
    startup[DURABILITY] = durability.durability_class
    startup[PULSE] = pulse = Pulse(partial(startup.pool.fetch_one, "SELECT 1"))
    startup.report("database", partial(_database_part, pulse, durability))
    startup.run(pulse.run(), "database pulse")


def _database_part(pulse: Pulse, durability: Durability) -> dict[str, object]:
    return {
        "status": pulse.status,
        "silent_s": round(pulse.silent_s, 1),
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
