"""Examples of organisations, as the descriptions show them."""

from typing import Any, Final

MADE: Final = "2026-11-21T10:00:00Z"
ORGANISATION: Final[dict[str, Any]] = {
    "id": "org_4nPq1tVxRk2yZb7cWm9eLA",
    "name": "Theatre on the River",
    "description": "Plays in German and English.",
    "created_at": MADE,
    "role": "owner",
}
OLGA: Final = "usr_2m5sWn9fTjOQy7gJxwYh0A"
BERT: Final = "usr_8yG1kQzVRr6d0wXhTnC5sA"
CLEO: Final = "usr_7tYu5iOpLk3jHg1fDsA9zX"
OWNER: Final[dict[str, Any]] = {
    "user": OLGA,
    "name": "Olga",
    "email": "olga@example.org",
    "role": "owner",
    "joined_at": MADE,
}
INVITED: Final[dict[str, Any]] = {
    **OWNER,
    "user": BERT,
    "name": "Bert",
    "email": "bert@example.org",
    "role": "staff",
}
MEMBER: Final[dict[str, Any]] = {
    **OWNER,
    "user": CLEO,
    "name": "Cleo",
    "email": "cleo@example.org",
    "role": "leader",
}
INVITATION: Final[dict[str, Any]] = {
    "id": "inv_8sLd3fGhTq6uXe1bYk5oPw",
    "organisation": ORGANISATION["id"],
    "email": INVITED["email"],
    "role": "staff",
    "state": "pending",
    "invited_by": OLGA,
    "created_at": MADE,
    "expires_at": "2026-11-28T10:00:00Z",
    "answered_at": None,
}
REQUEST: Final[dict[str, Any]] = {
    "id": "req_6vBn2mAsDf9gHj4kLq8wEr",
    "organisation": ORGANISATION["id"],
    "user": CLEO,
    "name": "Cleo",
    "message": "I work at the doors.",
    "state": "pending",
    "created_at": MADE,
    "answered_at": None,
}
KEY: Final[dict[str, Any]] = {
    "id": "key_1qAz2wSx3eDc4rFv5tGb6Y",
    "organisation": ORGANISATION["id"],
    "name": "Box office",
    "prefix": "onsale_9f2c41d07a3b",
    "scopes": ["bookings:read", "events:read"],
    "owners_only": True,
    "created_by": OLGA,
    "created_at": MADE,
    "rotated_at": None,
    "last_used_at": "2026-11-21T12:34:00Z",
    "expires_at": None,
    "revoked_at": None,
}
FRESH_KEY: Final[dict[str, Any]] = {
    **KEY,
    "last_used_at": None,
    "key": "onsale_9f2c41d07a3b_Vb0qKxZ5uN9cPhL2eGaF7iWtB4vXyEo3sT8Yw1dJ6mR",
}
ANNOUNCEMENT: Final[dict[str, Any]] = {
    "id": "ann_3rTy7uIo1pAs5dFg9hJk2L",
    "organisation": ORGANISATION["id"],
    "audience": "ticket_holders",
    "event": "evt_Jt8Zk0bTQyW2mGq1c5uVhA",
    "subject": "Doors open at eight",
    "body": "Please come by the side entrance.",
    "created_by": OLGA,
    "created_at": MADE,
    "state": "sending",
    "counts": {
        "recipients": 1200,
        "waiting": 450,
        "sent": 748,
        "failed": 2,
        "without_email": 31,
    },
}


def _page(item: dict[str, Any]) -> dict[str, Any]:
    return {"items": [item], "next_cursor": None}


ORGANISATION_REQUESTS: Final[dict[str, Any]] = {
    "create_organisation": {
        "name": ORGANISATION["name"],
        "description": ORGANISATION["description"],
    },
    "edit_organisation": {"description": ORGANISATION["description"]},
    "transfer_organisation": {"user": BERT},
    "edit_member": {"role": "leader"},
    "create_join_request": {"message": REQUEST["message"]},
    "accept_join_request": {"role": "staff"},
    "create_api_key": {"name": KEY["name"], "scopes": KEY["scopes"]},
    "rotate_api_key": {"overlap_s": 3600},
}
"""Those of which one is enough; of the others there are several."""
ORGANISATION_ANSWERS: Final[dict[str, Any]] = {
    "create_organisation": ORGANISATION,
    "list_organisations": _page(ORGANISATION),
    "show_organisation": ORGANISATION,
    "edit_organisation": ORGANISATION,
    "transfer_organisation": {**ORGANISATION, "role": "leader"},
    "list_members": {"items": [OWNER, INVITED, MEMBER], "next_cursor": None},
    "edit_member": MEMBER,
    "create_invitation": INVITATION,
    "list_invitations": _page(INVITATION),
    "show_invitation": INVITATION,
    "show_offer": {
        "organisation": {"id": ORGANISATION["id"], "name": ORGANISATION["name"]},
        "role": "staff",
        "expires_at": INVITATION["expires_at"],
    },
    "accept_invitation": {
        "organisation": ORGANISATION["id"],
        "user": BERT,
        "role": "staff",
    },
    "create_join_request": REQUEST,
    "list_join_requests": _page(REQUEST),
    "list_my_join_requests": _page(REQUEST),
    "show_join_request": REQUEST,
    "accept_join_request": {**REQUEST, "state": "accepted", "answered_at": MADE},
    "decline_join_request": {**REQUEST, "state": "declined", "answered_at": MADE},
    "create_api_key": FRESH_KEY,
    "list_api_keys": _page(KEY),
    "show_api_key": KEY,
    "rotate_api_key": {**FRESH_KEY, "rotated_at": MADE},
    "create_announcement": {
        **ANNOUNCEMENT,
        "state": "writing",
        "counts": dict.fromkeys(ANNOUNCEMENT["counts"], 0),
    },
    "list_announcements": _page(ANNOUNCEMENT),
    "show_announcement": ANNOUNCEMENT,
}
