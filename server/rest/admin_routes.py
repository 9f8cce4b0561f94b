"""The routes of users and of the activity log."""

from typing import Final

from server.rest import activity, users
from server.rest.paging import Page
from server.rest.route import PAGING, WRITES, Query, Route

ID: Final = {"type": "string", "minLength": 1, "maxLength": 64}
PERIOD: Final = (
    Query("from", {"type": "string", "format": "date-time"}, "Only from here on."),
    Query("to", {"type": "string", "format": "date-time"}, "Only before this."),
)
ACTIVITY_FILTERS: Final = (
    Query("actor", ID, "Only what this user or API key did."),
    Query(
        "method",
        {"type": "string", "enum": list(activity.METHODS)},
        "Only calls with this method.",
    ),
    Query(
        "route",
        {"type": "string", "minLength": 1, "maxLength": activity.ROUTE_LENGTH_MAX},
        "Only calls of this route, as `paths` here has it: `/v1/events/{event}`.",
    ),
    Query("event", ID, "Only calls about this event."),
    Query("organisation", ID, "Only calls about this organisation."),
    Query(
        "status",
        {"type": "string", "enum": list(activity.CLASSES)},
        "Only calls that were answered like this.",
    ),
    *PERIOD,
)
USER_FILTERS: Final = (
    Query(
        "q",
        {"type": "string", "minLength": 1, "maxLength": users.QUERY_LENGTH_MAX},
        "Only users with all these words, or parts of words, in the name or email "
        "address, in any order and without regard to case, accents and punctuation.",
    ),
    Query(
        "role",
        {"type": "string", "enum": ["customer", "organizer", "admin"]},
        "Only users of this role.",
    ),
    Query("suspended", {"type": "boolean"}, "Only suspended users, or only others."),
)

ADMIN_ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/activity",
        handler=activity.list_activity,
        name="list_activity",
        summary="List who did what, newest first: every call that writes",
        tag="Administration",
        access="admin",
        answers=Page[activity.ActivityDocument],
        cached=True,
        query=(*ACTIVITY_FILTERS, *PAGING),
        problems=("bad_field", "unavailable"),
    ),
    Route(
        method="GET",
        path="/v1/me/activity",
        handler=activity.list_my_activity,
        name="list_my_activity",
        summary="List what the caller did, newest first",
        tag="People",
        access="buyer",
        answers=Page[activity.ActivityDocument],
        cached=True,
        query=(*PERIOD, *PAGING),
        problems=("bad_field", "unavailable"),
    ),
    Route(
        method="GET",
        path="/v1/users",
        handler=users.list_users,
        name="list_users",
        summary="List the users, newest first; guests are none",
        tag="Administration",
        access="admin",
        answers=Page[users.UserDocument],
        cached=True,
        query=(*USER_FILTERS, *PAGING),
        problems=("bad_field", "unavailable"),
    ),
    Route(
        method="GET",
        path="/v1/users/{user}",
        handler=users.show_user,
        name="show_user",
        summary="Show a user",
        tag="Administration",
        access="admin",
        answers=users.UserDocument,
        cached=True,
        problems=("user_not_found", "unavailable"),
    ),
    Route(
        method="PATCH",
        path="/v1/users/{user}",
        handler=users.edit_user,
        name="edit_user",
        summary="Change a user's role, suspend the account, or let it in again",
        tag="Administration",
        access="admin",
        body=users.UserPatch,
        answers=users.UserDocument,
        keyed=True,
        problems=(*WRITES, "user_not_found", "last_admin"),
    ),
)
