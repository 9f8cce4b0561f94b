"""Encoded answers that are kept in this process, bounded in bytes, and counted.

An entry is good for as long as its stamp is that of what it was made from: an event's
committed position, say. So nothing has to be told to forget an answer, and none can be
forgotten to be told. Only lists of events have no position; all of them are dropped
whenever the settings of any event change, here or in another process.
"""

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Final

from aiohttp import web
from msgspec import Struct

from server.transport.http import etags

if TYPE_CHECKING:
    from server.transport.bus.bus import Bus

ENTRY_BYTES: Final = 1_024
"""What an entry is counted as beside its body and its key, and hardly ever needs."""

AVAILABILITY_BYTES_MAX: Final = 32 << 20
EVENTS_BYTES_MAX: Final = 8 << 20
LISTS_BYTES_MAX: Final = 8 << 20
MAPS_BYTES_MAX: Final = 64 << 20
PACKED_BYTES_MAX: Final = 32 << 20

TOPIC: Final = "caches"
LISTS: Final = b"lists"
ALL: Final = b"all"


class Encoded(Struct, frozen=True):
    """An answer as it is sent."""

    body: bytes
    etag: str
    stamp: Hashable = None


class CacheStats(Struct):
    """What one cache holds, and what came of asking it since the process started.

    An entry that gave way for want of room was evicted; one that was found too old, or
    dropped because of a change, was invalidated.
    """

    entries: int
    bytes: int
    bytes_max: int
    hits: int
    misses: int
    evictions: int
    invalidations: int


class Cache:
    """Answers by name; what was not asked for the longest gives way."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._entries: dict[str, Encoded] = {}
        self._hits = self._misses = self._evictions = self._invalidations = 0
        self.generation = 0
        """Counts how often everything was dropped: part of the stamp of what has no
        position, so that an answer begun before is not taken for a later one."""

    def find(self, key: str, stamp: Hashable = None) -> Encoded | None:
        """Return an answer where it is good; a look without it is no miss."""
        entry = self._entries.get(key)
        if entry is None or entry.stamp != stamp:
            return None
        self._hits += 1
        # The last in order is the last that was asked for.
        del self._entries[key]
        self._entries[key] = entry
        return entry

    def get(self, key: str, stamp: Hashable = None) -> Encoded | None:
        """Return an answer where it is good; else it is for the caller to make."""
        found = self.find(key, stamp)
        if found is None:
            self._misses += 1
            self._invalidations += self._drop(key)
        return found

    def put(
        self, key: str, body: bytes, etag: str | None = None, stamp: Hashable = None
    ) -> Encoded:
        """Keep an answer, which gets a tag of its body unless it has another."""
        self._drop(key)
        made = Encoded(body, etags.of_body(body) if etag is None else etag, stamp)
        self._entries[key] = made
        self._bytes += _size(key, made)
        while self._bytes > self._bytes_max and len(self._entries) > 1:
            self._evictions += self._drop(next(iter(self._entries)))
        return made

    def invalidate(self) -> None:
        """Drop everything, because what it was made from has changed."""
        self._invalidations += len(self._entries)
        self.clear()

    def clear(self) -> None:
        """Drop everything."""
        self.generation += 1
        self._entries.clear()
        self._bytes = 0

    def stats(self) -> CacheStats:
        """Return what is to be told of it."""
        return CacheStats(
            entries=len(self._entries),
            bytes=self._bytes,
            bytes_max=self._bytes_max,
            hits=self._hits,
            misses=self._misses,
            evictions=self._evictions,
            invalidations=self._invalidations,
        )

    def _drop(self, key: str) -> bool:
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self._bytes -= _size(key, entry)
        return True


class Caches:
    """All caches of one process."""

    def __init__(self) -> None:
        self.availability = Cache(AVAILABILITY_BYTES_MAX)
        self.events = Cache(EVENTS_BYTES_MAX)
        self.lists = Cache(LISTS_BYTES_MAX)
        self.maps = Cache(MAPS_BYTES_MAX)
        self.packed = Cache(PACKED_BYTES_MAX)
        self.tell: Callable[[bytes], None] = _nobody
        """Tells the other processes what to drop."""

    def all(self) -> dict[str, Cache]:
        """Return them by name."""
        return {
            "availability": self.availability,
            "events": self.events,
            "lists": self.lists,
            "maps": self.maps,
            "packed": self.packed,
        }

    def settings_changed(self) -> None:
        """What some event is set to was committed: it may be in any list."""
        self.lists.invalidate()
        self.tell(LISTS)

    def clear_everywhere(self) -> None:
        """Drop everything, in all processes."""
        self._clear()
        self.tell(ALL)

    def connect(self, bus: "Bus") -> None:
        """Let the caches of all processes hear of each other."""

        def hear(message: bytes) -> None:
            if message == ALL:
                self._clear()
            else:
                self.lists.invalidate()

        def tell(message: bytes) -> None:
            bus.publish(TOPIC, message)

        self.tell = tell
        # What was said meanwhile may be lost.
        bus.subscribe(TOPIC, hear, self.lists.invalidate)

    def _clear(self) -> None:
        for cache in self.all().values():
            cache.clear()


def _size(key: str, entry: Encoded) -> int:
    return ENTRY_BYTES + len(key) + len(entry.body)


def _nobody(message: bytes) -> None:
    """Alone, there is nobody to tell."""


CACHES: Final = web.AppKey("caches", Caches)
