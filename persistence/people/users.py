"""Accounts as administrators see and change them.

What takes a role or an account away from somebody ends all that the account is signed
in with, in the same transaction. One administrator always stays who can sign in.
"""

from datetime import datetime
from typing import Any

from msgspec import Struct

from persistence.errors import Revisions, refuse_stale
from persistence.people.sessions import Role, end_all
from persistence.postgres.cursors import decode_cursor, encode_cursor
from persistence.postgres.pool import Pool, Row
from persistence.postgres.searches import Searched, searched

_FIELDS = (
    "user_id, role, email, name, verified_at, created_at, suspended_at,"
    " suspended_reason, revision"
)
_LIST = """
SELECT {fields} FROM account WHERE {where}
ORDER BY created_at DESC, user_id DESC LIMIT {limit}
"""
_ORDER = "created_at DESC, user_id DESC"
_FIND = f"SELECT {_FIELDS} FROM account WHERE user_id = $1 AND deleted_at IS NULL"
# Two that take each other's role away wait here for one another, and the second sees
# what the first one did.
_LOCK_ADMINS = """
SELECT user_id FROM account
WHERE role = 'admin' AND deleted_at IS NULL AND suspended_at IS NULL
ORDER BY user_id FOR NO KEY UPDATE
"""
_CHANGE = f"""
UPDATE account SET role = $2,
    suspended_at = CASE WHEN $3 THEN coalesce(suspended_at, now()) END,
    suspended_reason = CASE WHEN $3 THEN $4 END
WHERE user_id = $1
RETURNING {_FIELDS}
"""


class User(Struct, frozen=True):
    """An account, without what proves whose it is."""

    user_id: str
    role: Role
    email: str
    name: str
    verified_at: datetime | None
    created_at: datetime
    suspended_at: datetime | None
    suspended_reason: str | None
    revision: int = 0


class Changed(Struct, frozen=True):
    """A user before and after a change, and what ended by it."""

    before: User
    after: User
    ended: list[str]


class LastAdmin(Exception):
    """Nobody would be left who can administer."""


# asyncpg ships no types, hence Any for its connection.
async def keep_an_admin(connection: Any, user_id: str) -> None:
    """Raise `LastAdmin` where nobody could administer without this user."""
    admins = {row["user_id"] for row in await connection.fetch(_LOCK_ADMINS)}
    if admins == {user_id}:
        raise LastAdmin(user_id)


class Users:
    """Lists and changes users. Raises `Unavailable`.

    `token_s` and `alone_s` are those of `Accounts`.
    """

    def __init__(self, pool: Pool, *, token_s: int, alone_s: int) -> None:
        self._pool = pool
        self._token_s = token_s
        self._alone_s = alone_s

    async def find(self, user_id: str) -> User | None:
        """Return a user; None where there is none, or no more."""
        row = await self._pool.fetch_one(_FIND, user_id)
        return None if row is None else User(**row)

    async def end_all(self, user_id: str) -> list[str] | None:
        """End all that a user is signed in with; return what ended, None for nobody."""
        async with self._pool.transaction() as connection:
            if await connection.fetchrow(_FIND, user_id) is None:
                return None
            return await end_all(connection, user_id, self._token_s, self._alone_s)

    async def search(
        self,
        *,
        text: str | None = None,
        role: Role | None = None,
        suspended: bool | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> tuple[list[User], str | None]:
        """Return a page, newest first, and the cursor of the next one.

        `text` has words that are in the email address or in the name, as
        `search_query` of migration 0014 reads them.
        """
        where, values = _where(role, suspended)
        at, last = decode_cursor(cursor)
        if at is not None:
            values += [at, last]
            where.append(
                f"(created_at, user_id) < (${len(values) - 1}, ${len(values)})"
            )
        asked = " AND ".join(where)
        if text:
            values.append(text)
            search = _search(asked, f"${len(values)}", str(limit + 1))
            found = await search.fetch(self._pool, limit + 1, *values)
        else:
            sql = _LIST.format(fields=_FIELDS, where=asked, limit=limit + 1)
            found = await self._pool.fetch(sql, *values)
        rows = [User(**row) for row in found]
        page = rows[:limit]
        if len(rows) <= limit:
            return page, None
        return page, encode_cursor(page[-1].created_at, page[-1].user_id)

    async def count(
        self,
        *,
        text: str | None = None,
        role: Role | None = None,
        suspended: bool | None = None,
    ) -> int:
        """Return how many `search` has on all its pages."""
        where, values = _where(role, suspended)
        asked = " AND ".join(where)
        if text:
            place = f"${len(values) + 1}"
            search = _search(asked, place, "ALL")
            return await search.count(self._pool, *values, text)
        sql = _LIST.format(fields=_FIELDS, where=asked, limit="ALL")
        return await self._pool.count(sql, *values)

    async def change(
        self,
        user_id: str,
        *,
        role: Role | None = None,
        suspended: bool | None = None,
        reason: str | None = None,
        seen: Revisions = None,
    ) -> Changed | None:
        """Change a role, suspend an account for a reason, or let it in again.

        None is: as it was. Returns None where there is no such user; raises
        `LastAdmin` and `Stale`.
        """
        async with self._pool.transaction() as connection:
            admins = {row["user_id"] for row in await connection.fetch(_LOCK_ADMINS)}
            row: Row | None = await connection.fetchrow(
                f"{_FIND} FOR NO KEY UPDATE", user_id
            )
            if row is None:
                return None
            before = User(**row)
            refuse_stale(before.revision, seen)
            wanted = before.role if role is None else role
            out = before.suspended_at is not None if suspended is None else suspended
            if admins == {user_id} and (wanted != "admin" or out):
                raise LastAdmin(user_id)
            why = before.suspended_reason if reason is None else reason
            after = User(
                **await connection.fetchrow(_CHANGE, user_id, wanted, out, why)
            )
            return Changed(before, after, await self._end(connection, before, after))

    async def _end(self, connection: Any, before: User, after: User) -> list[str]:
        """End what the user is signed in with, where it would say too much now."""
        locked_out = before.suspended_at is None and after.suspended_at is not None
        if before.role == after.role and not locked_out:
            return []
        return await end_all(connection, after.user_id, self._token_s, self._alone_s)


def _search(where: str, text: str, limit: str) -> Searched:
    """Return what finds users by the text at this place among the parameters."""
    return searched(
        _FIELDS,
        f"FROM account a WHERE {where}",
        f"a.words @@ (SELECT search_query({text}))",
        key="user_id",
        order=_ORDER,
        limit=limit,
    )


def _where(role: Role | None, suspended: bool | None) -> tuple[list[str], list[object]]:
    """Return the conditions of a list, and their parameters."""
    where, values = ["deleted_at IS NULL"], list[object]()
    if role is not None:
        values.append(role)
        where.append(f"role = ${len(values)}")
    if suspended is not None:
        where.append(f"suspended_at IS {'NOT ' if suspended else ''}NULL")
    return where, values
