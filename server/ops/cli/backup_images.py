"""The images in a backup: those that are files of this machine."""

import os
import re
from pathlib import Path
from typing import Final

from persistence.backup import Archive
from persistence.backup.archive import NewArchive
from persistence.data_directory import DataDirectory, sync_directory
from server.base.settings import Config
from server.events.images.open import DIRECTORY
from server.events.images.stores import DIRECTORY_MODE, FILE_MODE

FOLDER: Final = "images"
"""Their folder in the archive."""

_HIDDEN = re.compile(r"(?:^|/)\.")


def add_images(archive: NewArchive, config: Config) -> int:
    """Add the images in the data directory; return how many.

    They never change, and are removed long after nothing shows them any more: what the
    tables name is there.
    """
    root = _root_of(config)
    if root is None or not root.is_dir():
        return 0
    count = 0
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        # What begins with a dot is not complete yet.
        if _HIDDEN.search(name) or not path.is_file():
            continue
        try:
            archive.add_file(f"{FOLDER}/{name}", path)
        except FileNotFoundError:
            continue  # Removed meanwhile, because nothing shows it.
        count += 1
    return count


def put_images(archive: Archive, config: Config) -> int:
    """Write a backup's images into the data directory; return how many.

    None where images are kept elsewhere. Raises OSError and `BackupError`.
    """
    root = _root_of(config)
    names = archive.files(FOLDER)
    if root is None or not names:
        return 0
    DataDirectory(Path(config.data_dir)).create()
    root.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
    for name in names:
        target = root / name
        target.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name}.restored")
        descriptor = os.open(
            unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE
        )
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(archive.chunks(f"{FOLDER}/{name}"))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
        sync_directory(target.parent)
    return len(names)


def _root_of(config: Config) -> Path | None:
    """Return where images are files, or None where they are in a store elsewhere."""
    if config.images_url is not None:
        return None
    return Path(config.data_dir).expanduser().absolute() / DIRECTORY
