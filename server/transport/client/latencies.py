"""How long answers took, as a histogram of bounded size."""

from math import log


class Latencies:
    """How long answers took, in buckets that each are a twelfth wider than the last."""

    SMALLEST_MS = 0.05
    GROWTH = 13 / 12
    BUCKETS = 200

    def __init__(self) -> None:
        self._buckets = [0] * self.BUCKETS
        self.count = 0

    def add(self, latency_ms: float) -> None:
        """Count one answer."""
        ratio = max(latency_ms, self.SMALLEST_MS) / self.SMALLEST_MS
        bucket = int(log(ratio) / log(self.GROWTH))
        self._buckets[min(bucket, self.BUCKETS - 1)] += 1
        self.count += 1

    def quantile(self, share: float) -> float:
        """Return the milliseconds within which this share of the answers came."""
        wanted = share * self.count
        seen = 0
        for bucket, number in enumerate(self._buckets):
            seen += number
            if number and seen >= wanted:
                return float(self.SMALLEST_MS * self.GROWTH ** (bucket + 1))
        return 0.0
