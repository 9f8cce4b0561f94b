"""A house with lines: desk, feeder, follower and news, without a server.

Steps are made by hand, so that no test waits for a clock: `feed` feeds what waits, and
`follow` lets the follower come to the head.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from msgspec.structs import replace

from inventory.commands import Book, Cancel, GiveTurn, Hold, Release
from inventory.line.wishes import Wish
from inventory.settings import LineSettings, Settings
from inventory.venue.own import GA
from persistence.events.line.entries import Entries
from persistence.events.line.feeding import Feeding
from persistence.events.line.joining import JoinLane
from persistence.events.line.lines import Lines
from persistence.events.line.lists import Lists
from persistence.followers.passes import Passes
from server.base.identity import Identity
from server.base.ids import RandomIds
from server.events.audit.receipts import ReceiptKey
from server.events.line.beacon.beacons import Beacons
from server.events.line.feeder import Feeders
from server.events.line.follower import LineFollower
from server.events.line.gates.gatekeeper import Gatekeeper
from server.events.line.gates.work import Work
from server.events.line.opening import LineOpening
from server.events.line.service import Asked, LineDesk, OwnPlace
from server.events.line.service_control import LineControl
from server.live.actors.registry import LocalEvent, ask
from server.transport.bus.memory_bus import Exchange, MemoryBus
from tests.server.events.house import SETTINGS, House, open_house
from tests.server.identities import person

FIFO = LineSettings(mode="fifo", gather_at_ms=0, opens_at_ms=0, again=True)


class Room:
    """The line of the events of a house."""

    def __init__(self, house: House, secret: str | None = None) -> None:
        self.house, pool = house, house.pool
        self.lines, self.entries = Lines(pool), Entries(pool)
        self.key = ReceiptKey(b"k" * 32)
        self.beacons = Beacons()
        self.opening = LineOpening(self.lines, house.clock, secret, self.beacons)
        self.feeders = Feeders(
            Feeding(pool), self.lines, house.registry, MemoryBus(Exchange())
        )
        self.joined: list[str] = []
        self.gates = Gatekeeper(Work(b"s" * 32), None, self.entries, house.clock)
        self.desk = LineDesk(
            house.events,
            self.opening,
            self.lines,
            self.entries,
            JoinLane(pool),
            house.clock,
            RandomIds(),
            self.key,
            self.joined.append,
            self.gates,
        )
        self.control = LineControl(
            house.events, self.opening, self.lines, Lists(pool), house.clock
        )
        self.follower = LineFollower()
        self.passes = Passes(pool)
        self.told: list[Any] = []
        house.hub.turned = lambda event, publication: self.told.append(publication)

    async def join(
        self, *names: str, event: str = "evt", quantity: int = 1, **more: Any
    ) -> list[OwnPlace]:
        """Let people join, one step each: so they come in this order."""
        joined = []
        for name in names:
            asked = Asked(Wish(quantity, **more))
            joined.append(await self.desk.join(person(name), event, asked))
            await self.feed(event)
        return joined

    def asked(self, quantity: int = 1, **more: Any) -> Asked:
        """Return what somebody joins with."""
        return Asked(Wish(quantity), **more)

    async def feed(self, event: str = "evt") -> bool:
        """Feed one step."""
        local = await self.house.registry.find(event)
        assert isinstance(local, LocalEvent)
        return await self.feeders.step(event, local)

    async def follow(self, event: str = "evt") -> None:
        """Let the follower come to the head."""
        while (await self.passes.step(self.follower, event)).more:
            pass

    async def ranks(self, *names: str, event: str = "evt") -> list[Any]:
        """Return rank and how many are ahead, of each."""
        found = [await self.entries.mine(event, person(n).user) for n in names]
        return [None if one is None else (one.rank, one.ahead) for one in found]

    async def turns(self, *names: str, event: str = "evt") -> list[str | None]:
        """Return how each is: `turn` while one is open, or how it ended."""
        await self.follow(event)
        found = [await self.entries.mine(event, person(n).user) for n in names]
        return [
            None if one is None else one.ended or (one.turn and "turn") for one in found
        ]

    async def hold(self, name: str, places: int, event: str = "evt") -> str:
        """Hold places of the area."""
        command = Hold(id=0, event=event, areas={GA: places})
        held: Any = await self.house.sales.run(person(name), command)
        return str(held.hold)

    async def buy(self, name: str, places: int, event: str = "evt") -> str:
        """Hold places of the area and book them; return the booking."""
        return await self.book(name, await self.hold(name, places, event), event)

    async def book(self, name: str, hold: str, event: str = "evt") -> str:
        """Book a hold."""
        command = Book(id=0, event=event, hold=hold)
        booked: Any = await self.house.sales.run(person(name), command)
        return str(booked.booking)

    async def cancel(self, name: str, booking: str, event: str = "evt") -> None:
        """Cancel a booking."""
        command = Cancel(id=0, event=event, booking=booking)
        await self.house.sales.run(person(name), command)

    async def release(self, name: str, hold: str, event: str = "evt") -> None:
        """Give a hold back."""
        await self.house.sales.run(person(name), Release(id=0, event=event, hold=hold))

    async def offered(self, name: str, event: str = "evt") -> str:
        """Return the hold of somebody's turn."""
        await self.follow(event)
        entry = await self.entries.mine(event, person(name).user)
        assert entry is not None
        assert entry.hold is not None
        return entry.hold

    async def run_out(self, hold: str, event: str = "evt") -> None:
        """Let the time of a hold be over: the clock goes on by as much."""
        clock = self.house.clock
        now = clock.monotonic()
        clock.observe(clock.now_ms() + 3_600_000, now, now)
        local = await self.house.registry.find(event)
        assert isinstance(local, LocalEvent)
        local.actor._alarm.wake()
        while hold in local.actor._loaded().stock.holds:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def give_turn(self, event: str = "evt") -> None:
        """Give the next turn, as the conductor does."""
        local = await self.house.registry.find(event)
        command = GiveTurn(id=0, event=event)
        await ask(local, command, "", False, None, system=True)

    async def counts(self, event: str = "evt") -> tuple[int, int, int, int]:
        """Return free, held, booked and blocked places of the area."""
        local = await self.house.registry.find(event)
        free, held, booked, blocked = local.board.areas[0]
        return free, held, booked, blocked


def settings(**changes: Any) -> Settings:
    """Return the settings of an event of which one may still cancel."""
    return replace(SETTINGS, **changes)


@asynccontextmanager
async def open_room(database_url: str, *, people: bool = True) -> AsyncIterator[Room]:
    """Open a house with lines."""
    async with open_house(database_url, people=people) as house:
        room = Room(house)
        yield room
        await room.feeders.close()


def who(name: str) -> Identity:
    """Return somebody with an account."""
    return person(name)
