"""Move a cluster that lies where the system removes old files.

Former versions put clusters that could not lie in their data directory into /var/tmp,
which many systems empty after 30 days. Postgres must be stopped. A crash at any moment
leaves a whole cluster where the data directory says that it is.
"""

import os
import shutil
from pathlib import Path

from persistence.data_directory import DataDirectory, sync_directory
from persistence.embedded.account import Account, EmbeddedPostgresError
from persistence.embedded.places import CLUSTER, HOME_RECORD, make_home_elsewhere

LOGS = ("postgres.log", "postgres.log.1")


def move_home(data: DataDirectory, home: Path, account: Account) -> Path:
    """Put the cluster of a data directory into a safe place, which is returned.

    Raises `EmbeddedPostgresError` where that cannot be done; it is then as before.
    """
    target = make_home_elsewhere(data, account)
    try:
        _copy_tree(home / CLUSTER, target / CLUSTER)
        for name in LOGS:
            if (home / name).exists():
                _link_or_copy(str(home / name), str(target / name))
        os.sync()
        sync_directory(target)
    except OSError as error:
        shutil.rmtree(target)
        raise EmbeddedPostgresError(
            f"The database in {home}, where the system may remove it, could not be"
            f" moved to {target.parent}: {error}."
        ) from error
    data.write_record(HOME_RECORD, str(target))
    shutil.rmtree(home)
    return target


def _copy_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, copy_function=_link_or_copy)
    for folder, folders, _ in os.walk(target):
        for name in (".", *folders):
            copied = Path(folder) / name
            _give_as(source / copied.relative_to(target), copied)


def _link_or_copy(source: str, target: str) -> None:
    """Give a file a second name, which costs no space, or copy it to another disk."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
        _give_as(Path(source), Path(target))


def _give_as(source: Path, target: Path) -> None:
    status = source.lstat()
    os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
