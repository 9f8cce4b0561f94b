"""Requests to join an organisation, which one of its leaders accepts or declines."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from persistence.errors import TooMany
from persistence.mail import Mail, put_mails
from persistence.people.invitations import AnswerState, InvitedRole
from persistence.people.notices.notices import Notice, raise_notice
from persistence.people.organisations import AlreadyMember, join, lock
from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool
from persistence.quotas import DEFAULT_QUOTAS, Quotas

PENDING_PER_USER_MAX: Final = 20
PENDING_MAX: Final = 1_000
"""Of one organisation."""

TOLD_S: Final = 86_400.0
"""Who asked within so long, and was told of, is not told of again."""

_FROM = """
SELECT r.request_id, r.organisation_id, r.user_id, a.name, r.message, r.state,
    r.created_at, r.answered_at
FROM join_request r JOIN account a USING (user_id)
    JOIN organisation o USING (organisation_id)
WHERE o.deleted_at IS NULL
"""
_FIND = f"{_FROM} AND r.organisation_id = $1 AND r.request_id = $2"
_FIND_PENDING = f"""{_FROM}
    AND r.organisation_id = $1 AND r.user_id = $2 AND r.state = 'pending'
"""
_LIST = f"""{_FROM} AND r.organisation_id = $1
    AND ($3::text IS NULL OR r.state = $3)
    AND ($4::timestamptz IS NULL OR (r.created_at, r.request_id) < ($4, $5))
ORDER BY r.created_at DESC, r.request_id DESC LIMIT $2
"""
_LIST_OF_USER = f"""{_FROM} AND r.user_id = $1
    AND ($3::timestamptz IS NULL OR (r.created_at, r.request_id) < ($3, $4))
ORDER BY r.created_at DESC, r.request_id DESC LIMIT $2
"""
_IS_MEMBER = """
SELECT FROM organisation_member WHERE organisation_id = $1 AND user_id = $2
"""
_TOLD = """
SELECT o.name, EXISTS (SELECT FROM join_request r
    WHERE r.organisation_id = $1 AND r.user_id = $2
        AND r.created_at > now() - $3 * interval '1 s') AS lately
FROM organisation o WHERE o.organisation_id = $1
"""
_COUNT = """
SELECT count(*) FILTER (WHERE user_id = $2) AS mine,
    count(*) FILTER (WHERE organisation_id = $1) AS here
