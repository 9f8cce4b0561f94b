"""The open loop: latency from the intended start, and figures that are refused."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
from aiohttp import WSMsgType, web

from bench import drive, samples
from bench.baselines import shell
from bench.contenders import Running
from bench.monitor import Look, Monitor
from bench.plan import Taken
from inventory.commands import Hold

RATE = 400
LOAD = drive.Load(
    rate=RATE,
    seconds=1.0,
    warmup=0.2,
    seats_per_event=10_000,
    seats_per_hold=2,
    holds_max=RATE * 2,
    patience_s=5.0,
)
STALL_S = 0.5


class Till:
    """Sells to everyone; stands still once, where it is told to."""

    def __init__(self, stall_at: int = -1) -> None:
        self.sold = 0
        self._stall_at = stall_at
        self._closed_until = 0.0

    async def sell(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        loop = asyncio.get_running_loop()
        async for message in ws:
            if message.type is not WSMsgType.TEXT:
                continue
            self.sold += 1
            if self.sold == self._stall_at:
                self._closed_until = loop.time() + STALL_S
            await asyncio.sleep(max(0.0, self._closed_until - loop.time()))
            command = msgspec.json.decode(message.data, type=Hold)
            reply = shell.hold_ok("token", command.seats or [], self.sold)
            reply.id = command.id
            await ws.send_str(msgspec.json.encode(reply).decode())
        return ws


async def drive_to(till: Till, load: drive.Load = LOAD) -> drive.Driven:
    async def settle() -> dict[str, object]:
        return {}

    app = web.Application()
    app.router.add_get("/v1/ws", till.sell)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        running = Running(
            address=f"{host}:{port}",
            tokens=["token"] * 5,
            events=["event"],
            server_pids=[],
            settle=settle,
        )
        async with AsyncExitStack() as stack:
            return await drive.drive(stack, load, running)
    finally:
        await runner.cleanup()


def test_everything_is_sent_as_the_schedule_says() -> None:
    till = Till()
    figures = asyncio.run(drive_to(till)).figures
    assert figures.faults == {}
    assert figures.refused == {}
    assert figures.sent == till.sold == figures.accepted_total == RATE * 1.2
    assert figures.accepted == RATE
    assert figures.rate == RATE


def test_a_server_that_stands_still_is_charged_for_all_who_would_have_come() -> None:
    driven = asyncio.run(drive_to(Till(stall_at=int(RATE * 0.5))))
    # A closed loop would have had five slow commands, one for each connection.
    slow = [s for s in driven.samples if s[1] - s[0] > STALL_S / 2]
    assert len(slow) > RATE * STALL_S / 4
    assert driven.figures.max_ms > STALL_S * 900


def test_a_closed_loop_has_as_many_processes_as_told() -> None:
    load = msgspec.structs.replace(LOAD, rate=None, processes=3, holds_max=5_000)
    till = Till()
    figures = asyncio.run(drive_to(till, load)).figures
    assert figures.faults == {}
    assert figures.rate is None
    assert figures.sent == till.sold == figures.accepted_total > 0


def taken(**more: object) -> Taken:
    plain = Taken(
        begin=1.0,
        end=2.0,
        due=10,
        sent=10,
        accepted_total=10,
        refused={},
        faults={},
    )
    return msgspec.structs.replace(plain, **more)


def watched(generator_s: float) -> Monitor:
    """A monitor of a generator that used so much CPU in the window."""
    monitor = Monitor({"server": [], "store": [], "generator 1": []}, None)
    for at, used in ((1.0, 0.0), (2.0, generator_s)):
        cpu = {"server": 0.0, "store": 0.0, "generator 1": used, "machine": used}
        monitor.looks.append(Look(at, cpu, 0))
    return monitor


SAMPLES = [(1.0 + n / 10, 1.004 + n / 10, float(n)) for n in range(10)]


@pytest.mark.parametrize(
    ("part", "generator_s", "refusal"),
    [
        (taken(), 0.5, ""),
        (taken(lag_p99_ms=4.0), 0.5, ""),
        (taken(lag_p99_ms=30.0), 0.5, "30.0 ms late"),
        (taken(sent=9), 0.5, "only 9 of 10"),
        (taken(sent=9, sold_out=True), 0.5, ""),
        (taken(), 0.95, "95% of its core"),
    ],
)
def test_what_the_generator_was_too_slow_for_is_not_told(
    part: Taken, generator_s: float, refusal: str
) -> None:
    driven = drive.combine(LOAD, [part], SAMPLES, watched(generator_s))
    figures = driven.figures
    assert refusal in figures.refusal
    assert bool(figures.refusal) == bool(refusal)
    told = msgspec.json.decode(msgspec.json.encode(figures))
    if refusal:
        assert told["p50_ms"] is told["p99_ms"] is told["max_ms"] is None
        assert driven.curves.latency == []
    else:
        assert told["p99_ms"] == pytest.approx(4.0)


def test_cpu_between_two_looks_is_interpolated() -> None:
    monitor = watched(0.8)
    assert monitor.used("generator 1", 1.25, 1.75) == pytest.approx(0.4)
    assert monitor.busiest(1.0, 2.0) == pytest.approx(0.8)


# -- Raw samples


def test_samples_come_back_as_they_were_written(tmp_path: Path) -> None:
    samples.write_samples(tmp_path / "one", SAMPLES)
    assert samples.read_samples(tmp_path / "one") == SAMPLES


def test_a_latency_curve_ends_at_the_slowest() -> None:
    delays = [float(n) for n in range(1, 10_001)]
    curve = samples.curve_of(delays)
    assert curve[0] == (0.0, 1.0)
    assert curve[-1][1] == 10_000
    assert samples.latency_of(delays).p9999_ms == 9_999
    assert samples.curve_of([]) == []


def test_a_rate_is_counted_by_quarters_of_a_second() -> None:
    moments = [10.1, 10.2, 10.3, 10.9, 11.2, 9.9]
    curve = samples.rate_curve(moments, 10.0, 11.2)
    assert [rate for _, rate in curve] == [8, 4, 0, 4]


def test_a_sum_ends_with_all_of_it() -> None:
    curve = samples.sum_curve([3.0, 1.0, 2.0], 1.0, 2)
    assert curve[-1] == (2.0, 6)
