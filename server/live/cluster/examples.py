"""Examples of the cluster, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples
from server.transport.rest.story import EVENT_ID

PROCESS: Final = "sFq3vL0yTn2eWkRb.0.5c1e"

MOVE: Final = {"event": EVENT_ID, "process": PROCESS}

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
                    "event": EVENT_ID,
                    "epoch": 2,
                    "version": 17,
                    "lease_until": "2026-11-21T10:20:10Z",
                    "commits_per_s": 0.4,
                }
            ],
        }
    ]
}


EXAMPLES: Final = Examples(
    requests={
        "move_event": MOVE,
    },
    answers={
        "show_cluster": CLUSTER,
        "move_event": MOVE,
    },
)
