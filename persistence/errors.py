"""What goes wrong between us and the database, by what the caller may conclude."""


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
