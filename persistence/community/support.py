"""Tickets of support, and whom they are told.

The row, the mails and what webhooks are told are one transaction: a ticket that was
taken reaches somebody, and one that is asked for twice is one.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from persistence.errors import TooMany
from persistence.mail import Mail, put_mails
from persistence.people.hooks.raising import raise_hook
from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool

DAILY_MAX: Final = 20
"""So many tickets one user may raise within a day."""

TOLD_MAX: Final = 50
"""So many people get a mail about one."""

_FIELDS: Final = """
ticket_id, organisation_id, event_id, user_id, email, subject, text, request_hash,
created_at
"""
_FIND: Final = f"SELECT {_FIELDS} FROM support_ticket WHERE ticket_id = $1"
# One user's tickets are counted one after the other.
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('support ' || $1, 0))"
_TODAY: Final = """
SELECT count(*) FROM support_ticket
WHERE user_id = $1 AND created_at > now() - interval '1 day'
"""
_ADDRESS: Final = """
SELECT email FROM account WHERE user_id = $1 AND verified_at IS NOT NULL
"""
_CREATE: Final = f"""
INSERT INTO support_ticket (ticket_id, organisation_id, event_id, user_id, email,
    subject, text, request_hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING {_FIELDS}
"""
# Who leads the organisation; of an event of none who made it; else who runs the server.
_RECIPIENTS: Final = """
SELECT a.user_id, a.email FROM account a
WHERE a.email IS NOT NULL AND a.suspended_at IS NULL AND a.deleted_at IS NULL AND CASE
    WHEN $1::text IS NOT NULL THEN a.verified_at IS NOT NULL AND EXISTS (
        SELECT FROM organisation_member m WHERE m.organisation_id = $1
            AND m.user_id = a.user_id AND m.role IN ('owner', 'leader'))
    WHEN $2::text IS NOT NULL THEN a.verified_at IS NOT NULL AND a.user_id = (
        SELECT e.created_by FROM event e WHERE e.event_id = $2)
    ELSE a.role = 'admin' END
ORDER BY a.user_id LIMIT $3
"""
_LIST: Final = f"""
SELECT {_FIELDS} FROM support_ticket WHERE organisation_id = $1
    AND ($3::timestamptz IS NULL OR (created_at, ticket_id) < ($3, $4))
ORDER BY created_at DESC, ticket_id DESC LIMIT $2
"""
_FORGET: Final = (
    """
    DELETE FROM hook_delivery d USING support_ticket s
    WHERE s.user_id = $1 AND d.type = 'support.raised' AND d.subject = s.ticket_id
        AND d.organisation_id = s.organisation_id
    """,
    """
    UPDATE support_ticket SET email = NULL, subject = '', text = '' WHERE user_id = $1
    """,
)


class NewTicket(Struct, frozen=True):
    """A ticket to be raised. `email` is used where the account has none of its own."""

    ticket_id: str
    organisation_id: str | None
    event_id: str | None
    user_id: str
    email: str | None
    subject: str
    text: str
    request_hash: bytes

    def __repr__(self) -> str:
        """Leave out what somebody wrote."""
        return f"NewTicket({self.ticket_id!r})"


class SupportTicket(Struct, frozen=True):
    """A ticket as whoever is asked sees it."""

    ticket_id: str
    organisation_id: str | None
    event_id: str | None
    user_id: str
    email: str | None
    subject: str
    text: str
    request_hash: bytes
    created_at: datetime

    def __repr__(self) -> str:
        """Leave out what somebody wrote."""
        return f"SupportTicket({self.ticket_id!r})"


class Recipient(Struct, frozen=True):
    """Somebody who is told of a ticket."""

    user_id: str
    email: str

    def __repr__(self) -> str:
        """Leave out the address."""
        return f"Recipient({self.user_id!r})"


MailOf = Callable[[SupportTicket, Recipient], Mail]


class SupportTickets:
    """Keeps tickets. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(self, new: NewTicket, mail_of: MailOf) -> SupportTicket:
        """Raise a ticket and tell whom it concerns, or return the one with this id.

        Raises `TooMany`.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(_LOCK, new.user_id)
            row = await connection.fetchrow(_FIND, new.ticket_id)
            if row is not None:
                return SupportTicket(**row)
            if await connection.fetchval(_TODAY, new.user_id) >= DAILY_MAX:
                raise TooMany(DAILY_MAX)
            own = await connection.fetchval(_ADDRESS, new.user_id)
            row = await connection.fetchrow(
                _CREATE,
                new.ticket_id,
                new.organisation_id,
                new.event_id,
                new.user_id,
                own or new.email,
                new.subject,
                new.text,
                new.request_hash,
            )
            made = SupportTicket(**row)
            await _tell(connection, made, mail_of)
            return made

    async def list_of(
        self, organisation: str, *, limit: int, cursor: str | None = None
    ) -> tuple[list[SupportTicket], str | None]:
        """Return a page of what an organisation is asked, the newest first."""
        rows = await self._pool.fetch(
            _LIST, organisation, fetched(limit), *decode_cursor(cursor)
        )
        found = [SupportTicket(**row) for row in rows]
        return page(found, limit, lambda one: (one.created_at, one.ticket_id))

    async def count_of(self, organisation: str) -> int:
        """Return how many tickets an organisation has."""
        return await self._pool.count(_LIST, organisation, None, None, None)


async def forget_support(connection: Any, user: str) -> None:
    """Keep nothing of what a user wrote."""
    for statement in _FORGET:
        await connection.execute(statement, user)


async def _tell(connection: Any, made: SupportTicket, mail_of: MailOf) -> None:
    rows = await connection.fetch(
        _RECIPIENTS, made.organisation_id, made.event_id, TOLD_MAX
    )
    mails = [mail_of(made, Recipient(**row)) for row in rows]
    await put_mails(connection, mails, [])
    data = {
        "ticket": made.ticket_id,
        "event": made.event_id,
        "subject": made.subject,
        "text": made.text,
    }
    await raise_hook(
        connection, made.organisation_id, "support.raised", data, made.ticket_id
    )
