"""What `python -m tests.cluster` does to processes, often, and what it measures."""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.cluster.conftest import RedisServer
from tests.cluster.processes.clusters import Cluster, Machines, Wire, Workers, frozen
from tests.cluster.processes.sale import Sale, selling
from tests.cluster.processes.till import till
from tests.database import RunServer, drop_database, make_database, make_template
from tests.faults.plan import Report
from tests.faults.rig import SNAPSHOT_FIELDS, Result

ROUNDS_PER_EVENT = 20
"""Then a new event begins, and the former one is judged."""

WORKERS = 4
LOG_TAIL = 20_000
LEASE_S_MAX = 13.0
SOON_S_MAX = 1.0
REDIS_S_MAX = 5.0
REPLACED = '"event":"replaced the workers"'


@dataclass
class Ground:
    """Where a fault takes place."""

    cluster: Cluster
    redis: RedisServer
    wire: Wire

    @property
    def workers(self) -> Workers:
        assert isinstance(self.cluster, Workers)
        return self.cluster

    @property
    def machines(self) -> Machines:
        assert isinstance(self.cluster, Machines)
        return self.cluster


Fault = Callable[[Ground, Sale, random.Random], tuple[float, str]]
"""Does something once; returns the seconds that it cost, and a note."""


def owner_pid(ground: Ground, sale: Sale) -> int:
    async def find() -> int:
        owner = await ground.cluster.owner(sale.event, ground.cluster.home.url)
        every = await ground.cluster.processes(ground.cluster.home.url)
        (found,) = [one for one in every if one["process"] == owner["process"]]
        return int(found["pid"])

    return asyncio.run(find())


def kill_owner(ground: Ground, sale: Sale, dice: random.Random) -> tuple[float, str]:
    """`kill -9` of the worker that owns the event."""
    pid = owner_pid(ground, sale)
    sale.run(dice.uniform(0.0, 0.3))
    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    took = sale.flows(killed)
    wait_for_all(ground)
    return took, ""


def wait_for_all(ground: Ground) -> None:
    """Wait until every process listens again."""
    ends = time.monotonic() + 30
    while len(ground.cluster.live_urls()) < len(ground.cluster.urls):
        if time.monotonic() > ends:
            raise RuntimeError("a process did not come back")
        time.sleep(0.02)


def rolling(ground: Ground, sale: Sale, dice: random.Random) -> tuple[float, str]:
    """SIGHUP: every worker replaced, one after the other."""
    sale.run(dice.uniform(0.0, 0.3))
    since, began = ground.workers.home.log_size(), time.monotonic()
    ground.workers.signal(signal.SIGHUP)
    longest = 0.0
    while REPLACED not in ground.workers.home.log(since):
        longest = max(longest, sale.flows(time.monotonic()))
    took = time.monotonic() - began
    return longest, f"longest pause; all replaced in {took:.2f} s"


def move(ground: Ground, sale: Sale, dice: random.Random) -> tuple[float, str]:
    """Let an operator move the event."""
    url = dice.choice(ground.cluster.urls)
    began = time.monotonic()
    asyncio.run(ground.cluster.move(sale.event, url))
    took = time.monotonic() - began
    return sale.flows(began), f"all named the owner after {took:.2f} s"


def terminate(ground: Ground, sale: Sale, dice: random.Random) -> tuple[float, str]:
    """SIGTERM of the machine that owns the event, and its return."""
    url = asyncio.run(ground.cluster.owner(sale.event))["address"]
    server = ground.machines.server_at(url)
    assert server.process is not None
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    pause_s = sale.flows(began)
    code = server.process.wait(10)
    took = time.monotonic() - began
    server.process = None
    if code:
        raise RuntimeError(f"it ended with {code}")
    server.start()
    return pause_s, f"it was gone after {took:.2f} s"


def kill_machine(ground: Ground, sale: Sale, dice: random.Random) -> tuple[float, str]:
    """`kill -9` of an owner whose death nobody sees."""
    url = asyncio.run(ground.cluster.owner(sale.event))["address"]
    sale.run(dice.uniform(0.0, 0.5))
    killed = time.monotonic()
    ground.machines.server_at(url).kill()
    took = sale.flows(killed)
    ground.machines.server_at(url).start()
    return took, ""


def freeze_machine(
    ground: Ground, sale: Sale, dice: random.Random
) -> tuple[float, str]:
    """SIGSTOP of an owner past its lease, then SIGCONT."""
    url = asyncio.run(ground.cluster.owner(sale.event))["address"]
    process = ground.machines.server_at(url).process
    assert process is not None
    began = time.monotonic()
    with frozen(process.pid):
        took = sale.flows(began)
        sale.run(dice.uniform(0.0, 2.0))
    sale.stopped.append((began, time.monotonic()))
    sale.run(1.0)
    return took, ""


def with_watchers(
    ground: Ground, hurt: Callable[[], Iterator[None]], seconds: float, at: int
) -> tuple[float, str]:
    """Hurt Redis for so long while one machine sells; return when all are equal."""

    async def run() -> tuple[float, str]:
        async with till(ground.cluster, ground.cluster.urls[at]) as one:
            with contextmanager(hurt)():
                await asyncio.sleep(seconds)
            took = await one.until_equal()
        note = f"out for {seconds:.1f} s, owner's slowest {one.slowest_s:.3f} s"
        return took, note

    return asyncio.run(run())


