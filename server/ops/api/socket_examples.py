"""What a client says on the socket, in order, and what it hears of events."""

from typing import Any, Final

from server.events.catalogue.examples import EVENT
from server.events.sales.examples import COMMANDS
from server.people.auth.examples import TOKEN
from server.people.organisations.examples import ORGANISATION

_SHOWN: Final = {name: value for name, value in EVENT.items() if name != "id"}

EXAMPLES: Final[tuple[dict[str, Any], ...]] = (
    {"op": "hello", "id": 1, "token": TOKEN["access_token"]},
    {"op": "ping", "id": 2},
    {"op": "watch_events", "id": 3},
    {"op": "watch_events", "id": 4, "organisation": ORGANISATION["id"]},
    {"op": "watch_events", "id": 5, "events": [EVENT["id"]]},
    {"op": "unwatch_events", "id": 6},
    {"op": "watch", "id": 7, "event": EVENT["id"]},
    *(
        {**command, "id": number, "event": EVENT["id"]}
        for number, command in enumerate(COMMANDS.values(), 8)
    ),
    {"op": "unwatch", "id": 20, "event": EVENT["id"]},
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
