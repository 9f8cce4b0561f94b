"""The seed of the key that signs receipts, one for all servers on a database.

Only a server makes it, when it starts: an audit reads, and writes nothing.
"""

import secrets

from persistence.postgres.pool import Pool

SEED_BYTES = 32

FIND_SEED = "SELECT seed FROM receipt_key ORDER BY number DESC LIMIT 1"
# Several servers may start on one database at once: the first one's seed wins.
_FIRST = "INSERT INTO receipt_key (number, seed) VALUES (1, $1) ON CONFLICT DO NOTHING"


async def ensure_seed(pool: Pool) -> bytes:
    """Return the seed; the first server to ask makes it. Raises `Unavailable`."""
    row = await pool.fetch_one(FIND_SEED)
    if row is None:
        await pool.fetch(_FIRST, secrets.token_bytes(SEED_BYTES))
        row = await pool.fetch_one(FIND_SEED)
    if row is None:
        raise LookupError("the key of receipts vanished")
    seed: bytes = row["seed"]
    return seed
