"""Letters about what was bought, written by a follower of the journal."""

from typing import Final

from server.live.followers.followers import FOLLOWERS
from server.shop.confirmations.follower import KINDS, NoticeFollower
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    follower = NoticeFollower(startup.settings.public_url)
    startup[FOLLOWERS].add(follower, KINDS, after="tickets")


CONFIRMING: Final = Capability(name="confirmations", open=_open)
