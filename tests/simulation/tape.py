"""A run as data: the world's plan and the actions in it, drawn from a seed.

One generator per purpose, so that a draw more in one does not shift the others. Every
action carries its own time and numbers: any of them may be taken out and the others
stay what they were, which is how a failing tape is made small.
"""

from pathlib import Path
from random import Random
from typing import Final, Literal

from msgspec import Struct, json

from tests.simulation.database import COMMIT_FAULTS

SPAN: Final = 1 << 20
"""The numbers of an action are below it."""

TAPES: Final = Path(__file__).parent / "tapes"

COMMANDS: Final = {
    "hold": 30,
    "best": 16,
    "add": 6,
    "area": 8,
    "extend": 5,
    "release": 8,
    "book": 16,
    "cancel": 5,
    "holding": 3,
    "again": 6,
    "reuse": 2,
    "strange": 2,
    "block": 2,
    "unblock": 2,
    "order": 10,
}

BUYING: Final = {"buy": 100, "bank": 3}
"""The same for a thousand, for what has to do with money."""

DOUBTS: Final[dict[str, float]] = {"doubt": 60.0}
"""The same, for what buyers' banks do long after."""

FAULTS: Final[dict[str, float]] = {
    **dict.fromkeys(COMMIT_FAULTS, 12.0),
    "fence": 6.0,
    "crash": 3.0,
    "freeze": 3.0,
    "disk": 3.0,
    "pause": 4.0,
    "kill": 3.0,
    "stop": 1.0,
    "leave": 25.0,
    "drop": 25.0,
    "stall": 15.0,
    "mumble": 5.0,
    "ping": 10.0,
    "unwatch": 8.0,
    "watch": 10.0,
    "sale": 2.0,
}
"""How often each kind befalls a thousand commands at full strength."""

CLUSTER_FAULTS: Final[dict[str, float]] = {
    "kill": 5.0,
    "stop": 3.0,
    "pause": 4.0,
    "bus down": 3.0,
    "bus frozen": 2.0,
    "bus cut": 10.0,
    "bus loses": 4.0,
    "bus doubles": 4.0,
    "bus slow": 4.0,
    "silent": 4.0,
    "move": 15.0,
    "race": 3.0,
}
"""The same for what befalls several processes."""

LIMITS: Final[dict[str, list[float]]] = {
    "inventory.BATCH_COMMANDS_MAX": [1, 2, 7],
    "inventory.BATCH_BYTES_MAX": [100, 2_000],
    "inventory.EXPIRIES_PER_BATCH_MAX": [1, 3],
    "inventory.KEYS_REMEMBERED_MAX": [0, 1, 10],
    "inventory.MAILBOX_COMMANDS_MAX": [1, 5, 20],
    "inventory.SNAPSHOT_EVERY_VERSIONS": [1, 17, 100],
    "inventory.REPLAY_ROWS": [1, 5],
    "inventory.REPLAY_SLICE_S": [0.0],
    "inventory.DRAIN_MS_MAX": [0.08],
    "inventory.RESOLVE_S_MAX": [0.05, 0.5],
    "inventory.EXPIRED_MEMORY_MS": [500, 20_000],
    "inventory.PLEDGE_LIFE_S": [5, 12],
    "inventory.UNPLEDGED_MS": [1_000],
    "lease_s": [0.5, 3.0],
    "server.RING_VERSIONS_MAX": [0, 4, 50],
    "server.RING_S": [0.1, 2.0],
    "server.IN_FLIGHT_MAX": [1, 4],
    "server.REPLY_BUFFER_BYTES_MAX": [300, 5_000],
    "server.WATCH_BUFFER_BYTES_MAX": [1, 400],
    # Looked at each second, by clocks that drift: 1.0 closed who had just been sent a
    # beat, and had taken all before it.
    "server.STALL_S_MAX": [2.0],
    "server.FLUSH_S_PER_WATCHER": [0.005],
    "server.FANOUT_SLICE_S": [0.0],
    "server.DELTA_BYTES_ALWAYS": [0],
    "server.BEAT_S": [1.0],
}
"""Constants that are sometimes much smaller than shipped."""


