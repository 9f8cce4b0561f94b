"""Forecasts of real lines: made where the owner is, while somebody asks."""

import asyncio

import msgspec
import pytest

from inventory.line.wishes import Wish
from persistence.errors import Unavailable
from server.base.pressure.pressure import Pressure
from server.events.line.odds import forecasts as module
from server.events.line.odds.forecasts import ODDS_TOPIC, Forecasts
from server.events.line.odds.watching import Expected
from server.events.line.pace.conductor import Conductors
from server.events.line.waiters.leading import LineLeading
from server.transport.bus.memory_bus import Exchange, MemoryBus
from tests.server.events.line.room import FIFO, settings

pytestmark = pytest.mark.postgres
ONE = Wish(1)
LEARNT = Expected(0.8, 1_500, 900, 0.1, 1.1)


class Told:
    """One process of those on an exchange, as far as forecasts go."""

    def __init__(self, room, exchange: Exchange, learn) -> None:
        house = room.house
        self.bus = MemoryBus(exchange)
        self.leading = LineLeading(
            house.registry, self.bus, house.clock, lambda _: None
        )
        conductors = Conductors(house.registry, Pressure())
        self.forecasts = Forecasts(
            self.leading, conductors, self.bus, house.clock, learn
        )


@pytest.fixture
async def told(waiting):
    """Return two processes, the first of which has the line."""
    exchange = Exchange()
    several = [Told(waiting, exchange, nothing) for _ in range(2)]
    for one in several:
        await one.bus.start()
    await bus_turns()
    yield several
    for one in several:
        await one.bus.close()


async def bus_turns() -> None:
    """Let the bus bring what was said: it takes a few turns of the loop."""
    for _ in range(6):
        await asyncio.sleep(0)


async def nothing(event: str) -> str | None:
    return None


@pytest.fixture
async def waiting(room):
    await room.house.put("evt", settings(line=FIFO), capacity=5)
    await room.join("ann", "bert", "carl")
    return room


async def test_a_line_that_somebody_asks_of_is_forecast_and_told_elsewhere(told):
    here, there = told
    await here.forecasts.turn()
    assert here.forecasts.of("evt") is None
    here.leading.saw("evt", 1, [])
    await here.forecasts.turn()
    made = here.forecasts.of("evt")
    assert made is not None
    said = made.told(3, ONE)
    # Nothing was rehearsed and nobody had a turn: these are the facts.
    assert (said.odds, said.odds_end, said.wanted, said.left) == (None, None, 2, 5)
    await bus_turns()
    assert there.forecasts.of("evt") == made
    assert there.forecasts.of("other") is None


async def test_what_was_rehearsed_makes_words(waiting):
    async def learnt(event: str) -> str | None:
        assert event == "evt"
        return msgspec.json.encode(LEARNT).decode()

    here = Told(waiting, Exchange(), learnt)
    here.leading.saw("evt", 1, [])
    await here.forecasts.turn()
    made = here.forecasts.of("evt")
    assert made is not None
    assert (made.known, made.kept, made.shift) == (True, 0.8, 0.1)
    assert made.told(1, ONE).odds_end == "very_likely"


async def test_nothing_old_is_told(waiting, monkeypatch):
    here = Told(waiting, Exchange(), nothing)
    here.leading.saw("evt", 1, [])
    await here.forecasts.turn()
    monkeypatch.setattr(module, "STALE_S", -1.0)
    assert here.forecasts.of("evt") is None


async def test_without_the_database_there_is_none_and_then_there_is(waiting):
    gone = [True]

    async def learn(event: str) -> str | None:
        if gone:
            gone.clear()
            raise Unavailable("gone")
        return None

    here = Told(waiting, Exchange(), learn)
    here.leading.saw("evt", 1, [])
    await here.forecasts.turn()
    assert here.forecasts.of("evt") is None
    await here.forecasts.turn()
    assert here.forecasts.of("evt") is not None


async def test_what_cannot_be_read_or_is_older_changes_nothing(told):
    here, there = told
    here.leading.saw("evt", 1, [])
    await here.forecasts.turn()
    await bus_turns()
    made = there.forecasts.of("evt")
    assert made is not None
    older = msgspec.structs.replace(made, version=made.version - 1, kept=0.1)
    here.bus.publish(ODDS_TOPIC, msgspec.msgpack.encode(older))
    here.bus.publish(ODDS_TOPIC, b"\xc1")
    await bus_turns()
    assert there.forecasts.of("evt") == made
