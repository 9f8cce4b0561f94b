"""What is raised reaches whom it concerns, once, and costs nobody else anything."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from persistence.people.hooks.deliveries import Deliveries
from persistence.people.hooks.hooks import HookEdit, Hooks, NewHook
from persistence.people.hooks.raising import Raised, listens, raise_hook, raise_hooks
from persistence.postgres.pool import Pool
from tests.persistence.persons import organised, registered

pytestmark = pytest.mark.postgres

WAITING = """
SELECT count(*) AS waiting FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


class Tellers:
    """Two organisations, and the stores of their hooks."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.hooks = Hooks(pool, 20)
        self.deliveries = Deliveries(pool)

    async def make(self, name: str, *types: str, of: str = "org") -> None:
        new = NewHook(
            name, of, "https://a.example/x", "", [*types], "standard", b"s", "usr", b""
        )
        await self.hooks.create(new)

    async def told(self, hook: str) -> list[str]:
        rows = await self.pool.fetch(
            "SELECT type, subject FROM hook_delivery WHERE hook_id = $1"
            " ORDER BY number",
            hook,
        )
        return [f"{row['type']} {row['subject']}" for row in rows]


@pytest.fixture
async def tellers(database_url):
    pool = await Pool.open(database_url)
    await registered(pool, "olga")
    await organised(pool, olga="owner")
    await organised(pool, "other", olga="owner")
    yield Tellers(pool)
    await pool.close()


async def test_each_hook_is_told_what_it_asked_for(tellers):
    await tellers.make("all")
    await tellers.make("sales", "sale.opened", "sale.closed")
    await tellers.make("strange", of="other")
    await tellers.make("off")
    await tellers.hooks.edit("org", "off", HookEdit(active=False))
    async with tellers.pool.transaction() as connection:
        made = await raise_hooks(
            connection,
            "org",
            [
                Raised("sale.opened", {"event": "evt"}, "evt"),
                Raised("ticket.issued", {"ticket": "tkt"}, "tkt"),
            ],
        )
    assert made == 3
    assert await tellers.told("all") == ["sale.opened evt", "ticket.issued tkt"]
    assert await tellers.told("sales") == ["sale.opened evt"]
    assert await tellers.told("strange") == await tellers.told("off") == []


async def test_a_subject_is_told_once(tellers):
    await tellers.make("all")
    for _ in range(2):
        async with tellers.pool.transaction() as connection:
            await raise_hook(connection, "org", "event.cancelled", {}, "evt")
    async with tellers.pool.transaction() as connection:
        await raise_hook(connection, "org", "event.completed", {}, "evt")
    assert await tellers.told("all") == ["event.cancelled evt", "event.completed evt"]


async def test_what_did_not_happen_is_not_told(tellers):
    await tellers.make("all")
    with pytest.raises(RuntimeError, match="never mind"):
        await raise_and_fail(tellers.pool)
    assert await tellers.told("all") == []


async def raise_and_fail(pool: Pool) -> None:
    async with pool.transaction() as connection:
        await raise_hook(connection, "org", "event.cancelled", {}, "evt")
        raise RuntimeError("never mind")


async def test_a_hook_that_is_deleted_meanwhile_stops_nobody(tellers):
    """What is told of, an order that was paid, would else not be written."""
    await tellers.make("all")
    async with tellers.pool.transaction() as deleting:
        await deleting.execute("DELETE FROM hook")
        raising = asyncio.create_task(raise_one(tellers.pool))
        waiting = 0
        for _ in range(500):
            # Not with this connection: what it is told stays the same for it.
            (row,) = await tellers.pool.fetch(WAITING)
            waiting = row["waiting"]
            if waiting:
                break
            await asyncio.sleep(0.01)
        assert waiting
    await raising
    assert await tellers.told("all") == []


async def raise_one(pool: Pool) -> None:
    async with pool.transaction() as connection:
        await raise_hook(connection, "org", "event.cancelled", {}, "evt")


async def test_the_body_has_type_time_and_data(tellers):
    await tellers.make("all")
    async with tellers.pool.transaction() as connection:
        await raise_hook(connection, "org", "sale.opened", {"event": 'ü"\\'}, "evt")
    ((hook,),) = [(one.messages) for one in await tellers.deliveries.take()]
    body = msgspec.json.decode(hook.body)
    assert list(body) == ["type", "timestamp", "data"]
    assert (body["type"], body["data"]) == ("sale.opened", {"event": 'ü"\\'})
    assert body["timestamp"].endswith("Z")
    assert hook.delivery_id.startswith("msg_")


async def test_who_has_no_hooks_is_told_apart(tellers):
    await tellers.make("all")
    async with tellers.pool.transaction() as connection:
        assert await listens(connection, "org")
        assert not await listens(connection, "other")
        assert not await listens(connection, None)
        assert await raise_hooks(connection, "other", []) == 0
        await raise_hook(connection, None, "sale.opened", {}, "evt")
    assert await tellers.told("all") == []


async def test_one_is_told_by_itself_what_it_is_among_others(tellers):
    """There is a statement for each: this holds them to each other."""
    await tellers.make("all")
    await tellers.make("tickets", "ticket.issued")
    await tellers.make("strange", of="other")
    at = datetime(2026, 12, 1, 20, 15, 1, 250_000, UTC)
    bodies = []
    for beside in (
        [],
        [Raised("sale.opened", {}, "evt"), Raised("sale.paused", {}, "")],
    ):
        one = Raised("ticket.issued", {"ticket": "tkt", "label": "Ä-1"}, "tkt", at)
        async with tellers.pool.transaction() as connection:
            assert await raise_hooks(connection, "org", [one, *beside]) == 2 + len(
                beside
            )
            # Each once.
            assert await raise_hooks(connection, "org", [one, *beside]) == 0
        rows = await tellers.pool.fetch(
            "SELECT hook_id, subject, body, state, organisation_id FROM hook_delivery"
            " WHERE type = 'ticket.issued' ORDER BY hook_id"
        )
        bodies.append([tuple(row) for row in rows])
        await tellers.pool.fetch("DELETE FROM hook_delivery")
    assert bodies[0] == bodies[1]
    assert [row[0] for row in bodies[0]] == ["all", "tickets"]
