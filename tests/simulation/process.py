"""One process of ours on the virtual loop, and the wires that clients hang on.

Everything above the socket is what ships: hub, sessions, writers, registry, actors.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from inventory.ports import CommitStatus
from inventory.records import Corrupt
from persistence.errors import Unavailable
from server.base import limits
from server.base.identity import Identity
from server.base.jobs import Job
from server.live.actors.registry import EventRegistry
from server.live.cluster.membership.adoption import adopt
from server.live.fanout.hub import Hub
from server.live.fanout.writer import Writer
from server.live.websocket.frame_table import FRAME_TABLE, FrameTable
from server.live.websocket.sender import Sender
from server.live.websocket.session import Session
from server.live.websocket.watching import FRAMES
from tests.fakes import Broken
from tests.simulation.cluster import Place, form
from tests.simulation.journal import SimClock, SimJournal
from tests.simulation.line.parts import LineParts
from tests.simulation.loop import ProcessLoop
from tests.simulation.orders.shop import Shop
from tests.simulation.registry import SimProcesses
from tests.simulation.tickets.following import Following

if TYPE_CHECKING:
    from server.live.cluster.cluster import Cluster
    from tests.simulation.bus import SimBus
    from tests.simulation.client import Client
    from tests.simulation.world import World

ORGANIZER = "org"
ENTRY_CHARS = 24
DRAIN_S = 0.5
"""How long a process that stops lets orders go on that it drives."""

APP = web.Application()
APP[FRAME_TABLE] = FrameTable(FRAMES)


class NumberedOutlet(Writer):
    """A writer whose place in a set does not depend on where it lies in memory."""

    __slots__ = ("number",)

    def __init__(self, number: int, *args: Any) -> None:
        self.number = number
        super().__init__(*args)

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other


class FromNetwork(Sender):
    """A client whose network counts, and whose commands have no budget."""

    __slots__ = ()

    def __init__(self, origin: str) -> None:
        self.origin = origin

    def spend(self, user: Identity) -> None:
        pass


class Wire(asyncio.Transport):
    """A connection: the server's transport, and the way of the client's frames.

    What the server writes leaves its buffer when the client takes it; `kernel_bytes`
    of it do not count, as they lie in the kernel's buffers.
    """

    def __init__(self, process: "Process", client: "Client", number: int) -> None:
        super().__init__()
        world = process.world
        self.world = world
        self.process = process
        self.client = client
        self.open = True
        self.ended = False
        self.session_over = False
        self._out: list[tuple[bytes, tuple[int, ...]]] = []
        self._out_bytes = 0
        self._delivering = False
        self._in: deque[bytes] = deque()
        self._pumping = False
        self._kernel_bytes = world.plan.kernel_bytes
        self.session = Session(
            NumberedOutlet(number, self, client.codec, self._end),
            process.hub,
            process.event_registry,
            identify,
            APP,
            limited=world.plan.limited,
            sender=None if client.origin is None else FromNetwork(client.origin),
        )

    # What the server does.

    def write(self, data: Any) -> None:
        self._out.append((data, self.world.database.versions))
        self._out_bytes += len(data)
        if not self._delivering and not self.client.stalled:
            self._delivering = True
            self.world.scheduler.call_later(self.world.latency(), self.deliver)

    def get_write_buffer_size(self) -> int:
        return max(0, self._out_bytes - self._kernel_bytes)

    def is_closing(self) -> bool:
        return not self.open

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.ended = True

    def abort(self) -> None:
        self.hang_up(lost=True)

    def _end(self) -> None:
        """The server takes no more frames: its reader ends, and with it the session."""
        self._in.clear()
        self.process.loop.call_soon(self._over)
        self.process.loop.call_later(limits.CLOSE_S_MAX, self.abort)

    def _over(self) -> None:
        if not self.session_over:
            self.session_over = True
            self.session.close()

    # What the client does.

    def deliver(self) -> None:
        """Hand the client what was written."""
        self._delivering = False
        if self.client.wire is not self or self.client.stalled:
            return
        frames, self._out = self._out, []
        self._out_bytes = 0
        for data, versions in frames:
            self.client.hear(data, versions)
            if self.client.wire is not self:
                return
        if self.ended:
            self.client.closed()
            self.hang_up(lost=False)

    def send(self, data: bytes) -> None:
        self._in.append(data)
        if not self._pumping:
            self._pumping = True
            self._soon(self._pump)

    def _soon(self, callback: Any) -> None:
        latency, loop = self.world.latency(), self.process.loop
        if latency:
            loop.call_later(latency, callback)
        else:
            loop.call_soon(callback)

    def _pump(self) -> None:
        """Give frames to the session until it has to catch its breath."""
        session, frames = self.session, self._in
        while frames and not self.session_over:
            if session.must_wait():
                self.process.spawn(self._wait())
                return
            session.receive(frames.popleft())
        self._pumping = False

    async def _wait(self) -> None:
        await self.session.room()
        self._pump()

    def hang_up(self, *, lost: bool) -> None:
        """End the connection; what was on its way is `lost`, or arrives first."""
        if not self.open:
            return
        self.open = False
        if lost:
            self._in.clear()
        self._out.clear()
        self._out_bytes = 0
        self.process.loop.call_soon(self._over)


def identify(token: str) -> Identity | None:
    """Believe everybody."""
    role = "organizer" if token == ORGANIZER else "guest"
    return Identity(token, role, 1 << 40)  # type: ignore[arg-type]


class CountedIds:
    """Implements `inventory.ports.Ids`; unique in the world, the same in each run."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._count = 0

    def token(self) -> str:
        self._count += 1
        return f"{self._prefix}{self._count}"

    def reference(self) -> str:
        self._count += 1
        return f"R{self._prefix}{self._count}"


