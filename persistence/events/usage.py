"""What an organisation, or an account without one, has of what is limited."""

from typing import Final

from msgspec import Struct

from persistence.errors import TooMany
from persistence.events.drawn import VenueSize
from persistence.postgres.pool import Pool
from persistence.quotas import Quotas

_OWNED: Final = """
(organisation_id = $1 OR ($1::text IS NULL AND organisation_id IS NULL
    AND created_by = $2))
"""
# Where this one is there already, nothing is made.
_VENUES: Final = f"""
SELECT count(*) FILTER (WHERE deleted_at IS NULL AND venue_id <> $3) AS venues,
    coalesce(sum(seats) FILTER (WHERE deleted_at IS NULL AND venue_id <> $3), 0)::bigint
        AS seats,
    coalesce(sum(octet_length(map)) FILTER (WHERE venue_id <> $3), 0)::bigint AS bytes,
    coalesce(bool_or(venue_id = $3), false) AS known
FROM venue WHERE capacity IS NULL AND {_OWNED}
"""
_EVENTS: Final = f"""
SELECT count(*) AS events, EXISTS (SELECT FROM event WHERE event_id = $3) AS known
FROM (
    SELECT FROM event WHERE deleted_at IS NULL AND {_OWNED} LIMIT $4
) AS those
"""
_IMAGES: Final = """
SELECT count(*) AS images, coalesce(sum(b.bytes), 0)::bigint AS bytes
FROM event mine
    JOIN event e ON e.organisation_id = mine.organisation_id
        OR (mine.organisation_id IS NULL AND e.organisation_id IS NULL
            AND e.created_by = mine.created_by)
    JOIN image i ON i.image_id = e.image_id
    CROSS JOIN LATERAL (
        SELECT sum(value::bigint) AS bytes FROM jsonb_each_text(i.sizes -> 'bytes')
    ) AS b
WHERE mine.event_id = $1 AND e.event_id <> $1 AND e.deleted_at IS NULL
"""


class Owner(Struct, frozen=True):
    """Whose something is: an organisation's, or without one its maker's."""

    organisation: str | None
    maker: str


class Usage:
    """Refuses what would be too much. Raises `Unavailable`."""

    def __init__(self, pool: Pool, quotas: Quotas) -> None:
        self._pool = pool
        self._quotas = quotas

    async def check_venue(self, owner: Owner, venue: str, size: VenueSize) -> None:
        """Raise `TooMany` where a venue that is not there yet would be too much."""
        await self._check_venue(owner, venue, size, known=False)

    async def check_map(self, owner: Owner, venue: str, size: VenueSize) -> None:
        """Raise `TooMany` where another map of a venue would be too much."""
        await self._check_venue(owner, venue, size, known=True)

    async def _check_venue(
        self, owner: Owner, venue: str, size: VenueSize, *, known: bool
    ) -> None:
        row = await self._pool.fetch_one(
            _VENUES, owner.organisation, owner.maker, venue
        )
        assert row is not None
        if row["known"] and not known:
            return
        quotas = self._quotas
        if not known:
            refuse_more(row["venues"], 1, quotas.venues, "venues")
        refuse_more(row["seats"], size.seats, quotas.seats, "seats of venues")
        refuse_more(row["bytes"], size.bytes, quotas.map_bytes, "bytes of maps")

    async def check_event(self, owner: Owner, event: str) -> None:
        """Raise `TooMany` where an event that is not there yet would be too much."""
        most = self._quotas.events
        row = await self._pool.fetch_one(
            _EVENTS, owner.organisation, owner.maker, event, most
        )
        assert row is not None
        if not row["known"]:
            refuse_more(row["events"], 1, most, "events")

    async def check_image(self, event: str, image_bytes: int) -> None:
        """Raise `TooMany` where an image of an event would be too much."""
        row = await self._pool.fetch_one(_IMAGES, event)
        assert row is not None
        quotas = self._quotas
        refuse_more(row["images"], 1, quotas.images, "images")
        refuse_more(row["bytes"], image_bytes, quotas.image_bytes, "bytes of images")


def refuse_more(has: int, more: int, limit: int, what: str) -> None:
    """Raise `TooMany` where so many more are beyond the limit."""
    if has + more > limit:
        raise TooMany(limit, has, what)
