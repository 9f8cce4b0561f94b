"""People with a password.

Passwords come hashed: how is the server's business. An email address is one account's,
however it is spelled: see `addresses.py`. Whatever takes a password, or a mail
with a code, away from somebody ends that account's sessions in the same transaction.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from msgspec import Struct

from persistence.errors import Revisions, Unavailable
from persistence.mail import (
    Code,
    Mail,
    Proven,
    drop_codes,
    drop_mails,
    put_mails,
    use_code,
)
from persistence.people.addresses import address_key
from persistence.people.leaving import leave_all
from persistence.people.sessions import Role, end_all, end_guest
from persistence.people.users import keep_an_admin
from persistence.postgres.pool import Pool, Row, UniqueViolation
from persistence.postgres.revisions import refuse_stale_row

_FIELDS = (
    "user_id, email, password_hash, role, name, verified_at, created_at, suspended_at,"
    " pending_email, revision, locale"
)
# One without a key came, before there were keys, by another spelling of what was
# somebody else's address: its own spelling still finds it, and finds nobody else.
_FIND_BY_EMAIL = f"""
SELECT {_FIELDS} FROM account
WHERE email_key = $1 OR (email_key IS NULL AND lower(email) = lower($2))
ORDER BY email_key NULLS FIRST LIMIT 1
"""
_FIND = f"SELECT {_FIELDS} FROM account WHERE user_id = $1 AND deleted_at IS NULL"
_CREATE = f"""
INSERT INTO account (user_id, email, password_hash, role, name, email_key, locale)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING
RETURNING {_FIELDS}
"""
_LOCK_BY_EMAIL = f"{_FIND_BY_EMAIL} FOR UPDATE"
_WAS_MADE_ADMIN = "SELECT FROM first_admin WHERE address_hash = $1"
# Whoever comes second waits here for the first, and then finds it done.
_NOTE_ADMIN = """
INSERT INTO first_admin (address_hash) VALUES ($1) ON CONFLICT DO NOTHING
RETURNING address_hash
"""
_MAKE_ADMIN = """
UPDATE account SET role = 'admin', password_hash = $2, suspended_at = NULL,
    suspended_reason = NULL
WHERE user_id = $1
"""
_EDIT = f"""
UPDATE account SET name = coalesce($2, name), locale = coalesce($3, locale)
WHERE user_id = $1 AND deleted_at IS NULL
RETURNING {_FIELDS}
"""
_ASK_TO_MOVE = f"""
UPDATE account SET pending_email = $3 WHERE user_id = $1 AND password_hash = $2
RETURNING {_FIELDS}
"""
_IS_TAKEN = "SELECT FROM account WHERE email_key = $1 AND user_id <> $2"
_MOVE = """
UPDATE account SET email = $2, email_key = $3, pending_email = NULL, verified_at = now()
WHERE user_id = $1 AND pending_email = $2
RETURNING user_id
"""
_STAY = "UPDATE account SET pending_email = NULL WHERE user_id = $1"
_REVISION = """
SELECT revision FROM account WHERE user_id = $1 AND deleted_at IS NULL
FOR NO KEY UPDATE
"""
_CHANGE_PASSWORD = """
UPDATE account SET password_hash = $3 WHERE user_id = $1 AND password_hash = $2
RETURNING user_id
"""
_RENEW_HASH = """
UPDATE account SET password_hash = $3 WHERE user_id = $1 AND password_hash = $2
"""
_RESET_PASSWORD = """
UPDATE account SET password_hash = $2, verified_at = coalesce(verified_at, now())
WHERE user_id = $1
"""
_VERIFY = """
UPDATE account SET verified_at = coalesce(verified_at, now()) WHERE user_id = $1
"""
_DELETE = """
UPDATE account SET email = NULL, email_key = NULL, password_hash = NULL, name = '',
    pending_email = NULL, verified_at = NULL, locale = '',
    suspended_at = NULL, suspended_reason = NULL, deleted_at = now()
