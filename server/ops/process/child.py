"""The supervisor's end of one worker: started, heard, ended."""

import asyncio
import os
import sys
from typing import Final

import msgspec
import structlog

from persistence.environment import python_environment
from server.base.paths import import_path
from server.ops.process.messages import Failed, Job, Ready

START_S_MAX: Final = 60.0
"""A worker that says nothing for so long will not serve any more."""

STOP_S_MAX: Final = 10.0
"""How long a worker may take to answer what waits and give its events up."""

_decode = msgspec.json.Decoder(Ready | Failed)

log = structlog.get_logger()


class Child:
    """One worker process. It reports once; `status` comes with its end."""

    def __init__(
        self,
        job: Job,
        process: asyncio.subprocess.Process,
        reports: asyncio.StreamReader,
        pipe: asyncio.ReadTransport,
    ) -> None:
        self.name = job.instance.process
        self.pid = process.pid
        self._process = process
        self._reports = reports
        self._pipe = pipe

    @classmethod
    async def start(cls, job: Job) -> "Child":
        """Start a worker; from the main thread, with which the kernel ends it.

        Raises OSError where the system has no room for a process.
        """
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "server.ops.process.worker"),
                *(str(writing), str(os.getpid())),
                stdin=asyncio.subprocess.PIPE,
                pass_fds=[writing],
                # The secrets are in its job, which it reads from its standard input.
                env={**python_environment(), "PYTHONPATH": import_path()},
                # A session of its own: Ctrl-C reaches us, and we end all in order.
                start_new_session=True,
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        reports = asyncio.StreamReader()
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reports),
            os.fdopen(reading, "rb", buffering=0),
        )
        child = cls(job, process, reports, pipe)
        await child._give(job)
        return child

    async def report(self) -> Ready | Failed | None:
        """Wait for how the start went; None where the worker ends without a word."""
        try:
            async with asyncio.timeout(START_S_MAX):
                line = await self._reports.readline()
        except TimeoutError:
            log.error("a worker does not start", process=self.name, pid=self.pid)
            self._kill()
            return None
        return _decode.decode(line) if line.endswith(b"\n") else None

    async def wait(self) -> int:
        """Wait for the end; return the exit status, negative for a signal."""
        status = await self._process.wait()
        self._pipe.close()
        return status

    async def end(self) -> int:
        """End it: in order, and if that takes too long, at once."""
        try:
            self._process.terminate()
        except ProcessLookupError:
            pass  # It has ended by itself.
        try:
            async with asyncio.timeout(STOP_S_MAX):
                return await self.wait()
        except TimeoutError:
            log.error("a worker does not stop", process=self.name, pid=self.pid)
            self._kill()
            return await self.wait()

    async def _give(self, job: Job) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(msgspec.json.encode(job))
            await stdin.drain()
        except ConnectionError:
            pass  # It has died already, which `report` will tell.
        stdin.close()

    def _kill(self) -> None:
        try:
            self._process.kill()
        except ProcessLookupError:
            pass  # It has ended by itself.
