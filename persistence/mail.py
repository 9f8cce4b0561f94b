"""The outbox of mails, and the codes that they carry.

A mail is written in the transaction of what it tells of. A sender takes it for a
while, and says how that went; one that died meanwhile leaves it to be taken again, so a
mail may come twice, and is never lost. One that was refused for good, or is too late,
is a dead letter: it is listed, kept for days, and due again where somebody says so.

A mail is put in words when it is sent; until then it is its kind, and what there is to
tell. One without a kind was written, in words, by a version before.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, get_args

import msgspec
from msgspec import Struct

from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool, Row

TAKEN_S = 120.0
"""How long a mail is left to whoever took it."""

BACKOFF_S_MIN = 10.0
BACKOFF_S_MAX = 3_600.0
TAKEN_MAX = 20
SHOWN_MAX = 1_000
KEPT_S = 7 * 86_400
"""How long it is kept that a mail was sent, or could not be."""

Purpose = Literal["verify", "reset"]
LetterKind = Literal[
    "verify_email",
    "reset_password",
    "account_made",
    "password_changed",
    "email_asked",
    "email_changed",
    "order_opening",
    "registered",
    "invitation",
    "request_accepted",
    "request_declined",
    "announcement",
    "support_raised",
]
"""What a mail is that is no notice's: those have kinds of their own."""

LETTER_KINDS: Final[tuple[LetterKind, ...]] = get_args(LetterKind)
OutboxState = Literal["due", "sent", "dead"]

# Where nobody named a language it is that of the account it goes to.
_PUT = """
INSERT INTO mail (mail_id, user_id, recipient, subject, body, expires_at, kind, data,
    locale, event_id, files)
VALUES ($1, $2, $3, '', '', now() + $4 * interval '1 s', $5, $6::jsonb,
    coalesce(nullif($7, ''), (SELECT locale FROM account WHERE user_id = $2), ''), $8,
    $9)
"""
_PUT_CODE = """
INSERT INTO mail_code (hash, user_id, purpose, email, expires_at)
VALUES ($1, $2, $3, $4, now() + $5 * interval '1 s')
"""
_DROP_CODES = "DELETE FROM mail_code WHERE user_id = $1 AND purpose = ANY ($2)"
_USE_CODE = """
DELETE FROM mail_code c USING account a
WHERE c.hash = $1 AND c.purpose = $2 AND c.expires_at > now()
    AND a.user_id = c.user_id
    AND (a.email = c.email OR $2 = 'verify' AND a.pending_email = c.email)
RETURNING c.user_id, c.email
"""
_FIND_CODE = """
SELECT c.user_id, c.email FROM mail_code c JOIN account a USING (user_id)
WHERE c.hash = $1 AND c.purpose = $2 AND c.expires_at > now() AND a.email = c.email
"""
_TAKE = """
UPDATE mail SET attempts = attempts + 1, due_at = now() + $1 * interval '1 s'
WHERE mail_id IN (
    SELECT mail_id FROM mail
    WHERE sent_at IS NULL AND failed_at IS NULL AND due_at <= now()
        AND expires_at > now() AND announcement_id IS {which}
    ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING mail_id, recipient, subject, body, created_at, attempts,
    attachments::text AS attachments, kind, locale, event_id, data::text AS data, files
"""
_TAKE_LETTERS = _TAKE.format(which="NULL")
_TAKE_ANNOUNCED = _TAKE.format(which="NOT NULL")
_SENT = """
UPDATE mail SET sent_at = now(), body = '', attachments = '[]', data = '{}',
    files = '{}', reason = NULL
WHERE mail_id = $1
"""
_LATER = """
UPDATE mail SET due_at = now() + $2 * interval '1 s', reason = $3 WHERE mail_id = $1
"""
_FAILED = "UPDATE mail SET failed_at = now(), reason = $2 WHERE mail_id = $1"
_WAITING = """
SELECT count(*) AS waiting FROM mail
WHERE sent_at IS NULL AND failed_at IS NULL AND expires_at > now()
"""
LIST = """
SELECT mail_id, recipient, subject, body, created_at, attempts, sent_at, failed_at,
    reason, kind, locale, event_id, data::text AS data
FROM mail ORDER BY created_at DESC, mail_id LIMIT $1
"""
_STATE = """
CASE WHEN sent_at IS NOT NULL THEN 'sent'
    WHEN failed_at IS NOT NULL OR expires_at <= now() THEN 'dead' ELSE 'due' END
"""
_ROWS = f"""
SELECT mail_id AS row, {_STATE} AS state, recipient, kind, notice_id AS notice,
    attempts, created_at, due_at, coalesce(sent_at, failed_at) AS ended_at, reason
FROM mail
"""
_LISTED = f"""{_ROWS}
WHERE ($4::text IS NULL OR {_STATE} = $4)
    AND ($2::timestamptz IS NULL OR (created_at, mail_id) < ($2, $3))
ORDER BY created_at DESC, mail_id DESC LIMIT $1
"""
_COUNTED = f"""
SELECT count(*) AS count FROM mail WHERE $1::text IS NULL OR {_STATE} = $1
"""
# Of a dead one alone: it has as long as it had at first.
_REPLAY = f"""
UPDATE mail SET failed_at = NULL, attempts = 0, due_at = now(), reason = NULL,
    expires_at = greatest(expires_at, now() + (expires_at - created_at))
WHERE mail_id = $1 AND {_STATE} = 'dead'
"""
_FORGET = (
    "DELETE FROM mail WHERE expires_at < now() - $1 * interval '1 s'",
    "DELETE FROM mail_code WHERE expires_at < now() - $1 * interval '1 s'",
)


