"""`onsale serve --workers N`: the parent of several serving processes.

Purpose: it holds the data directory, starts the database and the bus where nobody
brought any, and keeps N workers running, which all listen at one port. It serves
nothing itself.

Deaths: as the parent of a worker it knows surely and at once that it is dead. It ends
the leases of the dead, so that others may take its events without waiting for the
leases to run out, and tells the others. Then it starts another in its place.

What it started itself, it starts again when that dies (`server/ops/process/keeper.py`).

Signals: SIGTERM and SIGINT end everything in order. SIGHUP replaces the workers one
after the other, while the others serve.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

import structlog

from persistence.data_directory import DataDirectory
from persistence.embedded import EmbeddedPostgres, EmbeddedValkey
from persistence.errors import Unavailable, reason_of
from persistence.postgres.pool import Pool
from persistence.postgres.prepare import prepare_database
from persistence.processes import Processes
from server.base.instance import Instance, address_of, name_process, own_port_of
from server.base.settings import Config, ConfigError, read_again, redis_address
from server.live.cluster.messages import ALL, Gone, encode
from server.ops.process.child import Child
from server.ops.process.keeper import Keeper, keep_postgres, keep_valkey
from server.ops.process.messages import Failed, Job, Ready
from server.ops.process.reserved_port import ReservedPort
from server.ops.process.runner import ADDRESS, StartError, say_ready, tell_notices
from server.transport.bus.bus import Bus
from server.transport.bus.open import open_bus

RESTART_S_MIN: Final = 0.1
RESTART_S_MAX: Final = 5.0
SETTLED_S: Final = 30.0
"""A worker that lived so long did not die of its start: the next one starts soon."""

RETRY_S: Final = 0.2
ANNOUNCE_S_MAX: Final = 60.0
"""How long somebody is looked for who hears that events have lost their owner."""

WARM_EVERY_S: Final = 10.0
"""How often our connection to the database is used, so that it is there when needed."""

FAREWELL_S: Final = 0.5
"""How long the end waits for the leases of workers that ended with it."""

log = structlog.get_logger()


def supervise(config: Config, data: DataDirectory, node: str) -> None:
    """Serve with several workers until told to stop. Call from the main thread."""
    with ExitStack() as stack:
        # First, because it is the quickest to be refused.
        port = stack.enter_context(ReservedPort(config.host, config.port))
        data.write_record(ADDRESS, port.url)
        database_url, redis_url = config.database_url, redis_address(config)
        keepers = []
        postgres = None
        if database_url is None:
            postgres = EmbeddedPostgres(data)
            stack.callback(postgres.stop)
            postgres.launch()
            keepers.append(keep_postgres(postgres))
        if redis_url is None:
            valkey = EmbeddedValkey(data)
            stack.callback(valkey.stop)
            redis_url = valkey.start()
            keepers.append(keep_valkey(valkey))
        if postgres is not None:
            database_url = postgres.wait()
            tell_notices(postgres)
        assert database_url is not None
        known_url = database_url

        def instance(number: int, config: Config = config) -> Instance:
            return Instance(
                node=node,
                process=name_process(node, number),
                database_url=config.database_url or known_url,
                redis_url=redis_url,
                number=number,
                port=port.number,
                reuse_port=True,
                own_port=own_port_of(config, number),
                address=address_of(config, number),
                own_database=postgres is not None,
                supervised=True,
            )

        asyncio.run(_supervise(config, instance, keepers, port.url))


async def _supervise(
    config: Config,
    instance: Callable[..., Instance],
    keepers: Sequence[Keeper],
    url: str,
) -> None:
    any_instance = instance(0)
    database_url, redis_url = any_instance.database_url, any_instance.redis_url
    assert redis_url is not None
    _, applied = await prepare_database(
        database_url, unsafe=config.unsafe, tell=log.warning
    )
    if applied:
        log.info("migrated the database", files=applied)
    pool = await Pool.open(database_url, size=1, name="onsale supervisor")
    try:
        processes = Processes(pool)
        await processes.void_node(any_instance.node)
        bus = await open_bus(redis_url, processes)
        try:
            await Supervisor(config, instance, processes, bus, keepers).run(url)
        finally:
            await bus.close()
    finally:
        await pool.close()


class Slot:
    """What is kept filled: the place of one worker after another."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.child: Child | None = None
        self.ready = asyncio.Event()
        self.has_served = False
        self.ending: Child | None = None
        """The child that ends because it was told to."""


