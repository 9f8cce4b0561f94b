"""Where the files of images are: what each such place can do, and the first one."""

import asyncio
import os
import secrets
from pathlib import Path
from typing import Final, Protocol

from persistence.data_directory import sync_directory

DIRECTORY_MODE: Final = 0o700
FILE_MODE: Final = 0o600


class StoreUnavailable(Exception):
    """The files cannot be reached just now."""


class ImageStore(Protocol):
    """Keeps files by names of letters, digits, `-`, `_`, `.` and `/`."""

    async def put(self, name: str, data: bytes) -> None:
        """Keep a file; raises `StoreUnavailable` where it may not be there."""

    async def get(self, name: str) -> bytes | None:
        """Return a file, None where there is none; raises `StoreUnavailable`."""

    async def delete(self, name: str) -> None:
        """Remove a file, which may be gone already; raises `StoreUnavailable`."""

    async def close(self) -> None:
        """Let connections go."""


class DirectoryStore:
    """Files in a directory of this machine, which its owner alone may read."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, name: str, data: bytes) -> None:
        """Keep a file: it is there entirely, also after a power cut, or not at all."""
        await self._do(_write, self._root / name, self._root, data)

    async def get(self, name: str) -> bytes | None:
        """Return a file, None where there is none."""
        try:
            return await asyncio.to_thread((self._root / name).read_bytes)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailable(str(error)) from error

    async def delete(self, name: str) -> None:
        """Remove a file."""
        await self._do(_remove, self._root / name)

    async def close(self) -> None:
        """Nothing is open."""

    async def _do(self, work: object, *arguments: object) -> None:
        try:
            await asyncio.to_thread(work, *arguments)  # type: ignore[arg-type]
        except OSError as error:
            raise StoreUnavailable(str(error)) from error


def _write(path: Path, root: Path, data: bytes) -> None:
    for directory in (root, path.parent):
        directory.mkdir(mode=DIRECTORY_MODE, parents=directory == root, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    try:
        path.parent.rmdir()
    except OSError:
        # Another file is in it, or it is gone.
        pass
