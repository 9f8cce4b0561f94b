"""Where the cluster and its socket live, so that their account can reach them."""

import os
import re
import shutil
import stat
import tempfile
from pathlib import Path
from typing import NamedTuple

from persistence.data_directory import DIRECTORY_MODE, DataDirectory
from persistence.embedded.account import Account, EmbeddedPostgresError

CLUSTER = "postgres"
HOME_RECORD = "postgres-home"
SOCKET_RECORD = "postgres-socket"
# Where an administrator wants clusters that cannot lie in their data directory.
HOME_VARIABLE = "ONSALE_POSTGRES_DIR"
# No clean-up empties it, which /var/tmp is not safe from.
HOME_PARENT = Path("/var/lib/onsale")
OWNER_RECORD = "data-directory"
# What systemd-tmpfiles and its kin empty; former versions put clusters into the last.
CLEANED = (Path("/tmp"), Path("/var/tmp"))
VALKEY_SOCKET_RECORD = "valkey-socket"
# Short, because the kernel's limit is on the whole path.
SOCKET_PARENT = Path("/tmp")
SOCKET_NAME = ".s.PGSQL.5432"
# sockaddr_un holds 104 bytes on macOS and 108 on Linux, with a zero at the end.
SOCKET_PATH_MAX_BYTES = 103


class SocketPlace(NamedTuple):
    """Where a program's socket belongs: its directory in ours, its name there.

    The record names the directory where ours would not do.
    """

    directory: str
    name: str
    record: str


POSTGRES_SOCKET = SocketPlace("socket", SOCKET_NAME, SOCKET_RECORD)
VALKEY_SOCKET = SocketPlace("valkey", "valkey.sock", VALKEY_SOCKET_RECORD)


def existing_home(data: DataDirectory) -> Path | None:
    """Return the directory that holds the cluster of this data directory, or None.

    Raises `EmbeddedPostgresError` where a cluster was recorded and is gone or not ours:
    starting an empty one in its place would look like losing every sale.
    """
    recorded = data.read_record(HOME_RECORD)
    if recorded is None:
        return data.path if (data.path / CLUSTER).exists() else None
    home = Path(recorded)
    if not _is_private(home, os.geteuid()):
        raise EmbeddedPostgresError(
            f"The database of {data.path} was put into {home}, which is gone or is not"
            f" ours any more: bring it back, or remove {data.path / HOME_RECORD} to"
            " start with an empty one."
        )
    return home if (home / CLUSTER).exists() else None


def make_home(data: DataDirectory, account: Account) -> Path:
    """Return a directory of ours that the account can reach, made where needed.

    It is the data directory itself, except where the account cannot get there: then one
    with a name that cannot be guessed, recorded in the data directory.
    """
    recorded = data.read_record(HOME_RECORD)
    if recorded is not None and _is_private(Path(recorded), os.geteuid()):
        return Path(recorded)
    if account.can_enter(data.path):
        return data.path
    home = make_home_elsewhere(data, account)
    data.write_record(HOME_RECORD, str(home))
    return home


def make_home_elsewhere(data: DataDirectory, account: Account) -> Path:
    """Make a directory outside of the data directory that the account can reach.

    Raises `EmbeddedPostgresError` where there is no good place for one.
    """
    parent = _home_parent()
    try:
        if not parent.exists():
            parent.mkdir(parents=True)
            # Whatever the umask says: the account passes through it.
            parent.chmod(DIRECTORY_MODE)
        if not _is_private(parent, os.geteuid()):
            raise EmbeddedPostgresError(
                f"{parent} is not a directory in which only this account can write;"
                f" name another one for the database in {HOME_VARIABLE}."
            )
        home = Path(tempfile.mkdtemp(prefix="cluster-", dir=parent))
    except OSError as error:
        raise EmbeddedPostgresError(
            f"The account {account.name}, under which the database runs, cannot reach"
            f" {data.path}, and {parent} cannot be used instead ({error.strerror}):"
            f" name a directory for the database in {HOME_VARIABLE}, or give the server"
            " a data directory that others may pass through."
        ) from error
    # The account passes through to its cluster and sees nothing else.
    home.chmod(DIRECTORY_MODE)
    if not account.can_enter(home):
        home.rmdir()
        raise EmbeddedPostgresError(
            f"The account {account.name}, under which the database runs, can reach"
            f" neither {data.path} nor {parent}: name a directory for the database in"
            f" {HOME_VARIABLE}."
        )
    # For whoever finds it and asks whose it is.
    DataDirectory(home).write_record(OWNER_RECORD, str(data.path))
    return home


def may_be_cleaned(data: DataDirectory, home: Path) -> bool:
    """Return whether we put this home where old files are removed by the system."""
    return home != data.path and home.parent in CLEANED


def _home_parent() -> Path:
    told = os.environ.get(HOME_VARIABLE)
    return Path(told).expanduser().absolute() if told else HOME_PARENT


def make_socket_directory(
    data: DataDirectory,
    account: Account,
    home: Path,
    place: SocketPlace = POSTGRES_SOCKET,
) -> Path:
    """Return a directory for the socket that only the account (and root) can enter."""
    preferred = home / place.directory
    length = len(os.fsencode(preferred / place.name))
    # Postgres and asyncpg both split lists of directories at commas, and quote.
    if length <= SOCKET_PATH_MAX_BYTES and re.fullmatch(r"[\w./+-]+", str(preferred)):
        account.give(preferred)
        return preferred
    recorded = data.read_record(place.record)
    if recorded is not None and _is_private(Path(recorded), account.uid):
        return Path(recorded)
    made = Path(tempfile.mkdtemp(prefix="onsale-", dir=SOCKET_PARENT))
    data.write_record(place.record, str(made))
    account.give(made)
    return made


def discard(data: DataDirectory) -> None:
    """Remove a temporary data directory with all that it has elsewhere, for good.

    Postgres and Valkey must have been stopped; nobody else may hold the directory.
    """
    ours = os.geteuid()
    records = {HOME_RECORD: ours, SOCKET_RECORD: None, VALKEY_SOCKET_RECORD: ours}
    for record, uid in records.items():
        recorded = data.read_record(record)
        if recorded is None:
            continue
        place = Path(recorded)
        # The socket's directory belongs to the account, whichever that was.
        if place.exists() and _is_private(
            place, place.lstat().st_uid if uid is None else uid
        ):
            shutil.rmtree(place)
    shutil.rmtree(data.path)


def _is_private(directory: Path, uid: int) -> bool:
    """Return whether this is a directory of `uid` in which nobody else can write."""
    try:
        status = directory.lstat()
    except FileNotFoundError:
        return False
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == uid
        and not status.st_mode & 0o022
    )
