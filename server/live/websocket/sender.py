"""Where a connection comes from: what its commands count against.

Only where rates are limited.
"""

from time import monotonic
from typing import TYPE_CHECKING

from inventory.replies import Refused, refuse

if TYPE_CHECKING:
    from server.base.identity import Identity
    from server.transport.ratelimit.request_limits import RequestLimits


class Sender:
    """The client at the other end; `origin` stands for its network."""

    __slots__ = ("_address", "_limits", "origin")

    def __init__(self, limits: "RequestLimits", address: str, origin: str) -> None:
        self._limits = limits
        self._address = address
        self.origin = origin

    def spend(self, user: "Identity") -> Refused | None:
        """Take a command from the budget that REST takes it from, too.

        Returns why there is none left for it.
        """
        verdict = self._limits.request(self._address, user, monotonic(), "commands")
        if verdict.allowed:
            return None
        refused = refuse("overloaded", "Too many commands; try again later.")
        refused.retry_after_ms = 1_000 * verdict.retry_after_s
        return refused
