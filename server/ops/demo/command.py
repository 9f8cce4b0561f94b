"""`onsale demo`: start everything, show it, compare, end everything."""

import errno
import socket
import subprocess
import time
from contextlib import ExitStack
from math import ceil
from pathlib import Path
from typing import IO

import msgspec

from inventory import limits
from persistence.data_directory import DataDirectory, DataDirectoryError
from server.ops.demo.admin_client import CODE, AdminClient, AdminClientError
from server.ops.demo.children import (
    child_environment,
    start,
    stop,
    stopping_on_sigterm,
    temporary_directory,
)
from server.ops.demo.progress import choose_progress, compare, say, show_receipt
from server.ops.demo.reports import Final, Output
from server.ops.demo.visitor import Visitor

HOST = "127.0.0.1"
ADMIN_EMAIL = "demo-administrator@onsale.example"
READY_TIMEOUT_S = 120.0
BUYERS_MAX = 10_000
PACE_MAX = 60.0
HOLD_TTL_S = 8
HOLD_TTL_MIN_S = 3
STROLLERS = 24
LAST_WORDS_BYTES = 4_000
INTERRUPTED = 130
UNUSABLE = 2


class Plan(msgspec.Struct, frozen=True):
    """What was asked for on the command line."""

    port: int
    data_dir: Path | None
    buyers: int
    seats: int
    once: bool
    pace: float
    seed: int

    @property
    def hold_ttl_s(self) -> int:
        """How long a hold lasts: short, so that abandoned seats are soon back."""
        return max(HOLD_TTL_MIN_S, ceil(HOLD_TTL_S * self.pace))

    def strollers(self) -> "Plan":
        """Return the plan of those who buy beside a person: few, and slowly."""
        return msgspec.structs.replace(self, buyers=STROLLERS, pace=PACE_MAX)

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


class DemoError(Exception):
    """The demo cannot go on; the message is one sentence for the terminal."""


def demo(
    *,
    port: int = 8080,
    data_dir: Path | None = None,
    buyers: int = 500,
    seats: int = 20_000,
    once: bool = False,
    pace: float = 1.0,
    seed: int = 1,
) -> int:
    """Sell out an arena to simulated buyers and show the audit's receipt.

    Args:
        port: where the server listens; 0 takes any free port.
        data_dir: keep the database there; without it nothing is kept.
        buyers: how many simulated buyers come.
        seats: how many seats the arena has, standing places not counted.
        once: end after the receipt, with the audit's status, instead of staying up.
        pace: how long buyers hesitate; 0.5 is twice as fast.
        seed: makes the buyers' choices repeatable.
    """
    plan = Plan(port, data_dir, buyers, seats, once, pace, seed)
    try:
        plan.check()
        with ExitStack() as stack:
            stack.enter_context(stopping_on_sigterm())
            return _run(stack, plan)
    except KeyboardInterrupt:
        say("Stopped before the end.")
        return INTERRUPTED
    except (DemoError, AdminClientError, DataDirectoryError) as error:
        say(str(error))
        return UNUSABLE


def _run(stack: ExitStack, plan: Plan) -> int:
    """Go through the demo; whatever was entered on the stack is undone afterwards."""
    port, data_dir = _free_port(plan.port), plan.data_dir
    if data_dir is None:
        data_dir = stack.enter_context(temporary_directory())
    # Says at once, in one sentence, what would make the server fail later.
    with DataDirectory(data_dir) as data:
        # The same in each demo of the directory: its first one made the administrator.
        password = data.secret("demo-administrator")
    url = f"http://{HOST}:{port}"
    log = data_dir / "demo-server.base.log"
    say("Starting the server and its database …")
    till = _free_port(0)
    gateway = _start_gateway(stack, till, data_dir, data_dir / "demo-gateway.log")
    server = _start_server(stack, port, data_dir, password, log, till)
    office = AdminClient(url)
    _wait_until_ready(office, server, log)
    assert gateway.stdout is not None
    if not gateway.stdout.readline():
        words = _last_words(data_dir / "demo-gateway.log")
        raise DemoError(f"The payment gateway did not start: {words}")
    office.log_in(ADMIN_EMAIL, password)
    evening, door_key = office.open_evening()
    event = office.open_sale(plan.seats, plan.hold_ttl_s)
    say(f"Watch it sell: {url}/events/{event}")
    say(f"Buy a ticket yourself: {url}/events/{evening}")
    say(f"Let people in: {url}/checkin/{evening} with the key {door_key}")
    say(f"The code {CODE} takes a tenth off there, and tickets may be reduced.")
    say(f"{plan.buyers:,} buyers are coming.")

    if not plan.once:
        strollers, nobody = plan.strollers(), subprocess.DEVNULL
        _start_buyers(stack, strollers, url, evening, data_dir, nobody)
    process = _start_buyers(stack, plan, url, event, data_dir)
    # While the buyers come: what it takes is no longer than that.
    visit, wrong_visit = Visitor(url).visit(evening)
    say(visit)
    final = _follow(process, server, data_dir, log)
    receipt = office.audit(event)
    kept, wrong = office.books(event)
    problems = final.problems + wrong_visit + wrong + compare(final, receipt, kept)
    show_receipt(final, receipt, kept, problems)
    status = 1 if problems else 0
    if not plan.once:
        say(f"The server stays up at {url}/; Ctrl-C ends it.")
        _stay(server, log)
    return status


