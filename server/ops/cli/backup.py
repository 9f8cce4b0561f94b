"""`onsale backup`, `onsale restore` and `onsale new-history`.

A backup gets its name only after it was restored into a temporary Postgres and audited
there. A restore is audited where it was brought to.
"""

import asyncio
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from persistence.backup import (
    Archive,
    BackupError,
    Manifest,
    audit_all,
    back_up,
    new_archive,
)
from persistence.backup import restore as load
from persistence.backup.archive import writing
from persistence.backup.connection import connected
from persistence.data_directory import (
    DIRECTORY_MODE,
    DataDirectory,
    DataDirectoryError,
)
from persistence.embedded import (
    EmbeddedPostgres,
    EmbeddedPostgresError,
    discard,
)
from persistence.journal.audit import NotAuditable
from persistence.postgres.history import begin_new_history, living_processes
from server.base.settings import Config, ConfigError, read_config
from server.ops.cli.audit import database_of
from server.ops.cli.backup_images import add_images, put_images

OK: Final = 0
DIFFERENCE: Final = 1
UNUSABLE: Final = 2

NICENESS: Final = 10
DIFFERENCES_SHOWN: Final = 20
EXPECTED: Final = (
    BackupError,
    ConfigError,
    DataDirectoryError,
    EmbeddedPostgresError,
    NotAuditable,
    OSError,
)


def backup(
    file: str,
    *,
    verify: bool = True,
    database_url: str | None = None,
    data_dir: str | None = None,
) -> int:
    """Write a backup of the database and the images into a new file, while it sells.

    The file is restored into a temporary Postgres and audited before it gets its name.
    It holds secrets, such as the keys that tickets are signed with. Ends with 0, or
    with 1 where the audit found differences, or with 2 where there is no backup.

    Args:
        file: where to; what is there already is not overwritten.
        verify: restore and audit it before it counts.
        database_url: a Postgres; without it that of the data directory (DATABASE_URL).
        data_dir: the directory of a server on this machine (ONSALE_DATA_DIR).
    """
    # A sale on the same machine goes first.
    os.nice(NICENESS)
    try:
        config = read_config(os.environ, database_url=database_url, data_dir=data_dir)
        with ExitStack() as stack:
            unpublished = stack.enter_context(new_archive(Path(file)))
            url = database_of(config, stack)
            with writing(unpublished) as archive:
                manifest = asyncio.run(back_up(url, archive))
                # After the tables, so that all that they show is there.
                images = add_images(archive, config)
                archive.finish(manifest)
            wrong: list[str] = []
            found = f"{_rows_of(manifest):,} rows, {images:,} images"
            if verify:
                events, wrong = _try_out(unpublished.path)
                found += f"; restored on trial, {events:,} events audited"
            unpublished.publish()
    except EXPECTED as error:
        return _refuse(error)
    _tell_left_out(manifest)
    sys.stdout.write(
        f"Backup of {manifest.taken_at.isoformat(timespec='seconds')} in {file}:"
        f" {found}.\n"
    )
    return _tell_differences(wrong)


def restore(
    file: str,
    *,
    database_url: str | None = None,
    data_dir: str | None = None,
) -> int:
    """Bring a backup into an empty database, audit it, and give events a new history.

    Without a database address the data directory gets a database of its own; no server
    may run in it. Ends with 0, or with 1 where the audit found differences, or with 2
    where nothing was restored.

    Args:
        file: the backup.
        database_url: an empty Postgres database (DATABASE_URL).
        data_dir: the directory of the server on this machine (ONSALE_DATA_DIR).
    """
    try:
        config = read_config(os.environ, database_url=database_url, data_dir=data_dir)
        with ExitStack() as stack:
            archive = stack.enter_context(Archive(Path(file)))
            url = _target(config, stack)
            restored = asyncio.run(load(url, archive))
            images = put_images(archive, config)
            events, wrong = asyncio.run(audit_all(url))
            moment = archive.manifest.taken_at
    except EXPECTED as error:
        return _refuse(error)
    sys.stdout.write(
        f"Restored the backup of {moment.isoformat(timespec='seconds')}: {restored:,}"
        f" events have a new history, {events:,} were audited; {images:,} images.\n"
    )
    return _tell_differences(wrong)


def new_history(*, database_url: str | None = None, data_dir: str | None = None) -> int:
    """Give all events a new history, after the database was restored by other means.

    Clients then forget what they knew of the time after the restored moment. Stop the
    servers first; `onsale restore` does this by itself.

    Args:
        database_url: a Postgres; without it that of the data directory (DATABASE_URL).
        data_dir: the directory of a server on this machine (ONSALE_DATA_DIR).
    """
    try:
        config = read_config(os.environ, database_url=database_url, data_dir=data_dir)
        with ExitStack() as stack:
            events = asyncio.run(_renew(database_of(config, stack)))
    except EXPECTED as error:
        return _refuse(error)
    sys.stdout.write(f"{events:,} events have a new history.\n")
    return OK


async def _renew(url: str) -> int:
    async with connected(url) as connection:
        living = await living_processes(connection)
        if living:
            raise BackupError(
                f"Servers use this database: {', '.join(living)}. Stop them first."
            )
        return await begin_new_history(connection)


def _target(config: Config, stack: ExitStack) -> str:
    """Return the address of the database to restore into; start our own one."""
    if config.database_url is not None:
        return config.database_url
    data = stack.enter_context(DataDirectory(Path(config.data_dir)))
    postgres = EmbeddedPostgres(data)
    stack.callback(postgres.stop)
    return postgres.start()


def _try_out(path: Path) -> tuple[int, list[str]]:
    """Restore a backup into a temporary Postgres beside it, and audit it there."""
    folder = Path(tempfile.mkdtemp(prefix=".onsale-trial-", dir=path.parent))
    folder.chmod(DIRECTORY_MODE)
    data = DataDirectory(folder)
    postgres = EmbeddedPostgres(data)
    try:
        with data:
            try:
                url = postgres.start()
                with Archive(path) as archive:
                    asyncio.run(load(url, archive))
                return asyncio.run(audit_all(url))
            finally:
                postgres.stop()
    finally:
        discard(data)


def _rows_of(manifest: Manifest) -> int:
    return sum(table.rows for table in manifest.tables)


def _tell_left_out(manifest: Manifest) -> None:
    if manifest.left_out:
        sys.stderr.write(
            f"onsale: not in the backup, because they are not ours:"
            f" {', '.join(manifest.left_out)}.\n"
        )


def _tell_differences(wrong: list[str]) -> int:
    for difference in wrong[:DIFFERENCES_SHOWN]:
        sys.stdout.write(f"DIFFERENCE: {difference}\n")
    if len(wrong) > DIFFERENCES_SHOWN:
        sys.stdout.write(f"and {len(wrong) - DIFFERENCES_SHOWN:,} more.\n")
    return DIFFERENCE if wrong else OK


def _refuse(error: BaseException) -> int:
    sys.stderr.write(f"onsale: {error}\n")
    return UNUSABLE
