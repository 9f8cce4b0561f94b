"""Rehearsals of events, for those who manage them: one child at a time.

Concurrency: a task for each that runs here; whoever asks again finds the row. What runs
in a process that dies is told as failed once it is older than any may be.
"""

import asyncio
from hashlib import sha256
from typing import Final

import msgspec
import structlog
from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from inventory.line import draw
from inventory.ports import Clock, Ids
from inventory.records import FREE
from inventory.replies import refuse
from inventory.settings import LineSettings, Settings
from persistence.errors import Unavailable
from persistence.events.line.rehearsals import Rehearsal, Rehearsals
from server.base.identity import Identity
from server.base.refusals.refusals import CommandRefused, Refusal
from server.events.catalogue.service import EventService, FoundEvent
from server.events.line.opening import rules_for
from server.events.line.rehearsal.people import Mix
from server.events.line.rehearsal.problems import REHEARSAL_NOT_FOUND
from server.events.line.rehearsal.running import RehearsalJob
from server.transport.children.workshop import Busy, Failed, Workshop

MODULE: Final = "server.events.line.rehearsal.running"
MEMORY_BYTES: Final = 1 << 30
CPU_S: Final = 55
WAITING_MAX: Final = 3
RETRY_MS: Final = 30_000
BEFORE_MS: Final = 60_000
DAY_MS: Final = 86_400_000

log = structlog.get_logger()


class Asked(Struct, frozen=True):
    """What is to be rehearsed: so many people, who come within so many seconds."""

    people: int
    seconds: int
    mix: Mix
    seed: int


class RehearsalService:
    """Runs rehearsals. Raises `Unavailable`, and `Refusal`."""

    def __init__(
        self,
        events: EventService,
        rehearsals: Rehearsals,
        clock: Clock,
        ids: Ids,
        workshop: Workshop | None = None,
    ) -> None:
        self.rehearsals = rehearsals
        self._events = events
        self._clock = clock
        self._ids = ids
        self._workshop = workshop or Workshop(
            MODULE,
            at_once_max=1,
            waiting_max=WAITING_MAX,
            memory_bytes=MEMORY_BYTES,
            cpu_s=CPU_S,
        )
        self.running: dict[str, asyncio.Task[None]] = {}
        self._begun = 0
        """Rehearsals that have a place in the workshop, or will."""

    async def start(
        self, who: Identity, event: str, asked: Asked, key: str | None
    ) -> tuple[Rehearsal, bool]:
        """Begin a rehearsal; with the same key it is the same one.

        Returns whether it is new, too.
        """
        found = await self._events.find_managed(who, event)
        text = msgspec.json.encode(asked, order="deterministic").decode()
        name = self._ids.token()
        if key is not None:
            name = sha256(f"{who.user}\n{event}\n{key}".encode()).hexdigest()[:32]
            former = await self.rehearsals.find(event, name)
            if former is not None:
                if msgspec.json.decode(former.asked, type=Asked) != asked:
                    raise Refusal("key_reused")
                return former, False
        if self._begun >= self._workshop.places:
            raise _overloaded()
        self._begun += 1
        try:
            made = await self.rehearsals.begin(name, event, text, who.user)
        except BaseException:
            self._begun -= 1
            raise
        task = asyncio.create_task(self._run(name, found, asked), name="rehearsal")
        self.running[name] = task
        task.add_done_callback(lambda _: self._over(name))
        return made, True

    async def find(self, who: Identity, event: str, name: str) -> Rehearsal:
        """Return a rehearsal of an event."""
        await self._events.find_managed(who, event)
        found = await self.rehearsals.find(event, name)
        if found is None:
            raise Refusal(REHEARSAL_NOT_FOUND)
        return found

    async def managed(self, who: Identity, event: str) -> None:
        """Refuse who may not see the rehearsals of an event."""
        await self._events.find_managed(who, event)

    async def forget(self, who: Identity, event: str, name: str) -> None:
        """End a rehearsal that runs here, and forget it."""
        await self._events.find_managed(who, event)
        task = self.running.get(name)
        if task is not None:
            task.cancel()
        if not await self.rehearsals.forget(event, name):
            raise Refusal(REHEARSAL_NOT_FOUND)

    async def close(self) -> None:
        """End what runs; it is told as failed later."""
        tasks = list(self.running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _over(self, name: str) -> None:
        self.running.pop(name, None)
        self._begun -= 1

    async def _run(self, name: str, event: FoundEvent, asked: Asked) -> None:
        job = job_of(event, asked, self._clock.now_ms())
        report: str | None = None
        try:
            encoded = await asyncio.to_thread(msgspec.msgpack.encode, job)
            report = (await self._workshop.run(encoded)).decode()
        except (Busy, Failed) as error:
            log.warning("a rehearsal failed", event_id=event.id, reason=repr(error))
        except RuntimeError as error:
            log.error("a rehearsal stumbled", event_id=event.id, reason=str(error))
        try:
            await self.rehearsals.end(name, report)
        except Unavailable as error:
            log.warning("a report is lost", event_id=event.id, reason=str(error))


def job_of(event: FoundEvent, asked: Asked, now_ms: int) -> RehearsalJob:
    """Return a rehearsal of an event: its settings, its map, and what is free today."""
    board = event.board
    settings = rehearsed(board.settings, now_ms)
    assert settings.on_sale_at_ms is not None
    rules = rules_for(event.id, 1, settings, now_ms, None)
    return RehearsalJob(
        event.id,
        board.venue.map,
        settings,
        draw.text_of(rules).decode(),
        now_ms,
        settings.on_sale_at_ms,
        tuple(seat for seat, letter in enumerate(board.letters) if letter != FREE),
        {
            number: sum(counts[1:])
            for number, counts in enumerate(board.areas)
            if any(counts[1:])
        },
        asked.mix,
        asked.seed,
        asked.people,
        asked.seconds,
    )


def rehearsed(settings: Settings, now_ms: int) -> Settings:
    """Return settings of a sale that opens in a while, and goes on long enough.

    Without a line in front of it, it is rehearsed with a drawn one.
    """
    terms = settings.line
    if terms is None or terms.mode == "list":
        terms = LineSettings()
    opens_ms = now_ms + 1_000 * terms.closes_before_s + BEFORE_MS
    return replace(
        settings,
        sale_state="scheduled",
        on_sale_at_ms=opens_ms,
        off_sale_at_ms=None,
        starts_at_ms=opens_ms + 30 * DAY_MS,
        ends_at_ms=None,
        completes_at_ms=None,
        line=replace(terms, beacon=None, gather_at_ms=0, opens_at_ms=None),
    )


def _overloaded() -> CommandRefused:
    refused = refuse("overloaded", "Other rehearsals run: come again later.")
    refused.retry_after_ms = RETRY_MS
    return CommandRefused(refused)


REHEARSALS: Final = web.AppKey("rehearsals", RehearsalService)
