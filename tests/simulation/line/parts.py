"""The line's parts in one process: what ships, over simulated tables and events."""

import asyncio
from typing import TYPE_CHECKING, Any, Final

import server.events.line.drawer.drawers as drawers
import server.events.line.feeder as feeder
import server.events.line.opening as opening
import server.events.line.pace.conductor as conductor
import server.events.line.transcript.writer as writer
import server.events.line.waiters.presence as presence
import server.events.line.waiters.waiters as waiters
from inventory import limits
from inventory.ports import Ids, Publication
from persistence.events.line.entries import Entries
from persistence.events.line.feeding import Feeding
from persistence.events.line.joining import JoinLane
from persistence.events.line.lines import Lines
from persistence.events.line.lists import Lists
from server.base.identity import Identity
from server.base.jobs import Job
from server.base.pressure.pressure import Pressure
from server.events.audit.receipts import ReceiptKey
from server.events.catalogue.service import FoundEvent, ManagedEvent
from server.events.line.drawer.drawer import Drawer
from server.events.line.drawer.drawers import Drawers
from server.events.line.drawer.service import DrawService
from server.events.line.drawer.telling import DrawTelling
from server.events.line.drawing.computing import (
    Listed,
    Ordered,
    fix,
    listed,
    order,
    ordered,
)
from server.events.line.feeder import Feeders
from server.events.line.gates.gatekeeper import Gatekeeper
from server.events.line.gates.work import Work
from server.events.line.opening import LineOpening
from server.events.line.pace.conductor import Conductors
from server.events.line.service import LineDesk
from server.events.line.service_control import LineControl
from server.events.line.transcript.journal import JournalPages
from server.events.line.transcript.service import Transcripts
from server.events.line.waiters.waiters import Waiters
from server.transport.bus.memory_bus import MemoryBus
from tests.simulation.line import beacon, lists, turns
from tests.simulation.orders.house import MANAGER
from tests.simulation.orders.shop import ask_and_note
from tests.simulation.orders.tables import SimPool

if TYPE_CHECKING:
    from tests.simulation.process import Process

ADOPT_S: Final = 1.0
GONE_S: Final = 3.0
KEPT_MS: Final = 4_000
SECRET: Final = "of the simulation, and long enough"
KEY: Final = ReceiptKey(b"k" * 32)


class Events:
    """Stands for `EventService`."""

    def __init__(self, process: "Process") -> None:
        self._process = process

    async def find(self, who: Identity | None, event: str) -> FoundEvent:
        return FoundEvent(event, await self._process.event_registry.find(event))

    async def find_managed(self, who: Identity, event: str) -> ManagedEvent:
        assert who == MANAGER
        local = await self._process.event_registry.find(event)
        return ManagedEvent(event, local, who)


class Here:
    """Computes draws at once: what the child does is no part of this."""

    async def fix(self, stubs: bytes) -> Listed:
        return listed(fix(stubs))

    async def order(self, key: bytes, stubs: bytes) -> Ordered:
        return ordered(order(key, stubs))


class Journal:
    """Stands for `PostgresJournal` where journals are read."""

    def __init__(self, process: "Process") -> None:
        self.load_rows = process.journal.load_rows


class LineParts:
    """All that a process does for lines."""

    def __init__(self, process: "Process", ids: Ids) -> None:
        self.process = process
        self.world = process.world
        pool: Any = SimPool(process.world.tables)
        events: Any = Events(process)
        clock, registry = process.journal.clock, process.event_registry
        self.alone = None if process.bus is not None else MemoryBus()
        bus: Any = process.bus or self.alone
        self.lines, self.lists = Lines(pool), Lists(pool)
        entries = Entries(pool)
        beacons = beacon.beacons()
        opens = LineOpening(self.lines, clock, SECRET, beacons)
        self.feeders = Feeders(Feeding(pool), self.lines, registry, bus)
        self.desk = LineDesk(
            events,
            opens,
            self.lines,
            entries,
            JoinLane(pool),
            clock,
            ids,
            KEY,
            self.feeders.joined,
            Gatekeeper(Work(SECRET.encode()), None, entries, clock),
        )
        self.control = LineControl(events, opens, self.lines, self.lists, clock)
        self.waiters = Waiters(process.hub, registry, bus, entries, clock)
        pressure = Pressure()
        self.conductors = Conductors(registry, pressure)
        pressure.share("seats", 0.1, self.conductors.missed, self.conductors.asked)
        of_journal: Any = Journal(process)
        journal, here = JournalPages(of_journal), Here()
        drawing: Any = here
        telling = DrawTelling(bus, self.waiters, self.lists)
        drawer = Drawer(
            self.lines,
            self.lists,
            opens,
            beacons,
            drawing,
            journal,
            KEY,
            clock,
            telling.tell,
        )
        self.drawers = Drawers(drawer, self.lists, registry, bus, clock)
        self.draws = DrawService(
            events,
            self.control,
            opens,
            self.lines,
            self.lists,
            clock,
            self.drawers.ask,
        )
        self.transcripts = Transcripts(events, self.lines, self.lists, journal, KEY)
        process.hub.turned = self._turned

    async def start(self) -> None:
        """Do again and again what the process does by itself."""
        spawn, again = self.process.spawn, self.process.shop.again
        if self.alone is not None:
            await self.alone.start()
        spawn(self.conductors.run())
        spawn(self.feeders.run(Job()))
        spawn(self.waiters.run())
        spawn(self.waiters.leading.run())
        spawn(self.drawers.run(Job()))
        spawn(again(ADOPT_S, self.feeders.adopt))
        spawn(again(ADOPT_S, self.drawers.adopt))

    def _turned(self, event: str, publication: Publication) -> None:
        self.conductors.heard(event, publication)
        self.waiters.leading.heard(event, publication)
        for news in publication.turns:
            self.world.crowd.hear(event, news)
        for over in publication.turns_over:
            self.waiters.over(event, over.user)


def monotonic() -> float:
    """Stand for the clock of the process."""
    return asyncio.get_running_loop().time()


PATCHES: Final[tuple[tuple[Any, str, Any], ...]] = (
    *beacon.PATCHES,
    (opening, "ask", ask_and_note),
    (conductor, "monotonic", monotonic),
    (waiters, "monotonic", monotonic),
    (presence, "GONE_S", GONE_S),
    # Sales have begun here before anything is journaled.
    (writer, "FIRST_STATE", "on_sale"),
    # So long that an owner who looks itself has found them before.
    (feeder, "LEFT_BEHIND_S", 12.0),
    (drawers, "STUCK_S", 2.0),
    (limits, "TURN_KEPT_MS", KEPT_MS),
)
"""The same rules on shorter clocks: a world lasts a minute or two."""

assert lists.LIST
assert turns.EPOCH.year == 1970
