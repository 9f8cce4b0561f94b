"""Reads of many at once: what is asked for while one is under way goes together.

Thousands may come back in the same second, and each asks for a place and its line. What
is asked for in one turn of the loop, or while a statement is under way, is one
statement; where nothing is, it goes at once.

Concurrency: a read begins after it was asked for, so that whoever wrote before sees it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

KEYS_PER_READ_MAX: Final = 1_000

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")


class Looks(Generic[Key, Found]):
    """Reads what is asked for by many, a statement at a time."""

    def __init__(
        self, read: Callable[[list[Key]], Awaitable[dict[Key, Found]]]
    ) -> None:
        self._read = read
        self._waiting: dict[Key, asyncio.Future[Found | None]] = {}
        self._running: asyncio.Task[None] | None = None
        self.reads = 0
        """Statements that were sent."""

    async def find(self, key: Key) -> Found | None:
        """Return what there is of a key; raises what reading raises."""
        answer = self._waiting.get(key)
        if answer is None:
            answer = asyncio.get_running_loop().create_future()
            self._waiting[key] = answer
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="looks")
        # Others may wait for the same: whoever goes away leaves it to them.
        return await asyncio.shield(answer)

    async def _run(self) -> None:
        try:
            while self._waiting:
                keys = list(self._waiting)[:KEYS_PER_READ_MAX]
                await self._answer({key: self._waiting.pop(key) for key in keys})
        finally:
            self._running = None

    async def _answer(self, asked: "dict[Key, asyncio.Future[Found | None]]") -> None:
        self.reads += 1
        try:
            found = await self._read(list(asked))
        except Exception as error:
            for answer in asked.values():
                answer.set_exception(error)
                answer.exception()  # Whoever asked may be gone by now.
            return
        for key, answer in asked.items():
            answer.set_result(found.get(key))
