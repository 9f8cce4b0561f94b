"""Waiting for what is no element of a page."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.contract.client import WAIT_S

LOOK_S = 0.02


async def until(
    holds: Callable[[], bool | Awaitable[bool]], timeout_s: float = WAIT_S
) -> None:
    """Wait until something holds; TimeoutError where it never does."""
    async with asyncio.timeout(timeout_s):
        while True:
            found = holds()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(LOOK_S)
