"""Put a load on a server: the processes of the generator, and what they measured.

All of them are connected before any begins, at one moment of the machine's clock; their
raw samples come together here. An open loop's latencies are only told where the
generator kept its schedule: what it was too slow to measure is no figure of the server.
"""

import math
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.contenders import Running
from bench.monitor import Monitor
from bench.partner import Partner
from bench.plan import Connected, Cpu, Curves, Figures, Go, Plan, Taken
from bench.progress import shown
from bench.samples import (
    Sample,
    curve_of,
    latency_of,
    rate_curve,
    read_samples,
    sum_curve,
)

CONNECT_TIMEOUT_S = 180
JUDGING_S = 120
LEAD_S = 0.2
"""From the word to begin until everyone begins."""

LAG_MS_MAX = 10.0
LAG_SHARE_MAX = 0.5
"""A schedule was kept if hardly any command left later than this, or if that is little
beside the latencies: the lag is part of them, so they are too long, never too short."""

BUSY_MAX = 0.9
"""A process that uses more of its core than this may be the limit itself."""

SENT_MIN = 0.995


class Load(Struct, kw_only=True, frozen=True):
    """What to put on the server."""

    path: str = ""
    """What to read over REST, in place of holding seats."""

    changing: bool = False
    """What is read changes meanwhile."""

    rate: float | None = None
    in_flight: int = 1
    seconds: float
    warmup: float
    seats_per_event: int = 0
    seats_per_hold: int = 1
    holds_max: int | None = None
    keys: bool = False
    side_by_side: bool = False
    processes: int = 0
    """Of the generator; 0 for as many as suit the loop and the machine."""

    patience_s: float = 15.0


class Driven(Struct, kw_only=True):
    """What came of it, with the raw samples of the window."""

    figures: Figures
    curves: Curves
    samples: list[Sample]
    begin: float
    end: float


def choose_processes(load: Load, connections: int) -> int:
    """An open loop needs two at least, a closed one must leave a core to the server."""
    cpus = len(os.sched_getaffinity(0))
    usual = max(1, cpus // 2) if load.rate is None else max(2, cpus // 2)
    return min(load.processes or usual, connections)


async def drive(
    stack: AsyncExitStack,
    load: Load,
    running: Running,
    at_begin: Callable[[], None] = lambda: None,
) -> Driven:
    """Run the generator against a server that is ready."""
    connections = len(running.tokens)
    count = choose_processes(load, connections)
    with tempfile.TemporaryDirectory(prefix="onsale-bench-") as place:
        paths = [Path(place, f"{number}.samples") for number in range(count)]
        partners = []
        for number, path in enumerate(paths):
            module = "bench.getting" if load.path else "bench.load"
            partner = await Partner.start(stack, module)
            first = connections * number // count
            tokens = running.tokens[first : connections * (number + 1) // count]
            plan = _plan(load, running, connections, tokens, first, path)
            plan = msgspec.structs.replace(plan, process=number, processes=count)
            partners.append(partner)
            await partner.ask(plan, Connected, CONNECT_TIMEOUT_S)
        groups = {"server": running.server_pids, "store": running.store_pids}
        for number, partner in enumerate(partners):
            groups[f"generator {number + 1}"] = [partner.pid]
        begin = time.perf_counter() + LEAD_S
        within_s = load.warmup + load.seconds + load.patience_s + JUDGING_S
        async with (
            shown(running.name, load.warmup + load.seconds),
            Monitor(groups, running.count) as monitor,
        ):
            at_begin()
            for partner in partners:
                partner.tell(Go(at=begin))
            parts = [await partner.hear(Taken, within_s) for partner in partners]
        for partner in partners:
            await partner.stop()
        samples = [sample for path in paths for sample in read_samples(path)]
    return combine(load, parts, samples, monitor)


def _plan(
    load: Load,
    running: Running,
    connections: int,
    tokens: list[str],
    first: int,
    path: Path,
) -> Plan:
    return Plan(
        url=running.ws_url,
        tokens=tokens,
        path=load.path,
        changing=load.changing,
        connections=connections,
        first=first,
        events=running.events,
        side_by_side=load.side_by_side,
        seats_per_event=load.seats_per_event,
        seats_per_hold=load.seats_per_hold,
        in_flight=load.in_flight,
        rate=load.rate,
        warmup_s=load.warmup,
        seconds=load.seconds,
        patience_s=load.patience_s,
        keys=load.keys,
        holds_max=load.holds_max,
        echo=running.echo,
        samples=str(path),
    )


def combine(
    load: Load, parts: list[Taken], samples: list[Sample], monitor: Monitor
) -> Driven:
    """Bring the processes' parts together, and judge the generator itself.

    A command belongs to the window of an open loop when it was due in it, to that of a
    closed loop when it was answered in it.
    """
    begin, end = parts[0].begin, min(part.end for part in parts)
    place = 1 if load.rate is None else 0
    inside = [sample for sample in samples if begin <= sample[place] < end]
    delays = sorted((answered - due) * 1e3 for due, answered, _ in inside)
    latency = latency_of(delays)
    seconds = end - begin
    busiest = monitor.busiest(begin, end)
    refusal = ""
    if load.rate is not None:
        refusal = _refusal(parts, latency.p99_ms, busiest)
    told = {
        name: math.nan if refusal else value
        for name, value in msgspec.to_builtins(latency).items()
        if name.endswith("_ms")
    }
    refused, faults = Counter[str](), Counter[str]()
    for part in parts:
        refused.update(part.refused)
        faults.update(part.faults)
    answered = [moment for _, moment, _ in samples]
    figures = Figures(
        rate=load.rate,
        window_s=seconds,
        sent=sum(part.sent for part in parts),
        accepted=len(inside),
        accepted_total=len(samples),
        refused=dict(refused),
        faults=dict(faults),
        per_second=len(inside) / seconds if seconds > 0 else 0.0,
        **told,
        lag_p99_ms=max(part.lag_p99_ms for part in parts),
        lag_max_ms=max(part.lag_max_ms for part in parts),
        refusal=refusal,
        cpu=monitor.cpu(begin, end) if seconds > 0 else Cpu(0.0, 0.0, 0.0, 0.0),
        busiest=busiest,
        sold_out=any(part.sold_out for part in parts),
        reply_bytes=parts[0].reply_bytes,
    )
    curves = Curves(
        latency=[] if refusal else curve_of(delays),
        per_second=rate_curve(answered, begin, end),
        sold=sum_curve(answered, begin, load.seats_per_hold),
        batch=monitor.batch_curve(begin),
        cpu=monitor.cpu_curves(begin),
        memory=monitor.memory_curve(begin),
    )
    return Driven(figures=figures, curves=curves, samples=inside, begin=begin, end=end)


def _refusal(parts: list[Taken], p99_ms: float, busiest: float) -> str:
    """Say why the generator did not keep its schedule; empty where it did."""
    sent = sum(part.sent for part in parts)
    due = sum(part.due for part in parts)
    lag_ms = max(part.lag_p99_ms for part in parts)
    if sent < due * SENT_MIN and not any(part.sold_out for part in parts):
        return f"only {sent:,} of {due:,} commands were sent"
    if busiest > BUSY_MAX:
        return f"a process of the generator used {busiest:.0%} of its core"
    if lag_ms > LAG_MS_MAX and lag_ms > LAG_SHARE_MAX * p99_ms:
        return f"the generator sent {lag_ms:.1f} ms late (p99)"
    return ""
