"""The conductor: turns at a pace, only where somebody waits, by what the event says."""

import asyncio
from collections import Counter

import pytest

from inventory.commands import Block, SetLine
from inventory.line.line import MEAN_MILLI
from inventory.venue.own import GA
from server.base.pressure.pressure import Pressure
from server.events.line.pace.conductor import Conductor, Conductors, is_led
from server.events.line.service import Asked
from server.live.actors.registry import ask
from tests.server.events.line.room import FIFO, settings, who

pytestmark = pytest.mark.postgres
NAMES = [f"u{n}" for n in range(9)]


class Stage:
    """A conductor of the event `evt`, whose clock is ours."""

    def __init__(self, room, local):
        self.room, self.local, self.now = room, local, 100.0
        self.pressure = Pressure()
        self.conductor = Conductor(local, self.pressure, Counter())
        room.house.hub.turned = lambda _, news: self.conductor.heard(news, self.now)

    @property
    def stock(self):
        return self.local.actor.stock

    async def pass_time(self, seconds, tick=0.25):
        """Let time go by; return how many turns were given."""
        given = 0
        for _ in range(round(seconds / tick)):
            self.now += tick
            given += await self.conductor.step(self.now)
        return given

    async def set(self, **fields):
        command = SetLine(id=0, event="evt", act="set", **fields)
        await ask(self.local, command, "", True, None)


@pytest.fixture
def terms():
    return FIFO


@pytest.fixture
async def stage(room, terms):
    await room.house.put("evt", settings(line=terms), capacity=100)
    return Stage(room, await room.house.registry.find("evt"))


async def browse(room, names=NAMES):
    """Let people join in one step, who choose when it is their turn."""
    for name in names:
        await room.desk.join(who(name), "evt", Asked())
    await room.feed()


async def test_turns_are_given_at_the_pace_that_is_set(room, stage):
    await browse(room)
    await stage.set(turns_per_min=60)
    assert await stage.pass_time(0.25) == 1
    assert await stage.pass_time(0.5) == 0
    assert await stage.pass_time(3.5) == 4
    assert len(stage.stock.line.turns.open) == 5
    assert await stage.pass_time(60) == 4
    assert await stage.pass_time(1) == 0


async def test_the_pace_is_such_that_all_is_sold_in_time(room, stage):
    await browse(room, NAMES[:1])
    await stage.pass_time(0.25)
    rate = stage.conductor.rate
    assert rate.r == pytest.approx(100 / (MEAN_MILLI / 1_000) / 900)
    assert rate.r_max == 2 * rate.r


async def test_without_a_pace_the_guard_alone_says_how_many(room, stage):
    await browse(room)
    await stage.set(sell_out_s=0)
    assert await stage.pass_time(0.25) == 9
    assert stage.conductor.rate is None


async def test_nothing_is_asked_while_the_line_is_paused_or_nobody_waits(room, stage):
    await browse(room, NAMES[:2])
    version = stage.stock.version
    await ask(stage.local, SetLine(id=0, event="evt", act="pause"), "", True, None)
    assert await stage.pass_time(2) == 0
    assert stage.stock.version == version + 1
    assert is_led(stage.stock)
    await ask(stage.local, SetLine(id=0, event="evt", act="resume"), "", True, None)
    await stage.set(sell_out_s=0)
    assert await stage.pass_time(0.25) == 2
    # Their turns are looked after, and nobody else waits.
    assert is_led(stage.stock)
    for name in NAMES[:2]:
        await room.desk.leave(who(name), "evt")
    assert not is_led(stage.stock)


async def test_what_turns_take_is_told_to_the_guard(room, stage):
    await browse(room)
    await stage.set(sell_out_s=0)
    await stage.pass_time(0.25)
    before = stage.stock.line.mean_milli
    for name in NAMES:
        await room.buy(name, 6)
    await stage.pass_time(0.5)
    line = stage.stock.line
    # Nine more of six each, on twenty of two.
    assert before == MEAN_MILLI
    assert line.mean_milli > 2_300
    assert line.variance_milli > 1_440
    assert line.turns.open == {}


async def test_a_turn_without_a_hold_counts_as_nothing(room, stage):
    await browse(room)
    await stage.set(sell_out_s=0)
    await stage.pass_time(0.25)
    for name in NAMES:
        await room.desk.leave(who(name), "evt")
    await stage.pass_time(0.25)
    assert stage.stock.line.mean_milli < MEAN_MILLI * 0.8


