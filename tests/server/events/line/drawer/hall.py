"""A draw with a beacon of our own, on real parts, without waiting for its times.

Times that are waited for come at once: the clock of the house is set forward.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web
from msgspec.structs import replace

from inventory.commands import Configure
from inventory.replies import Ok
from inventory.settings import LineSettings, SettingsPatch
from persistence.events.line.lists import Lists
from persistence.events.line.ranks import RANK
from persistence.journal.journal import PostgresJournal
from server.events.line.beacon.beacons import Beacons
from server.events.line.beacon.relay import OwnBeacon, make_app
from server.events.line.beacon.relays import Relays
from server.events.line.drawer.drawer import Drawer
from server.events.line.drawing.computing import (
    Listed,
    Ordered,
    fix,
    listed,
    order,
    ordered,
)
from server.events.line.drawing.drawing import Drawing
from server.events.line.transcript.journal import JournalPages
from server.events.line.transcript.service import Transcripts
from server.events.line.verify.checker import check
from server.events.line.verify.options import Options
from server.events.line.verify.report import Report
from server.live.actors.registry import LocalEvent, ask
from tests.server.events.line.room import Room, open_room, settings, who

if TYPE_CHECKING:
    from server.events.line.drawer.telling import LineTold

OWN = OwnBeacon(b"of the tests", genesis_s=1_700_000_000, name="tests")
CLOSES_MS = 600_000
"""So long after it is opened the list of a draw closes."""


class Hall:
    """The lines of a house, with all that draws them."""

    def __init__(self, room: Room, urls: list[str]) -> None:
        self.room, self.urls = room, urls
        house = room.house
        self.lists = Lists(house.pool)
        self.beacons = Beacons(urls, OWN.beacon.chain)
        # No answer of a relay is raced.
        patient = Relays(OWN.beacon, urls, timeout_s=60.0)
        self.beacons._sources[OWN.beacon.chain] = patient
        self.told: list[LineTold] = []
        """What everybody who waits was told."""
        journal = house.registry._journal
        assert isinstance(journal, PostgresJournal)
        self.journal = JournalPages(journal)
        room.opening._beacons = self.beacons
        self.transcripts = Transcripts(
            house.events, room.lines, self.lists, self.journal, room.key
        )
        self.drawer = self.make_drawer()

    def make_drawer(self, lists: Any = None, drawing: Any = None) -> Drawer:
        """Return a drawer, as another process would have one."""
        room = self.room
        return Drawer(
            room.lines,
            self.lists if lists is None else lists,
            room.opening,
            self.beacons,
            Drawing() if drawing is None else drawing,
            self.journal,
            room.key,
            room.house.clock,
            self.told.append,
            self.skip_to,
        )

    async def skip_to(self, at_ms: int) -> None:
        """Let a time come."""
        clock = self.room.house.clock
        if clock.now_ms() < at_ms:
            now = clock.monotonic()
            clock.observe(at_ms, now, now)

    async def put(self, event: str = "evt", **changes: Any) -> None:
        """Make an event with a line that is drawn, and open it."""
        # However slow the machine is, a list is fixed before its round.
        usual = {
            "opens_at_ms": self.room.house.clock.now_ms() + CLOSES_MS + 150_000,
            "closes_before_s": 150,
            "fix_within_s": 120,
            "beacon": "tests",
        }
        line = {**usual, **changes}
        await self.room.house.put(
            event,
            settings(line=LineSettings(**line), on_sale_at_ms=None),
            capacity=100,
        )
        await self.room.opening.open(await self.room.house.events.load(event))

    async def gather(self, *names: str, event: str = "evt", **more: Any) -> None:
        """Let people join, whom nobody feeds."""
        for name in names:
            asked = self.room.asked(**more)
            await self.room.desk.join(who(name), event, asked)

    async def set(self, **changes: Any) -> None:
        """Set how the next line of the event is opened."""
        local = await self.local()
        terms = local.board.settings.line
        assert terms is not None
        patch = SettingsPatch(line=replace(terms, **changes))
        command = Configure(id=0, event="evt", patch=patch)
        reply = await ask(local, command, "", True, None)
        assert isinstance(reply, Ok), reply

    async def local(self, event: str = "evt") -> LocalEvent:
        """Return the event, which this process owns."""
        local = await self.room.house.registry.find(event)
        assert isinstance(local, LocalEvent)
        return local

    async def draw(self, event: str = "evt") -> None:
        """Run a draw from wherever it is to its end."""
        await self.drawer.run(event, await self.local(event))

    async def changes(self, event: str = "evt") -> list[Any]:
        """Return the journal of an event."""
        pages = self.journal.read(event)
        return [
            one.change
            async for batches in pages
            for batch in batches
            for one in batch.changes
        ]

    async def transcript(self, event: str = "evt", draw: int | None = None) -> bytes:
        """Return a transcript."""
        pieces = self.transcripts.write(None, event, draw)
        return b"".join([piece async for piece in pieces])

    async def verify(self, event: str = "evt", draw: int | None = None) -> Report:
        """Return what `onsale verify` finds in a transcript."""
        told = await self.transcript(event, draw)
        lines = told.splitlines(keepends=True)
        return check(lines, Options(chain=OWN.beacon.chain))

    async def ranks(self, event: str = "evt", draw: int = 1) -> list[tuple[str, int]]:
        """Return who has which rank, in the order of ranks."""
        rows = await self.room.house.pool.fetch(
            "SELECT * FROM (SELECT e.user_id, " + RANK + " AS rank FROM line_entry e"
            " JOIN line l USING (event_id) WHERE e.event_id = $1 AND e.draw = $2) r"
            " WHERE rank IS NOT NULL ORDER BY rank",
            event,
            draw,
        )
        return [(row["user_id"], row["rank"]) for row in rows]


@asynccontextmanager
async def open_hall(
    database_url: str,
    clock: Callable[[], int] | None = None,
    *,
    people: bool = True,
) -> AsyncIterator[Hall]:
    """Open a house with lines and a relay; `clock` is the relay's, if another one."""
    async with AsyncExitStack() as stack:
        room = await stack.enter_async_context(open_room(database_url, people=people))
        own_ms = room.house.clock.now_ms if clock is None else clock
        url = await serve(stack, make_app(OWN, own_ms))
        hall = Hall(room, [url])
        stack.push_async_callback(hall.beacons.close)
        yield hall


async def serve(stack: AsyncExitStack, app: web.Application) -> str:
    """Serve a relay on loopback; return where."""
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return site.name


class Here:
    """Computes draws in this process: what the child does is tested with it."""

    async def fix(self, stubs: bytes) -> Listed:
        """Return the list of entrants with its root."""
        return listed(fix(stubs))

    async def order(self, key: bytes, stubs: bytes) -> Ordered:
        """Return the entrants by rank."""
        return ordered(order(key, stubs))
