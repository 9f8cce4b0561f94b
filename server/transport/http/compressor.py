"""How large answers are packed, and for whom; `packing` says which.

Purpose of the cache: an event's map or availability is packed once for all who read it.
It is found by the address and the tag, so it never outlives what it was made from.

The availability of a busy event is another one with each commit. So that packing takes
no more than a share of the time, whoever asks when that is used up gets it plain.
"""

import asyncio
import gzip
from collections.abc import Callable
from functools import lru_cache
from time import monotonic
from typing import Final

from aiohttp import web

from server.transport.http.response_cache import Cache

PACKED_BYTES_MIN: Final = 4_096
"""Less than this is one or two packets on the wire, packed or not."""

ASIDE_BYTES_MIN: Final = 32_768
"""More than this takes so long that it is packed in a thread."""

SHARE_MAX: Final = 0.05
"""Of the time of the loop, for what is not packed in a thread."""

CREDIT_S_MAX: Final = 0.1
"""What of that may be used at once after a rest."""

ASIDE_SHARE_MAX: Final = 0.25
ASIDE_CREDIT_S_MAX: Final = 2.0
"""The same, for what is packed in a thread."""

LEVEL_QUICK: Final = 1
LEVEL_SMALL: Final = 6
HEADERS_REMEMBERED_MAX: Final = 256
assert PACKED_BYTES_MIN < ASIDE_BYTES_MIN


class Credit:
    """Time that may be spent: a share of all time, and so much at once after a rest."""

    def __init__(self, share: float, most_s: float, now: Callable[[], float]) -> None:
        self._share = share
        self._most_s = self._left_s = most_s
        self._now = now
        self._at = now()

    def is_spent(self) -> bool:
        """Return whether nothing is left."""
        now = self._now()
        earned_s = (now - self._at) * self._share
        self._left_s, self._at = min(self._most_s, self._left_s + earned_s), now
        return self._left_s <= 0.0

    def spend(self, took_s: float) -> None:
        """Take what something took, though it be more than was left."""
        self._left_s -= took_s


class Compressor:
    """Packs bodies, the large ones one at a time."""

    def __init__(self, cache: Cache, now: Callable[[], float] = monotonic) -> None:
        self._cache = cache
        self._now = now
        self._here = Credit(SHARE_MAX, CREDIT_S_MAX, now)
        self._there = Credit(ASIDE_SHARE_MAX, ASIDE_CREDIT_S_MAX, now)
        self._under_way: dict[tuple[str, str], asyncio.Task[bytes]] = {}
        """What a thread packs, by name and tag: at most one body."""

    def find(self, name: str, etag: str) -> bytes | None:
        """Return a packed body that is there."""
        found = self._cache.find(name, etag)
        return None if found is None else found.body

    def rests(self, body: bytes) -> bool:
        """Return whether a body is sent as it is unless it is packed already."""
        return (self._here if len(body) < ASIDE_BYTES_MIN else self._there).is_spent()

    async def pack(self, name: str, etag: str, body: bytes) -> bytes | None:
        """Return a packed body; None where it should be sent as it is."""
        known = self._cache.get(name, etag)
        if known is not None:
            return known.body
        if len(body) >= ASIDE_BYTES_MIN:
            return await self._pack_aside(name, etag, body)
        if self.rests(body):
            return None
        began = self._now()
        packed = gzip.compress(body, LEVEL_QUICK, mtime=0)
        self._here.spend(self._now() - began)
        return self._cache.put(name, packed, etag, etag).body

    async def _pack_aside(self, name: str, etag: str, body: bytes) -> bytes | None:
        """Pack a body in a thread, once for all who ask for it meanwhile."""
        work = self._under_way.get((name, etag))
        if work is None:
            # Nobody waits for another body to be packed.
            if self._under_way or self.rests(body):
                return None
            work = asyncio.create_task(self._work(name, etag, body), name="packing")
            self._under_way[name, etag] = work
        # One who leaves must not end it for the others.
        return await asyncio.shield(work)

    async def _work(self, name: str, etag: str, body: bytes) -> bytes:
        began = self._now()
        try:
            packed = await asyncio.to_thread(gzip.compress, body, LEVEL_SMALL, mtime=0)
        finally:
            del self._under_way[name, etag]
            self._there.spend(self._now() - began)
        return self._cache.put(name, packed, etag, etag).body


def may_compress(request: web.BaseRequest, body: bytes) -> bool:
    """Return whether a body is long enough, and the client takes it compressed."""
    return len(body) >= PACKED_BYTES_MIN and takes_gzip(
        request.headers.get("Accept-Encoding", "")
    )


@lru_cache(HEADERS_REMEMBERED_MAX)
def takes_gzip(accepted: str) -> bool:
    """Return whether an `Accept-Encoding` header allows gzip, and not just in need."""
    qualities = {"identity": 0.001}
    for part in accepted.lower().split(","):
        coding, _, parameter = part.partition(";")
        qualities[coding.strip()] = _quality_of(parameter)
    gzip_ = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0)))
    return 0.0 < gzip_ >= qualities["identity"]


def _quality_of(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


COMPRESSOR: Final = web.AppKey("compressor", Compressor)
