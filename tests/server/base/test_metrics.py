"""What Prometheus is shown, by its conventions."""

import re

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from inventory.ports import CommitStatus
from server.base.metrics import Histogram, Metrics


def shown(metrics: Metrics) -> dict[str, float]:
    """Return all samples as they are read, those with labels under both."""
    text = generate_latest(metrics.registry).decode()
    return {
        sample.name + "".join(f" {one}" for one in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_actor_s_counts_are_shown():
    metrics = Metrics()
    metrics.committed(3, 0.004)
    metrics.committed(1, 3.0)
    metrics.refused("seat_not_free")
    metrics.doubted(CommitStatus.FENCED)
    metrics.failed("evt_1", ValueError())
    samples = shown(metrics)
    assert samples["onsale_commits_total"] == 2
    assert samples["onsale_commands_total"] == 4
    assert samples["onsale_actor_failures_total"] == 1
    assert samples["onsale_rejections_total seat_not_free"] == 1
    assert samples["onsale_doubtful_commits_total fenced"] == 1
    assert samples["onsale_commit_seconds_bucket 0.002"] == 0
    assert samples["onsale_commit_seconds_bucket 0.005"] == 1
    assert samples["onsale_commit_seconds_bucket +Inf"] == 2
    assert samples["onsale_commit_seconds_sum"] == pytest.approx(3.004)


def test_what_is_read_when_somebody_asks_is_a_gauge_or_a_counter():
    metrics, numbers = Metrics(), {"open": 1.0, "sent": 5.0}
    metrics.gauge("onsale_open", "What is open just now.", lambda: numbers["open"])
    metrics.counter("onsale_sent_total", "What was sent.", lambda: numbers["sent"])
    numbers["open"] = 0.0
    samples = shown(metrics)
    assert (samples["onsale_open"], samples["onsale_sent_total"]) == (0, 5)
    assert metrics.read("onsale_sent_total") == 5
    with pytest.raises(KeyError):
        metrics.read("onsale_nothing")
    with pytest.raises(AssertionError):
        metrics.counter("onsale_sent", "What was sent.", lambda: 0)


@pytest.mark.parametrize(("value", "below"), [(1.0, 1), (1.5, 0), (2.0, 0)])
def test_a_bucket_holds_what_is_at_most_its_bound(value, below):
    times = Histogram("some_seconds", "Some.", (1.0, 2.0))
    times.add(value)
    assert times.buckets() == [("1.0", below), ("2.0", 1), ("+Inf", 1)]


def test_the_process_itself_is_shown():
    samples = shown(Metrics())
    assert samples["process_cpu_seconds_total"] > 0
    assert samples["process_resident_memory_bytes"] > 1e6
    assert samples["process_open_fds"] > 0
    assert re.fullmatch(r"\d+\.\d+", str(samples["process_start_time_seconds"]))