class Supervisor:
    """Keeps the workers running."""

    def __init__(
        self,
        config: Config,
        instance: Callable[..., Instance],
        processes: Processes,
        bus: Bus,
        keepers: Sequence[Keeper],
    ) -> None:
        self._config = config
        self._instance = instance
        self._bus = bus
        self._keepers = keepers
        self._processes = processes
        self._slots = [Slot(number) for number in range(config.workers)]
        self._stop = asyncio.Event()
        self._replace = asyncio.Event()
        self._burials: set[asyncio.Task[None]] = set()

    async def run(self, url: str) -> None:
        """Start the workers, tell when all serve, and go on until told to stop.

        Raises `StartError` where one of the first cannot start.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._replace.set)
        work: list[Coroutine[Any, Any, None]] = [self._keep(s) for s in self._slots]
        work += [self._tell_ready(url), self._keep_warm()]
        work += [keeper.run() for keeper in self._keepers]
        tasks = [asyncio.create_task(part) for part in work]
        stopped = asyncio.create_task(self._stop.wait())
        try:
            # None of the tasks ends but by an error: that of a worker that cannot
            # start, of a database that cannot be started again, or one of ours.
            await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
            failed = [task for task in tasks if task.done()]
        finally:
            for task in [*tasks, stopped]:
                task.cancel()
            await asyncio.gather(*tasks, stopped, return_exceptions=True)
        if self._burials:
            await asyncio.wait(self._burials, timeout=FAREWELL_S)
        for task in failed:
            task.result()

    async def _tell_ready(self, url: str) -> None:
        """Wait until all serve, and tell; then replace the workers when told to."""
        for slot in self._slots:
            await slot.ready.wait()
        say_ready(url)
        while True:
            await self._replace.wait()
            self._replace.clear()
            log.info("replacing the workers")
            for slot in self._slots:
                if slot.ready.is_set() and slot.child is not None:
                    slot.ready.clear()
                    slot.ending = slot.child
                    await slot.child.end()
                await slot.ready.wait()
            log.info("replaced the workers")

    async def _keep(self, slot: Slot) -> None:
        """Have a worker in this place, one after the other."""
        loop = asyncio.get_running_loop()
        pause_s = RESTART_S_MIN
        while True:
            started_at = loop.time()
            child, how = await self._live(slot)
            if not slot.has_served:
                raise StartError(how)
            if child is not None and slot.ending is child:
                pause_s = RESTART_S_MIN
                continue
            if loop.time() - started_at >= SETTLED_S:
                pause_s = RESTART_S_MIN
            log.error(
                "a worker died",
                process=None if child is None else child.name,
                how=how,
                restart_in_s=pause_s,
            )
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RESTART_S_MAX)

    async def _live(self, slot: Slot) -> tuple[Child | None, str]:
        """Start one worker and wait for its end; say how it ended."""
        config = self._read_again()
        instance = self._instance(slot.number, config)
        name, worker = instance.process, f"worker {slot.number}"
        try:
            child = await Child.start(Job(config, instance))
        except OSError as error:
            return None, f"{worker} could not be started: {reason_of(error)}."
        slot.child = child
        try:
            report = await child.report()
            if isinstance(report, Ready):
                log.info("a worker is ready", process=name, pid=child.pid)
                slot.has_served = True
                slot.ready.set()
            status = await child.wait()
            if isinstance(report, Failed):
                return child, report.sentence
            when = "" if isinstance(report, Ready) else " before it was ready"
            return child, f"{worker} {_end_of(status)}{when}."
        finally:
            # When all is to end we are cancelled above, and the worker lives.
            await child.end()
            slot.ready.clear()
            slot.child = None
            self._bury(name)

    def _read_again(self) -> Config:
        """Return the settings, with secrets as their files have them now."""
        try:
            return read_again(self._config)
        except ConfigError as error:
            log.error("a secret cannot be read; the former one counts", why=str(error))
            return self._config

    def _bury(self, process: str) -> None:
        task = asyncio.create_task(self._end_leases(process), name=f"bury {process}")
        self._burials.add(task)
        task.add_done_callback(self._burials.discard)

    async def _end_leases(self, process: str) -> None:
        """End what a dead worker owned, and tell, as soon as the database answers."""
        events, told = None, False
        while events is None:
            try:
                events = await self._processes.void([process])
            except Unavailable as error:
                if not told:
                    log.warning("leases wait for the database", error=str(error))
                told = True
                await asyncio.sleep(RETRY_S)
        if events:
            log.info(
                "ended the leases of a dead worker", process=process, events=events
            )
        await announce_gone(self._bus, process, events)

    async def _keep_warm(self) -> None:
        """Use our connection now and then: one that broke is made anew."""
        while True:
            await asyncio.sleep(WARM_EVERY_S)
            try:
                await self._processes.cluster()
            except Unavailable as error:
                log.warning("the database does not answer", error=str(error))


async def announce_gone(bus: Bus, process: str, events: list[str]) -> None:
    """Tell the others that a process is dead, and which events have no owner now.

    Told again until somebody heard it: nobody looks for events without a lease.
    """
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + ANNOUNCE_S_MAX
    message = encode(Gone(process, events))
    while True:
        heard: asyncio.Future[int | None] = loop.create_future()
        if bus.publish(ALL, message, partial(_settle, heard)) and await heard:
            return
        if not events or loop.time() > ends_at:
            return
        await asyncio.sleep(RETRY_S)


def _settle(heard: asyncio.Future[int | None], receivers: int | None) -> None:
    if not heard.done():
        heard.set_result(receivers)


def _end_of(status: int) -> str:
    """Say how a process ended."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