CLUSTER_LIMITS: Final[dict[str, list[float]]] = {
    "persistence.SEEN_S_MAX": [2.0],
    "server.MEMBERS_S": [0.2],
    "server.ADOPT_S": [0.3, 4.0],
    "server.OWNER_POLL_S": [0.02, 0.5],
    "server.OWNER_SILENT_S": [1.5, 5.0],
    "server.FOLLOW_IDLE_S": [2.0, 10.0],
    "server.FOLLOW_BUFFER_MAX": [0, 2],
    "server.FORWARDED_MAX": [1, 10],
    "server.FORWARD_S_MAX": [1.5],
    "server.FORWARD_TRIES_MAX": [0, 1],
    "server.LOAD_S_MAX": [2.0],
}
"""The same for what only several processes have."""


class Action(Struct, array_like=True):
    """Something that happens at a time: what, to whom, and two numbers to draw from."""

    at_s: float
    kind: str
    who: int
    a: int
    b: int


class LinePlan(Struct):
    """The line of one event. Times are in seconds of the world."""

    mode: Literal["draw", "fifo", "list"]
    opens_s: int = 0
    """When the first turn may be given."""
    closes_before_s: int = 1
    by_joining: bool = True
    """Whether who comes first opens it; else those who manage it do."""
    turn_s: int = 4
    offer_s: int = 4
    serve_away: bool = True
    again: bool = True
    sell_out_s: int = 0
    wish_floor: int = 0
    count_returns: bool = True
    beacon: bool = True
    beacon_wait_s: int = 4
    without_beacon: Literal["seed_only", "wait"] = "seed_only"


class EventPlan(Struct):
    """One event: which venue, and the settings that matter here."""

    venue: int
    hold_ttl_s: int
    max_per_user: int
    max_per_booking: int
    prevent_orphans: bool
    max_held_per_network: int = 50
    pay_s: int = 900
    payment: Literal["none", "required"] = "none"
    types: bool = False
    terms: int = 0
    """Which fees and which tax."""
    line: LinePlan | None = None


class WorldPlan(Struct):
    """What the world is like, before anything happens in it."""

    events: list[EventPlan]
    clients: int
    users: int
    watchers: int
    seconds: float
    latency_s: float
    commit_s: float
    shuffle: float
    look_s: float
    kernel_bytes: int
    limited: bool
    clock_offset_s: float
    clock_drift: float
    limits: dict[str, float]
    processes: int = 1
    deserted: bool = False
    """Whether all clients, and an owner, are gone while the holds run out."""
    networks: int = 0
    """From how many networks the clients come; 0 where that does not count."""
    margin_s: int = 120
    """How long an order has its hold beyond its pay time."""
    faulty_bank: bool = False
    cancels: bool = False
    """Whether an event is cancelled before the end."""
    gives: bool = False
    """Whether orders give parts back, money goes back, and tickets are passed on."""
    codes: bool = False
    """Whether events have promotions."""
    outboxes: bool = False
    """Whether people, and machines of organisers, are told of what happens."""
    people: int = 0
    """How many may stand in each line; nobody where there is none."""
    line_acts: int = 150
    """How often somebody does something about a line."""
    faulty_beacon: bool = False


class Tape(Struct):
    """A run that can be played again."""

    seed: int
    world: WorldPlan
    actions: list[Action]
    note: str = ""


def stream(seed: int, purpose: str) -> Random:
    """Return the generator of one purpose."""
    return Random(f"{seed} {purpose}")


