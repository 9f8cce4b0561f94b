"""Backups in one file: of one moment, whole or not at all, into an empty database."""

import asyncio
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import asyncpg
import msgspec
import pytest

from inventory.commands import Cancel
from persistence.backup import (
    Archive,
    BackupError,
    Manifest,
    audit_all,
    back_up,
    new_archive,
    restore,
)
from persistence.backup.archive import MANIFEST, TABLES, NewArchive, writing
from persistence.backup.tables import find_tables
from persistence.people.activity import ActivityLog, Record, new_record_id
from persistence.postgres.migrate import LOCK_KEY, MIGRATIONS, migrate
from persistence.postgres.pool import Pool
from tests.database import query
from tests.persistence.journals import open_store
from tests.persistence.sales import sell_some, selling

pytestmark = pytest.mark.postgres

HEADS = "SELECT event_id, history_id, version, encode(chain, 'hex') FROM event_head"


@pytest.fixture
async def sold_url(database_url):
    """A database with two events, and with activity in a month of long ago."""
    async with open_store(database_url) as store:
        await sell_some(store, "one")
        await sell_some(store, "two")
    pool = await Pool.open(database_url, size=1)
    at_ms = round(datetime(2020, 2, 3, tzinfo=UTC).timestamp() * 1000)
    record = Record(
        id=new_record_id(at_ms),
        at_ms=at_ms,
        method="POST",
        route="/v1/events",
        status=201,
        request_id="r",
        address="::1",
        duration_ms=1.5,
        details={"text": "Zeile\nmit \\ und\tTab"},
    )
    await ActivityLog(pool).store([record])
    await pool.close()
    return database_url


async def save(url, path):
    with new_archive(path) as unpublished:
        with writing(unpublished) as archive:
            manifest = await back_up(url, archive)
            archive.finish(manifest)
        unpublished.publish()
    return manifest


async def load(url, path):
    with Archive(path) as archive:
        return await restore(url, archive)


async def contents(url):
    """All rows of all tables but those that a restore changes."""
    connection = await asyncpg.connect(url)
    try:
        found = await find_tables(connection)
        rows = {}
        for name in found.columns.keys() - {"event_head", "process", "cluster"}:
            sql = f"SELECT t::text FROM {name} t ORDER BY 1"
            rows[name] = [row[0] for row in await connection.fetch(sql)]
        return rows
    finally:
        await connection.close()


async def relations(url):
    """Names of what is in the database's schema."""
    sql = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    return {row[0] for row in await query(url, sql)}


async def test_a_restored_database_has_every_row_and_the_audit_agrees(
    sold_url, empty_database_url, tmp_path
):
    manifest = await save(sold_url, tmp_path / "b")
    assert {table.name for table in manifest.tables} >= {"journal", "activity"}
    assert await load(empty_database_url, tmp_path / "b") == 2
    assert await contents(empty_database_url) == await contents(sold_url)
    assert await audit_all(empty_database_url) == (2, [])
    # Of what is generated and indexed as well.
    words = "SELECT event_id FROM event WHERE words @@ 'cafe' ORDER BY 1"
    assert await query(empty_database_url, words) == await query(sold_url, words)
    assert await query(empty_database_url, words) != []


async def test_a_restored_event_has_a_new_history_and_sells_on(
    sold_url, empty_database_url, tmp_path
):
    await save(sold_url, tmp_path / "b")
    await load(empty_database_url, tmp_path / "b")
    before = {row[0]: row for row in await query(sold_url, HEADS)}
    for event, history, version, chain in await query(empty_database_url, HEADS):
        assert history != before[event][1]
        assert (version, chain) == tuple(before[event])[2:]
    async with (
        open_store(empty_database_url) as store,
        selling(store, "one", new=False) as sale,
    ):
        # A retry of what was accepted before the backup gets the first answer.
        again = await sale.hold("ann", "A-1", "A-2", key="k1")
        assert again
        await sale.book("new", await sale.hold("new", "A-9"))
    assert await audit_all(empty_database_url) == (2, [])


class Interrupted(NewArchive):
    """A backup before each of whose entries something happens."""

    def __init__(self, archive: NewArchive, happen: Callable[[], None]) -> None:
        super().__init__(archive._file)
        self._happen = happen

    @contextmanager
    def entry(self, name: str) -> Iterator[BinaryIO]:
        self._happen()
        with super().entry(name) as entry:
            yield entry


def save_amid(url: str, path: Path, happen: Callable[[], None]) -> Manifest:
    """Back up on a loop of its own, so that others can do what happens meanwhile."""
    with new_archive(path) as unpublished:
        with writing(unpublished) as archive:
            manifest = asyncio.run(back_up(url, Interrupted(archive, happen)))
            archive.finish(manifest)
        unpublished.publish()
    return manifest


