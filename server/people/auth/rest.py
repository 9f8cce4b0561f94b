"""Becoming somebody: as a guest, with a new account, with a password, with a token."""

import time
from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import Meta, Struct

from persistence.people.accounts import Account
from server.base.identity import TOKEN_LENGTH_MAX, Role
from server.people.auth.fields import (
    ACCOUNTS,
    PASSWORD_WRITES,
    Email,
    Password,
    device_of,
    verify_password,
)
from server.people.auth.problems import ACCOUNT_SUSPENDED
from server.people.auth.sessions import SIGN_INS, SignedIn
from server.people.auth.tokens.tokens import TOKENS
from server.transport.http.client_address import crowd_of
from server.transport.http.problems import UNAUTHENTICATED, UNAVAILABLE, ProblemError
from server.transport.ratelimit.request_limits import LIMITS
from server.transport.rest.call import Call
from server.transport.rest.guard import AUTHENTICATOR, enforce, identify
from server.transport.rest.idempotency import new_id
from server.transport.rest.notes import note_actor, note_objects
from server.transport.rest.route import WRITES, Route

LOOKS_MAX: Final = 3
"""How often an account is looked at that is changed while its password is checked."""


class Login(Struct, forbid_unknown_fields=True):
    """Who wants to log in, and the proof."""

    email: Email
    password: Password


class Refresh(Struct, forbid_unknown_fields=True):
    """The refresh token of a session; each is good once."""

    refresh_token: Annotated[str, Meta(min_length=1, max_length=TOKEN_LENGTH_MAX)]


class TokenUser(Struct):
    """Whom a token is for."""

    id: str
    role: Role


class GuestToken(Struct):
    """A new access token, as OAuth 2 names its parts.

    A guest that holds nothing within an hour is none any more, whatever `expires_in`
    says; who did keeps what it has for as long.
    """

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
    limits = call.find(LIMITS)
    if limits is not None:
        network = crowd_of(call.client)
        verdict = limits.guest(call.client, network, time.monotonic())
        enforce(call.request, verdict)
    # A guest is nothing but an unguessable name: no row is written before it buys.
    user = new_id("usr", "", None)
    note_actor(call.request, user, "guest")
    token, lasts_s = call[TOKENS].issue(user, "guest", int(time.time()))
    answer = GuestToken(token, "Bearer", lasts_s, TokenUser(user, "guest"))
    return call.answer(answer, status=201)


async def log_in(call: Call) -> web.Response:
    """Give tokens to whom email and password prove."""
    body = await call.body(Login)
    email = body.email.strip()
    for _ in range(LOOKS_MAX):
        account = await call[ACCOUNTS].find_by_email(email)
        if account is not None:
            note_objects(call.request, user=account.user_id)
        proven = await verify_password(call, account, email, body.password)
        if account is None or not proven:
            raise ProblemError(UNAUTHENTICATED, "The email or the password is wrong.")
        signed = await _open(call, account)
        if signed is not None:
            _leave_guest(call)
            return call.answer(document_of(signed))
        # What was compared is not there any more: what is there now counts.
    raise ProblemError(UNAVAILABLE, "The account is being changed.")


def _leave_guest(call: Call) -> None:
    """Close the sockets of the guest that the caller was until now, if it was one."""
    # A token that proves nothing is no reason to refuse a password that does.
    before, _ = identify(call.request, call[AUTHENTICATOR])
    if before is not None and before.role == "guest":
        call[SIGN_INS].leave_here(before.user)


async def refresh(call: Call) -> web.Response:
    """Give the next tokens of a session, in return for its refresh token."""
    body = await call.body(Refresh)
    signed = await call[SIGN_INS].refresh(body.refresh_token, device_of(call))
    if signed is None:
        raise ProblemError(UNAUTHENTICATED, "This session has ended; log in again.")
    note_actor(call.request, signed.user, signed.role)
    return call.answer(document_of(signed))


async def sign_in(call: Call, account: Account, status: int = 200) -> web.Response:
    """Open a session for somebody who proved who it is, and answer with its tokens."""
    signed = await _open(call, account)
    if signed is None:
        raise ProblemError(UNAUTHENTICATED, "The account was changed just now.")
    return call.answer(document_of(signed), status=status)


async def _open(call: Call, account: Account) -> SignedIn | None:
    """Open a session; None where the account was changed since it was looked at."""
    if account.suspended:
        # Told to nobody but who has the password.
        raise ProblemError(ACCOUNT_SUSPENDED)
    signed = await call[SIGN_INS].open(account, device_of(call))
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


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/v1/auth/guest",
        handler=create_guest,
        name="create_guest",
        budget="own",
        summary="Become an anonymous buyer",
        tag="People",
        access="anonymous",
        answers=GuestToken,
        status=201,
    ),
    Route(
        method="POST",
        path="/v1/auth/login",
        handler=log_in,
        name="log_in",
        budget="own",
        who=(
            "Needs no token; with a guest's, the guest's sockets are closed, and its "
            "token stays good for what it holds and has booked."
        ),
        summary="Log in with email and password",
        tag="People",
        access="anonymous",
        body=Login,
        answers=TokenDocument,
        problems=(*PASSWORD_WRITES, UNAUTHENTICATED, ACCOUNT_SUSPENDED),
    ),
    Route(
        method="POST",
        path="/v1/auth/refresh",
        handler=refresh,
        name="refresh",
        who="Needs no access token, but the `refresh_token` of the last answer.",
        budget="own",
        summary="Get the next tokens of a session; a refresh token is good once",
        tag="People",
        access="anonymous",
        body=Refresh,
        answers=TokenDocument,
        keyed=True,
        problems=(*WRITES, UNAUTHENTICATED),
    ),
)
