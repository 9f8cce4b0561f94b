"""Follows journals by hand, as the framework of followers does."""

import random
from typing import Any

from msgspec import json, msgpack

from inventory.changes import AnyChange
from persistence.followers.follower import Followed
from persistence.postgres.pool import Pool
from server.shop.tickets.follower import TicketFollower
from server.shop.tickets.keyring import Keyring, Vault

_changes = msgpack.Decoder(list[AnyChange]).decode
_ROWS = """
SELECT body, from_version FROM journal
WHERE event_id = $1 AND to_version > $2 ORDER BY to_version LIMIT $3
"""
SECRET = "a secret of at least thirty-two bytes"


class Stretches:
    """Follows the journal of an event, some rows at a time."""

    def __init__(self, pool: Pool, event: str = "evt") -> None:
        self.pool, self.event = pool, event
        self.keyring = Keyring(pool, Vault([SECRET]))
        self.follower = TicketFollower(self.keyring)
        self.version = 0

    async def read(self, rows: int) -> list[Followed]:
        """Return the next stretch, in versions."""
        found: list[Followed] = []
        for row in await self.pool.fetch(_ROWS, self.event, self.version, rows):
            found += [
                Followed(row["from_version"] + n, 0, change)
                for n, change in enumerate(_changes(row["body"]), 1)
            ]
        return found

    async def give(self, stretch: list[Followed]) -> None:
        """Let the follower follow a stretch, in a transaction of its own."""
        async with self.pool.transaction() as connection:
            await self.follower.follow(connection, self.event, stretch)

    async def follow(self, rows: int) -> bool:
        """Follow one stretch; return whether there was one."""
        stretch = await self.read(rows)
        if stretch:
            await self.give(stretch)
            self.version = stretch[-1].version
        return bool(stretch)

    async def catch_up(self, dice: random.Random | None = None) -> None:
        """Follow all there is, in stretches of any size."""
        dice = dice or random.Random(1)
        while await self.follow(dice.randint(1, 40)):
            pass


async def wanted(pool: Pool, event: str = "evt") -> dict[str, list[Any]]:
    """Return what T1 asks for: by booking, each seat and place that is left of it."""
    rows = await pool.fetch(
        "SELECT booking_id, seats::text AS seats, areas::text AS areas FROM booking"
        " WHERE event_id = $1 AND cancelled_at IS NULL",
        event,
    )
    return {
        row["booking_id"]: sorted(
            [("seat", label) for label in json.decode(row["seats"])]
            + [
                ("place", label)
                for label, count in json.decode(row["areas"]).items()
                for _ in range(count)
            ]
        )
        for row in rows
    }


async def there(pool: Pool, event: str = "evt") -> dict[str, list[Any]]:
    """Return the tickets that count, by booking."""
    rows = await pool.fetch(
        "SELECT booking_id, kind, label FROM ticket"
        " WHERE event_id = $1 AND state <> 'revoked'",
        event,
    )
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row["booking_id"], []).append((row["kind"], row["label"]))
    return {booking: sorted(tickets) for booking, tickets in found.items()}
