"""People whom somebody knows beside what they register for.

Each is an organisation's, or a user's who named none: that is their keeper, who alone
may see them. Of those of a keeper an address is one person's only. What they registered
for names them as long as they are there.
"""

from datetime import datetime
from typing import Any

from msgspec import Struct

from persistence.people.addresses import address_key
from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import ForeignKeyViolation, Pool
from persistence.postgres.searches import searched

_COLUMNS = """
person_id, keeper_id, organisation_id, email, name, request_hash, created_at
"""
_SELECT = f"SELECT {_COLUMNS} FROM person p"
# Null reads all; a machine reads as its organisation.
_SEEN = """
($1::text IS NULL OR p.keeper_id = $1 OR p.keeper_id IN (
    SELECT organisation_id FROM organisation_member WHERE user_id = $1))
"""
_CREATE = """
INSERT INTO person (person_id, keeper_id, organisation_id, email, email_key, name,
    created_by, request_hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT DO NOTHING
"""
_FIND_MADE = f"{_SELECT} WHERE p.person_id = $1 AND p.keeper_id = $2"
_FIND = f"{_SELECT} WHERE {_SEEN} AND p.person_id = $2"
_BEYOND = "($3::timestamptz IS NULL OR (created_at, person_id) < ($3, $4))"
_ORDER = "created_at DESC, person_id DESC"
_PAGE = f"AND {_BEYOND} ORDER BY {_ORDER} LIMIT $2"
_LIST = f"{_SELECT} WHERE {_SEEN} {_PAGE}"
_SEARCH = searched(
    _COLUMNS,
    f"FROM person p WHERE {_SEEN} AND {_BEYOND}",
    "p.words @@ (SELECT search_query($5)) OR p.person_id = $5",
    key="person_id",
    order=_ORDER,
    limit="$2",
)
_DELETE = "DELETE FROM person WHERE person_id = $1 RETURNING person_id"
_FORGET = "DELETE FROM person WHERE keeper_id = $1"


class Person(Struct, frozen=True):
    """Somebody whom a keeper knows."""

    person_id: str
    keeper_id: str
    organisation_id: str | None
    email: str
    name: str
    request_hash: bytes
    created_at: datetime

    def __repr__(self) -> str:
        """Leave out who it is."""
        return f"Person({self.person_id!r})"


class NewPerson(Struct, frozen=True):
    """Somebody to be known; of `created_by`, where there is no organisation."""

    person_id: str
    organisation_id: str | None
    email: str
    name: str
    created_by: str
    request_hash: bytes

    @property
    def keeper_id(self) -> str:
        """Whose they are."""
        return self.organisation_id or self.created_by

    def __repr__(self) -> str:
        """Leave out who it is."""
        return f"NewPerson({self.person_id!r})"


class AddressTaken(Exception):
    """The keeper knows somebody with this address."""


class Persons:
    """Reads and changes whom keepers know. Raises `Unavailable`.

    A `reader` is a user, who sees their own and those of their organisations, or an
    organisation; None sees all.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(self, new: NewPerson) -> Person:
        """Note somebody, or return the one that has this id already.

        Raises `AddressTaken`, and KeyError for an unknown organisation.
        """
        try:
            await self._pool.fetch(
                _CREATE,
                new.person_id,
                new.keeper_id,
                new.organisation_id,
                new.email,
                address_key(new.email),
                new.name,
                new.created_by,
                new.request_hash,
            )
        except ForeignKeyViolation as error:
            raise KeyError("organisation") from error
        row = await self._pool.fetch_one(_FIND_MADE, new.person_id, new.keeper_id)
        if row is None:
            raise AddressTaken
        return Person(**row)

    async def find(self, person: str, reader: str | None) -> Person | None:
        """Return somebody, where the reader sees them."""
        row = await self._pool.fetch_one(_FIND, reader, person)
        return None if row is None else Person(**row)

    async def list_of(
        self,
        reader: str | None,
        *,
        text: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> tuple[list[Person], str | None]:
        """Return a page of those whom the reader sees, newest first.

        `text` is an id, or words that are in the name or address, as `search_query` of
        migration 0014 reads them.
        """
        values = (reader, fetched(limit), *decode_cursor(cursor))
        rows = (
            await self._pool.fetch(_LIST, *values)
            if text is None
            else await _SEARCH.fetch(self._pool, fetched(limit), *values, text)
        )
        found = [Person(**row) for row in rows]
        return page(found, limit, lambda one: (one.created_at, one.person_id))

    async def count_of(self, reader: str | None, *, text: str | None = None) -> int:
        """Return how many `list_of` has on all its pages."""
        values = (reader, None, None, None)
        if text is None:
            return await self._pool.count(_LIST, *values)
        return await _SEARCH.count(self._pool, *values, text)

    async def delete(self, person: str) -> bool:
        """Forget somebody, whose places stay; False where there is nobody."""
        return await self._pool.fetch_one(_DELETE, person) is not None


# asyncpg ships no types, hence Any for its connection.
async def forget_persons(connection: Any, user: str) -> None:
    """Leave no trace of whom a user knew."""
    await connection.execute(_FORGET, user)