class EntryIds(CountedIds):
    """The same in the form of entries, which places that are signed must have."""

    def token(self) -> str:
        return super().token().ljust(ENTRY_CHARS, "_")


class Watch:
    """Implements `inventory.ports.Observer`: what an actor should not say."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def committed(self, commands: int, seconds: float) -> None:
        pass

    def refused(self, code: str) -> None:
        pass

    def doubted(self, status: CommitStatus) -> None:
        pass

    def failed(self, event: str, error: BaseException) -> None:
        if isinstance(error, Corrupt) or not isinstance(error, Broken | Unavailable):
            self._world.violate(f"The actor of {event} failed: {error!r}")


class Plans:
    """Stands for the catalog: what an event begins with, and is seen by."""

    def __init__(self, world: "World") -> None:
        self._world = world

    async def find_plan(self, event: str, drawn: bool = True) -> Any:
        return self._world.plans.get(event)

    async def find_event(self, event: str) -> Any:
        return self._world.plans.get(event)

    async def scheduled_events(self, due_ms: int) -> list[str]:
        return []


class Process:
    """A server process from start to end."""

    def __init__(self, world: "World", number: int, place: Place) -> None:
        plan = world.plan
        self.world = world
        self.number = number
        self.place = place
        self.loop = ProcessLoop(  # type: ignore[abstract]
            world.scheduler,
            plan.clock_offset_s + 1_000.0 * number,
            1 + (-plan.clock_drift if place.slot & 1 else plan.clock_drift),
            plan.look_s,
        )
        clock = SimClock(self.loop)
        self.journal = SimJournal(world.database, self.loop, clock, place.process)
        self.hub = Hub(self.loop)
        self.event_registry = EventRegistry(
            Plans(world),  # type: ignore[arg-type]
            self.journal,
            self.hub,
            clock,
            CountedIds(f"p{number}-"),
            Watch(world),
        )
        # Venues never change; building them is not what is looked at here.
        for name, venue in world.venues.items():
            self.event_registry.venues.add(name, venue)
        self.cluster: Cluster | None = None
        self.bus: SimBus | None = None
        self.registry = SimProcesses(world.table, self.journal)
        self.wires: list[Wire] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.paused_until = 0.0
        self.stopping = False
        self.ready = False
        self.loop.world = world
        self.shop = Shop(self, CountedIds(f"o{number}-"))
        self.following = Following(self)
        self.line: LineParts | None = None
        """None before it has joined the others, and where no event has a line."""
        self.loop.call_soon(lambda: self.spawn(self._start()))

    async def _start(self) -> None:
        """Start as `server.app` does: it asks the database first."""
        take = self.event_registry.adopt
        if self.world.plan.processes == 1:
            # Whoever had the events before is gone.
            await self.journal.start(lambda _: True)
        else:
            await self.journal.start(lambda _: False)
            take = (await form(self)).take_share
        if self.world.crowd.events:
            self.line = LineParts(self, EntryIds(f"l{self.number}-"))
            await self.line.start()
        self.spawn(adopt(self.registry, take, Job()))
        self.ready = True
        self.spawn(self.hub.run())
        self.spawn(self.event_registry.run(Job()))
        self.shop.start()
        self.spawn(self.following.run())

    def spawn(self, work: Any) -> None:
        task = self.loop.create_task(work)
        self.tasks.append(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.world.violate(f"A part of the process ended: {task.exception()!r}")

    def do(self, work: Callable[[], Any]) -> None:
        """Let the process do something that waits, in its own time."""
        self.loop.call_soon(lambda: self.spawn(work()))

    @property
    def serves(self) -> bool:
        """Whether it is there, as far as anybody can tell who does not ask it."""
        return self.loop.alive and self.ready and not self.stopping

    def connect(self, client: "Client") -> Wire | None:
        """Open a connection, unless there is nobody to."""
        if not self.serves:
            return None
        wire = Wire(self, client, self.world.number())
        self.wires.append(wire)
        return wire

    def pause(self, seconds: float) -> None:
        """Stand still for a while, and know nothing of it."""
        scheduler = self.world.scheduler
        self.paused_until = max(self.paused_until, scheduler.now + seconds)
        self.loop.pause()
        scheduler.call_later(seconds, self.loop.resume)

    def kill(self) -> None:
        """Be gone at once; clients notice that the connection broke."""
        self.loop.kill()
        if self.bus is not None:
            self.bus.close()
        for wire in self.wires:
            if wire.open:
                wire.open = False
                wire.client.broken(wire)

    def stop(self) -> None:
        """Stop as `server.app` does."""
        self.stopping = True
        self.do(self._stop)

    async def _stop(self) -> None:
        ends = self.loop.time() + limits.STOP_S_MAX
        if self.cluster is not None:
            await self.cluster.leave(limits.HAND_OVER_S_MAX)
        await self.shop.driver.drain(DRAIN_S)
        await self.event_registry.stop(ends - self.loop.time())
        writers = sorted(
            self.hub.writers,
            key=lambda one: one.number,  # type: ignore[attr-defined]
        )
        for writer in writers:
            writer.close(1012, "restart", 100)
        await asyncio.sleep(0.5)
        if self.cluster is not None and self.bus is not None:
            for task in self.tasks:
                if task is not asyncio.current_task():
                    task.cancel()
            await self.cluster.close()
            await self.bus.flush()
            self.bus.close()
            await self.cluster.members.leave()
        self.kill()
