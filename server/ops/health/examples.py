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
            "problems": [],
            "parts": {"database": {"status": "ok"}},
            "jobs": {
                "mail": {
                    "last_run_at": "2027-03-01T18:00:00Z",
                    "last_error_at": None,
                    "last_error": None,
                    "failures": 0,
                },
            },
            "processes": [
                {
                    "process": PROCESS,
                    "ready": True,
                    "queue_depth": 0,
                    "activity_waiting": 0,
                    "connections": 210,
                    "websockets": 204,
                    "memory_bytes": 104857600,
                    "cpu_seconds": 12.4,
                    "cpu_cores": 0.08,
                    "disk": {"free_bytes": 21474836480, "total_bytes": 53687091200},
                },
            ],
        },
        "show_cache_stats": {
            "process": PROCESS,
            "caches": dict.fromkeys(
                ("availability", "events", "lists", "maps", "packed"), CACHE
            ),
        },
        "show_limits": {
            "rate_limits": "on",
            "window_s": 900,
            "budgets": {
                "public": {"requests": 100, "set": False},
                "signed_in": {"requests": 300, "set": False},
                "admin": {"requests": 1000, "set": False},
                "commands": {"requests": 5000, "set": True},
            },
            "quotas": {
                "venues": 200,
                "events": 10000,
                "seats": 2000000,
                "map_bytes": 1073741824,
                "images": 2000,
                "image_bytes": 1073741824,
                "members": 500,
                "keys": 50,
            },
        },
        "clear_caches": {"entries": 48, "bytes": 1017248},
    },
)