async def test_a_backup_beside_a_sale_is_of_one_moment(
    database_url, empty_database_url, tmp_path
):
    loop, rounds = asyncio.get_running_loop(), 0
    async with open_store(database_url) as store, selling(store, "evt") as sale:

        async def sell() -> None:
            nonlocal rounds
            rounds += 1
            seat = f"A-{1 + rounds % 9}"
            booking = await sale.book("ann", await sale.hold("ann", seat))
            await sale.do(Cancel(id=1, event="evt", booking=booking), "ann")

        await sale.book("bob", await sale.hold("bob", "A-10"))
        await sell()
        ((_, _, version, chain),) = await query(database_url, HEADS)
        rounds = 0
        # Before each table, which waits for it.
        manifest = await asyncio.to_thread(
            save_amid,
            database_url,
            tmp_path / "b",
            lambda: asyncio.run_coroutine_threadsafe(sell(), loop).result(),
        )
        assert rounds == len(manifest.tables) > 20
        ((_, _, later, _),) = await query(database_url, HEADS)
        assert later == version + 3 * rounds
    await load(empty_database_url, tmp_path / "b")
    assert await audit_all(empty_database_url) == (1, [])
    # All of it is of the moment at which it began, the last table, too.
    ((_, _, *restored),) = await query(empty_database_url, HEADS)
    assert restored == [version, chain]


async def test_a_backup_of_an_older_schema_is_brought_up_to_date(
    empty_database_url, database_url, tmp_path, server_url, database_template
):
    connection = await asyncpg.connect(empty_database_url)
    await migrate(connection, upto=9)
    await connection.execute(
        "INSERT INTO account (user_id, email, password_hash, role, name)"
        " VALUES ('usr', 'a@b.example', 'x', 'admin', 'Ann')"
    )
    await connection.close()
    manifest = await save(empty_database_url, tmp_path / "b")
    assert len(manifest.schema) == 9
    sql = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute(sql)
    await connection.close()
    await load(empty_database_url, tmp_path / "b")
    applied = "SELECT count(*) FROM schema_migration"
    count = len(list(MIGRATIONS.glob("*.sql")))
    assert [tuple(r) for r in await query(empty_database_url, applied)] == [(count,)]
    email = "SELECT email FROM account"
    assert [r[0] for r in await query(empty_database_url, email)] == ["a@b.example"]


async def test_where_a_server_and_its_copy_share_a_redis_they_are_two(
    database_url, empty_database_url, tmp_path
):
    add = "INSERT INTO cluster (cluster_id, secret) VALUES ('c', $1)"
    await query(database_url, add, b"s" * 32)
    await save(database_url, tmp_path / "b")
    await load(empty_database_url, tmp_path / "b")
    assert await query(empty_database_url, "SELECT 1 FROM cluster") == []


async def test_the_file_is_private_and_never_overwrites(sold_url, tmp_path):
    path = tmp_path / "b"
    await save(sold_url, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(BackupError, match="is there already"):
        await save(sold_url, path)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(BackupError, match="is there already"):
        await save(sold_url, tmp_path / "dangling")
    assert path.read_bytes() == before
    # And where somebody takes the name meanwhile.
    with new_archive(tmp_path / "late") as unpublished:
        with writing(unpublished) as archive:
            archive.finish(await back_up(sold_url, archive))
        (tmp_path / "late").write_text("somebody else's")
        with pytest.raises(BackupError, match="is there already"):
            unpublished.publish()
    assert (tmp_path / "late").read_text() == "somebody else's"
    assert {p.name for p in tmp_path.iterdir()} == {"b", "dangling", "late"}


async def test_a_backup_that_fails_leaves_no_file(empty_database_url, tmp_path):
    with pytest.raises(BackupError, match="no tables of Onsale"):
        await save(empty_database_url, tmp_path / "b")
    with pytest.raises(BackupError, match="cannot be reached"):
        await save("postgresql://nobody@127.0.0.1:1/none", tmp_path / "b")
    with pytest.raises(BackupError, match="not a valid one"):
        await save("postgresql://a:se/cret@host/x", tmp_path / "b")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BackupError, match="No such file"):
        await save(empty_database_url, tmp_path / "nowhere" / "b")


async def test_a_database_in_use_is_not_overwritten(sold_url, database_url, tmp_path):
    await save(sold_url, tmp_path / "b")
    before = await contents(database_url)
    with pytest.raises(BackupError, match="has tables of Onsale already"):
        await load(database_url, tmp_path / "b")
    assert await contents(database_url) == before


