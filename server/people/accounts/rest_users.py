"""Users, for administrators: who there is, what they may do, whether they may come in.

What an administrator changes is in the activity log, with what was before.
"""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, Literal

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from inventory.faults import Faults
from inventory.names import TEXT_PATTERN
from persistence.people.users import Changed, User
from server.base.identity import Role
from server.people.accounts.problems import EMAIL_TAKEN, LAST_ADMIN, USER_NOT_FOUND
from server.people.accounts.service import USER_SERVICE
from server.people.api_keys.service import API_KEY_SERVICE
from server.people.auth.fields import Email, check_email
from server.people.organisations.problems import LAST_OWNER
from server.transport.http.problems import BAD_FIELD, KEY_REUSED, UNAVAILABLE
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.fields import Name
from server.transport.rest.guard import meter_of
from server.transport.rest.notes import note_details
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.query import bool_of, choice_of, text_of
from server.transport.rest.route import PAGING, WRITES, Query, Route

REASON_LENGTH_MAX: Final = 500
QUERY_LENGTH_MAX: Final = 200

UserRole = Literal["customer", "organizer", "admin"]
ROLES: Final[dict[str, UserRole]] = {
    "customer": "customer",
    "organizer": "organizer",
    "admin": "admin",
}
"""Of people with an account; a guest has none."""


class UserDocument(Struct):
    """An account, as administrators see it."""

    id: str
    role: Role
    email: str
    email_verified: bool
    name: str
    created_at: datetime
    suspended: bool
    suspended_at: datetime | None
    suspended_reason: str | None


class UserPatch(Body):
    """What an administrator wants to change of a user.

    Whoever is suspended, or gets another role, is signed out everywhere at once. API
    keys that a suspended user was shown rest as long, and all of an organisation whose
    owners are all suspended.
    """

    role: UserRole | UnsetType = UNSET
    suspended: bool | UnsetType = UNSET
    reason: (
        Annotated[
            str,
            Meta(min_length=1, max_length=REASON_LENGTH_MAX, pattern=TEXT_PATTERN),
        ]
        | UnsetType
    ) = UNSET
    """Why the account is suspended; needed for that, and for nothing else."""

    def check(self, faults: Faults) -> None:
        """Add where a reason is missing, or there is nothing to give one for."""
        given = self.reason is not UNSET
        if self.suspended is True and not given:
            faults.add("reason", "Say why the account is suspended.")
        if self.suspended is not True and given and not faults.is_faulty("suspended"):
            faults.add("reason", "Only for suspending an account.")


class UserCreate(Body):
    """Somebody who is to have an account; its password is theirs to choose.

    They get a mail with a code for `POST /v1/auth/password/reset`, good for three days.
    After that `POST /v1/auth/password/forgot` sends another one.
    """

    email: Email
    name: Name
    role: UserRole = "customer"

    def check(self, faults: Faults) -> None:
        """Add what is wrong with the address."""
        check_email(faults, self.email)


async def create_user(call: Call) -> web.Response:
    """Make an account for somebody, who chooses its password."""
    key, body = call.key, await call.body(UserCreate)
    found = await call[USER_SERVICE].create(
        call.who, body.email, body.name, body.role, key, meter_of(call)
    )
    headers = {"Location": f"/v1/users/{found.user_id}"}
    return call.answer(document_of(found), status=201, headers=headers)


async def delete_user(call: Call) -> web.Response:
    """Forget who a user is; bookings stay, under an id that names nobody."""
    user = call.path("user", USER_NOT_FOUND)
    keys = call[API_KEY_SERVICE]
    depending = await keys.depending_on(user)
    await call[USER_SERVICE].delete(call.who, user, call.seen)
    await keys.tell_changed(depending)
    return call.done()


async def list_users(call: Call) -> web.Response:
    """List the users, newest first."""
    query = call.request.query
    role = choice_of(query, "role", list(ROLES))
    suspended = bool_of(query, "suspended")
    asked: Any = {
        "text": text_of(query, "q", QUERY_LENGTH_MAX),
        "role": None if role is None else ROLES[role],
        "suspended": suspended,
    }
    users = call[USER_SERVICE].users
    rows, cursor = await users.search(
        **asked, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(users.count, **asked))
    return call.read(Page([document_of(row) for row in rows], cursor, total))


