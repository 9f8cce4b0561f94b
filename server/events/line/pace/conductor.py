"""Gives turns at a pace, beside the owner, and tells the guard what they take.

Concurrency: one task for an event whose line stands in front of its sale and in which
somebody waits; nothing runs for others. It looks four times a second.

Invariants: a turn is given by the event alone, which knows who is next and how many may
choose at once; this only says how often it is asked.
"""

import asyncio
from collections import Counter
from functools import partial
from time import monotonic
from typing import Final

import structlog
from aiohttp import web

from inventory.commands import GiveTurn, TuneLine
from inventory.line.line import AWAY, DONE, TURN, WAITING, Line
from inventory.line.serving import free_places
from inventory.ports import Publication
from inventory.replies import Refused
from inventory.rules.line_turns import no_turns
from inventory.state import Stock
from server.base.pressure.pressure import Pressure
from server.events.line.pace.averages import Averages, Takes
from server.events.line.pace.rate import BATCH_MAX, Rate, rates
from server.events.line.pace.taking import TurnWatch
from server.live.actors.registry import EventRegistry, LocalEvent, ask

TICK_S: Final = 0.25
SCAN_S: Final = 1.0
ROUNDS_MAX: Final = 40
"""So many times 64 turns are asked for in one go, where no pace is set."""

log = structlog.get_logger()


class Conductor:
    """Leads the line of one event that this process owns."""

    def __init__(
        self, local: LocalEvent, pressure: Pressure, moves: Counter[str]
    ) -> None:
        self.local = local
        self.moves = moves
        """How often a pace moved, by why; of all that are led here."""
        self.watch = TurnWatch()
        self.rate: Rate | None = None
        """None where turns are given as fast as they can be."""
        self.averages: Averages | None = None
        """None before somebody waited."""
        self._pressure = pressure
        self._event = local.actor.event
        self._set: tuple[int, int | None] | None = None

    def heard(self, publication: Publication, now: float) -> None:
        """Take note of turns that were given or ended: for each batch that has some."""
        stock, averages = self.local.actor.stock, self.averages
        if stock is None or averages is None:
            return
        # Who was given one and booked within the same batch is in both.
        self.watch.begin(publication, stock, now)
        self.watch.end(publication, stock, averages, self.rate, now)
        if self.rate is not None:
            self.rate.gave(len(publication.turns))

    async def step(self, now: float) -> int:
        """Give the turns that are due; return how many were asked for.

        Nothing is asked of an event that gives none now.
        """
        actor = self.local.actor
        stock = actor.stock
        line = None if stock is None else stock.line
        if stock is None or line is None:
            return 0
        averages = self.averages
        if averages is None:
            averages = self.averages = Averages(takes_of(line))
        self._follow(line, stock, averages, now)
        self.watch.look(line, stock, averages, now)
        await self._tune(line, averages)
        if self.rate is not None and self.rate.is_due(now):
            self._move(self.rate, now)
        if not is_waited_in(line) or no_turns(stock, actor.clock.now_ms()):
            return 0
        if self.rate is not None:
            return await self._ask(self.rate.allowed(now))
        return await self._ask_on()

    def _follow(self, line: Line, stock: Stock, averages: Averages, now: float) -> None:
        """Begin a pace, or go on with the one that an organiser set."""
        wanted = line.sell_out_s, line.turns_per_min
        if wanted == self._set:
            return
        self._set = wanted
        # What the line gave before is counted: another process may have done that.
        given = line.states.count(DONE) + line.states.count(TURN)
        places = free_places(stock) + given * averages.mean
        found = rates(places, averages.mean, *wanted)
        if found is None:
            self.rate = None
        elif self.rate is None:
            self.rate = Rate(*found, now)
        else:
            self.rate.limit(*found)

    async def _tune(self, line: Line, averages: Averages) -> None:
        takes = averages.takes()
        if averages.samples and takes.moved_from(takes_of(line)):
            command = TuneLine(
                id=0,
                event=self._event,
                mean_milli=takes.mean_milli,
                variance_milli=takes.variance_milli,
                returning_ppm=takes.returning_ppm,
            )
            await ask(self.local, command, "", False, None, system=True)

    def _move(self, rate: Rate, now: float) -> None:
        signal = self._pressure.why(self._event)
        why = rate.move(now, congested=signal is not None)
        if why is not None:
            self.moves[signal or why] += 1
            log.info(
                "the pace of a line moved",
                event_id=self._event,
                why=signal or why,
                per_s=round(rate.r, 2),
            )

    async def _ask(self, turns: int) -> int:
        """Ask for turns, all at once: they are decided in one batch."""
        if not turns:
            return 0
        replies = await asyncio.gather(
            *(
                ask(
                    self.local,
                    GiveTurn(id=0, event=self._event),
                    "",
                    False,
                    None,
                    system=True,
                )
                for _ in range(turns)
            )
        )
        return sum(not isinstance(reply, Refused) for reply in replies)

    async def _ask_on(self) -> int:
        """Ask until nobody is next."""
        given = 0
        for _ in range(ROUNDS_MAX):
            some = await self._ask(BATCH_MAX)
            given += some
            if some < BATCH_MAX:
                break
        return given


