"""Metrics of several processes on one page, which Prometheus can read."""

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from inventory.ports import CommitStatus
from server.base.metrics import Metrics
from server.ops.health.exposition import Merged, decode_families, encode_families


def counted(commits: int) -> Metrics:
    metrics = Metrics()
    for _ in range(commits):
        metrics.committed(2, 0.001)
    metrics.doubted(CommitStatus.FENCED)
    return metrics


def test_each_metric_stands_once_with_the_samples_of_every_process():
    merged = Merged()
    merged.add("n.0", counted(3).registry.collect())
    sent = encode_families(counted(4).registry.collect())
    merged.add("n.1", decode_families(sent))
    text = generate_latest(merged).decode()
    assert text.count("# TYPE onsale_commits_total counter\n") == 1
    assert text.count("# TYPE onsale_commit_seconds histogram\n") == 1
    families = {one.name: one for one in text_string_to_metric_families(text)}
    shown = families["onsale_commits"].samples
    commits = {one.labels["process"]: one.value for one in shown}
    assert commits == {"n.0": 3, "n.1": 4}
    doubts = families["onsale_doubtful_commits"].samples
    assert [one.labels for one in doubts] == [
        {"process": process, "status": "fenced"} for process in ("n.0", "n.1")
    ]
    assert all(
        "process" in sample.labels
        for family in families.values()
        for sample in family.samples
    )


def test_what_is_sent_is_what_is_shown():
    metrics = counted(2)
    received = Merged()
    for family in decode_families(encode_families(metrics.collect())):
        received._metrics[family.name] = family
    direct = Merged()
    for family in metrics.collect():
        direct._metrics[family.name] = family
    assert generate_latest(received) == generate_latest(direct)
