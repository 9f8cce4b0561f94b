"""What a process asks of those beside it, and the answers where there are none."""

from collections.abc import Callable
from typing import Final, Protocol

from aiohttp import web

from server.base.metrics import Metrics
from server.live.actors.registry import EventRegistry


class Peers(Protocol):
    """The processes that share the database with this one.

    Implemented by `server.live.cluster.cluster.Cluster`, and by `Alone`.
    """

    async def rates(self) -> dict[str, float]:
        """Return the commits per second of each event that some process owns."""

    async def move(self, event: str, to: str) -> bool:
        """Let an event be given to a process; False where that cannot be said.

        Raises `EventNotFound` and `EventUnavailable`.
        """

    def take_share(self, events: list[str]) -> None:
        """Own those of some ownerless events that are for us to own."""

    async def leave(self, within_s: float) -> None:
        """Give all events to others, as far as time permits."""

    def count_in(self, metrics: Metrics) -> None:
        """Show what is counted here."""


class Alone:
    """Stands for the others where there are none: all events are ours."""

    def __init__(self, registry: EventRegistry, now: Callable[[], float]) -> None:
        self._registry = registry
        self._now = now

    async def rates(self) -> dict[str, float]:
        """Return the commits per second of each of our events."""
        now = self._now()
        return {
            served.actor.event: served.board.commits_per_s(now)
            for served in self._registry.owned()
        }

    async def move(self, event: str, to: str) -> bool:
        """Leave an event here, the only place there is."""
        return True

    def take_share(self, events: list[str]) -> None:
        """Own them all."""
        self._registry.adopt(events)

    async def leave(self, within_s: float) -> None:
        """Do nothing: nobody takes our events."""

    def count_in(self, metrics: Metrics) -> None:
        """Show nothing: nothing comes from others or goes to them."""


PEERS: Final[web.AppKey[Peers]] = web.AppKey("peers")
