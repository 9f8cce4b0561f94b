"""The caller's own account: what it says, its password, its end."""

from datetime import datetime
from typing import Final

from aiohttp import web
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from inventory.faults import Faults
from persistence.errors import refuse_stale
from persistence.mail import Code, Mail
from persistence.people.accounts import Account, EmailTaken
from persistence.people.addresses import address_key
from persistence.people.leaving import LastOwner
from server.base.identity import Role
from server.people.accounts.mails import ACCOUNT_MAILS
from server.people.accounts.problems import EMAIL_TAKEN
from server.people.api_keys.service import API_KEY_SERVICE
from server.people.auth.fields import (
    ACCOUNTS,
    PASSWORD_WRITES,
    SAME_PASSWORD,
    Email,
    NewPassword,
    Password,
    account_of,
    check_email,
    check_new_password,
    count_mail,
    count_notice,
    hash_password,
    read_email,
    verify_password,
)
from server.people.auth.lifetimes import FRESH_S
from server.people.auth.passwords import normal_password
from server.people.auth.problems import PASSWORD_NEEDED, WRONG_PASSWORD
from server.people.auth.rest import TokenDocument, sign_in
from server.people.auth.sessions import SESSIONS, SIGN_INS
from server.people.organisations.problems import LAST_OWNER
from server.transport.http.problems import (
    FORBIDDEN,
    UNAVAILABLE,
    ProblemError,
    bad_field,
)
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.fields import Name
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


class MePatch(Body):
    """What the caller wants to change.

    Another `email` counts once it is confirmed; until then it is the `pending_email`.
    The one that is takes that back.
    """

    name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    current_password: Password | UnsetType = UNSET
    """Needed for another address, which is where a new password would be sent."""

    def check(self, faults: Faults) -> None:
        """Add what is wrong with another address, or is missing for it."""
        if self.email is UNSET:
            return
        check_email(faults, self.email)
        if self.current_password is UNSET:
            faults.add("current_password", "Needed for another address.")


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
    account = await account_of(call)
    return call.read(_document_of(account), revision=account.revision)


async def edit_me(call: Call) -> web.Response:
    """Change what the account says."""
    body = await call.body(MePatch)
    changed = [
        name for name in ("name", "email") if isinstance(getattr(body, name), str)
    ]
    note_details(call.request, fields=changed)
    seen = call.seen
    refuse_stale((await account_of(call)).revision, seen)
    email, password = body.email, body.current_password
    if isinstance(email, str) and isinstance(password, str):
        # Where it moved it was as it was seen, and is not any more.
        seen = None if await _move(call, email, password) else seen
    if isinstance(body.name, str):
        await call[ACCOUNTS].rename(call.who.user, body.name, seen)
    account = await account_of(call)
    return call.answer(_document_of(account), revision=account.revision)


async def delete_me(call: Call) -> web.Response:
    """Forget who the caller is; bookings stay, under an id that names nobody."""
    who = call.who
    if who.role == "admin":
        detail = "Administrators are made and unmade by whoever runs the server."
        raise ProblemError(FORBIDDEN, detail)
    await _prove_again(call)
    depending = await call[API_KEY_SERVICE].depending_on(who.user)
    try:
        ended = await call[ACCOUNTS].delete(who.user, call.seen)
    except LastOwner as error:
        detail = "You alone own an organisation: give it to a member, or end it."
        raise ProblemError(LAST_OWNER, detail) from error
    if ended is not None:
        call[SIGN_INS].end_here(who.user, ended)
        await call[API_KEY_SERVICE].tell_changed(depending)
    return call.done()


async def _prove_again(call: Call) -> None:
    """Refuse whoever has no more than a token, which may have been lost or stolen."""
    who, sent = call.who, call.request.body_exists
    body = await call.body(Farewell) if sent else Farewell()
    if isinstance(body.current_password, str):
        account = await account_of(call)
        password = body.current_password
        if not await verify_password(call, account, account.email, password):
            raise ProblemError(WRONG_PASSWORD)
    elif not await call[SESSIONS].is_fresh(who.user, who.session, FRESH_S):
        raise ProblemError(PASSWORD_NEEDED)


async def change_password(call: Call) -> web.Response:
    """Change the password, end all sessions, and begin a new one."""
    body = await call.body(PasswordChange)
    if normal_password(body.new_password) == normal_password(body.current_password):
        raise bad_field("new_password", SAME_PASSWORD)
    account = await account_of(call)
    if not await verify_password(call, account, account.email, body.current_password):
        raise ProblemError(WRONG_PASSWORD)
    count_notice(call, account.email)
    hashed = await hash_password(call, body.new_password)
    notice = call[ACCOUNT_MAILS].new_password(account)
    ended = await call[ACCOUNTS].change_password(account, hashed, [notice])
    if ended is None:
        raise ProblemError(WRONG_PASSWORD, "The password was changed just now.")
    call[SIGN_INS].end_here(account.user_id, ended)
    return await sign_in(call, replace(account, password_hash=hashed))


async def _move(call: Call, text: str, password: str) -> bool:
    """Ask at another address whether it is the right one, to take it then.

    Returns whether something was changed.
    """
    account, email = await account_of(call), read_email(text)
    if not await verify_password(call, account, account.email, password):
        raise ProblemError(WRONG_PASSWORD)
    to = None if address_key(email) == address_key(account.email) else email
    if _key_of(to) == _key_of(account.pending_email):
        return False
    mails, codes = list[Mail](), list[Code]()
    if to is not None:
        count_notice(call, account.email)
        count_mail(call, to)
        message = call[ACCOUNT_MAILS].verify(account.user_id, to)
        mails = [message.mail, call[ACCOUNT_MAILS].asked_to_move(account)]
        codes = [message.code]
    try:
        moved = await call[ACCOUNTS].ask_to_move(account, to, mails, codes, call.seen)
    except EmailTaken as error:
        raise ProblemError(EMAIL_TAKEN) from error
    if moved is None:
        raise ProblemError(WRONG_PASSWORD, "The password was changed just now.")
    return True


def _key_of(email: str | None) -> str | None:
    return None if email is None else address_key(email)


def _document_of(account: Account) -> MeDocument:
    return MeDocument(
        id=account.user_id,
        role=account.role,
        email=account.email,
        email_verified=account.verified,
        pending_email=account.pending_email,
        name=account.name,
        created_at=account.created_at,
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
