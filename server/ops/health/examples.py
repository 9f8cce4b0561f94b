"""Examples of the health of a server, for the description of the interface."""

from typing import Any, Final

from server.live.cluster.examples import PROCESS
from server.transport.rest.examples import Examples

CACHE: Final[dict[str, Any]] = {
    "entries": 12,
    "bytes": 254312,
    "bytes_max": 33554432,
    "hits": 90210,
    "misses": 431,
    "evictions": 0,
    "invalidations": 419,
}


EXAMPLES: Final = Examples(
    answers={
        "show_alive": {"status": "ok"},
        "show_ready": {"status": "ok"},
        "show_health": {
            "status": "ok",
            "version": "0.1.0",
            "durability": "A",
            "rate_limits": "on",
            "parts": {"database": {"status": "ok"}},
        },
        "show_cache_stats": {
            "process": PROCESS,
            "caches": dict.fromkeys(
                ("availability", "events", "lists", "maps", "packed"), CACHE
            ),
        },
        "clear_caches": {"entries": 48, "bytes": 1017248},
    },
)
