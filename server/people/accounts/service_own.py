"""What people do with their own account: change what it says, its password, its end."""

from typing import Final

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from persistence.errors import Revisions, refuse_stale
from persistence.mail import Code, Mail
from persistence.people.accounts import Account, Accounts, EmailTaken
from persistence.people.addresses import address_key
from persistence.people.leaving import LastOwner
from persistence.people.sessions import Device
from server.base.identity import Identity
from server.base.refusals.refusals import Refusal, wrong_field
from server.people.accounts.mails import (
    asked_to_move_mail,
    new_password_mail,
    verify_mail,
)
from server.people.accounts.problems import EMAIL_TAKEN
from server.people.accounts.service import EndHere
from server.people.auth.passwords.passwords import normal_password
from server.people.auth.problems import PASSWORD_NEEDED, WRONG_PASSWORD
from server.people.auth.service import SAME_PASSWORD, SignInService
from server.people.auth.sessions import SignedIn
from server.people.organisations.problems import LAST_OWNER
from server.transport.mail.addresses import read_email
from server.transport.ratelimit.meter import Meter

ADMINS_STAY: Final = "Administrators are made and unmade by whoever runs the server."
OWNS_ALONE: Final = "You alone own an organisation: give it to a member, or end it."
CHANGED_NOW: Final = "The password was changed just now."
NEEDS_PASSWORD: Final = "Needed for another address."


class AccountEdit(Struct, frozen=True, kw_only=True):
    """What somebody changes of their account; None is left as it is.

    Another `email` needs the `current_password`, and counts once it is confirmed.
    """

    name: str | None = None
    locale: str | None = None
    email: str | None = None
    current_password: str | None = None

    def __repr__(self) -> str:
        """Leave out what no log should hold."""
        return "AccountEdit()"


class AccountService:
    """Changes and ends the account of who asks. Raises `Unavailable`, and `Refusal`.

    What takes revisions that were `seen` also raises `Stale`. A `meter` counts
    passwords and mails, and raises `RateLimited`. `end_here` is called with a user and
    what of theirs has ended.
    """

    def __init__(
        self,
        accounts: Accounts,
        sign_in: SignInService,
        end_here: EndHere,
    ) -> None:
        self._accounts = accounts
        self._sign_in = sign_in
        self._end_here = end_here

    async def find(self, who: Identity) -> Account:
        """Return the account of who asks."""
        return await self._sign_in.account_of(who)

    async def edit(
        self, who: Identity, edit: AccountEdit, seen: Revisions, meter: Meter
    ) -> Account:
        """Change what an account says; returns it as it is then."""
        account = await self.find(who)
        refuse_stale(account.revision, seen)
        if edit.email is not None:
            if edit.current_password is None:
                raise wrong_field("current_password", NEEDS_PASSWORD)
            email, password = read_email(edit.email), edit.current_password
            if await self._move(account, email, password, seen, meter):
                # It was as it was seen, and is not any more.
                seen = None
        if edit.name is not None or edit.locale is not None:
            await self._accounts.edit(who.user, edit.name, edit.locale, seen)
        return await self.find(who)

    async def change_password(
        self, who: Identity, current: str, new: str, device: Device, meter: Meter
    ) -> SignedIn:
        """Change a password, end all sessions, and open a new one."""
        if normal_password(new) == normal_password(current):
            raise wrong_field("new_password", SAME_PASSWORD)
        account = await self.find(who)
        await self._prove(account, current, meter)
        meter.notice(account.email)
        hashed = await self._sign_in.hash_new(new, "new_password")
        notice = new_password_mail(account)
        ended = await self._accounts.change_password(account, hashed, [notice])
        if ended is None:
            raise Refusal(WRONG_PASSWORD, CHANGED_NOW)
        self._end_here(account.user_id, ended)
        changed = replace(account, password_hash=hashed)
        return await self._sign_in.sign_in(changed, device)

    def refuse_admin(self, who: Identity) -> None:
        """Raise where it is an administrator whose account is to be deleted."""
        if who.role == "admin":
            raise Refusal("forbidden", ADMINS_STAY)

    async def delete(
        self, who: Identity, password: str | None, seen: Revisions, meter: Meter
    ) -> None:
        """Forget who somebody is; bookings stay, under an id that names nobody.

        Without a password the session must have begun lately: a token alone may have
        been lost or stolen.
        """
        self.refuse_admin(who)
        if password is not None:
            await self._prove(await self.find(who), password, meter)
        elif not await self._sign_in.is_fresh(who):
            raise Refusal(PASSWORD_NEEDED)
        try:
            ended = await self._accounts.delete(who.user, seen)
        except LastOwner as error:
            raise Refusal(LAST_OWNER, OWNS_ALONE) from error
        if ended is not None:
            self._end_here(who.user, ended)

    async def _move(
        self,
        account: Account,
        email: str,
        password: str,
        seen: Revisions,
        meter: Meter,
    ) -> bool:
        """Ask at another address whether it is the right one, to take it then.

        Returns whether something was changed.
        """
        await self._prove(account, password, meter)
        to = None if address_key(email) == address_key(account.email) else email
        if _key_of(to) == _key_of(account.pending_email):
            return False
        mails, codes = list[Mail](), list[Code]()
        if to is not None:
            meter.notice(account.email)
            meter.mail(to)
            message = verify_mail(account.user_id, to)
            mails = [message.mail, asked_to_move_mail(account)]
            codes = [message.code]
        try:
            moved = await self._accounts.ask_to_move(account, to, mails, codes, seen)
        except EmailTaken as error:
            raise Refusal(EMAIL_TAKEN) from error
        if moved is None:
            raise Refusal(WRONG_PASSWORD, CHANGED_NOW)
        return True

    async def _prove(self, account: Account, password: str, meter: Meter) -> None:
        email = account.email
        if not await self._sign_in.has_password(account, email, password, meter):
            raise Refusal(WRONG_PASSWORD)


def _key_of(email: str | None) -> str | None:
    return None if email is None else address_key(email)


ACCOUNT_SERVICE: Final = web.AppKey("account service", AccountService)
