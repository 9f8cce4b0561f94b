"""Signs people in: sees who proves to be whom, and opens and ends their sessions."""

import asyncio
from collections.abc import Callable
from time import time
from typing import Final

from aiohttp import web
from msgspec import Struct

from persistence.errors import Revisions, Unavailable, refuse_stale
from persistence.people.accounts import Account, Accounts
from persistence.people.sessions import Device, SessionRow, Sessions
from server.base.identity import Identity
from server.base.refusals.refusals import Refusal, wrong_field
from server.people.auth.lifetimes import FRESH_S
from server.people.auth.passwords.passwords import (
    Passwords,
    PasswordsBusy,
    weakness_of,
)
from server.people.auth.problems import ACCOUNT_SUSPENDED, SESSION_NOT_FOUND
from server.people.auth.sessions import SignedIn, SignIns
from server.people.auth.tokens.tokens import Tokens
from server.transport.http.client_address import crowd_of
from server.transport.ratelimit.meter import Meter
from server.transport.rest.idempotency import new_id

LOOKS_MAX: Final = 3
"""How often an account is looked at that is changed while its password is checked."""

WRONG_S: Final = 0.3
"""How long the answer to a wrong password takes at least: what was hashed with other
costs, before, takes longer to compare than what is hashed today, or nobody's."""

SAME_PASSWORD: Final = "This is the password that you have: choose another."


class NewGuest(Struct, frozen=True):
    """An anonymous buyer, and the token that is all that makes it one."""

    user: str
    access_token: str
    expires_in: int

    def __repr__(self) -> str:
        """Leave out the token."""
        return f"NewGuest({self.user!r})"


