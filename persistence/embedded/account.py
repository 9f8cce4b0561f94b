"""The accounts our programs run under: Postgres never under root."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from persistence.environment import plain_environment

# `postgres` where the system has it; `nobody` is on every system.
ROOT_RUNS_AS = ("postgres", "nobody")
PROBE_TIMEOUT_S = 10


class EmbeddedPostgresError(Exception):
    """Our own Postgres cannot be started; the message says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this system, with its main group."""

    name: str
    uid: int
    gid: int

    @property
    def is_self(self) -> bool:
        """Whether this process already runs under the account."""
        return self.uid == os.geteuid()

    def process_options(self) -> dict[str, Any]:
        """Return what `subprocess` needs to start a child under the account.

        Of our environment it gets what any program may know: no secret of ours, and
        none of the PG* variables, which would change what we ask for. The working
        directory is one that every account can be in.
        """
        options: dict[str, Any] = {
            "env": plain_environment(),
            "cwd": "/",
            "stdin": subprocess.DEVNULL,
        }
        if not self.is_self:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def run(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        """Run a short command under the account and return what became of it."""
        return subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            **self.process_options(),
        )

    def can_enter(self, directory: Path) -> bool:
        """Ask the kernel whether the account can reach a directory, ACLs included."""
        if self.is_self:
            return os.access(directory, os.X_OK)
        probe: list[str | Path] = ["/bin/sh", "-c", 'test -x "$1"', "sh", directory]
        return self.run(probe).returncode == 0

    def give(self, directory: Path) -> None:
        """Make a directory, or take one of ours, that only the account can enter."""
        directory.mkdir(mode=0o700, exist_ok=True)
        if not self.is_self:
            os.chown(directory, self.uid, self.gid, follow_symlinks=False)


def own_account() -> Account:
    """Return the account of this process, for programs that ask for no name of it."""
    return Account("", os.geteuid(), os.getegid())


def choose_account(owner: int | None) -> Account:
    """Return the account to run under; `owner` is the uid that has the cluster already.

    Raises `EmbeddedPostgresError` where no account fits.
    """
    euid = os.geteuid()
    if euid != 0:
        if owner not in {None, euid}:
            raise EmbeddedPostgresError(
                f"The database belongs to uid {owner} and we run as uid {euid}:"
                " start the server under the account that started it first."
            )
        return _account(euid)
    if owner == 0:
        raise EmbeddedPostgresError(
            "The database directory belongs to root, under which Postgres does not run."
        )
    if owner is not None:
        return _account(owner)
    for name in ROOT_RUNS_AS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedPostgresError(
        "Postgres does not run as root and there is no account"
        f" {' or '.join(ROOT_RUNS_AS)}: start the server as an ordinary user."
    )


def _account(uid: int) -> Account:
    """Look up a uid; Postgres refuses one without a name."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedPostgresError(
            f"The uid {uid} has no entry in the password database, which Postgres"
            " needs: start under a named account, or give a database address."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
