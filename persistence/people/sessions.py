"""Sessions of people with an account: one per login, kept alive by refresh tokens.

A refresh token is good once. It may be shown again for a short while, as two tabs of a
browser do, or a client that lost the answer: as long as nobody
used its successor, the same one is given again. Shown later it was stolen, from whoever
showed it first or by whoever shows it now, so its session ends. Whatever ends a session
records a revocation in the same statement, for every process to notice.
"""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from persistence.postgres.pool import Pool, Row

Role = Literal["guest", "customer", "organizer", "admin"]

REFRESH_GRACE_S = 30
"""How long after its use a refresh token is taken for one that two tabs show."""

SESSIONS_PER_USER_MAX = 50
"""With one more the session that was not seen for longest ends."""

# The account's row is locked: a session that a password opened is not opened any more
# once the password has been changed, or the account suspended.
_OPEN = """
WITH proven AS (
    SELECT user_id FROM account
    WHERE user_id = $2 AND password_hash = $3 AND deleted_at IS NULL
        AND suspended_at IS NULL
    FOR SHARE
), opened AS (
    INSERT INTO session (session_id, user_id, expires_at, user_agent, address)
    SELECT $1, user_id, now() + $4 * interval '1 s', $5, $6 FROM proven
    RETURNING session_id
)
INSERT INTO refresh_token (hash, session_id) SELECT $7, session_id FROM opened
RETURNING session_id
"""
_END = """
WITH ended AS (
    DELETE FROM session s WHERE {which} RETURNING s.session_id, s.user_id
)
INSERT INTO revocation (subject, user_id, sockets, until)
SELECT session_id, user_id, true, now() + $1 * interval '1 s' FROM ended
ON CONFLICT (subject) DO NOTHING
RETURNING subject
"""
_END_ONE = _END.format(which="s.user_id = $2 AND s.session_id = $3")
_END_ALL = _END.format(which="s.user_id = $2")
_END_OLDEST = _END.format(
    which="""s.session_id IN (
        SELECT session_id FROM session WHERE user_id = $2
        ORDER BY seen_at DESC, session_id OFFSET $3
    )"""
)
_REVOKE_USER = """
INSERT INTO revocation (subject, user_id, sockets, until)
VALUES ($1, $1, true, now() + $2 * interval '1 s')
ON CONFLICT (subject) DO UPDATE SET sockets = true, at = clock_timestamp(),
    until = excluded.until
"""
# Refreshes of a session go one after the other, in whatever process. The next statement
# sees what the one before it left; this one would not.
_LOCK = """
SELECT FROM session WHERE session_id = (
    SELECT session_id FROM refresh_token WHERE hash = $1
) FOR UPDATE
"""
_FIND = """
SELECT s.session_id, s.user_id, a.role, r.used_at IS NOT NULL AS used,
    s.expires_at <= now() AS over, r.salt,
    r.used_at > now() - $2 * interval '1 s' AND EXISTS (
        SELECT FROM refresh_token n WHERE n.hash = r.followed_by AND n.used_at IS NULL
    ) AS just_used
FROM refresh_token r JOIN session s USING (session_id) JOIN account a USING (user_id)
WHERE r.hash = $1
"""
_USE = """
UPDATE refresh_token SET used_at = now(), followed_by = $2, salt = $3 WHERE hash = $1
"""
_ADD = "INSERT INTO refresh_token (hash, session_id) VALUES ($1, $2)"
_SEEN = """
UPDATE session SET seen_at = now(), expires_at = now() + $2 * interval '1 s',
    user_agent = $3, address = $4
WHERE session_id = $1
"""
_IS_FRESH = """
SELECT FROM session
WHERE user_id = $1 AND session_id = $2 AND created_at > now() - $3 * interval '1 s'
"""
_LIST = """
SELECT session_id, created_at, seen_at, expires_at, user_agent, address
FROM session WHERE user_id = $1 AND expires_at > now()
ORDER BY seen_at DESC, session_id
"""
# A revocation may be seen a little after its time, which is taken before its commit.
_REVOKED = """
SELECT subject, user_id, sockets, extract(epoch FROM until)::float8 AS until_s,
    extract(epoch FROM at)::float8 AS at_s
FROM revocation
WHERE until > now() AND at > to_timestamp($1) - interval '30 s'
"""
_FORGET = (
    "DELETE FROM session WHERE expires_at < now()",
    "DELETE FROM revocation WHERE until < now()",
)
_FORGET_USED = "DELETE FROM refresh_token WHERE used_at < now() - $1 * interval '1 s'"


class Device(Struct, frozen=True):
    """What is kept of where somebody logged in from."""

    user_agent: str
    address: str


class SessionRow(Struct, frozen=True):
    """A session, as its owner sees it."""

    session_id: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    user_agent: str
    address: str


