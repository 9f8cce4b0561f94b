"""What opens an order elsewhere: links of letters, mailed codes, and tokens for them.

Only hashes are stored. A link is good again and again, a code once; both are exchanged
for a token. All of them end with the event, 30 days after its end as that is by now.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal

from msgspec import Struct

from inventory.settings import LASTS_MS
from persistence.mail import Mail, put_mails
from persistence.people.addresses import address_key
from persistence.postgres.pool import Pool

AFTER_D: Final = 30
"""Days after the end of its event in which an order may be opened."""

CODE_S: Final = 3_600
TOKEN_S: Final = 12 * 3_600
WAITING_MAX: Final = 3
"""Codes that wait at one address; it gets no other until one is used, or over."""

TOKENS_MAX: Final = 20
"""Of one order; the oldest ends for a new one."""

LINKS_MAX: Final = 10
"""Of one order, likewise: each letter that is sent again has one."""

_ENDS: Final = f"""
coalesce(to_timestamp((e.settings ->> 'ends_at_ms')::bigint / 1000.0),
    e.starts_at + interval '{LASTS_MS} milliseconds') + interval '{AFTER_D} days'
"""
_OF_EVENT: Final = """
JOIN order_part p ON p.order_id = g.order_id JOIN event e ON e.event_id = p.event_id
"""
_PUT_LINK = """
INSERT INTO order_opening (hash, order_id, kind)
SELECT $1, $2, 'link' WHERE NOT EXISTS (
    SELECT FROM order_opening WHERE order_id = $2 AND kind = 'link')
"""
_PUT_LINK_AGAIN: Final = """
INSERT INTO order_opening (hash, order_id, kind) VALUES ($1, $2, 'link')
"""
# Whom its letters go to, as they find it.
_ADDRESSEE: Final = """
SELECT o.order_id AS order, o.reference, o.user_id AS user,
    coalesce(nullif(o.buyer ->> 'email', ''), a.email) AS email,
    coalesce(o.buyer ->> 'locale', '') AS locale
FROM orders o
    LEFT JOIN account a ON a.user_id = o.user_id AND a.verified_at IS NOT NULL
WHERE o.reference = $1
    AND coalesce(nullif(o.buyer ->> 'email', ''), a.email) IS NOT NULL
"""
_LOCK_ADDRESS: Final = "SELECT pg_advisory_xact_lock(hashtextextended($1, 33))"
_WAITING: Final = """
SELECT count(*) FROM order_opening
WHERE address = $1 AND kind = 'code' AND expires_at > now()
"""
_PUT_CODE: Final = """
INSERT INTO order_opening (hash, order_id, kind, address, expires_at)
VALUES ($1, $2, 'code', $3, now() + $4 * interval '1 s')
"""
_GOOD: Final = f"""
SELECT g.hash, g.kind, {_ENDS} AS ends FROM order_opening g {_OF_EVENT}
WHERE g.order_id = $1 AND g.kind IN ('link', 'code')
    AND (g.expires_at IS NULL OR g.expires_at > now()) AND {_ENDS} > now()
"""
_USE: Final = "DELETE FROM order_opening WHERE hash = $1 RETURNING true"
_PUT_TOKEN: Final = """
INSERT INTO order_opening (hash, order_id, kind, expires_at)
VALUES ($1, $2, 'token', least(now() + $3 * interval '1 s', $4))
RETURNING extract(epoch FROM expires_at - now())::integer
"""
_DROP_OLD: Final = """
DELETE FROM order_opening WHERE hash IN (
    SELECT hash FROM order_opening WHERE order_id = $1 AND kind = $3
    ORDER BY created_at DESC, hash OFFSET $2)
"""
_FIND: Final = f"""
SELECT g.order_id AS order, g.expires_at FROM order_opening g {_OF_EVENT}
WHERE g.hash = $1 AND g.kind = 'token' AND g.expires_at > now() AND {_ENDS} > now()
"""
_FORGET: Final = (
    "DELETE FROM order_opening WHERE expires_at < now()",
    f"""
    DELETE FROM order_opening WHERE hash IN (
        SELECT g.hash FROM order_opening g {_OF_EVENT}
        WHERE g.kind = 'link' AND {_ENDS} < now())
    """,
)


class Addressee(Struct, frozen=True):
    """Whom the letters of an order go to."""

    order: str
    reference: str
    user: str
    email: str
    locale: str = ""

    def __repr__(self) -> str:
        """Leave out who it is."""
        return f"Addressee({self.order!r})"


class OpenOrder(Struct, frozen=True):
    """An order that a token opens, and until when."""

    order: str
    expires_at: datetime


class Openings:
    """Reads and writes what opens orders. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def addressee(self, reference: str) -> Addressee | None:
        """Return whom the letters of an order go to; None where to nobody."""
        row = await self._pool.fetch_one(_ADDRESSEE, reference)
        return None if row is None else Addressee(**row)

    async def put_code(self, to: Addressee, code: bytes, mail: Mail) -> bool:
        """Store the hash of a code, and the mail that has it.

        False, and nothing of it, where enough wait at that address.
        """
        address = sha256(address_key(to.email).encode()).digest()
        async with self._pool.transaction() as connection:
            # Of two at once the other counts what the one wrote.
            await connection.execute(_LOCK_ADDRESS, address.hex())
            if await connection.fetchval(_WAITING, address) >= WAITING_MAX:
                return False
            await connection.execute(_PUT_CODE, code, to.order, address, CODE_S)
            await put_mails(connection, [mail], [])
        return True

    async def exchange(self, order: str, secret: bytes, token: bytes) -> int | None:
        """Store the hash of a token for that of a link or a code of an order.

        Returns how many seconds the token lasts; None where the secret is not good.
        """
        async with self._pool.transaction() as connection:
            found = None
            for row in await connection.fetch(_GOOD, order):
                # All are compared, each in the same time whatever it is.
                if hmac.compare_digest(row["hash"], secret):
                    found = row
            if found is None:
                return None
            kind: Literal["link", "code"] = found["kind"]
            if kind == "code" and not await connection.fetchval(_USE, secret):
                return None  # another was first
            lasts_s: int = await connection.fetchval(
                _PUT_TOKEN, token, order, TOKEN_S, found["ends"]
            )
            await connection.execute(_DROP_OLD, order, TOKENS_MAX, "token")
        return lasts_s

    async def find(self, token: bytes) -> OpenOrder | None:
        """Return the order that a token opens, by its hash."""
        row = await self._pool.fetch_one(_FIND, token)
        return None if row is None else OpenOrder(**row)

    async def forget(self) -> None:
        """Delete what opens nothing any more."""
        for statement in _FORGET:
            await self._pool.fetch(statement)


# asyncpg ships no types, hence Any for its connection.
async def put_links(connection: Any, links: Mapping[str, bytes]) -> None:
    """Store the hash of each order's link, in the transaction of the letter with it.

    An order has one: that of the letter that was written. Who follows the same booking
    once more adds none.
    """
    rows = [(secret, order) for order, secret in links.items()]
    await connection.executemany(_PUT_LINK, rows)


async def put_link_again(connection: Any, order: str, link: bytes) -> None:
    """Store the hash of another link, in the transaction of another letter with it.

    Those of earlier letters stay good, but for the oldest of too many.
    """
    await connection.execute(_PUT_LINK_AGAIN, link, order)
    await connection.execute(_DROP_OLD, order, LINKS_MAX, "link")
