"""The keys that sign tickets: those of each organisation, and the house's own.

What a seed is encrypted with is the server's business. Keys follow each other by
number; none is ever deleted, since a ticket that shows it may be months old.
"""

from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from persistence.postgres.pool import Pool, Row

_FIELDS: Final = """
key_id, organisation_id, number, public, seed, sealed, signs_from, created_at,
signs_from <= now() AS signs
"""
_OF = f"""
SELECT {_FIELDS} FROM ticket_key
WHERE coalesce(organisation_id, '') = coalesce($1, '') ORDER BY number DESC
"""
_ALL = f"""
SELECT {_FIELDS} FROM ticket_key ORDER BY coalesce(organisation_id, ''), number
"""
_FIND = f"SELECT {_FIELDS} FROM ticket_key WHERE key_id = ANY ($1)"
# Of several who add one at once, the first does; the others find it.
_ADD = """
INSERT INTO ticket_key
    (key_id, organisation_id, number, public, seed, sealed, signs_from)
VALUES ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 s')
ON CONFLICT DO NOTHING
"""


class KeyRow(Struct, frozen=True):
    """A key, its private half as it is stored."""

    key: str
    organisation: str | None
    """None: the house's, for events that belong to no organisation."""
    number: int
    public: bytes
    seed: bytes
    sealed: bool
    """Whether the seed is encrypted."""
    signs_from: datetime
    signs: bool
    """Whether that time has come, by the database's clock."""

    def __repr__(self) -> str:
        """Leave out the seed."""
        return f"KeyRow({self.key!r})"


class NewKey(Struct, frozen=True):
    """A key that is to be stored."""

    key: str
    public: bytes
    seed: bytes
    sealed: bool

    def __repr__(self) -> str:
        """Leave out the seed."""
        return f"NewKey({self.key!r})"


async def keys_of(connection: Any, organisation: str | None) -> list[KeyRow]:
    """Return the keys of an organisation, or of the house, newest first."""
    return [_key_of(row) for row in await connection.fetch(_OF, organisation)]


async def add_key(
    connection: Any, organisation: str | None, key: NewKey, number: int, wait_s: float
) -> None:
    """Add a key that signs after `wait_s`; nothing where that number is taken."""
    await connection.execute(
        _ADD,
        key.key,
        organisation,
        number,
        key.public,
        key.seed,
        key.sealed,
        wait_s,
    )


class TicketKeys:
    """Reads the keys that sign tickets. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def all(self) -> list[KeyRow]:
        """Return the keys of all organisations and of the house, oldest first."""
        return [_key_of(row) for row in await self._pool.fetch(_ALL)]

    async def find(self, keys: list[str]) -> list[KeyRow]:
        """Return some keys by their ids."""
        return [_key_of(row) for row in await self._pool.fetch(_FIND, keys)]


def _key_of(row: Row) -> KeyRow:
    return KeyRow(
        key=row["key_id"],
        organisation=row["organisation_id"],
        number=row["number"],
        public=row["public"],
        seed=row["seed"],
        sealed=row["sealed"],
        signs_from=row["signs_from"],
        signs=row["signs"],
    )
