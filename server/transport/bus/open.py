"""The bus that a process gets: Redis where there is one, else its own memory."""

from typing import Final

from aiohttp import web

from persistence.processes import Processes
from server.base.settings import ConfigError
from server.transport.bus.bus import Bus, BusError
from server.transport.bus.memory_bus import MemoryBus

BUS: Final[web.AppKey[Bus]] = web.AppKey("bus")
PROCESSES: Final = web.AppKey("processes", Processes)


async def open_bus(url: str | None, processes: Processes) -> Bus:
    """Connect to the bus of our cluster; without an address, to one of our own.

    Raises `ConfigError` and `Unavailable`.
    """
    if url is None:
        alone = MemoryBus()
        await alone.start()
        return alone
    # Here, because who is alone needs no client of Redis, which takes long to import.
    from server.transport.bus.redis_bus import RedisBus

    cluster, secret = await processes.cluster()
    try:
        bus = RedisBus(url, f"onsale:{cluster}", secret)
        await bus.start()
    except (BusError, ValueError) as error:
        raise ConfigError(f"the bus (--redis-url, REDIS_URL): {error}") from None
    return bus
