"""The last ten minutes of an event, a second at a time, as one process saw them.

Pure: times come in. A second in which nothing changed is not kept, so that thousands of
quiet events cost next to nothing; whoever reads it takes the one before.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from operator import attrgetter
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

KEPT_S: Final = 600


class Second(Struct, frozen=True, kw_only=True):
    """How an event was in the second `at`, and what its owner had done until then.

    What is called so many `_total` only grows while one process owns the event, and
    begins again with the next one. All but `watching` and failed payments is the
    owner's to tell; of a process that is not, only the places are known.
    """

    at: int
    """Seconds since 1970."""
    owned: bool = False
    """Whether the owner tells it."""
    watching: int = 0
    waiting: int = 0
    turns: int = 0
    """How many have their turn."""
    turns_total: int = 0
    turns_per_min: int = 0
    """How many turns a minute who runs the event wants; 0 where nobody said."""
    sell_out_s: int = 0
    """Within how long the line shall sell what there is; 0 where that is open."""
    free: int = 0
    held: int = 0
    paying: int = 0
    """Orders that wait for their money."""
    booked: int = 0
    blocked: int = 0
    expired_total: int = 0
    """Holds that ran out."""
    released_total: int = 0
    """How often a hold was given back, or a part of it, before it was booked."""
    payments_failed: int = 0
    """Payments that failed in the ten minutes before."""
    not_free_total: int = 0
    """Commands that asked for a place that another has."""
    refused_total: dict[str, int] = {}
    """Commands that were refused, by the code."""
    commands_total: int = 0
    commits_total: int = 0
    commit_p50_ms: float = 0.0
    """Of the last second in which there was one."""
    commit_p99_ms: float = 0.0
    mailbox: int = 0

    @property
    def knows_places(self) -> bool:
        """Return whether who tells it has the event in memory."""
        return self.free + self.held + self.booked + self.blocked > 0


class Ring:
    """The seconds of one event that are not older than `KEPT_S`, and the one before."""

    def __init__(self) -> None:
        self.seconds: deque[Second] = deque()

    def add(self, second: Second) -> None:
        """Keep a second where it differs from the last one; never an earlier one."""
        kept = self.seconds
        if kept and (
            second.at <= kept[-1].at or replace(second, at=kept[-1].at) == kept[-1]
        ):
            return
        kept.append(second)
        self.trim(second.at)

    def trim(self, now: int) -> None:
        """Forget what is too old, but for what the oldest second kept goes on from."""
        kept = self.seconds
        while len(kept) > 1 and kept[1].at <= now - KEPT_S:
            kept.popleft()


_at = attrgetter("at")


def merged(rings: Iterable[list[Second]]) -> list[Second]:
    """Return the seconds of one event of what several processes saw, ascending.

    Watchers and failed payments are added up; all else is the owner's where it told it,
    else of whoever looked and has the event. A process that kept nothing in a second
    stands as it did before.
    """
    known = [ring for ring in rings if ring]
    times = sorted({second.at for ring in known for second in ring})
    told = []
    for at in times:
        latest = [one for ring in known if (one := _until(ring, at)) is not None]
        best = max(latest, key=lambda one: (one.owned, one.knows_places, one.at))
        told.append(
            replace(
                best,
                at=at,
                watching=sum(one.watching for one in latest),
                payments_failed=sum(one.payments_failed for one in latest),
            )
        )
    return told


def _until(ring: list[Second], at: int) -> Second | None:
    place = bisect_left(ring, at + 1, key=_at)
    return ring[place - 1] if place else None


def quantile(ascending: list[float], share: float) -> float:
    """Return the value that so large a share does not exceed; 0 of none."""
    if not ascending:
        return 0.0
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]