FROM join_request
WHERE state = 'pending' AND (organisation_id = $1 OR user_id = $2)
"""
_CREATE = """
INSERT INTO join_request (request_id, organisation_id, user_id, message)
VALUES ($1, $2, $3, $4)
"""
_ANSWER = """
UPDATE join_request SET state = $3, answered_at = now(), answered_by = $4
WHERE organisation_id = $1 AND request_id = $2 AND state = 'pending'
RETURNING user_id
"""
_STATE = """
SELECT state FROM join_request WHERE organisation_id = $1 AND request_id = $2
"""
_WITHDRAW = """
UPDATE join_request SET state = 'withdrawn', answered_at = now(), answered_by = $3
WHERE organisation_id = $1 AND request_id = $2 AND user_id = $3 AND state = 'pending'
RETURNING user_id
"""
_EMAIL = "SELECT email FROM account WHERE user_id = $1 AND deleted_at IS NULL"


class JoinRequest(Struct, frozen=True):
    """Somebody would like to belong to an organisation."""

    request_id: str
    organisation_id: str
    user_id: str
    name: str
    message: str
    state: AnswerState
    created_at: datetime
    answered_at: datetime | None


class RequestNotFound(Exception):
    """There is no such request, or it was answered in another way already."""


class JoinRequests:
    """Makes requests to join, and takes their answers. Raises `Unavailable`."""

    def __init__(self, pool: Pool, quotas: Quotas = DEFAULT_QUOTAS) -> None:
        self._pool = pool
        self._quotas = quotas

    async def create(
        self,
        request: str,
        organisation: str,
        user: str,
        message: str,
        tell: Callable[[JoinRequest, str], Notice],
    ) -> JoinRequest:
        """Ask to join; whoever asks again while it is open gets the same request.

        `tell` gives the notice to those who answer, of the request and the name of the
        organisation; of who takes a request back and asks again they hear once a day.
        Raises `OrganisationNotFound`, `AlreadyMember` and `TooMany`.
        """
        async with self._pool.transaction() as connection:
            await lock(connection, organisation)
            for sql, name in ((_FIND, request), (_FIND_PENDING, user)):
                row = await connection.fetchrow(sql, organisation, name)
                if row is not None:
                    return JoinRequest(**row)
            if await connection.fetchrow(_IS_MEMBER, organisation, user) is not None:
                raise AlreadyMember
            counts = await connection.fetchrow(_COUNT, organisation, user)
            if counts["mine"] >= PENDING_PER_USER_MAX:
                raise TooMany(PENDING_PER_USER_MAX)
            if counts["here"] >= PENDING_MAX:
                raise TooMany(PENDING_MAX)
            told = await connection.fetchrow(_TOLD, organisation, user, TOLD_S)
            await connection.execute(_CREATE, request, organisation, user, message)
            row = await connection.fetchrow(_FIND, organisation, request)
            made = JoinRequest(**row)
            if not told["lately"]:
                await raise_notice(connection, tell(made, told["name"]))
            return made

    async def find(self, organisation: str, request: str) -> JoinRequest | None:
        """Return a request, answered or not."""
        row = await self._pool.fetch_one(_FIND, organisation, request)
        return None if row is None else JoinRequest(**row)

    async def list_of(
        self,
        organisation: str,
        *,
        state: AnswerState | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> tuple[list[JoinRequest], str | None]:
        """Return a page of an organisation's requests, the newest first."""
        rows = await self._pool.fetch(
            _LIST, organisation, fetched(limit), state, *decode_cursor(cursor)
        )
        return _page(rows, limit)

    async def count_of(
        self, organisation: str, *, state: AnswerState | None = None
    ) -> int:
        """Return how many requests an organisation has, in that state."""
        return await self._pool.count(_LIST, organisation, None, state, None, None)

    async def list_of_user(
        self, user: str, *, limit: int, cursor: str | None = None
    ) -> tuple[list[JoinRequest], str | None]:
        """Return a page of somebody's requests, the newest first."""
        rows = await self._pool.fetch(
            _LIST_OF_USER, user, fetched(limit), *decode_cursor(cursor)
        )
        return _page(rows, limit)

    async def count_of_user(self, user: str) -> int:
        """Return how many requests somebody made."""
        return await self._pool.count(_LIST_OF_USER, user, None, None, None)

    async def accept(
        self,
        organisation: str,
        request: str,
        role: InvitedRole,
        by: str,
        write: Callable[[str, str], Mail],
    ) -> None:
        """Make whoever asked a member, and let them know.

        `write` gives the mail to a user and an address. Raises `RequestNotFound`,
        `OrganisationNotFound`, `TooMany`. Whoever became a member in another way
        meanwhile stays what they are.
        """
        async with self._pool.transaction() as connection:
            await lock(connection, organisation)
            user = await self._answer(connection, organisation, request, "accepted", by)
            if user is None:
                return
            if await connection.fetchrow(_IS_MEMBER, organisation, user) is None:
                await join(connection, organisation, user, role, self._quotas.members)
            await self._tell(connection, user, write)

    async def decline(
        self,
        organisation: str,
        request: str,
        by: str,
        write: Callable[[str, str], Mail],
    ) -> None:
        """Refuse a request, and let whoever asked know. Raises `RequestNotFound`."""
        async with self._pool.transaction() as connection:
            user = await self._answer(connection, organisation, request, "declined", by)
            if user is not None:
                await self._tell(connection, user, write)

    async def withdraw(self, organisation: str, request: str, user: str) -> None:
        """Take one's own request back. Raises `RequestNotFound`."""
        row = await self._pool.fetch_one(_WITHDRAW, organisation, request, user)
        if row is None:
            raise RequestNotFound

    async def _answer(
        self, connection: Any, organisation: str, request: str, state: str, by: str
    ) -> str | None:
        """Return who asked; None where this is the answer that was given before."""
        row = await connection.fetchrow(_ANSWER, organisation, request, state, by)
        if row is None:
            known = await connection.fetchval(_STATE, organisation, request)
            if known == state:
                return None
            raise RequestNotFound
        user: str = row["user_id"]
        return user

    async def _tell(
        self, connection: Any, user: str, write: Callable[[str, str], Mail]
    ) -> None:
        email = await connection.fetchval(_EMAIL, user)
        if email is not None:
            await put_mails(connection, [write(user, email)], [])


def _page(rows: list[Any], limit: int) -> tuple[list[JoinRequest], str | None]:
    found = [JoinRequest(**row) for row in rows]
    return page(found, limit, lambda one: (one.created_at, one.request_id))
