"""Becoming somebody: as a guest, with a new account, with a password, with a token."""

from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import Meta, Struct

from persistence.people.sessions import Device
from server.base.identity import TOKEN_LENGTH_MAX, Role
from server.people.auth.fields import PASSWORD_WRITES, Email, Password
from server.people.auth.problems import ACCOUNT_SUSPENDED
from server.people.auth.service import SIGN_IN_SERVICE
from server.people.auth.sessions import SignedIn
from server.transport.http.client_address import network_of
from server.transport.http.problems import UNAUTHENTICATED
from server.transport.rest.bodies import is_clean
from server.transport.rest.call import Call
from server.transport.rest.guard import AUTHENTICATOR, identify, meter_of
from server.transport.rest.notes import note_actor, note_objects
from server.transport.rest.route import WRITES, Route

USER_AGENT_LENGTH_MAX: Final = 200


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
    guest = call[SIGN_IN_SERVICE].become_guest(meter_of(call))
    note_actor(call.request, guest.user, "guest")
    user = TokenUser(guest.user, "guest")
    answer = GuestToken(guest.access_token, "Bearer", guest.expires_in, user)
    return call.answer(answer, status=201)


async def log_in(call: Call) -> web.Response:
    """Give tokens to whom email and password prove."""
    body = await call.body(Login)
    # A token that proves nothing is no reason to refuse a password that does.
    before, _ = identify(call.request, call[AUTHENTICATOR])

    def note_account(user: str) -> None:
        note_objects(call.request, user=user)

    signed = await call[SIGN_IN_SERVICE].log_in(
        body.email,
        body.password,
        device_of(call),
        meter_of(call),
        before=before,
        tried=note_account,
    )
    return answer_signed_in(call, signed)


async def refresh(call: Call) -> web.Response:
    """Give the next tokens of a session, in return for its refresh token."""
    body = await call.body(Refresh)
    device = device_of(call)
    signed = await call[SIGN_IN_SERVICE].refresh(body.refresh_token, device)
    return answer_signed_in(call, signed)


def device_of(call: Call) -> Device:
    """Return what is kept of where a request comes from."""
    text = call.request.headers.get("User-Agent", "")
    agent = text[:USER_AGENT_LENGTH_MAX] if is_clean(text) else ""
    return Device(user_agent=agent, address=network_of(call.client))


def answer_signed_in(call: Call, signed: SignedIn, status: int = 200) -> web.Response:
    """Answer somebody who is signed in from now on with the tokens."""
    note_actor(call.request, signed.user, signed.role)
    return call.answer(document_of(signed), status=status)


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