def kill_redis(ground: Ground, sale: Sale, dice: random.Random) -> tuple[float, str]:
    """Redis killed, and started again empty."""

    def hurt() -> Iterator[None]:
        ground.redis.kill()
        yield
        ground.redis.start()

    return with_watchers(ground, hurt, dice.choice([0.5, 2.0, 10.0, 10.0]), 0)


def freeze_redis(ground: Ground, sale: Sale, dice: random.Random) -> tuple[float, str]:
    """SIGSTOP of Redis."""

    def hurt() -> Iterator[None]:
        ground.redis.freeze()
        yield
        ground.redis.thaw()

    return with_watchers(ground, hurt, dice.uniform(0.5, 6.0), 0)


def drop_clients(ground: Ground, sale: Sale, dice: random.Random) -> tuple[float, str]:
    """`CLIENT KILL` of all that listen, or of all that speak."""
    kind = dice.choice(["pubsub", "normal"])

    def hurt() -> Iterator[None]:
        ground.redis.ask("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        yield

    return with_watchers(ground, hurt, 0.05, dice.randrange(3))


def cut_off(ground: Ground, sale: Sale, dice: random.Random) -> tuple[float, str]:
    """One machine does not reach Redis; it owns the event, or another does."""

    def hurt() -> Iterator[None]:
        with ground.wire.parted():
            yield

    return with_watchers(ground, hurt, dice.uniform(0.5, 6.0), dice.randrange(3))


@dataclass(frozen=True)
class Kind:
    """A fault, the kind of cluster that it is done to, and what it may cost."""

    name: str
    fault: Fault
    workers: bool
    times: int
    within_s: float


KINDS: Sequence[Kind] = (
    Kind("kill-owner", kill_owner, True, 100, SOON_S_MAX),
    Kind("rolling", rolling, True, 20, SOON_S_MAX),
    Kind("move-worker", move, True, 100, SOON_S_MAX),
    Kind("move", move, False, 100, SOON_S_MAX),
    Kind("terminate", terminate, False, 20, SOON_S_MAX),
    Kind("kill-redis", kill_redis, False, 50, REDIS_S_MAX),
    Kind("freeze-redis", freeze_redis, False, 20, REDIS_S_MAX),
    Kind("drop-clients", drop_clients, False, 20, REDIS_S_MAX),
    Kind("cut-off", cut_off, False, 20, REDIS_S_MAX),
    Kind("kill-machine", kill_machine, False, 10, LEASE_S_MAX),
    Kind("freeze-machine", freeze_machine, False, 20, LEASE_S_MAX),
)


@contextmanager
def ground_for(*, workers: bool) -> Iterator[Ground]:
    """Start Postgres, Redis and processes."""
    postgres = RunServer()
    redis = RedisServer()
    try:
        server_url = postgres.start()
        database_url = make_database(server_url, make_template(server_url))
        wire = Wire(redis.start().socket).start()
        cluster: Workers | Machines
        if workers:
            cluster = Workers(database_url, WORKERS)
        else:
            cluster = Machines(database_url, [redis.url, redis.url, wire.url])
        try:
            yield Ground(cluster.start(), redis, wire)
        except BaseException:
            for server in cluster.servers:
                sys.stderr.write(server.log()[-LOG_TAIL:])
            raise
        finally:
            cluster.remove()
            wire.stop()
            drop_database(server_url, database_url)
    finally:
        redis.remove()
        postgres.stop()


def run(report: Report, kind: Kind, times: int, seed: int) -> None:
    """Do one kind of fault so often, and judge every sale."""
    with ground_for(workers=kind.workers) as ground:
        for first in range(1, times + 1, ROUNDS_PER_EVENT):
            last = min(times, first + ROUNDS_PER_EVENT - 1)
            with selling(ground.cluster) as sale:
                for number in range(first, last + 1):
                    dice = random.Random(f"{seed} {kind.name} {number}")
                    report.add(do(ground, sale, kind, number, dice))
                found = sale.judge()
                counts = {name: sale.counts().get(name, 0) for name in SNAPSHOT_FIELDS}
                note = f"{len(sale.ledger.lines)} operations judged by the witness"
                report.add(
                    Result(f"{kind.name}: settled", last, None, counts, found, note)
                )
                if found:
                    raise RuntimeError(f"what was seen is kept in {sale.folder}")


def do(
    ground: Ground, sale: Sale, kind: Kind, number: int, dice: random.Random
) -> Result:
    """Do it once; check what was acknowledged, and audit."""
    before = sale.counts()
    took, note = kind.fault(ground, sale, dice)
    now = sale.counts()
    counts = {name: now.get(name, 0) - before.get(name, 0) for name in SNAPSHOT_FIELDS}
    result = Result(kind.name, number, took, counts, note=note)
    result.violations += sale.ledger.check()
    if took > kind.within_s:
        result.violations.append(f"{took:.2f} s, and {kind.within_s} s are allowed")
    return result
