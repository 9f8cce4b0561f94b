"""Backups of all tables in one file, of any Postgres, without programs beside ours.

A backup is a zip archive: one entry per table with its rows as COPY writes them, other
files, and last a manifest. Rows are read in one REPEATABLE READ transaction, so they
are of one moment, while everything goes on being sold. The schema is not in it: it is
made by the migrations up to the number in the manifest, with which a backup fits every
later program and every later Postgres.
"""

from persistence.backup.archive import Archive, BackupError, Manifest, new_archive
from persistence.backup.check import audit_all
from persistence.backup.dump import back_up
from persistence.backup.load import restore

__all__ = [
    "Archive",
    "BackupError",
    "Manifest",
    "audit_all",
    "back_up",
    "new_archive",
    "restore",
]
