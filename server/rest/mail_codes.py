"""What a code in a mail is good for: to confirm an address, or a new password."""

import asyncio
from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import Meta, Struct

from server.codes import hash_of_code
from server.rest.call import Call
from server.rest.notes import note_objects
from server.rest.people import (
    Email,
    NewPassword,
    account_of,
    count_mail,
    hash_password,
)
from server.rest.problems import ProblemError

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


class Reset(Struct, forbid_unknown_fields=True):
    """The code of a mail, and the password that is to be."""

    code: MailCode
    password: NewPassword


class Accepted(Struct):
    """Whether a mail is sent is not told."""

    status: Literal["accepted"] = "accepted"


async def resend(call: Call) -> web.Response:
    """Send the code for the caller's address once more; earlier ones end."""
    context, account = call.context, await account_of(call)
    if not account.verified:
        count_mail(call, account.email)
        letter = context.letters.verify(account.user_id, account.email)
        await context.accounts.put_code(letter.mail, letter.code)
    return call.answer(Accepted(), status=202)


async def verify(call: Call) -> web.Response:
    """Note that somebody reads the mails of an address."""
    body = await call.body(Verify)
    proven = await call.context.accounts.verify(hash_of_code(body.code))
    if proven is None:
        raise ProblemError("code_invalid")
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
    context, hashed_code = call.context, hash_of_code(body.code)
    # Before the hash, which is dear: nobody may have us compute it for nothing.
    if await context.outbox.find_code(hashed_code, "reset") is None:
        raise ProblemError("code_invalid")
    hashed = await hash_password(call, body.password, "password")
    done = await context.accounts.reset_password(hashed_code, hashed)
    if done is None:
        raise ProblemError("code_invalid")
    proven, ended = done
    note_objects(call.request, user=proven.user_id)
    context.sign_ins.end_here(proven.user_id, ended)
    return call.done()


async def _send_reset(call: Call, email: str) -> None:
    context = call.context
    account = await context.accounts.find_by_email(email)
    if account is not None:
        letter = context.letters.reset(account)
        await context.accounts.put_code(letter.mail, letter.code)
