"""The caller's own account: what it says, its password, its end."""

from datetime import datetime

from aiohttp import web
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from persistence.accounts import EmailTaken
from persistence.addresses import address_key
from persistence.organisations import LastOwner
from server.accounts.lifetimes import Role
from server.rest.auth import sign_in
from server.rest.call import Call
from server.rest.event_bodies import Name
from server.rest.notes import note_details
from server.rest.people import (
    Email,
    NewPassword,
    Password,
    account_of,
    count_mail,
    hash_password,
    read_email,
    verify_password,
)
from server.rest.problems import ProblemError, bad_field


class MeDocument(Struct):
    """Who the caller is. A guest has an id and a role only."""

    id: str
    role: Role
    email: str | None = None
    email_verified: bool = False
    name: str | None = None
    created_at: datetime | None = None


class MePatch(Struct, forbid_unknown_fields=True):
    """What the caller wants to change."""

    name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    current_password: Password | UnsetType = UNSET
    """Needed for another address, which is where a new password would be sent."""


class PasswordChange(Struct, forbid_unknown_fields=True):
    """The password that is, and the one that is to be."""

    current_password: Password
    new_password: NewPassword


async def show_me(call: Call) -> web.Response:
    """Tell the caller who it is."""
    who = call.who
    if who.role == "guest":
        return call.read(MeDocument(who.user, who.role))
    return call.read(await _document_of(call))


async def edit_me(call: Call) -> web.Response:
    """Change what the account says."""
    body = await call.body(MePatch)
    changed = [
        name for name in ("name", "email") if isinstance(getattr(body, name), str)
    ]
    note_details(call.request, fields=changed)
    if isinstance(body.email, str):
        await _move(call, body.email, body.current_password)
    if isinstance(body.name, str):
        await call.context.accounts.rename(call.who.user, body.name)
    return call.answer(await _document_of(call))


async def delete_me(call: Call) -> web.Response:
    """Forget who the caller is; bookings stay, under an id that names nobody."""
    who, context = call.who, call.context
    if who.role == "admin":
        detail = "Administrators are made and unmade by whoever runs the server."
        raise ProblemError("forbidden", detail)
    try:
        ended = await context.accounts.delete(who.user)
    except LastOwner as error:
        detail = "You alone own an organisation: give it to a member, or end it."
        raise ProblemError("last_owner", detail) from error
    if ended is not None:
        context.sign_ins.end_here(who.user, ended)
    return call.done()


async def change_password(call: Call) -> web.Response:
    """Change the password, end all sessions, and begin a new one."""
    body = await call.body(PasswordChange)
    context, account = call.context, await account_of(call)
    if not await verify_password(call, account, account.email, body.current_password):
        raise ProblemError("wrong_password")
    hashed = await hash_password(call, body.new_password, "new_password")
    notice = context.letters.new_password(account)
    ended = await context.accounts.change_password(account, hashed, [notice])
    if ended is None:
        raise ProblemError("wrong_password", "The password was changed just now.")
    context.sign_ins.end_here(account.user_id, ended)
    return await sign_in(call, replace(account, password_hash=hashed))


async def _move(call: Call, text: str, password: str | UnsetType) -> None:
    """Give the account another address, and ask there whether it is the right one."""
    context, account, email = call.context, await account_of(call), read_email(text)
    if not isinstance(password, str):
        raise bad_field("current_password", "Needed for another address.")
    if not await verify_password(call, account, account.email, password):
        raise ProblemError("wrong_password")
    if address_key(email) == address_key(account.email):
        return
    count_mail(call, email)
    letter = context.letters.verify(account.user_id, email)
    mails = [letter.mail, context.letters.new_address(account)]
    try:
        moved = await context.accounts.move(account, email, mails, [letter.code])
    except EmailTaken as error:
        raise ProblemError("email_taken") from error
    if moved is None:
        raise ProblemError("wrong_password", "The password was changed just now.")


async def _document_of(call: Call) -> MeDocument:
    account = await account_of(call)
    return MeDocument(
        id=account.user_id,
        role=account.role,
        email=account.email,
        email_verified=account.verified,
        name=account.name,
        created_at=account.created_at,
    )
