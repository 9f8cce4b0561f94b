"""What counts for callers of services in tests, and what they are told of it."""

from server.transport.ratelimit.meter import Meter
from server.transport.ratelimit.request_limits import RequestLimits
from server.transport.ratelimit.token_buckets import Verdict

CLIENT = "192.0.2.1"


class Counter:
    """Limits of their own, and the verdicts that callers were told."""

    def __init__(self) -> None:
        self.limits = RequestLimits()
        self.told: list[Verdict] = []

    def of(self, user: str | None = None, client: str = CLIENT) -> Meter:
        """Return what counts for somebody at an address."""
        return Meter(self.limits, client, user, self.told.append)


def uncounted(user: str | None = "usr") -> Meter:
    """Return what counts nothing."""
    return Meter(None, CLIENT, user, _not_told)


def _not_told(verdict: Verdict) -> None:
    raise AssertionError(verdict)
