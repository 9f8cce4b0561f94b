"""What whoever runs an event is told of it, second by second."""

import asyncio
from collections.abc import Callable, Iterable

from msgspec import Struct

from server.base.identity import Identity
from server.events.catalogue.service import EventService
from server.events.cockpit.forecast import Forecast, forecast_of
from server.events.cockpit.sampler import MS, Sampler, about, decode
from server.events.cockpit.seconds import Second, merged
from server.live.actors.registry import ServedEvent
from server.transport.bus.questions import Questions


class LiveNow(Struct, frozen=True):
    """An event as it is, and what it was in the seconds that were asked for."""

    served: ServedEvent
    owner: str
    """The process that owns it."""
    seconds: list[Second]
    forecast: Forecast | None


class LiveService:
    """Tells those who manage an event what all processes saw of it."""

    def __init__(
        self,
        events: EventService,
        sampler: Sampler,
        questions: Questions,
        others: Callable[[], Iterable[str]],
        me: str,
        now_ms: Callable[[], int],
    ) -> None:
        self._events = events
        self._sampler = sampler
        self._questions = questions
        self._others = others
        self._me = me
        self._now_ms = now_ms

    async def show(self, who: Identity, event: str, after: int) -> LiveNow:
        """Return the seconds later than `after`, in seconds since 1970.

        Raises `Refusal` for whom it is not for, and where nobody serves the event now.
        """
        served = (await self._events.find_managed(who, event)).local
        said = await self._questions.ask(
            about(event), [one for one in self._others() if one != self._me]
        )
        rings = [self._sampler.seen(event), *map(decode, said.values())]
        # Ten minutes of a busy cluster are merged between two turns of the loop.
        await asyncio.sleep(0)
        seconds = merged(rings)
        now = self._now_ms() // MS
        return LiveNow(
            served=served,
            owner=served.elsewhere or self._me,
            seconds=[one for one in seconds if one.at > after],
            forecast=forecast_of(seconds, now),
        )
