"""Each way in which an embedded cluster can be restored from a backup of its files."""

import os
import shutil
from pathlib import Path

import asyncpg
import pytest

from persistence.data_directory import DataDirectory
from persistence.embedded import EmbeddedPostgres, EmbeddedPostgresError, discard
from persistence.embedded.account import choose_account
from persistence.embedded.binaries import find_binaries, runnable_binaries
from persistence.embedded.child import poll
from persistence.embedded.recovery import RESTORED_RECORD
from persistence.postgres.durability import check_server
from persistence.postgres.migrate import migrate
from tests.database import complete, query
from tests.persistence.journals import open_store
from tests.persistence.sales import selling
from tests.scratch import make_folder

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

POSITION = "SELECT history_id, epoch, version FROM event_head WHERE event_id = 'evt'"
SOLD = "SELECT seat FROM sold WHERE event_id = 'evt' ORDER BY seat"


class Shop:
    """An embedded database that archives its log, and what one can do to it."""

    def __init__(self):
        self.folder = make_folder("recovery")
        self.data = DataDirectory(self.folder / "data")
        self.data.lock()
        self.server = EmbeddedPostgres(self.data)
        self.cluster = self.data.path / "postgres"
        self.archive = self.folder / "archive"
        self.base = self.folder / "base"

    def open(self):
        url = self.server.start()
        account = choose_account(None)
        account.give(self.archive)
        self.configure(
            "archive_mode = on", f"archive_command = 'cp %p {self.archive}/%f'"
        )
        self.server.stop()
        url = self.server.start()

        async def set_up():
            connection = await asyncpg.connect(url)
            await migrate(connection)
            await connection.close()

        complete(set_up())

    def configure(self, *lines):
        with (self.cluster / "postgresql.conf").open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def sell(self, seat, new=False):
        async def sell():
            async with (
                open_store(self.server.url) as store,
                selling(store, "evt", new=new) as sale,
            ):
                await sale.book("ann", await sale.hold("ann", seat))

        complete(sell())

    def ask(self, sql):
        return [tuple(row) for row in complete(query(self.server.url, sql))]

    def back_up(self):
        """Copy the cluster while it runs, as the documentation says."""
        account = choose_account(None)
        binaries, _ = runnable_binaries(find_binaries(), account, self.data.path)
        account.give(self.base)
        done = account.run(
            [
                binaries / "pg_basebackup",
                f"--pgdata={self.base}",
                f"--dbname={self.server.url}",
                "--checkpoint=fast",
                "--wal-method=stream",
            ]
        )
        assert done.returncode == 0, done.stdout

    def switch(self):
        """Close the log's segment, and wait until it is in the archive."""
        ((segment,),) = self.ask("SELECT pg_walfile_name(pg_current_wal_lsn())")
        self.ask("SELECT pg_switch_wal()")

        assert poll((self.archive / segment).exists, 20)

    def put_back(self):
        self.server.stop()
        shutil.rmtree(self.cluster)
        shutil.copytree(self.base, self.cluster, symlinks=True)
        owner = self.base.stat()
        for path in [self.cluster, *self.cluster.rglob("*")]:
            os.chown(path, owner.st_uid, owner.st_gid)

    def recover(self, *lines):
        self.configure(f"restore_command = 'cp {self.archive}/%f %p'", *lines)
        (self.cluster / "recovery.signal").write_text("")
        owner = self.cluster.stat()
        os.chown(self.cluster / "recovery.signal", owner.st_uid, owner.st_gid)

    def start(self):
        self.server.start()
        return complete(check_server(self.server.url))

    def close(self):
        self.server.stop()
        self.data.unlock()
        discard(self.data)
        shutil.rmtree(self.folder)


@pytest.fixture
def shop():
    made = Shop()
    made.open()
    made.sell("A-1", new=True)
    made.back_up()
    yield made
    made.close()


def position(shop):
    return shop.ask(POSITION)[0]


def go_on_with_another_past(shop, before):
    """Sell another seat than before at the same versions; nobody may mix them up."""
    (restored,) = shop.ask(POSITION)
    assert restored[0] != before[0]
    shop.server.stop()
    assert shop.start().durability_class == "A"
    # The next start does not go back to the old history, nor on to a third one.
    assert shop.ask(POSITION)[0] == restored
    shop.sell("A-9")
    again = shop.ask(POSITION)[0]
    assert again[0] == restored[0]


@pytest.mark.parametrize("target", ["recovery_target_time", "end of the archive"])
def test_recovery_to_a_moment_is_ready_when_it_has_ended(shop, target):
    shop.sell("A-2")
    ((moment,),) = shop.ask("SELECT now()::text")
    shop.sell("A-3")
    before = position(shop)
    shop.switch()
    shop.put_back()
    to_the_end = target == "end of the archive"
    shop.recover(*([] if to_the_end else [f"recovery_target_time = '{moment}'"]))
    found = shop.start()
    assert (found.durability_class, found.problems) == ("A", [])
    assert shop.ask(SOLD) == [(0,), (1,), (2,)] if to_the_end else [(0,), (1,)]
    assert shop.ask("SELECT pg_is_in_recovery()") == [(False,)]
    assert any("1 events have a new history" in n for n in shop.server.notices)
    go_on_with_another_past(shop, before)


def test_a_copy_put_back_on_the_same_timeline_has_a_new_history(shop):
    # Nothing but backup_label tells this from the end of the original.
    ((line,),) = shop.ask("SELECT server_line()")
    shop.sell("A-2")
    before = position(shop)
    shop.put_back()
    assert (shop.cluster / "backup_label").exists()
    shop.start()
    assert shop.ask("SELECT server_line()") == [(line,)]
    assert shop.ask(SOLD) == [(0,)]
    go_on_with_another_past(shop, before)


def test_a_first_start_that_is_killed_leaves_the_new_history_to_the_next(shop):
    before = position(shop)
    shop.put_back()
    # Postgres removes its label before anybody can connect.
    with pytest.MonkeyPatch.context() as patch:

        def killed(*_):
            raise KeyboardInterrupt

        patch.setattr("persistence.embedded.cluster.begin_new_history", killed)
        with pytest.raises(KeyboardInterrupt):
            shop.server.start()
    assert not (shop.cluster / "backup_label").exists()
    assert shop.data.read_record(RESTORED_RECORD) is not None
    shop.start()
    assert shop.data.read_record(RESTORED_RECORD) is None
    go_on_with_another_past(shop, before)


def test_an_ordinary_start_keeps_the_history(shop):
    before = position(shop)
    shop.server.stop()
    shop.start()
    assert position(shop) == before


def test_an_archive_that_ends_before_the_moment_is_told(shop):
    shop.put_back()
    shop.recover("recovery_target_time = '2100-01-01 00:00:00+00'")
    with pytest.raises(EmbeddedPostgresError, match="before configured recovery"):
        shop.server.start()


def test_a_standby_is_refused_with_what_to_do(shop):
    shop.server.stop()
    Path(shop.cluster / "standby.signal").write_text("")
    with pytest.raises(EmbeddedPostgresError, match=r"rename it to recovery\.signal"):
        shop.server.start()
