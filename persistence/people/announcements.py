"""Announcements: one text as a mail to many, written to the outbox batch by batch.

Each batch is a transaction that writes mails and moves the mark `reached` on, so a
process that dies leaves the rest to the next. A mail's id follows from announcement and
user: nobody gets two, however many tickets they have and however often a batch runs.
"""

from datetime import datetime
from typing import Any, Final, Literal

from msgspec import Struct

from persistence.errors import TooMany
from persistence.people.organisations import lock
from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool

Audience = Literal["members", "ticket_holders"]

BATCH: Final = 500
"""How many bookings or members are looked at in one transaction."""

LASTS_S: Final = 3 * 86_400
"""An announcement that could not be sent by then is not sent any more."""

PER_DAY_MAX: Final = 50
"""Of one organisation."""

_FIELDS = """
n.announcement_id, n.organisation_id, n.audience, n.event_id, n.subject, n.body,
n.created_by, n.request_hash, n.created_at, n.recipients, n.without_email,
n.written_at, d.waiting, d.failed
"""
# Mails are forgotten after a while, and were sent then: so only the others are counted.
_COUNTS = """
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE failed_at IS NULL AND expires_at > now()) AS waiting,
        count(*) FILTER (WHERE failed_at IS NOT NULL OR expires_at <= now()) AS failed
    FROM mail
    WHERE mail.announcement_id = n.announcement_id AND sent_at IS NULL
) d
"""
_FROM = f"SELECT {_FIELDS} FROM announcement n {_COUNTS}"
_FIND = f"{_FROM} WHERE n.organisation_id = $1 AND n.announcement_id = $2"
_LIST = f"""{_FROM} WHERE n.organisation_id = $1
    AND ($3::timestamptz IS NULL OR (n.created_at, n.announcement_id) < ($3, $4))
ORDER BY n.created_at DESC, n.announcement_id DESC LIMIT $2
"""
_COUNT = """
SELECT count(*) FROM announcement
WHERE organisation_id = $1 AND created_at > now() - interval '1 day'
"""
_CREATE = """
INSERT INTO announcement (announcement_id, organisation_id, audience, event_id, subject,
    body, created_by, request_hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_TAKE = """
SELECT announcement_id, organisation_id, audience, event_id, subject, body, reached
FROM announcement WHERE written_at IS NULL
ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_MAILED = """
mailed AS (
    INSERT INTO mail (mail_id, user_id, recipient, subject, body, expires_at,
        announcement_id)
    SELECT
        'mail_' || left(encode(sha256(convert_to($1 || a.user_id, 'UTF8')), 'hex'), 32),
        a.user_id, a.email, $4, $5, now() + $6 * interval '1 s', $1
    FROM someone s JOIN (
        SELECT user_id, email FROM account WHERE deleted_at IS NULL
        UNION ALL SELECT attendee_id, email FROM attendee WHERE email <> ''
    ) a USING (user_id)
    ON CONFLICT DO NOTHING
    RETURNING user_id
)
"""
_TO_MEMBERS = f"""
WITH someone AS (
    SELECT user_id FROM organisation_member
    WHERE organisation_id = $2 AND user_id > $3 ORDER BY user_id LIMIT $7
), {_MAILED}
SELECT (SELECT count(*) FROM someone) AS seen,
    (SELECT max(user_id) FROM someone) AS last,
    (SELECT count(*) FROM mailed) AS mailed, 0 AS without_email
"""
# Who has no address is counted with the first live booking only.
_TO_HOLDERS = f"""
WITH seen AS (
    SELECT user_id, version, cancelled_at FROM booking
    WHERE event_id = $2 AND version > $3::bigint ORDER BY version LIMIT $7
), someone AS (
    SELECT DISTINCT user_id FROM seen WHERE cancelled_at IS NULL
), {_MAILED}
SELECT (SELECT count(*) FROM seen) AS seen,
    (SELECT max(version) FROM seen)::text AS last,
    (SELECT count(*) FROM mailed) AS mailed,
    (
        SELECT count(*) FROM someone s WHERE NOT EXISTS (
            SELECT FROM account a WHERE a.user_id = s.user_id AND a.deleted_at IS NULL
        ) AND NOT EXISTS (
            SELECT FROM attendee t WHERE t.attendee_id = s.user_id AND t.email <> ''
        ) AND NOT EXISTS (
            SELECT FROM booking b
            WHERE b.user_id = s.user_id AND b.event_id = $2
                AND b.version <= $3::bigint AND b.cancelled_at IS NULL
        )
    ) AS without_email
"""
_REACHED = """
UPDATE announcement SET reached = coalesce($2, reached), recipients = recipients + $3,
    without_email = without_email + $4, written_at = CASE WHEN $5 THEN now() END
WHERE announcement_id = $1
"""


