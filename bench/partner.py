"""A child process that is asked by lines on its stdin and answers by lines on stdout.

Each line is one JSON message. The child ends when its stdin does, so it never outlives
the bench.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

import msgspec

from bench.children import STOP_TIMEOUT_S, ChildError, die_with_parent

LINE_BYTES_MAX = 16 << 20

Answer = TypeVar("Answer")


class Partner:
    """The bench's end of the conversation."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process

    @classmethod
    async def start(cls, stack: AsyncExitStack, module: str) -> "Partner":
        """Start a module of ours that the stack will stop."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_BYTES_MAX,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
        partner = cls(module, process)
        stack.push_async_callback(partner.stop)
        return partner

    async def ask(
        self, question: object, kind: type[Answer], within_s: float
    ) -> Answer:
        """Send one question and wait for its answer."""
        self.tell(question)
        return await self.hear(kind, within_s)

    def tell(self, question: object) -> None:
        """Send one question; its answer is to be heard later."""
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(question) + b"\n")

    async def hear(self, kind: type[Answer], within_s: float) -> Answer:
        """Wait for the answer to the oldest question."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            async with asyncio.timeout(within_s):
                await stdin.drain()
                line = await stdout.readline()
        except (TimeoutError, ConnectionError) as error:
            raise ChildError(f"{self.name} did not answer: {error!r}") from error
        if not line:
            raise ChildError(f"{self.name} ended instead of answering")
        return msgspec.json.decode(line, type=kind)

    async def stop(self) -> None:
        """Let it end, or end it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def answer_questions(answer: Callable[[bytes], Awaitable[object]]) -> None:
    """Be the child: answer each line of stdin until there are no more."""
    loop = asyncio.get_running_loop()
    questions = asyncio.StreamReader(limit=LINE_BYTES_MAX)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(questions), sys.stdin
    )
    while line := await questions.readline():
        found = msgspec.json.encode(await answer(line)) + b"\n"
        # A pipe takes little at once; to wait here would stop all that we measure.
        await asyncio.to_thread(_write_all, found)


def _write_all(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]
