"""Who waits is refused from some moment on, again and again, until that ends."""

import asyncio

from inventory import limits
from inventory.refusal_timer import RefusalTimer
from tests.stage import soon


async def test_nobody_is_refused_before_it_is_lost_nor_after_it_ended(monkeypatch):
    monkeypatch.setattr(limits, "RELOAD_PAUSE_S", 0.001)
    refused: list[float] = []
    loop = asyncio.get_running_loop()
    patience = RefusalTimer(lambda: refused.append(loop.time()))
    began = loop.time()
    patience.begin(limits.PATIENCE_S_MAX - 0.05)
    patience.begin()  # It has begun already.
    await soon(lambda: len(refused) >= 3)
    # A timer of the loop may be early by its resolution.
    assert refused[0] - began >= 0.045
    patience.end()
    count = len(refused)
    await asyncio.sleep(0.02)
    assert len(refused) == count


async def test_what_was_waited_for_too_long_is_lost_at_once():
    lost = asyncio.Event()
    patience = RefusalTimer(lost.set)
    patience.begin(2 * limits.PATIENCE_S_MAX)
    async with asyncio.timeout(limits.PATIENCE_S_MAX):
        await lost.wait()
    patience.end()
    patience.end()  # Nothing is wrong with that.
