"""What a client that sends `watch_events` says and hears."""

from typing import Any, Final

from server.api.examples import EVENT

_SHOWN: Final = {name: value for name, value in EVENT.items() if name != "id"}

EXAMPLES: Final[tuple[dict[str, Any], ...]] = (
    {"op": "watch_events", "id": 3},
    {"op": "watch_events", "id": 4, "organisation": "org_5wC0Ad2mTgQ"},
    {"op": "watch_events", "id": 5, "events": [EVENT["id"]]},
    {"op": "unwatch_events", "id": 6},
    {"op": "new_event", "event": EVENT["id"], **_SHOWN},
    {"op": "event_updated", "event": EVENT["id"], **_SHOWN, "status": "paused"},
    {"op": "event_deleted", "event": EVENT["id"]},
    {
        "op": "capacity",
        "event": EVENT["id"],
        "level": 80,
        "free": 1_779,
        "capacity": 8_897,
    },
)
"""Messages by their `op`."""
