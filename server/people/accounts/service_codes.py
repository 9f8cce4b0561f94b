"""What a code in a mail is good for: to confirm an address, or a new password."""

import asyncio
from typing import Final

from aiohttp import web

from persistence.mail import Outbox
from persistence.people.accounts import Accounts, EmailTaken
from server.base.identity import Identity
from server.base.refusals.refusals import CODE_INVALID, Refusal
from server.people.accounts.mails import new_address_mail, reset_mail, verify_mail
from server.people.accounts.problems import EMAIL_TAKEN
from server.people.accounts.service import EndHere
from server.people.auth.service import SignInService
from server.transport.mail.codes import hash_of_code
from server.transport.ratelimit.meter import Meter

FORGOT_S: Final = 0.3
"""How long the answer takes at least, so that its time does not tell who has an
account: with one there is a mail to write."""


class CodeService:
    """Sends codes, and takes them. Raises `Unavailable`, and `Refusal`.

    A `meter` counts mails, and raises `RateLimited`. `end_here` is called with a user
    and what of theirs has ended.
    """

    def __init__(
        self,
        accounts: Accounts,
        outbox: Outbox,
        sign_in: SignInService,
        end_here: EndHere,
    ) -> None:
        self._accounts = accounts
        self._outbox = outbox
        self._sign_in = sign_in
        self._end_here = end_here

    async def resend(self, who: Identity, meter: Meter) -> None:
        """Send the code for somebody's address once more; earlier ones end."""
        account = await self._sign_in.account_of(who)
        # What is to be is what waits for a code, whatever the address of today does.
        today = None if account.verified else account.email
        email = account.pending_email or today
        if email is not None:
            meter.mail(email)
            message = verify_mail(account.user_id, email)
            await self._accounts.put_code(message.mail, message.code)

    async def verify(self, code: str) -> str:
        """Note that somebody reads the mails of an address; it may be a new one.

        Returns the user.
        """
        try:
            proven = await self._accounts.verify(hash_of_code(code), new_address_mail)
        except EmailTaken as error:
            raise Refusal(EMAIL_TAKEN) from error
        if proven is None:
            raise Refusal(CODE_INVALID)
        return proven.user_id

    async def forgot(self, email: str, meter: Meter) -> None:
        """Send a code to an address, if it has an account; nothing tells whether."""
        email = email.strip()
        meter.mail(email)
        await asyncio.gather(self._send_reset(email), asyncio.sleep(FORGOT_S))

    async def reset(self, code: str, password: str) -> str:
        """Change the password of whom a code proves, and end all sessions.

        Returns the user.
        """
        hashed_code = hash_of_code(code)
        # Before the hash, which is dear: nobody may have us compute it for nothing.
        proven = await self._outbox.find_code(hashed_code, "reset")
        account = None if proven is None else await self._accounts.find(proven.user_id)
        if account is None:
            raise Refusal(CODE_INVALID)
        await self._sign_in.refuse_same(account, password, "password")
        hashed = await self._sign_in.hash_new(password, "password")
        done = await self._accounts.reset_password(hashed_code, hashed)
        if done is None:
            raise Refusal(CODE_INVALID)
        proven, ended = done
        self._end_here(proven.user_id, ended)
        return proven.user_id

    async def _send_reset(self, email: str) -> None:
        account = await self._accounts.find_by_email(email)
        if account is not None:
            message = reset_mail(account)
            await self._accounts.put_code(message.mail, message.code)


CODE_SERVICE: Final = web.AppKey("code service", CodeService)
