"""Access tokens for guests, and for those who have a password."""

import secrets
import time
from typing import Annotated, Literal

from aiohttp import web
from msgspec import Meta, Struct

from server.accounts.passwords import PASSWORD_LENGTH_MAX, PasswordsBusy
from server.accounts.tokens import Role
from server.rest.call import Call
from server.rest.guard import enforce
from server.rest.problems import ProblemError


class Login(Struct, forbid_unknown_fields=True):
    """Who wants to log in, and the proof."""

    email: Annotated[str, Meta(min_length=3, max_length=254)]
    password: Annotated[str, Meta(min_length=1, max_length=PASSWORD_LENGTH_MAX)]


class TokenUser(Struct):
    """Whom a token is for."""

    id: str
    role: Role


class TokenDocument(Struct):
    """A new access token, as OAuth 2 names its parts."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    user: TokenUser


async def create_guest(call: Call) -> web.Response:
    """Make an anonymous buyer."""
    if call.context.limits is not None:
        verdict = call.context.limits.guest(call.client, time.monotonic())
        enforce(call.request, verdict)
    # A guest is nothing but an unguessable name: no row is written before it buys.
    user = f"usr_{secrets.token_urlsafe(16)}"
    return call.answer(_issue(call, user, "guest"), status=201)


async def log_in(call: Call) -> web.Response:
    """Give a token to whom email and password prove."""
    body = await call.body(Login)
    email = body.email.strip().lower()
    if call.context.limits is not None:
        verdict = call.context.limits.login(call.client, email, time.monotonic())
        enforce(call.request, verdict)
    account = await call.context.accounts.find_by_email(email)
    stored_hash = None if account is None else account.password_hash
    try:
        proven = await call.context.passwords.verify(stored_hash, body.password)
    except PasswordsBusy as error:
        raise ProblemError("overloaded", "Too many logins at once.") from error
    if account is None or not proven:
        raise ProblemError("unauthenticated", "The email or the password is wrong.")
    return call.answer(_issue(call, account.user_id, account.role))


def _issue(call: Call, user: str, role: Role) -> TokenDocument:
    token, lifetime_s = call.context.tokens.issue(user, role, int(time.time()))
    return TokenDocument(token, "Bearer", lifetime_s, TokenUser(user, role))
