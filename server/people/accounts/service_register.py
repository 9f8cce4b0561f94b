"""Making an account, out of nothing or out of what a guest has."""

from datetime import UTC, datetime, timedelta
from typing import Final

from aiohttp import web
from msgspec import Struct

from persistence.people.accounts import Account, Accounts
from persistence.people.addresses import address_key
from persistence.people.sessions import Device
from server.base.identity import Identity
from server.base.refusals.refusals import Refusal
from server.people.accounts.mails import verify_mail
from server.people.accounts.problems import EMAIL_TAKEN
from server.people.accounts.service import EndHere
from server.people.auth.service import SignInService
from server.people.auth.sessions import SignedIn
from server.transport.mail.addresses import read_email
from server.transport.ratelimit.meter import Meter
from server.transport.rest.idempotency import new_id

REPEATED: Final = timedelta(hours=1)
"""How long after an account was made the same request again is answered as the first.

By the clocks of two machines, whose difference matters little in an hour."""


class Newcomer(Struct, frozen=True):
    """Somebody who may make an account: `NewcomerService.begin` counted that.

    `guest` is who they were until now, if they were a guest.
    """

    guest: str | None
    meter: Meter


class NewAccount(Struct, frozen=True):
    """What an account is to be."""

    email: str
    password: str
    name: str
    locale: str = ""
    """In which language the mails to it are; empty where nobody knows."""

    def __repr__(self) -> str:
        """Leave out what no log should hold."""
        return "NewAccount()"


class NewcomerService:
    """Makes accounts for who asks. Raises `Unavailable`, and `Refusal`.

    `end_here` is called with a user and what of theirs has ended.
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

    def begin(self, who: Identity | None, meter: Meter) -> Newcomer:
        """Count a new account of somebody's address; raises `RateLimited`."""
        meter.registration()
        guest = who.user if who is not None and who.role == "guest" else None
        return Newcomer(guest, meter)

    async def register(
        self, newcomer: Newcomer, new: NewAccount, key: str | None, device: Device
    ) -> SignedIn:
        """Make an account and sign in; a guest's has all that the guest has."""
        email = read_email(new.email)
        # Before it is known whether there is an account: so nobody asks that often,
        # either.
        newcomer.meter.welcome(email)
        user = newcomer.guest or new_id("usr", address_key(email), key)
        # Hashed in any case, so that its time does not tell who has an account.
        hashed = await self._sign_in.hash_new(new.password, "password")
        wanted = Account(user, email, hashed, "customer", new.name, locale=new.locale)
        message = verify_mail(user, email)
        account = await self._accounts.create(wanted, [message.mail], [message.code])
        if account is not None:
            # Whoever gave the guest its token knows it, and would be somebody with it
            # now; so would a socket that was opened with it.
            self._end_here(user, [user])
        else:
            account = await self._registered_before(
                user, email, new.password, newcomer.meter
            )
        return await self._sign_in.sign_in(account, device)

    async def _registered_before(
        self, user: str, email: str, password: str, meter: Meter
    ) -> Account:
        """Return the account where this is the same request once more.

        For a while only, and what is shown counts as a guess at the password, as it
        does where one logs in: a key that others know is no way round that.
        """
        found = await self._accounts.find_by_email(email)
        if found is None or found.user_id != user or not _is_new(found):
            raise Refusal(EMAIL_TAKEN)
        if not await self._sign_in.has_password(found, email, password, meter):
            raise Refusal("key_reused")
        return found


def _is_new(account: Account) -> bool:
    """Return whether an account is so new that its maker may not have heard of it."""
    made_at = account.created_at
    return made_at is not None and datetime.now(UTC) - made_at < REPEATED


NEWCOMER_SERVICE: Final = web.AppKey("newcomer service", NewcomerService)