async def test_what_is_given_back_in_a_turn_comes_back(room, stage):
    await browse(room, NAMES[:5])
    await stage.set(sell_out_s=0)
    await stage.pass_time(0.25)
    holds = [await room.hold(name, 2) for name in NAMES[:5]]
    await stage.pass_time(20, tick=20)
    for name, hold in zip(NAMES, holds, strict=False):
        await room.release(name, hold)
    await stage.pass_time(20, tick=20)
    assert stage.conductor.watch.holds == 5
    # Of ten places that were held for twenty seconds, none was booked.
    assert stage.stock.line.returning_ppm > 20_000


async def test_the_next_owner_goes_on_with_what_was_told(room, stage):
    await browse(room)
    await stage.set(sell_out_s=0)
    await stage.pass_time(0.25)
    for name in NAMES:
        await room.buy(name, 6)
    await stage.pass_time(0.25)
    told = stage.stock.line.mean_milli
    version = stage.stock.version
    other = Conductor(stage.local, Pressure(), Counter())
    await other.step(1.0)
    assert stage.stock.line.mean_milli == told
    assert stage.stock.version == version


async def test_a_full_shop_slows_the_pace_down(room, stage):
    full = [0.0]
    stage.pressure.level("mailbox", 0.25, lambda _: full[0])
    await browse(room)
    await stage.set(turns_per_min=60)
    await stage.pass_time(1)
    before = stage.conductor.rate.r
    full[0] = 1.0
    await stage.pass_time(61, tick=1)
    assert before == pytest.approx(1.0)
    assert stage.conductor.rate.r == pytest.approx(0.7)
    assert stage.conductor.moves == {"mailbox": 1}


async def test_asking_for_what_others_have_is_counted(room, stage):
    """Of the whole event; where there are no seats nobody misses any."""
    assert stage.local.actor.seats_missed == 0
    conductors = Conductors(room.house.registry, Pressure())
    assert conductors.asked("evt") == 0
    conductors.leading["evt"] = stage.conductor
    stage.conductor.watch.holds = 7
    stage.local.actor.seats_missed = 3
    assert (conductors.missed("evt"), conductors.asked("evt")) == (3, 10)


async def test_returned_turns_are_paid_from_the_pace(room, stage):
    """What is given back goes to the next in line at once, and the pace knows."""
    await browse(room, NAMES[:1])
    await stage.set(turns_per_min=60)
    await stage.pass_time(0.25)
    booking = await room.buy(NAMES[0], 10)
    await browse(room, NAMES[1:2])
    await stage.pass_time(5)
    # Two seconds' worth are there; nobody waits for it.
    assert stage.conductor.rate.allowed(stage.now) == 2
    await block(room, 89)
    await room.join("ann", quantity=5)
    assert await stage.pass_time(1) == 0
    await room.cancel(NAMES[0], booking)
    assert who("ann").user in stage.stock.line.turns.open
    assert stage.conductor.rate.allowed(stage.now) == 1


async def block(room, places):
    command = Block(id=0, event="evt", areas={GA: places})
    await ask(await room.house.registry.find("evt"), command, "", True, None)


async def test_only_lines_in_front_of_a_sale_are_led_and_only_ours(room, stage):
    await room.house.put("list", capacity=1)
    await room.join("ann", event="list")
    conductors = Conductors(room.house.registry, Pressure())
    conductors.scan()
    assert conductors._tasks == {}
    await browse(room)
    conductors.scan()
    assert set(conductors._tasks) == {"evt"}
    task = conductors._tasks["evt"]
    conductors.scan()
    assert conductors._tasks == {"evt": task}
    await conductors.close()
    assert conductors._tasks == {}


async def test_a_line_is_led_by_itself_and_no_longer_than_it_is_ours(room, stage):
    conductors = Conductors(room.house.registry, Pressure())
    room.house.hub.turned = conductors.heard
    await browse(room, NAMES[:2])
    await stage.set(turns_per_min=6_000)
    conductors.scan()
    turns = stage.stock.line.turns
    while len(turns.open) < 2:  # noqa: ASYNC110 - it tells nobody when it gave one
        await asyncio.sleep(0.01)
    assert conductors.leading["evt"].watch.holds == 0
    for name in NAMES[:2]:
        await room.desk.leave(who(name), "evt")
    # Nobody waits, nobody has a turn: the task ends by itself.
    await asyncio.gather(*conductors._tasks.values())
    assert conductors._tasks == {}
    assert set(conductors.leading) == {"evt"}
    await room.house.registry.unload(stage.local)
    conductors.scan()
    assert conductors.leading == {}