class SignInService:
    """Makes somebody of a caller. Raises `Unavailable`, and `Refusal`.

    A `meter` counts passwords and guests, and raises `RateLimited`. A `device` is what
    a session says of where it was opened.
    """

    def __init__(
        self,
        accounts: Accounts,
        passwords: Passwords,
        sessions: Sessions,
        sign_ins: SignIns,
        tokens: Tokens,
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._sessions = sessions
        self._sign_ins = sign_ins
        self._tokens = tokens

    # -- Becoming somebody

    def become_guest(self, meter: Meter) -> NewGuest:
        """Make an anonymous buyer."""
        meter.guest(crowd_of(meter.client))
        # A guest is nothing but an unguessable name: no row is written before it buys.
        return self._guest(new_id("usr", "", None))

    def become_again(self, guest: str, meter: Meter) -> NewGuest:
        """Make whoever proved to be a guest that guest once more, on another device."""
        meter.guest(crowd_of(meter.client))
        return self._guest(guest)

    def _guest(self, user: str) -> NewGuest:
        token, lasts_s = self._tokens.issue(user, "guest", int(time()))
        return NewGuest(user, token, lasts_s)

    async def log_in(
        self,
        email: str,
        password: str,
        device: Device,
        meter: Meter,
        *,
        before: Identity | None = None,
        tried: Callable[[str], None],
    ) -> SignedIn:
        """Sign in whom email and password prove.

        `before` is who the caller was until now: the sockets of a guest are closed.
        `tried` hears whose password is tried, before it is known whether it is right.
        """
        email = email.strip()
        for _ in range(LOOKS_MAX):
            account = await self._accounts.find_by_email(email)
            if account is not None:
                tried(account.user_id)
            proven = await self.has_password(account, email, password, meter)
            if account is None or not proven:
                detail = "The email or the password is wrong."
                raise Refusal("unauthenticated", detail)
            signed = await self._open(account, device)
            if signed is not None:
                await self._hash_anew(account, password)
                if before is not None and before.role == "guest":
                    self._sign_ins.leave_here(before.user)
                return signed
            # What was compared is not there any more: what is there now counts.
        raise Refusal("unavailable", "The account is being changed.")

    async def refresh(self, token: str, device: Device) -> SignedIn:
        """Go on with the session of a refresh token."""
        signed = await self._sign_ins.refresh(token, device)
        if signed is None:
            detail = "This session has ended; log in again."
            raise Refusal("unauthenticated", detail)
        return signed

    async def sign_in(self, account: Account, device: Device) -> SignedIn:
        """Open a session for somebody who proved who it is."""
        signed = await self._open(account, device)
        if signed is None:
            raise Refusal("unauthenticated", "The account was changed just now.")
        return signed

    async def _open(self, account: Account, device: Device) -> SignedIn | None:
        """Open a session; None where the account was changed since it was looked at."""
        if account.suspended:
            # Told to nobody but who has the password.
            raise Refusal(ACCOUNT_SUSPENDED)
        return await self._sign_ins.open(account, device)

    async def _hash_anew(self, account: Account, password: str) -> None:
        """Store a right password with the costs of today, where it has others."""
        if not self._passwords.is_outdated(account.password_hash):
            return
        try:
            hashed = await self._passwords.hash(password)
            await self._accounts.renew_hash(account, hashed)
        except (PasswordsBusy, Unavailable):
            # The hash of before is as right, and the next login comes by here again.
            return

    # -- Who somebody is, and the proof

    async def account_of(self, who: Identity) -> Account:
        """Return somebody's account."""
        account = await self._accounts.find(who.user)
        if account is None:
            detail = "This account is not there any more."
            raise Refusal("unauthenticated", detail)
        return account

    async def has_password(
        self, account: Account | None, email: str, password: str, meter: Meter
    ) -> bool:
        """Return whether a password is that of the account; guesses are counted.

        It takes its time for nobody's account as well.
        """
        meter.login(email)
        clock = asyncio.get_running_loop().time
        answered_s = clock() + WRONG_S
        proven = await self._verify(account, password)
        if not proven:
            await asyncio.sleep(answered_s - clock())
        return proven

    async def refuse_same(self, account: Account, password: str, field: str) -> None:
        """Raise where somebody chooses, in a field, the password of their account."""
        if await self._verify(account, password):
            raise wrong_field(field, SAME_PASSWORD)

    async def hash_new(self, password: str, field: str) -> str:
        """Return the hash of a password that somebody chose, in a field."""
        weakness = weakness_of(password)
        if weakness is not None:
            raise wrong_field(field, weakness)
        try:
            return await self._passwords.hash(password)
        except PasswordsBusy as error:
            raise _busy() from error

    async def _verify(self, account: Account | None, password: str) -> bool:
        stored_hash = None if account is None else account.password_hash
        try:
            return await self._passwords.verify(stored_hash, password)
        except PasswordsBusy as error:
            raise _busy() from error

    # -- Sessions

    async def is_fresh(self, who: Identity) -> bool:
        """Return whether somebody's session began within minutes, with a password."""
        return await self._sessions.is_fresh(who.user, who.session, FRESH_S)

    async def sessions_of(self, who: Identity) -> list[SessionRow]:
        """Return where somebody is logged in, the one seen last first."""
        return await self._sessions.of_user(who.user)

    async def end_session(self, who: Identity, session: str, seen: Revisions) -> None:
        """End one of somebody's sessions, its sockets included; raises `Stale`, too."""
        # Nothing of it can be edited.
        refuse_stale(0, seen)
        if not await self._sign_ins.end(who.user, session):
            raise Refusal(SESSION_NOT_FOUND)

    async def log_out(self, who: Identity) -> None:
        """End the session that somebody asks with, if it is one."""
        if who.session:
            await self._sign_ins.end(who.user, who.session)

    async def log_out_everywhere(self, who: Identity) -> None:
        """End all that somebody is signed in with."""
        await self._sign_ins.end_all(who.user)


def _busy() -> Refusal:
    return Refusal("overloaded", "Too many passwords at once.")


ACCOUNTS: Final = web.AppKey("accounts", Accounts)
SIGN_IN_SERVICE: Final = web.AppKey("sign-in service", SignInService)
