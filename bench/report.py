"""The report of `bench hot`: medians over the rounds, ratios, and their bounds."""

from statistics import median

from msgspec import structs, to_builtins

from bench.hot import ECHO, ONSALE, Report, Run
from bench.outcome import Outcome, Value
from bench.plan import Curves
from bench.plots import Plot, Points

SATURATED = 0.9
"""A load generator that uses more of its core than this may be the limit itself."""

DISTURBED = 0.1
"""Other work that uses more of a core than this takes it from the measurement."""

PROMISED: dict[tuple[int, int], dict[str, float]] = {
    (1_000, 1): {ECHO: 0.7, "row_locks": 30.0, "redis_script": 6.0},
    (100, 8): {ECHO: 0.5},
}
"""By connections and commands in flight: how much more Onsale does than another."""

P99_MS_MAX = 25.0
P99_TO_ECHO_MAX = 3.0


def summary(report: Report) -> dict[str, dict[str, float | int | None]]:
    """Medians over the rounds, per server."""
    return {
        name: _medians([run for run in report.runs if name_of(run) == name])
        for name in dict.fromkeys(name_of(run) for run in report.runs)
    }


def name_of(run: Run) -> str:
    """Tell the runs of a server in an open loop from the others."""
    rate = run.figures.rate
    return f"{run.server} at {rate:,.0f}/s" if rate is not None else run.server


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
        "p9999_ms": median(f.p9999_ms for f in figures),
        "lag_p99_ms": median(f.lag_p99_ms for f in figures),
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
        if run.server != ONSALE or run.open:
            continue
        if run.to_echo is not None:
            found.setdefault(ECHO, []).append(run.to_echo)
        for other in report.runs:
            if (
                other.round == run.round
                and not other.open
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


def values(report: Report) -> list[Value]:
    """The figures that are promised, and those that reports are compared by."""
    options = report.options
    shape = options.connections, options.in_flight
    promised = PROMISED.get(shape, {}) if report.peaks(ONSALE) else {}
    found = [
        Value(
            name=f"onsale / {name}", value=ratio["median"], at_least=promised.get(name)
        )
        for name, ratio in ratios(report).items()
    ]
    rows = summary(report)
    for name, row in rows.items():
        per_second = row["per_second"]
        assert per_second is not None
        if "at " not in name:
            found.append(Value(name=name, value=per_second, unit="holds/s"))
    return found + _open_values(report)


def _open_values(report: Report) -> list[Value]:
    """The latencies of the open loop; only half of the peak has a bound."""
    p99 = {
        name: median(
            run.figures.p99_ms for run in report.runs if run.server == name and run.open
        )
        for name in {run.server for run in report.runs if run.open}
    }
    bound = report.options.rate is None
    found = [
        Value(
            name=f"{name}, open loop p99",
            value=value,
            unit="ms",
            at_most=P99_MS_MAX if bound and name == ONSALE else None,
        )
        for name, value in sorted(p99.items())
    ]
    if p99.keys() >= {ECHO, ONSALE}:
        found.append(
            Value(
                name="onsale / echo, open loop p99",
                value=p99[ONSALE] / p99[ECHO] if p99[ECHO] else 0.0,
                at_most=P99_TO_ECHO_MAX if bound else None,
            )
        )
    return found


def conclude_hot(report: Report) -> Outcome:
    """Make the table, and hold the ratios against what is promised."""
    options = report.options
    by_cpu = cpu_to_echo(report)
    notes = [
        f"onsale / {name}: {ratio['median']:.2f}"
        f" (between {ratio['least']:.2f} and {ratio['most']:.2f})"
        for name, ratio in ratios(report).items()
    ]
    if by_cpu is not None:
        notes.append(f"onsale / echo by the server's CPU time alone: {by_cpu:.2f}")
    notes += [f"{name}: skipped, {why}" for name, why in report.skipped.items()]
    audits = [run.settled["audit"] for run in report.runs if "audit" in run.settled]
    return Outcome(
        bench="hot",
        title=f"One hot event: {options.connections:,} connections,"
        f" {options.in_flight} in flight, {options.seats_per_hold} seats per hold",
        settings=to_builtins(options),
        machine=report.machine,
        columns=COLUMNS,
        rows=[row_of(name, row) for name, row in summary(report).items()],
        values=values(report),
        figures={
            "summary": summary(report),
            "onsale_to": ratios(report),
            "onsale_cpu_to_echo": by_cpu,
            "runs": [structs.replace(run, curves=Curves()) for run in report.runs],
            "skipped": report.skipped,
        },
        audit={"runs": audits},
        notes=[*notes, *warnings(report)],
        missed=faults(report),
        plots=draw_runs(report.runs),
    )


COLUMNS = [
    *("server", "holds/s", "p50 ms", "p99 ms", "p99.9", "p99.99"),
    *("lag", "batch", "server µs", "store µs", "client"),
]


def row_of(name: str, row: dict[str, float | int | None]) -> list[str]:
    """The row of the table for one of `summary`."""
    return [
        name,
        number_of(row["per_second"], 0),
        *(number_of(row[f"{p}_ms"], 1) for p in ("p50", "p99", "p999", "p9999")),
        number_of(row["lag_p99_ms"] or None, 1),
        number_of(row["batch"], 0),
        number_of(row["server_us"], 1),
        number_of(row["store_us"], 1),
        f"{row['generator_share']:.0%}",
    ]


def draw_runs(runs: list[Run]) -> list[Plot]:
    """The plots of the last run of each kind; CPU and memory are Onsale's."""
    last = {name_of(run): run.curves for run in runs}

    def lines(field: str) -> dict[str, Points]:
        return {name: getattr(curves, field) for name, curves in last.items()}

    paced = {name_of(run): run.curves.latency for run in runs if run.open}
    second = "seconds of the window"
    plots = [
        Plot(
            title="Latency by percentile, open loop",
            x="commands answered within",
            y="ms",
            lines=paced,
            by_share=True,
        ),
        Plot(
            title="Latency by percentile, all runs",
            x="commands answered within",
            y="ms",
            lines=lines("latency"),
            by_share=True,
        ),
        Plot(title="Throughput", x=second, y="1/s", lines=lines("per_second")),
        Plot(title="Commands per commit", x=second, y="", lines=lines("batch")),
        Plot(title="Seats taken", x=second, y="seats", lines=lines("sold")),
        Plot(title="Memory of the server", x=second, y="MiB", lines=lines("memory")),
    ]
    plots += [
        Plot(title=f"CPU, {name}", x=second, y="cores", lines=curves.cpu)
        for name, curves in last.items()
        if name.startswith(ONSALE)
    ]
    return [plot for plot in plots if any(plot.lines.values())]


def warnings(report: Report) -> list[str]:
    """Say what a reader must know before believing the figures."""
    found = []
    for run in report.runs:
        figures = run.figures
        where = f"{name_of(run)}, round {run.round}:"
        if figures.refused:
            found.append(f"{where} refused {figures.refused}")
        if figures.busiest > SATURATED:
            found.append(
                f"{where} the client used {figures.busiest:.0%} of its core: it may be"
                " what was measured"
            )
        ours = "target" not in report.machine  # else its CPU counts as other work
        if ours and figures.cpu.others > DISTURBED * figures.window_s:
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


def faults(report: Report) -> list[str]:
    """Say which runs count for nothing, and what was not measured."""
    found = []
    for run in report.runs:
        where = f"{name_of(run)}, round {run.round}:"
        if run.faults:
            found.append(f"{where} WRONG, counts for nothing: {run.faults}")
        if run.figures.refusal:
            found.append(f"{where} not measured, {run.figures.refusal}")
    return found


def number_of(value: float | None, digits: int) -> str:
    """Write a number for the table; a question mark where it was not measured."""
    if value is None:
        return ""
    return "?" if value != value else f"{value:,.{digits}f}"
