"""How large answers are packed, and for whom; `packing` says which.

Purpose of the cache: an event's map or availability is packed once for all who read it.
It is found by the address and the tag, so it never outlives what it was made from.
"""

import asyncio
import gzip
from functools import lru_cache
from typing import Final

from aiohttp import web

from server.rest.cache import Cache

PACKED_BYTES_MIN: Final = 4_096
"""Less than this is one or two packets on the wire, packed or not."""

ASIDE_BYTES_MIN: Final = 32_768
"""More than this takes so long that it is packed in a thread."""

LEVEL_QUICK: Final = 1
LEVEL_SMALL: Final = 6
HEADERS_REMEMBERED_MAX: Final = 256
assert PACKED_BYTES_MIN < ASIDE_BYTES_MIN


class Packer:
    """Packs bodies, the large ones one at a time."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        # So that a crowd that asks for a map makes one of it, not thousands.
        self._aside = asyncio.Lock()

    def find(self, name: str, etag: str) -> bytes | None:
        """Return a packed body that is there."""
        found = self._cache.find(name, etag)
        return None if found is None else found.body

    async def pack(self, name: str, etag: str, body: bytes) -> bytes:
        """Return a packed body."""
        known = self._cache.get(name, etag)
        if known is not None:
            return known.body
        if len(body) < ASIDE_BYTES_MIN:
            packed = gzip.compress(body, LEVEL_QUICK, mtime=0)
        else:
            async with self._aside:
                found = self.find(name, etag)
                if found is not None:
                    return found
                packed = await asyncio.to_thread(
                    gzip.compress, body, LEVEL_SMALL, mtime=0
                )
        return self._cache.put(name, packed, etag, etag).body


def may_pack(request: web.BaseRequest, body: bytes) -> bool:
    """Tell whether a body is long enough to pack, and whoever asks takes it packed."""
    return len(body) >= PACKED_BYTES_MIN and takes_gzip(
        request.headers.get("Accept-Encoding", "")
    )


@lru_cache(HEADERS_REMEMBERED_MAX)
def takes_gzip(accepted: str) -> bool:
    """Tell whether an `Accept-Encoding` header allows gzip, and not just in need."""
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
