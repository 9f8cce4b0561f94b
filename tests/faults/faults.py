"""The faults, each a function that does it once and judges what came of it.

Deadlines are those that the design promises: an owner that was killed sells again soon
after its restart (L1), an ambiguous commit is resolved within 3 s of the database's
answering (L2), commits flow within 5 s of its accepting connections again (L3), and
every command gets some answer within 10 s (L5, in `Ledger.late_answers`).
"""

import asyncio
import random
import signal
import subprocess
import time
from collections.abc import Callable

import asyncpg

from tests.faults.cancels import Walk, walk_actor, walk_lane
from tests.faults.proxy import Cut, FaultProxy
from tests.faults.rig import Json, Result, Rig

RESTART_S = 5.0
RESOLVED_S = 3.0
ACCEPTS_S = 5.0
EXIT_S = 10.0
FIRE_S_MAX = 60.0
LEASE_S = 10.0

Fault = Callable[[Rig, int, random.Random], Result]


def kill(rig: Rig, number: int, dice: random.Random) -> Result:
    """`kill -9` of the server at a random moment, and a warm restart."""
    before = rig.counts()
    rig.run(dice.uniform(0.1, 0.5))
    healed = rig.kill_and_restart()
    return rig.judge("kill -9", number, before, healed, RESTART_S)


def freeze_server(rig: Rig, number: int, dice: random.Random) -> Result:
    """SIGSTOP the server for less than its lease."""
    before = rig.counts()
    rig.run(dice.uniform(0.05, 0.2))
    length_s = dice.uniform(0.5, 1.5) if number % 8 else dice.uniform(3.0, 9.0)
    with rig.frozen_server():
        rig.run(length_s)
    note = f"stopped for {length_s:.1f} s"
    healed = time.monotonic()
    return rig.judge("freeze server", number, before, healed, RESOLVED_S, note)


def freeze_past_lease(rig: Rig, number: int, dice: random.Random) -> Result:
    """SIGSTOP the server past its lease; a rival takes the event meanwhile."""
    before = rig.counts()
    with rig.frozen_server():
        rig.run(LEASE_S + dice.uniform(0.5, 2.0))
        taken = asyncio.run(_take_over(rig.database.url, rig.event))
    healed = time.monotonic()
    result = rig.judge("freeze past lease", number, before, healed, RESOLVED_S)
    if not taken:
        result.violations.append("the lease of a frozen owner could not be taken")
    return result


async def _take_over(url: str, event: str) -> bool:
    """Own the event for a moment, so that the former owner is fenced."""
    acquire = "SELECT status FROM acquire_head($1, 'rival', 'rival', 10000)"
    release = (
        "UPDATE event_head SET owner_token = NULL, lease_until = '-infinity'"
        " WHERE event_id = $1 AND owner_token = 'rival'"
    )
    connection = await asyncpg.connect(url)
    try:
        status = await connection.fetchval(acquire, event)
        await connection.execute(release, event)
    finally:
        await connection.close()
    return bool(status == "acquired")


def freeze_postgres(rig: Rig, number: int, dice: random.Random) -> Result:
    """SIGSTOP every process of Postgres."""
    before = rig.counts()
    rig.run(dice.uniform(0.05, 0.2))
    length_s = 3.0 if number % 4 else dice.uniform(5.0, 10.0)
    with rig.database.frozen():
        rig.run(length_s)
    note = f"stopped for {length_s:.1f} s"
    healed = time.monotonic()
    return rig.judge("freeze Postgres", number, before, healed, RESOLVED_S, note)


def stop_postgres(rig: Rig, number: int, dice: random.Random) -> Result:
    """Stop Postgres in order and start it again."""
    before = rig.counts()
    rig.run(dice.uniform(0.1, 0.3))
    rig.database.stop()
    rig.run(dice.uniform(0.0, 1.5))
    rig.proxy.upstream = rig.database.start()
    healed = time.monotonic()
    return rig.judge("stop Postgres", number, before, healed, ACCEPTS_S)


