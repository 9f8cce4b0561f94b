"""Buses that hear each other: in memory, over Valkey, and over Redis where it is."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from persistence.embedded.valkey import EmbeddedValkeyError
from server.transport.bus.bus import Bus
from server.transport.bus.memory_bus import Exchange, MemoryBus
from server.transport.bus.redis_bus import RedisBus
from tests.cluster.conftest import PREFIX, PROGRAMS, REDIS, SECRET, RedisServer

Join = Callable[[], Bus]

KINDS = ["memory", *(pytest.param(one, marks=pytest.mark.redis) for one in PROGRAMS)]


def maker(kind: str, stack: AsyncExitStack) -> Join:
    """Return what makes buses of one kind."""
    if kind == "memory":
        exchange = Exchange()
        return lambda: MemoryBus(exchange)
    try:
        server = RedisServer(program=REDIS if kind == "redis" else None)
    except EmbeddedValkeyError as error:
        pytest.skip(str(error))
    stack.callback(server.remove)
    server.start()
    return lambda: RedisBus(server.url, PREFIX, SECRET)


@pytest.fixture(params=KINDS)
async def join(request: pytest.FixtureRequest) -> AsyncIterator[Join]:
    """Make buses of one kind; they are closed before what they run over."""
    async with AsyncExitStack() as stack:
        make = maker(request.param, stack)

        def joined() -> Bus:
            bus = make()
            stack.push_async_callback(bus.close)
            return bus

        yield joined
