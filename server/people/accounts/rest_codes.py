"""What a code in a mail is good for: to confirm an address, or a new password."""

from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import Meta, Struct

from inventory.faults import Faults
from server.people.accounts.problems import EMAIL_TAKEN
from server.people.accounts.service_codes import CODE_SERVICE
from server.people.auth.fields import (
    PASSWORD_WRITES,
    Email,
    NewPassword,
    check_new_password,
)
from server.transport.http.problems import BAD_FIELD, CODE_INVALID, UNAVAILABLE
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.guard import meter_of
from server.transport.rest.notes import note_objects
from server.transport.rest.route import WRITES, Route

MailCode = Annotated[str, Meta(min_length=1, max_length=128)]


class Verify(Struct, forbid_unknown_fields=True):
    """The code that was sent to an address."""

    code: MailCode


class Forgot(Struct, forbid_unknown_fields=True):
    """Whose password is forgotten."""

    email: Email


class Reset(Body):
    """The code of a mail, and the password that is to be, which must be another."""

    code: MailCode
    password: NewPassword

    def check(self, faults: Faults) -> None:
        """Add what is wrong with the password."""
        check_new_password(faults, "password", self.password)


class Accepted(Struct):
    """Whether a mail is sent is not told."""

    status: Literal["accepted"] = "accepted"


async def resend(call: Call) -> web.Response:
    """Send the code for the caller's address once more; earlier ones end."""
    await call[CODE_SERVICE].resend(call.who, meter_of(call))
    return call.answer(Accepted(), status=202)


async def verify(call: Call) -> web.Response:
    """Note that somebody reads the mails of an address; it may be a new one."""
    body = await call.body(Verify)
    user = await call[CODE_SERVICE].verify(body.code)
    note_objects(call.request, user=user)
    return call.done()


async def forgot(call: Call) -> web.Response:
    """Send a code to an address, if it has an account; the answer does not tell."""
    body = await call.body(Forgot)
    await call[CODE_SERVICE].forgot(body.email, meter_of(call))
    return call.answer(Accepted(), status=202)


async def reset(call: Call) -> web.Response:
    """Change the password of whom the code proves, and end all sessions."""
    body = await call.body(Reset)
    user = await call[CODE_SERVICE].reset(body.code, body.password)
    note_objects(call.request, user=user)
    return call.done()


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/v1/auth/email/resend",
        handler=resend,
        name="resend_code",
        summary="Send the code that confirms the caller's new address once more",
        tag="People",
        access="customer",
        answers=Accepted,
        status=202,
        keyed=True,
        problems=(UNAVAILABLE, BAD_FIELD),
    ),
    Route(
        method="POST",
        path="/v1/auth/email/verify",
        handler=verify,
        name="verify_email",
        who="Needs no token, but the code of the mail to the address.",
        summary="Confirm an address with the code that was sent there",
        tag="People",
        access="anonymous",
        body=Verify,
        status=204,
        problems=(*WRITES, CODE_INVALID, EMAIL_TAKEN),
    ),
    Route(
        method="POST",
        path="/v1/auth/password/forgot",
        handler=forgot,
        name="forgot_password",
        summary="Send a code for a new password to an address, if it has an account",
        tag="People",
        access="anonymous",
        body=Forgot,
        answers=Accepted,
        status=202,
        problems=WRITES,
    ),
    Route(
        method="POST",
        path="/v1/auth/password/reset",
        handler=reset,
        name="reset_password",
        who="Needs no token, but the code of the mail to the address.",
        summary="Choose a new password with the code of a mail; all sessions end",
        tag="People",
        access="anonymous",
        body=Reset,
        status=204,
        problems=(*PASSWORD_WRITES, CODE_INVALID),
    ),
)