def crash_postgres(rig: Rig, number: int, dice: random.Random) -> Result:
    """Stop Postgres at once and start it again: it recovers from its log."""
    before = rig.counts()
    rig.run(dice.uniform(0.1, 0.3))
    rig.database.crash()
    rig.proxy.upstream = rig.database.start()
    healed = time.monotonic()
    return rig.judge("crash Postgres", number, before, healed, ACCEPTS_S)


def kill_backend(rig: Rig, number: int, dice: random.Random) -> Result:
    """SIGKILL one backend: Postgres ends all of them and recovers."""
    before = rig.counts()
    rig.run(dice.uniform(0.1, 0.3))
    rig.database.kill_backend()
    rig.run(0.05)
    wait_until_accepting(rig)
    healed = time.monotonic()
    return rig.judge("kill a backend", number, before, healed, ACCEPTS_S)


def wait_until_accepting(rig: Rig, within_s: float = 30.0) -> None:
    """Wait until Postgres accepts connections."""

    async def ask() -> bool:
        try:
            connection = await asyncpg.connect(rig.database.url, timeout=1)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    deadline = time.monotonic() + within_s
    while not asyncio.run(ask()):
        if time.monotonic() > deadline:
            raise RuntimeError("Postgres did not come back")
        time.sleep(0.02)


def cut_commit(rig: Rig, number: int, dice: random.Random) -> Result:
    """Cut the connection at a commit: its answer is lost, or it arrives late."""
    how = [Cut.BEFORE_READY, Cut.SWALLOW, Cut.LATE, Cut.HALF_REQUEST][number % 4]
    before = rig.counts()
    late_s = dice.choice([0.0, 0.002, 0.01, 0.05, 0.3, 1.0])
    rig.proxy.cut_commit(dice.randint(1, 8), how, late_s)
    healed = _fired(rig)
    name = how.name.lower().replace("_", " ")
    return rig.judge("cut commit", number, before, healed, RESOLVED_S, name)


def _fired(rig: Rig) -> float:
    if not rig.proxy.fired.wait(FIRE_S_MAX):
        raise RuntimeError("no commit came by to be cut")
    return rig.proxy.fired_at


def cut_byte(rig: Rig, number: int, dice: random.Random) -> Result:
    """Cut the connection in the middle of whatever is on its way."""
    before = rig.counts()
    rig.proxy.cut_after(dice.randint(1, 200_000))
    healed = _fired(rig)
    return rig.judge("cut at a byte", number, before, healed, RESOLVED_S)


def reset(rig: Rig, number: int, dice: random.Random) -> Result:
    """Reset, or close in one direction, every connection to Postgres."""
    before = rig.counts()
    rig.run(dice.uniform(0.05, 0.3))
    if number % 2:
        rig.proxy.half_close()
    else:
        rig.proxy.reset()
    healed = time.monotonic()
    note = "half-close" if number % 2 else "reset"
    return rig.judge("reset", number, before, healed, RESOLVED_S, note)


def refuse(rig: Rig, number: int, dice: random.Random) -> Result:
    """Let nobody connect to Postgres for a while."""
    before = rig.counts()
    rig.proxy.refuse()
    rig.run(dice.uniform(0.5, 4.0))
    rig.proxy.pass_on()
    healed = time.monotonic()
    return rig.judge("refuse", number, before, healed, RESOLVED_S)


def blackhole(rig: Rig, number: int, dice: random.Random) -> Result:
    """Let nothing through, in both directions, and then all of it."""
    before = rig.counts()
    length_s = dice.uniform(1.0, 8.0)
    rig.proxy.blackhole()
    rig.run(length_s)
    rig.proxy.pass_on()
    healed = time.monotonic()
    note = f"for {length_s:.1f} s"
    return rig.judge("blackhole", number, before, healed, RESOLVED_S, note)


def blackhole_recovery(rig: Rig, number: int, dice: random.Random) -> Result:
    """Lose a commit's answer, and then the database while the event recovers."""
    before = rig.counts()
    rig.proxy.cut_commit(1, Cut.SWALLOW)
    _fired(rig)
    rig.run(dice.uniform(0.0, 0.06))
    rig.proxy.blackhole()
    rig.run(13.0)
    rig.proxy.pass_on()
    healed = time.monotonic()
    return rig.judge("blackhole recovery", number, before, healed, RESOLVED_S)


