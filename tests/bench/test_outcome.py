"""The report of every bench: its bounds, its page, its plots, and the comparison."""

import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import pytest

from bench import compare, hot, outcome, page, plots, report
from bench.outcome import Value
from bench.plan import Cpu, Curves, Figures
from bench.plots import Plot

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "missed"),
    [
        (Value(name="a", value=1.0), False),
        (Value(name="a", value=1.0, at_least=1.0), False),
        (Value(name="a", value=0.99, at_least=1.0), True),
        (Value(name="a", value=1.0, at_most=1.0), False),
        (Value(name="a", value=1.01, at_most=1.0), True),
        (Value(name="a", value=NAN, at_most=1.0), True),
        (Value(name="a", value=NAN, at_least=1.0), True),
        (Value(name="a", value=NAN), False),
    ],
)
def test_what_was_not_measured_misses_any_bound(value: Value, missed: bool) -> None:
    assert (value.missed is not None) is missed


def found(**more: object) -> outcome.Outcome:
    plain = outcome.Outcome(
        bench="one",
        title="One <event>",
        settings={"rate": 5},
        machine={"cpus": 2, "postgres": {"fsync": "on", "commit_ms": 1.0}},
        columns=["a", "b"],
        rows=[["<x>", "1"]],
        values=[Value(name="speed", value=100.0, unit="1/s", at_least=50.0)],
        audit={"ok": True},
        plots=[
            Plot(
                title="Latency & co",
                x="share",
                y="ms",
                lines={"a": [(0.0, 1.0), (0.9, 2.0), (1.0, 3.0)], "b": []},
                by_share=True,
            ),
            Plot(title="Nothing", x="s", y="", lines={"a": []}),
        ],
    )
    return msgspec.structs.replace(plain, **more)


def write(folder: Path, name: str, **more: object) -> Path:
    path = folder / f"{name}.json"
    common = outcome.Common(json=path, html=folder / f"{name}.html")
    outcome.conclude(found(**more), common)
    return path


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, "a")
    text = (tmp_path / "a.html").read_text()
    for word in ("http:", "https:", "src=", "href=", "url(", "<script", "@import"):
        assert word not in text
    assert "&lt;x&gt;" in text
    assert "One &lt;event&gt;" in text
    assert text.count("<svg") == 1
    assert "fsync" in text


def test_a_plot_is_sound_xml_with_a_line_for_each_that_has_points() -> None:
    svg = ET.fromstring(plots.draw(found().plots[0]))
    assert len(svg.findall("path[@class='line']")) == 1
    texts = [text.text for text in svg.findall("text")]
    assert {"Latency & co", "90 %", "99.999 %"} <= set(texts)


@pytest.mark.parametrize("highest", [1e-9, 0.3, 1.0, 7.0, 999.0, 1e9])
def test_ticks_are_few_and_reach_to_the_highest(highest: float) -> None:
    found = plots.ticks(0.0, highest)
    assert 3 <= len(found) <= 7
    assert found[0] == 0
    assert found[-1] >= highest * 0.999


def test_a_plot_of_zeros_can_be_drawn() -> None:
    lines = {"a": [(0.0, 0.0), (1.0, 0.0)]}
    ET.fromstring(plots.draw(Plot(title="a", x="s", y="", lines=lines)))


def test_a_report_tells_what_was_missed_by_its_values(tmp_path: Path) -> None:
    slow = [Value(name="speed", value=10.0, unit="1/s", at_least=50.0)]
    whole = msgspec.json.decode(write(tmp_path, "a", values=slow).read_bytes())
    assert whole["missed"] == ["speed: 10 1/s, less than 50"]
    assert whole["ok"] is False


def test_reports_are_compared_by_their_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faster = [Value(name="speed", value=150.0, unit="1/s"), Value(name="b", value=1)]
    a = write(tmp_path, "a")
    b = write(tmp_path, "b", values=faster, settings={"rate": 6})
    assert compare.compare(a, b) == 0
    said = capsys.readouterr().err
    assert "rate: 5, then 6" in said
    assert compare.changes(compare.read_report(a), compare.read_report(b)) == [
        ["speed", "100", "150", "1/s", "1.50"]
    ]


def test_times_of_a_machine_do_not_make_it_another(tmp_path: Path) -> None:
    slower = {"cpus": 2, "postgres": {"fsync": "on", "commit_ms": 2.0}}
    a = compare.read_report(write(tmp_path, "a"))
    assert compare.differences(a, a | {"machine": slower}) == []
    other = {"cpus": 2, "postgres": {"fsync": "off"}}
    assert len(compare.differences(a, a | {"machine": other})) == 1


def test_what_is_no_report_cannot_be_compared(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    a = write(tmp_path, "b")
    assert compare.compare(tmp_path / "a.json", a) == outcome.BROKEN
    assert compare.compare(tmp_path / "missing.json", a) == outcome.BROKEN


def run_of(server: str, per_second: float, **more: object) -> hot.Run:
    figures = Figures(
        window_s=1.0,
        sent=1,
        accepted=1,
        accepted_total=1,
        refused={},
        faults={},
        per_second=per_second,
        p50_ms=1,
        p90_ms=1,
        p99_ms=1,
        p999_ms=1,
        p9999_ms=1,
        max_ms=1,
        cpu=Cpu(server=0.5, store=0, generator=0.5, machine=1),
        sold_out=False,
        reply_bytes=1,
    )
    figures = msgspec.structs.replace(figures, **more)
    curves = Curves(latency=[(0.0, 1.0), (1.0, 2.0)])
    return hot.Run(
        round=1,
        server=server,
        figures=figures,
        settled={},
        faults={},
        to_echo=0.6 if server == "onsale" else None,
        curves=curves,
    )


def hot_report(*runs: hot.Run, **options: object) -> outcome.Outcome:
    settings = hot.Options(**options)  # type: ignore[arg-type]
    whole = hot.Report(options=settings, machine={}, runs=list(runs), skipped={})
    return report.conclude_hot(whole)


def test_the_figures_of_hot_belong_to_its_usual_shape() -> None:
    runs = run_of("echo", 100), run_of("onsale", 60), run_of("row_locks", 1)
    assert hot_report(*runs).judged() == ["onsale / echo: 0.6, less than 0.7"]
    assert hot_report(*runs, connections=100, in_flight=8).judged() == []
    assert hot_report(*runs, connections=10).judged() == []


def test_half_of_the_peak_has_a_latency_to_keep() -> None:
    peak = run_of("echo", 100), run_of("onsale", 90)
    echo = run_of("echo", 45, rate=45, p99_ms=5.0)
    near, far = (run_of("onsale", 45, rate=45, p99_ms=ms) for ms in (15.0, 26.0))
    assert hot_report(*peak, echo, near, connections=10).judged() == []
    assert len(hot_report(*peak, echo, far, connections=10).judged()) == 2
    assert hot_report(echo, far, connections=10, rate=45).judged() == []


def test_a_figure_that_was_refused_is_missed() -> None:
    runs = (
        run_of("onsale", 90),
        run_of("onsale", 45, rate=45, p99_ms=NAN, refusal="too slow"),
    )
    missed = hot_report(*runs, connections=10).judged()
    assert missed[0] == "onsale at 45/s, round 1: not measured, too slow"
    assert "not measured" in missed[1]


def test_the_page_of_a_bench_says_when_something_is_missed() -> None:
    whole = msgspec.to_builtins(found()) | {"missed": ["too <slow>"]}
    assert "MISSED: too &lt;slow&gt;" in page.render(whole, [])
