"""Miniatures of the scenarios: they count right, notice lies, and can miss a figure."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from bench import drive, fanout, many, reads
from bench.contenders import Running, start_module
from bench.lab import Lab
from bench.plan import Figures
from bench.samples import latency_of
from bench.watching import Question

Answer = Callable[[int], Awaitable[web.Response]]


@pytest.fixture
def lab(tmp_path: Path, server_url: str) -> Lab:
    return Lab(directory=tmp_path, admin_url=server_url, store_pids=[])


# -- Reads


async def read_from(answer: Answer, **more: object) -> Figures:
    """Let the load generator read from a server in this process."""
    number = 0

    async def read(request: web.Request) -> web.Response:
        nonlocal number
        number += 1
        return await answer(number)

    async def settle() -> dict[str, object]:
        return {}

    app = web.Application()
    app.router.add_get("/page", read)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        running = Running(
            address=f"{host}:{port}",
            tokens=["token"] * 3,
            events=[],
            server_pids=[],
            settle=settle,
        )
        load = drive.Load(path="/page", seconds=0.4, warmup=0.1, patience_s=0.3)
        async with AsyncExitStack() as stack:
            load = msgspec.structs.replace(load, **more)
            return (await drive.drive(stack, load, running)).figures
    finally:
        await runner.cleanup()


async def tell_the_same(number: int) -> web.Response:
    return web.Response(body=b"x" * 100_000)


async def change_once(number: int) -> web.Response:
    return web.Response(body=b"xy"[number == 20 :][:1] * 5)


async def fail_once(number: int) -> web.Response:
    return web.Response(status=503 if number == 20 else 200, body=b"x")


async def never_answer(number: int) -> web.Response:
    if number == 20:
        await asyncio.sleep(30)
    return web.Response(body=b"x")


@pytest.mark.parametrize("rate", [None, 200.0])
def test_reads_are_counted_to_the_last_byte(rate: float | None) -> None:
    figures = asyncio.run(read_from(tell_the_same, rate=rate))
    assert figures.faults == {}
    assert figures.sent == figures.accepted_total > 0
    assert figures.reply_bytes == 100_000
    if rate is not None:
        assert figures.sent == rate * 0.5


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (change_once, "another answer than before"),
        (fail_once, "HTTP/1.1 503 Service Unavailable"),
        (never_answer, "never answered"),
    ],
)
def test_a_read_that_goes_wrong_is_noticed(answer: Answer, fault: str) -> None:
    figures = asyncio.run(read_from(answer))
    assert figures.faults.get(fault, 0) >= 1, figures.faults


@pytest.mark.postgres
@pytest.mark.slow
def test_reads_are_measured_beside_the_same_bytes(lab: Lab) -> None:
    load = drive.Load(seconds=0.4, warmup=0.1)
    lab = lab.shaped(connections=3, seats_per_event=100)
    runs = asyncio.run(reads.measure(lab, load, 2, 20.0))
    assert [run.faults for run in runs] == [{}] * 16
    turns = [run.server for run in runs if not run.open][:4]
    bare, onsale = "bare availability", "onsale availability"
    assert turns == [bare, onsale, onsale, bare]
    sizes = {run.server: run.figures.reply_bytes for run in runs}
    assert sizes["bare availability"] == sizes["onsale availability"] > 100
    assert sizes["bare event"] == sizes["onsale event"]
    found = {value.name: value for value in reads.values_of(runs)}
    for ratio in (
        "event, to the bare handler",
        "event, to the bare handler by server CPU",
    ):
        assert found[ratio].at_least == reads.TO_BARE_MIN
        assert found[ratio].value > 0
    assert found["event, onsale, server CPU"].value > 0
    kept = found["availability, kept while it sells"]
    assert kept.at_least == reads.TO_QUIET_MIN
    assert kept.value > 0
    assert len(reads.conclude(runs, load, {}).rows) == 16


# -- Fan-out


@pytest.mark.postgres
@pytest.mark.slow
def test_everyone_is_told_and_beside_it_prebuilt_frames(lab: Lab) -> None:
    load = drive.Load(
        rate=50.0,
        seconds=0.8,
        warmup=0.2,
        seats_per_event=fanout.SEATS,
        seats_per_hold=1,
    )
    shape = lab.shaped(seats_per_event=fanout.SEATS, seats_per_hold=1)
    run = asyncio.run(fanout.measure_one(shape, 6, load))
    assert [fault for fault in run.faults if "not measured" not in fault] == []
    assert run.frames >= 6
    assert run.prebuilt_us is not None
    assert run.prebuilt_us >= 0
    if run.last is not None:
        assert 1 <= run.last.count <= fanout.COMMITS_ASKED * 2


def test_prebuilt_frames_of_all_lengths_are_understood(lab: Lab) -> None:
    async def watch(size: int) -> fanout.Told:
        async with AsyncExitStack() as stack:
            child = await start_module(
                stack,
                lab,
                "bench.baselines.prebuilt",
                stdin=msgspec.json.encode((size, 50.0)),
            )
            crowd = fanout.Crowd(stack)
            url = f"ws://{await child.address()}/v1/ws"
            await crowd.gather(url, ["a", "b"], "event")
            # Far enough that frames come after the answers to `watch`, which tell the
            # version that the frames have come to by then.
            question = Question(begin=0, end=1e12, reach=300, patience_s=30.0)
            return await crowd.ask(question)

    for size in (100, 5_000, 70_000):
        told = asyncio.run(watch(size))
        assert told.faults == {}
        assert told.frames > 2
        assert told.bytes > size


def fan_run(**more: object) -> fanout.Run:
    plain = fanout.Run(
        watchers=1_000,
        changes_per_s=200.0,
        frames=1_000,
        frame_bytes=100.0,
        delivery_us=11.0,
        sale_cpu=0.1,
        cpu=0.2,
        prebuilt_us=10.0,
        last=latency_of([100.0, 200.0]),
        others=0.0,
        faults=[],
    )
    return msgspec.structs.replace(plain, **more)


@pytest.mark.parametrize(
    ("run", "missed"),
    [
        (fan_run(), 0),
        (fan_run(delivery_us=12.0), 1),
        (fan_run(delivery_us=12.0, watchers=10_000), 0),
        (fan_run(last=latency_of([501.0])), 1),
        (fan_run(last=None, faults=["not measured"]), 2),
    ],
)
def test_fanout_has_figures_to_miss(run: fanout.Run, missed: int) -> None:
    load = drive.Load(rate=1.0, seconds=1.0, warmup=1.0)
    assert len(fanout.conclude([run], load, {}).judged()) == missed


# -- Many events


@pytest.mark.postgres
@pytest.mark.slow
def test_many_events_sell_side_by_side(lab: Lab) -> None:
    spread = many.Spread(
        events=4, connections=6, seconds=0.6, warmup=0.2, rounds=1, rate_max=4_000
    )
    report = asyncio.run(many.measure(lab, spread))
    assert [run.faults for run in report.runs] == [{}, {}, {}]
    audits = [run.settled["audit"] for run in report.runs]
    assert [a["events"] for a in audits if isinstance(a, dict)][1] == 4
    found = many.conclude(report, spread)
    assert found.values[0].at_least is None
    assert found.values[0].value > 0
