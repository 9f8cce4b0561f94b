"""A process that is alone: it uses the bus and its peers like any other."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from server.base.metrics import Metrics
from server.live.actors.registry import Shards
from server.live.cluster.peers import Alone
from tests.server.transport.rest.test_served import EVENT


class Events:
    """Stands for the events of a process, and notes which it is to take."""

    def __init__(self, **rates: float) -> None:
        self.taken: list[str] = []
        self._rates = rates

    def owned(self) -> list[Any]:
        return [
            SimpleNamespace(
                actor=SimpleNamespace(event=event),
                board=SimpleNamespace(commits_per_s=lambda now, r=rate: r * now),
            )
            for event, rate in self._rates.items()
        ]

    def adopt(self, events: list[str]) -> None:
        self.taken += events


async def test_alone_all_events_are_ours_and_stay():
    events = Events(one=1.0, two=2.5)
    alone = Alone(cast(Shards, events), lambda: 2.0)
    assert await alone.rates() == {"one": 2.0, "two": 5.0}
    alone.take_share(["three", "four"])
    assert events.taken == ["three", "four"]
    assert await alone.move("one", "me")
    await alone.leave(0.0)
    assert events.taken == ["three", "four"]


def test_alone_nothing_is_counted():
    metrics = Metrics()
    before = {one.name for one in metrics.registry.collect()}
    Alone(cast(Shards, Events()), lambda: 0.0).count_in(metrics)
    assert {one.name for one in metrics.registry.collect()} == before


@pytest.mark.postgres
async def test_a_lone_server_has_no_bus_to_others_and_is_well(client):
    health = await client.good("GET", "/health")
    assert health["parts"]["bus"] == {"status": "off", "kind": "in process"}
    assert health["status"] == "ok"
    metrics = (await client.get("/metrics")).body.decode()
    assert "onsale_commits_total" in metrics
    assert "onsale_bus_" not in metrics
    assert "onsale_processes" not in metrics


@pytest.mark.postgres
async def test_a_lone_server_is_its_whole_cluster(admin):
    event = await admin.good("POST", "/v1/events", EVENT)
    await admin.good("POST", f"/v1/events/{event['id']}/publish")
    (process,) = (await admin.good("GET", "/v1/cluster"))["processes"]
    assert process["process"] == "test.0.0"
    assert [one["event"] for one in process["events"]] == [event["id"]]
    move = {"event": event["id"], "process": "test.0.0"}
    assert (await admin.post("/v1/cluster/move", move)).status == 202
    unknown = await admin.post("/v1/cluster/move", move | {"process": "other"})
    assert unknown.body["code"] == "process_not_found"
    missing = await admin.post("/v1/cluster/move", move | {"event": "evt_none"})
    assert missing.body["code"] == "event_not_found"
