"""An actor sleeps until it is woken or until its time, whichever comes first."""

import asyncio

from inventory.alarm import Alarm
from tests.stage import soon


async def test_who_is_woken_does_not_sleep_out():
    alarm = Alarm()
    alarm.wake()  # Nobody sleeps yet: it is not remembered.
    sleeper = asyncio.create_task(alarm.sleep(3_600.0))
    await asyncio.sleep(0)
    assert not sleeper.done()
    alarm.wake()
    alarm.wake()  # Once more before it is awake.
    async with asyncio.timeout(60):
        await sleeper
    alarm.cancel()


async def test_nobody_sleeps_longer_than_asked_for_though_it_was_set_later_before():
    alarm = Alarm()
    sleeper = asyncio.create_task(alarm.sleep(3_600.0))
    await asyncio.sleep(0)
    alarm.wake()
    await sleeper
    async with asyncio.timeout(60):
        await alarm.sleep(0.01)
        await alarm.sleep(-1.0)
    alarm.cancel()


async def test_a_timer_that_is_too_early_wakes_once_for_nothing():
    alarm = Alarm()
    early = asyncio.create_task(alarm.sleep(0.05))
    await asyncio.sleep(0)
    alarm.wake()
    await early
    later = asyncio.create_task(alarm.sleep(3_600.0))
    await soon(later.done)
    last = asyncio.create_task(alarm.sleep(3_600.0))
    await asyncio.sleep(0.1)
    assert not last.done()
    alarm.cancel()
    alarm.cancel()  # Nothing is wrong with that.
    last.cancel()
