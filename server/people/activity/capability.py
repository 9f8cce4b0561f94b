"""Who did what: stored beside everything else, shown to who may know."""

from collections.abc import Iterable
from typing import Final

from persistence.people.activity import ActivityLog
from server.people.activity.examples import EXAMPLES
from server.people.activity.middleware import RECORDED, Recorded
from server.people.activity.rest import ACTIVITY_LOG, ROUTES
from server.people.activity.service import ACTIVITIES, Activities
from server.transport.bus.open import PROCESSES
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    instance = startup.instance
    activities = await Activities.open(
        instance.database_url, startup.clock.now_ms, startup.settings.activity_days
    )
    startup.on_stop(activities.close)
    if instance.redis_url is not None:
        cluster, secret = await startup[PROCESSES].cluster()
        activities.use_redis(instance.redis_url, cluster, secret, instance.process)
    activities.start(startup.job("activity"))
    activities.count_in(startup.metrics)
    startup[ACTIVITIES] = activities
    startup[RECORDED] = recorded_of(startup.capabilities)
    startup[ACTIVITY_LOG] = ActivityLog(startup.pool)


def recorded_of(capabilities: Iterable[Capability]) -> Recorded:
    """Return what the capabilities say of their paths."""
    objects: set[str] = set()
    made_at: dict[str, str] = {}
    for one in capabilities:
        objects |= {name for name, said in one.parameters.items() if said.recorded}
        made_at.update(one.makes)
    return Recorded(frozenset(objects), made_at)


ACTIVITY: Final = Capability(
    name="activity",
    open=_open,
    routes=ROUTES,
    examples=EXAMPLES,
)
