"""Plays one tape: the world, its faults, the quiet after them, and the checks.

Phases: what the tape says, faults and all; then all faults end and everybody comes
back; within bounded virtual time every command is answered and every watcher sees the
owner's board; then the holds run out (`calm`); then everything is held against the
journal (`checks`).
"""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any
from zlib import crc32

import structlog

import inventory.limits
import inventory.loading
import persistence.limits
import server.base.limits
import server.live.fanout.hub
import server.shop.orders.driving.driver as driver
import server.shop.orders.rules as rules
import server.shop.orders.service as service
from inventory.loading import replay_row
from inventory.ports import Envelope
from inventory.replies import Reply
from inventory.settings import LineSettings
from inventory.state import Stock
from server.live.actors.envelopes import envelope_of
from server.live.actors.registry import LocalEvent
from tests import fakes
from tests.asks_shop import TYPES
from tests.checkers.history import History, Operation
from tests.scenario import NOW_MS, hall, settings_of
from tests.simulation import actions
from tests.simulation.bus import Exchange
from tests.simulation.calm import calm, catch_up, run_out
from tests.simulation.checks import check_world
from tests.simulation.client import Client, View
from tests.simulation.cluster import Place
from tests.simulation.database import Database
from tests.simulation.line import parts as line_parts
from tests.simulation.line.beacon import SimRelays
from tests.simulation.line.people import Crowd
from tests.simulation.line.rest import come_to_rest
from tests.simulation.line.tables import rank_places
from tests.simulation.loop import Livelock, Scheduler
from tests.simulation.orders import shop, tables
from tests.simulation.orders.bank import Bank
from tests.simulation.orders.checks import outcomes
from tests.simulation.orders.tables import Tables
from tests.simulation.outboxes import parts
from tests.simulation.outboxes.receivers import Receivers
from tests.simulation.passing import parts as passing_parts
from tests.simulation.passing.people import Passing
from tests.simulation.process import ORGANIZER, Process, Wire
from tests.simulation.promotions.offered import Offered
from tests.simulation.registry import Table
from tests.simulation.rival import Rival
from tests.simulation.tape import EventPlan, LinePlan, Tape, stream
from tests.simulation.tickets import following
from tests.simulation.tickets import tables as ticket_tables
from tests.simulation.tickets.gates import Gates
from tests.simulation.tickets.tables import TicketTables

if TYPE_CHECKING:
    from tests.simulation.giving.people import Promise
    from tests.simulation.orders.buyers import Buyer
    from tests.simulation.shop import Order

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


def line_of(plan: LinePlan) -> LineSettings:
    """Return the settings of a line."""
    return LineSettings(
        mode=plan.mode,
        gather_at_ms=0 if plan.by_joining else None,
        opens_at_ms=NOW_MS + 1_000 * plan.opens_s,
        closes_before_s=plan.closes_before_s,
        fix_within_s=2,
        beacon="sim" if plan.beacon else None,
        beacon_wait_s=plan.beacon_wait_s,
        without_beacon=plan.without_beacon,
        turn_s=plan.turn_s,
        offer_s=plan.offer_s,
        serve_away=plan.serve_away,
        again=plan.again,
        sell_out_s=plan.sell_out_s,
        count_returns=plan.count_returns,
        wish_floor=plan.wish_floor,
    )


class Plan:
    """What the catalog says of an event: stands for its `EventPlan` and its row."""

    def __init__(self, event: str, plan: EventPlan) -> None:
        self.event = event
        line = plan.line
        self.lined = None if line is None else line.mode
        self.venue_id = f"venue {plan.venue}"
        self.venue_revision = 0
        self.organisation = None
        self.created_by = ORGANIZER
        self.venue = VENUES[plan.venue]
        self.first_settings = settings_of(
            hold_ttl_s=plan.hold_ttl_s,
            max_per_user=plan.max_per_user,
            max_per_booking=plan.max_per_booking,
            prevent_orphans=plan.prevent_orphans,
            max_held_per_network=plan.max_held_per_network,
            pay_s=plan.pay_s,
            payment=plan.payment,
            types=TYPES if plan.types else {},
            line=None if line is None else line_of(line),
        )
        self.settings = self.first_settings
        self.terms = plan.terms


