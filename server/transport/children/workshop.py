"""Our end of a job that a child does: so many at a time, so many that wait."""

import asyncio
import signal
import sys
from typing import Final

import structlog

from server.base.paths import import_path
from server.transport.children.child import TOO_MUCH

PATIENCE_S: Final = 60.0
ERRORS_TOLD_MAX: Final = 2_000

_TOO_MUCH: Final = (TOO_MUCH, -signal.SIGKILL, -signal.SIGXCPU)

log = structlog.get_logger()


class Busy(Exception):
    """As many wait as may, or the system has no room; nothing happened."""


class Failed(Exception):
    """The child would have needed too much memory or time for an answer."""


class Workshop:
    """Runs a module of ours in a child for each job.

    `memory_bytes` and `cpu_s` are what one may take; `waiting_max` jobs wait for their
    turn, each of which holds its bytes.
    """

    def __init__(
        self,
        module: str,
        *,
        at_once_max: int,
        waiting_max: int,
        memory_bytes: int,
        cpu_s: int,
    ) -> None:
        self.turn = asyncio.Semaphore(at_once_max)
        self._arguments = ("-P", "-m", module, str(memory_bytes), str(cpu_s))
        self.places = at_once_max + waiting_max
        self._taken = 0

    def refuse_more(self) -> None:
        """Raise `Busy` where no further job would be taken."""
        if self._taken >= self.places:
            raise Busy

    async def run(self, job: bytes) -> bytes:
        """Return a child's answer. Raises `Busy` and `Failed`."""
        self.refuse_more()
        self._taken += 1
        try:
            async with self.turn:
                return await self._run(job)
        finally:
            self._taken -= 1

    async def _run(self, job: bytes) -> bytes:
        try:
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._arguments,
                cwd="/",
                # What it needs to find our code, and no secret of ours.
                env={"PYTHONPATH": import_path(), "LC_ALL": "C.UTF-8"},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                # A session of its own: Ctrl-C reaches us, and we end all in order.
                start_new_session=True,
            )
        except OSError as error:
            log.warning("there is no room for a child", error=str(error))
            raise Busy from error
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer, errors = await child.communicate(job)
        except TimeoutError as error:
            raise Failed("took too long") from error
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if child.returncode != 0:
            told = errors[-ERRORS_TOLD_MAX:].decode("utf-8", "replace")
            log.warning("a child failed", status=child.returncode, errors=told)
            if child.returncode is not None and child.returncode not in _TOO_MUCH:
                raise RuntimeError("a child stumbled over a bug of ours")
            raise Failed(f"status {child.returncode}")
        return answer
