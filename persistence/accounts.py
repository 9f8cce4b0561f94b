"""People with a password, and the keys that sign their tokens.

Passwords come hashed: how is the server's business. An email address is one account's,
however its letters are written.
"""

import secrets
from typing import Literal

from msgspec import Struct

from persistence.pool import Pool, Row

Role = Literal["guest", "customer", "organizer", "admin"]

SECRET_BYTES = 32

_ACCOUNT = "SELECT user_id, email, password_hash, role, name FROM account"
_FIND_BY_EMAIL = f"{_ACCOUNT} WHERE lower(email) = lower($1)"
_FIND = f"{_ACCOUNT} WHERE user_id = $1"
_CREATE = """
INSERT INTO account (user_id, email, password_hash, role, name)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
RETURNING user_id, email, password_hash, role, name
"""
_ENSURE_ADMIN = """
INSERT INTO account (user_id, email, password_hash, role, name)
VALUES ($1, $2, $3, 'admin', $4)
ON CONFLICT ((lower(email))) DO UPDATE
SET role = 'admin', password_hash = excluded.password_hash
RETURNING user_id, email, password_hash, role, name
"""
# Several servers may start on one database at once: the first one's secret wins.
_FIRST_KEY = (
    "INSERT INTO signing_key (kid, secret) VALUES ('1', $1) ON CONFLICT DO NOTHING"
)
_KEYS = "SELECT kid, secret FROM signing_key ORDER BY created_at DESC, kid"


class Account(Struct, frozen=True):
    """Somebody with a password."""

    user_id: str
    email: str
    password_hash: str
    role: Role
    name: str

    def __repr__(self) -> str:
        """Leave out what no log should hold."""
        return f"Account({self.user_id!r}, {self.role!r})"


class StoredKey(Struct, frozen=True):
    """A secret that signs tokens, and its name."""

    kid: str
    secret: bytes

    def __repr__(self) -> str:
        """Leave out the secret."""
        return f"StoredKey({self.kid!r})"


class Accounts:
    """Reads and makes accounts. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, user_id: str) -> Account | None:
        """Return an account by its id."""
        return _account_of(await self._pool.fetch_one(_FIND, user_id))

    async def find_by_email(self, email: str) -> Account | None:
        """Return the account of an email address."""
        return _account_of(await self._pool.fetch_one(_FIND_BY_EMAIL, email))

    async def create(self, account: Account) -> Account | None:
        """Make an account; None where its id or its email address is taken."""
        row = await self._pool.fetch_one(
            _CREATE,
            account.user_id,
            account.email,
            account.password_hash,
            account.role,
            account.name,
        )
        return _account_of(row)

    async def ensure_admin(
        self, user_id: str, email: str, password_hash: str, name: str = "Administrator"
    ) -> Account:
        """Make sure that an administrator has this address and this password.

        Who had the address keeps the id. Hashing is slow and salted: look first with
        `find_by_email` whether anything has to change.
        """
        account = _account_of(
            await self._pool.fetch_one(
                _ENSURE_ADMIN, user_id, email, password_hash, name
            )
        )
        if account is None:
            raise KeyError(email)
        return account

    async def signing_keys(self) -> list[StoredKey]:
        """Return the keys of all servers on this database, the one to sign with first.

        The first server to ask makes the first key.
        """
        rows = await self._pool.fetch(_KEYS)
        if not rows:
            await self._pool.fetch(_FIRST_KEY, secrets.token_bytes(SECRET_BYTES))
            rows = await self._pool.fetch(_KEYS)
        return [StoredKey(kid=row["kid"], secret=row["secret"]) for row in rows]


def _account_of(row: Row | None) -> Account | None:
    if row is None:
        return None
    return Account(
        user_id=row["user_id"],
        email=row["email"],
        password_hash=row["password_hash"],
        role=row["role"],
        name=row["name"],
    )
