"""What every bench ends with: a table, JSON, a page, and a status that tells."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cyclopts import Parameter
from msgspec import Struct
from rich.box import SIMPLE_HEAD
from rich.table import Table

from bench.children import ChildError
from bench.lab import Lab
from bench.page import render
from bench.plots import Plot
from bench.progress import new_console
from bench.store import run_in_lab

FAILED, BROKEN, STOPPED = 1, 2, 130


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Common:
    """Where to measure, and where the report goes.

    The table goes to stderr, the JSON to stdout or to the file.
    """

    target: str | None = None
    """URL of a server that runs already, as http://127.0.0.1:8080; without it what is
    needed is started. Its administrator is taken from ONSALE_ADMIN_EMAIL and
    ONSALE_ADMIN_PASSWORD. Nothing is compared with it then."""

    database_url: str | None = None
    """A Postgres to use instead of starting one; its databases named `bench_…` are
    dropped."""

    json: Path | None = None
    """Write the JSON here."""

    html: Path | None = None
    """Write a page with plots here; it needs nothing else."""


HERE = Common()


class Value(Struct, kw_only=True):
    """A number that two reports can be compared by, and its bounds where it has any."""

    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def missed(self) -> str | None:
        """Say how it misses its bound; what is not a number misses any."""
        low, high = self.at_least, self.at_most
        if low is not None and not self.value >= low:
            return f"{self}, less than {low:g}"
        if high is not None and not self.value <= high:
            return f"{self}, more than {high:g}"
        return None

    def __str__(self) -> str:
        """Name, value and unit."""
        return f"{self.name}: {number(self.value)}{self.unit and ' ' + self.unit}"


class Outcome(Struct, kw_only=True):
    """What a bench found."""

    bench: str
    title: str
    settings: dict[str, object] = {}
    machine: dict[str, object] = {}
    columns: list[str]
    rows: list[list[str]]
    values: list[Value] = []
    figures: dict[str, object] = {}
    """What the table is made of, for machines."""

    audit: dict[str, object] | None = None
    """What the server's own audits said of the events that were sold."""

    notes: list[str] = []
    """What a reader should know."""

    missed: list[str] = []
    """Figures that were not reached, and whatever was wrong: a sentence for each."""

    plots: list[Plot] = []

    def judged(self) -> list[str]:
        """Everything that was missed, the bounds of the values included."""
        found = [value.missed for value in self.values]
        return self.missed + [sentence for sentence in found if sentence is not None]


def number(value: float) -> str:
    """Write a number with three or so significant digits."""
    if value != value:
        return "not measured"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:,.3g}"


def conclude(outcome: Outcome, common: Common) -> int:
    """Print everything; return the exit status."""
    console = new_console()
    table = Table(title=outcome.title, box=SIMPLE_HEAD, pad_edge=False)
    for place, heading in enumerate(outcome.columns):
        table.add_column(heading, justify="right" if place else "left", no_wrap=True)
    for row in outcome.rows:
        table.add_row(*row)
    console.print(table)
    for note in outcome.notes:
        console.print(note, markup=False)
    missed = outcome.judged()
    for sentence in missed:
        console.print(f"MISSED: {sentence}", style="bold red", markup=False)
    if not missed:
        console.print("Within the figure.", style="bold green")
    whole = msgspec.to_builtins(outcome)
    whole["missed"], whole["ok"] = missed, not missed
    if common.html is not None:
        common.html.write_text(render(whole, outcome.plots))
    text = msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"
    if common.json is None:
        sys.stdout.buffer.write(text)
    else:
        common.json.write_bytes(text)
    return FAILED if missed else 0


def in_lab(work: Callable[[Lab], Awaitable[Outcome]], common: Common) -> int:
    """Run a bench that needs a server or a Postgres, and conclude."""
    try:
        outcome = run_in_lab(work, common.database_url, common.target)
    except ChildError as error:
        new_console().print(str(error), style="bold red", markup=False)
        return BROKEN
    except (KeyboardInterrupt, asyncio.CancelledError):
        new_console().print("Stopped; nothing is left behind.")
        return STOPPED
    return conclude(outcome, common)
