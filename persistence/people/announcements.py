"""Announcements: one text as a mail to many, written to the outbox batch by batch.

Each batch is a transaction that writes mails and moves the mark `reached` on, so a
process that dies leaves the rest to the next. A mail's id follows from announcement and
user: nobody gets two, however many tickets they have and however often a batch runs.

An edit reaches the mails that are not written, and those that wait in the outbox; a
deletion withdraws both. What was sent stays sent.
"""

from datetime import datetime
from typing import Any, Final, Literal

from msgspec import Struct

from persistence.errors import Revisions, TooMany
from persistence.people.organisations import lock
from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool, Row
from persistence.postgres.revisions import refuse_stale_row

Audience = Literal["members", "ticket_holders"]

BATCH: Final = 500
"""How many bookings or members are looked at in one transaction."""

LASTS_S: Final = 3 * 86_400
"""An announcement that could not be sent by then is not sent any more."""

PER_DAY_MAX: Final = 50
"""Of one organisation."""

UNPROVEN_PER_DAY_MAX: Final = 10
"""To who never showed that they read the mails of their address, whoever wrote it down:
of all organisations together."""

_FIELDS = """
n.announcement_id, n.organisation_id, n.audience, n.event_id, n.subject, n.body,
n.created_by, n.request_hash, n.created_at, n.recipients, n.without_email,
n.written_at, n.edited_at, n.deleted_at, n.revision, d.waiting, d.failed
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
_FIND_MADE = f"{_FROM} WHERE n.organisation_id = $1 AND n.announcement_id = $2"
_FIND = f"{_FIND_MADE} AND n.deleted_at IS NULL"
_PAGE = """
    AND ($3::timestamptz IS NULL OR (n.created_at, n.announcement_id) < ($3, $4))
    AND n.deleted_at IS NULL
ORDER BY n.created_at DESC, n.announcement_id DESC LIMIT $2
"""
_LIST = f"{_FROM} WHERE n.organisation_id = $1 {_PAGE}"
# A place that somebody registered for is a booking of the registration's own.
_HELD = """
SELECT b.event_id FROM booking b WHERE b.user_id = {user} AND b.cancelled_at IS NULL
UNION ALL
SELECT b.event_id FROM attendee t JOIN booking b ON b.booking_id = t.booking_id
WHERE t.user_id = {user} AND b.cancelled_at IS NULL
"""
_FIND_HELD = f"{_FIND} AND n.event_id IN ({_HELD.format(user='$3')})"
_LIST_HELD = f"""{_FROM}
WHERE n.organisation_id = $1 AND n.event_id IN ({_HELD.format(user="$5")}) {_PAGE}
"""
_LIST_OF_USER = f"""{_FROM}
WHERE (n.event_id IN ({_HELD.format(user="$1")})
    OR n.audience = 'members' AND n.organisation_id IN (
        SELECT organisation_id FROM organisation_member WHERE user_id = $1))
    {_PAGE}
