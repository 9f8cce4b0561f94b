"""Who is signed in: opens, refreshes and ends sessions, and sees that all hear of it.

Concurrency: what ends here ends at once, tokens and sockets; the other processes hear
of it over the bus, and in any case when they next look at the database, which each does
every two seconds.

A refresh token is 256 random bits, and only its digest is stored. The next one follows
from the last and a secret, so that whoever shows the last one again soon, as two tabs
do, or a client that lost the answer, gets the same next one: only with both can it be
made. The secret is 256 random bits for each token, and never leaves the server: nothing
that a client sends is in it, such as an idempotency key, which others may know.
"""

import asyncio
import hmac
import secrets
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final

import structlog
from aiohttp import web
from msgspec import Struct

from persistence.errors import Unavailable
from persistence.people.accounts import Account
from persistence.people.sessions import Device, Revocation, Sessions, Stolen
from server.base.identity import Role
from server.base.jobs import Job
from server.people.auth.lifetimes import (
    CLOCK_SKEW_S,
    LIFETIME_S,
    SESSION_S,
    SESSION_TOKEN_S_MAX,
    TOKEN_S_MAX,
)
from server.people.auth.tokens.tokens import Tokens

LOOK_S: Final = 2.0
"""How often a process looks for sessions that others ended."""

FORGET_S: Final = 3_600.0
"""How often what is over is deleted."""

assert LOOK_S < 5.0

SESSION_TOKEN_S: Final = SESSION_TOKEN_S_MAX + CLOCK_SKEW_S
"""How long a session's access token may still be good when the session ends."""

ALONE_TOKEN_S: Final = TOKEN_S_MAX + CLOCK_SKEW_S
"""The same of a token that belongs to no session, as a guest's."""

REFRESH_BYTES: Final = 32
NEXT: Final = b"onsale refresh 1\n"

log = structlog.get_logger()


class SignedIn(Struct, frozen=True):
    """What a client gets when it is signed in."""

    user: str
    role: Role
    session: str
    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int

    def __repr__(self) -> str:
        """Leave out the tokens."""
        return f"SignedIn({self.user!r}, {self.session!r})"


class SignIns:
    """The sessions of all who have an account, as this process sees them."""

    def __init__(
        self,
        store: Sessions,
        tokens: Tokens,
        *,
        close_sockets: Callable[[str, str], None],
    ) -> None:
        self.tell: Callable[[str, list[str], bool], None] = _nobody
        """Tells the other processes of a user's sessions that ended."""
        self.tell_left: Callable[[str], None] = _nobody_left
        """Tells them of a guest who is somebody else now."""
        self._store = store
        self._tokens = tokens
        self._close_sockets = close_sockets
        self._looked_s = 0.0
        self._look_now = asyncio.Event()

    async def open(self, account: Account, device: Device) -> SignedIn | None:
        """Sign somebody in; None where the password was changed meanwhile."""
        session = f"ses_{secrets.token_urlsafe(16)}"
        refresh = secrets.token_urlsafe(REFRESH_BYTES)
        surplus = await self._store.open(
            session,
            account.user_id,
            account.password_hash,
            _digest(refresh),
            device,
        )
        if surplus is None:
            return None
        if surplus:
            self.end_here(account.user_id, surplus)
        return self._signed_in(account.user_id, account.role, session, refresh)

    async def refresh(self, token: str, device: Device) -> SignedIn | None:
        """Go on with a session; None where the token is not good, or not any more."""
        salt = secrets.token_bytes(REFRESH_BYTES)
        found = await self._store.refresh(
            _digest(token), _digest(_next(token, salt)), salt, device
        )
        if found is None:
            return None
        if isinstance(found, Stolen):
            log.warning("a refresh token came twice", session=found.session_id)
            self.end_here(found.user_id, [found.session_id])
            return None
        following = _next(token, found.salt)
        return self._signed_in(found.user_id, found.role, found.session_id, following)

    async def end(self, user: str, session: str) -> bool:
        """End one session of a user; False where there is none of this name."""
        ended = await self._store.end(user, session)
        if ended:
            self.end_here(user, [session])
        return ended

    async def end_all(self, user: str) -> None:
        """End everything that a user is signed in with."""
        self.end_here(user, await self._store.end_all(user, ALONE_TOKEN_S))

    def end_here(self, user: str, subjects: Iterable[str]) -> None:
        """Act on what the database says has ended, and tell the others."""
        ended = list(subjects)
        self._end(user, ended, sockets=True)
        self.tell(user, ended, True)

    def heard(self, user: str, subjects: list[str], sockets: bool) -> None:
        """Act on what another process says has ended."""
        self._end(user, subjects, sockets=sockets)

    def leave_here(self, guest: str) -> None:
        """Close the sockets of a guest who is somebody else now, and tell the others.

        Its token stays good: nobody else could give back what it holds and has booked.
        """
        self.heard_left(guest)
        self.tell_left(guest)

    def heard_left(self, guest: str) -> None:
        """Act on what another process says of a guest who is somebody else now."""
        self._close_sockets(guest, guest)

    def look_soon(self) -> None:
        """Look at the database now: something may have been said unheard."""
        self._look_now.set()

    async def look(self) -> None:
        """Act on whatever the database says has ended. Raises `Unavailable`."""
        for revocation in await self._store.revoked_since(self._looked_s):
            self._apply(revocation)

    async def run(self, job: Job) -> None:
        """Look for what others ended, for ever, and forget what is over here."""
        forgot_s = -FORGET_S
        while True:
            try:
                with job:
                    await self.look()
                    if time.monotonic() - forgot_s >= FORGET_S:
                        self._tokens.forget_ended(int(time.time()))
                        forgot_s = time.monotonic()
            except Unavailable as error:
                log.warning("sessions that ended are unknown", reason=str(error))
            self._look_now.clear()
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._look_now.wait()
            except TimeoutError:
                # Nobody said anything, as usual.
                continue

    def _end(self, user: str, subjects: list[str], *, sockets: bool) -> None:
        now_s = int(time.time())
        for subject in subjects:
            lasts_s = ALONE_TOKEN_S if subject == user else SESSION_TOKEN_S
            self._tokens.end(subject, now_s + lasts_s)
            if sockets:
                self._close_sockets(user, subject)

    def _apply(self, one: Revocation) -> None:
        self._looked_s = max(self._looked_s, one.at_s)
        self._tokens.end(one.subject, int(one.until_s))
        if one.sockets:
            self._close_sockets(one.user_id, one.subject)

    def _signed_in(self, user: str, role: Role, session: str, refresh: str) -> SignedIn:
        token, lasts_s = self._tokens.issue(user, role, int(time.time()), session)
        assert lasts_s == LIFETIME_S[role]
        return SignedIn(user, role, session, token, lasts_s, refresh, SESSION_S)


def _next(token: str, salt: bytes) -> str:
    """Return the refresh token that follows this one."""
    return hmac.digest(token.encode(), NEXT + salt, "sha256").hex()


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _nobody(user: str, subjects: list[str], sockets: bool) -> None:
    """Alone, there is nobody to tell."""


def _nobody_left(guest: str) -> None:
    """Alone, there is nobody to tell of this either."""


SIGN_INS: Final = web.AppKey("sign-ins", SignIns)
