"""Organisations and who belongs to them.

Whatever adds, removes or promotes a member locks the organisation's row first, so that
of two owners who leave at once one stays, and an event is not made for an organisation
that is being deleted. A deleted one keeps its row: events that are over name it.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from persistence.errors import Revisions, TooMany, refuse_stale
from persistence.people.leaving import LastOwner, end_keys
from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool, Row
from persistence.postgres.revisions import refuse_stale_row
from persistence.postgres.searches import searched

MemberRole = Literal["owner", "leader", "staff"]

Reach = Literal["own", "listed", "all"]
"""Which organisations a list has beside those that one belongs to."""

OWNED_MAX: Final = 20
"""How many organisations one may own."""

_FIELDS = """
o.organisation_id, o.name, o.description, o.timezone, o.request_hash, o.created_at,
o.listed, o.revision
"""
_MINE = """
LEFT JOIN organisation_member m
    ON m.organisation_id = o.organisation_id AND m.user_id = $1
"""
_FIND_MADE = f"""
SELECT {_FIELDS}, m.role FROM organisation o {_MINE}
WHERE o.organisation_id = $2
"""
_FIND = f"{_FIND_MADE} AND o.deleted_at IS NULL"
_LISTED = f"""
FROM organisation o {_MINE} WHERE o.deleted_at IS NULL
    AND (m.role IS NOT NULL OR $3 = 'all' OR $3 = 'listed' AND o.listed)
    AND ($4::timestamptz IS NULL OR (o.created_at, o.organisation_id) > ($4, $5))
    AND ($6::boolean IS NULL OR o.listed = $6)
"""
_PAGE = "ORDER BY o.created_at, o.organisation_id LIMIT $2"
_LIST = f"SELECT {_FIELDS}, m.role {_LISTED} {_PAGE}"
_SEARCH = searched(
    f"{_FIELDS.replace('o.', '')}, role",
    _LISTED,
    "o.words @@ (SELECT search_query($7))",
    key="organisation_id",
    order="created_at, organisation_id",
    limit="$2",
    fields=f"{_FIELDS}, m.role",
    words="o.words",
)
_LOCK_ACCOUNT = """
SELECT user_id FROM account WHERE user_id = $1 AND deleted_at IS NULL
FOR NO KEY UPDATE
"""
_COUNT_OWNED = """
SELECT count(*) FROM organisation_member WHERE user_id = $1 AND role = 'owner'
"""
_CREATE = """
INSERT INTO organisation
    (organisation_id, name, description, created_by, request_hash, timezone, listed)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_JOIN = """
INSERT INTO organisation_member (organisation_id, user_id, role) VALUES ($1, $2, $3)
"""
_EDIT = """
UPDATE organisation SET name = coalesce($2, name),
    description = coalesce($3, description), listed = coalesce($4, listed),
    timezone = CASE WHEN $5::boolean THEN $6::text ELSE timezone END
WHERE organisation_id = $1
"""
_LOCK = """
SELECT organisation_id, revision FROM organisation
WHERE organisation_id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE
"""
_MEMBER = """
SELECT m.user_id, m.role, m.joined_at, a.name, a.email, m.revision
FROM organisation_member m JOIN account a USING (user_id)
WHERE m.organisation_id = $1
"""
_FIND_MEMBER = f"{_MEMBER} AND m.user_id = $2"
_LIST_MEMBERS = f"""{_MEMBER}
    AND ($3::timestamptz IS NULL OR (m.joined_at, m.user_id) > ($3, $4))
ORDER BY m.joined_at, m.user_id LIMIT $2
"""
_OF_MEMBER = "FROM organisation_member WHERE organisation_id = $1 AND user_id = $2"
_ROLE = f"SELECT role {_OF_MEMBER}"
_REVISION = f"SELECT revision {_OF_MEMBER}"
_COUNT = "SELECT count(*) FROM organisation_member WHERE organisation_id = $1"
_OTHER_OWNERS = """
SELECT count(*) FROM organisation_member
WHERE organisation_id = $1 AND role = 'owner' AND user_id <> $2
"""
_SET_ROLE = """
UPDATE organisation_member SET role = $3 WHERE organisation_id = $1 AND user_id = $2
"""
_REMOVE = "DELETE FROM organisation_member WHERE organisation_id = $1 AND user_id = $2"
_UNFINISHED = """
SELECT EXISTS (
    SELECT FROM event e WHERE e.organisation_id = $1 AND e.deleted_at IS NULL
        AND (e.status NOT IN ('completed', 'cancelled') OR EXISTS (
            SELECT FROM booking b
            WHERE b.event_id = e.event_id AND b.cancelled_at IS NULL))
)
"""
_DELETE = (
    "UPDATE organisation SET deleted_at = now() WHERE organisation_id = $1",
    "DELETE FROM organisation_member WHERE organisation_id = $1",
    "DELETE FROM person WHERE organisation_id = $1",
    """
    UPDATE organisation_invitation SET state = 'withdrawn', answered_at = now()
    WHERE organisation_id = $1 AND state = 'pending'
    """,
    """
    UPDATE join_request SET state = 'declined', answered_at = now()
    WHERE organisation_id = $1 AND state = 'pending'
    """,
    """
    UPDATE api_key SET revoked_at = now()
    WHERE organisation_id = $1 AND revoked_at IS NULL
    """,
    "DELETE FROM hook WHERE organisation_id = $1",
)
_LEADS_ANY = """
SELECT EXISTS (
    SELECT FROM organisation_member WHERE user_id = $1 AND role IN ('owner', 'leader')
) AS leads
"""
_ROLES = """
SELECT organisation_id, user_id, role FROM organisation_member
WHERE organisation_id = ANY ($1)
"""


