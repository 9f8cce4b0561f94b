"""People who register for an event, and how far each has come.

A registration is `pending` from before its place is asked for until its booking is
noted; `RegistrationService` drives it. Its keys are its own, so that it may be
driven again from the beginning by whoever comes, and takes one place.
"""

from datetime import datetime
from typing import Any, Final, Literal

from msgspec import Struct

from persistence.mail import Mail, put_mails
from persistence.people.addresses import address_key
from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool, Row
from persistence.postgres.searches import searched

State = Literal["pending", "registered", "gone"]
Shown = Literal["pending", "registered", "cancelled"]

DRIVEN_S: Final = 30.0
"""How long one who drives a registration has it alone."""

LOOKED_BACK_S: Final = 86_400.0
"""How long it is looked whether one that is gone has a place all the same."""

TAKEN_MAX: Final = 20

_FIELDS: Final = """
t.attendee_id, t.event_id, t.email, t.name, t.user_id, t.state, t.booking_id,
t.reference, t.request_hash, t.created_at, t.registered_at, t.person_id, t.locale,
coalesce(b.cancelled_at, t.gone_at) AS gone_at
"""
_COLUMNS: Final = """
attendee_id, event_id, email, name, user_id, state, booking_id, reference, request_hash,
created_at, registered_at, person_id, locale, gone_at
"""
_FROM: Final = """
FROM attendee t LEFT JOIN booking b ON b.booking_id = t.booking_id
"""
_SELECT = f"SELECT {_FIELDS} {_FROM}"
_FIND = f"{_SELECT} WHERE t.attendee_id = $1"
_FIND_BY_CODE = f"{_SELECT} WHERE t.code_hash = $1"
_FIND_BY_ADDRESS = f"""{_SELECT}
WHERE t.event_id = $1 AND t.email_key = $2 AND t.state <> 'gone'
"""
_BEGIN = """
INSERT INTO attendee
    (attendee_id, event_id, email, name, user_id, request_hash, driven_until, email_key,
    person_id, locale)
VALUES ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 s', $8,
    (SELECT person_id FROM person WHERE person_id = $9), $10)
ON CONFLICT DO NOTHING
RETURNING attendee_id
"""
# Its booking was cancelled without us: by whoever manages the event.
_LET_GO = """
UPDATE attendee t SET state = 'gone', gone_at = b.cancelled_at
FROM booking b
WHERE t.event_id = $1 AND t.email_key = $2 AND t.state = 'registered'
    AND b.booking_id = t.booking_id AND b.cancelled_at IS NOT NULL
"""
_CONFIRM = """
UPDATE attendee SET state = 'registered', booking_id = $2, reference = $3,
    code_hash = $4, registered_at = now()
WHERE attendee_id = $1 AND state = 'pending'
RETURNING attendee_id
"""
_END = """
UPDATE attendee SET state = 'gone', gone_at = now()
WHERE attendee_id = $1 AND state <> 'gone'
"""
_TAKE_UP = f"""
WITH taken AS (
    UPDATE attendee SET driven_until = now() + $1 * interval '1 s'
    WHERE attendee_id IN (
        SELECT attendee_id FROM attendee a
        WHERE a.driven_until < now() AND (a.state = 'pending'
            OR a.state = 'gone' AND a.gone_at > now() - $2 * interval '1 s' AND EXISTS (
                SELECT FROM booking b
                WHERE b.user_id = a.attendee_id AND b.cancelled_at IS NULL))
        ORDER BY a.driven_until LIMIT $3 FOR UPDATE SKIP LOCKED
    )
    RETURNING *
)
SELECT {_FIELDS} FROM taken t LEFT JOIN booking b ON b.booking_id = t.booking_id
"""
_PLACES = """
SELECT booking_id FROM booking WHERE user_id = $1 AND cancelled_at IS NULL
"""
# Whoever never got a place is not listed: nothing came of it.
_LISTED: Final = "(t.state = 'pending' OR t.registered_at IS NOT NULL)"
_SHOWN: Final = """
CASE WHEN t.state = 'gone' OR b.cancelled_at IS NOT NULL THEN 'cancelled'
    ELSE t.state END
"""
_BEYOND: Final = "($3::timestamptz IS NULL OR (t.created_at, t.attendee_id) < ($3, $4))"
_PAGE: Final = f"""
    AND {_BEYOND}
ORDER BY t.created_at DESC, t.attendee_id DESC LIMIT $2
"""
_ASKED = f"""
WHERE t.event_id = $1 AND {_LISTED} AND ($5::text IS NULL OR {_SHOWN} = $5)
"""
_LIST_OF_EVENT = f"{_SELECT} {_ASKED} {_PAGE}"
# Each way has an index of its own.
_SEARCH_EVENT = searched(
    _COLUMNS,
    f"{_FROM} {_ASKED} AND {_BEYOND}",
    """
t.attendee_id = $6 OR t.words @@ (SELECT search_query($6))
    OR (t.reference >= upper($6) AND t.reference < upper($6) || chr(1114111))
""",
    key="attendee_id",
    order="created_at DESC, attendee_id DESC",
    limit="$2",
    fields=_FIELDS,
    words="t.words",
)
_LIST_OF_USER = f"{_SELECT} WHERE t.user_id = $1 AND {_LISTED} {_PAGE}"
_FORGET = """
UPDATE attendee SET email = '', email_key = NULL, name = '', code_hash = NULL
WHERE user_id = $1
"""
_FORGET_MAILS = """
DELETE FROM mail WHERE user_id IN (
    SELECT attendee_id FROM attendee WHERE user_id = $1)
"""


