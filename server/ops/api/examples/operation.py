"""Examples of running a server, and of an event's map, journal and audit."""

from typing import Any, Final

EVENT: Final = "evt_Jt8Zk0bTQyW2mGq1c5uVhA"
HISTORY: Final = "5f0f3c0e-3a51-4c2f-9c53-0d2b8e3d4c11"
PROCESS: Final = "sFq3vL0yTn2eWkRb.0.5c1e"
MOVE: Final = {"event": EVENT, "process": PROCESS}
RECEIPT_KEY: Final[dict[str, Any]] = {
    "key_id": "21fe31dfa154a261",
    "algorithm": "Ed25519",
    "public_key": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
}
CACHE: Final[dict[str, Any]] = {
    "entries": 12,
    "bytes": 254312,
    "bytes_max": 33554432,
    "hits": 90210,
    "misses": 431,
    "evictions": 0,
    "invalidations": 419,
}
CLUSTER: Final[dict[str, Any]] = {
    "processes": [
        {
            "process": PROCESS,
            "pid": 4711,
            "address": None,
            "started_at": "2026-11-21T10:00:00Z",
            "version": "0.1.0",
            "leaving": False,
            "events": [
                {
                    "event": EVENT,
                    "epoch": 2,
                    "version": 17,
                    "lease_until": "2026-11-21T10:20:10Z",
                    "commits_per_s": 0.4,
                }
            ],
        }
    ]
}
MAP: Final[dict[str, Any]] = {
    "seats": [
        {
            "index": number - 1,
            "label": f"A-{number}",
            "section": None,
            "row": "A",
            "number": str(number),
            "category": "stalls",
            "x": 20.0 * (number - 1),
            "y": 0.0,
            "accessible": False,
            "companion": False,
            "restricted": False,
        }
        for number in range(1, 7)
    ],
    "areas": [
        {
            "label": "Bar",
            "capacity": 20,
            "category": "bar",
            "section": None,
            "x": None,
            "y": None,
        }
    ],
    "categories": [
        {"key": "stalls", "label": "Stalls", "color": "#808080"},
        {"key": "bar", "label": "Bar", "color": "#808080"},
    ],
    "focal_point": None,
}
JOURNAL: Final[dict[str, Any]] = {
    "items": [
        {
            "version": 4,
            "at": "2026-11-21T10:00:00Z",
            "change": "held",
            "hold": "9b2e61c07d54fa38",
            "user": "usr_2m5sWn9fTjOQy7gJxwYh0A",
            "seats": ["A-1", "A-2"],
            "areas": {"Bar": 1},
            "deadline": "2026-11-21T10:10:00Z",
            "total": {"amount": 10500, "currency": "EUR"},
        }
    ],
    "next_cursor": None,
}

OPERATION_ANSWERS: Final[dict[str, Any]] = {
    "show_alive": {"status": "ok"},
    "show_ready": {"status": "ok"},
    "show_health": {
        "status": "ok",
        "version": "0.1.0",
        "durability": "A",
        "rate_limits": "on",
        "parts": {"database": {"status": "ok"}},
    },
    "show_cluster": CLUSTER,
    "move_event": MOVE,
    "show_cache_stats": {
        "process": PROCESS,
        "caches": dict.fromkeys(
            ("availability", "events", "lists", "maps", "packed"), CACHE
        ),
    },
    "clear_caches": {"entries": 48, "bytes": 1017248},
    "show_map": MAP,
    "show_journal": JOURNAL,
    "show_receipt_key": RECEIPT_KEY,
}
