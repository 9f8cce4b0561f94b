"""Synchronous replication, with a standby that never answers."""

import asyncio

import asyncpg
import pytest

from inventory.ports import CommitStatus
from persistence.data_directory import DataDirectory
from persistence.embedded import EmbeddedPostgres, discard
from persistence.postgres.durability import check_server
from persistence.postgres.migrate import migrate
from tests.database import query
from tests.persistence.journals import make_batch, open_store

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture
def own_server_url(tmp_path):
    """A server of this test's own, since the setting is the whole server's."""
    tmp_path.chmod(0o711)
    data = DataDirectory(tmp_path / "data")
    data.lock()
    postgres = EmbeddedPostgres(data)
    try:
        yield postgres.start()
    finally:
        postgres.stop()
        data.unlock()
        discard(data)


async def set_standbys(url: str, names: str) -> None:
    await query(url, f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
    await query(url, "SELECT pg_reload_conf()")
    show = "SELECT current_setting('synchronous_standby_names')"
    while (await query(url, show))[0][0] != names:
        pass


async def test_a_commit_that_no_standby_has_is_never_called_durable(own_server_url):
    connection = await asyncpg.connect(own_server_url)
    await migrate(connection)
    await connection.close()
    async with open_store(own_server_url, lanes=1) as store:
        ownership = await store.own("evt")
        assert await store.journal.confirm(ownership) is CommitStatus.COMMITTED
        await set_standbys(own_server_url, "ghost")
        assert (await check_server(own_server_url)).durability_class == "B"
        batch = make_batch(ownership)
        committing = asyncio.create_task(store.commit(ownership, batch))
        waiting: list[tuple[int]] = []
        while not waiting:
            waiting = await query(own_server_url, WAITING)
        # The server now answers as if all were well, with only a warning beside it.
        await query(own_server_url, "SELECT pg_cancel_backend($1)", waiting[0][0])
        assert await committing is CommitStatus.AMBIGUOUS
        fencing = asyncio.create_task(store.journal.fence(ownership, "token-2"))
        await asyncio.sleep(0.2)
        assert not fencing.done()
        # The standbys are back: the fence's own commit now vouches for all before it.
        await set_standbys(own_server_url, "")
        fenced = await fencing
        assert fenced is not None
        assert (fenced.ownership.version, fenced.batch_id) == (1, batch.batch_id)
