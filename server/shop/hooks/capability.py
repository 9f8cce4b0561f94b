"""What organisers' webhooks are told of what is sold, by a follower of the journal."""

from typing import Final

from server.live.followers.followers import FOLLOWERS
from server.shop.hooks.follower import KINDS, HookFollower
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    startup[FOLLOWERS].add(HookFollower(), KINDS, after="tickets")


SALES_TOLD: Final = Capability(name="hooks of sales", open=_open)
