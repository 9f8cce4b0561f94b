"""Child processes that never outlive the bench, however it ends."""

import asyncio
import ctypes
import os
import re
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 15
LINES_KEPT = 40

_ADDRESS = re.compile(r"(?:ready at|listening on) http://([\w.\-\[\]:]+:\d+)")
_PR_SET_PDEATHSIG = 1


class ChildError(Exception):
    """A child process did not do what it was started for."""


class Child:
    """A server of its own process group, with the last lines it wrote."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._address: asyncio.Future[str] = asyncio.Future()
        # A child whose pipe is full stands still, so its output is read to the end.
        self._readers = [
            asyncio.create_task(self._read(stream))
            for stream in (process.stdout, process.stderr)
            if stream is not None
        ]

    @classmethod
    async def start(
        cls,
        stack: AsyncExitStack,
        name: str,
        command: Sequence[str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> "Child":
        """Start a process that the stack will stop."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=1 << 20,
            env={**os.environ, **(env or {})},
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
        child = cls(name, process)
        stack.push_async_callback(child.stop)
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.close()
        return child

    async def address(self) -> str:
        """Wait for the line with the address, and return its `host:port`."""
        ended = asyncio.create_task(self._process.wait())
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                either: list[asyncio.Future[Any]] = [self._address, ended]
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise ChildError(f"{self.name} said no address:\n{self.said()}") from None
        finally:
            ended.cancel()
        if not self._address.done():
            await asyncio.wait(self._readers)
            raise ChildError(f"{self.name} ended at its start:\n{self.said()}")
        return self._address.result()

    def said(self) -> str:
        """The last lines of its output."""
        return "\n".join(self._lines)

    async def stop(self) -> None:
        """End the whole process group, in order if it can."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.returncode is not None:
                break
            self._process.send_signal(number)
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await self._process.wait()
            except TimeoutError:
                continue
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # nobody was left in the group
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    async def _read(self, stream: asyncio.StreamReader) -> None:
        async for raw in stream:
            line = raw.decode(errors="replace").rstrip()
            self._lines.append(line)
            found = _ADDRESS.search(line)
            if found is not None and not self._address.done():
                self._address.set_result(found[1])


async def finish(
    stack: AsyncExitStack,
    command: Sequence[str],
    *,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    timeout_s: float,
) -> tuple[int, bytes, str]:
    """Run a command to its end; return its status and what it wrote."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(env or {})},
        start_new_session=True,
        preexec_fn=die_with_parent(),
    )
    stack.callback(_kill, process)
    try:
        async with asyncio.timeout(timeout_s):
            output, errors = await process.communicate(stdin)
    except TimeoutError:
        raise ChildError(f"{' '.join(command[:3])} took over {timeout_s} s") from None
    assert process.returncode is not None
    return process.returncode, output, errors.decode(errors="replace")


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)


def die_with_parent() -> Callable[[], None] | None:
    """Return what a child runs before its program, so that `kill -9` of us ends it."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    return ask
