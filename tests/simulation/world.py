"""Plays one tape: the world, its faults, the quiet after them, and the checks.

Phases: what the tape says, faults and all; then all faults end and everybody comes
back; within bounded virtual time every command is answered and every watcher sees the
owner's board; then the holds run out; then everything is held against the journal.
"""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any
from zlib import crc32

import inventory.limits
import inventory.loading
import server.limits
import server.realtime.hub
from inventory import commands as c
from inventory.ports import Envelope
from inventory.replies import Reply
from server.envelopes import envelope_of
from tests import fakes
from tests.checkers.history import History, Operation
from tests.scenario import hall, settings_of
from tests.simulation import actions
from tests.simulation.checks import check_world
from tests.simulation.client import SEEING, Client, View
from tests.simulation.database import Database
from tests.simulation.loop import Livelock, Scheduler
from tests.simulation.process import ORGANIZER, Process
from tests.simulation.rival import Rival
from tests.simulation.tape import EventPlan, Tape, stream

QUIET_S = 6.0
"""How long it may take, without faults, until all is answered and all see the same."""

FREED_S = 2.0
"""How long after its end a hold's seats may take to be free again."""

VIOLATIONS_MAX = 20
NEWS_MAX = 256

VENUES = [
    hall("A 1111111111"),
    hall("A 1111|2222", "B w11|222r", areas={"GA": (20, "2")}),
    hall(*(f"{row} 11111|11111" for row in "ABCDE")),
    hall(*(f"{row} 1111122222" for row in "ABCD"), areas={"GA": (5, "1")}),
    hall(*(f"{row} 1111111111|2222222222" for row in "ABCDEFGH")),
    hall(*(f"{row} 111111|wc22222" for row in "ABCDEFGHIJ"), areas={"P": (60, "3")}),
    hall(*(f"{row} 22222|11111|22222" for row in "ABCDEFGHIJKL")),
    hall("A 11", areas={"GA": (3, "1"), "GB": (200, "2")}),
]


class Plan:
    """What the catalog says of an event; stands for `persistence.catalog.EventPlan`."""

    def __init__(self, event: str, plan: EventPlan) -> None:
        self.event = event
        self.venue_id = f"venue {plan.venue}"
        self.venue = VENUES[plan.venue]
        self.first_settings = settings_of(
            hold_ttl_s=plan.hold_ttl_s,
            max_per_user=plan.max_per_user,
            max_per_booking=plan.max_per_booking,
            prevent_orphans=plan.prevent_orphans,
        )


class Outcome:
    """What came of a run."""

    def __init__(self, world: "World") -> None:
        self.violations = world.violations
        self.commands = world.commands
        self.faults = world.faults + world.database.faults
        self.replies: Counter[str] = Counter()
        self.hash = world.trace


