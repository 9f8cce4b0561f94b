"""The committed state of one event as watchers and readers see it, and its recent past.

Never ahead of what is durable: it is fed by publications, which the actor makes only
after a commit. Reads over REST are served from here, never from the mailbox.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from inventory.changes import Seats
from inventory.ports import BoardState, Publication
from inventory.settings import Settings
from inventory.venue.map import Venue
from server.base import limits
from server.live.fanout.frames import Beat, Codec, Delta, Snapshot

RATE_S: Final = 5.0
"""Over so many seconds the rate of commits is taken."""


class Past(Struct, frozen=True, gc=False):
    """What one publication touched; letters and counts are read off the board.

    Where it is what two states differ in, not `complete`, it tells nothing to a client
    who has seen a version between them elsewhere.
    """

    base: int
    to: int
    at: float
    seats: Seats
    areas: tuple[int, ...]
    complete: bool = True


class Board:
    """One event's letters, area counts and settings at one committed version."""

    def __init__(
        self, event: str, venue: Venue, settings: Settings, history_id: str
    ) -> None:
        self.event = event
        self.venue = venue
        self.settings = settings
        self.history_id = history_id
        self.epoch = 0
        self.version = 0
        self.letters = bytearray()
        self.areas: list[tuple[int, int, int, int]] = []
        self.past: deque[Past] = deque()
        self._snapshots: dict[str, tuple[int, int, bytes]] = {}

    def reset(self, state: BoardState, at: float) -> None:
        """Take the owner's state after it (re)loaded; what differs is a delta."""
        letters, areas, version = state.letters, state.areas, state.version
        if self.letters and version > self.version:
            seats = _differing(letters, self.letters)
            touched = _differing(areas, self.areas)
            self._remember(
                Past(self.version, version, at, seats, touched, complete=False)
            )
        self.letters[:] = letters
        self.areas = list(areas)
        self.settings = state.settings
        self.epoch, self.version = state.epoch, version

    def state(self) -> BoardState:
        """Return all of it, for another process."""
        return BoardState(
            event=self.event,
            history_id=self.history_id,
            epoch=self.epoch,
            version=self.version,
            letters=bytes(self.letters),
            areas=self.areas,
            settings=self.settings,
        )

    def apply(self, publication: Publication, at: float) -> None:
        """Take what one batch changed. Publications come without a gap."""
        letters = self.letters
        for seat, letter in zip(publication.seats, publication.letters, strict=True):
            letters[seat] = letter
        for area, counts in publication.areas.items():
            self.areas[area] = counts
        if publication.settings is not None:
            self.settings = publication.settings
        self.epoch, self.version = publication.epoch, publication.to
        self._remember(
            Past(
                publication.base,
                publication.to,
                at,
                publication.seats,
                tuple(publication.areas),
            )
        )

    def _remember(self, past: Past) -> None:
        ring = self.past
        ring.append(past)
        oldest_at = past.at - limits.RING_S
        oldest_version = past.to - limits.RING_VERSIONS_MAX
        while ring[0].at < oldest_at or ring[0].to < oldest_version:
            ring.popleft()

    def commits_per_s(self, now: float) -> float:
        """Return how many batches a second were committed in the last few seconds."""
        since = now - RATE_S
        count = 0
        for past in reversed(self.past):
            if past.at < since:
                break
            count += 1
        return round(count / RATE_S, 1)

    def remembers(self, version: int) -> bool:
        """Return whether a delta from `version` to now can be made."""
        if version >= self.version:
            return True
        return bool(self.past) and self.past[0].base <= version

    def reaches(self, version: int) -> bool:
        """Return whether such a delta can be promised: it is made quickly."""
        return self.remembers(version) and not self._touched_more_than(
            limits.DELTA_TOUCHES_PROMISED_MAX, version
        )

    def _touched_more_than(self, touches: int, base: int) -> bool:
        """Return whether seats were touched more often than that after `base`."""
        for past in reversed(self.past):
            if past.to <= base:
                return False
            touches -= len(past.seats)
            if touches < 0:
                return True
        return False

    def counts(self) -> dict[str, int]:
        """Count seats and places: free, held, booked, blocked."""
        letters = self.letters
        areas = self.areas
        return {
            name: letters.count(letter) + sum(area[column] for area in areas)
            for column, (name, letter) in enumerate(
                (("free", b"f"), ("held", b"h"), ("booked", b"b"), ("blocked", b"x"))
            )
        }

    def area_counts(self, indexes: Iterable[int]) -> dict[str, dict[str, int]]:
        """Return the absolute counts of areas by label."""
        areas = self.venue.areas
        return {
            areas[i].label: dict(
                zip(("free", "held", "booked", "blocked"), self.areas[i], strict=True)
            )
            for i in indexes
        }

    def snapshot(self, codec: Codec) -> bytes:
        """Return the snapshot frame of this version, encoded once."""
        cached = self._snapshots.get(codec.name)
        if cached is None or cached[:2] != (self.epoch, self.version):
            frame = codec.pack(
                Snapshot(
                    self.event,
                    self.history_id,
                    self.epoch,
                    self.version,
                    self.letters.decode("ascii"),
                    self.area_counts(range(len(self.areas))),
                )
            )
            cached = self._snapshots[codec.name] = (self.epoch, self.version, frame)
        return cached[2]

    def delta(self, base: int, codec: Codec, *, promised: bool = False) -> bytes:
        """Return one merged delta frame from `base` to now.

        Where a long one would be longer than the snapshot, that is sent instead, unless
        a delta was promised.
        """
        # Where most seats changed, or a few very often, the snapshot is made faster.
        many = max(limits.DELTA_BYTES_ALWAYS, len(self.letters) // 4)
        if not promised and self._touched_more_than(many, base):
            return self.snapshot(codec)
        seats: dict[int, None] = {}
        areas: dict[int, None] = {}
        for past in reversed(self.past):
            if past.to <= base:
                break
            if past.base < base and not past.complete:
                seats = dict.fromkeys(range(len(self.letters)))
                areas = dict.fromkeys(range(len(self.areas)))
                break
            seats.update(dict.fromkeys(past.seats))
            areas.update(dict.fromkeys(past.areas))
        by_letter: dict[str, list[int]] = {}
        letters = self.letters
        for seat in seats:
            by_letter.setdefault(chr(letters[seat]), []).append(seat)
        frame = codec.pack(
            Delta(
                self.event,
                self.history_id,
                self.epoch,
                base,
                self.version,
                by_letter,
                self.area_counts(areas),
            )
        )
        if len(frame) > limits.DELTA_BYTES_ALWAYS and not promised:
            snapshot = self.snapshot(codec)
            if len(snapshot) < len(frame):
                return snapshot
        return frame

    def beat(self, codec: Codec) -> bytes:
        """Return a beat frame."""
        return codec.pack(Beat(self.event, self.history_id, self.epoch, self.version))


def _differing(new: Sequence[object], old: Sequence[object]) -> tuple[int, ...]:
    """Return the places at which two states of a board differ."""
    pairs = zip(new, old, strict=True)
    return tuple(place for place, (one, other) in enumerate(pairs) if one != other)
