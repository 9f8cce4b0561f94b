"""What each demo stands on: what was asked for, a server, and small ones beside it."""

import errno
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Final

import msgspec

from inventory import limits
from persistence.data_directory import DataDirectory
from server.ops.demo.admin_client import AdminClient
from server.ops.demo.children import child_environment, start, stop
from server.ops.demo.crowds import AnyFinal, Output
from server.ops.demo.progress import AnyReport, choose_progress, say

HOST: Final = "127.0.0.1"
ADMIN_EMAIL: Final = "demo-administrator@onsale.example"
READY_TIMEOUT_S: Final = 120.0
LAST_WORDS_BYTES: Final = 4_000
BUYERS_MAX: Final = 10_000
PACE_MAX: Final = 60.0


class DemoError(Exception):
    """The demo cannot go on; the message is one sentence for the terminal."""


class Plan(msgspec.Struct, frozen=True):
    """What was asked for on the command line."""

    buyers: int
    seats: int
    once: bool
    pace: float
    seed: int

    def check(self) -> None:
        """Raise `DemoError` where a number makes no sense."""
        if not 1 <= self.buyers <= BUYERS_MAX:
            raise DemoError(f"--buyers has to be between 1 and {BUYERS_MAX:,}.")
        if not 1 <= self.seats <= limits.SEATS_PER_VENUE_MAX:
            raise DemoError(
                f"--seats has to be between 1 and {limits.SEATS_PER_VENUE_MAX:,}."
            )
        if not 0 < self.pace <= PACE_MAX:
            raise DemoError(f"--pace has to be above 0 and at most {PACE_MAX:.0f}.")


class Site(msgspec.Struct, frozen=True):
    """Where the demo takes place."""

    port: int
    data_dir: Path
    password: str
    """The administrator's: the same in each demo of the directory."""

    @property
    def url(self) -> str:
        """Return where its server is."""
        return f"http://{HOST}:{self.port}"

    def log(self, name: str) -> Path:
        """Return what a process of the demo writes its log to."""
        return self.data_dir / f"demo-{name}.log"


class Running(msgspec.Struct, frozen=True):
    """A server that is up, and its administrator, who is signed in."""

    url: str
    office: AdminClient
    process: "subprocess.Popen[bytes]"
    log: Path

    def check(self) -> None:
        """Raise `DemoError` where it has ended."""
        if self.process.poll() is not None:
            raise DemoError(_obituary(self.process, self.log))

    def stay(self) -> None:
        """Wait for Ctrl-C. Raises `DemoError` where the server ends by itself."""
        say(f"The server stays up at {self.url}/; Ctrl-C ends it.")
        try:
            self.process.wait()
        except KeyboardInterrupt:
            say("Stopping.")
            return
        raise DemoError(_obituary(self.process, self.log))


def prepare(port: int, data_dir: Path) -> Site:
    """Look whether a demo can be there. Raises `DemoError`, `DataDirectoryError`."""
    port = free_port(port)
    # Says at once, in one sentence, what would make the server fail later.
    with DataDirectory(data_dir) as data:
        return Site(port, data_dir, data.secret("demo-administrator"))


def start_server(stack: ExitStack, site: Site, **settings: str) -> Running:
    """Start the server, with settings beside those of every demo. Raises `DemoError`.

    Whatever was entered on the stack is undone afterwards.
    """
    say("Starting the server and its database …")
    environment = child_environment(
        ONSALE_ADMIN_EMAIL=ADMIN_EMAIL,
        ONSALE_ADMIN_PASSWORD=site.password,
        # All buyers come from one address and would be taken for one.
        ONSALE_RATE_LIMITS="off",
        **settings,
    )
    arguments = ["server", "serve", "--host", HOST, "--port", str(site.port)]
    arguments += ["--data-dir", str(site.data_dir)]
    log = site.log("server.base")
    with open_log(log) as output:
        process = start(arguments, environment, stdout=output, stderr=output)
    stack.callback(stop, process)
    office = AdminClient(site.url)
    _wait_until_ready(office, process, log)
    office.log_in(ADMIN_EMAIL, site.password)
    return Running(site.url, office, process, log)


def start_helper(
    stack: ExitStack, name: str, arguments: list[str], site: Site
) -> "subprocess.Popen[bytes]":
    """Start a small server that says in one line when it is ready."""
    with open_log(site.log(name)) as errors:
        process = start(
            ["server", *arguments],
            child_environment(),
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    # It has nothing to finish: what it knows is written.
    stack.callback(stop, process, patience_s=2)
    return process


def start_crowd(
    stack: ExitStack, arguments: list[str], site: Site, told_to: int = subprocess.PIPE
) -> "subprocess.Popen[bytes]":
    """Start those who buy, who tell how it goes a JSON line at a time."""
    with open_log(site.log("buyers")) as errors:
        process = start(arguments, child_environment(), stdout=told_to, stderr=errors)
    # Nothing of theirs is worth waiting for.
    stack.callback(stop, process, patience_s=2)
    return process


def follow(
    who: str,
    process: "subprocess.Popen[bytes]",
    server: Running,
    site: Site,
    output: type[Output[AnyReport, AnyFinal]],
    describe: Callable[[AnyReport], str],
) -> AnyFinal:
    """Show how it goes until a crowd has told everything. Raises `DemoError`."""
    final = None
    assert process.stdout is not None
    with choose_progress(describe) as progress:
        for encoded in process.stdout:
            line = msgspec.json.decode(encoded, type=output)
            if line.said is not None:
                progress.say(line.said)
            if line.report is not None:
                progress.show(line.report)
            if line.final is not None:
                final = line.final
            server.check()
    process.wait()
    if final is None:
        words = last_words(site.log("buyers"))
        raise DemoError(f"The {who} ended too early: {words}")
    return final


def first_line(process: "subprocess.Popen[bytes]", name: str, log: Path) -> str:
    """Return the line by which such a one is ready. Raises `DemoError`."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise DemoError(f"The {name} did not start: {last_words(log)}")
    return line.decode().strip()


def free_port(port: int) -> int:
    """Return the port, if it is free, or any free one for 0. Raises `DemoError`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OverflowError:
            raise DemoError(f"{port} is no port; --port takes 0 to 65535.") from None
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise DemoError(
                    f"Port {port} is taken; choose another one with --port."
                ) from None
            raise DemoError(f"Port {port} cannot be used: {error.strerror}.") from None
        return int(probe.getsockname()[1])


def _wait_until_ready(
    office: AdminClient, server: "subprocess.Popen[bytes]", log: Path
) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not office.is_ready():
        if server.poll() is not None:
            raise DemoError(f"The server did not start: {last_words(log)}")
        if time.monotonic() > deadline:
            raise DemoError(f"The server was not ready within {READY_TIMEOUT_S:.0f} s.")
        time.sleep(0.05)


def open_log(path: Path) -> IO[bytes]:
    """Open a log to append to. Raises `DemoError`."""
    try:
        return path.open("ab")
    except OSError as error:
        raise DemoError(f"{path} cannot be written: {error.strerror}.") from None


def _obituary(server: "subprocess.Popen[bytes]", log: Path) -> str:
    """Say how the server ended, which nobody had asked it to."""
    status = server.wait()
    if status < 0:
        return f"The server was ended by signal {-status}."
    return f"The server ended with status {status}: {last_words(log)}"


def last_words(log: Path) -> str:
    """Return the last line a process wrote."""
    with log.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - LAST_WORDS_BYTES))
        lines = file.read().decode("utf-8", "replace").split("\n")
    words = [line.strip() for line in lines if line.strip()]
    return words[-1] if words else "it said nothing."
