"""What a gate saw, and what that comes to: the values of check-in."""

from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

Direction = Literal["in", "out"]
Standing = Literal["never", "in", "out"]
"""Where the holder of a ticket is, as far as one list knows."""

Result = Literal[
    "ok",
    "already_in",
    "not_in",
    "revoked",
    "locked",
    "wrong_list",
    "wrong_event",
    "too_early",
    "unknown",
    "bad_signature",
]
"""What a scan is answered. Only `ok` lets somebody through."""

STANDINGS: Final[tuple[Standing, ...]] = ("never", "in", "out")

Outcome = Literal["entry", "exit", "double_entry", "entered_revoked", "nothing"]
"""What somebody who was let through came to, once all is known that gates saw.

`nothing` is an exit of somebody who was not in.
"""

MAIN: Final = "main"
"""The list that each event has."""


class TicketSeen(Struct, frozen=True):
    """A ticket as it is while it is scanned."""

    ticket_id: str
    state: str
    generation: int
    label: str
    category: str | None


class ListSeen(Struct, frozen=True):
    """The rules of a list."""

    reentry: bool
    open: bool
    """Whether its time has come."""
    categories: list[str] | None


class Green(Struct, frozen=True):
    """Somebody who was let through, by one scan."""

    nonce: str
    direction: Direction
    sort_at: datetime
    at: datetime
    gate: str
    who: str
    revoked: bool = False
    """Whether the code was known to be revoked when we heard of it."""


class Judged(Struct, frozen=True):
    """What a green came to, and the entry that it is beside."""

    outcome: Outcome
    other: str | None = None


class Folded(Struct, frozen=True):
    """What all greens of a ticket on a list come to."""

    standing: Standing
    since: Green | None
    """The one that the standing is since."""
    last: Green | None
    """The last one that counts."""
    outcomes: dict[str, Judged]
    """By nonce."""