class Attachment(Struct, frozen=True):
    """A file of text that a mail carries; its media type is one of `text/`.

    In mails that were written by the version before alone.
    """

    name: str
    media_type: str
    text: str


_attachments = msgspec.json.Decoder(tuple[Attachment, ...]).decode


class Mail(Struct, frozen=True):
    """A mail to be sent within `lasts_s` seconds, and put in words then."""

    mail_id: str
    user_id: str
    recipient: str
    kind: LetterKind
    data: dict[str, Any]
    """What it tells; emptied once it is sent."""
    lasts_s: int
    locale: str = ""
    """The language, as BCP 47; without one that of the user's account, else English."""
    event_id: str | None = None
    """What it is about: told as it is when the mail is sent."""
    files: tuple[str, ...] = ()
    """What is made then and goes with it, as `calendar:EVENT`."""

    def __repr__(self) -> str:
        """Leave out what only the recipient should know."""
        return f"Mail({self.mail_id!r})"


class Code(Struct, frozen=True):
    """The digest of a code that a mail carries, and what it proves."""

    hash: bytes
    user_id: str
    purpose: Purpose
    email: str
    lasts_s: int


class Proven(Struct, frozen=True):
    """Whom a code proves, and the address that it was sent to."""

    user_id: str
    email: str


class TakenMail(Struct, frozen=True):
    """A mail to send now."""

    mail_id: str
    recipient: str
    subject: str
    body: str
    created_at: datetime
    attempts: int
    attachments: tuple[Attachment, ...] = ()
    kind: str | None = None
    """Of what it is to be put in words; None where `subject` and `body` are these."""
    locale: str = ""
    event_id: str | None = None
    data: dict[str, Any] = {}
    files: tuple[str, ...] = ()
    """What is to be made and sent along, as `ticket:ID`."""

    def __repr__(self) -> str:
        """Leave out what only the recipient should know."""
        return f"TakenMail({self.mail_id!r})"


class OutboxRow(Struct, frozen=True):
    """What is to leave us, or has, and how that goes; what it says is left out."""

    row: str
    state: OutboxState
    recipient: str
    kind: str | None
    notice: str | None
    attempts: int
    created_at: datetime
    due_at: datetime
    ended_at: datetime | None
    """When it was sent, or refused for good."""
    reason: str | None
    """What the last attempt met."""


