"""Those who speak and listen in the tests of the bus."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from server.transport.bus.bus import Bus

PATIENCE_S = 60.0

AnyBus = TypeVar("AnyBus", bound=Bus)


async def until(condition: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - the bus tells nobody
            await asyncio.sleep(0.005)


class Ear:
    """Hears one topic of a bus, and keeps what it hears."""

    def __init__(self, bus: Bus, topic: str) -> None:
        self.heard: list[bytes] = []
        self.gaps = 0
        bus.subscribe(topic, self.heard.append, self._on_gap)

    def _on_gap(self) -> None:
        self.gaps += 1


async def listening(bus: Bus, topic: str) -> Ear:
    ear = Ear(bus, topic)
    await until(lambda: ear.gaps)
    return ear


async def started(bus: AnyBus) -> AnyBus:
    await bus.start()
    return bus


async def said(bus: Bus, topic: str, data: bytes = b"") -> int | None:
    """Publish, and return who heard it."""
    sent: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
    assert bus.publish(topic, data, sent.set_result)
    async with asyncio.timeout(PATIENCE_S):
        return await sent


async def hears_again(ear: Ear, bus: Bus, topic: str) -> None:
    """Check that a bus that was lost is whole again."""
    assert await said(bus, topic, b"again") == 1
    await until(lambda: ear.heard[-1:] == [b"again"])
    assert bus.status == "ok"
