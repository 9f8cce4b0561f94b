"""How a bench with a figure ends: its table, its JSON, and a status that tells."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from msgspec import Struct
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.children import ChildError
from bench.hot import run_with_store

WIDTH = 110
"""Of the table where it goes to a file."""

FAILED, BROKEN, STOPPED = 1, 2, 130


class Outcome(Struct, kw_only=True):
    """What a bench found."""

    bench: str
    title: str
    columns: list[str]
    rows: list[list[str]]
    figures: dict[str, object]
    """What the table is made of, for machines."""

    notes: list[str] = []
    """What a reader should know."""

    missed: list[str] = []
    """Figures that were not reached, and whatever was wrong: a sentence for each."""

    machine: dict[str, object] = {}


def new_console() -> Console:
    """Return the console of the tables, which is stderr."""
    console = Console(stderr=True)
    if not console.is_terminal:
        console.width = WIDTH
    return console


def conclude(outcome: Outcome, json: Path | None) -> int:
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
    for sentence in outcome.missed:
        console.print(f"MISSED: {sentence}", style="bold red", markup=False)
    if not outcome.missed:
        console.print("Within the figure.", style="bold green")
    whole = msgspec.to_builtins(outcome)
    whole["ok"] = not outcome.missed
    text = msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"
    if json is None:
        sys.stdout.buffer.write(text)
    else:
        json.write_bytes(text)
    return FAILED if outcome.missed else 0


def with_store(
    work: Callable[[Path, str, list[int]], Awaitable[Outcome]],
    database_url: str | None,
    json: Path | None,
) -> int:
    """Run a bench that needs a Postgres, and conclude."""
    try:
        outcome = run_with_store(work, database_url)
    except ChildError as error:
        new_console().print(str(error), style="bold red", markup=False)
        return BROKEN
    except (KeyboardInterrupt, asyncio.CancelledError):
        new_console().print("Stopped; nothing is left behind.")
        return STOPPED
    return conclude(outcome, json)