def delay(rig: Rig, number: int, dice: random.Random) -> Result:
    """Make each way to and from Postgres take long."""
    before = rig.counts()
    milliseconds = dice.choice([5, 20, 100, 250, 500])
    rig.proxy.delay(milliseconds, jitter=milliseconds / 2)
    rig.run(2.5)
    during = rig.counts()
    rig.proxy.pass_on()
    healed = time.monotonic()
    accepted = during.get("ok", 0) - before.get("ok", 0)
    note = f"{milliseconds} ms each way, {accepted} accepted meanwhile"
    return rig.judge("delay", number, before, healed, RESOLVED_S, note)


def terminate(rig: Rig, number: int, dice: random.Random) -> Result:
    """SIGTERM in the middle of the sale."""
    before = rig.counts()
    rig.run(dice.uniform(0.1, 0.5))
    return _terminate(rig, "SIGTERM", number, before)


def terminate_without_database(rig: Rig, number: int, dice: random.Random) -> Result:
    """SIGTERM while no database answers."""
    before = rig.counts()
    rig.run(dice.uniform(0.1, 0.3))
    if number % 2:
        rig.proxy.refuse()
    else:
        rig.proxy.blackhole()
    rig.run(dice.uniform(0.0, 3.0))
    return _terminate(rig, "SIGTERM, no database", number, before)


def _terminate(rig: Rig, kind: str, number: int, before: Json) -> Result:
    began = time.monotonic()
    code: int | None = None
    process = rig.server.process
    assert process is not None
    process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(3 * EXIT_S)
    except subprocess.TimeoutExpired:
        rig.server.kill()
    exit_s = time.monotonic() - began
    rig.server.process = None
    rig.proxy.pass_on()
    rig.server.start()
    healed = time.monotonic()
    rig.stopped.append((began, healed))
    result = rig.judge(
        kind, number, before, healed, RESTART_S, f"exit {code} after {exit_s:.2f} s"
    )
    if code != 0 or exit_s > EXIT_S * rig.slack:
        result.violations.append(f"ended with {code} after {exit_s:.1f} s")
    return result


def combined(rig: Rig, number: int, dice: random.Random) -> Result:
    """Two things at once: a slow, cut or frozen database, and a killed server."""
    before = rig.counts()
    first = dice.choice(["delay", "cut", "late", "freeze"])
    if first == "delay":
        rig.proxy.delay(50, jitter=50)
    elif first == "cut":
        rig.proxy.cut_commit(1, Cut.BEFORE_READY)
    elif first == "late":
        rig.proxy.cut_commit(1, Cut.LATE, 2.0)
    if first == "freeze":
        with rig.database.frozen():
            rig.run(dice.uniform(0.1, 2.0))
            began = time.monotonic()
            rig.server.kill()
    else:
        rig.run(dice.uniform(0.05, 0.3))
        began = time.monotonic()
        rig.server.kill()
    rig.server.start()
    rig.proxy.pass_on()
    healed = time.monotonic()
    rig.stopped.append((began, healed))
    note = f"{first}, then kill -9"
    return rig.judge("combined", number, before, healed, RESTART_S, note)


def cancel(rig: Rig, number: int, dice: random.Random) -> Result:
    """Cancel every await of the commit path, of actors and a lane of our own."""
    before = rig.counts()
    url = rig.database.url
    proxy = FaultProxy(url, rig.seed).start()
    try:
        walks = asyncio.run(_walk(url, proxy, f"{rig.seed}_{number}"))
    finally:
        proxy.stop()
    points = sum(walk.points for walk in walks)
    healed = time.monotonic()
    note = f"at {points} awaits"
    result = rig.judge("cancel", number, before, healed, RESOLVED_S, note)
    for walk in walks:
        result.violations += walk.violations
    return result


async def _walk(url: str, proxy: FaultProxy, name: str) -> list[Walk]:
    return [
        await walk_actor(url, event=f"evt_walk_{name}"),
        await walk_actor(url, proxy, event=f"evt_cut_{name}"),
        await walk_lane(url),
    ]
