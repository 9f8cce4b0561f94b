"""The caller's own account: what it says, its password, its end."""

from datetime import datetime
from typing import Final

from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from inventory.faults import Faults
from persistence.people.accounts import Account
from server.base.identity import Role
from server.people.accounts.problems import EMAIL_TAKEN
from server.people.accounts.service_own import (
    ACCOUNT_SERVICE,
    NEEDS_PASSWORD,
    AccountEdit,
)
from server.people.api_keys.service import API_KEY_SERVICE
from server.people.auth.fields import (
    PASSWORD_WRITES,
    Email,
    NewPassword,
    Password,
    check_email,
    check_new_password,
)
from server.people.auth.problems import PASSWORD_NEEDED, WRONG_PASSWORD
from server.people.auth.rest import TokenDocument, answer_signed_in, device_of
from server.people.organisations.problems import LAST_OWNER
from server.transport.http.problems import UNAVAILABLE
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.fields import Locale, Name
from server.transport.rest.guard import meter_of
from server.transport.rest.notes import note_details
from server.transport.rest.route import Route


class MeDocument(Struct):
    """Who the caller is. A guest has an id and a role only."""

    id: str
    role: Role
    email: str | None = None
    email_verified: bool = False
    pending_email: str | None = None
    """What `email` is to be, once the code that was sent there is shown."""
    name: str | None = None
    created_at: datetime | None = None
    locale: str | None = None
    """In which language mails are; null where nobody said, which is English."""


class MePatch(Body):
    """What the caller wants to change.

    Another `email` counts once it is confirmed; until then it is the `pending_email`.
    The one that is takes that back.
    """

    name: Name | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET
    """In which language mails are to be."""
    email: Email | UnsetType = UNSET
    current_password: Password | UnsetType = UNSET
    """Needed for another address, which is where a new password would be sent."""

    def check(self, faults: Faults) -> None:
        """Add what is wrong with another address, or is missing for it."""
        if self.email is UNSET:
            return
        check_email(faults, self.email)
        if self.current_password is UNSET:
            faults.add("current_password", NEEDS_PASSWORD)


class PasswordChange(Body):
    """The password that is, and the one that is to be, which must be another."""

    current_password: Password
    new_password: NewPassword

    def check(self, faults: Faults) -> None:
        """Add what is wrong with the new password."""
        check_new_password(faults, "new_password", self.new_password)


class Farewell(Struct, forbid_unknown_fields=True):
    """Proof that it is the owner who ends an account, where that is not fresh."""

    current_password: Password | UnsetType = UNSET
    """Needed unless the session began, with a password, within five minutes."""


async def show_me(call: Call) -> web.Response:
    """Tell the caller who it is."""
    who = call.who
    if who.role == "guest":
        return call.read(MeDocument(who.user, who.role))
    account = await call[ACCOUNT_SERVICE].find(who)
    return call.read(_document_of(account), revision=account.revision)


async def edit_me(call: Call) -> web.Response:
    """Change what the account says."""
    body = await call.body(MePatch)
    edit = AccountEdit(
        name=_given(body.name),
        locale=_given(body.locale),
        email=_given(body.email),
        current_password=_given(body.current_password),
    )
    fields = ("name", "locale", "email")
    changed = [name for name in fields if getattr(edit, name) is not None]
    note_details(call.request, fields=changed)
    account = await call[ACCOUNT_SERVICE].edit(
        call.who, edit, call.seen, meter_of(call)
    )
    return call.answer(_document_of(account), revision=account.revision)


async def delete_me(call: Call) -> web.Response:
    """Forget who the caller is; bookings stay, under an id that names nobody."""
    who, service, keys = call.who, call[ACCOUNT_SERVICE], call[API_KEY_SERVICE]
    # Whatever is sent.
    service.refuse_admin(who)
    sent = call.request.body_exists
    body = await call.body(Farewell) if sent else Farewell()
    depending = await keys.depending_on(who.user)
    password = _given(body.current_password)
    await service.delete(who, password, call.seen, meter_of(call))
    await keys.tell_changed(depending)
    return call.done()


async def change_password(call: Call) -> web.Response:
    """Change the password, end all sessions, and begin a new one."""
    body = await call.body(PasswordChange)
    signed = await call[ACCOUNT_SERVICE].change_password(
        call.who,
        body.current_password,
        body.new_password,
        device_of(call),
        meter_of(call),
    )
    return answer_signed_in(call, signed)


def _given(text: str | UnsetType) -> str | None:
    return text if isinstance(text, str) else None


def _document_of(account: Account) -> MeDocument:
    return MeDocument(
        id=account.user_id,
        role=account.role,
        email=account.email,
        email_verified=account.verified,
        pending_email=account.pending_email,
        name=account.name,
        created_at=account.created_at,
        locale=account.locale or None,
    )


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/me",
        handler=show_me,
        name="show_me",
        summary="Tell the caller who it is",
        tag="People",
        access="buyer",
        answers=MeDocument,
        cached=True,
        problems=(UNAVAILABLE,),
    ),
    Route(
        method="PATCH",
        path="/v1/me",
        handler=edit_me,
        name="edit_me",
        summary="Change what the account says",
        tag="People",
        access="customer",
        body=MePatch,
        answers=MeDocument,
        keyed=True,
        problems=(*PASSWORD_WRITES, WRONG_PASSWORD, EMAIL_TAKEN),
    ),
    Route(
        method="DELETE",
        path="/v1/me",
        handler=delete_me,
        name="delete_me",
        who="Needs the token of an account, but not of an administrator's.",
        summary="Delete the account; bookings stay, under an id that names nobody",
        tag="People",
        access="customer",
        body=Farewell,
        body_required=False,
        status=204,
        keyed=True,
        problems=(*PASSWORD_WRITES, WRONG_PASSWORD, PASSWORD_NEEDED, LAST_OWNER),
    ),
    Route(
        method="POST",
        path="/v1/me/password",
        handler=change_password,
        name="change_password",
        summary="Change the password; all other sessions end",
        tag="People",
        access="customer",
        body=PasswordChange,
        answers=TokenDocument,
        keyed=True,
        problems=(*PASSWORD_WRITES, WRONG_PASSWORD),
    ),
)