class Outcome:
    """What came of a run."""

    def __init__(self, world: "World") -> None:
        self.violations = world.violations
        self.commands = world.commands
        self.faults = world.faults + world.database.faults
        self.replies: Counter[str] = Counter()
        self.orders = outcomes(world) + world.gates.outcomes()
        self.orders += world.receivers.answers + world.passing.counts
        self.orders += world.offered.outcomes()
        self.orders += world.crowd.counts
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
        self.prompt = not any(
            name.startswith(("inventory.", "server.IN_FLIGHT", "server.REPLY"))
            for name in plan.limits
        )
        """Whether nothing is so small that people wait for each other for long."""
        self.at_rest = False
        """Whether nobody has a reason any more to lose a connection."""
        self.expired: list[tuple[str, str, str]] = []
        self.orders: list[Order] = []
        self.buyers: list[Buyer] = []
        self.plans = {f"e{n}": Plan(f"e{n}", one) for n, one in enumerate(plan.events)}
        self.venues = {
            f"{one.venue_id} {one.venue_revision}": one.venue
            for one in self.plans.values()
        }
        self.events: list[str] = list(self.plans)
        self.numbers = {event: n for n, event in enumerate(self.events)}
        self.histories = {event: History() for event in self.events}
        self._numbered = 0
        for event, one in self.plans.items():
            self.database.add_event(event, one.venue)
        money = stream(tape.seed, "money")
        self.bank = Bank(self, money, plan.faulty_bank)
        self.tables = Tables(self, money, plan.faulty_bank)
        self.tickets = TicketTables(self, stream(tape.seed, "tickets"))
        self.gates = Gates(self, stream(tape.seed, "gates"))
        self.promised: list[Promise] = []
        self.receivers = Receivers(self, stream(tape.seed, "receivers"))
        self.passing = Passing(self, stream(tape.seed, "passing"))
        self.offered = Offered(self, stream(tape.seed, "promotions"))
        relays = stream(tape.seed, "relays")
        self.relays = SimRelays(self, relays, plan.faulty_beacon)
        self.database.ranks = partial(rank_places, self.tables.store)
        self.crowd = Crowd(self, stream(tape.seed, "crowd"))
        self.rival = Rival(self)
        self.database.rob = self.rival.rob
        self.table = Table(self.database)
        self.exchange = Exchange(
            self.scheduler, stream(tape.seed, "bus"), plan.latency_s
        )
        self._places = stream(tape.seed, "places").random
        self.nodes = [f"n{slot}" for slot in range(plan.processes)]
        self.processes: list[Process] = []
        self.slots: list[Process] = []
        for slot in range(plan.processes):
            self.slots.append(self._new_process(slot))
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
        return self.slots[0]

    def _new_process(self, slot: int) -> Process:
        number = len(self.processes)
        node = self.nodes[slot]
        supervised = self.plan.processes > 1 and self._places() < 0.5
        place = Place(slot, node, f"{node}.0.{number}", supervised)
        process = Process(self, number, place)
        self.processes.append(process)
        return process

    def restart(self, slot: int = 0) -> None:
        """Start another process where one ended."""
        if not self.slots[slot].loop.alive:
            self.slots[slot] = self._new_process(slot)

    def connect(self, client: Client) -> Wire | None:
        """Connect a client to a process; it tries another one next time if not."""
        wire = self.slots[client.home % len(self.slots)].connect(client)
        if wire is None:
            client.home += 1
        return wire

    def owners(self, event: str) -> list[tuple[Process, LocalEvent]]:
        """Return the processes that believe to own an event."""
        return [
            (process, local)
            for process in self.slots
            if process.loop.alive
            and isinstance(
                local := process.event_registry.active.get(event), LocalEvent
            )
        ]

    def stock(self, event: str) -> Stock | None:
        """Return what is committed of an event; None where nobody ever asked for it."""
        head, plan = self.database.head(event), self.plans[event]
        if not head.rows:
            return None
        stock = Stock(plan.venue, plan.first_settings)
        for row in head.rows:
            replay_row(stock, row)
        return stock

    def locals(self) -> Iterator[tuple[str, LocalEvent]]:
        """Yield the events that some process owns."""
        for event in self.events:
            for _, local in self.owners(event):
                yield event, local

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
        serving = [one for one in self.owners(command.event) if one[0].serves]
        if not serving:
            return
        process, local = serving[0]
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
    modules = {
        "inventory": inventory.limits,
        "persistence": persistence.limits,
        "server": server.base.limits,
    }
    for name, value in tape.world.limits.items():
        if name == "lease_s":
            wanted.append((inventory.limits, "LEASE_MS", round(value * 1_000)))
            wanted.append((inventory.limits, "CONFIRM_AFTER_S", value / 2))
            wanted.append((inventory.limits, "RENEW_AFTER_S", value / 3))
            wanted.append((fakes, "LEASE_S", value))
        else:
            module, _, constant = name.partition(".")
            wanted.append((modules[module], constant, value))
    margin_s = tape.world.margin_s
    wanted += [(one, "PAY_MARGIN_S", margin_s) for one in (rules, service, driver)]
    wanted.append((inventory.limits, "PAY_MARGIN_S", margin_s))
    wanted += [*tables.PATCHES, *shop.PATCHES]
    wanted += [*ticket_tables.PATCHES, *following.PATCHES, *parts.PATCHES]
    wanted += passing_parts.PATCHES
    wanted += line_parts.PATCHES
    ticks = count()
    # What works in slices of real time works in slices of so many steps.
    for slicer in (inventory.loading, server.live.fanout.hub):
        wanted += [(slicer, "monotonic", lambda: next(ticks) / 4_000)]
    former = [(module, name, getattr(module, name)) for module, name, _ in wanted]
    for module, name, value in wanted:
        # What is read of a tape is a float; times that are journaled are not.
        if isinstance(value, float) and value.is_integer():
            value = type(getattr(module, name))(value)
        setattr(module, name, value)
    logging = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        yield
    finally:
        structlog.configure(**logging)
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
                calm(world)
                come_to_rest(world)
                run_out(world)
                catch_up(world)
            except Livelock as error:
                world.violate(str(error))
            world.finish()
            outcome = Outcome(world)
            world.dispose()
            return outcome
    finally:
        if collecting:
            gc.enable()
