"""Becoming somebody: as a guest, with a new account, with a password, with a token."""

import time
from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import Meta, Struct

from persistence.accounts import Account
from server.accounts.lifetimes import Role
from server.accounts.passwords import PasswordsBusy
from server.accounts.sign_ins import SignedIn
from server.accounts.tokens import TOKEN_LENGTH_MAX
from server.rest.call import Call
from server.rest.creation import new_id
from server.rest.event_bodies import Name
from server.rest.guard import enforce
from server.rest.notes import note_actor, note_objects
from server.rest.people import (
    Email,
    NewPassword,
    Password,
    device_of,
    hash_password,
    read_email,
    verify_password,
)
from server.rest.problems import ProblemError

LOOKS_MAX: Final = 3
"""How often an account is looked at that is changed while its password is checked."""


class Login(Struct, forbid_unknown_fields=True):
    """Who wants to log in, and the proof."""

    email: Email
    password: Password


class Register(Struct, forbid_unknown_fields=True):
    """A new account. The password may be anything of at least 8 characters."""

    email: Email
    password: NewPassword
    name: Name


class Refresh(Struct, forbid_unknown_fields=True):
    """The refresh token of a session; each is good once."""

    refresh_token: Annotated[str, Meta(min_length=1, max_length=TOKEN_LENGTH_MAX)]


class TokenUser(Struct):
    """Whom a token is for."""

    id: str
    role: Role


class GuestToken(Struct):
    """A new access token, as OAuth 2 names its parts."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    user: TokenUser


class TokenDocument(GuestToken):
    """A new access token of somebody with an account, and the means to the next one."""

    refresh_token: str
    refresh_expires_in: int
    session: str


async def create_guest(call: Call) -> web.Response:
    """Make an anonymous buyer."""
    if call.context.limits is not None:
        verdict = call.context.limits.guest(call.client, time.monotonic())
        enforce(call.request, verdict)
    # A guest is nothing but an unguessable name: no row is written before it buys.
    user = new_id("usr", "", None)
    note_actor(call.request, user, "guest")
    token, lasts_s = call.context.tokens.issue(user, "guest", int(time.time()))
    answer = GuestToken(token, "Bearer", lasts_s, TokenUser(user, "guest"))
    return call.answer(answer, status=201)


async def register(call: Call) -> web.Response:
    """Make an account; a guest's token makes it the guest's, with all it has."""
    key, context = call.key, call.context
    if context.limits is not None:
        enforce(
            call.request, context.limits.registration(call.client, time.monotonic())
        )
    body = await call.body(Register)
    email = read_email(body.email)
    guest = call.identity if call.identity and call.identity.role == "guest" else None
    user = guest.user if guest else new_id("usr", email, key)
    # Hashed in any case, so that its time does not tell who has an account.
    hashed = await hash_password(call, body.password, "password")
    wanted = Account(user, email, hashed, "customer", body.name)
    letter = context.letters.verify(user, email)
    account = await context.accounts.create(wanted, [letter.mail], [letter.code])
    if account is not None:
        # Whoever gave the guest its token knows it, and would be somebody with it now.
        context.sign_ins.end_here(user, [user], sockets=False)
    else:
        account = await _registered_before(call, user, email, body.password)
    return await sign_in(call, account, status=201)


async def log_in(call: Call) -> web.Response:
    """Give tokens to whom email and password prove."""
    body = await call.body(Login)
    email = body.email.strip().lower()
    for _ in range(LOOKS_MAX):
        account = await call.context.accounts.find_by_email(email)
        if account is not None:
            note_objects(call.request, user=account.user_id)
        proven = await verify_password(call, account, email, body.password)
        if account is None or not proven:
            raise ProblemError("unauthenticated", "The email or the password is wrong.")
        signed = await _open(call, account)
        if signed is not None:
            return call.answer(document_of(signed))
        # What was compared is not there any more: what is there now counts.
    raise ProblemError("unavailable", "The account is being changed.")


async def refresh(call: Call) -> web.Response:
    """Give the next tokens of a session, in return for its refresh token."""
    key = call.key
    body = await call.body(Refresh)
    token = body.refresh_token
    signed = await call.context.sign_ins.refresh(token, key, device_of(call))
    if signed is None:
        raise ProblemError("unauthenticated", "This session has ended; log in again.")
    note_actor(call.request, signed.user, signed.role)
    return call.answer(document_of(signed))


async def sign_in(call: Call, account: Account, status: int = 200) -> web.Response:
    """Open a session for somebody who proved who it is, and answer with its tokens."""
    signed = await _open(call, account)
    if signed is None:
        raise ProblemError("unauthenticated", "The account was changed just now.")
    return call.answer(document_of(signed), status=status)


async def _open(call: Call, account: Account) -> SignedIn | None:
    """Open a session; None where the account was changed since it was looked at."""
    if account.suspended:
        # Told to nobody but who has the password.
        raise ProblemError("account_suspended")
    signed = await call.context.sign_ins.open(account, device_of(call))
    if signed is not None:
        note_actor(call.request, signed.user, signed.role)
    return signed


def document_of(signed: SignedIn) -> TokenDocument:
    """Return what a client is told when it is signed in."""
    return TokenDocument(
        access_token=signed.access_token,
        token_type="Bearer",
        expires_in=signed.expires_in,
        user=TokenUser(signed.user, signed.role),
        refresh_token=signed.refresh_token,
        refresh_expires_in=signed.refresh_expires_in,
        session=signed.session,
    )


async def _registered_before(
    call: Call, user: str, email: str, password: str
) -> Account:
    """Return the account where this is the same request once more."""
    found = await call.context.accounts.find_by_email(email)
    if found is None or found.user_id != user:
        raise ProblemError("email_taken")
    try:
        proven = await call.context.passwords.verify(found.password_hash, password)
    except PasswordsBusy as error:
        raise ProblemError("overloaded") from error
    if not proven:
        raise ProblemError("key_reused")
    return found
