"""The keys that sign access tokens, shared by all servers on a database.

When which key is used is the server's business; here they are kept in order.
"""

import secrets

from msgspec import Struct

from persistence.postgres.pool import Pool

SEED_BYTES = 32
FOR_EVER_S = 1e9

_KEYS = """
SELECT seed, extract(epoch FROM now() - created_at)::float8 AS age_s
FROM token_key ORDER BY number DESC
"""
# Several servers may find at once that a key is due: the first one's seed wins.
_NEXT = """
INSERT INTO token_key (number, seed)
SELECT coalesce(max(number), 0) + 1, $1 FROM token_key
HAVING coalesce(max(created_at), '-infinity') <= now() - $2 * interval '1 s'
ON CONFLICT DO NOTHING
"""
_FORGET = "DELETE FROM token_key WHERE seed = ANY ($1)"
_OLD_KEYS = "SELECT kid, secret FROM signing_key ORDER BY created_at DESC, kid"


class StoredKey(Struct, frozen=True):
    """A secret that signs tokens, and its name."""

    kid: str
    secret: bytes

    def __repr__(self) -> str:
        """Leave out the secret."""
        return f"StoredKey({self.kid!r})"


class StoredSeed(Struct, frozen=True):
    """The seed of a key, and how old it is by the database's clock."""

    seed: bytes
    age_s: float

    def __repr__(self) -> str:
        """Leave out the seed."""
        return f"StoredSeed(age_s={self.age_s!r})"


class TokenKeys:
    """Reads and makes keys of access tokens. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, every_s: float) -> list[StoredSeed]:
        """Return the seeds, newest first; makes one where the last is older than that.

        `every_s` may be infinite: then only the very first is made.
        """
        rows = await self._pool.fetch(_KEYS)
        if not rows or rows[0]["age_s"] >= every_s:
            age_s = min(every_s, FOR_EVER_S)
            await self._pool.fetch(_NEXT, secrets.token_bytes(SEED_BYTES), age_s)
            rows = await self._pool.fetch(_KEYS)
        return [StoredSeed(row["seed"], row["age_s"]) for row in rows]

    async def forget(self, seeds: list[bytes]) -> None:
        """Delete keys that sign nothing that is still good."""
        await self._pool.fetch(_FORGET, seeds)

    async def old_keys(self) -> list[StoredKey]:
        """Return the shared secrets of former times, whose tokens may still be good."""
        rows = await self._pool.fetch(_OLD_KEYS)
        return [StoredKey(kid=row["kid"], secret=row["secret"]) for row in rows]