class Outbox:
    """Gives out mails to send. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def take(self) -> list[TakenMail]:
        """Return mails that are due; nobody else gets them for a while.

        What somebody waits for is taken before announcements, of which there may be
        tens of thousands.
        """
        rows = await self._pool.fetch(_TAKE_LETTERS, TAKEN_S, TAKEN_MAX)
        if len(rows) < TAKEN_MAX:
            left = TAKEN_MAX - len(rows)
            rows += await self._pool.fetch(_TAKE_ANNOUNCED, TAKEN_S, left)
        return [_taken(row) for row in rows]

    async def sent(self, mail_id: str) -> None:
        """Note that a mail is on its way; what it said is forgotten."""
        await self._pool.fetch(_SENT, mail_id)

    async def later(
        self, mail_id: str, attempts: int, reason: str, first_s: float = BACKOFF_S_MIN
    ) -> None:
        """Note that a mail could not be sent yet; it waits twice as long each time."""
        wait_s = min(BACKOFF_S_MAX, first_s * 2.0 ** min(attempts - 1, 20))
        await self._pool.fetch(_LATER, mail_id, wait_s, reason)

    async def failed(self, mail_id: str, reason: str) -> None:
        """Note that a mail can never be sent: it is a dead letter."""
        await self._pool.fetch(_FAILED, mail_id, reason)

    async def waiting(self) -> int:
        """Return how many mails are still to be sent."""
        row = await self._pool.fetch_one(_WAITING)
        return 0 if row is None else int(row["waiting"])

    async def newest(self, limit: int = SHOWN_MAX) -> list[Row]:
        """Return the newest mails, whatever became of them."""
        return await self._pool.fetch(LIST, limit)

    async def list_rows(
        self, state: OutboxState | None, *, limit: int, cursor: str | None
    ) -> tuple[list[OutboxRow], str | None]:
        """Return a page of mails, the newest first. Raises `BadCursor`."""
        values = (fetched(limit), *decode_cursor(cursor), state)
        rows = [OutboxRow(**row) for row in await self._pool.fetch(_LISTED, *values)]
        return page(rows, limit, lambda one: (one.created_at, one.row))

    async def count_rows(self, state: OutboxState | None) -> int:
        """Return how many mails there are, of all or of one state."""
        row = await self._pool.fetch_one(_COUNTED, state)
        return 0 if row is None else int(row["count"])

    async def rows_of(self, names: list[str]) -> list[OutboxRow]:
        """Return the mails of these ids that there are, the oldest first."""
        sql = f"{_ROWS} WHERE mail_id = ANY ($1) ORDER BY created_at, mail_id"
        return [OutboxRow(**row) for row in await self._pool.fetch(sql, names)]

    async def replay(self, row: str) -> OutboxRow | None:
        """Let a dead letter be due again; return it as it is now, None without one."""
        await self._pool.fetch(_REPLAY, row)
        found = await self._pool.fetch_one(f"{_ROWS} WHERE mail_id = $1", row)
        return None if found is None else OutboxRow(**found)

    async def find_code(self, code_hash: bytes, purpose: Purpose) -> Proven | None:
        """Return whom a code proves, and leave it good."""
        row = await self._pool.fetch_one(_FIND_CODE, code_hash, purpose)
        return None if row is None else Proven(row["user_id"], row["email"])

    async def forget(self) -> None:
        """Delete what nobody needs any more."""
        for statement in _FORGET:
            await self._pool.fetch(statement, KEPT_S)


# asyncpg ships no types, hence Any for its connection.
async def put_mails(connection: Any, mails: list[Mail], codes: list[Code]) -> None:
    """Add mails and what they carry, in the transaction of what they tell of.

    Earlier codes of the same user to verify an address end. Those for a new password
    stay good: anybody may ask for one, and could so end the one that is being read.
    """
    for code in codes:
        if code.purpose == "verify":
            await drop_codes(connection, code.user_id, ["verify"])
    for code in codes:
        fields = (code.hash, code.user_id, code.purpose, code.email, code.lasts_s)
        await connection.execute(_PUT_CODE, *fields)
    for mail in mails:
        await connection.execute(_PUT, *_values(mail))


async def use_code(
    connection: Any, code_hash: bytes, purpose: Purpose
) -> Proven | None:
    """Return whom a code proves; it is good once, and only while the address is."""
    row = await connection.fetchrow(_USE_CODE, code_hash, purpose)
    return None if row is None else Proven(row["user_id"], row["email"])


async def drop_codes(
    connection: Any, user_id: str, purposes: Sequence[Purpose] = ("verify", "reset")
) -> None:
    """End a user's codes for these purposes."""
    await connection.execute(_DROP_CODES, user_id, list(purposes))


async def drop_mails(connection: Any, user_id: str) -> None:
    """Leave no trace of what was sent to a user."""
    await connection.execute("DELETE FROM mail WHERE user_id = $1", user_id)


def _values(mail: Mail) -> tuple[object, ...]:
    return (
        mail.mail_id,
        mail.user_id,
        mail.recipient,
        mail.lasts_s,
        mail.kind,
        msgspec.json.encode(mail.data).decode(),
        mail.locale,
        mail.event_id,
        list(mail.files),
    )


def _taken(row: Row) -> TakenMail:
    fields = {
        **row,
        "attachments": _attachments(row["attachments"]),
        "data": msgspec.json.decode(row["data"]),
        "files": tuple(row["files"]),
    }
    return TakenMail(**fields)
