"""Messages of hooks as an outbox: listed, counted, and replayed where they died."""

import pytest

from persistence.people.hooks.deliveries import Deliveries, Outcome
from persistence.people.hooks.hooks import Hooks, NewHook
from persistence.people.hooks.outbox import HookOutbox
from persistence.people.hooks.raising import raise_hook
from persistence.postgres.pool import Pool
from tests.persistence.persons import organised, registered

pytestmark = pytest.mark.postgres

SENT = Outcome("sent", 204, None, 5)
DEAD = Outcome("dead", 500, "answered 500", 5)


@pytest.fixture
async def pool(database_url):
    """Three messages of a hook: one was sent, one died, one waits."""
    pool = await Pool.open(database_url)
    await registered(pool, "olga")
    await organised(pool, olga="owner")
    url = "https://hooks.example:8443/secret/path?key=1"
    hook = NewHook("hook", "org", url, "", [], "standard", b"s", "usr_olga", b"")
    await Hooks(pool, 20).create(hook)
    for subject in "abc":
        async with pool.transaction() as connection:
            await raise_hook(connection, "org", "sale.opened", {}, subject)
    deliveries = Deliveries(pool)
    (taken,) = await deliveries.take()
    for message, outcome in zip(taken.messages, (SENT, DEAD), strict=False):
        await deliveries.note("hook", message.delivery_id, outcome)
    yield pool
    await pool.close()


async def states(outbox):
    rows, _ = await outbox.list_rows(None, limit=50, cursor=None)
    return [row.state for row in reversed(rows)]


async def test_all_are_listed_and_tell_no_secret_of_where_they_go(pool):
    outbox = HookOutbox(pool)
    first, cursor = await outbox.list_rows(None, limit=2, cursor=None)
    rest, end = await outbox.list_rows(None, limit=2, cursor=cursor)
    rows = [*first, *rest]
    assert end is None
    assert [row.state for row in rows] == ["due", "dead", "sent"]
    assert {row.recipient for row in rows} == {"https://hooks.example:8443"}
    assert {row.kind for row in rows} == {"sale.opened"}
    (dead,), _ = await outbox.list_rows("dead", limit=2, cursor=None)
    assert (dead.attempts, dead.reason) == (1, "answered 500")
    assert dead.ended_at is not None
    assert [await outbox.count_rows(one) for one in (None, "due", "dead", "sent")] == [
        3,
        1,
        1,
        1,
    ]


async def test_only_what_died_is_replayed(pool):
    outbox = HookOutbox(pool)
    rows, _ = await outbox.list_rows(None, limit=50, cursor=None)
    for row in rows:
        again = await outbox.replay(row.row)
        assert again is not None
        assert again.row == row.row
    assert await states(outbox) == ["sent", "due", "due"]
    assert await outbox.replay("msg_none") is None
    await pool.fetch("UPDATE hook SET taken_until = NULL")
    (taken,) = await Deliveries(pool).take()
    assert [one.attempts for one in taken.messages] == [0, 0]


async def test_what_is_too_late_is_dead_and_has_as_long_again(pool):
    outbox = HookOutbox(pool)
    await pool.fetch("UPDATE hook_delivery SET dies_at = now() WHERE state = 'due'")
    assert await states(outbox) == ["sent", "dead", "dead"]
    dead, _ = await outbox.list_rows("dead", limit=50, cursor=None)
    for row in dead:
        await outbox.replay(row.row)
    await Deliveries(pool).forget()
    assert await states(outbox) == ["sent", "due", "due"]