"""
_HOLDS = f"""
SELECT EXISTS (
    SELECT FROM event WHERE organisation_id = $1
        AND event_id IN ({_HELD.format(user="$2")})
) AS holds
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
# Whoever writes its mails has the row locked: either they are there when the next
# statement looks, or they are written with the new text.
_REVISION = """
SELECT revision FROM announcement
WHERE organisation_id = $1 AND announcement_id = $2 AND deleted_at IS NULL
FOR NO KEY UPDATE
"""
_EDIT = """
UPDATE announcement SET subject = coalesce($3, subject), body = coalesce($4, body),
    edited_at = CASE WHEN subject <> coalesce($3, subject) OR body <> coalesce($4, body)
        THEN now() ELSE edited_at END
WHERE organisation_id = $1 AND announcement_id = $2 AND deleted_at IS NULL
RETURNING subject, body
"""
_EDIT_MAILS = """
UPDATE mail SET subject = $2, body = $3
WHERE announcement_id = $1 AND sent_at IS NULL AND failed_at IS NULL
"""
_DELETE = """
UPDATE announcement SET subject = '', body = '', deleted_at = now(),
    written_at = coalesce(written_at, now())
WHERE organisation_id = $1 AND announcement_id = $2 AND deleted_at IS NULL
RETURNING announcement_id
"""
_DELETE_MAILS = "DELETE FROM mail WHERE announcement_id = $1 AND sent_at IS NULL"
_TAKE = """
SELECT announcement_id, organisation_id, audience, event_id, subject,
    body, reached
FROM announcement WHERE written_at IS NULL
ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_MAILED = f"""
mailed AS (
    INSERT INTO mail (mail_id, user_id, recipient, subject, body, expires_at,
        announcement_id, kind, locale, event_id, data)
    SELECT
        'mail_' || left(encode(sha256(convert_to($1 || a.user_id, 'UTF8')), 'hex'), 32),
        a.user_id, a.email, $4, $5, now() + $6 * interval '1 s', $1, 'announcement',
        a.locale, n.event_id, jsonb_build_object('organisation', o.name)
    FROM someone s JOIN (
        SELECT user_id, email, locale, verified_at IS NOT NULL AS proven FROM account
        WHERE deleted_at IS NULL
        UNION ALL
        SELECT attendee_id, email, locale, false FROM attendee WHERE email <> ''
    ) a USING (user_id)
        JOIN announcement n ON n.announcement_id = $1
        JOIN organisation o ON o.organisation_id = n.organisation_id
    WHERE a.proven OR (
        SELECT count(*) FROM mail m
        WHERE m.user_id = a.user_id AND m.announcement_id IS NOT NULL
            AND m.created_at > now() - interval '1 day'
    ) < {UNPROVEN_PER_DAY_MAX}
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
    edited_at: datetime | None
    deleted_at: datetime | None
    revision: int
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

        It is returned after its end too: making it again is not what was asked.
        Raises `OrganisationNotFound` and `TooMany`.
        """
        organisation = new.organisation_id
        async with self._pool.transaction() as connection:
            await lock(connection, organisation)
            names = (organisation, new.announcement_id)
            row = await connection.fetchrow(_FIND_MADE, *names)
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
            row = await connection.fetchrow(_FIND, *names)
            return Announcement(**row)

    async def edit(
        self,
        organisation: str,
        announcement: str,
        subject: str | None,
        body: str | None,
        seen: Revisions = None,
    ) -> Announcement | None:
        """Change an announcement, and its mails that wait; None leaves the field.

        Returns None where there is no such announcement. Raises `Stale`.
        """
        async with self._pool.transaction() as connection:
            await refuse_stale_row(
                connection, _REVISION, organisation, announcement, seen=seen
            )
            edited = await connection.fetchrow(
                _EDIT, organisation, announcement, subject, body
            )
            if edited is None:
                return None
            await connection.execute(
                _EDIT_MAILS, announcement, edited["subject"], edited["body"]
            )
            row = await connection.fetchrow(_FIND, organisation, announcement)
            return Announcement(**row)

    async def delete(
        self, organisation: str, announcement: str, seen: Revisions = None
    ) -> bool:
        """Forget an announcement, and its mails that wait; False if there is none.

        Raises `Stale`.
        """
        async with self._pool.transaction() as connection:
            await refuse_stale_row(
                connection, _REVISION, organisation, announcement, seen=seen
            )
            row = await connection.fetchrow(_DELETE, organisation, announcement)
            if row is not None:
                await connection.execute(_DELETE_MAILS, announcement)
            return row is not None

    async def find(
        self, organisation: str, announcement: str, holder: str | None = None
    ) -> Announcement | None:
        """Return an announcement; where a `holder` is given, only what is for them."""
        names = (organisation, announcement)
        row = (
            await self._pool.fetch_one(_FIND, *names)
            if holder is None
            else await self._pool.fetch_one(_FIND_HELD, *names, holder)
        )
        return None if row is None else Announcement(**row)

    async def holds_tickets(self, organisation: str, user: str) -> bool:
        """Return whether somebody has a place at any of an organisation's events."""
        row = await self._pool.fetch_one(_HOLDS, organisation, user)
        return row is not None and bool(row["holds"])

    async def list_of(
        self,
        organisation: str,
        *,
        holder: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> tuple[list[Announcement], str | None]:
        """Return a page of an organisation's announcements, the newest first.

        Where a `holder` is given, only what is for their tickets.
        """
        values = (organisation, fetched(limit), *decode_cursor(cursor))
        rows = (
            await self._pool.fetch(_LIST, *values)
            if holder is None
            else await self._pool.fetch(_LIST_HELD, *values, holder)
        )
        return _page(rows, limit)

    async def list_of_user(
        self, user: str, *, limit: int, cursor: str | None = None
    ) -> tuple[list[Announcement], str | None]:
        """Return a page of what is for a user, as member or holder, newest first."""
        rows = await self._pool.fetch(
            _LIST_OF_USER, user, fetched(limit), *decode_cursor(cursor)
        )
        return _page(rows, limit)

    async def count_of(self, organisation: str, *, holder: str | None = None) -> int:
        """Return how many `list_of` has on all its pages."""
        values = (organisation, None, None, None)
        if holder is None:
            return await self._pool.count(_LIST, *values)
        return await self._pool.count(_LIST_HELD, *values, holder)

    async def count_of_user(self, user: str) -> int:
        """Return how many `list_of_user` has on all its pages."""
        return await self._pool.count(_LIST_OF_USER, user, None, None, None)

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


def _page(rows: list[Row], limit: int) -> tuple[list[Announcement], str | None]:
    found = [Announcement(**row) for row in rows]
    return page(found, limit, lambda one: (one.created_at, one.announcement_id))


def _statement(one: Any, batch: int) -> tuple[Any, ...]:
    """Return the statement that writes the next mails, and what goes with it."""
    shared = (one["subject"], one["body"], LASTS_S, batch)
    if one["audience"] == "members":
        args = (one["announcement_id"], one["organisation_id"], one["reached"])
        return (_TO_MEMBERS, *args, *shared)
    reached = int(one["reached"] or "0")
    return (_TO_HOLDERS, one["announcement_id"], one["event_id"], reached, *shared)