class NewAttendee(Struct, frozen=True):
    """Somebody who wants a place."""

    attendee_id: str
    event_id: str
    email: str
    name: str
    user_id: str
    request_hash: bytes
    person_id: str | None = None
    """Who it is, where they were registered by their id."""
    locale: str = ""
    """In which language the mails to them are, as BCP 47."""

    def __repr__(self) -> str:
        """Leave out who it is."""
        return f"NewAttendee({self.attendee_id!r})"


class Attendee(Struct, frozen=True):
    """Somebody who registered, or is about to."""

    attendee_id: str
    event_id: str
    email: str
    name: str
    user_id: str
    state: State
    booking_id: str | None
    reference: str | None
    request_hash: bytes
    created_at: datetime
    registered_at: datetime | None
    gone_at: datetime | None
    person_id: str | None = None
    """Who it is, where they were registered by their id and are still known."""
    locale: str = ""

    @property
    def shown(self) -> Shown:
        """What is said of it: its booking may be cancelled without its knowing."""
        if self.gone_at is not None:
            return "cancelled"
        return "registered" if self.state == "registered" else "pending"

    @property
    def came_to_nothing(self) -> bool:
        """Whether it ended without ever having a place."""
        return self.state == "gone" and self.registered_at is None

    def __repr__(self) -> str:
        """Leave out who it is."""
        return f"Attendee({self.attendee_id!r}, {self.state!r})"


class AlreadyRegistered(Exception):
    """Somebody registered for the event with this address."""


