"""Examples of what leaves us, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples
from server.transport.rest.story import MADE, page

ROW: Final = "mail_ntc_5d0c1f6a2b7e4839a1c2d3e4f5a6b7c8"
DEAD: Final[dict[str, Any]] = {
    "row": ROW,
    "channel": "mail",
    "state": "dead",
    "recipient": "olga@example.org",
    "kind": "order_confirmed",
    "notice": "ntc_5d0c1f6a2b7e4839a1c2d3e4f5a6b7c8",
    "attempts": 1,
    "created_at": MADE,
    "due_at": MADE,
    "ended_at": MADE,
    "reason": "550 no such mailbox",
}

EXAMPLES: Final = Examples(
    requests={
        "report_bounces": {
            "bounces": [
                {
                    "email": "gone@example.org",
                    "kind": "hard",
                    "id": "<mail_1@tickets.example.org>",
                }
            ]
        }
    },
    answers={
        "report_bounces": {"stopped": []},
        "list_outbox": page(DEAD),
        "replay_row": {
            **DEAD,
            "state": "due",
            "attempts": 0,
            "ended_at": None,
            "reason": None,
        },
    },
    queries={"list_outbox": {"channel": "mail", "state": "sent"}},
)
