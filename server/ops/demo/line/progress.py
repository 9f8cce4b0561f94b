"""What is shown while people wait: a line that lives, and what happened above it."""

import time
from typing import Final, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from server.ops.demo.line.reports import Report
from server.ops.demo.progress import PLAIN_EVERY_S, say

REFRESHED: Final = 8


def describe(report: Report) -> str:
    """Say in one line how it stands."""
    elapsed = f"{report.elapsed_s:5.1f} s"
    if report.phase in ("off", "gathering", "drawing"):
        return f"{elapsed}  {report.phase}: {report.joined:,} in line"
    pace = "" if report.per_min is None else f" ({report.per_min:,.0f} a minute)"
    return (
        f"{elapsed}  turns {report.turns:,}{pace}  rank {report.next:,}"
        f"  sold {report.booked:,}  held {report.held:,}  free {report.free:,}"
        f"  given on {report.returned:,}  waiting {report.waiting:,}"
    )


class Progress(Protocol):
    """Shows one report after the other, and what is said."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(self, *_: object) -> None:
        """Leave the terminal as it was."""

    def show(self, report: Report) -> None:
        """Show how it stands now."""

    def say(self, text: str) -> None:
        """Tell what happened, to stay."""


class PlainProgress:
    """One line a second, for logs and pipes."""

    def __init__(self) -> None:
        self._shown = 0.0

    def __enter__(self) -> Self:
        """Nothing has to be prepared."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing has to be undone."""

    def show(self, report: Report) -> None:
        """Print the line when the last one is a second old."""
        now = time.monotonic()
        if now - self._shown >= PLAIN_EVERY_S:
            self._shown = now
            say(describe(report))

    def say(self, text: str) -> None:
        """Print it."""
        say(text)


class LiveProgress:
    """One line and a bar that stay where they are."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=REFRESHED)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last picture and give the cursor back."""
        self._live.__exit__(None, None, None)

    def show(self, report: Report) -> None:
        """Replace the line and the bar."""
        total = max(1, report.free + report.held + report.booked)
        self._live.update(
            Group(
                Text(describe(report), no_wrap=True, overflow="ellipsis"),
                ProgressBar(total=total, completed=report.booked),
            )
        )

    def say(self, text: str) -> None:
        """Print it above."""
        self._console.print(Text(text))


def choose_progress() -> Progress:
    """Return the live picture for a terminal, plain lines for everything else."""
    console = Console()
    return LiveProgress(console) if console.is_terminal else PlainProgress()
