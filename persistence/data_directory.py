"""The data directory: made by us, used by one server at a time."""

import fcntl
import os
import secrets
import stat
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

# Others may pass through to what is theirs inside (the database's account to its
# cluster), and may see nothing else.
DIRECTORY_MODE = 0o711
SECRET_MODE = 0o600
# Writable for all with the sticky bit, as /tmp is.
SHARED = 0o1002
SECRET_BYTES = 32
RECORD_MAX_BYTES = 4096


class DataDirectoryError(Exception):
    """The data directory cannot be used; the message says why in one sentence."""


class DataDirectoryInUse(DataDirectoryError):
    """Another process holds the data directory."""


class DataDirectory:
    """One directory with everything a server keeps on this machine.

    Its parents are not ours: they are neither made readable nor looked into. A
    directory that was there before us keeps its mode as well.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self._lock_fd: int | None = None

    def __enter__(self) -> Self:
        """Lock the directory."""
        self.lock()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Unlock the directory."""
        self.unlock()

    @property
    def locked(self) -> bool:
        """Whether this object holds the directory."""
        return self._lock_fd is not None

    def create(self) -> None:
        """Make the directory where it is missing, whatever the umask says."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self.path.mkdir()
            except FileExistsError:
                mode = self.path.stat().st_mode
                if not stat.S_ISDIR(mode):
                    raise
            else:
                self.path.chmod(DIRECTORY_MODE)
                return
        except OSError as error:
            raise DataDirectoryError(
                f"The data directory {self.path} cannot be made: {error.strerror}."
            ) from error
        if mode & SHARED == SHARED:
            raise DataDirectoryError(
                f"{self.path} is a shared temporary directory, in which others could"
                " put a database before us; give the server a directory of its own."
            )

    def lock(self) -> None:
        """Take the directory for this process, or raise `DataDirectoryInUse`.

        The kernel lets go of the lock when the process ends, however it ends. Children
        do not inherit it.
        """
        if self._lock_fd is not None:
            return
        self.create()
        try:
            fd = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, SECRET_MODE)
        except OSError as error:
            raise DataDirectoryError(
                f"The data directory {self.path} cannot be locked: {error.strerror}."
            ) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(fd, 32).decode("ascii", "replace").strip()
            os.close(fd)
            raise DataDirectoryInUse(
                f"The data directory {self.path} is in use by process"
                f" {holder or 'unknown'}; give this server another one."
            ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._lock_fd = fd

    def unlock(self) -> None:
        """Give the directory up; nothing happens where it is not held."""
        if self._lock_fd is not None:
            # The file stays: removing it would let two processes lock two files of
            # one name.
            os.close(self._lock_fd)
            self._lock_fd = None

    def read_record(self, name: str) -> str | None:
        """Return what `write_record` kept under this name, or None."""
        try:
            with (self.path / name).open("rb") as file:
                return file.read(RECORD_MAX_BYTES).decode().rstrip("\n")
        except FileNotFoundError:
            return None

    def write_record(self, name: str, text: str) -> None:
        """Keep one line under a name, readable to nobody else, on the disk for good."""
        temporary = self._write_aside(name, text)
        try:
            os.replace(temporary, self.path / name)
        except BaseException:
            os.unlink(temporary)
            raise
        sync_directory(self.path)

    def _write_aside(self, name: str, text: str) -> str:
        """Keep one line in a file of its own; return what that is called."""
        # A temporary file of its own mode is made 0600 from its first moment on.
        fd, temporary = tempfile.mkstemp(prefix=f".{name}-", dir=self.path)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(text.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            os.unlink(temporary)
            raise
        return temporary

    def remove_record(self, name: str) -> None:
        """Remove what is kept under a name, on the disk for good; it may be gone."""
        (self.path / name).unlink(missing_ok=True)
        sync_directory(self.path)

    def secret(self, name: str) -> str:
        """Return the secret of this name, made at random when first asked for.

        Of several processes that ask first one makes it. Raises `DataDirectoryError`
        where others may read the file it is in.
        """
        known = self.read_record(name)
        if known is None:
            temporary = self._write_aside(name, secrets.token_urlsafe(SECRET_BYTES))
            try:
                os.link(temporary, self.path / name)
            except FileExistsError:
                pass  # Somebody was faster: theirs is the one.
            finally:
                os.unlink(temporary)
            sync_directory(self.path)
            known = self.read_record(name)
            assert known is not None, "it was just made"
        mode = stat.S_IMODE((self.path / name).stat().st_mode)
        if mode & 0o077:
            raise DataDirectoryError(
                f"The secret in {self.path / name} can be read by others:"
                " set its mode to 600, and replace it if somebody may have read it."
            )
        return known


def sync_directory(path: Path) -> None:
    """Put the names in a directory on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
