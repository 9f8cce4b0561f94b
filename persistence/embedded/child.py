"""A program that runs as our child: begun with a log, tied to our life, ended."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from persistence.embedded.account import Account
from persistence.environment import plain_environment

PR_SET_PDEATHSIG = 1
WATCHDOG = 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; kill -"$3" "$2"'
LOG_MAX_BYTES = 16 * 1024 * 1024
POLL_S = 0.01


class Child:
    """A running program that is sent a signal as soon as we are gone.

    On Linux the kernel sends it, elsewhere a small watchdog within a second. Begin it
    from the main thread: to the kernel, the *thread* that started it is the parent.
    """

    def __init__(
        self, command: list[str], log: Path, account: Account, farewell: signal.Signals
    ) -> None:
        fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # A session of its own: Ctrl-C in the terminal must reach us and not the
            # child, which we still need to stop in order.
            self._process = subprocess.Popen(
                command,
                stdout=fd,
                stderr=fd,
                start_new_session=True,
                preexec_fn=tie_to_parent(farewell),
                **account.process_options(),
            )
        finally:
            os.close(fd)
        self._watchdog: subprocess.Popen[bytes] | None = None
        try:
            self._watchdog = _start_watchdog(self._process.pid, farewell)
        except BaseException:
            self.stop(())
            raise

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        return None if self._process.poll() is not None else self._process.pid

    def stop(self, ways: Iterable[tuple[signal.Signals, float]]) -> None:
        """End it by the first of these signals that does, each with its patience in s.

        Where none does, it is killed.
        """
        if self._watchdog is not None:
            self._watchdog.kill()
            self._watchdog.wait()
        for number, patience_s in ways:
            self._process.send_signal(number)
            try:
                self._process.wait(patience_s)
            except subprocess.TimeoutExpired:
                continue
            return
        self._process.kill()
        self._process.wait()


def in_main_thread() -> bool:
    """Return whether a child begun now would live as long as we do."""
    return threading.current_thread() is threading.main_thread()


def tie_to_parent(farewell: signal.Signals) -> Callable[[], None] | None:
    """Return what the child runs before its program, so that it ends with us.

    The signal is set after the change of account, which would clear it. The kernel
    sends it when the *thread* that started the child ends: only the main thread may.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, int(farewell), 0, 0, 0)
        # We may have died before the line above; then nobody would send the signal.
        if os.getppid() != parent:
            os._exit(1)

    return tie


def _start_watchdog(
    child: int, farewell: signal.Signals
) -> "subprocess.Popen[bytes] | None":
    """Start what stands in for the kernel's signal where there is none (macOS)."""
    if sys.platform == "linux":
        return None
    ours, theirs, number = str(os.getpid()), str(child), str(int(farewell))
    return subprocess.Popen(
        ["/bin/sh", "-c", WATCHDOG, "sh", ours, theirs, number],
        env=plain_environment(),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def rotate(log: Path) -> int:
    """Keep the log from growing for ever; return where this run's part begins."""
    try:
        size = log.stat().st_size
    except FileNotFoundError:
        return 0
    if size <= LOG_MAX_BYTES:
        return size
    log.replace(log.with_name(log.name + ".1"))
    return 0


def last_words(
    log: Path, start: int, marks: Iterable[str], besides: str | None = None
) -> str:
    """Return the line of the log that says why the program ended.

    It is the last line with the first mark that any has, from behind the mark on; one
    with the words `besides` is none.
    """
    with log.open("rb") as file:
        file.seek(start)
        lines = file.read(1024 * 1024).decode("utf-8", "replace").splitlines()
    if besides is not None:
        lines = [line for line in lines if besides not in line]
    for mark in marks:
        for line in reversed(lines):
            if mark in line:
                return line.partition(mark)[2].strip()
    return lines[-1] if lines else "it said nothing"


def poll(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Wait until the condition holds; False where it did not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


async def poll_in_loop(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Do what `poll` does, and let the loop turn."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_S)
    return True