class Announcement(Struct, frozen=True):
    """An announcement, and how far its sending is."""

    announcement_id: str
    organisation_id: str
    audience: Audience
    event_id: str | None
    subject: str
    body: str
    created_by: str
    request_hash: bytes
    created_at: datetime
    recipients: int
    """Mails written to the outbox so far."""
    without_email: int
    """Ticket holders who cannot be reached: guests, and accounts that are gone."""
    written_at: datetime | None
    waiting: int
    failed: int


class NewAnnouncement(Struct, frozen=True):
    """What to tell whom; `event` is given for its ticket holders."""

    announcement_id: str
    organisation_id: str
    audience: Audience
    event_id: str | None
    subject: str
    body: str
    created_by: str
    request_hash: bytes


class Announcements:
    """Keeps announcements, and writes their mails. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(self, new: NewAnnouncement) -> Announcement:
        """Take an announcement, or return the one that has this id already.

        Raises `OrganisationNotFound` and `TooMany`.
        """
        organisation = new.organisation_id
        async with self._pool.transaction() as connection:
            await lock(connection, organisation)
            row = await connection.fetchrow(_FIND, organisation, new.announcement_id)
            if row is not None:
                return Announcement(**row)
            if await connection.fetchval(_COUNT, organisation) >= PER_DAY_MAX:
                raise TooMany(PER_DAY_MAX)
            await connection.execute(
                _CREATE,
                new.announcement_id,
                organisation,
                new.audience,
                new.event_id,
                new.subject,
                new.body,
                new.created_by,
                new.request_hash,
            )
            row = await connection.fetchrow(_FIND, organisation, new.announcement_id)
            return Announcement(**row)

    async def find(self, organisation: str, announcement: str) -> Announcement | None:
        """Return an announcement."""
        row = await self._pool.fetch_one(_FIND, organisation, announcement)
        return None if row is None else Announcement(**row)

    async def list_of(
        self, organisation: str, *, limit: int, cursor: str | None = None
    ) -> tuple[list[Announcement], str | None]:
        """Return a page of an organisation's announcements, the newest first."""
        rows = await self._pool.fetch(
            _LIST, organisation, fetched(limit), *decode_cursor(cursor)
        )
        found = [Announcement(**row) for row in rows]
        return page(found, limit, lambda one: (one.created_at, one.announcement_id))

    async def count_of(self, organisation: str) -> int:
        """Return how many announcements an organisation has."""
        return await self._pool.count(_LIST, organisation, None, None, None)

    async def write_some(self, batch: int = BATCH) -> bool:
        """Write the next mails of the oldest announcement; False where all is written.

        Two processes never work on the same one at the same time.
        """
        async with self._pool.transaction() as connection:
            one = await connection.fetchrow(_TAKE)
            if one is None:
                return False
            done = await connection.fetchrow(*_statement(one, batch))
            await connection.execute(
                _REACHED,
                one["announcement_id"],
                done["last"],
                done["mailed"],
                done["without_email"],
                done["seen"] < batch,
            )
            return True


def _statement(one: Any, batch: int) -> tuple[Any, ...]:
    """Return the statement that writes the next mails, and what goes with it."""
    shared = (one["subject"], one["body"], LASTS_S, batch)
    if one["audience"] == "members":
        args = (one["announcement_id"], one["organisation_id"], one["reached"])
        return (_TO_MEMBERS, *args, *shared)
    reached = int(one["reached"] or "0")
    return (_TO_HOLDERS, one["announcement_id"], one["event_id"], reached, *shared)
