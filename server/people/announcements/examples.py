"""Examples of announcements, for the description of the interface."""

from typing import Any, Final

from server.people.organisations.examples import ORGANISATION
from server.transport.rest.examples import Examples
from server.transport.rest.story import EVENT_ID, MADE, OLGA, page

ANNOUNCEMENT: Final[dict[str, Any]] = {
    "id": "ann_3rTy7uIo1pAs5dFg9hJk2L",
    "organisation": ORGANISATION["id"],
    "audience": "ticket_holders",
    "event": EVENT_ID,
    "subject": "Doors open at eight",
    "body": "Please come by the side entrance.",
    "created_by": OLGA,
    "created_at": MADE,
    "edited_at": None,
    "state": "sending",
    "counts": {
        "recipients": 1200,
        "waiting": 450,
        "sent": 748,
        "failed": 2,
        "without_email": 31,
    },
}


FOR_HOLDERS: Final[dict[str, Any]] = {
    **ANNOUNCEMENT,
    **dict.fromkeys(("created_by", "state", "counts")),
}

EXAMPLES: Final = Examples(
    requests={"edit_announcement": {"body": ANNOUNCEMENT["body"]}},
    answers={
        "create_announcement": {
            **ANNOUNCEMENT,
            "state": "writing",
            "counts": dict.fromkeys(ANNOUNCEMENT["counts"], 0),
        },
        "list_announcements": page(ANNOUNCEMENT),
        "show_announcement": ANNOUNCEMENT,
        "list_my_announcements": page(FOR_HOLDERS),
        "edit_announcement": {**ANNOUNCEMENT, "edited_at": "2026-11-21T10:05:00Z"},
    },
    several_requests={
        "create_announcement": {
            "ticket_holders": {
                "audience": "ticket_holders",
                "event": ANNOUNCEMENT["event"],
                "subject": ANNOUNCEMENT["subject"],
                "body": ANNOUNCEMENT["body"],
            },
            "members": {
                "audience": "members",
                "subject": "We meet on Monday",
                "body": "At ten, on the stage.",
            },
        },
    },
)
