"""Examples of rooms, for the description of the interface."""

from typing import Any, Final

from server.community.chat.frames import ROOM
from server.transport.rest.examples import Examples, PathParameter
from server.transport.rest.story import BERT, EVENT_ID, MADE, OLGA

ME: Final = "8e1f0a3b5c7d"
MESSAGE: Final[dict[str, Any]] = {
    "id": "1",
    "seq": 1,
    "changed": 1,
    "author": ME,
    "name": "Olga",
    "staff": True,
    "text": "Is anybody coming by train?",
    "state": "shown",
    "at": MADE,
    "user": OLGA,
}
EDITED: Final = {
    **MESSAGE,
    "changed": 2,
    "text": "Is anybody coming by bicycle?",
    "edited_at": MADE,
}
SHOWN: Final[dict[str, Any]] = {
    "room": ROOM,
    "kind": "event",
    "event": EVENT_ID,
    "order": None,
    "seq": 1,
    "slow_s": 0,
    "closed": False,
    "me": ME,
    "staff": True,
    "seen": 1,
    "muted_until": None,
    "words": [],
}

EXAMPLES: Final = Examples(
    requests={
        "edit_room": {"slow_s": 30, "words": ["resale"]},
        "say_in_room": {"text": MESSAGE["text"]},
        "edit_message": {"text": EDITED["text"]},
        "report_message": {"reason": "This is advertising."},
        "silence_member": {"seconds": 600},
    },
    answers={
        "list_rooms": {
            "items": [
                {
                    "room": ROOM,
                    "kind": "event",
                    "event": EVENT_ID,
                    "event_name": "Night of the Strings",
                    "order": None,
                    "reference": None,
                    "unread": 0,
                    "last": {"name": "Olga", "text": MESSAGE["text"], "at": MADE},
                }
            ]
        },
        "show_room": SHOWN,
        "edit_room": {**SHOWN, "slow_s": 30, "words": ["resale"]},
        "list_messages": {"items": [MESSAGE], "to": 1},
        "say_in_room": MESSAGE,
        "show_room_message": MESSAGE,
        "edit_message": EDITED,
        "show_message": MESSAGE,
        "remove_message": {**EDITED, "changed": 3, "state": "removed", "text": ""},
        "list_cases": {
            "items": [{"message": MESSAGE, "reasons": ["This is advertising."]}]
        },
        "silence_member": {
            "user": BERT,
            "banned": False,
            "muted_until": "2026-11-21T10:10:00+00:00",
        },
    },
)
PARAMETERS: Final = {
    "room": PathParameter(
        "`event:` with an event's id, or `order:` with an order's.", ROOM
    ),
    "message": PathParameter("The number of a message in its room.", "1"),
}
