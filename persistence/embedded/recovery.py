"""Notice that somebody restored our cluster from a backup of its files.

Such a cluster has another past than the one that clients know, perhaps under the same
timeline: its events get a new `history_id`. Postgres removes the signs of a restore as
soon as it begins; so they are recorded first, and the record goes when all is done.
"""

from pathlib import Path

from persistence.data_directory import DataDirectory
from persistence.embedded.account import EmbeddedPostgresError

RESTORED_RECORD = "postgres-restored"
SIGNS = ("backup_label", "recovery.signal")
STANDBY = "standby.signal"


def note_restore(data: DataDirectory, cluster: Path) -> bool:
    """Return whether the cluster was restored and its events are still to learn of it.

    Raises `EmbeddedPostgresError` where it is meant to follow another server.
    """
    if (cluster / STANDBY).exists():
        raise EmbeddedPostgresError(
            f"{cluster / STANDBY} makes the embedded database a standby, on which"
            " nothing can be sold: remove it, or rename it to recovery.signal to go on"
            " from the end of the archive."
        )
    signs = [name for name in SIGNS if (cluster / name).exists()]
    if signs:
        data.write_record(RESTORED_RECORD, " ".join(signs))
    return data.read_record(RESTORED_RECORD) is not None


def forget_restore(data: DataDirectory) -> None:
    """Remove the record: all events have a new history now."""
    data.remove_record(RESTORED_RECORD)