class Attendees:
    """Reads and changes registrations. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, new: NewAttendee) -> Attendee:
        """Make a registration, or return the one that this request made before.

        That is the one with its id, or a pending one of the same user for the address.
        Raises `AlreadyRegistered`.
        """
        key = address_key(new.email)
        fields = (
            new.attendee_id,
            new.event_id,
            new.email,
            new.name,
            new.user_id,
            new.request_hash,
            DRIVEN_S,
            key,
            new.person_id,
            new.locale,
        )
        for _ in range(2):
            await self._pool.fetch(_BEGIN, *fields)
            made = await self.find(new.attendee_id)
            if made is not None:
                return made
            await self._pool.fetch(_LET_GO, new.event_id, key)
        row = await self._pool.fetch_one(_FIND_BY_ADDRESS, new.event_id, key)
        known = None if row is None else _attendee_of(row)
        if (
            known is None
            or known.state != "pending"
            or (known.user_id, known.request_hash) != (new.user_id, new.request_hash)
        ):
            raise AlreadyRegistered
        return known

    async def confirm(
        self, attendee: str, booking: str, reference: str, code_hash: bytes, mail: Mail
    ) -> bool:
        """Note the place of a pending registration, and put its mail into the outbox.

        False where it is pending no more: somebody else was at it.
        """
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(
                _CONFIRM, attendee, booking, reference, code_hash
            )
            if row is not None:
                await put_mails(connection, [mail], [])
            return row is not None

    async def end(self, attendee: str) -> None:
        """Note that somebody has no place, or is to have none any more."""
        await self._pool.fetch(_END, attendee)

    async def take_up(self) -> list[Attendee]:
        """Return what was left alone: pending, or gone and with a place all the same.

        Nobody else gets them for a while.
        """
        rows = await self._pool.fetch(_TAKE_UP, DRIVEN_S, LOOKED_BACK_S, TAKEN_MAX)
        return [_attendee_of(row) for row in rows]

    async def places(self, attendee: str) -> list[str]:
        """Return the bookings that somebody has."""
        return [row["booking_id"] for row in await self._pool.fetch(_PLACES, attendee)]

    async def find(self, attendee: str) -> Attendee | None:
        """Return a registration by its id."""
        row = await self._pool.fetch_one(_FIND, attendee)
        return None if row is None else _attendee_of(row)

    async def find_by_code(self, code_hash: bytes) -> Attendee | None:
        """Return the registration whose mail has this code."""
        row = await self._pool.fetch_one(_FIND_BY_CODE, code_hash)
        return None if row is None else _attendee_of(row)

    async def list_of_event(
        self,
        event: str,
        *,
        text: str | None = None,
        shown: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> tuple[list[Attendee], str | None]:
        """Return a page of those who registered for an event, newest first.

        `text` is an id, the beginning of a reference, or words that are in the name or
        address, as `search_query` of migration 0014 reads them.
        """
        values = (event, fetched(limit), *decode_cursor(cursor), shown)
        rows = (
            await self._pool.fetch(_LIST_OF_EVENT, *values)
            if text is None
            else await _SEARCH_EVENT.fetch(self._pool, fetched(limit), *values, text)
        )
        return _page(rows, limit)

    async def count_of_event(
        self, event: str, *, text: str | None = None, shown: str | None = None
    ) -> int:
        """Return how many `list_of_event` has on all its pages."""
        values = (event, None, None, None, shown)
        if text is None:
            return await self._pool.count(_LIST_OF_EVENT, *values)
        return await _SEARCH_EVENT.count(self._pool, *values, text)

    async def list_of_user(
        self, user: str, *, limit: int, cursor: str | None = None
    ) -> tuple[list[Attendee], str | None]:
        """Return a page of a user's registrations, newest first."""
        rows = await self._pool.fetch(
            _LIST_OF_USER, user, fetched(limit), *decode_cursor(cursor)
        )
        return _page(rows, limit)

    async def count_of_user(self, user: str) -> int:
        """Return how many registrations a user made."""
        return await self._pool.count(_LIST_OF_USER, user, None, None, None)


# asyncpg ships no types, hence Any for its connection.
async def forget_attendees(connection: Any, user: str) -> None:
    """Leave no trace of whom a user registered; their places stay theirs."""
    await connection.execute(_FORGET_MAILS, user)
    await connection.execute(_FORGET, user)


def _page(rows: list[Row], limit: int) -> tuple[list[Attendee], str | None]:
    found = [_attendee_of(row) for row in rows]
    return page(found, limit, lambda one: (one.created_at, one.attendee_id))


def _attendee_of(row: Row) -> Attendee:
    return Attendee(**row)
