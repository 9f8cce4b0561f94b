"""Raw samples, kept to the last one: what percentiles and curves are made of.

A process of the generator writes its samples to a file as doubles, three for each
accepted command: when it was due, when its answer came, and the version that it told.
"""

import math
from array import array
from collections import Counter
from pathlib import Path

from msgspec import Struct

from bench.check import percentile

SHARES = (0.5, 0.9, 0.99, 0.999, 0.9999)
BIN_S = 0.25
FIELDS = 3

Sample = tuple[float, float, float]
"""When it was due, when it was answered, and the version."""

Points = list[tuple[float, float]]


class Latency(Struct, kw_only=True):
    """How long something took, in ms."""

    count: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    p9999_ms: float
    max_ms: float


def write_samples(path: Path, samples: list[Sample]) -> None:
    """Write them for whoever reads this process's part."""
    flat = array("d")
    for sample in samples:
        flat.extend(sample)
    path.write_bytes(flat.tobytes())


def read_samples(path: Path) -> list[Sample]:
    """Read what a process wrote."""
    flat = array("d")
    flat.frombytes(path.read_bytes())
    values = iter(flat)
    return list(zip(values, values, values, strict=True))


def latency_of(delays_ms: list[float]) -> Latency:
    """Percentiles by nearest rank; the values must be in order."""
    p50, p90, p99, p999, p9999 = (percentile(delays_ms, share) for share in SHARES)
    return Latency(
        count=len(delays_ms),
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        p999_ms=p999,
        p9999_ms=p9999,
        max_ms=delays_ms[-1] if delays_ms else 0.0,
    )


def curve_of(delays_ms: list[float]) -> Points:
    """Latency by share of the commands, closer and closer to all of them."""
    count = len(delays_ms)
    if not count:
        return []
    steps = math.ceil(math.log2(count) * 4)
    shares = [1 - 2 ** (-step / 4) for step in range(steps + 1)]
    return [(share, percentile(delays_ms, share)) for share in shares]


def rate_curve(moments: list[float], begin: float, end: float) -> Points:
    """How many per second, by quarters of a second; one cut short is left out."""
    counts = Counter(int((at - begin) / BIN_S) for at in moments if begin <= at < end)
    bins = int((end - begin) / BIN_S)
    return [((n + 0.5) * BIN_S, counts[n] / BIN_S) for n in range(bins)]


def sum_curve(moments: list[float], begin: float, each: float = 1) -> Points:
    """How much had come by when; at most a few hundred points."""
    ordered = sorted(moments)
    step = max(1, len(ordered) // 300)
    points = [(at - begin, (n + 1) * each) for n, at in enumerate(ordered)]
    return points[::step] + points[-1:]
