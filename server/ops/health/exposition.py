"""The metrics of several processes as one page, each sample with the name of its own.

The processes at one address share the port, so whoever reads metrics there meets any of
them. It is shown all, and adds them up or tells them apart by the label `process`.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

LABEL: Final = "process"


class Family(Struct, array_like=True):
    """One metric of a process, as it is sent to another."""

    name: str
    text: str
    kind: str
    samples: list[tuple[str, dict[str, str], float]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Family]).decode


def encode_families(metrics: Iterable[Metric]) -> bytes:
    """Return metrics as they are sent."""
    return _encode(
        [
            Family(
                metric.name,
                metric.documentation,
                metric.type,
                [(one.name, one.labels, float(one.value)) for one in metric.samples],
            )
            for metric in metrics
        ]
    )


def decode_families(data: bytes) -> list[Metric]:
    """Return metrics as they were sent; raises msgspec.DecodeError."""
    metrics = []
    for family in _decode(data):
        metric = Metric(family.name, family.text, family.kind)
        for name, labels, value in family.samples:
            metric.add_sample(name, labels, value)
        metrics.append(metric)
    return metrics


class Merged(Collector):
    """What several processes show, metric by metric."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}

    def add(self, process: str, metrics: Iterable[Metric]) -> None:
        """Add what a process shows."""
        for metric in metrics:
            known = self._metrics.get(metric.name)
            if known is None:
                known = Metric(metric.name, metric.documentation, metric.type)
                self._metrics[metric.name] = known
            for one in metric.samples:
                known.add_sample(one.name, {LABEL: process, **one.labels}, one.value)

    def collect(self) -> Iterable[Metric]:
        """Yield what is shown, each metric once."""
        return self._metrics.values()
