"""`bench line`: what the line takes, part by part, beside the echo of the same run.

Each part has a server, or none, of its own; none runs beside another. The machine's
load before and the conditions of each value are printed with it. What is asked of
100,000 sockets is measured on fewer, and computed from what one takes.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Annotated

from cyclopts import Parameter

from bench import line_behind, line_draws, line_giving, line_sockets
from bench.children import ChildError
from bench.lab import Lab, describe
from bench.line_parts import Part
from bench.outcome import HERE, Common, Outcome, in_lab
from bench.progress import new_console


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a measurement, as they are typed and go into its report."""

    small: Annotated[bool, Parameter(negative=())] = False
    """See in a minute that each part works: its figures say nothing."""

    parts: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = ()
    """Only these."""


Measure = Callable[[Lab, bool], Awaitable[Part]]


async def measure_sockets(lab: Lab, small: bool) -> Part:
    """Joins, sockets that wait, refreshes, what is freed."""
    size = (60, 20, 1.0) if small else (10_000, 50, 10.0)
    return await line_sockets.measure(lab, line_sockets.Size(*size))


async def measure_draws(lab: Lab, small: bool) -> Part:
    """Draws, feeding, turns without a pace, recovery."""
    if small:
        return await line_draws.measure(lab, (line_draws.Draw(300, 2, 12),), 100)
    draws = line_draws.Draw(100_000, 5, 12), line_draws.Draw(1_000_000, 10, 20)
    return await line_draws.measure(lab, draws, 20_000)


async def measure_giving(lab: Lab, small: bool) -> Part:
    """One turn after the other, in memory."""
    return line_giving.measure(50 if small else 3_000)


async def measure_behind(lab: Lab, small: bool) -> Part:
    """A hot event, with many waiting behind it and without."""
    size = (500, 10, 0.5, 0.1, 1) if small else (100_000, 1_000, 5.0, 1.0, 2)
    return await line_behind.measure(lab, line_behind.Crowd(*size))


PARTS: dict[str, Measure] = {
    "giving": measure_giving,
    "sockets": measure_sockets,
    "draws": measure_draws,
    "behind": measure_behind,
}


async def measure(lab: Lab, settings: Settings) -> Outcome:
    """Run the parts one after the other. Raises `ChildError` for one there is not."""
    unknown = sorted({*settings.parts} - {*PARTS})
    if unknown:
        raise ChildError(f"there is no part {', '.join(unknown)}: {', '.join(PARTS)}")
    say = new_console().print
    machine = await describe(lab)
    found: dict[str, Part] = {}
    for name, work in PARTS.items():
        if settings.parts and name not in settings.parts:
            continue
        begun = monotonic()
        found[name] = await work(lab, settings.small)
        say(f"{name}: {monotonic() - begun:.0f} s")
    parts = list(found.values())
    return Outcome(
        bench="line",
        title="The line: " + ", ".join(found),
        settings=asdict(settings),
        machine=machine,
        columns=["what", "value", "figure", "echo"],
        rows=[row for part in parts for row in part.rows()],
        values=[
            value
            for part in parts
            for value in (part.unjudged() if settings.small else part.values)
        ],
        notes=[note for part in parts for note in part.notes()],
        missed=[fault for part in parts for fault in part.faults],
    )


USUAL = Settings()


def line(settings: Settings = USUAL, *, common: Common = HERE) -> int:
    """Measure what the line of an event takes.

    Joins, sockets that wait, turns, draws of 100,000 and of 1,000,000, recovery, and
    holds with 100,000 waiting behind them. Ends with 1 where a figure is missed.
    """

    async def work(lab: Lab) -> Outcome:
        return await measure(lab, settings)

    return in_lab(work, common)