class Organisation(Struct, frozen=True):
    """An organisation, and what whoever asked is in it."""

    organisation_id: str
    name: str
    description: str
    request_hash: bytes
    created_at: datetime
    listed: bool
    """Whether strangers find it by its name."""
    role: MemberRole | None
    timezone: str | None = None
    """The IANA zone of its events that name none, at venues without one."""
    revision: int = 0


class Member(Struct, frozen=True):
    """Somebody who belongs to an organisation."""

    user_id: str
    role: MemberRole
    joined_at: datetime
    name: str
    email: str
    revision: int = 0

    def __repr__(self) -> str:
        """Leave out what no log should hold."""
        return f"Member({self.user_id!r}, {self.role!r})"


class OrganisationNotFound(Exception):
    """There is no such organisation, or not any more."""


class MemberNotFound(Exception):
    """Whoever is named does not belong to the organisation."""


class AlreadyMember(Exception):
    """Whoever is named belongs to the organisation."""


class NotAllowed(Exception):
    """Whoever asks may not do this to somebody of that role."""


class InUse(Exception):
    """The organisation has events that are not over, or tickets sold."""


class Organisations:
    """Reads and changes organisations and their members. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(
        self,
        organisation: str,
        name: str,
        description: str,
        *,
        timezone: str | None = None,
        created_by: str,
        request_hash: bytes,
        listed: bool = True,
    ) -> Organisation:
        """Make an organisation, or return the one that has this id already.

        It is returned after its end too, because making it again is not what was asked.
        Raises `TooMany`, and `MemberNotFound` where its maker has no account.
        """
        async with self._pool.transaction() as connection:
            # Locked, so that many at once do not all count too few.
            if await connection.fetchrow(_LOCK_ACCOUNT, created_by) is None:
                raise MemberNotFound
            known = await connection.fetchrow(_FIND_MADE, created_by, organisation)
            if known is not None:
                return _organisation_of(known)
            if await connection.fetchval(_COUNT_OWNED, created_by) >= OWNED_MAX:
                raise TooMany(OWNED_MAX)
            fields = (organisation, name, description, created_by, request_hash)
            await connection.execute(_CREATE, *fields, timezone, listed)
            await connection.execute(_JOIN, organisation, created_by, "owner")
            row = await connection.fetchrow(_FIND, created_by, organisation)
            return _organisation_of(row)

    async def find(self, organisation: str, user: str) -> Organisation | None:
        """Return an organisation, with the role that a user has in it."""
        row = await self._pool.fetch_one(_FIND, user, organisation)
        return None if row is None else _organisation_of(row)

    async def leads_any(self, user: str) -> bool:
        """Return whether somebody owns or leads an organisation, whichever."""
        rows = await self._pool.fetch(_LEADS_ANY, user)
        return bool(rows[0]["leads"])

    async def list_of(
        self,
        user: str,
        *,
        reach: Reach = "own",
        listed: bool | None = None,
        text: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> tuple[list[Organisation], str | None]:
        """Return a page of those a user belongs to, and others, the oldest first.

        `reach` says which others; `listed` leaves only those that are, or are not.
        `text` has words that are in the name, as `search_query` of migration 0014 reads
        them.
        """
        values = (user, fetched(limit), reach, *decode_cursor(cursor), listed)
        rows = (
            await self._pool.fetch(_LIST, *values)
            if text is None
            else await _SEARCH.fetch(self._pool, fetched(limit), *values, text)
        )
        found = [_organisation_of(row) for row in rows]
        return page(found, limit, lambda one: (one.created_at, one.organisation_id))

    async def count_of(
        self,
        user: str,
        *,
        reach: Reach = "own",
        listed: bool | None = None,
        text: str | None = None,
    ) -> int:
        """Return how many `list_of` has on all its pages."""
        values = (user, None, reach, None, None, listed)
        if text is None:
            return await self._pool.count(_LIST, *values)
        return await _SEARCH.count(self._pool, *values, text)

    async def edit(
        self,
        organisation: str,
        name: str | None,
        description: str | None,
        listed: bool | None = None,
        timezone: str | UnsetType | None = UNSET,
        seen: Revisions = None,
    ) -> None:
        """Change what an organisation says of itself.

        None leaves a name, a description and whether it is listed, and takes the zone
        away. Raises `OrganisationNotFound` and `Stale`.
        """
        zone = (False, None) if timezone is UNSET else (True, timezone)
        async with self._pool.transaction() as connection:
            refuse_stale(await lock(connection, organisation), seen)
            await connection.execute(
                _EDIT, organisation, name, description, listed, *zone
            )

    async def find_member(self, organisation: str, user: str) -> Member | None:
        """Return a member."""
        row = await self._pool.fetch_one(_FIND_MEMBER, organisation, user)
        return None if row is None else Member(**row)

    async def list_members(
        self, organisation: str, *, limit: int, cursor: str | None = None
    ) -> tuple[list[Member], str | None]:
        """Return a page of members, who joined first first."""
        rows = await self._pool.fetch(
            _LIST_MEMBERS, organisation, fetched(limit), *decode_cursor(cursor)
        )
        found = [Member(**row) for row in rows]
        return page(found, limit, lambda one: (one.joined_at, one.user_id))

    async def count_members(self, organisation: str) -> int:
        """Return how many members there are."""
        return await self._pool.count(_LIST_MEMBERS, organisation, None, None, None)

    async def set_role(
        self,
        organisation: str,
        user: str,
        role: MemberRole,
        allowed: Collection[MemberRole],
        seen: Revisions = None,
        *,
        keep_keys: bool = False,
    ) -> None:
        """Give a member another role.

        `allowed` are the roles that whoever asks may take and give. Who may have no
        keys any more loses them, unless they are kept. Raises `OrganisationNotFound`,
        `MemberNotFound`, `NotAllowed`, `LastOwner`, `Stale`.
        """
        async with self._pool.transaction() as connection:
            await lock(connection, organisation)
            before = await role_of(connection, organisation, user)
            if before not in allowed or role not in allowed:
                raise NotAllowed
            await refuse_stale_row(connection, _REVISION, organisation, user, seen=seen)
            if before == "owner" and role != "owner":
                await _keep_an_owner(connection, organisation, user)
            await connection.execute(_SET_ROLE, organisation, user, role)
            if role == "staff" and not keep_keys:
                await end_keys(connection, user, organisation)

    async def remove(
        self,
        organisation: str,
        user: str,
        allowed: Collection[MemberRole],
        seen: Revisions = None,
        *,
        keep_keys: bool = False,
    ) -> None:
        """End a membership, where the member's role is one of the `allowed`.

        The keys that only the member was shown end, unless they are kept. Raises
        `OrganisationNotFound`, `MemberNotFound`, `NotAllowed`, `LastOwner`, `Stale`.
        """
        async with self._pool.transaction() as connection:
            await lock(connection, organisation)
            before = await role_of(connection, organisation, user)
            if before not in allowed:
                raise NotAllowed
            await refuse_stale_row(connection, _REVISION, organisation, user, seen=seen)
            if before == "owner":
                await _keep_an_owner(connection, organisation, user)
            await connection.execute(_REMOVE, organisation, user)
            if not keep_keys:
                await end_keys(connection, user, organisation)

    async def transfer(self, organisation: str, owner: str | None, to: str) -> None:
        """Make a member an owner, and the one who was one a leader.

        `owner` is None where an administrator does it, who was none. Raises
        `OrganisationNotFound`, `MemberNotFound`, `NotAllowed`.
        """
        async with self._pool.transaction() as connection:
            await lock(connection, organisation)
            await role_of(connection, organisation, to)
            if owner is not None and owner != to:
                if await role_of(connection, organisation, owner) != "owner":
                    raise NotAllowed
                await connection.execute(_SET_ROLE, organisation, owner, "leader")
            await connection.execute(_SET_ROLE, organisation, to, "owner")

    async def delete(self, organisation: str, seen: Revisions = None) -> None:
        """End an organisation. Raises `OrganisationNotFound`, `Stale` and `InUse`."""
        async with self._pool.transaction() as connection:
            refuse_stale(await lock(connection, organisation), seen)
            if await connection.fetchval(_UNFINISHED, organisation):
                raise InUse
            for statement in _DELETE:
                await connection.execute(statement, organisation)

    async def roles(
        self, organisations: Collection[str]
    ) -> dict[str, dict[str, MemberRole]]:
        """Return who is what in each of these organisations."""
        found: dict[str, dict[str, MemberRole]] = {name: {} for name in organisations}
        for row in await self._pool.fetch(_ROLES, list(organisations)):
            found[row["organisation_id"]][row["user_id"]] = row["role"]
        return found


# asyncpg ships no types, hence Any for its connection.
async def lock(connection: Any, organisation: str) -> int:
    """Keep others from changing an organisation until the transaction ends.

    Returns its revision. Raises `OrganisationNotFound`.
    """
    row = await connection.fetchrow(_LOCK, organisation)
    if row is None:
        raise OrganisationNotFound
    revision: int = row["revision"]
    return revision


async def role_of(connection: Any, organisation: str, user: str) -> MemberRole:
    """Return the role of a member. Raises `MemberNotFound`."""
    role: MemberRole | None = await connection.fetchval(_ROLE, organisation, user)
    if role is None:
        raise MemberNotFound
    return role


async def join(
    connection: Any, organisation: str, user: str, role: MemberRole, members_max: int
) -> None:
    """Add a member to an organisation that is locked.

    Raises `AlreadyMember`, `TooMany`, and `MemberNotFound` where there is no account.
    """
    # Locked, because an account that is being deleted joins nothing any more.
    if await connection.fetchrow(_LOCK_ACCOUNT, user) is None:
        raise MemberNotFound
    if await connection.fetchval(_ROLE, organisation, user) is not None:
        raise AlreadyMember
    if await connection.fetchval(_COUNT, organisation) >= members_max:
        raise TooMany(members_max)
    await connection.execute(_JOIN, organisation, user, role)


async def _keep_an_owner(connection: Any, organisation: str, user: str) -> None:
    if await connection.fetchval(_OTHER_OWNERS, organisation, user) == 0:
        raise LastOwner([organisation])


def _organisation_of(row: Row) -> Organisation:
    return Organisation(**row)
