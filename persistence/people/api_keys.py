"""Keys with which an organisation's machines prove who they are.

A key is `onsale_<prefix>_<secret>`. The prefix finds the row and proves nothing; of the
secret, 256 random bits, only the SHA-256 is stored. A key that is rotated may stay good
for a while beside the new one, so that machines can change over.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

from persistence.errors import Revisions, Stale, TooMany
from persistence.people.organisations import lock
from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool
from persistence.quotas import DEFAULT_QUOTAS, Quotas

Scope = Literal[
    "events:read",
    "events:write",
    "bookings:read",
    "tickets:scan",
    "members:read",
    "analytics:read",
    "checkin",
]

_SHOWN = """
k.key_id, k.organisation_id, k.name, k.prefix, k.scopes, k.owners_only, k.created_by,
k.request_hash, k.created_at, k.rotated_at, k.last_used_at, k.expires_at, k.revoked_at,
k.revision, coalesce(k.holder, k.created_by) AS holder
"""
_LIST = f"""
SELECT {_SHOWN} FROM api_key k WHERE organisation_id = $1
    AND ($3::timestamptz IS NULL OR (created_at, key_id) < ($3, $4))
ORDER BY created_at DESC, key_id DESC LIMIT $2
"""
_FIND = f"SELECT {_SHOWN} FROM api_key k WHERE organisation_id = $1 AND key_id = $2"
_COUNT = """
SELECT count(*) FROM api_key WHERE organisation_id = $1 AND revoked_at IS NULL
"""
_CREATE = f"""
INSERT INTO api_key AS k (key_id, organisation_id, name, prefix, hash, scopes,
    owners_only, created_by, request_hash, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
RETURNING {_SHOWN}
"""
# The statement sees the row as it was: `hash` on the right is the old one, and so on.
_ROTATE = f"""
UPDATE api_key k SET hash = $3, rotated_at = now(), rotation = $5, holder = $6,
    old_holder = coalesce(holder, created_by),
    old_hash = CASE WHEN $4 > 0 THEN hash END,
    old_until = CASE WHEN $4 > 0 THEN now() + $4 * interval '1 s' END
WHERE organisation_id = $1 AND key_id = $2 AND revoked_at IS NULL
    AND ($5::text IS NULL OR rotation IS DISTINCT FROM $5)
RETURNING {_SHOWN}
"""
_REVOKE = f"""
UPDATE api_key k SET revoked_at = coalesce(revoked_at, now()), old_hash = NULL,
    old_until = NULL
WHERE organisation_id = $1 AND key_id = $2
    AND ($3::bigint[] IS NULL OR revision = ANY($3))
RETURNING {_SHOWN}
"""
# Who is suspended does nothing with a secret either; and an organisation whose owners
# are all suspended is suspended with them.
_BY_PREFIX = """
SELECT k.key_id, k.organisation_id, k.prefix, k.hash, k.scopes,
    CASE WHEN k.old_until > now() AND NOT EXISTS (
        SELECT FROM account a WHERE a.user_id = coalesce(k.old_holder, k.created_by)
            AND a.suspended_at IS NOT NULL
    ) THEN k.old_hash END AS old_hash,
    extract(epoch FROM k.old_until)::float8 AS old_until_s,
    extract(epoch FROM k.expires_at)::float8 AS expires_at_s
FROM api_key k JOIN organisation o USING (organisation_id)
WHERE k.prefix = $1 AND k.revoked_at IS NULL AND o.deleted_at IS NULL
    AND (k.expires_at IS NULL OR k.expires_at > now())
    AND NOT EXISTS (
        SELECT FROM account a WHERE a.user_id = coalesce(k.holder, k.created_by)
            AND a.suspended_at IS NOT NULL
    )
    AND EXISTS (
        SELECT FROM organisation_member m JOIN account a USING (user_id)
        WHERE m.organisation_id = k.organisation_id AND m.role = 'owner'
            AND a.suspended_at IS NULL
    )
"""
_DEPENDING = """
SELECT organisation_id FROM api_key
WHERE coalesce(holder, created_by) = $1 AND revoked_at IS NULL
UNION SELECT organisation_id FROM api_key
WHERE coalesce(old_holder, created_by) = $1 AND old_hash IS NOT NULL
UNION SELECT organisation_id FROM organisation_member WHERE user_id = $1
"""
_USED = """
UPDATE api_key k SET last_used_at = greatest(k.last_used_at, to_timestamp(u.at_s))
FROM unnest($1::text[], $2::float8[]) AS u(key_id, at_s)
WHERE k.key_id = u.key_id
"""


class ApiKey(Struct, frozen=True):
    """A key as its organisation sees it; nothing of it is secret."""

    key_id: str
    organisation_id: str
    name: str
    prefix: str
    scopes: list[Scope]
    owners_only: bool
    created_by: str
    request_hash: bytes
    created_at: datetime
    rotated_at: datetime | None
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    revision: int = 0
    holder: str = ""
    """Who was shown the secret: its maker, or who rotated it last."""


class NewKey(Struct, frozen=True):
    """A key to be made."""

    key_id: str
    organisation_id: str
    name: str
    prefix: str
    hash: bytes
    scopes: list[Scope]
    owners_only: bool
    created_by: str
    request_hash: bytes
    expires_at: datetime | None

    def __repr__(self) -> str:
        """Leave out what a key is checked against."""
        return f"NewKey({self.key_id!r})"


class StoredKey(Struct, frozen=True):
    """What a key that is good now is checked against (times in Unix seconds)."""

    key_id: str
    organisation_id: str
    prefix: str
    hash: bytes
    scopes: list[Scope]
    old_hash: bytes | None
    old_until_s: float | None
    expires_at_s: float | None

    def __repr__(self) -> str:
        """Leave out what a key is checked against."""
        return f"StoredKey({self.key_id!r})"


class KeyRevoked(Exception):
    """This key was revoked."""


class ApiKeys:
    """Makes, rotates and revokes keys, and finds them. Raises `Unavailable`."""

    def __init__(self, pool: Pool, quotas: Quotas = DEFAULT_QUOTAS) -> None:
        self._pool = pool
        self._quotas = quotas

    async def create(self, new: NewKey) -> tuple[ApiKey, bool]:
        """Make a key, or return the one that has this id; True where it is new.

        Raises `OrganisationNotFound` and `TooMany`.
        """
        organisation = new.organisation_id
        async with self._pool.transaction() as connection:
            await lock(connection, organisation)
            row = await connection.fetchrow(_FIND, organisation, new.key_id)
            if row is not None:
                return ApiKey(**row), False
            most = self._quotas.keys
            if await connection.fetchval(_COUNT, organisation) >= most:
                raise TooMany(most)
            row = await connection.fetchrow(
                _CREATE,
                new.key_id,
                organisation,
                new.name,
                new.prefix,
                new.hash,
                new.scopes,
                new.owners_only,
                new.created_by,
                new.request_hash,
                new.expires_at,
            )
            return ApiKey(**row), True

    async def find(self, organisation: str, key: str) -> ApiKey | None:
        """Return a key, revoked or not."""
        row = await self._pool.fetch_one(_FIND, organisation, key)
        return None if row is None else ApiKey(**row)

    async def list_of(
        self, organisation: str, *, limit: int, cursor: str | None = None
    ) -> tuple[list[ApiKey], str | None]:
        """Return a page of an organisation's keys, the newest first."""
        rows = await self._pool.fetch(
            _LIST, organisation, fetched(limit), *decode_cursor(cursor)
        )
        found = [ApiKey(**row) for row in rows]
        return page(found, limit, lambda one: (one.created_at, one.key_id))

    async def count_of(self, organisation: str) -> int:
        """Return how many keys an organisation has."""
        return await self._pool.count(_LIST, organisation, None, None, None)

    async def rotate(
        self,
        organisation: str,
        key: str,
        new_hash: bytes,
        *,
        overlap_s: int,
        rotation: str | None,
        by: str,
    ) -> tuple[ApiKey, bool]:
        """Give a key another secret; the one before is good for `overlap_s` more.

        `rotation` names the request: the same one again changes nothing, and False says
        so. `by` is who is shown it. Raises `KeyRevoked`; the key is there.
        """
        row = await self._pool.fetch_one(
            _ROTATE, organisation, key, new_hash, overlap_s, rotation, by
        )
        if row is not None:
            return ApiKey(**row), True
        found = await self.find(organisation, key)
        if found is None or found.revoked_at is not None:
            raise KeyRevoked
        return found, False

    async def revoke(
        self, organisation: str, key: str, seen: Revisions = None
    ) -> ApiKey | None:
        """End a key for good; None where there is none of this id. Raises `Stale`."""
        row = await self._pool.fetch_one(_REVOKE, organisation, key, seen)
        if row is None and await self.find(organisation, key) is not None:
            raise Stale
        return None if row is None else ApiKey(**row)

    async def find_by_prefix(self, prefix: str) -> StoredKey | None:
        """Return what a key is checked against, where it is good now."""
        row = await self._pool.fetch_one(_BY_PREFIX, prefix)
        return None if row is None else StoredKey(**row)

    async def depending_on(self, user: str) -> list[str]:
        """Return the organisations with keys that end, or rest, when a user does."""
        rows = await self._pool.fetch(_DEPENDING, user)
        return [row["organisation_id"] for row in rows]

    async def note_used(self, used: Mapping[str, float]) -> None:
        """Note when keys were last used, in Unix seconds."""
        # In order, so that two processes never wait for each other.
        keys = sorted(used)
        await self._pool.fetch(_USED, keys, [used[key] for key in keys])