class Conductors:
    """Those of the events that this process owns."""

    def __init__(self, registry: EventRegistry, pressure: Pressure) -> None:
        self.leading: dict[str, Conductor] = {}
        self.moves: Counter[str] = Counter()
        """How often a pace moved, by why."""
        self._registry = registry
        self._pressure = pressure
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def heard(self, event: str, publication: Publication) -> None:
        """Take note of turns that were given or ended here or elsewhere."""
        conductor = self.leading.get(event)
        if conductor is not None:
            conductor.heard(publication, monotonic())

    def missed(self, event: str) -> float:
        """Return how often somebody asked for what another has."""
        conductor = self.leading.get(event)
        return 0 if conductor is None else conductor.local.actor.seats_missed

    def asked(self, event: str) -> float:
        """Return how often somebody asked for something to hold in a turn."""
        conductor = self.leading.get(event)
        holds = 0 if conductor is None else conductor.watch.holds
        return holds + self.missed(event)

    async def run(self) -> None:
        """Look once a second for lines to lead."""
        while True:
            self.scan()
            await asyncio.sleep(SCAN_S)

    def scan(self) -> None:
        """Lead the lines that somebody waits in, and forget what is not ours."""
        active = self._registry.active
        for event, conductor in list(self.leading.items()):
            if active.get(event) is not conductor.local:
                del self.leading[event]
                self._pressure.forget(event)
        for event, local in active.items():
            if not isinstance(local, LocalEvent) or event in self._tasks:
                continue
            if is_led(local.actor.stock):
                task = asyncio.create_task(self._lead(event, local), name="conductor")
                self._tasks[event] = task
                task.add_done_callback(partial(self._ended, event))

    async def _lead(self, event: str, local: LocalEvent) -> None:
        """Lead one line for as long as somebody waits in it or has a turn."""
        conductor = self.leading.get(event)
        if conductor is None or conductor.local is not local:
            conductor = Conductor(local, self._pressure, self.moves)
            self.leading[event] = conductor
        while self._registry.active.get(event) is local and is_led(local.actor.stock):
            await conductor.step(monotonic())
            await asyncio.sleep(TICK_S)

    def _ended(self, event: str, _: asyncio.Task[None]) -> None:
        del self._tasks[event]

    async def close(self) -> None:
        """Give no more turns."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def is_led(stock: Stock | None) -> bool:
    """Return whether an event has a line whose turns are given at a pace, now."""
    line = None if stock is None else stock.line
    if line is None or not line.gated or line.drawn is None or line.closed:
        return False
    return is_waited_in(line) or bool(line.turns.open)


def is_waited_in(line: Line) -> bool:
    """Return whether anybody can be given a turn."""
    return WAITING in line.states or (line.serve_away and AWAY in line.states)


def takes_of(line: Line) -> Takes:
    """Return what the guard of a line counts with."""
    return Takes(line.mean_milli, line.variance_milli, line.returning_ppm)


CONDUCTORS: Final = web.AppKey("conductors", Conductors)
