"""An answer is new for whoever asks now and then, and made seldom for a flood."""

import asyncio

import pytest

from server.ops.health.kept import MADE_BURST, MADE_PER_S, Kept


class Maker:
    """Makes one answer after the other, when it is let."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.made = 0
        self.may = asyncio.Event()
        self.may.set()
        self.wrong: Exception | None = None
        self.kept = Kept(self.make, lambda: self.now_s)

    async def make(self) -> int:
        await self.may.wait()
        if self.wrong is not None:
            raise self.wrong
        self.made += 1
        return self.made


async def test_who_asks_now_and_then_gets_a_new_one_each_time() -> None:
    maker = Maker()
    for number in range(1, 100):
        assert await maker.kept.get() == number
        maker.now_s += 1 / MADE_PER_S


async def test_a_flood_gets_the_last_one() -> None:
    maker = Maker()
    told = [await maker.kept.get() for _ in range(10_000)]
    assert told[:MADE_BURST] == [*range(1, MADE_BURST + 1)]
    assert set(told[MADE_BURST:]) == {MADE_BURST}
    maker.now_s += 1 / MADE_PER_S
    assert await maker.kept.get() == MADE_BURST + 1


async def test_who_asks_while_one_is_made_gets_that_and_may_leave() -> None:
    maker = Maker()
    maker.may.clear()
    first, *others = (asyncio.create_task(maker.kept.get()) for _ in range(50))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    maker.may.set()
    assert await asyncio.gather(*others) == [1] * 49


async def test_what_cannot_be_made_is_tried_again() -> None:
    maker = Maker()
    maker.wrong = OSError("away")
    for _ in range(2):
        with pytest.raises(OSError, match="away"):
            await maker.kept.get()
    maker.wrong = None
    assert await maker.kept.get() == 1