async def show_user(call: Call) -> web.Response:
    """Show one user."""
    name = call.path("user", USER_NOT_FOUND)
    user = await call[USER_SERVICE].find(call.who, name)
    return call.read(document_of(user), revision=user.revision)


async def edit_user(call: Call) -> web.Response:
    """Change a user's role, suspend the account, or let it in again."""
    user, body = call.path("user", USER_NOT_FOUND), await call.body(UserPatch)
    changed = await call[USER_SERVICE].change(
        call.who,
        user,
        role=body.role if isinstance(body.role, str) else None,
        suspended=body.suspended if isinstance(body.suspended, bool) else None,
        reason=body.reason if isinstance(body.reason, str) else None,
        seen=call.seen,
    )
    if changed.before.suspended_at != changed.after.suspended_at:
        keys = call[API_KEY_SERVICE]
        await keys.tell_changed(await keys.depending_on(user))
    note_details(call.request, **_differences(changed))
    after = changed.after
    return call.answer(document_of(after), revision=after.revision)


async def sign_user_out(call: Call) -> web.Response:
    """End all sessions of a user, who may sign in again."""
    # A second time is none: nothing is left that could end.
    await call[USER_SERVICE].sign_out(call.who, call.path("user", USER_NOT_FOUND))
    return call.done()


def document_of(user: User) -> UserDocument:
    """Return a user as administrators see it."""
    return UserDocument(
        id=user.user_id,
        role=user.role,
        email=user.email,
        email_verified=user.verified_at is not None,
        name=user.name,
        created_at=user.created_at,
        suspended=user.suspended_at is not None,
        suspended_at=user.suspended_at,
        suspended_reason=user.suspended_reason,
    )


def _differences(changed: Changed) -> dict[str, Any]:
    """Return what changed, each as a pair of before and after."""
    before, after = document_of(changed.before), document_of(changed.after)
    pairs = {
        name: [getattr(before, name), getattr(after, name)]
        for name in ("role", "suspended", "suspended_reason")
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


USER_FILTERS: Final = (
    Query(
        "q",
        {"type": "string", "minLength": 1, "maxLength": QUERY_LENGTH_MAX},
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

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/v1/users",
        handler=create_user,
        name="create_user",
        summary="Make an account for somebody, who gets a mail to choose its password",
        tag="Administration",
        access="admin",
        body=UserCreate,
        answers=UserDocument,
        status=201,
        keyed=True,
        problems=(*WRITES, EMAIL_TAKEN, KEY_REUSED),
    ),
    Route(
        method="GET",
        path="/v1/users",
        handler=list_users,
        name="list_users",
        summary="List the users, newest first; guests are none",
        tag="Administration",
        access="admin",
        answers=Page[UserDocument],
        cached=True,
        query=(*USER_FILTERS, *PAGING),
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
    Route(
        method="GET",
        path="/v1/users/{user}",
        handler=show_user,
        name="show_user",
        summary="Show a user",
        tag="Administration",
        access="admin",
        answers=UserDocument,
        cached=True,
        problems=(USER_NOT_FOUND, UNAVAILABLE),
    ),
    Route(
        method="PATCH",
        path="/v1/users/{user}",
        handler=edit_user,
        name="edit_user",
        summary="Change a user's role, suspend the account, or let it in again",
        tag="Administration",
        access="admin",
        body=UserPatch,
        answers=UserDocument,
        keyed=True,
        problems=(*WRITES, USER_NOT_FOUND, LAST_ADMIN),
    ),
    Route(
        method="POST",
        path="/v1/users/{user}/sign-out",
        handler=sign_user_out,
        name="sign_user_out",
        summary="End all sessions of a user, who may sign in again",
        tag="Administration",
        access="admin",
        status=204,
        keyed=True,
        problems=(UNAVAILABLE, BAD_FIELD, USER_NOT_FOUND),
    ),
    Route(
        method="DELETE",
        path="/v1/users/{user}",
        handler=delete_user,
        name="delete_user",
        summary="Delete a user; bookings stay, under an id that names nobody",
        tag="Administration",
        access="admin",
        status=204,
        keyed=True,
        problems=(UNAVAILABLE, BAD_FIELD, USER_NOT_FOUND, LAST_OWNER, LAST_ADMIN),
    ),
)
