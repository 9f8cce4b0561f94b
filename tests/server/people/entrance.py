"""Signing in, for tests of services over accounts without a server."""

from unittest import mock

from persistence.people.accounts import Account
from server.base.identity import Identity
from server.people.auth.passwords import passwords
from server.people.auth.service import SignInService
from server.people.auth.sessions import SignedIn, SignIns
from server.people.auth.tokens.signing_keys import KeyPair
from server.people.auth.tokens.tokens import Tokens
from tests.persistence.persons import PHONE, accounts_of, sessions_of
from tests.server.conftest import quick_hasher
from tests.server.meters import uncounted
from tests.server.people.house import People

PASSWORD = "correct horse battery"


class Entrance:
    """Signs people in, and notes whose sockets are closed."""

    def __init__(self, people: People) -> None:
        self.pool = people.pool
        with mock.patch.object(passwords, "PasswordHasher", quick_hasher):
            self.passwords = passwords.Passwords()
        self.accounts = accounts_of(people.pool)
        self.tokens = Tokens([KeyPair(b"1" * 32)])
        self.sessions = sessions_of(people.pool)
        self.closed: list[tuple[str, str]] = []
        self.tried: list[str] = []
        self.sign_ins = SignIns(self.sessions, self.tokens, close_sockets=self._close)
        self.service = SignInService(
            self.accounts, self.passwords, self.sessions, self.sign_ins, self.tokens
        )

    def _close(self, user: str, subject: str) -> None:
        self.closed.append((user, subject))

    async def account(self, who: Identity) -> Account:
        """Return somebody's account, as it is now."""
        return await self.service.account_of(who)

    async def choose(self, who: Identity, password: str = PASSWORD) -> None:
        """Give somebody a password."""
        account = await self.account(who)
        hashed = await self.passwords.hash(password)
        assert await self.accounts.change_password(account, hashed, []) is not None

    async def log_in(
        self, who: Identity, password: str = PASSWORD, before: Identity | None = None
    ) -> SignedIn:
        """Log somebody in with the address of their account."""
        account = await self.account(who)
        return await self.service.log_in(
            account.email,
            password,
            PHONE,
            uncounted(),
            before=before,
            tried=self.tried.append,
        )

    def who(self, signed: SignedIn) -> Identity:
        """Return who asks with the token that somebody got."""
        return Identity(signed.user, signed.role, 2**31, signed.session)

    async def mails(self) -> list[str]:
        """Return to whom mails wait to be sent."""
        rows = await self.pool.fetch("SELECT recipient FROM mail ORDER BY recipient")
        return [row["recipient"] for row in rows]
