"""What a capability is: one folder's routes, and its part of start and stop.

`server/app.py` lists them all, in the order in which they open; nothing else names
them. Routing, the description of the interface and the tests read that list.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from aiohttp import web
from msgspec import Struct

from persistence.people.accounts import Erase
from persistence.postgres.clock import DatabaseClock
from persistence.postgres.durability import Durability
from persistence.postgres.pool import Pool
from server.base.instance import Instance
from server.base.jobs import Job
from server.base.metrics import Metrics
from server.base.settings import Config
from server.transport.capability.frame_row import FrameRow
from server.transport.http.app_keys import (
    CLOCK,
    INSTANCE,
    METRICS,
    READINESS,
    SETTINGS,
    Probe,
    Readiness,
)
from server.transport.http.unrouted import refuse_method
from server.transport.rest.examples import Examples, PathParameter
from server.transport.rest.guard import guarded
from server.transport.rest.route import PARAMETER, Route

T = TypeVar("T")

Drain = Callable[[float], Awaitable[None]]
"""Lets what is under way end, within some seconds."""

Opener = Callable[["Startup"], Awaitable[None]]


class Capability(Struct, frozen=True, kw_only=True):
    """What one folder adds to the server."""

    name: str
    open: Opener | None = None
    """Puts its parts into the application, and says what runs, drains and stops."""
    routes: tuple[Route, ...] = ()
    frames: tuple[FrameRow[Any], ...] = ()
    """What clients may send on the websocket besides commands."""
    tells: tuple[type[Struct], ...] = ()
    """Frames that it sends to whom they concern, whatever they sent before."""
    parameters: Mapping[str, PathParameter] = {}
    """Parts of its paths, by name."""
    makes: Mapping[str, str] = {}
    """The ends of its paths at which something is made, and what that is called."""
    tags: Mapping[str, str] = {}
    """Groups of operations that begin with it, and what one does there, in order."""
    examples: Examples = Examples()
    erase: tuple[Erase, ...] = ()
    """Forgets what it knows of a person whose account is deleted."""


class Startup:
    """What a capability finds when it opens, and where it leaves what it made.

    Capabilities open one after the other; what they let run begins when all are open.
    """

    def __init__(
        self,
        capabilities: Sequence[Capability],
        settings: Config,
        instance: Instance,
        pool: Pool,
        durability: Durability,
        app: web.Application,
    ) -> None:
        self.capabilities = capabilities
        self.settings = settings
        self.instance = instance
        self.pool = pool
        self.durability = durability
        self.app = app
        self.clock = DatabaseClock()
        self.metrics = Metrics()
        self.readiness = Readiness()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails with a part that died, which ends the server."""
        self.url = ""
        """Where clients reach this server, once it listens."""
        self._work: list[tuple[Coroutine[Any, Any, None], str]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_steps: list[Callable[[], Awaitable[None]]] = []
        self._drains: list[Drain] = []
        self._cleanups: list[Callable[[], Awaitable[None]]] = []
        self[SETTINGS] = settings
        self[INSTANCE] = instance
        self[CLOCK] = self.clock
        self[METRICS] = self.metrics
        self[READINESS] = self.readiness

    def __getitem__(self, key: web.AppKey[T]) -> T:
        """Return a part that another capability made before."""
        return self.app[key]

    def __setitem__(self, key: web.AppKey[T], part: T) -> None:
        """Leave a part for whoever needs it."""
        self.app[key] = part

    def run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Let something run for as long as the server; its death is the server's."""
        self._work.append((work, name))

    def before_ready(self, step: Callable[[], Awaitable[None]]) -> None:
        """Do something last, before clients may come."""
        self._last_steps.append(step)

    def on_drain(self, drain: Drain) -> None:
        """Let something end in order when the server stops, before parts close."""
        self._drains.append(drain)

    def on_stop(self, cleanup: Callable[[], Awaitable[None]]) -> None:
        """Close something when the server stops, after what was made later."""
        self._cleanups.append(cleanup)

    def report(self, name: str, probe: Probe) -> None:
        """Show on the health page how a part is."""
        self.readiness.parts[name] = probe

    def job(self, name: str) -> Job:
        """Return what notes the runs of a job, which the health page shows."""
        self.readiness.jobs[name] = job = Job()
        return job

    async def open_all(self) -> None:
        """Open all capabilities, in order, and begin what they let run."""
        for capability in self.capabilities:
            if capability.open is not None:
                await capability.open(self)
        while self._work:
            work, name = self._work.pop(0)
            task = asyncio.create_task(work, name=name)
            self._tasks.add(task)
            task.add_done_callback(self._died)
        for step in self._last_steps:
            await step()

    async def drain(self, within_s: float) -> None:
        """Let what is under way end, the last opened first."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + within_s
        for drain in reversed(self._drains):
            await drain(ends - loop.time())

    async def close(self) -> None:
        """Stop what runs and close what was opened, however far the start came."""
        for work, _ in self._work:
            work.close()
        for task in self._tasks:
            task.cancel()
        for cleanup in reversed(self._cleanups):
            await cleanup()

    def _died(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and not self.failed.done():
            error = task.exception() or RuntimeError(f"{task.get_name()} ended")
            self.failed.set_exception(error)


def routes_of(capabilities: Iterable[Capability]) -> tuple[Route, ...]:
    """Return what all of them serve: a route that is not here is not served."""
    return tuple(route for one in capabilities for route in one.routes)


def frames_of(capabilities: Iterable[Capability]) -> tuple[FrameRow[Any], ...]:
    """Return what clients may send on the websocket besides commands."""
    return tuple(row for one in capabilities for row in one.frames)


def told_by(capabilities: Iterable[Capability]) -> tuple[type[Struct], ...]:
    """Return the frames that clients get of all of them, unasked."""
    return tuple(frame for one in capabilities for frame in one.tells)


def add_routes(app: web.Application, routes: Sequence[Route]) -> None:
    """Serve routes, each behind its guard."""
    methods: dict[str, set[str]] = {}
    for route in routes:
        methods.setdefault(route.path, set()).add(route.method)
        handler = guarded(
            route.access,
            route.handler,
            route.scope,
            route.budget,
            route.keyed,
            {one.name: one.several for one in route.query},
            opened=route.opened,
        )
        if route.method == "GET":
            app.router.add_get(route.path, handler)
        else:
            app.router.add_route(route.method, route.path, handler)
    # A path that a template fits, too, is no value of it for the other methods.
    templates = [PARAMETER.sub("[^/]+", path) for path in methods if "{" in path]
    for path, known in methods.items():
        literal = "{" not in path
        if literal and any(re.fullmatch(template, path) for template in templates):
            allowed = frozenset(known | {"HEAD"} if "GET" in known else known)
            app.router.add_route("*", path, partial(refuse_method, allowed))
