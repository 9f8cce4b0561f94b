"""Postgres, and the simulated tables that stand for it: one script runs on both.

Waits and leases are of a length that no test takes; time passes by moving all times
back.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from inventory.settings import Money, Settings
from persistence.postgres.pool import Pool
from tests.simulation.statements import Connection, Rows, Store
from tests.simulation.tickets.tables import Changed

SEEDS = range(2)
STEPS = 60
LONG_S = 600
PASSES_S = 1_000.0
"""Longer than any wait or lease here; all of them are longer than a test."""

MOVED = {
    "mail": ("due_at", "expires_at", "created_at"),
    "hook": ("taken_until", "rests_until"),
    "hook_delivery": ("due_at", "dies_at", "created_at"),
    "ticket_transfer": ("created_at", "expires_at"),
}
"""Times that are compared with the present."""

EVENT = Settings(
    name="Concert",
    starts_at_ms=4_000_000_000_000,
    prices={"GA": Money(2_000, "EUR")},
)


class Fake(Connection):
    """A connection to simulated tables without a world around them."""

    def __init__(self, pool: "FakePool") -> None:
        super().__init__(pool.store)
        self.tickets, self.tables = pool.tickets, pool.tables
        self.changed = Changed()


class FakePool:
    """Stands for `Pool`, and for the tables of tickets."""

    def __init__(self) -> None:
        self.store = Store()
        self.seconds = 0.0
        self.store.now_s = lambda: self.seconds
        self.entered: set[str] = set()
        self.tickets = SimpleNamespace(
            tickets={}, number=self.store.number, is_in=self.entered.__contains__
        )
        self.revoked: set[tuple[str, int]] = set()
        self.tables = SimpleNamespace(rows={})

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        connection = Fake(self)
        try:
            yield connection
        except BaseException:
            connection.undo()
            raise
        self.tickets.tickets |= connection.changed.tickets
        self.revoked |= connection.changed.revoked

    async def fetch(self, sql: str, *values: Any) -> Rows:
        async with self.transaction() as connection:
            rows: Rows = connection.run(sql, *values)
        return rows

    async def fetch_one(self, sql: str, *values: Any) -> Any:
        rows = await self.fetch(sql, *values)
        return rows[0] if rows else None


class Both:
    """Postgres, and what stands for it."""

    def __init__(self, real: Pool) -> None:
        self.real, self.fake = real, FakePool()

    async def same(self, work: Callable[..., Awaitable[Any]], *values: Any) -> Any:
        """Do the same on both, and claim that both say the same."""
        real, fake = await work(self.real, *values), await work(self.fake, *values)
        assert fake == real
        return real

    async def pass_time(self) -> None:
        """Let all that waits be due, and all leases be over."""
        self.fake.seconds += PASSES_S
        for table, columns in MOVED.items():
            moved = ", ".join(f"{x} = {x} - interval '{PASSES_S} s'" for x in columns)
            await self.real.fetch(f"UPDATE {table} SET {moved}")
        # Offers last for days, which no world does.
        sql = "UPDATE ticket_transfer SET expires_at = expires_at - interval '8 days'"
        await self.real.fetch(sql)


def without_times(one: Any) -> dict[str, Any]:
    """Return the fields of a struct that no clock has written."""
    named = ((name, getattr(one, name)) for name in one.__struct_fields__)
    return {name: value for name, value in named if not isinstance(value, datetime)}


def in_turn(several: list[Any], by: str) -> list[dict[str, Any]]:
    """Return structs without times, in the order of their names."""
    return sorted(map(without_times, several), key=lambda one: str(one[by]))
