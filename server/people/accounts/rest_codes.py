"""What a code in a mail is good for: to confirm an address, or a new password."""

import asyncio
from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import Meta, Struct

from inventory.faults import Faults
from persistence.people.accounts import EmailTaken
from server.people.accounts.mails import ACCOUNT_MAILS
from server.people.accounts.problems import EMAIL_TAKEN
from server.people.auth.fields import (
    ACCOUNTS,
    PASSWORD_WRITES,
    Email,
    NewPassword,
    account_of,
    check_new_password,
    count_mail,
    hash_password,
    refuse_same,
)
from server.people.auth.sessions import SIGN_INS
from server.transport.http.problems import (
    BAD_FIELD,
    CODE_INVALID,
    UNAVAILABLE,
    ProblemError,
)
from server.transport.mail.codes import hash_of_code
from server.transport.mail.sender import OUTBOX
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.notes import note_objects
from server.transport.rest.route import WRITES, Route

FORGOT_S: Final = 0.3
"""How long the answer takes at least, so that its time does not tell who has an
account: with one there is a mail to write."""

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
    account = await account_of(call)
    # An address that is to be is what waits for a code, whatever the one of today does.
    email = account.pending_email or (None if account.verified else account.email)
    if email is not None:
        count_mail(call, email)
        message = call[ACCOUNT_MAILS].verify(account.user_id, email)
        await call[ACCOUNTS].put_code(message.mail, message.code)
    return call.answer(Accepted(), status=202)


async def verify(call: Call) -> web.Response:
    """Note that somebody reads the mails of an address; it may be a new one."""
    body = await call.body(Verify)
    try:
        proven = await call[ACCOUNTS].verify(
            hash_of_code(body.code), call[ACCOUNT_MAILS].new_address
        )
    except EmailTaken as error:
        raise ProblemError(EMAIL_TAKEN) from error
    if proven is None:
        raise ProblemError(CODE_INVALID)
    note_objects(call.request, user=proven.user_id)
    return call.done()


async def forgot(call: Call) -> web.Response:
    """Send a code to an address, if it has an account; the answer does not tell."""
    body = await call.body(Forgot)
    email = body.email.strip()
    count_mail(call, email)
    await asyncio.gather(_send_reset(call, email), asyncio.sleep(FORGOT_S))
    return call.answer(Accepted(), status=202)


async def reset(call: Call) -> web.Response:
    """Change the password of whom the code proves, and end all sessions."""
    body = await call.body(Reset)
    hashed_code = hash_of_code(body.code)
    # Before the hash, which is dear: nobody may have us compute it for nothing.
    proven = await call[OUTBOX].find_code(hashed_code, "reset")
    account = None if proven is None else await call[ACCOUNTS].find(proven.user_id)
    if account is None:
        raise ProblemError(CODE_INVALID)
    await refuse_same(call, account, body.password, "password")
    hashed = await hash_password(call, body.password)
    done = await call[ACCOUNTS].reset_password(hashed_code, hashed)
    if done is None:
        raise ProblemError(CODE_INVALID)
    proven, ended = done
    note_objects(call.request, user=proven.user_id)
    call[SIGN_INS].end_here(proven.user_id, ended)
    return call.done()


async def _send_reset(call: Call, email: str) -> None:
    account = await call[ACCOUNTS].find_by_email(email)
    if account is not None:
        message = call[ACCOUNT_MAILS].reset(account)
        await call[ACCOUNTS].put_code(message.mail, message.code)


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
