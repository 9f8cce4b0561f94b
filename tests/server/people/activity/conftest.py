"""A database, a Redis, and what stands between them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from persistence.people.activity import ActivityLog, Record, new_record_id
from persistence.postgres.pool import Pool
from server.people.activity.stream import Stream
from server.people.activity.writer import Writer
from tests.cluster.conftest import (  # noqa: F401
    RedisServer,
    redis_server,
    redis_server_with,
)
from tests.fakes import ManualClock
from tests.scenario import NOW_MS

SECRET = bytes(range(32))
CLUSTER = "test"
DAYS = 400


def record(name: str, at_ms: int = NOW_MS, **fields: Any) -> Record:
    fixed: dict[str, Any] = {
        "id": new_record_id(at_ms),
        "at_ms": at_ms,
        "method": "POST",
        "route": "/v1/events",
        "status": 201,
        "request_id": name,
        "address": "203.0.113.0/24",
        "duration_ms": 1.5,
    }
    return Record(**(fixed | fields))


def records(count: int, start: int = 0) -> list[Record]:
    return [record(f"r{number}") for number in range(start, start + count)]


class Table:
    """What is stored."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    async def names(self) -> list[str]:
        rows = await self.pool.fetch("SELECT request_id AS r FROM activity ORDER BY 1")
        return [row["r"] for row in rows]

    async def count(self) -> int:
        return len(await self.names())


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await Pool.open(database_url)
    yield pool
    await pool.close()


@pytest.fixture
def table(pool: Pool) -> Table:
    return Table(pool)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def writer(pool: Pool, clock: ManualClock) -> Writer:
    return Writer(ActivityLog(pool), clock.now_ms, DAYS)


@pytest.fixture
async def stream(
    redis_server: RedisServer,  # noqa: F811
) -> AsyncIterator[Callable[..., Stream]]:
    """Make a connection to the stream under a consumer's name."""
    async with AsyncExitStack() as stack:

        def make(name: str = "p1", secret: bytes = SECRET) -> Stream:
            made = Stream(redis_server.url, CLUSTER, secret, name)
            stack.push_async_callback(made.close)
            return made

        yield make
