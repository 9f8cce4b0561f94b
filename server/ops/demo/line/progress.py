"""What is shown while people wait."""

from server.ops.demo.line.reports import Report


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
