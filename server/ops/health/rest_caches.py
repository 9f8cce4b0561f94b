"""What the caches of a process hold, and emptying them; for administrators."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from server.live.cluster.membership.members import MEMBERS
from server.transport.http.problems import BAD_FIELD
from server.transport.http.response_cache import CACHES, CacheStats
from server.transport.rest.call import Call
from server.transport.rest.route import Route


class CachesDocument(Struct):
    """The caches of the process that answers, by name."""

    process: str
    caches: dict[str, CacheStats]


class Cleared(Struct):
    """What the process that answers has dropped; the others drop theirs too."""

    entries: int
    bytes: int


async def show_caches(call: Call) -> web.Response:
    """Tell what each cache holds, and how often it was asked."""
    caches = call[CACHES].all()
    stats = {name: cache.stats() for name, cache in caches.items()}
    return call.read(CachesDocument(call[MEMBERS].me, stats))


async def clear_caches(call: Call) -> web.Response:
    """Drop all that is kept of answers, in every process."""
    # A second time is none: the caches are empty already, or were filled since.
    caches = call[CACHES]
    held = [cache.stats() for cache in caches.all().values()]
    caches.clear_everywhere()
    dropped = Cleared(sum(one.entries for one in held), sum(one.bytes for one in held))
    return call.answer(dropped)


CACHE_ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/cache/stats",
        handler=show_caches,
        name="show_cache_stats",
        summary="Show what the caches of the answering process hold",
        tag="Operation",
        access="admin",
        answers=CachesDocument,
        cached=True,
    ),
    Route(
        method="POST",
        path="/v1/cache/clear",
        handler=clear_caches,
        name="clear_caches",
        summary="Empty the caches of all processes",
        tag="Operation",
        access="admin",
        answers=Cleared,
        keyed=True,
        problems=(BAD_FIELD,),
    ),
)
