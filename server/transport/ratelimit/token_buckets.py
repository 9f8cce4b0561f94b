"""Token buckets per client, in a table that never grows beyond its bound."""

from math import ceil
from typing import Final

from msgspec import Struct

KEYS_MAX: Final = 65_536


class Verdict(Struct, frozen=True):
    """Whether a request may go on, and what to tell its client."""

    allowed: bool
    limit: int
    remaining: int
    reset_s: int
    """Seconds until the bucket is full again."""
    retry_after_s: int
    """Seconds until the next request would be let through; 0 where this one was."""

    def headers(self) -> dict[str, str]:
        """Return the headers that tell a client about its limit."""
        headers = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_s),
        }
        if not self.allowed:
            headers["Retry-After"] = str(self.retry_after_s)
        return headers

    def lines(self) -> str:
        """Return the same as they stand in the head of an answer."""
        told = (
            f"RateLimit-Limit: {self.limit}\r\nRateLimit-Remaining: {self.remaining}"
            f"\r\nRateLimit-Reset: {self.reset_s}\r\n"
        )
        return told if self.allowed else f"{told}Retry-After: {self.retry_after_s}\r\n"


class TokenBuckets:
    """One bucket of `burst` tokens per key, refilled with `rate_per_s`.

    Time is an argument and comes from a monotonic clock. Where the table is full, the
    bucket that rested longest is forgotten: it is the likeliest to be full again.
    """

    def __init__(self, rate_per_s: float, burst: int, keys_max: int = KEYS_MAX) -> None:
        assert rate_per_s > 0
        assert burst >= 1
        self.rate_per_s = rate_per_s
        self.burst = burst
        self.keys_max = keys_max
        # Tokens and the time they were counted; in order of last use.
        self._buckets: dict[str, tuple[float, float]] = {}

    def __len__(self) -> int:
        """Return how many clients are remembered."""
        return len(self._buckets)

    def take(self, key: str, now_s: float) -> Verdict:
        """Take one token from the key's bucket, where it has one."""
        tokens = self._fill(key, now_s)
        allowed = tokens >= 1.0
        if allowed:
            tokens -= 1.0
        self._put(key, tokens, now_s)
        return self._verdict(allowed, tokens)

    def look(self, key: str, now_s: float) -> Verdict:
        """Return what `take` would say of allowing it, and take nothing."""
        tokens = self._filled(
            *self._buckets.get(key, (float(self.burst), now_s)), now_s
        )
        return self._verdict(tokens >= 1.0, tokens)

    def _verdict(self, allowed: bool, tokens: float) -> Verdict:
        wait_s = 0 if allowed else max(1, ceil((1.0 - tokens) / self.rate_per_s))
        return Verdict(
            allowed=allowed,
            limit=self.burst,
            remaining=max(0, int(tokens)),
            reset_s=ceil((self.burst - tokens) / self.rate_per_s),
            retry_after_s=wait_s,
        )

    def owe(self, key: str, now_s: float, tokens: int = 1) -> None:
        """Take tokens that another process gave; what is not there is owed.

        Never more than a whole bucket, so that nobody waits for longer than two take
        to fill.
        """
        left = self._fill(key, now_s) - tokens
        self._put(key, max(-float(self.burst), left), now_s)

    def _fill(self, key: str, now_s: float) -> float:
        """Take the key's bucket out of the table; return what is in it by now."""
        return self._filled(*self._buckets.pop(key, (float(self.burst), now_s)), now_s)

    def _filled(self, tokens: float, then_s: float, now_s: float) -> float:
        passed_s = max(0.0, now_s - then_s)
        return min(float(self.burst), tokens + passed_s * self.rate_per_s)

    def _put(self, key: str, tokens: float, now_s: float) -> None:
        """Put the key's bucket back, as the one that was used last."""
        if len(self._buckets) >= self.keys_max:
            del self._buckets[next(iter(self._buckets))]
        self._buckets[key] = (tokens, now_s)