class World:
    """Everything there is in one run."""

    def __init__(self, tape: Tape) -> None:
        plan = self.plan = tape.world
        self.scheduler = Scheduler(stream(tape.seed, "schedule"), plan.shuffle)
        self.database: Database = Database(
            self.scheduler, stream(tape.seed, "database"), plan.commit_s
        )
        self._random = stream(tape.seed, "network").random
        self.violations: list[str] = []
        self.faults: Counter[str] = Counter()
        self.commands = 0
        self.trace = 0
        self.news: dict[bytes, list[Any]] = {}
        self.forgetful = any("RING" in name for name in plan.limits)
        """Whether a hub may forget what a watcher was promised to hear."""
        self.expired: list[tuple[str, str, str]] = []
        self.plans = {f"e{n}": Plan(f"e{n}", one) for n, one in enumerate(plan.events)}
        self.venues = {one.venue_id: one.venue for one in self.plans.values()}
        self.events: list[str] = list(self.plans)
        self.numbers = {event: n for n, event in enumerate(self.events)}
        self.histories = {event: History() for event in self.events}
        self._numbered = 0
        for event, one in self.plans.items():
            self.database.add_event(event, one.venue)
        self.rival = Rival(self)
        self.database.rob = partial(self.rival.take, tells=False)
        self.processes: list[Process] = []
        self.start_process()
        self.clients = [
            Client(self, n, ORGANIZER if n == 0 else f"u{n % plan.users}")
            for n in range(plan.clients)
        ]
        for client in self.clients:
            if client.number < plan.watchers:
                event = self.events[client.number % len(self.events)]
                client.views[event] = View()
            client.connect()

    @property
    def process(self) -> Process:
        return self.processes[-1]

    def start_process(self) -> None:
        """Start a process, which knows that its former self is gone."""
        self.processes.append(Process(self, len(self.processes)))

    def restart_process(self) -> None:
        if not self.process.loop.alive:
            self.start_process()

    def number(self) -> int:
        self._numbered += 1
        return self._numbered

    def latency(self) -> float:
        """Draw how long something takes on its way; half of it takes no time."""
        latency_s = self.plan.latency_s
        drawn = self._random()
        return latency_s * drawn if latency_s and drawn > 0.5 else 0.0

    def violate(self, sentence: str) -> None:
        if len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(f"{sentence} (second {self.scheduler.now:.3f})")

    def heard(self, data: bytes) -> None:
        self.trace = crc32(data, self.trace)

    def remember(self, data: bytes, news: list[Any]) -> None:
        """Keep what a frame said: most watchers hear the very same bytes."""
        if len(self.news) > NEWS_MAX:
            self.news.clear()
        self.news[data] = news

    def office(self, command: Any) -> None:
        """Ask as the organiser does over REST; nobody waits for a connection."""
        process = self.process
        local = process.shards.active.get(command.event)
        if local is None or not process.loop.alive or process.stopping:
            return
        history = self.histories[command.event]
        operation: Operation = history.call(
            "office", ORGANIZER, command, organizer=True, at_s=self.scheduler.now
        )
        self.commands += 1

        def reply(_: Envelope, answer: Reply) -> None:
            history.returned(operation, answer, self.scheduler.now)

        envelope = envelope_of(command, ORGANIZER, True, reply)
        process.loop.call_soon(local.offer, envelope)

    # The phases.

    def play(self, tape: Tape) -> None:
        """Let happen what the tape says."""
        scheduler = self.scheduler
        for action in tape.actions:
            if action.at_s > scheduler.now:
                scheduler.run(action.at_s)
            actions.do(self, action)
        scheduler.run(max(tape.world.seconds, scheduler.now))

    def calm(self) -> None:
        """End all faults, and see that everything comes to rest."""
        self.database.heal()
        self.rival.gone = True
        self.restart_process()
        if self.process.stopping:
            self.scheduler.run(self.scheduler.now + server.limits.STOP_S_MAX + 1)
            self.restart_process()
        self.process.loop.resume()
        for event in self.events:
            self.office(c.ChangeSale(id=0, event=event, to="resume"))
        for client in self.clients:
            client.away = False
            client.go_on()
            client.connect()
        # Where a batch takes a command or two, many that wait take their time.
        waiting = sum(len(client.open) for client in self.clients)
        began = self.scheduler.now + 4 * self.plan.commit_s * waiting
        while self.restless():
            if self.scheduler.now >= max(began, self._unheard_until()) + QUIET_S:
                for sentence in self.restless()[:3]:
                    self.violate(f"No rest for {QUIET_S:.0f} s: {sentence}")
                return
            self.scheduler.run(self.scheduler.now + 0.5)

    def _unheard_until(self) -> float:
        """Say when the last lease ends of an owner that does not know of it.

        The answer to an acquisition may be lost for good; the others wait then.
        """
        heads = [self.database.head(event) for event in self.events]
        heard = self.database.heard
        return max(0.0 if one.token in heard else one.lease_until for one in heads)

    def run_out(self) -> None:
        """Wait until every hold is over, and see that its places are free again."""
        # A renewal that was slowed before the faults ended holds its actor up.
        while any(self.database.busy(event) for event in self.events):
            self.scheduler.run(self.scheduler.now + 0.1)
        ends_ms = count = 0
        for local in self.process.shards.active.values():
            state = local.actor._state
            if state is not None:
                holds = state.stock.holds.values()
                count += len(holds)
                ends_ms = max(ends_ms, max((one.ends_ms for one in holds), default=0))
        now_ms = self.database.clock.now_ms()
        if ends_ms > now_ms:
            drift_s = 0.02 * (ends_ms - now_ms) / 1_000 + 2 * self.plan.latency_s
            # Where a batch ends one hold, those that end at once take their time, too.
            batches = count / inventory.limits.EXPIRIES_PER_BATCH_MAX
            wait_s = (ends_ms - now_ms) / 1_000 + drift_s + FREED_S
            wait_s += 2 * self.plan.commit_s * batches
            self.scheduler.run(self.scheduler.now + wait_s)
        for event, local in self.process.shards.active.items():
            if b"h" in local.board.letters or any(
                area[1] for area in local.board.areas
            ):
                self.violate(f"Holds of {event} outlive their end by {FREED_S} s")
        self.scheduler.run(self.scheduler.now + 1.5)
        for sentence in self.restless()[:3]:
            self.violate(f"No rest at the end: {sentence}")

    def restless(self) -> list[str]:
        """Say who still waits for something, or sees something else than the owner."""
        found = []
        active = self.process.shards.active
        found += [
            f"the actor of {event} does not serve, or waits for a commit"
            for event, local in active.items()
            if local.actor._state is None or local.actor._open is not None
        ]
        for client in self.clients:
            if client.wire is None:
                found.append(f"client {client.number} has no connection")
            elif client.open:
                waits = next(iter(client.open.values()))
                found.append(f"client {client.number} waits for {waits}")
            for event, view in client.views.items():
                local = active.get(event)
                if local is None:
                    found.append(f"{event} is not served")
                    continue
                board = local.board
                areas = board.area_counts(range(len(board.areas)))
                if view.version != board.version or view.state not in SEEING:
                    found.append(
                        f"client {client.number} is at {view.version} of"
                        f" {board.version} ({view.state})"
                    )
                elif view.letters != board.letters or view.areas != areas:
                    found.append(f"client {client.number} sees another board")
        return found

    def finish(self) -> None:
        """Check everything; the trace then stands for the whole run."""
        for error in self.scheduler.errors[:3]:
            self.violate(error)
        check_world(self)
        told = f"{self.scheduler.steps} {self.scheduler.now} {self.commands}"
        for event in self.events:
            head = self.database.head(event)
            told += f" {head.version} {head.epoch} {head.chain.hex()}"
        self.trace = crc32(told.encode(), self.trace)

    def dispose(self) -> None:
        for process in self.processes:
            process.loop.dispose()


