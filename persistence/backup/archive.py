"""The file of a backup: written whole or not at all, read with its checksums."""

import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import msgspec
from msgspec import Struct

from persistence.data_directory import sync_directory

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
TABLES: Final = "tables/"
# Beside a sale time counts more than bytes; higher levels save a tenth of them.
LEVEL: Final = 1
CHUNK_BYTES: Final = 1 << 20
MANIFEST_BYTES_MAX: Final = 64 << 20
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    # Of sizes and methods that cannot be.
    NotImplementedError,
    OverflowError,
    ValueError,
)
# No drive, no parent, no hidden name: what is read may be written to a disk.
_FILE_NAME = re.compile(r"(?:[\w-][\w.-]*/)*[\w-][\w.-]*", re.ASCII)


class BackupError(Exception):
    """A backup cannot be made or restored; the message says why in one sentence."""


class AppliedMigration(Struct, frozen=True):
    """A migration that the tables of a backup are made by."""

    number: int
    name: str
    checksum: str


class Table(Struct, frozen=True):
    """A table in a backup."""

    name: str
    columns: list[str]
    rows: int


class Partition(Struct, frozen=True):
    """A part of a table that servers made, and no migration."""

    name: str
    parent: str
    bound: str


class Sequence(Struct, frozen=True):
    """Where a sequence stood."""

    name: str
    value: int


class Manifest(Struct, frozen=True, kw_only=True):
    """What is in a backup. New fields are appended, with defaults."""

    format: int
    taken_at: datetime
    server_version: str
    schema: list[AppliedMigration]
    tables: list[Table]
    partitions: list[Partition]
    sequences: list[Sequence]
    left_out: list[str] = []
    """Tables of the same schema that no migration of ours made."""


class NewArchive:
    """A backup that is being written."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file

    @contextmanager
    def entry(self, name: str) -> Iterator[BinaryIO]:
        """Give a file to write one entry to; one at a time."""
        with self._file.open(name, "w", force_zip64=True) as entry:
            yield entry  # type: ignore[misc]

    def add_file(self, name: str, path: Path) -> None:
        """Add a file of this machine under a name."""
        self._file.write(path, name)

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest: without it nothing is a backup."""
        with self.entry(MANIFEST) as entry:
            entry.write(msgspec.json.encode(manifest))


class Unpublished:
    """A backup under a temporary name."""

    def __init__(self, path: Path, target: Path) -> None:
        self.path = path
        self._target = target

    def publish(self) -> None:
        """Give it its own name, for good. Raises `BackupError` where that is taken."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        try:
            # Reserves the name on every file system, those without hard links too.
            os.close(os.open(self._target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            raise _taken(self._target) from None
        os.replace(self.path, self._target)
        sync_directory(self._target.parent)


@contextmanager
def new_archive(target: Path) -> Iterator[Unpublished]:
    """Give a temporary file, of mode 600, that may become the target in the end.

    It is removed where it did not. Raises `BackupError` where the target is there, or
    nothing can be written beside it.
    """
    target = target.expanduser().absolute()
    if os.path.lexists(target):
        raise _taken(target)
    try:
        fd, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
        os.close(fd)
    except OSError as error:
        raise BackupError(
            f"Nothing can be written to {target.parent}: {error.strerror}."
        ) from error
    unpublished = Unpublished(Path(name), target)
    try:
        yield unpublished
    finally:
        unpublished.path.unlink(missing_ok=True)


@contextmanager
def writing(unpublished: Unpublished) -> Iterator[NewArchive]:
    """Write the temporary file, which keeps its mode."""
    with zipfile.ZipFile(
        unpublished.path, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL
    ) as file:
        yield NewArchive(file)


class Archive:
    """A backup that is read. Every method raises `BackupError` where it is damaged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _readable(path):
            self._file = zipfile.ZipFile(path)
        try:
            with _readable(path):
                self.manifest = self._read_manifest()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._file.close()

    def chunks(self, name: str) -> Iterator[bytes]:
        """Read an entry; its checksum is compared with its last chunk."""
        with _readable(self.path), self._file.open(name) as entry:
            while chunk := entry.read(CHUNK_BYTES):
                yield chunk

    def files(self, folder: str) -> list[str]:
        """Return the names of the files below a folder, without the folder's own."""
        prefix = folder + "/"
        found = [
            name.removeprefix(prefix)
            for name in self._file.namelist()
            if name.startswith(prefix)
        ]
        for name in found:
            if _FILE_NAME.fullmatch(name) is None:
                raise BackupError(f"{self.path} names a file {name!r}.")
        return found

    def _read_manifest(self) -> Manifest:
        info = self._file.getinfo(MANIFEST)
        if info.file_size > MANIFEST_BYTES_MAX:
            raise BackupError(f"{self.path} has a manifest that is too long.")
        text = self._file.read(info)
        found = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        form = msgspec.json.decode(found.get("format", b"0"))
        if form != FORMAT:
            raise BackupError(
                f"{self.path} is of format {form}, and this program reads {FORMAT}:"
                " take the version of Onsale that made it, or a newer one."
            )
        return msgspec.json.decode(text, type=Manifest)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise BackupError(
            f"{path} is no backup, or is damaged or not complete: {error}."
        ) from error
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror or error}.") from (
            error
        )


def _taken(target: Path) -> BackupError:
    return BackupError(f"{target} is there already, and is not overwritten.")
