"""What a rehearsed sale needs beside its people, and what is noted of it."""

from typing import Final, Literal

from msgspec import Struct

from inventory.ports import TurnNews, TurnOver
from inventory.settings import Settings
from inventory.venue.map import Venue

MINUTE_MS: Final = 60_000
Moment = Literal["opening", "known", "half"]
"""When odds are noted: at the opening where habits are known, when they are, and when
half is gone."""


class Stage(Struct, frozen=True):
    """One event, as its sale is rehearsed. Times in virtual milliseconds."""

    event: str
    venue: Venue
    settings: Settings
    """As they are before the sale opens."""
    rules: str
    """Of its line, in canonical JSON."""
    begins_ms: int
    opens_ms: int
    taken_seats: tuple[int, ...]
    """Seats that are not free today, by index, and places of areas."""
    taken_areas: dict[int, int]
    free: int
    """All the others."""


class Turned(Struct):
    """One turn, as it went: times in milliseconds, `waited_s` from when they came."""

    user: str
    rank: int
    at_ms: int
    waited_s: float
    because: str
    wished: bool
    why: str | None = None
    """How it ended."""


class Said(Struct, frozen=True):
    """The raw odds of somebody at a moment; they are told to nobody."""

    user: str
    moment: Moment
    turn: float
    end: float


class Notes(Struct):
    """What was seen of a rehearsed sale."""

    opened_ms: int
    ended_ms: int = 0
    turns: dict[str, Turned] = {}
    """By user: everybody has one turn at most."""
    found_nothing: int = 0
    """Turns of those who would choose, and found not even one place."""
    refused: dict[str, int] = {}
    said: list[Said] = []
    sampled: set[Moment] = set()
    booked: set[str] = set()
    last_booked_ms: int = 0
    per_minute: dict[int, int] = {}
    """Turns given in each minute after the opening."""
    checkouts: dict[int, int] = {}
    free: int = 0
    left_waiting: int = 0
    changes: int = 0
    commands: int = 0

    def gave(self, now_ms: int, turn: TurnNews, waited_s: float) -> None:
        """Note a turn."""
        self.turns[turn.user] = Turned(
            turn.user, turn.rank, now_ms, waited_s, turn.because, turn.hold is not None
        )
        minute = (now_ms - self.opened_ms) // MINUTE_MS
        self.per_minute[minute] = self.per_minute.get(minute, 0) + 1

    def over(self, now_ms: int, over: TurnOver) -> None:
        """Note how a turn ended."""
        turned = self.turns.get(over.user)
        if turned is not None and turned.rank == over.rank:
            turned.why = over.why
        if over.why == "booked":
            self.booked.add(over.user)
            self.last_booked_ms = now_ms
            minute = (now_ms - self.opened_ms) // MINUTE_MS
            self.checkouts[minute] = self.checkouts.get(minute, 0) + 1

    def served(self, user: str) -> bool:
        """Return whether somebody was given something, or the right to choose."""
        return user in self.turns


class Still:
    """A clock that stands: no batch of a rehearsal is ever late."""

    def monotonic(self) -> float:
        """Return always the same."""
        return 0.0

    def now_ms(self) -> int:
        """Raise: a rehearsal has a time of its own."""
        raise NotImplementedError


class NoName:
    """Names that are counted: nothing secret is made in a rehearsal."""

    def __init__(self) -> None:
        self._count = 0

    def token(self) -> str:
        """Return the next name."""
        self._count += 1
        return f"rehearsed-{self._count}"

    def reference(self) -> str:
        """Return the next name."""
        return self.token()
