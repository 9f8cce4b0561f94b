"""Who did what: stored beside everything else, shown to who may know."""

from typing import Final

from persistence.people.activity import ActivityLog
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
    activities.start()
    activities.count_in(startup.metrics)
    startup[ACTIVITIES] = activities
    startup[ACTIVITY_LOG] = ActivityLog(startup.pool)


ACTIVITY: Final = Capability(name="activity", open=_open, routes=ROUTES)
