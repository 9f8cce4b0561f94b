"""Cancel the commit path at each of its awaits, over the real journal.

The task under test is stepped by hand: at its nth suspension it is cancelled, and n
goes up until the work ends before it is reached. Whatever was answered then must be
true, every question must have been answered once, and the next owner must find an event
that adds up.
"""

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any
from unittest import mock

from inventory import commands as c
from inventory.actor import EventActor
from inventory.ports import CommitStatus, Envelope
from inventory.replies import Refused, Reply
from persistence import limits
from persistence.journal.audit import audit_event
from persistence.journal.lanes import Lane
from persistence.processes import Processes
from server.base.ids import RandomIds
from tests.fakes import Board, Notes
from tests.faults.proxy import Cut, FaultProxy
from tests.persistence.journals import Store, make_batch, open_store
from tests.scenario import hall, settings_of

VENUE = hall("A 111111111111", "B 111111111111", areas={"GA": (500, "1")})
SETTINGS = settings_of(max_per_user=10_000)
ADDRESS = "cancels"
WAVES = 3
ANSWERED_S = 60.0
POINTS_MAX = 400


@types.coroutine
def stepped(
    work: Coroutine[Any, Any, Any], at: int, strike: Callable[[], None]
) -> Generator[Any, Any, Any]:
    """Drive a coroutine, and strike when it is suspended for the `at`th time."""
    count = 0
    error: BaseException | None = None
    while True:
        try:
            waits_for = work.send(None) if error is None else work.throw(error)
        except StopIteration as done:
            return done.value
        count += 1
        if count == at:
            strike()
        error = None
        try:
            yield waits_for
        except BaseException as raised:
            error = raised


class Walk:
    """How far a walk came, and what it found."""

    def __init__(self) -> None:
        self.points = 0
        self.violations: list[str] = []
        self.acknowledged = 0


class StruckActor(EventActor):
    """An actor whose task is cancelled at one of its awaits."""

    strike_at = 0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.struck = False
        super().__init__(*arguments, **options)

    async def _run(self) -> None:
        def strike() -> None:
            self.struck = True
            asyncio.get_running_loop().call_soon(self.task.cancel)

        await stepped(super()._run(), self.strike_at, strike)


class Asker:
    """Asks keyed commands and counts how often each was answered."""

    def __init__(self, event: str) -> None:
        self.event = event
        self.answers: dict[str, list[Reply]] = {}
        self.content = asyncio.Event()
        self.kept: set[str] = set()
        """Keys that had their effect before the present walk."""

    def envelope(self, command: c.AnyCommand, key: str) -> Envelope:
        told = self.answers.setdefault(key, [])

        self.content.clear()

        def reply(_: Envelope, answer: Reply) -> None:
            told.append(answer)
            if all(self.answers.values()):
                self.content.set()

        command.key = key
        return Envelope(command, "ann", False, reply, key, key.encode(), 100)


async def walk_actor(
    url: str, proxy: FaultProxy | None = None, event: str = "evt_cancels"
) -> Walk:
    """Cancel an actor at each await between taking the event and giving it up.

    With a proxy before the database one commit of each walk loses its answer, so that
    the awaits of its resolution are among them.
    """
    walk = Walk()
    through = url if proxy is None else proxy.url
    async with open_store(through, ADDRESS, call_deadline_s=1.0) as store:
        await store.catalog.create_venue(
            f"ven_{event}", "Hall", VENUE.map, created_by="usr", request_hash=b""
        )
        await store.catalog.create_event(
            event, SETTINGS, venue=f"ven_{event}", created_by="usr", request_hash=b""
        )
        asker = Asker(event)
        for point in range(1, POINTS_MAX):
            struck = await _strike_actor(store, asker, walk, point, proxy)
            if not struck:
                break
            walk.points = point
        if proxy is not None:
            proxy.pass_on()
        await _check_pool(store, walk)
    receipt = await audit_event(url, event)
    walk.violations += receipt.differences
    return walk


def _actor(store: Store, event: str, point: int) -> StruckActor:
    kind = type("Struck", (StruckActor,), {"strike_at": point})
    made = kind(
        event,
        VENUE,
        SETTINGS,
        journal=store.journal,
        publisher=Board(),
        clock=store.journal.clock,
        ids=RandomIds(),
        observer=Notes(),
    )
    assert isinstance(made, StruckActor)
    return made