def draw(seed: int, commands: int, *, lined: bool = False) -> Tape:
    """Draw a world and what happens in it; with lines where these are wanted."""
    plan = _draw_world(stream(seed, "world"), commands)
    _draw_cluster(stream(seed, "cluster"), plan)
    _draw_networks(stream(seed, "networks"), plan)
    _draw_shop(stream(seed, "shop"), plan)
    _draw_after_sale(stream(seed, "after sale"), plan)
    if lined:
        _draw_lines(stream(seed, "lines"), plan, commands)
        _draw_hurry(stream(seed, "hurry"), plan)
    actions = _draw_buying(stream(seed, "buying"), plan, commands)
    if plan.gives:
        actions += _draw_faults(stream(seed, "doubts"), plan, commands, DOUBTS)
    actions += _draw_commands(stream(seed, "workload"), plan, commands)
    actions += _draw_faults(stream(seed, "faults"), plan, commands, FAULTS)
    if plan.processes > 1:
        troubles = stream(seed, "troubles")
        actions += _draw_faults(troubles, plan, commands, CLUSTER_FAULTS)
    actions.sort(key=lambda action: action.at_s)
    return Tape(seed, plan, actions)


def _draw_world(random: Random, commands: int) -> WorldPlan:
    chosen = {}
    if random.random() < 0.7:
        for name, values in LIMITS.items():
            if random.random() < 0.15:
                chosen[name] = random.choice(values)
    if "server.STALL_S_MAX" in chosen:
        # With a beat at each look, who is only far away seems to take nothing.
        chosen.pop("server.BEAT_S", None)
    clients = random.randint(20, 60)
    return WorldPlan(
        events=[
            EventPlan(
                venue=random.randrange(8),
                hold_ttl_s=random.choice((2, 5, 10, 30)),
                max_per_user=random.choice((2, 10, 40, 1_000)),
                max_per_booking=random.choice((3, 10, 100)),
                prevent_orphans=random.random() < 0.25,
            )
            for _ in range(random.choice((1, 1, 1, 2, 3)))
        ],
        clients=clients,
        users=random.randint(clients // 2, clients),
        watchers=random.randint(2, 10),
        seconds=commands / random.choice((15, 30, 60, 200)),
        latency_s=random.choice((0.0, 0.002, 0.02)),
        commit_s=random.choice((0.001, 0.01, 0.05)),
        shuffle=random.choice((0.0, 0.05, 0.3)),
        look_s=random.choice((0.0, 0.0, 0.000_05)),
        kernel_bytes=random.choice((0, 4_096, 65_536)),
        limited=random.random() < 0.2,
        clock_offset_s=random.uniform(-5, 5),
        clock_drift=random.choice((0.0, random.uniform(-0.01, 0.01))),
        limits=chosen,
    )


def _draw_cluster(random: Random, plan: WorldPlan) -> None:
    """Let about half of the worlds have several processes."""
    if random.random() < 0.5:
        return
    plan.processes = random.choice((2, 2, 3, 4))
    plan.deserted = random.random() < 0.5
    if random.random() < 0.7:
        for name, values in CLUSTER_LIMITS.items():
            if random.random() < 0.15:
                plan.limits[name] = random.choice(values)


def _draw_networks(random: Random, plan: WorldPlan) -> None:
    """Let about half of the worlds have rules against hoarding."""
    if random.random() < 0.5:
        return
    plan.networks = random.choice((1, 3, 10))
    for event in plan.events:
        event.max_held_per_network = random.choice((1, 10, 50))


def _draw_shop(random: Random, plan: WorldPlan) -> None:
    """Let orders pay within the run, and some events be sold for money only."""
    plan.margin_s = random.choice((1, 3, 3))
    plan.faulty_bank = random.random() < 0.7
    plan.cancels = random.random() < 0.1
    for event in plan.events:
        event.pay_s = random.choice((2, 5, 20))
        event.terms = random.randrange(4)
        event.types = random.random() < 0.5
        if random.random() < 0.5:
            event.payment = "required"


def _draw_after_sale(random: Random, plan: WorldPlan) -> None:
    """Let about half of the worlds give back, redeem codes, and tell people of it."""
    plan.gives = random.random() < 0.6
    plan.codes = random.random() < 0.5
    plan.outboxes = random.random() < 0.5
    plan.cancels = plan.cancels or (plan.gives and random.random() < 0.3)
    for event in plan.events:
        if plan.gives and random.random() < 0.7:
            event.payment = "required"


def _draw_lines(random: Random, plan: WorldPlan, commands: int) -> None:
    """Let events have lines in front of their sales, or behind them."""
    plan.people = random.choice((4, 12, 24))
    plan.line_acts = commands // 2
    plan.faulty_beacon = random.random() < 0.7
    plan.seconds = max(plan.seconds, random.choice((10.0, 20.0, 30.0)))
    for event in plan.events:
        mode: Literal["draw", "fifo", "list"]
        mode = random.choice(("draw", "draw", "fifo", "fifo", "list"))
        before_s = random.randint(1, 4)
        event.line = LinePlan(
            mode,
            opens_s=before_s + random.choice((1, 3, 6)),
            closes_before_s=before_s,
            by_joining=random.random() < 0.7,
            turn_s=random.choice((1, 3, 6)),
            offer_s=random.choice((1, 3, 6)),
            serve_away=random.random() < 0.6,
            again=random.random() < 0.7,
            sell_out_s=random.choice((0, 0, 5, 60)),
            wish_floor=random.choice((0, 0, 5)),
            count_returns=random.random() < 0.5,
            beacon=random.random() < 0.8,
            beacon_wait_s=random.choice((0, 2, 8)),
            without_beacon=random.choice(("seed_only", "seed_only", "wait")),
        )


def _draw_hurry(random: Random, plan: WorldPlan) -> None:
    """Let some events have no time to give all the turns that are owed at once."""
    if random.random() < 0.25:
        plan.limits["inventory.DRAIN_MS_MAX"] = 0.08
        plan.look_s = 0.000_05


def _draw_commands(random: Random, plan: WorldPlan, commands: int) -> list[Action]:
    kinds = list(COMMANDS)
    weights = [weight * random.choice((0.3, 1.0, 2.0)) for weight in COMMANDS.values()]
    burst = random.choice((1, 5, 20))
    actions = []
    at_s = 0.2
    bits, step = random.getrandbits, plan.seconds / commands * burst
    for number, kind in enumerate(random.choices(kinds, weights, k=commands)):
        if number % burst == 0:
            at_s += 2 * step * random.random()
        drawn = bits(60)
        actions.append(
            Action(at_s, kind, drawn % plan.clients, drawn & 0xFFFFF, drawn >> 40)
        )
    return actions


def _draw_buying(random: Random, plan: WorldPlan, commands: int) -> list[Action]:
    """Let buyers order what they hold, and the bank be away for a while."""
    actions = []
    for kind, rate in BUYING.items():
        for _ in range(round(rate * commands / 1_000 * random.choice((0.3, 1, 2)))):
            at_s = 0.2 + plan.seconds * random.random()
            who, a, b = (random.getrandbits(20) for _ in range(3))
            actions.append(Action(at_s, kind, who % plan.clients, a, b))
    if plan.cancels:
        actions.append(Action(0.8 * plan.seconds, "cancel event", 0, 0, 0))
    return actions


def _draw_faults(
    random: Random, plan: WorldPlan, commands: int, rates: dict[str, float]
) -> list[Action]:
    """Switch a random half of the kinds on, each with a strength of its own."""
    actions = []
    for kind, rate in rates.items():
        if random.random() < 0.5:
            continue
        count = rate * commands / 1_000 * random.choice((0.1, 0.5, 1.0))
        whole = int(count) + (random.random() < count % 1)
        actions += [
            Action(
                0.1 + plan.seconds * random.random(),
                kind,
                random.randrange(plan.clients),
                random.getrandbits(20),
                random.getrandbits(20),
            )
            for _ in range(whole)
        ]
    return actions


def store(tape: Tape, path: Path) -> None:
    """Write a tape where a person can read it."""
    path.write_bytes(json.format(json.encode(tape), indent=1) + b"\n")


def read(path: Path) -> Tape:
    return json.decode(path.read_bytes(), type=Tape)