@contextmanager
def patched(tape: Tape) -> Iterator[None]:
    """Let the shipped limits be what the tape says, and no code see real time."""
    wanted: list[tuple[Any, str, Any]] = []
    modules = {"inventory": inventory.limits, "server": server.limits}
    for name, value in tape.world.limits.items():
        if name == "lease_s":
            wanted.append((inventory.limits, "LEASE_MS", round(value * 1_000)))
            wanted.append((inventory.limits, "CONFIRM_AFTER_S", value / 2))
            wanted.append((inventory.limits, "RENEW_AFTER_S", value / 3))
            wanted.append((fakes, "LEASE_S", value))
        else:
            module, _, constant = name.partition(".")
            wanted.append((modules[module], constant, value))
    ticks = count()
    # What works in slices of real time works in slices of so many steps.
    for slicer in (inventory.loading, server.realtime.hub):
        wanted += [(slicer, "monotonic", lambda: next(ticks) / 4_000)]
    former = [(module, name, getattr(module, name)) for module, name, _ in wanted]
    for module, name, value in wanted:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in former:
            setattr(module, name, value)


def play(tape: Tape) -> Outcome:
    """Play a tape from its beginning to the checks."""
    collecting = gc.isenabled()
    gc.disable()  # What it frees, and when, would be another thing that happens.
    try:
        with patched(tape):
            world = World(tape)
            try:
                world.play(tape)
                world.calm()
                world.run_out()
            except Livelock as error:
                world.violate(str(error))
            world.finish()
            outcome = Outcome(world)
            world.dispose()
            return outcome
    finally:
        if collecting:
            gc.enable()
