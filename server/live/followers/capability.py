"""Whoever follows the journal: capabilities add theirs when they open."""

from functools import partial
from typing import Final

from persistence.followers.passes import Passes
from persistence.postgres.pool import Pool
from server.live.fanout.hub import HUB
from server.live.followers.followers import FOLLOWERS, Followers
from server.transport.capability.capability import Capability, Startup

CONNECTIONS_MAX: Final = 3
CLOSE_S: Final = 0.3


async def _open(startup: Startup) -> None:
    pool = await Pool.open(
        startup.instance.database_url,
        size=CONNECTIONS_MAX,
        name="onsale followers",
        replan=True,
    )
    # Nobody waits for their last words: what is not committed is followed again.
    startup.on_stop(partial(pool.close, CLOSE_S))
    hub = startup[HUB]
    followers = Followers(Passes(pool), lambda event: hub.feed.owns(event), startup.job)
    startup[FOLLOWERS] = followers
    hub.moved = followers.moved
    startup.metrics.registry.register(followers)
    startup.report("followers", followers.health)
    startup.run(followers.run(), "followers")


FOLLOWING: Final = Capability(name="followers", open=_open)
