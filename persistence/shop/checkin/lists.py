"""Lists of an event: who may come in where. Each event has `main`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from persistence.errors import Revisions, Stale, TooMany
from persistence.postgres.pool import Pool
from persistence.shop.checkin.facts import MAIN

LISTS_MAX: Final = 50
"""Lists of one event."""

_FIELDS: Final = """
list_id, event_id, name, reentry, opens_at, categories, request_hash, created_at,
revision
"""
# Made when it is first asked for, so that events of before have it too.
_MAKE_MAIN = f"""
INSERT INTO checkin_list (event_id, list_id, name)
SELECT event_id, '{MAIN}', 'Main' FROM event WHERE event_id = ANY ($1::text[])
ON CONFLICT DO NOTHING
"""
_LIST = f"""
SELECT {_FIELDS} FROM checkin_list WHERE event_id = $1
ORDER BY list_id <> '{MAIN}', created_at, list_id
"""
_FIND = f"SELECT {_FIELDS} FROM checkin_list WHERE event_id = $1 AND list_id = $2"
_CREATE = f"""
INSERT INTO checkin_list (event_id, list_id, name, reentry, opens_at, categories,
    created_by, request_hash)
SELECT $1, $2, $3, $4, $5, $6, $7, $8
WHERE (SELECT count(*) FROM checkin_list WHERE event_id = $1) < {LISTS_MAX}
ON CONFLICT DO NOTHING
RETURNING {_FIELDS}
"""
_EDIT = f"""
UPDATE checkin_list SET
    name = CASE WHEN 'name' = ANY ($7::text[]) THEN $3 ELSE name END,
    reentry = CASE WHEN 'reentry' = ANY ($7) THEN $4 ELSE reentry END,
    opens_at = CASE WHEN 'opens_at' = ANY ($7) THEN $5 ELSE opens_at END,
    categories = CASE WHEN 'categories' = ANY ($7) THEN $6 ELSE categories END
WHERE event_id = $1 AND list_id = $2 AND ($8::bigint[] IS NULL OR revision = ANY ($8))
RETURNING {_FIELDS}
"""


class CheckinList(Struct, frozen=True):
    """Who may come in somewhere, and when."""

    list_id: str
    event_id: str
    name: str
    reentry: bool
    opens_at: datetime | None
    categories: list[str] | None
    request_hash: bytes
    created_at: datetime
    revision: int


class ListRules(Struct, frozen=True):
    """What of a list may be edited."""

    name: str
    reentry: bool = False
    """Whether who was scanned out may come in again."""
    opens_at: datetime | None = None
    """Nobody comes in before; None is always."""
    categories: list[str] | None = None
    """Whose tickets it takes; None is all."""


class CheckinLists:
    """Makes, edits and finds lists. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def make_main(self, events: Sequence[str]) -> None:
        """See that these events, as far as they are there, have their main list."""
        await self._pool.fetch(_MAKE_MAIN, events)

    async def of_event(self, event: str) -> list[CheckinList]:
        """Return the lists of an event that is there, the main one first."""
        rows = await self._pool.fetch(_LIST, event)
        if not rows:
            await self.make_main([event])
            rows = await self._pool.fetch(_LIST, event)
        return [CheckinList(**row) for row in rows]

    async def find(self, event: str, name: str) -> CheckinList | None:
        """Return a list of an event that is there."""
        row = await self._pool.fetch_one(_FIND, event, name)
        if row is None and name == MAIN:
            await self.make_main([event])
            row = await self._pool.fetch_one(_FIND, event, name)
        return None if row is None else CheckinList(**row)

    async def create(
        self, event: str, name: str, rules: ListRules, by: str, request_hash: bytes
    ) -> CheckinList:
        """Make a list of this id, or return the one that has it. Raises `TooMany`."""
        await self.make_main([event])
        row = await self._pool.fetch_one(
            _CREATE, event, name, *_values(rules), by, request_hash
        )
        if row is not None:
            return CheckinList(**row)
        found = await self.find(event, name)
        if found is None:
            raise TooMany(LISTS_MAX)
        return found

    async def edit(
        self, event: str, name: str, given: Mapping[str, Any], seen: Revisions
    ) -> CheckinList:
        """Change some of the rules of a list that is there. Raises `Stale`."""
        rules = ListRules(**{"name": "", **given})
        row = await self._pool.fetch_one(
            _EDIT, event, name, *_values(rules), list(given), seen
        )
        if row is None:
            raise Stale
        return CheckinList(**row)


def _values(rules: ListRules) -> tuple[object, ...]:
    return rules.name, rules.reentry, rules.opens_at, rules.categories
