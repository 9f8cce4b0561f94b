"""Lists that are searched by words: along the list first, by the index of words then.

The index gives all rows that have a word, and all of them are then sorted: of a word
that half of 100,000 have, that is long for a page. A page of these is full soon along
the list itself; what few have is not met there. So some rows are looked at in the order
of the list, and the index is asked only where they do not fill the page and there are
more.
"""

from typing import Final

from msgspec import Struct

from persistence.postgres.pool import Pool, Row

WALKED: Final = 2_000
"""How many rows are looked at along the list: 10 ms, where others are joined 40."""


class Searched(Struct, frozen=True):
    """The statements of a searched list, which take the same parameters.

    `along` has in each row how many rows were `walked`; where nothing was found it has
    one row whose `key` is null.
    """

    along: str
    indexed: str
    counted: str
    key: str

    async def fetch(self, pool: Pool, wanted: int, *values: object) -> list[Row]:
        """Return up to `wanted` rows for these values; raises `Unavailable`."""
        rows = [dict(row) for row in await pool.fetch(self.along, *values)]
        walked = max(row.pop("walked") for row in rows)
        found: list[Row] = [row for row in rows if row[self.key] is not None]
        if len(found) >= wanted or walked < WALKED:
            return found
        return await pool.fetch(self.indexed, *values)

    async def count(self, pool: Pool, *values: object) -> int:
        """Return how many rows all pages have, as `Pool.count` does."""
        return await pool.count(self.counted, *values)


def searched(
    names: str,
    source: str,
    matches: str,
    *,
    key: str,
    order: str,
    limit: str,
    fields: str = "",
    words: str = "words",
) -> Searched:
    """Return the statements of a list that has its words in its rows.

    `source` is all from FROM to the end of WHERE. The first word of it after FROM is
    read under its alias, which `matches` uses, also where the row was listed before.
    The columns have these names, and `fields` say where they come from.

    `matches` asks `(SELECT search_query(…))`, once for all rows: by itself it would be
    asked for each, as soon as Postgres plans the statement for every text alike.
    """
    fields = fields or names
    alias = source.split("FROM", 1)[1].split()[1]
    first = f"SELECT {fields}, {words} {source} ORDER BY {order} LIMIT {WALKED}"
    return Searched(
        along=along(names, first, f"{alias} WHERE {matches}", order, limit),
        # Of all that have the words only what they are sorted by is kept.
        indexed=f"""
WITH matched AS MATERIALIZED (
    SELECT {alias}.{key}, {alias}.created_at {source} AND ({matches})
), page AS MATERIALIZED (
    SELECT {key} FROM matched ORDER BY {order} LIMIT {limit}
)
SELECT {fields} {source} AND {alias}.{key} IN (SELECT {key} FROM page)
ORDER BY {order}
""",
        counted=f"""
SELECT {alias}.{key} {source} AND ({matches}) ORDER BY {order} LIMIT {limit}
""",
        key=key,
    )


def along(names: str, first: str, matching: str, order: str, limit: str) -> str:
    """Return the statement that looks at the first rows of a list.

    `matching` is an alias for them, and WHERE with what judges them.
    """
    return f"""
SELECT {names}, walked
FROM (SELECT count(*) AS walked FROM ({first}) AS listed) AS c
    LEFT JOIN LATERAL (
        SELECT {names} FROM ({first}) AS {matching} ORDER BY {order} LIMIT {limit}
    ) AS found ON true
ORDER BY {order}
"""
