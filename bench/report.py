"""The report of `bench hot`: a table for people, and everything as JSON."""

from statistics import median

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.hot import ECHO, Report, Run

SATURATED = 0.9
"""A load generator that uses more of its core than this may be the limit itself."""

DISTURBED = 0.1
"""Other work that uses more of a core than this takes it from the measurement."""


def summary(report: Report) -> dict[str, dict[str, float | int | None]]:
    """Medians over the rounds, per server."""
    return {
        name: _medians([run for run in report.runs if run.server == name])
        for name in dict.fromkeys(run.server for run in report.runs)
    }


def _medians(runs: list[Run]) -> dict[str, float | int | None]:
    figures = [run.figures for run in runs]
    ratios = [run.to_echo for run in runs if run.to_echo is not None]
    batches = [run.settled.get("batch") for run in runs]
    sizes = [float(size) for size in batches if isinstance(size, int | float)]
    return {
        "runs": len(runs),
        "per_second": median(f.per_second for f in figures),
        "p50_ms": median(f.p50_ms for f in figures),
        "p99_ms": median(f.p99_ms for f in figures),
        "p999_ms": median(f.p999_ms for f in figures),
        "to_echo": median(ratios) if ratios else None,
        "batch": median(sizes) if sizes else None,
        "server_us": median(f.cpu_us(f.cpu.server) for f in figures),
        "store_us": median(f.cpu_us(f.cpu.store) for f in figures),
        "generator_us": median(f.cpu_us(f.cpu.generator) for f in figures),
        "server_share": median(f.cpu.server / f.window_s for f in figures),
        "generator_share": median(f.generator_share for f in figures),
        "others_share": median(f.cpu.others / f.window_s for f in figures),
        "refused": sum(sum(f.refused.values()) for f in figures),
        "faults": sum(sum(run.faults.values()) for run in runs),
    }


def ratios(report: Report) -> dict[str, dict[str, float]]:
    """How Onsale compares with each other server: median, least and most per round.

    Each of its runs is compared with the other server's run of the same round; the
    echo's is the one just before it.
    """
    found: dict[str, list[float]] = {}
    for run in report.runs:
        if run.server != "onsale":
            continue
        if run.to_echo is not None:
            found.setdefault(ECHO, []).append(run.to_echo)
        for other in report.runs:
            if (
                other.round == run.round
                and other.server not in ("onsale", ECHO)
                and other.figures.per_second
            ):
                found.setdefault(other.server, []).append(
                    run.figures.per_second / other.figures.per_second
                )
    return {
        name: {
            "median": round(median(values), 3),
            "least": round(min(values), 3),
            "most": round(max(values), 3),
        }
        for name, values in found.items()
    }


def cpu_to_echo(report: Report) -> float | None:
    """How the echo's CPU time per command compares with Onsale's, by medians.

    Not the figure that is promised: it leaves out the store and all waiting. But other
    work on the machine hardly moves it.
    """
    rows = summary(report)
    echo, onsale = (rows.get(name, {}).get("server_us") for name in (ECHO, "onsale"))
    return round(echo / onsale, 3) if echo and onsale else None


def as_json(report: Report) -> bytes:
    """Everything: the medians, the ratios, and each run's own figures."""
    whole = {
        "bench": "hot",
        "summary": summary(report),
        "onsale_to": ratios(report),
        "onsale_cpu_to_echo": cpu_to_echo(report),
        **msgspec.to_builtins(report),
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"


def show(report: Report, console: Console) -> None:
    """Print the table, the ratios, and whatever makes the figures doubtful."""
    options = report.options
    table = Table(
        title=f"One hot event: {options.connections:,} connections,"
        f" {options.in_flight} in flight, {options.seats_per_hold} seats per hold",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("server", no_wrap=True)
    for heading in (
        "holds/s",
        "to echo",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "batch",
        "server µs",
        "store µs",
        "client %",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, row in summary(report).items():
        table.add_row(
            name,
            _number(row["per_second"], 0),
            _number(row["to_echo"], 3),
            _number(row["p50_ms"], 1),
            _number(row["p99_ms"], 1),
            _number(row["p999_ms"], 1),
            _number(row["batch"], 0),
            _number(row["server_us"], 1),
            _number(row["store_us"], 1),
            _percent(row["generator_share"]),
        )
    for name, why in report.skipped.items():
        table.add_row(name, f"skipped: {why}")
    console.print(table)
    for name, ratio in ratios(report).items():
        console.print(
            f"onsale / {name}: {ratio['median']:.2f}"
            f" (between {ratio['least']:.2f} and {ratio['most']:.2f})"
        )
    by_cpu = cpu_to_echo(report)
    if by_cpu is not None:
        console.print(f"onsale / echo by the server's CPU time alone: {by_cpu:.2f}")
    for warning in warnings(report):
        console.print(warning, style="bold red")


def warnings(report: Report) -> list[str]:
    """Say what a reader must know before believing the figures."""
    found = []
    for run in report.runs:
        figures = run.figures
        where = f"{run.server}, round {run.round}:"
        if run.faults:
            found.append(f"{where} WRONG, counts for nothing: {run.faults}")
        if figures.refused:
            found.append(f"{where} refused {figures.refused}")
        if figures.generator_share > SATURATED:
            found.append(
                f"{where} the client used {figures.generator_share:.0%} of its core"
            )
        if figures.cpu.others > DISTURBED * figures.window_s:
            found.append(
                f"{where} other work used {figures.cpu.others / figures.window_s:.0%}"
                " of a core"
            )
        if figures.window_s < report.options.seconds / 2:
            found.append(
                f"{where} sold out after {figures.window_s:.1f} s; give it more seats"
                " with --rate-max"
            )
    return found


def failed(report: Report) -> bool:
    """Whether any run counts for nothing."""
    return any(run.faults for run in report.runs)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"
