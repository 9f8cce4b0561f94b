"""What the demo shows: a live line while it sells, and the receipt at the end."""

import sys
import time
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, Self, TypeVar

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from inventory.money import decimal_of
from persistence.journal.audit import Receipt
from server.ops.demo.admin_client import CURRENCY
from server.ops.demo.reports import Final, Report

PLAIN_EVERY_S = 1.0


class Standing(Protocol):
    """How many places are free, held and booked."""

    @property
    def free(self) -> int:
        """Places that anybody may hold."""

    @property
    def held(self) -> int:
        """Places that somebody holds."""

    @property
    def booked(self) -> int:
        """Places that are sold."""


AnyReport = TypeVar("AnyReport", bound=Standing)


def describe(report: Report) -> str:
    """Say in one line how the sale stands."""
    total = report.free + report.held + report.booked
    # Rounded down, because 100 % has to mean all of them.
    percent = 100 * report.booked // total if total else 0
    return (
        f"{report.elapsed_s:5.1f} s  sold {report.booked:,} ({percent} %)"
        f"  held {report.held:,}  free {report.free:,}"
        f"  {report.commands_per_s:,.0f} commands/s  p99 {report.p99_ms:.1f} ms"
    )


class PlainProgress(Generic[AnyReport]):
    """One line a second, for logs and pipes."""

    def __init__(self, describe: Callable[[AnyReport], str]) -> None:
        self._describe = describe
        self._shown = 0.0

    def __enter__(self) -> Self:
        """Nothing has to be prepared."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing has to be undone."""

    def show(self, report: AnyReport) -> None:
        """Print the line when the last one is a second old."""
        now = time.monotonic()
        if now - self._shown >= PLAIN_EVERY_S:
            self._shown = now
            say(self._describe(report))

    def say(self, text: str) -> None:
        """Print what happened."""
        say(text)


class LiveProgress(Generic[AnyReport]):
    """One line and a bar that stay where they are."""

    def __init__(self, console: Console, describe: Callable[[AnyReport], str]) -> None:
        self._console = console
        self._describe = describe
        self._live = Live(console=console, refresh_per_second=8)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last picture and give the cursor back."""
        self._live.__exit__(None, None, None)

    def show(self, report: AnyReport) -> None:
        """Replace the line and the bar."""
        total = max(1, report.free + report.held + report.booked)
        self._live.update(
            Group(
                Text(self._describe(report), no_wrap=True, overflow="ellipsis"),
                ProgressBar(total=total, completed=report.booked),
            )
        )

    def say(self, text: str) -> None:
        """Print what happened above them."""
        self._console.print(Text(text))


def choose_progress(
    describe: Callable[[AnyReport], str],
) -> LiveProgress[AnyReport] | PlainProgress[AnyReport]:
    """Return the live picture for a terminal, plain lines for everything else."""
    console = Console()
    if console.is_terminal:
        return LiveProgress(console, describe)
    return PlainProgress(describe)


def say(text: str) -> None:
    """Tell something in a line of its own, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def show_receipt(
    final: Final, receipt: Receipt, kept: int, problems: list[str]
) -> None:
    """Print the buyers' own records beside the audit's receipt, then the verdict."""
    table = Table(title="The receipt", title_justify="left")
    table.add_column("")
    for name in ("buyers' own records", "journal, replayed", "tables"):
        table.add_column(name, justify="right")
    found = len(receipt.differences)
    tables = f"{found:,} differences" if found or not receipt.ok else "the same"
    for row, ours, theirs in comparisons(final, receipt):
        table.add_row(row, f"{ours:,}", f"{theirs:,}", tables)
    Console(width=None if sys.stdout.isatty() else 100).print(table)
    say(f"State  {receipt.digest.state}")
    say(f"Chain  {receipt.digest.chain}")
    say("Signature ok: the receipt was signed under the server's key.")
    report = final.report
    say(
        f"{report.commands:,} commands in {report.elapsed_s:.1f} s:"
        f" p50 {report.p50_ms:.1f} ms, p99 {report.p99_ms:.1f} ms,"
        f" {report.refused:,} refused, {report.retries:,} retried;"
        f" {final.watchers:,} watchers, {final.gaps} gaps."
    )
    say(
        f"The buyers paid {decimal_of(final.paid, CURRENCY)} {CURRENCY}, the books say"
        f" {decimal_of(kept, CURRENCY)}; {final.declined:,} cards were declined at"
        f" first, and {final.left:,} orders left without paying."
    )
    for problem in problems:
        say(f"PROBLEM: {problem}")
    if not problems:
        say(
            "Sold out. Every acknowledged booking is there, and no seat was sold twice."
        )


def comparisons(final: Final, receipt: Receipt) -> list[tuple[str, int, int]]:
    """Return what both sides have counted: a name, the buyers' figure, the audit's."""
    return [
        ("seats sold", final.seats, receipt.seats.booked),
        ("standing places sold", final.places_in_areas, receipt.places.booked),
        ("bookings", final.bookings, receipt.bookings),
        ("version", final.version, receipt.version),
    ]


def compare(final: Final, receipt: Receipt, kept: int) -> list[str]:
    """Say where the buyers' own records, the audit's receipt and the books differ."""
    problems = differences_of("buyers", receipt, comparisons(final, receipt))
    if final.paid != kept:
        problems.append(f"The buyers paid {final.paid:,}, the books say {kept:,}.")
    return problems


def differences_of(
    who: str, receipt: Receipt, counted: Iterable[tuple[str, int, int]]
) -> list[str]:
    """Say what an audit found, and where it counts something else than people do.

    `counted` are names, what people count and what the audit does.
    """
    problems = [f"The audit found: {found}" for found in receipt.differences]
    if not receipt.ok and not problems:
        problems.append("The audit says that something is wrong.")
    for name, ours, theirs in counted:
        if ours != theirs:
            problems.append(f"{name}: the {who} count {ours:,}, the audit {theirs:,}.")
    return problems
