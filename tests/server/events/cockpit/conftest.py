"""A process that looks at its events, for the tests of what it remembers."""

import pytest

from server.events.cockpit.sampler import Sampler
from server.events.cockpit.service import LiveService
from server.transport.bus.memory_bus import Exchange, MemoryBus
from server.transport.bus.questions import Questions
from tests.server.identities import LENA


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.at = 1_000

    def now_ms(self) -> int:
        return self.at * 1_000


class Watch:
    """A process that looks at its events, and another one that it can ask."""

    def __init__(self, house):
        self.clock = Clock()
        exchange = Exchange()
        self.buses = [MemoryBus(exchange), MemoryBus(exchange)]
        me, self.other = (
            Questions(bus, name) for bus, name in zip(self.buses, "ab", strict=True)
        )
        self.sampler = Sampler(house.hub, house.registry, me, self.clock.now_ms)
        self.processes = ["a"]
        self.service = LiveService(
            house.events,
            self.sampler,
            me,
            lambda: self.processes,
            "a",
            self.clock.now_ms,
        )

    def look(self):
        """Let a second pass, and look."""
        self.clock.at += 1
        self.sampler.look()

    async def last(self, event="evt"):
        """Return what Lena, who leads the organisation, is told of the last second."""
        return (await self.service.show(LENA, event, 0)).seconds[-1]


@pytest.fixture
async def watch(house):
    watch = Watch(house)
    for bus in watch.buses:
        await bus.start()
    await house.put("evt")
    yield watch
    for bus in watch.buses:
        await bus.close()
