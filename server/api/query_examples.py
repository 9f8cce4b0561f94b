"""Examples of what a list may be asked for: each finds what the examples made."""

from typing import Any, Final

from server.api.attendee_examples import ATTENDEE
from server.api.examples import ADMIN, EVENT, ME, VENUE
from server.api.organisation_examples import ORGANISATION

FROM: Final = "2026-11-21T10:00:00Z"
TO: Final = "2036-01-01T00:00:00Z"
_BETWEEN: Final = {"from": FROM, "to": TO}

QUERIES: Final[dict[str, dict[str, Any]]] = {
    "list_events": {
        "status": "on_sale",
        **_BETWEEN,
        "q": "new year",
        "category": "party",
        "tag": ["dance"],
        "organisation": ORGANISATION["id"],
        "venue": VENUE["id"],
        "sort": "starts_at",
    },
    "list_bookings": {"event": EVENT["id"], "status": "confirmed", **_BETWEEN},
    "list_event_bookings": {
        "q": ME["email"],
        "seat": "A-1",
        "status": "confirmed",
        **_BETWEEN,
    },
    "list_attendees": {"q": ATTENDEE["name"], "status": "registered"},
    "list_activity": {
        "actor": ADMIN["id"],
        "method": "POST",
        "route": "/v1/events/{event}/publish",
        "event": EVENT["id"],
        "organisation": ORGANISATION["id"],
        "status": "2xx",
        **_BETWEEN,
    },
    "list_my_activity": _BETWEEN,
    "list_users": {"q": "olga", "role": "customer", "suspended": False},
    "list_organisations": {"q": ORGANISATION["name"]},
    "list_invitations": {"state": "pending"},
    "list_join_requests": {"state": "pending"},
}
"""By operation and parameter; what is not here has a default that will do."""


def shown(operation: str, parameter: str) -> dict[str, Any]:
    """Return what a parameter's description has of this."""
    found = QUERIES.get(operation, {})
    return {"example": found[parameter]} if parameter in found else {}