class Refreshed(Struct, frozen=True):
    """Whose session goes on; `salt` is what its next token is made of."""

    session_id: str
    user_id: str
    role: Role
    salt: bytes


class Stolen(Struct, frozen=True):
    """A refresh token came twice: the session is over now."""

    session_id: str
    user_id: str


class Revocation(Struct, frozen=True):
    """What to believe no longer: a session, or what a user has outside of any."""

    subject: str
    user_id: str
    sockets: bool
    until_s: float
    at_s: float = 0.0


class Sessions:
    """Opens, refreshes and ends sessions. Raises `Unavailable`.

    `lasts_s` is how long a session lives without being refreshed, `token_s` how long an
    access token of one may still be good when it ends.
    """

    def __init__(self, pool: Pool, *, lasts_s: int, token_s: int) -> None:
        self._pool = pool
        self._lasts_s = lasts_s
        self._token_s = token_s

    async def open(
        self,
        session_id: str,
        user_id: str,
        password_hash: str,
        refresh_hash: bytes,
        device: Device,
    ) -> list[str] | None:
        """Open a session for whom this password hash proves; None where it is old.

        Returns the sessions that ended because there were too many.
        """
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(
                _OPEN,
                session_id,
                user_id,
                password_hash,
                self._lasts_s,
                device.user_agent,
                device.address,
                refresh_hash,
            )
            if row is None:
                return None
            ended = await connection.fetch(
                _END_OLDEST, self._token_s, user_id, SESSIONS_PER_USER_MAX
            )
            return [one["subject"] for one in ended]

    async def refresh(
        self, old_hash: bytes, new_hash: bytes, salt: bytes, device: Device
    ) -> Refreshed | Stolen | None:
        """Replace a refresh token; None where it is not, or no longer, good.

        `salt` is what the new one was made of, a secret of the server's. Asked again
        soon enough, and as long as the new one is unused, it answers with the salt of
        the first time.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(_LOCK, old_hash)
            row: Row | None = await connection.fetchrow(
                _FIND, old_hash, REFRESH_GRACE_S
            )
            if row is None or row["over"]:
                return None
            session_id, user_id = row["session_id"], row["user_id"]
            if not row["used"]:
                await connection.execute(_USE, old_hash, new_hash, salt)
                await connection.execute(_ADD, new_hash, session_id)
            elif row["just_used"]:
                salt = row["salt"]
            else:
                await connection.fetch(_END_ONE, self._token_s, user_id, session_id)
                return Stolen(session_id, user_id)
            await connection.execute(
                _SEEN, session_id, self._lasts_s, device.user_agent, device.address
            )
            return Refreshed(session_id, user_id, row["role"], salt)

    async def of_user(self, user_id: str) -> list[SessionRow]:
        """Return somebody's sessions, the one seen last first."""
        rows = await self._pool.fetch(_LIST, user_id)
        return [SessionRow(**row) for row in rows]

    async def is_fresh(self, user_id: str, session_id: str, within_s: int) -> bool:
        """Return whether a session of a user began so lately: with a password."""
        row = await self._pool.fetch_one(_IS_FRESH, user_id, session_id, within_s)
        return row is not None

    async def end(self, user_id: str, session_id: str) -> bool:
        """End one session of a user; False where there is no such session."""
        row = await self._pool.fetch_one(_END_ONE, self._token_s, user_id, session_id)
        return row is not None

    async def end_all(self, user_id: str, alone_s: int) -> list[str]:
        """End all that a user has; `alone_s` is how long other tokens may last."""
        async with self._pool.transaction() as connection:
            return await end_all(connection, user_id, self._token_s, alone_s)

    async def revoked_since(self, since_s: float) -> list[Revocation]:
        """Return what was revoked since then, and some of what was before."""
        rows = await self._pool.fetch(_REVOKED, since_s)
        return [Revocation(**row) for row in rows]

    async def forget(self, used_s: int) -> None:
        """Delete what is over, and refresh tokens that were used so long ago."""
        for statement in _FORGET:
            await self._pool.fetch(statement)
        await self._pool.fetch(_FORGET_USED, used_s)


# asyncpg ships no types, hence Any for its connection.
async def end_all(
    connection: Any, user_id: str, token_s: int, alone_s: int
) -> list[str]:
    """End all sessions of a user and what belongs to none, in a transaction."""
    await end_guest(connection, user_id, alone_s)
    ended = await connection.fetch(_END_ALL, token_s, user_id)
    return [user_id, *(one["subject"] for one in ended)]


async def end_guest(connection: Any, user_id: str, alone_s: int) -> None:
    """End what a user has outside any session: a guest's token, and its sockets."""
    await connection.execute(_REVOKE_USER, user_id, alone_s)
