"""A limit is the server's: whichever worker is asked, it says the same."""

from collections.abc import Iterator

import pytest

from tests.cluster.ports import free_ports
from tests.contract.client import Api
from tests.contract.process import Server

pytestmark = [pytest.mark.redis, pytest.mark.slow]

LIMIT = 100


@pytest.fixture
def limited() -> Iterator[tuple[Server, list[str]]]:
    """Run two workers with a limit, each with a port of its own beside the common."""
    first = free_ports(2)
    server = Server(
        rate_limits=True,
        ONSALE_WORKERS="2",
        ONSALE_WORKER_PORT=str(first),
        ONSALE_RATE_LIMIT_PUBLIC=str(LIMIT),
    )
    try:
        server.start()
        yield server, [f"http://127.0.0.1:{first + n}" for n in range(2)]
    finally:
        server.remove()


async def test_two_workers_let_one_budget_through(limited):
    server, urls = limited
    told = []
    async with Api(server) as one, Api(server) as other:
        one.url, other.url = urls
        for number in range(2 * LIMIT):
            api = (one, other)[number % 2]
            answer = await api.request("GET", "/v1/events")
            remaining = int(answer.headers["ratelimit-remaining"])
            told.append((answer.status, remaining, "retry-after" in answer.headers))
    allowed = [number for number, one in enumerate(told) if one[0] == 200]
    # What is on its way from one to the other is let through, and no burst beyond it.
    assert LIMIT <= len(allowed) <= LIMIT + 5
    refused = told[allowed[-1] + 1 :]
    # Nobody who was refused is let through a moment later.
    assert len(refused) + len(allowed) == 2 * LIMIT
    assert set(refused) == {(429, 0, True)}
    left = [one[1] for one in told]
    rises = [n for n in range(1, len(told)) if left[n] > left[n - 1]]
    assert len(rises) <= 5, left
