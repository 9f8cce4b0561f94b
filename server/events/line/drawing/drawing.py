"""Our end of the child that computes a draw."""

import asyncio
from typing import Final

from server.events.line.drawing.computing import (
    FIX,
    ORDER,
    Listed,
    Ordered,
    listed,
    ordered,
)
from server.transport.children.workshop import Workshop

MODULE: Final = "server.events.line.drawing.computing"
MEMORY_BYTES: Final = 2 << 30
CPU_S: Final = 60
WAITING_MAX: Final = 64


class Drawing:
    """Computes one draw at a time, for all events of this process.

    Both raise the workshop's `Busy` and `Failed`; then nothing is known, and it may be
    asked again.
    """

    def __init__(self) -> None:
        self._workshop = Workshop(
            MODULE,
            at_once_max=1,
            waiting_max=WAITING_MAX,
            memory_bytes=MEMORY_BYTES,
            cpu_s=CPU_S,
        )

    async def fix(self, stubs: bytes) -> Listed:
        """Return the list of entrants with its root. Raises `Twice`, too."""
        answer = await self._workshop.run(FIX + stubs)
        return await asyncio.to_thread(listed, answer)

    async def order(self, key: bytes, stubs: bytes) -> Ordered:
        """Return the entrants by rank. `key` is that of the draw."""
        answer = await self._workshop.run(ORDER + key + stubs)
        return await asyncio.to_thread(ordered, answer)
