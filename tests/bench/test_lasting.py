"""Miniatures of what lasts: a herd that returns, recovery, and growth."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from bench import fanout, growth, herd, recover
from bench.bench_recovery import WITH, WITHOUT, Recovered
from bench.lab import Lab
from bench.plan import Cpu
from bench.samples import latency_of
from bench.trading import Traded


@pytest.fixture
def lab(tmp_path: Path, server_url: str) -> Lab:
    return Lab(directory=tmp_path, admin_url=server_url, store_pids=[])


# -- The herd


@pytest.mark.postgres
@pytest.mark.slow
def test_everyone_comes_back_from_where_they_were(lab: Lab) -> None:
    settings = herd.Settings(watchers=7, rate=30.0, seconds=1.5)
    shape = lab.shaped(seats_per_event=fanout.SEATS, seats_per_hold=1)
    result = asyncio.run(herd.measure(shape, settings))
    assert result.faults == {}
    assert result.back.count == 7
    assert result.resumed == 7
    assert 0 < result.back.p50_ms <= result.back.max_ms
    assert result.sale.figures.accepted_total > 20
    assert not [s for s in herd.conclude(result, settings, {}).missed if "ms" not in s]

    late = msgspec.structs.replace(result, back=latency_of([31_000.0]))
    assert "all back" in herd.conclude(late, settings, {}).judged()[0]
    lost = msgspec.structs.replace(result, faults={"never came back": 2})
    assert "never came back: 2" in herd.conclude(lost, settings, {}).judged()


# -- Recovery


@pytest.mark.postgres
@pytest.mark.slow
def test_a_killed_server_sells_again(lab: Lab) -> None:
    death = asyncio.run(recover.restart(lab.shaped(seats_per_event=100)))
    assert death.kind == "restarted"
    assert death.seconds > 0


@pytest.mark.parametrize(
    ("kind", "seconds", "missed"),
    [(WITH, 2.0, 0), (WITH, 2.1, 1), (WITHOUT, 9.0, 0), ("audit", 9.0, 0)],
)
def test_only_an_actor_with_a_snapshot_has_a_figure(
    kind: str, seconds: float, missed: int
) -> None:
    one = Recovered(row_size=1, kind=kind, seconds=seconds, judged=True)
    death = recover.Death(kind="restarted", seconds=99.0)
    assert len(recover.conclude([one], [death], 5, {}).judged()) == missed


def test_what_an_audit_finds_misses_the_figure() -> None:
    one = Recovered(
        row_size=1, kind="audit", seconds=1.0, judged=False, differences=["a seat"]
    )
    assert recover.conclude([one], [], 5, {}).judged() == ["a seat"]


# -- Growth


@pytest.mark.postgres
@pytest.mark.slow
def test_an_event_with_a_made_up_journal_sells(lab: Lab) -> None:
    sizes = growth.Sizes(
        seats=(1_000,),
        events=(),
        rows=(60,),
        buyers=4,
        seconds=0.4,
        warmup=0.1,
        rounds=1,
    )
    found = asyncio.run(growth.measure(lab, sizes))
    assert [(one.what, one.size) for one in found] == [
        ("seats", 1_000),
        ("rows", 60),
    ]
    assert [one.traded.faults for one in found] == [{}, {}]
    assert found[1].traded.last_version > 60
    assert found[0].traded.last_version >= found[0].traded.accepted


def grown(what: str, size: int, per_second: float) -> growth.Grown:
    traded = Traded(
        begin=0,
        end=1,
        loaded_s=1,
        accepted=1,
        per_second=per_second,
        p50_ms=1,
        p99_ms=1,
        max_ms=1,
        faults={},
        cpu=Cpu(server=1, store=0, generator=0, machine=1),
        commits=[],
        last_version=1,
    )
    return growth.Grown(what=what, size=size, traded=traded)


@pytest.mark.parametrize(
    ("what", "large", "missed"),
    [("seats", 91.0, 0), ("seats", 89.0, 1), ("rows", 89.0, 1), ("events", 10.0, 0)],
)
def test_what_grows_may_cost_a_tenth(what: str, large: float, missed: int) -> None:
    none: dict[str, tuple[int, ...]] = {"seats": (), "events": (), "rows": ()}
    sizes = growth.Sizes(**(none | {what: (1, 9)}))  # type: ignore[arg-type]
    found = [grown(what, 1, 100.0), grown(what, 9, large)]
    assert len(growth.conclude(found, sizes, {}).judged()) == missed
