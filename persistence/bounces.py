"""Addresses from which mails come back, and those to which none is sent any more.

An address that refused for good three times has stopped: mails to it are dead letters
until somebody says that it is well. What came back for a while alone does not count.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from persistence.people.addresses import address_key
from persistence.postgres.pool import Pool

HARD_MAX: Final = 3
KEPT_D: Final = 400

_PUT: Final = """
INSERT INTO mail_bounce (email_key, bounce, hard)
SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[]) ON CONFLICT DO NOTHING
"""
_CLEAR: Final = "DELETE FROM mail_bounce WHERE email_key = ANY ($1)"
_STOPPED: Final = """
SELECT email_key FROM mail_bounce WHERE email_key = ANY ($1) AND hard
GROUP BY email_key HAVING count(*) >= $2
"""
_FORGET: Final = "DELETE FROM mail_bounce WHERE at < now() - $1 * interval '1 day'"


class Bounce(Struct, frozen=True):
    """A mail that came back; `name` tells it from others to the same address."""

    email: str
    name: str
    hard: bool


class Bounces:
    """Keeps what came back. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def note(self, bounces: Sequence[Bounce]) -> None:
        """Note mails that came back; one that is known counts once."""
        keys = [address_key(one.email) for one in bounces]
        names, hard = [one.name for one in bounces], [one.hard for one in bounces]
        await self._pool.fetch(_PUT, keys, names, hard)

    async def clear(self, emails: Sequence[str]) -> None:
        """Forget what came back from addresses that are well."""
        await self._pool.fetch(_CLEAR, [address_key(one) for one in emails])

    async def stopped(self, emails: Sequence[str]) -> set[str]:
        """Return those of some addresses to which no mail is sent any more."""
        keys = {one: address_key(one) for one in emails}
        rows = await self._pool.fetch(_STOPPED, list(set(keys.values())), HARD_MAX)
        found = {row["email_key"] for row in rows}
        return {one for one, key in keys.items() if key in found}

    async def forget(self) -> None:
        """Delete what is too old to tell anything."""
        await self._pool.fetch(_FORGET, KEPT_D)
