"""`bench forward`: what a command costs whose event another process owns.

Two processes make a cluster over one Postgres and one Valkey. The same load goes to the
owner of the event, then to the other process, by turns: all commands of the second kind
travel to the owner and back. CPU is that of both processes and of Valkey.
"""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from statistics import median

from bench.children import ChildError
from bench.contenders import Running, start_valkey
from bench.hot import Options, Run, measure_one
from bench.lab import Lab, describe
from bench.onsale import Onsale
from bench.outcome import HERE, Common, Outcome, in_lab

CPU_RATIO_MAX = 2.0
THROUGHPUT_RATIO_MIN = 0.5
RATE_MAX = 60_000


async def start_pair(
    stack: AsyncExitStack, lab: Lab, events: int, *, through_the_other: bool
) -> Running:
    """Start two processes; all events are owned by the first."""
    redis_url, valkey = await start_valkey(stack, lab)
    owner = Onsale(lab, stack, redis_url)
    await owner.start()
    other = Onsale(lab, stack, redis_url, neighbour=owner)
    await other.start()
    names = await owner.open_sales(events)
    await owner.own(names)
    # Whoever serves an event through its owner looks it up first.
    await other.own([])
    entered = other if through_the_other else owner

    async def settle() -> dict[str, object]:
        forwarded = await other.metric("onsale_forwarded_commands_total")
        if (forwarded > 0) is not through_the_other:
            raise ChildError(f"{forwarded:.0f} commands were forwarded")
        return await owner.settle(names)

    return Running(
        address=entered.address,
        tokens=await entered.guests(lab.connections),
        events=names,
        server_pids=[owner.pid, other.pid, valkey],
        said=lambda: f"{owner.said()}\n{other.said()}",
        store_pids=lab.store_pids,
        settle=settle,
    )


WAYS = (("at the owner", False), ("at the other", True))


async def measure(lab: Lab, options: Options) -> list[tuple[Run, Run]]:
    """Put the load on the owner, then on the other, as many rounds as asked for."""
    pairs = []
    for number in range(options.rounds):
        local, forwarded = [
            await measure_one(
                options,
                lab,
                number + 1,
                name,
                partial(start_pair, through_the_other=through_the_other),
                options.rate_max,
            )
            for name, through_the_other in WAYS
        ]
        pairs.append((local, forwarded))
    return pairs


def conclude(pairs: list[tuple[Run, Run]], machine: dict[str, object]) -> Outcome:
    """Make the table, and hold the ratios against what is asked for."""
    throughput = [b.figures.per_second / a.figures.per_second for a, b in pairs]
    cpu = [_cpu_us(b) / _cpu_us(a) for a, b in pairs]
    missed = [
        f"{run.server}: {fault}"
        for pair in pairs
        for run in pair
        for fault in run.faults
    ]
    if median(throughput) < THROUGHPUT_RATIO_MIN:
        missed.append(f"{median(throughput):.2f} of the local throughput")
    if median(cpu) > CPU_RATIO_MAX:
        missed.append(f"{median(cpu):.2f} times the CPU of a local command")
    return Outcome(
        bench="forward",
        title="Holds on one event, at its owner and through another process",
        columns=["clients", "holds/s", "p50 ms", "p99 ms", "CPU µs", "others"],
        rows=[_row(run) for pair in pairs for run in pair],
        figures={"throughput": throughput, "cpu": cpu, "runs": pairs},
        notes=[
            f"Of the local throughput: {_listed(throughput)};"
            f" {THROUGHPUT_RATIO_MIN:g} is asked for.",
            f"Of the local CPU: {_listed(cpu)}; {CPU_RATIO_MAX:g} at most is allowed.",
            "CPU: of both processes and Valkey for each hold; others: work that is not"
            " ours, in cores.",
        ],
        missed=missed,
        machine=machine,
    )


def _cpu_us(run: Run) -> float:
    return run.figures.cpu_us(run.figures.cpu.server)


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def _row(run: Run) -> list[str]:
    figures = run.figures
    return [
        run.server,
        f"{figures.per_second:,.0f}",
        f"{figures.p50_ms:.1f}",
        f"{figures.p99_ms:.1f}",
        f"{_cpu_us(run):.1f}",
        f"{figures.cpu.others / figures.window_s:.2f}",
    ]


def make_work(options: Options) -> Callable[[Lab], Awaitable[Outcome]]:
    """Bind the settings, for a store still to be started."""

    async def work(lab: Lab) -> Outcome:
        lab = lab.shaped(
            connections=options.connections,
            seats_per_event=options.seats_per_event,
            seats_per_hold=options.seats_per_hold,
            loop=options.loop,
        )
        return conclude(await measure(lab, options), await describe(lab))

    return work


def forward(
    *,
    connections: int = 1_000,
    in_flight: int = 1,
    seconds: float = 6.0,
    warmup: float = 2.0,
    rounds: int = 3,
    common: Common = HERE,
) -> int:
    """Measure what a command costs whose event another process owns.

    Ends with 1 where
    forwarding takes more than half of the throughput, or more than twice the CPU.

    Parameters
    ----------
    connections
        Websocket connections, each a buyer of its own.
    in_flight
        Commands that each connection keeps unanswered.
    seconds
        Length of each measured window.
    warmup
        Seconds of load before it.
    rounds
        How often both ways are measured.
    """
    options = Options(
        connections=connections,
        in_flight=in_flight,
        seconds=seconds,
        warmup=warmup,
        rounds=rounds,
        rate_max=RATE_MAX,
    )
    return in_lab(make_work(options), common)
