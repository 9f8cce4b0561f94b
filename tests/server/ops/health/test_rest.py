import re
from collections.abc import AsyncIterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.ops.health import database_probe
from server.ops.health.observer import Observer
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
    assert any("database has not answered" in one for one in health["problems"])
    assert health["parts"]["database"]["status"] == "down"
    assert health["parts"]["database"]["silent_s"] > 0
    assert (await client.get("/livez")).status == 200

    proxy.losing_answers = False
    proxy.cut()
    while (await client.get("/readyz")).status == 503:
        pass
    while (await client.good("GET", "/health"))["status"] != "ok":
        pass


async def test_who_is_to_be_started_anew_says_so_and_why(client, monkeypatch):
    assert (await client.get("/livez")).status == 200
    monkeypatch.setattr(Observer, "ailment", "The database has gone for good.")
    answer = await client.get("/livez")
    assert answer.status == 503
    assert answer.body == {
        "status": "unavailable",
        "reason": "The database has gone for good.",
    }


async def test_health_tells_what_the_process_takes_and_how_its_jobs_go(client):
    health = await client.good("GET", "/health")
    (process,) = health["processes"]
    assert process["ready"] is True
    assert process["memory_bytes"] > 1e6
    assert process["cpu_seconds"] > 0
    assert process["connections"] >= 1
    assert (process["queue_depth"], process["websockets"]) == (0, 0)
    assert 0 < process["disk"]["free_bytes"] <= process["disk"]["total_bytes"]
    while True:
        ranking = (await client.good("GET", "/health"))["jobs"]["ranking"]
        if ranking["last_run_at"] is not None and not ranking["failures"]:
            break
    jobs = (await client.good("GET", "/health"))["jobs"]
    assert {"analytics", "images", "mail", "ranking", "token keys"} <= jobs.keys()
    while (health := await client.good("GET", "/health"))["problems"]:
        assert health["status"] == "degraded"
    assert health["status"] == "ok"


UNITS = ("seconds", "bytes")
SMALLER = re.compile(r"_(ms|us|ns|milliseconds|minutes|kb|mb|percent)(_|$)")


async def test_metrics_keep_the_conventions_of_prometheus(client):
    await client.get("/v1/events")
    await client.get("/v1/no/such/path")
    text = (await client.get("/metrics")).body.decode()
    families = list(text_string_to_metric_families(text))
    ours = [family for family in families if family.name.startswith("onsale_")]
    assert len(ours) > 20
    for family in ours:
        words = family.documentation.split()
        assert len(words) >= 3, family.name
        assert family.documentation.endswith("."), family.name
        assert family.type in {"counter", "gauge", "histogram"}
        assert not SMALLER.search(family.name), family.name
        # The parser drops the ending of a counter's name, which must have had one.
        assert not (family.type == "gauge" and family.name.endswith("_total"))
        if family.type == "counter":
            assert f"# TYPE {family.name}_total counter\n" in text
        if family.type == "histogram" and family.name != "onsale_batch_commands":
            assert family.name.endswith(UNITS)
    shown = {
        (sample.labels.get("route"), sample.labels.get("status")): sample.value
        for family in families
        for sample in family.samples
        if sample.name == "onsale_http_requests_total"
    }
    assert shown["/v1/events", "200"] == 1
    assert shown["unmatched", "404"] == 1
    assert 'onsale_http_request_duration_seconds_count{method="GET",route="/v' in text
    assert "process_cpu_seconds_total" in text
    assert "process_resident_memory_bytes" in text
