"""`bench herd`: everyone loses the connection at once, and comes back at once.

Watchers of an event that sells drop their sockets at one moment and connect again with
the version they were at. Told is when each was watching again, whether it had to be
given a snapshot, and what the buyers noticed; in the end all have to be equal.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from time import perf_counter

from cyclopts import Parameter
from msgspec import Struct, structs

from bench.drive import LEAD_S, Driven, Load, drive
from bench.fanout import BUYERS, CONNECT_TIMEOUT_S, JUDGING_S, PARTY_MAX, SEATS
from bench.lab import Lab, describe
from bench.onsale import start_onsale
from bench.outcome import HERE, Common, Outcome, Value, in_lab
from bench.partner import Partner
from bench.plots import Plot
from bench.report import number_of
from bench.samples import Latency, curve_of, latency_of
from bench.watching import Party, Question, Ready, Return, Returned, Seen

BACK_S_MAX = 30.0
WARMUP_S = 1.0


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a measurement, as they are typed and go into its report."""

    watchers: int = 10_000
    """Who all come back."""

    rate: float = 50.0
    """Holds per second meanwhile."""

    seconds: float = 10.0
    """Length of the sale; they are dropped after a fifth of it."""


class Result(Struct, kw_only=True):
    """What was seen."""

    back: Latency
    back_curve: list[tuple[float, float]]
    resumed: int
    sale: Driven
    faults: dict[str, int]
    settled: dict[str, object]


async def measure(lab: Lab, settings: Settings) -> Result:
    """Sell, drop everyone, and wait until all are back and equal."""
    async with AsyncExitStack() as stack:
        shape = lab.shaped(connections=BUYERS + settings.watchers)
        running = await start_onsale(stack, shape, 1)
        tokens = running.tokens[BUYERS:]
        running = structs.replace(running, tokens=running.tokens[:BUYERS])
        partners = []
        for first in range(0, len(tokens), PARTY_MAX):
            partner = await Partner.start(stack, "bench.watching")
            some = tokens[first : first + PARTY_MAX]
            party = Party(url=running.ws_url, tokens=some, event=running.events[0])
            await partner.ask(party, Ready, CONNECT_TIMEOUT_S)
            partners.append(partner)
        load = Load(
            rate=settings.rate,
            seconds=settings.seconds,
            warmup=WARMUP_S,
            seats_per_event=SEATS,
            seats_per_hold=1,
        )

        def drop() -> None:
            at = perf_counter() + LEAD_S + WARMUP_S + settings.seconds / 5
            for partner in partners:
                partner.tell(Return(return_at=at))

        sale = await drive(stack, load, running, at_begin=drop)
        parts = [await partner.hear(Returned, JUDGING_S) for partner in partners]
        versions = [int(version) for _, _, version in sale.samples]
        question = Question(begin=0, end=0, reach=max(versions, default=0))
        seen = [await partner.ask(question, Seen, JUDGING_S) for partner in partners]
        settled = await running.settle()
    return combine(parts, seen, sale, settled)


def combine(
    parts: list[Returned], seen: list[Seen], sale: Driven, settled: dict[str, object]
) -> Result:
    """Bring the processes' parts together."""
    faults: Counter[str] = Counter(sale.figures.faults)
    faults.update(sale.figures.refused)
    for part in parts:
        faults.update(part.faults)
    for each in seen:
        faults.update(each.faults)
        if each.behind:
            faults["never saw the last version"] += each.behind
    audit = settled["audit"]
    if not isinstance(audit, dict) or not audit["ok"]:
        faults["the audit found a difference"] += 1
    back_ms = sorted(ms for part in parts for ms in part.back_ms)
    return Result(
        back=latency_of(back_ms),
        back_curve=curve_of(back_ms),
        resumed=sum(part.resumed for part in parts),
        sale=sale,
        faults=dict(faults),
        settled=settled,
    )


def conclude(result: Result, settings: Settings, machine: dict[str, object]) -> Outcome:
    """Make the table."""
    back, figures = result.back, result.sale.figures
    audit = result.settled["audit"]
    return Outcome(
        bench="herd",
        title=f"{settings.watchers:,} watchers come back at once",
        settings=asdict(settings),
        machine=machine,
        columns=["what", "times", "p50 ms", "p99 ms", "p99.9", "max"],
        rows=[
            [
                "back and watching",
                f"{back.count:,}",
                *(
                    number_of(value, 0)
                    for value in (back.p50_ms, back.p99_ms, back.p999_ms, back.max_ms)
                ),
            ],
            [
                "a hold meanwhile",
                f"{figures.accepted:,}",
                *(
                    number_of(value, 0)
                    for value in (
                        figures.p50_ms,
                        figures.p99_ms,
                        figures.p999_ms,
                        figures.max_ms,
                    )
                ),
            ],
        ],
        values=[
            Value(
                name="all back",
                value=back.max_ms / 1e3,
                unit="s",
                at_most=BACK_S_MAX,
            ),
            Value(name="a hold meanwhile, p99", value=figures.p99_ms, unit="ms"),
        ],
        audit=audit if isinstance(audit, dict) else None,
        notes=[
            f"{result.resumed:,} went on from where they were; the others were given a"
            " snapshot.",
            *([f"Holds: {figures.refusal}."] if figures.refusal else []),
        ],
        missed=[f"{name}: {count:,}" for name, count in result.faults.items()],
        plots=[
            Plot(
                title="Back and watching, by percentile",
                x="watchers",
                y="ms",
                lines={"back": result.back_curve},
                by_share=True,
            ),
            Plot(
                title="CPU",
                x="seconds of the sale",
                y="cores",
                lines=result.sale.curves.cpu,
            ),
        ],
    )


def make_work(settings: Settings) -> Callable[[Lab], Awaitable[Outcome]]:
    """Bind the settings, for a store still to be started."""

    async def work(lab: Lab) -> Outcome:
        machine = await describe(lab)
        lab = lab.shaped(seats_per_event=SEATS, seats_per_hold=1)
        return conclude(await measure(lab, settings), settings, machine)

    return work


USUAL = Settings()


def herd(settings: Settings = USUAL, *, common: Common = HERE) -> int:
    """Have all watchers lose their connections, and come back, at once.

    Ends with 1 where the last is not back within 30 s, or anyone ends up with less than
    the others.
    """
    return in_lab(make_work(settings), common)
