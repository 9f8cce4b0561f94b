"""The webhooks of organisations: where they lead, what they want, what signs for them.

A hook that is deleted takes its deliveries with it.
"""

from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from persistence.errors import Revisions, Stale, TooMany
from persistence.people.organisations import lock
from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool

HookForm = Literal["standard", "discord"]
"""How a message is written: as Standard Webhooks has it, or as Discord shows it."""

OffReason = Literal["by_hand", "gone"]
"""Why a hook is told nothing: somebody said so, or its receiver did, with a 410."""

_SHOWN: Final = """
h.hook_id, h.organisation_id, h.url, h.description, h.types, h.form, h.off,
h.created_by, h.request_hash, h.created_at, h.failures, h.ok_at, h.failed_at, h.error,
h.rests_until, h.old_until, h.revision
"""
_OF: Final = "h.organisation_id = $1 AND h.hook_id = $2"
_FIND: Final = f"SELECT {_SHOWN} FROM hook h WHERE {_OF}"
_LIST: Final = f"""
SELECT {_SHOWN} FROM hook h WHERE organisation_id = $1
    AND ($3::timestamptz IS NULL OR (created_at, hook_id) < ($3, $4))
ORDER BY created_at DESC, hook_id DESC LIMIT $2
"""
_COUNT: Final = "SELECT count(*) FROM hook WHERE organisation_id = $1"
_CREATE: Final = f"""
INSERT INTO hook AS h (hook_id, organisation_id, url, description, types, form, secret,
    created_by, request_hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING {_SHOWN}
"""
# Who changes where it leads, or turns it on, begins anew: nothing failed there yet.
_EDIT: Final = f"""
UPDATE hook h SET url = coalesce($4, url), description = coalesce($5, description),
    types = coalesce($6::text[], types),
    off = CASE WHEN $7::boolean IS NULL THEN off WHEN $7 THEN NULL
        ELSE coalesce(off, 'by_hand') END,
    failures = CASE WHEN $4 IS NULL AND $7 IS NULL THEN failures ELSE 0 END,
    rests_until = CASE WHEN $4 IS NULL AND $7 IS NULL THEN rests_until END
WHERE {_OF} AND ($3::bigint[] IS NULL OR revision = ANY($3))
RETURNING {_SHOWN}
"""
# The statement sees the row as it was: `secret` on the right is the old one.
_ROTATE: Final = f"""
UPDATE hook h SET secret = $3, rotation = $5,
    old_secret = CASE WHEN $4 > 0 THEN secret END,
    old_until = CASE WHEN $4 > 0 THEN now() + $4 * interval '1 s' END
WHERE {_OF} AND ($5::text IS NULL OR rotation IS DISTINCT FROM $5)
RETURNING {_SHOWN}
"""
_DELETE: Final = f"""
DELETE FROM hook h WHERE {_OF} AND ($3::bigint[] IS NULL OR revision = ANY($3))
RETURNING hook_id
"""


class NewHook(Struct, frozen=True):
    """A hook to be made."""

    hook_id: str
    organisation_id: str
    url: str
    description: str
    types: list[str]
    form: HookForm
    secret: bytes
    created_by: str
    request_hash: bytes

    def __repr__(self) -> str:
        """Leave out where it leads, which may be a secret, and what signs."""
        return f"NewHook({self.hook_id!r})"


class Hook(Struct, frozen=True):
    """A hook as its organisation sees it, without what signs."""

    hook_id: str
    organisation_id: str
    url: str
    description: str
    types: list[str]
    form: HookForm
    off: OffReason | None
    created_by: str
    request_hash: bytes
    created_at: datetime
    failures: int
    """So many attempts failed one after the other, up to now."""
    ok_at: datetime | None
    failed_at: datetime | None
    error: str | None
    rests_until: datetime | None
    old_until: datetime | None
    revision: int

    def __repr__(self) -> str:
        """Leave out where it leads: who knows that of Discord may write there."""
        return f"Hook({self.hook_id!r})"


class HookEdit(Struct, frozen=True):
    """What is to be changed of a hook; None stays as it is."""

    url: str | None = None
    description: str | None = None
    types: list[str] | None = None
    active: bool | None = None


class Hooks:
    """Makes, changes and finds hooks. Raises `Unavailable`."""

    def __init__(self, pool: Pool, most: int) -> None:
        self._pool = pool
        self._most = most
        """So many an organisation may have."""

    async def create(self, new: NewHook) -> tuple[Hook, bool]:
        """Make a hook, or return the one that has this id; True where it is new.

        Raises `OrganisationNotFound` and `TooMany`.
        """
        organisation = new.organisation_id
        async with self._pool.transaction() as connection:
            await lock(connection, organisation)
            row = await connection.fetchrow(_FIND, organisation, new.hook_id)
            if row is not None:
                return Hook(**row), False
            if await connection.fetchval(_COUNT, organisation) >= self._most:
                raise TooMany(self._most)
            row = await connection.fetchrow(
                _CREATE,
                new.hook_id,
                organisation,
                new.url,
                new.description,
                new.types,
                new.form,
                new.secret,
                new.created_by,
                new.request_hash,
            )
            return Hook(**row), True

    async def find(self, organisation: str, hook: str) -> Hook | None:
        """Return a hook of an organisation."""
        row = await self._pool.fetch_one(_FIND, organisation, hook)
        return None if row is None else Hook(**row)

    async def list_of(
        self, organisation: str, *, limit: int, cursor: str | None = None
    ) -> tuple[list[Hook], str | None]:
        """Return a page of an organisation's hooks, the newest first."""
        rows = await self._pool.fetch(
            _LIST, organisation, fetched(limit), *decode_cursor(cursor)
        )
        found = [Hook(**row) for row in rows]
        return page(found, limit, lambda one: (one.created_at, one.hook_id))

    async def count_of(self, organisation: str) -> int:
        """Return how many hooks an organisation has."""
        return await self._pool.count(_LIST, organisation, None, None, None)

    async def edit(
        self, organisation: str, hook: str, edit: HookEdit, seen: Revisions = None
    ) -> Hook | None:
        """Change a hook; None where there is none of this id. Raises `Stale`."""
        row = await self._pool.fetch_one(
            _EDIT,
            organisation,
            hook,
            seen,
            edit.url,
            edit.description,
            edit.types,
            edit.active,
        )
        if row is None and await self.find(organisation, hook) is not None:
            raise Stale
        return None if row is None else Hook(**row)

    async def rotate(
        self,
        organisation: str,
        hook: str,
        secret: bytes,
        *,
        overlap_s: int,
        rotation: str | None,
    ) -> tuple[Hook | None, bool]:
        """Let another secret sign; the one before signs too for `overlap_s` more.

        `rotation` names the request: the same one again changes nothing, and False says
        so. None where there is no such hook.
        """
        row = await self._pool.fetch_one(
            _ROTATE, organisation, hook, secret, overlap_s, rotation
        )
        if row is not None:
            return Hook(**row), True
        return await self.find(organisation, hook), False

    async def delete(
        self, organisation: str, hook: str, seen: Revisions = None
    ) -> bool:
        """Delete a hook; False where there is none of this id. Raises `Stale`."""
        row = await self._pool.fetch_one(_DELETE, organisation, hook, seen)
        if row is None and await self.find(organisation, hook) is not None:
            raise Stale
        return row is not None