def rewrite(source: Path, target: Path, change) -> None:
    """Copy a backup; `change` returns what an entry's bytes become, or None."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(name, data)


def of_manifest(**changes):
    def change(name, data):
        if name != MANIFEST:
            return data
        return msgspec.json.encode({**msgspec.json.decode(data), **changes})

    return change


def without_a_row(name, data):
    return data[: data.rindex(b"\n", 0, -1) + 1] if name == "tables/sold" else data


def with_a_torn_row(name, data):
    return data[: data.rindex(b"\t")] if name == "tables/booking" else data


NEWER = [{"number": 1, "name": "initial", "checksum": "another"}]
EVIL = [{"name": "x", "parent": "activity", "bound": "DEFAULT; DROP TABLE x"}]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (without_a_row, "rows of sold, and should have"),
        (with_a_torn_row, "broke off"),
        (lambda name, data: None if name == MANIFEST else data, "no backup"),
        (lambda name, data: None if name == "tables/event" else data, "no backup"),
        (of_manifest(format=2), "is of format 2"),
        (of_manifest(schema=NEWER), "which this program does not know"),
        (of_manifest(tables=[]), "other tables than its schema says"),
        (of_manifest(partitions=EVIL), "has a partition"),
        (of_manifest(tables="none"), "no backup"),
    ],
)
async def test_a_backup_with_a_fault_leaves_the_database_empty(
    sold_url, empty_database_url, tmp_path, change, problem
):
    await save(sold_url, tmp_path / "b")
    rewrite(tmp_path / "b", tmp_path / "bad", change)
    with pytest.raises(BackupError, match=problem):
        await load(empty_database_url, tmp_path / "bad")
    assert await relations(empty_database_url) == set()
    await load(empty_database_url, tmp_path / "b")


async def test_a_torn_file_is_noticed(sold_url, empty_database_url, tmp_path):
    await save(sold_url, tmp_path / "b")
    whole = (tmp_path / "b").read_bytes()
    for length in (0, 1000, len(whole) // 2, len(whole) - 1):
        (tmp_path / "bad").write_bytes(whole[:length])
        with pytest.raises(BackupError, match="no backup, or is damaged"):
            await load(empty_database_url, tmp_path / "bad")
    assert await relations(empty_database_url) == set()


async def test_a_flipped_bit_is_noticed_or_stands_for_nothing(sold_url, tmp_path):
    await save(sold_url, tmp_path / "b")
    whole = (tmp_path / "b").read_bytes()
    journal = zipfile.ZipFile(tmp_path / "b").getinfo("tables/journal")
    contents, noticed = read_all(tmp_path / "b"), 0
    distances = range(0, journal.compress_size, 7)
    for distance in distances:
        flipped = bytearray(whole)
        # Behind the entry's own header: 30 bytes, its name, and 20 of long sizes.
        position = journal.header_offset + 50 + len(journal.filename) + distance
        flipped[position] ^= 1 << distance % 8
        (tmp_path / "bad").write_bytes(flipped)
        try:
            # A few bits of a stream stand for nothing.
            assert read_all(tmp_path / "bad") == contents
        except BackupError:
            noticed += 1
    assert noticed > 0.9 * len(distances)


def read_all(path):
    with Archive(path) as archive:
        names = [TABLES + table.name for table in archive.manifest.tables]
        return {name: b"".join(archive.chunks(name)) for name in names}


async def test_tables_of_others_are_left_out_and_named(
    sold_url, empty_database_url, tmp_path
):
    await query(sold_url, "CREATE TABLE somebody_elses (x integer)")
    manifest = await save(sold_url, tmp_path / "b")
    assert manifest.left_out == ["somebody_elses"]
    await load(empty_database_url, tmp_path / "b")
    assert "somebody_elses" not in await relations(empty_database_url)


async def test_a_database_of_a_newer_program_is_not_backed_up(database_url, tmp_path):
    newer = (
        "INSERT INTO schema_migration (number, name, checksum) VALUES (9999, 'x', '')"
    )
    await query(database_url, newer)
    with pytest.raises(BackupError, match="the version of Onsale that it is served by"):
        await save(database_url, tmp_path / "b")


async def test_a_server_started_during_a_restore_waits_for_its_end(
    sold_url, empty_database_url, tmp_path
):
    await save(sold_url, tmp_path / "b")
    loading = asyncio.create_task(load(empty_database_url, tmp_path / "b"))
    locked = """
    SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE locktype = 'advisory' AND datname = current_database() AND granted
        AND (classid::bigint << 32) + objid::bigint = $1
    """
    while not await query(empty_database_url, locked, LOCK_KEY):
        assert not loading.done()
    connection = await asyncpg.connect(empty_database_url)
    try:
        told: list[str] = []
        assert await migrate(connection, tell=told.append) == []
        assert len(told) == 1
    finally:
        await connection.close()
    assert await loading == 2
