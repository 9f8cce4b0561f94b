"""What the people in the line tell the demo: JSON lines, of which the last is final."""

from typing import Any

from msgspec import Struct


class Report(Struct, kw_only=True):
    """How the line and the sale stand, as those who wait see it."""

    elapsed_s: float
    phase: str
    joined: int
    waiting: int
    turns: int
    next: int
    per_min: float | None
    free: int
    held: int
    booked: int
    returned: int


class Final(Struct, kw_only=True):
    """What the people wrote down, when all was sold or nobody waited any more."""

    report: Report
    sold_out: bool
    capacity: int
    seats: int
    places_in_areas: int
    bookings: int
    entrants: int
    """Who was told that they gather."""
    wishes: int
    """Turns that came with seats."""
    slept: int
    """Those whose wish was executed while they slept."""
    returned: int
    """Places that were offered to the next when somebody gave them back."""
    timed: int
    """Offers of those of which it is known from when on they fitted somebody."""
    returned_p50_ms: float | None
    returned_p99_ms: float | None
    """From then to the frame at whoever is next; None where no time is known."""
    reloaded: int
    """Who lost their connection and kept their rank."""
    fixed: dict[str, Any] | None
    """The frame that told the list, and when it arrived."""
    arrived_ms: int
    place: str | None
    """The signed place of the one whose story was told."""
    version: int
    problems: list[str]
