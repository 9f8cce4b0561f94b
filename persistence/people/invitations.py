"""Invitations to an organisation: by mail, good once, for whoever has the address.

The code is in the mail and nowhere else; here is its digest. It lets nobody in but an
account that has confirmed the address, so a mail that was passed on, or a link that was
seen, makes no member. The organisation's row is locked before the invitation's, as
everywhere, so that nobody waits in a circle.
"""

from datetime import datetime
from typing import Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from persistence.errors import TooMany
from persistence.mail import Mail, put_mails
from persistence.people.addresses import address_key
from persistence.people.organisations import (
    AlreadyMember,
    MemberNotFound,
    MemberRole,
    join,
    lock,
)
from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool
from persistence.quotas import DEFAULT_QUOTAS, Quotas

InvitedRole = Literal["leader", "staff"]
AnswerState = Literal["pending", "accepted", "declined", "withdrawn"]

PENDING_MAX: Final = 200
"""Of one organisation."""

_FIELDS = """
i.invitation_id, i.organisation_id, i.email, i.role, i.state, i.invited_by,
i.request_hash, i.created_at, i.expires_at, i.expires_at <= now() AS expired,
i.answered_at, o.name AS organisation_name
"""
_FROM = f"""
SELECT {_FIELDS}
FROM organisation_invitation i JOIN organisation o USING (organisation_id)
WHERE o.deleted_at IS NULL
"""
_FIND = f"{_FROM} AND i.organisation_id = $1 AND i.invitation_id = $2"
_FIND_BY_CODE = f"{_FROM} AND i.code_hash = $1"
_LIST = f"""{_FROM} AND i.organisation_id = $1
    AND ($3::text IS NULL OR i.state = $3)
    AND ($4::timestamptz IS NULL OR (i.created_at, i.invitation_id) < ($4, $5))
ORDER BY i.created_at DESC, i.invitation_id DESC LIMIT $2
"""
_ACCOUNT = """
SELECT a.user_id, a.locale, m.role FROM account a
LEFT JOIN organisation_member m ON m.user_id = a.user_id AND m.organisation_id = $1
WHERE a.email_key = $2
"""
_INVITER = "SELECT name, locale FROM account WHERE user_id = $1"
_REPLACE = """
UPDATE organisation_invitation SET state = 'withdrawn', answered_at = now()
WHERE organisation_id = $1 AND state = 'pending'
    AND (email_key = $2 OR expires_at <= now())
"""
_COUNT_PENDING = """
SELECT count(*) FROM organisation_invitation
WHERE organisation_id = $1 AND state = 'pending'
"""
_CREATE = """
INSERT INTO organisation_invitation (invitation_id, organisation_id, email, role,
    code_hash, invited_by, request_hash, expires_at, email_key)
VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8 * interval '1 s', $9)
ON CONFLICT (invitation_id) DO NOTHING
"""
_LOCK_BY_CODE = """
SELECT invitation_id, state, role, email_key, answered_by,
    expires_at <= now() AS expired
FROM organisation_invitation WHERE code_hash = $1 FOR UPDATE
"""
_ANSWER = """
UPDATE organisation_invitation SET state = $2, answered_at = now(), answered_by = $3
WHERE invitation_id = $1 AND state = 'pending'
"""
_WITHDRAW = """
UPDATE organisation_invitation SET state = 'withdrawn', answered_at = now(),
    answered_by = $3
WHERE organisation_id = $1 AND invitation_id = $2 AND state = 'pending'
RETURNING invitation_id
"""
_ADDRESS = """
SELECT email, verified_at IS NOT NULL AS confirmed
FROM account WHERE user_id = $1 AND deleted_at IS NULL
"""
_ROLE = """
SELECT role FROM organisation_member WHERE organisation_id = $1 AND user_id = $2
"""


class Invitation(Struct, frozen=True):
    """An invitation, as the organisation sees it."""

    invitation_id: str
    organisation_id: str
    organisation_name: str
    email: str
    role: InvitedRole
    state: AnswerState
    invited_by: str
    request_hash: bytes
    created_at: datetime
    expires_at: datetime
    expired: bool
    answered_at: datetime | None

    @property
    def pending(self) -> bool:
        """Whether it can still be accepted."""
        return self.state == "pending" and not self.expired

    def __repr__(self) -> str:
        """Leave out what no log should hold."""
        return f"Invitation({self.invitation_id!r}, {self.state!r})"


class NewInvitation(Struct, frozen=True):
    """Whom to invite, and the mail with the code."""

    invitation_id: str
    organisation_id: str
    email: str
    role: InvitedRole
    code_hash: bytes
    invited_by: str
    request_hash: bytes
    mail: Mail
    lasts_s: int

    def __repr__(self) -> str:
        """Leave out what no log should hold."""
        return f"NewInvitation({self.invitation_id!r})"


class InvitationNotFound(Exception):
    """There is no such invitation, or it was answered, or it has expired."""


class NotInvited(Exception):
    """The invitation is to another address than that of the account."""


class NotConfirmed(Exception):
    """It is to the account's address, which nobody has confirmed."""