WHERE user_id = $1 AND deleted_at IS NULL
RETURNING user_id
"""


class Account(Struct, frozen=True):
    """Somebody with a password."""

    user_id: str
    email: str
    password_hash: str
    role: Role
    name: str
    verified: bool = False
    created_at: datetime | None = None
    suspended: bool = False
    pending_email: str | None = None
    """What the address is to be once it is confirmed; None where it stays."""
    revision: int = 0
    locale: str = ""
    """In which language the mails to it are, as BCP 47; empty where nobody said."""

    def __repr__(self) -> str:
        """Leave out what no log should hold."""
        return f"Account({self.user_id!r}, {self.role!r})"


class EmailTaken(Exception):
    """Another account has this address."""


Erase = Callable[[Any, str], Awaitable[None]]
"""Forgets a user, on a connection in whose transaction the account is deleted."""


class Accounts:
    """Reads and changes accounts. Raises `Unavailable`.

    `token_s` is how long an access token of a session may still be good when the
    session ends, `alone_s` the same of a token that belongs to none, as a guest's.
    `erase` forgets what others know of a person, in the transaction that deletes it.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        token_s: int,
        alone_s: int,
        erase: Sequence[Erase] = (),
    ) -> None:
        self._pool = pool
        self._token_s = token_s
        self._alone_s = alone_s
        self._erase = erase

    async def find(self, user_id: str) -> Account | None:
        """Return an account by its id."""
        return _account_of(await self._pool.fetch_one(_FIND, user_id))

    async def find_by_email(self, email: str) -> Account | None:
        """Return the account of an email address."""
        row = await self._pool.fetch_one(
            _FIND_BY_EMAIL, address_key(email), email.strip()
        )
        return _account_of(row)

    async def create(
        self,
        account: Account,
        mails: list[Mail] | None = None,
        codes: list[Code] | None = None,
    ) -> Account | None:
        """Make an account; None where its id or its email address is taken.

        Where the id was a guest's, the guest's token is good no longer.
        """
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(
                _CREATE,
                account.user_id,
                account.email,
                account.password_hash,
                account.role,
                account.name,
                address_key(account.email),
                account.locale,
            )
            if row is not None:
                await end_guest(connection, account.user_id, self._alone_s)
                await put_mails(connection, mails or [], codes or [])
            return _account_of(row)

    async def was_made_admin(self, email: str) -> bool:
        """Return whether `make_admin` was called for an address, ever."""
        row = await self._pool.fetch_one(_WAS_MADE_ADMIN, _hash_of(email))
        return row is not None

    async def make_admin(self, user_id: str, email: str, password_hash: str) -> None:
        """Make an administrator who has this address and this password, once for ever.

        Who is an administrator at this address already stays as is. Any other account
        that has it keeps its id, and may not be the one who is meant: so its sessions
        and codes end.
        """
        async with self._pool.transaction() as connection:
            if await connection.fetchrow(_NOTE_ADMIN, _hash_of(email)) is None:
                return
            key = address_key(email)
            fields = (user_id, email, password_hash, "admin", "Administrator", key, "")
            if await connection.fetchrow(_CREATE, *fields) is not None:
                return
            now = _account_of(await connection.fetchrow(_LOCK_BY_EMAIL, key, email))
            if now is None:
                raise Unavailable("the account of this address ended just now")
            if now.role != "admin":
                await connection.execute(_MAKE_ADMIN, now.user_id, password_hash)
                await _end_codes(connection, now.user_id)
                await end_all(connection, now.user_id, self._token_s, self._alone_s)

    async def edit(
        self,
        user_id: str,
        name: str | None,
        locale: str | None = None,
        seen: Revisions = None,
    ) -> Account | None:
        """Change somebody's name or language; None where there is no such account.

        What is None is left as it is.

        Raises `Stale`, as do the others that take what whoever asks has `seen`.
        """
        async with self._pool.transaction() as connection:
            await refuse_stale_row(connection, _REVISION, user_id, seen=seen)
            return _account_of(await connection.fetchrow(_EDIT, user_id, name, locale))

    async def ask_to_move(
        self,
        account: Account,
        email: str | None,
        mails: list[Mail],
        codes: list[Code],
        seen: Revisions = None,
    ) -> Account | None:
        """Note what somebody's address is to be once it is verified; None: it stays.

        Codes that were sent to verify another end. Returns None where the password was
        changed meanwhile. Raises `EmailTaken`.
        """
        async with self._pool.transaction() as connection:
            user = account.user_id
            await refuse_stale_row(connection, _REVISION, user, seen=seen)
            if email is not None:
                await _refuse_taken(connection, email, user)
            row = await connection.fetchrow(
                _ASK_TO_MOVE, user, account.password_hash, email
            )
            if row is not None:
                await drop_codes(connection, user, ["verify"])
                await put_mails(connection, mails, codes)
            return _account_of(row)

    async def change_password(
        self, account: Account, password_hash: str, mails: list[Mail]
    ) -> list[str] | None:
        """Change a password and end all sessions; return what ended.

        None where the password was changed meanwhile.
        """
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(
                _CHANGE_PASSWORD, account.user_id, account.password_hash, password_hash
            )
            if row is None:
                return None
            return await self._end(connection, account.user_id, mails)

    async def renew_hash(self, account: Account, password_hash: str) -> None:
        """Store another hash of the same password, unless that was changed by now."""
        await self._pool.fetch(
            _RENEW_HASH, account.user_id, account.password_hash, password_hash
        )

    async def put_code(self, mail: Mail, code: Code) -> None:
        """Send a code to somebody; earlier ones to verify an address end."""
        async with self._pool.transaction() as connection:
            await put_mails(connection, [mail], [code])

    async def reset_password(
        self, code_hash: bytes, password_hash: str
    ) -> tuple[Proven, list[str]] | None:
        """Change the password of whom a code proves, and end all that there was.

        Returns whose it is and what ended; None where the code is not good.
        """
        async with self._pool.transaction() as connection:
            proven = await use_code(connection, code_hash, "reset")
            if proven is None:
                return None
            await connection.execute(_RESET_PASSWORD, proven.user_id, password_hash)
            return proven, await self._end(connection, proven.user_id, [])

    async def verify(
        self, code_hash: bytes, tell_former: Callable[[Account], Mail]
    ) -> Proven | None:
        """Note that somebody reads the mails of an address; None for a bad code.

        Where that is what the account's address is to be, it is from now on, and the
        former one is told by the mail that `tell_former` writes to it. Raises
        `EmailTaken` where somebody else has it by now.
        """
        try:
            async with self._pool.transaction() as connection:
                proven = await use_code(connection, code_hash, "verify")
                if proven is None:
                    return None
                user, email = proven.user_id, proven.email
                row = await connection.fetchrow(f"{_FIND} FOR NO KEY UPDATE", user)
                before = _account_of(row)
                if before is None:
                    return None
                if before.pending_email != email:
                    await connection.execute(_VERIFY, user)
                    return proven
                await connection.execute(_MOVE, user, email, address_key(email))
                await drop_codes(connection, user)
                await put_mails(connection, [tell_former(before)], [])
                return proven
        except UniqueViolation as error:
            raise EmailTaken from error

    async def delete(self, user_id: str, seen: Revisions = None) -> list[str] | None:
        """Keep of an account nothing but its id; return what ended.

        Bookings name that id and nothing else, so they stay right. None where there is
        no such account. Raises `LastOwner` where nobody else owns an organisation of
        this account's, and `LastAdmin` where nobody else could administer.
        """
        async with self._pool.transaction() as connection:
            await leave_all(connection, user_id)
            await refuse_stale_row(connection, _REVISION, user_id, seen=seen)
            await keep_an_admin(connection, user_id)
            if await connection.fetchrow(_DELETE, user_id) is None:
                return None
            # What was joined until the account was locked; it joins nothing any more.
            await leave_all(connection, user_id)
            await drop_mails(connection, user_id)
            for erase in self._erase:
                await erase(connection, user_id)
            return await self._end(connection, user_id, [])

    async def _end(self, connection: Any, user_id: str, mails: list[Mail]) -> list[str]:
        """End sessions and codes: what was known before proves nothing any more."""
        await _end_codes(connection, user_id)
        await put_mails(connection, mails, [])
        return await end_all(connection, user_id, self._token_s, self._alone_s)


def _hash_of(email: str) -> bytes:
    """Return what an address is known by that nothing else is kept of."""
    return sha256(address_key(email).encode()).digest()


# asyncpg ships no types, hence Any for its connection.
async def _end_codes(connection: Any, user_id: str) -> None:
    """End codes, and what was to happen once one of them was shown."""
    await drop_codes(connection, user_id)
    await connection.execute(_STAY, user_id)


async def _refuse_taken(connection: Any, email: str, user_id: str) -> None:
    """Raise `EmailTaken` where an address is another's account."""
    if await connection.fetchrow(_IS_TAKEN, address_key(email), user_id) is not None:
        raise EmailTaken


def _account_of(row: Row | None) -> Account | None:
    if row is None:
        return None
    return Account(
        user_id=row["user_id"],
        email=row["email"],
        password_hash=row["password_hash"],
        role=row["role"],
        name=row["name"],
        verified=row["verified_at"] is not None,
        created_at=row["created_at"],
        suspended=row["suspended_at"] is not None,
        pending_email=row["pending_email"],
        revision=row["revision"],
        locale=row["locale"],
    )
