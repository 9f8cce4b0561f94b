"""When each job of a process ran last, and what it stumbled over.

A job is what the server does again and again beside its requests: counting, sending
mails, removing what is old. It notes each run here; the health page shows it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType

from msgspec import Struct


class JobState(Struct):
    """How the runs of a job went."""

    last_run_at: datetime | None = None
    """The end of the last run, whatever became of it; null before the first."""
    last_error_at: datetime | None = None
    last_error: str | None = None
    """What the last run that failed stumbled over, also after it has recovered."""
    failures: int = 0
    """Runs that failed one after the other, up to now."""


def _now() -> datetime:
    return datetime.now(UTC)


class Job:
    """Notes the runs of one job: a context to run it in."""

    def __init__(self, now: Callable[[], datetime] = _now) -> None:
        self.state = JobState()
        self._now = now

    def __enter__(self) -> None:
        """Begin a run."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Note how a run ended; one that is stopped did neither."""
        if error is None:
            self.ran()
        elif isinstance(error, Exception):
            self.failed(error)

    def ran(self) -> None:
        """Note a run that did what it was for."""
        self.state.last_run_at = self._now()
        self.state.failures = 0

    def failed(self, error: BaseException) -> None:
        """Note a run that did not.

        Shown is of what kind the error was, not its text, which may name what only
        operators should know; the log has both.
        """
        state = self.state
        state.last_run_at = state.last_error_at = self._now()
        state.last_error = type(error).__name__
        state.failures += 1
