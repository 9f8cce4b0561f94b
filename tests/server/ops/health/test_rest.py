from collections.abc import AsyncIterator

import pytest

from server.ops.health import database_probe
from tests.persistence.proxy import Proxy, open_proxy
from tests.server.conftest import Client, run_server

pytestmark = pytest.mark.postgres


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[Proxy]:
    async with open_proxy(database_url) as proxy:
        yield proxy


@pytest.fixture
async def client(proxy: Proxy, monkeypatch) -> AsyncIterator[Client]:
    """Somebody who asks a server that loses its patience ten times sooner."""
    for name in ("ASK_EVERY_S", "ANSWER_S_MAX", "DEGRADED_AFTER_S", "DOWN_AFTER_S"):
        monkeypatch.setattr(database_probe, name, getattr(database_probe, name) / 10)
    async for client in run_server(proxy.url, rate_limits="off"):
        yield client


async def test_a_database_that_falls_silent_is_told_until_it_speaks_again(
    client, proxy
):
    # Sooner or later: this machine may be slower than that patience.
    while (await client.good("GET", "/health"))["status"] != "ok":
        pass
    assert (await client.get("/readyz")).status == 200

    proxy.losing_answers = True
    while (await client.get("/readyz")).status == 200:
        pass
    health = await client.good("GET", "/health")
    assert health["status"] == "degraded"
    assert health["parts"]["database"]["status"] == "down"
    assert health["parts"]["database"]["silent_s"] > 0
    assert (await client.get("/livez")).status == 200

    proxy.losing_answers = False
    proxy.cut()
    while (await client.get("/readyz")).status == 503:
        pass
    while (await client.good("GET", "/health"))["status"] != "ok":
        pass
