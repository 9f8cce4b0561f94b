"""Which images there are, which event shows which, and which files nobody needs."""

from datetime import timedelta
from typing import Final

import msgspec
from msgspec import Struct

from persistence.errors import Revisions, Stale
from persistence.events.details import REVISION
from persistence.postgres.pool import ForeignKeyViolation, Pool

UPLOAD_LASTS: Final = timedelta(hours=1)
"""Whoever began to store an image so long ago has given up."""

GARBAGE_MAX: Final = 100
"""How many images are removed at a time."""

_INTEND = """
INSERT INTO image_garbage (image_id, due_at) VALUES ($1, now() + $2)
ON CONFLICT (image_id) DO UPDATE SET due_at = excluded.due_at
"""
_SHOW = """
WITH shown AS (
    SELECT event_id, image_id FROM event WHERE event_id = $2 FOR NO KEY UPDATE
), made AS (
    INSERT INTO image (image_id, width, height, sizes, created_by, caption)
    SELECT $1, $3, $4, $5::jsonb, $6, $7 FROM shown
    ON CONFLICT (image_id) DO NOTHING
), kept AS (
    DELETE FROM image_garbage WHERE image_id = $1 AND EXISTS (SELECT FROM shown)
)
UPDATE event e SET image_id = $1 FROM shown s WHERE e.event_id = s.event_id
RETURNING s.image_id AS former
"""
_HIDE = f"""
WITH shown AS (
    SELECT event_id, image_id FROM event
    WHERE event_id = $1 AND ($2::bigint[] IS NULL OR {REVISION} = ANY($2))
    FOR NO KEY UPDATE
)
UPDATE event e SET image_id = NULL FROM shown s WHERE e.event_id = s.event_id
RETURNING s.image_id AS former
"""
_DROP = """
WITH gone AS (
    DELETE FROM image i WHERE i.image_id = $1
        AND NOT EXISTS (SELECT FROM event e WHERE e.image_id = i.image_id)
    RETURNING i.image_id
)
INSERT INTO image_garbage (image_id, due_at) SELECT image_id, now() FROM gone
ON CONFLICT (image_id) DO UPDATE SET due_at = excluded.due_at
"""
_FIND = "SELECT sizes ->> 'request' AS request FROM image WHERE image_id = $1"
_GARBAGE = """
SELECT image_id FROM image_garbage WHERE due_at <= now() ORDER BY due_at LIMIT $1
"""
# Unless somebody began to store it anew.
_REMOVED = "DELETE FROM image_garbage WHERE image_id = $1 AND due_at <= now()"


class NewImage(Struct, frozen=True):
    """An image whose files are stored; `request` is the hash of its upload."""

    image: str
    width: int
    height: int
    bytes: dict[str, int]
    created_by: str
    request: str
    caption: str = ""


class Images:
    """The rows of images. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find_request(self, image: str) -> str | None:
        """Return the hash of the upload that an image came from; None for no image."""
        row = await self._pool.fetch_one(_FIND, image)
        return None if row is None else str(row["request"])

    async def intend(self, image: str, lasts: timedelta = UPLOAD_LASTS) -> None:
        """Note that files of this image are about to be stored."""
        await self._pool.fetch(_INTEND, image, lasts)

    async def show(self, event: str, new: NewImage) -> None:
        """Let an event show an image instead of the one that it had."""
        sizes = {"bytes": new.bytes, "request": new.request}
        rows = await self._pool.fetch(
            _SHOW,
            new.image,
            event,
            new.width,
            new.height,
            msgspec.json.encode(sizes).decode(),
            new.created_by,
            new.caption,
        )
        for row in rows:
            if row["former"] != new.image:
                await self._drop(row["former"])

    async def hide(self, event: str, seen: Revisions = None) -> None:
        """Let an event show no image.

        Raises `Stale` where its revision is none that was `seen`.
        """
        rows = await self._pool.fetch(_HIDE, event, seen)
        if not rows and seen is not None:
            raise Stale
        for row in rows:
            await self._drop(row["former"])

    async def garbage(self) -> list[str]:
        """Return images whose files are to be removed now."""
        rows = await self._pool.fetch(_GARBAGE, GARBAGE_MAX)
        return [row["image_id"] for row in rows]

    async def removed(self, image: str) -> None:
        """Take note that the files of an image are gone."""
        await self._pool.fetch(_REMOVED, image)

    async def _drop(self, image: str | None) -> None:
        """Forget an image, unless another event shows it too."""
        try:
            await self._pool.fetch(_DROP, image)
        except ForeignKeyViolation:
            # Since this very moment: a duplicate was made.
            return