async def _strike_actor(
    store: Store, asker: Asker, walk: Walk, point: int, proxy: FaultProxy | None
) -> bool:
    await Processes(store.pool).void([ADDRESS])
    actor = _actor(store, asker.event, point)
    for wave in range(WAVES):
        if proxy is not None and wave == 1:
            proxy.cut_commit(1, Cut.SWALLOW)
        for n in range(4):
            # The first one is asked anew in each walk: its answer must not change.
            key = "first" if (wave, n) == (0, 0) else f"{point}-{wave}-{n}"
            command = c.Hold(id=n, event=asker.event, areas={"GA": 1}, ttl_s=1)
            actor.offer(asker.envelope(command, key))
        await _answered(actor, asker)
    await actor.stop(2.0)
    await _judge(store, asker, walk, point)
    return actor.struck


async def _answered(actor: StruckActor, asker: Asker) -> None:
    """Wait until all are answered, or the actor is no more."""
    waiting = asyncio.create_task(asker.content.wait())
    ends: list[asyncio.Future[Any]] = [waiting, actor.task]
    await asyncio.wait(ends, timeout=ANSWERED_S, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


async def _judge(store: Store, asker: Asker, walk: Walk, point: int) -> None:
    """Hold the answers against the table, and let the next owner answer again."""
    rows = await store.query(
        "SELECT key, version FROM command_result WHERE event_id = $1", asker.event
    )
    stored = dict(rows)
    for key, told in asker.answers.items():
        where = f"cancelled at await {point}, key {key}:"
        if len(told) != 1:
            walk.violations.append(f"{where} answered {len(told)} times")
        for answer in told:
            if not isinstance(answer, Refused):
                walk.acknowledged += 1
                if stored.get(key) != answer.version:
                    walk.violations.append(f"{where} acknowledged and not stored")
            elif (
                answer.code != "outcome_unknown"
                and key in stored
                and key not in asker.kept
            ):
                walk.violations.append(f"{where} {answer.code}, and it happened")
        # What nobody knew may have been stored while we looked.
        if any(answer.code == "outcome_unknown" for answer in refusals(told)):
            asker.kept.add(key)
    asker.answers.clear()
    asker.kept |= set(stored)


def refusals(told: list[Reply]) -> list[Refused]:
    return [answer for answer in told if isinstance(answer, Refused)]


async def _check_pool(store: Store, walk: Walk) -> None:
    """All connections of the pool are there still."""
    sql = "SELECT pg_sleep(0.1), pg_backend_pid()"
    try:
        async with asyncio.timeout(60):
            rows = await asyncio.gather(
                *(store.pool.fetch(sql) for _ in range(limits.READ_CONNECTIONS_MAX))
            )
    except TimeoutError:
        walk.violations.append("the pool has lost a connection")
    else:
        if len({row[0]["pg_backend_pid"] for row in rows}) < len(rows):
            walk.violations.append("the pool has lost a connection")


async def walk_lane(url: str) -> Walk:
    """Cancel a lane at each of its awaits, as closing without patience does."""
    walk = Walk()
    async with open_store(url, ADDRESS) as store:
        await store.catalog.create_venue(
            "ven_lane", "Hall", VENUE.map, created_by="usr", request_hash=b""
        )
        for point in range(1, POINTS_MAX):
            event = f"evt_lane_{point}"
            await store.catalog.create_event(
                event, SETTINGS, venue="ven_lane", created_by="usr", request_hash=b""
            )
            if not await _strike_lane(url, store, walk, point, event):
                break
            walk.points = point
    return walk


async def _strike_lane(
    url: str, store: Store, walk: Walk, point: int, event: str
) -> bool:
    struck = False
    run = Lane._run

    async def struck_run(lane: Lane) -> None:
        def strike() -> None:
            nonlocal struck
            struck = True
            asyncio.get_running_loop().call_soon(lane._task.cancel)

        await stepped(run(lane), point, strike)

    with mock.patch.object(Lane, "_run", struck_run):
        async with open_store(url, ADDRESS, lanes=1) as one:
            ownership = await one.journal.acquire(event)
            assert ownership is not None
            told = []
            for _ in range(3):
                async with asyncio.timeout(ANSWERED_S):
                    batch = make_batch(ownership)
                    told.append((await one.commit(ownership, batch), batch.batch_id))
    # What was on its way when its connection was closed has come by then, or never.
    await asyncio.sleep(0.05)
    sql = "SELECT batch_id FROM journal WHERE event_id = $1"
    stored = {batch_id for (batch_id,) in await store.query(sql, event)}
    for status, batch_id in told:
        walk.acknowledged += status is CommitStatus.COMMITTED
        wrong = (status is CommitStatus.COMMITTED) != (batch_id in stored)
        if wrong and status is not CommitStatus.AMBIGUOUS:
            walk.violations.append(
                f"cancelled at await {point}: {status} for a batch that is"
                f" {'' if batch_id in stored else 'not '}stored"
            )
    return struck
