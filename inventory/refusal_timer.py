"""How long who waits in a mailbox is kept waiting while the truth is not known."""

import asyncio
from collections.abc import Callable

from inventory import limits


class RefusalTimer:
    """Has all who wait refused from some moment on, until it ends."""

    def __init__(self, refuse_waiting: Callable[[], None]) -> None:
        self._refuse_waiting = refuse_waiting
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, waited_s: float = 0.0) -> None:
        """Be patient for `PATIENCE_S_MAX`, less what was waited; once is enough."""
        if self._timer is None:
            self._lose_in(max(0.0, limits.PATIENCE_S_MAX - waited_s))

    def end(self) -> None:
        """Refuse nobody any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _lose_in(self, delay_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._lose)

    def _lose(self) -> None:
        self._refuse_waiting()
        self._lose_in(limits.RELOAD_PAUSE_S)
