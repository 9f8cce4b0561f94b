"""Notices: what somebody is told of what concerns them.

Raised in the transaction of what they tell of: a row for the application, and rows in
the outboxes of the channels, today one of mail. Nothing is written out then: a mail is
put in words when it is sent.

Invariants: one notice of a kind and subject for a person, and one mail of it, however
often it is raised; its mail has one Message-ID, however often that is sent.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from persistence.people.addresses import address_key
from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool

NoticeKind = Literal[
    "order_confirmed",
    "order_cancelled",
    "refund_sent",
    "refund_failed",
    "ticket_transferred",
    "event_changed",
    "event_cancelled",
    "reminder",
    "turn",
    "offer",
    "offer_over",
    "payment_disputed",
    "join_requested",
]
NOTICE_KINDS: Final[tuple[NoticeKind, ...]] = get_args(NoticeKind)

_MONEY: Final = frozenset({"reference", "amount", "currency"})
NEEDS: Final[dict[NoticeKind, frozenset[str]]] = {
    "order_confirmed": frozenset({"reference"}),
    "order_cancelled": frozenset({"order", "reference"}),
    "refund_sent": _MONEY,
    "refund_failed": _MONEY,
    "ticket_transferred": frozenset({"ticket", "number", "side"}),
    "event_changed": frozenset(),
    "event_cancelled": frozenset(),
    "reminder": frozenset(),
    "turn": frozenset({"rank", "until_ms"}),
    "offer": frozenset({"rank", "until_ms", "quantity"}),
    "offer_over": frozenset({"rank", "held"}),
    "payment_disputed": _MONEY | {"order", "state", "reason"},
    "join_requested": frozenset({"organisation", "request"}),
}
"""What the data of each kind has to have: what its mail cannot do without."""

_WITHOUT_EVENT: Final = frozenset({"refund_sent", "refund_failed", "join_requested"})

MAIL_LASTS_S: Final = 3 * 86_400
"""How long it is tried to send the mail."""

KEPT_D: Final = 400
"""Days for which notices are kept."""

TELL_MAX: Final = 500

OF_ORDER_MAX: Final = 200
"""So many notices of one order are listed: parts of it, and refunds."""

OF_ORDER: Final[tuple[NoticeKind, ...]] = (
    "order_confirmed",
    "order_cancelled",
    "refund_sent",
    "refund_failed",
)
"""What the buyer of an order is told of it."""

ORGANISERS_MAX: Final = 50
"""So many people are told what is for who runs an event, or an organisation."""

# Whom an order names has the mail; else the account, at an address known to be its own.
# Where nobody named a language it is the account's.
_RAISE_MANY: Final = """
WITH wanted AS NOT MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
        $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
        AS w(id, kind, subject, user_id, email, locale, event_id, data, mail, files)
), raised AS (
    INSERT INTO notice (notice_id, kind, subject, user_id, event_id, data)
    SELECT id, kind, subject, user_id, event_id, data::jsonb FROM wanted
    ON CONFLICT DO NOTHING
    RETURNING notice_id
), mailed AS (
    INSERT INTO mail (mail_id, user_id, recipient, subject, body, expires_at, kind,
        notice_id, event_id, locale, data, files)
    SELECT 'mail_' || w.id, coalesce(w.user_id, ''), coalesce(w.email, a.email), '', '',
        now() + $11 * interval '1 s', w.kind, w.id, w.event_id,
        coalesce(nullif(w.locale, ''), l.locale, ''),
        w.data::jsonb || w.mail::jsonb, string_to_array(w.files, chr(10))
    FROM wanted w JOIN raised r ON r.notice_id = w.id
        LEFT JOIN account a ON w.email IS NULL AND a.user_id = w.user_id
            AND a.verified_at IS NOT NULL AND a.deleted_at IS NULL
        LEFT JOIN account l ON w.locale = '' AND l.user_id = w.user_id
    WHERE coalesce(w.email, a.email) IS NOT NULL
    ON CONFLICT DO NOTHING
)
SELECT notice_id FROM raised
"""
# As above, of one alone: in half the time.
_RAISE_ONE: Final = """
SELECT raise_notice($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
# Owners and leaders of its organisation; of an event of none who made it.
_ORGANISERS: Final = """
SELECT coalesce(m.user_id, e.created_by) AS user_id
FROM event e LEFT JOIN organisation_member m
    ON m.organisation_id = e.organisation_id AND m.role IN ('owner', 'leader')
WHERE e.event_id = $1 ORDER BY 1 LIMIT $2
"""
_LEADERS: Final = """
SELECT user_id FROM organisation_member
WHERE organisation_id = $1 AND role IN ('owner', 'leader') ORDER BY 1 LIMIT $2
"""
_FIELDS: Final = """
notice_id, kind, subject, event_id, data::text AS data, at, read_at, user_id,
(SELECT e.name FROM event e WHERE e.event_id = notice.event_id) AS event_name
"""
_LIST: Final = f"""
SELECT {_FIELDS} FROM notice
WHERE user_id = $1 AND ($5 = false OR read_at IS NULL)
    AND ($3::timestamptz IS NULL OR (at, notice_id) < ($3, $4))
ORDER BY at DESC, notice_id DESC LIMIT $2
"""
_COUNT: Final = """
SELECT count(*) AS count FROM notice
WHERE user_id = $1 AND ($2 = false OR read_at IS NULL)
"""
_READ: Final = """
UPDATE notice SET read_at = now()
WHERE user_id = $1 AND read_at IS NULL AND ($2::text[] IS NULL OR notice_id = ANY ($2))
"""
_TELL: Final = f"""
UPDATE notice SET told = true WHERE notice_id IN (
    SELECT notice_id FROM notice WHERE NOT told ORDER BY at LIMIT $1
    FOR UPDATE SKIP LOCKED
) RETURNING {_FIELDS}
"""
_OF_ORDER: Final = f"""
SELECT {_FIELDS} FROM notice
WHERE user_id = $1 AND data ->> 'order' = $2 AND kind = ANY ($3)
ORDER BY at, notice_id LIMIT $4
"""
# Of a notice that was raised already: to whom it would be raised now.
_MAIL_AGAIN: Final = """
INSERT INTO mail (mail_id, user_id, recipient, subject, body, expires_at, kind,
    notice_id, event_id, locale, data, files)
SELECT $10, coalesce($3::text, ''), coalesce($4::text, a.email), '', '',
    now() + $11 * interval '1 s', $2::text, $1::text, $6::text,
    coalesce(nullif($5::text, ''), l.locale, ''), $7::jsonb || $8::jsonb,
    string_to_array($9::text, chr(10))
FROM (SELECT) one
    LEFT JOIN account a ON $4::text IS NULL AND a.user_id = $3
        AND a.verified_at IS NOT NULL AND a.deleted_at IS NULL
    LEFT JOIN account l ON $5::text = '' AND l.user_id = $3
WHERE coalesce($4::text, a.email) IS NOT NULL
ON CONFLICT DO NOTHING
RETURNING true
"""
_FORGET: Final = "DELETE FROM notice WHERE at < now() - $1 * interval '1 day'"


_encode: Final = msgspec.json.Encoder().encode


class Notice(Struct, frozen=True, kw_only=True):
    """What somebody is to be told.

    `subject` is what it is about, such as a refund's id: of one kind and subject
    somebody gets one. `user_id` has it in the application, if there is one; the mail
    goes to `email`, or to the user's confirmed address. One of them is needed.
    """

    kind: NoticeKind
    subject: str
    user_id: str | None = None
    email: str | None = None
    organisers: bool = False
    """Whether it is for who runs the event, in place of a user or an address."""
    leaders_of: str | None = None
    """The organisation whose owners and leaders it is for, likewise."""
    locale: str | None = None
    """The language of the mail, as BCP 47; English where it is None or unknown."""
    event_id: str | None = None
    data: dict[str, Any] = {}
    """Ids, and amounts in minor units: readable in the application, so no secrets. It
    has what the kind `NEEDS`. May have: of all with an order `order`; `order_cancelled`
    `labels` of places that went, `part`, `amount` and `currency` of what goes back. Of
    `ticket_transferred` the `side` is `offered`, `received` or `given`; of
    `payment_disputed` the `state` is `open`, `won` or `lost`, and `reason` a word.
    `event_changed` has `place`, where that is another, or `was_starts_at_ms` and
    `was_timezone`."""
    mail: dict[str, Any] = {}
    """What the mail alone says, and is forgotten with it."""
    files: tuple[str, ...] = ()
    """What is made when the mail is sent and goes with it: `calendar:EVENT`,
    `ticket:TICKET`."""

    def __repr__(self) -> str:
        """Leave out who it is for, and what it says."""
        return f"Notice({self.kind!r}, {self.subject!r})"


class NoticeRow(Struct, frozen=True):
    """A notice as its user finds it."""

    notice_id: str
    kind: NoticeKind
    subject: str
    event_id: str | None
    data: dict[str, Any]
    at: datetime
    read_at: datetime | None
    user_id: str | None
    event_name: str | None
    """As the event is called by now."""


def notice_id(kind: str, subject: str, whose: str) -> str:
    """Return the name of the notice of a kind and subject to a user or address."""
    named = "\0".join((kind, subject, whose))
    return f"ntc_{sha256(named.encode()).hexdigest()[:32]}"


# asyncpg ships no types, hence Any for its connection.
async def raise_notice(connection: Any, notice: Notice) -> bool:
    """Tell somebody something in the caller's transaction; return whether it is new."""
    return bool(await raise_notices(connection, [notice]))


async def raise_notices(connection: Any, notices: Sequence[Notice]) -> int:
    """Tell several something, by one statement; return how many of that are new."""
    if any(one.organisers or one.leaders_of for one in notices):
        notices = await _addressed(connection, notices)
    if not notices:
        return 0
    rows: dict[object, tuple[object, ...]] = {}
    for one in notices:
        row = _values(one)
        rows.setdefault(row[0], row)
    if len(rows) == 1:
        (row,) = rows.values()
        return int(await connection.fetchval(_RAISE_ONE, *row, MAIL_LASTS_S))
    columns = (list(column) for column in zip(*rows.values(), strict=True))
    return len(await connection.fetch(_RAISE_MANY, *columns, MAIL_LASTS_S))


async def mail_again(connection: Any, notice: Notice, mail_id: str) -> bool:
    """Add another mail of a notice that was raised, in the caller's transaction.

    False where nobody has an address for it; one of that id is there already or added.
    """
    name, kind, _, *rest = _values(notice)
    row = (name, kind, *rest, mail_id, MAIL_LASTS_S)
    if await connection.fetchval(_MAIL_AGAIN, *row):
        return True
    return bool(
        await connection.fetchval("SELECT true FROM mail WHERE mail_id = $1", mail_id)
    )


async def forget_notices(connection: Any, user_id: str) -> None:
    """Leave no trace of what a user was told."""
    await connection.execute("DELETE FROM notice WHERE user_id = $1", user_id)


class Notices:
    """Lists notices, notes that they were read, finds the new. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def list_of(
        self, user: str, *, limit: int, cursor: str | None, unread: bool
    ) -> tuple[list[NoticeRow], str | None]:
        """Return a page of a user's notices, the newest first. Raises `BadCursor`."""
        at, last = decode_cursor(cursor)
        rows = await self._pool.fetch(_LIST, user, fetched(limit), at, last, unread)
        return page(
            [_row_of(row) for row in rows], limit, lambda one: (one.at, one.notice_id)
        )

    async def count_of(self, user: str, *, unread: bool) -> int:
        """Return how many notices a user has, or has not read."""
        row = await self._pool.fetch_one(_COUNT, user, unread)
        return 0 if row is None else int(row["count"])

    async def read(self, user: str, names: list[str] | None) -> None:
        """Note that a user read some notices, or all there are; others' stay."""
        await self._pool.fetch(_READ, user, names)

    async def of_order(self, user: str, order: str) -> list[NoticeRow]:
        """Return what the buyer of an order was told of it, the oldest first."""
        values = (user, order, list(OF_ORDER), OF_ORDER_MAX)
        return [_row_of(row) for row in await self._pool.fetch(_OF_ORDER, *values)]

    async def untold(self) -> list[NoticeRow]:
        """Return new notices that open pages were not told of, and note that they are.

        With as many as `TELL_MAX` there may be more.
        """
        return [_row_of(row) for row in await self._pool.fetch(_TELL, TELL_MAX)]

    async def forget(self) -> None:
        """Delete what is too old."""
        await self._pool.fetch(_FORGET, KEPT_D)


async def _addressed(connection: Any, notices: Sequence[Notice]) -> list[Notice]:
    """Return notices with those for organisers or leaders once for each of them."""
    found: list[Notice] = []
    for one in notices:
        if one.leaders_of is not None:
            asked = (_LEADERS, one.leaders_of)
        elif one.organisers and one.event_id is not None:
            asked = (_ORGANISERS, one.event_id)
        else:
            found.append(one)
            continue
        rows = await connection.fetch(*asked, ORGANISERS_MAX)
        found += [replace(one, user_id=row["user_id"]) for row in rows]
    return found


def _values(one: Notice) -> tuple[object, ...]:
    if one.user_id is None and not one.email:
        raise ValueError("a notice is for somebody")
    missing = NEEDS[one.kind] - one.data.keys()
    if missing or (one.event_id is None and one.kind not in _WITHOUT_EVENT):
        raise ValueError(f"{one.kind} lacks {sorted(missing) or 'its event'}")
    whose = one.user_id or address_key(one.email or "")
    return (
        notice_id(one.kind, one.subject, whose),
        one.kind,
        one.subject,
        one.user_id,
        one.email or None,
        one.locale or "",
        one.event_id,
        _encode(one.data).decode(),
        _encode(one.mail).decode(),
        "\n".join(one.files),
    )


def _row_of(row: Any) -> NoticeRow:
    return NoticeRow(**{**row, "data": msgspec.json.decode(row["data"])})