def _free_port(port: int) -> int:
    """Return the port, if it is free, or any free one for 0."""
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


def _start_gateway(
    stack: ExitStack, port: int, data_dir: Path, log: Path
) -> "subprocess.Popen[bytes]":
    """Start who takes the money of the demo."""
    arguments = ["server", "gateway", "--port", str(port), "--data-dir", str(data_dir)]
    with _open_log(log) as errors:
        process = start(
            arguments, child_environment(), stdout=subprocess.PIPE, stderr=errors
        )
    # It has nothing to finish: what it knows is written.
    stack.callback(stop, process, patience_s=2)
    return process


def _start_server(
    stack: ExitStack,
    port: int,
    data_dir: Path,
    password: str,
    log: Path,
    till: int,
) -> "subprocess.Popen[bytes]":
    environment = child_environment(
        ONSALE_ADMIN_EMAIL=ADMIN_EMAIL,
        ONSALE_ADMIN_PASSWORD=password,
        # All buyers come from one address and would be taken for one.
        ONSALE_RATE_LIMITS="off",
        # Money that nobody has, with the secret of the data directory.
        ONSALE_PAYMENTS="gateway",
        ONSALE_GATEWAY_URL=f"http://{HOST}:{till}",
        ONSALE_UNSAFE="1",
    )
    arguments = ["server", "serve", "--host", HOST, "--port", str(port)]
    arguments += ["--data-dir", str(data_dir)]
    with _open_log(log) as output:
        process = start(arguments, environment, stdout=output, stderr=output)
    stack.callback(stop, process)
    return process


def _start_buyers(
    stack: ExitStack,
    plan: Plan,
    url: str,
    event: str,
    data_dir: Path,
    told_to: int = subprocess.PIPE,
) -> "subprocess.Popen[bytes]":
    arguments = ["server.ops.demo.buyers", "--url", url, "--event", event]
    arguments += ["--buyers", str(plan.buyers), "--pace", str(plan.pace)]
    arguments += ["--hold-ttl-s", str(plan.hold_ttl_s), "--seed", str(plan.seed)]
    with _open_log(data_dir / "demo-buyers.log") as errors:
        process = start(arguments, child_environment(), stdout=told_to, stderr=errors)
    # Nothing of theirs is worth waiting for.
    stack.callback(stop, process, patience_s=2)
    return process


def _wait_until_ready(
    office: AdminClient, server: "subprocess.Popen[bytes]", log: Path
) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not office.is_ready():
        if server.poll() is not None:
            raise DemoError(f"The server did not start: {_last_words(log)}")
        if time.monotonic() > deadline:
            raise DemoError(f"The server was not ready within {READY_TIMEOUT_S:.0f} s.")
        time.sleep(0.05)


def _follow(
    process: "subprocess.Popen[bytes]",
    server: "subprocess.Popen[bytes]",
    data_dir: Path,
    log: Path,
) -> Final:
    """Show how the sale goes until the buyers have told everything."""
    final = None
    assert process.stdout is not None
    with choose_progress() as progress:
        for encoded in process.stdout:
            line = msgspec.json.decode(encoded, type=Output)
            if line.report is not None:
                progress.show(line.report)
            if line.final is not None:
                final = line.final
                progress.show(final.report)
            if server.poll() is not None:
                raise DemoError(_obituary(server, log))
    process.wait()
    if final is None:
        words = _last_words(data_dir / "demo-buyers.log")
        raise DemoError(f"The buyers ended too early: {words}")
    return final


def _stay(server: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait for Ctrl-C."""
    try:
        server.wait()
    except KeyboardInterrupt:
        say("Stopping.")
        return
    raise DemoError(_obituary(server, log))


def _open_log(path: Path) -> IO[bytes]:
    try:
        return path.open("ab")
    except OSError as error:
        raise DemoError(f"{path} cannot be written: {error.strerror}.") from None


def _obituary(server: "subprocess.Popen[bytes]", log: Path) -> str:
    """Say how the server ended, which nobody had asked it to."""
    status = server.wait()
    if status < 0:
        return f"The server was ended by signal {-status}."
    return f"The server ended with status {status}: {_last_words(log)}"


def _last_words(log: Path) -> str:
    """Return the last line a process wrote."""
    with log.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - LAST_WORDS_BYTES))
        lines = file.read().decode("utf-8", "replace").split("\n")
    words = [line.strip() for line in lines if line.strip()]
    return words[-1] if words else "it said nothing."
