"""Examples of organisations, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples
from server.transport.rest.story import (
    BERT,
    CLEO,
    INVITED,
    MADE,
    MEMBER,
    OLGA,
    ORGANISATION_ID,
    OWNER,
    page,
)

ORGANISATION: Final[dict[str, Any]] = {
    "id": ORGANISATION_ID,
    "name": "Theatre on the River",
    "description": "Plays in German and English.",
    "timezone": "Europe/Berlin",
    "created_at": MADE,
    "listed": True,
    "role": "owner",
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


EXAMPLES: Final = Examples(
    requests={
        "create_organisation": {
            "name": ORGANISATION["name"],
            "description": ORGANISATION["description"],
            "timezone": ORGANISATION["timezone"],
        },
        "edit_organisation": {"description": ORGANISATION["description"]},
        "transfer_organisation": {"user": BERT},
        "edit_member": {"role": "leader"},
        "create_join_request": {"message": REQUEST["message"]},
        "accept_join_request": {"role": "staff"},
    },
    answers={
        "create_organisation": ORGANISATION,
        "list_organisations": page(ORGANISATION),
        "show_organisation": ORGANISATION,
        "edit_organisation": ORGANISATION,
        "transfer_organisation": {**ORGANISATION, "role": "leader"},
        "list_members": {"items": [OWNER, INVITED, MEMBER], "next_cursor": None},
        "edit_member": MEMBER,
        "create_invitation": INVITATION,
        "list_invitations": page(INVITATION),
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
        "list_join_requests": page(REQUEST),
        "list_my_join_requests": page(REQUEST),
        "show_join_request": REQUEST,
        "accept_join_request": {**REQUEST, "state": "accepted", "answered_at": MADE},
        "decline_join_request": {**REQUEST, "state": "declined", "answered_at": MADE},
    },
    several_requests={
        "create_invitation": {
            "bert": {"email": INVITED["email"], "role": "staff"},
            "cleo": {"email": MEMBER["email"], "role": "leader"},
        },
    },
    queries={
        "list_organisations": {"q": ORGANISATION["name"], "listed": True},
        "list_invitations": {"state": "pending"},
        "list_join_requests": {"state": "pending"},
    },
)
