"""What goes wrong between us and the database, by what the caller may conclude."""

import os


def reason_of(error: BaseException) -> str:
    """Say in one line for people what went wrong; some errors have no text at all."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.errno is not None:
        # Negative numbers are those of name resolution.
        text = os.strerror(error.errno) if error.errno > 0 else error.strerror
        return text or str(error)
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


class Unavailable(ConnectionError):
    """The database did not answer, or not properly; try again later."""


class UnsafeServer(Exception):
    """This Postgres may lose what it acknowledged; the message says why."""


class BadCursor(ValueError):
    """A page's cursor that we did not hand out."""


class Unsent(Exception):
    """There is no connection: the call never left this process."""


class Aborted(Exception):
    """The server took the whole call back: nothing of it happened."""


class Ambiguous(Exception):
    """The call may have happened, may happen yet, or not at all."""


class TooMany(Exception):
    """There are as many as may be, which is the `limit`, or would be more.

    `has` is how many there are, and `what` they are, for people.
    """

    def __init__(self, limit: int, has: int | None = None, what: str = "") -> None:
        super().__init__(f"at most {limit}")
        self.limit = limit
        self.has = limit if has is None else has
        self.what = what


class Stale(Exception):
    """What was to be changed is not as whoever asks has seen it: it was edited."""


Revisions = tuple[int, ...] | None
"""Those that whoever asks has seen: a change is of one of them; None for any."""


def refuse_stale(revision: int, seen: Revisions) -> None:
    """Raise `Stale` where this revision is none that was seen."""
    if seen is not None and revision not in seen:
        raise Stale