class Invitations:
    """Makes invitations and takes their answers. Raises `Unavailable`."""

    def __init__(self, pool: Pool, quotas: Quotas = DEFAULT_QUOTAS) -> None:
        self._pool = pool
        self._quotas = quotas

    async def create(self, new: NewInvitation) -> Invitation:
        """Invite somebody by mail, or return the invitation that has this id already.

        An earlier one to the same address ends. Raises `OrganisationNotFound`,
        `AlreadyMember` and `TooMany`.
        """
        async with self._pool.transaction() as connection:
            await lock(connection, new.organisation_id)
            found = await self._find(connection, new)
            if found is not None:
                return found
            key = address_key(new.email)
            account = await connection.fetchrow(_ACCOUNT, new.organisation_id, key)
            if account is not None and account["role"] is not None:
                raise AlreadyMember
            await connection.execute(_REPLACE, new.organisation_id, key)
            pending = await connection.fetchval(_COUNT_PENDING, new.organisation_id)
            if pending >= PENDING_MAX:
                raise TooMany(PENDING_MAX)
            await connection.execute(
                _CREATE,
                new.invitation_id,
                new.organisation_id,
                new.email,
                new.role,
                new.code_hash,
                new.invited_by,
                new.request_hash,
                new.lasts_s,
                key,
            )
            await _tell(connection, new, account)
            made = await self._find(connection, new)
            assert made is not None
            return made

    async def find(self, organisation: str, invitation: str) -> Invitation | None:
        """Return an invitation of an organisation, answered or not."""
        row = await self._pool.fetch_one(_FIND, organisation, invitation)
        return None if row is None else Invitation(**row)

    async def find_by_code(self, code_hash: bytes) -> Invitation | None:
        """Return what a code invites to; None where it is not good any more."""
        row = await self._pool.fetch_one(_FIND_BY_CODE, code_hash)
        found = None if row is None else Invitation(**row)
        return found if found is not None and found.pending else None

    async def list_of(
        self,
        organisation: str,
        *,
        state: AnswerState | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> tuple[list[Invitation], str | None]:
        """Return a page of an organisation's invitations, the newest first."""
        rows = await self._pool.fetch(
            _LIST, organisation, fetched(limit), state, *decode_cursor(cursor)
        )
        found = [Invitation(**row) for row in rows]
        return page(found, limit, lambda one: (one.created_at, one.invitation_id))

    async def count_of(
        self, organisation: str, *, state: AnswerState | None = None
    ) -> int:
        """Return how many invitations an organisation has, in that state."""
        return await self._pool.count(_LIST, organisation, None, state, None, None)

    async def accept(self, code_hash: bytes, user: str) -> tuple[str, MemberRole]:
        """Make whom the code was sent to a member; return of what, and the role.

        Whoever accepted it before gets the same answer again, while being a member.
        Raises `InvitationNotFound`, `NotInvited`, `NotConfirmed`, `AlreadyMember`,
        `TooMany`, `MemberNotFound`.
        """
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(_FIND_BY_CODE, code_hash)
            if row is None:
                raise InvitationNotFound
            organisation = row["organisation_id"]
            await lock(connection, organisation)
            row = await connection.fetchrow(_LOCK_BY_CODE, code_hash)
            if row["state"] == "accepted" and row["answered_by"] == user:
                role = await connection.fetchval(_ROLE, organisation, user)
                if role is not None:
                    return organisation, role
            if row["state"] != "pending" or row["expired"]:
                raise InvitationNotFound
            account = await connection.fetchrow(_ADDRESS, user)
            if account is None:
                raise MemberNotFound
            if address_key(account["email"]) != row["email_key"]:
                raise NotInvited
            if not account["confirmed"]:
                raise NotConfirmed
            await join(
                connection, organisation, user, row["role"], self._quotas.members
            )
            await connection.execute(_ANSWER, row["invitation_id"], "accepted", user)
            return organisation, row["role"]

    async def decline(self, code_hash: bytes, user: str) -> None:
        """Refuse an invitation. Raises `InvitationNotFound`."""
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(_LOCK_BY_CODE, code_hash)
            if row is None or row["expired"]:
                raise InvitationNotFound
            if row["state"] == "declined" and row["answered_by"] == user:
                return
            if row["state"] != "pending":
                raise InvitationNotFound
            await connection.execute(_ANSWER, row["invitation_id"], "declined", user)

    async def withdraw(self, organisation: str, invitation: str, by: str) -> None:
        """Take an invitation back. Raises `InvitationNotFound`."""
        row = await self._pool.fetch_one(_WITHDRAW, organisation, invitation, by)
        if row is None:
            raise InvitationNotFound

    async def _find(self, connection: Any, new: NewInvitation) -> Invitation | None:
        row = await connection.fetchrow(_FIND, new.organisation_id, new.invitation_id)
        return None if row is None else Invitation(**row)


# asyncpg ships no types, hence Any for its connection and its rows.
async def _tell(connection: Any, new: NewInvitation, account: Any) -> None:
    """Put the mail into the outbox: by whom it is, in the language of who reads it.

    Of somebody without an account that is taken to be the language of who invites.
    """
    inviter = await connection.fetchrow(_INVITER, new.invited_by)
    name, locale = ("", "") if inviter is None else inviter
    # Under the recipient's name: it goes when that account is deleted.
    known = new.invitation_id
    if account is not None:
        known, locale = account["user_id"], account["locale"] or locale
    data = {**new.mail.data, "inviter": name}
    mail = replace(new.mail, user_id=known, data=data, locale=locale)
    await put_mails(connection, [mail], [])
