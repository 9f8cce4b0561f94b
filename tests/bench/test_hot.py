"""A miniature of `bench hot`: what it counts is true, and lies are noticed."""

import asyncio
import dataclasses
import importlib.util
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
from aiohttp import WSMsgType, web

from bench import hot
from bench.baselines import shell
from bench.check import percentile
from bench.contenders import Running
from bench.lab import Lab
from bench.plan import Figures
from bench.usage import cpu_seconds
from inventory.commands import Hold
from inventory.replies import refuse
from persistence.embedded.valkey import EmbeddedValkeyError, find_valkey

CONNECTIONS = 20
OPTIONS = hot.Options(
    connections=CONNECTIONS, seconds=0.8, warmup=0.5, seats_per_event=10_000
)
ECHO_RATE, ONSALE_RATE, STORE_RATE = 150_000, 60_000, 4_000
"""More than each can do in a second, or it is sold out before it was measured."""

Answer = Callable[[web.WebSocketResponse, str, int], Awaitable[None]]


@pytest.fixture
def lab(tmp_path: Path, server_url: str) -> Lab:
    return Lab(
        directory=tmp_path,
        admin_url=server_url,
        store_pids=[],
        connections=CONNECTIONS,
        seats_per_event=OPTIONS.seats_per_event,
        seats_per_hold=OPTIONS.seats_per_hold,
        loop="uvloop",
    )


def measure(lab: Lab, name: str, rate: int, options: hot.Options = OPTIONS) -> hot.Run:
    start = hot.SERVERS[name]
    return asyncio.run(hot.measure_one(options, lab, 1, name, start, rate))


def test_echo_is_measured_without_a_fault(lab: Lab) -> None:
    run = measure(lab, "echo", ECHO_RATE)
    figures = run.figures
    assert run.faults == {}
    assert figures.refused == {}
    assert figures.accepted_total == figures.sent
    assert 0 < figures.accepted < figures.accepted_total
    assert figures.per_second == figures.accepted / figures.window_s
    assert 0 < figures.p50_ms <= figures.p99_ms <= figures.p999_ms <= figures.max_ms
    assert figures.cpu.server > 0
    assert figures.cpu.generator > 0


@pytest.mark.postgres
@pytest.mark.parametrize("name", ["row_locks", "row_locks_seats"])
def test_every_hold_counted_for_row_locks_is_in_the_table(lab: Lab, name: str) -> None:
    run = measure(lab, name, STORE_RATE, dataclasses.replace(OPTIONS, keys=True))
    assert run.faults == {}
    assert run.figures.accepted_total == run.figures.sent > 0
    assert run.settled["held"] == run.figures.accepted_total * OPTIONS.seats_per_hold


@pytest.mark.redis
def test_every_hold_counted_for_the_redis_script_is_in_the_store(lab: Lab) -> None:
    try:
        find_valkey()
    except EmbeddedValkeyError as absent:
        pytest.skip(str(absent))
    run = measure(lab, "redis_script", STORE_RATE)
    assert run.faults == {}
    assert run.figures.accepted_total == run.figures.sent > 0
    assert run.settled["held"] == run.figures.accepted_total * OPTIONS.seats_per_hold


@pytest.mark.postgres
def test_every_hold_counted_for_onsale_passes_its_audit(lab: Lab) -> None:
    if importlib.util.find_spec("server.__main__") is None:
        pytest.skip("the server has no command line yet")
    run = measure(lab, "onsale", ONSALE_RATE)
    assert run.faults == {}
    assert run.figures.accepted_total == run.figures.sent > 0
    assert run.settled["held"] == run.figures.accepted_total * OPTIONS.seats_per_hold
    audit = run.settled["audit"]
    assert isinstance(audit, dict)
    assert audit["ok"]
    assert audit["events"] >= audit["audited"] > 0


def test_a_sale_that_ends_early_shortens_the_window(lab: Lab) -> None:
    # So long that it ends early on any machine; as many for each connection.
    options = dataclasses.replace(OPTIONS, seconds=59.5)
    run = measure(lab, "echo", 10, options)
    assert run.faults == {}
    assert run.figures.sold_out
    assert run.figures.window_s < options.seconds
    assert run.figures.sent <= 10 * (options.warmup + options.seconds)


def test_several_commands_in_flight_are_all_answered(lab: Lab) -> None:
    options = dataclasses.replace(OPTIONS, in_flight=8)
    run = measure(lab, "echo", ECHO_RATE, options)
    assert run.faults == {}
    assert run.figures.accepted_total == run.figures.sent


# -- Servers that answer wrongly


def truth(text: str) -> str:
    command = msgspec.json.decode(text, type=Hold)
    reply = shell.hold_ok("token", command.seats or [], 1)
    reply.id = command.id
    return msgspec.json.encode(reply).decode()


async def tell_the_truth(ws: web.WebSocketResponse, text: str, number: int) -> None:
    await ws.send_str(truth(text))


async def refuse_some(ws: web.WebSocketResponse, text: str, number: int) -> None:
    if number == 5:
        reply = refuse("seat_not_free")
        reply.id = msgspec.json.decode(text)["id"]
        await ws.send_str(msgspec.json.encode(reply).decode())
    else:
        await ws.send_str(truth(text))


async def answer_twice(ws: web.WebSocketResponse, text: str, number: int) -> None:
    await ws.send_str(truth(text))
    if number == 5:
        await ws.send_str(truth(text))


async def never_answer(ws: web.WebSocketResponse, text: str, number: int) -> None:
    if number != 5:
        await ws.send_str(truth(text))


async def give_other_seats(ws: web.WebSocketResponse, text: str, number: int) -> None:
    wrong = text.replace('"101-1-', '"199-9-').replace('"101-2-', '"199-9-')
    await ws.send_str(truth(wrong))


async def give_one_seat(ws: web.WebSocketResponse, text: str, number: int) -> None:
    command = msgspec.json.decode(text)
    await ws.send_str(
        truth(msgspec.json.encode({**command, "seats": command["seats"][:1]}).decode())
    )


async def name_another_id(ws: web.WebSocketResponse, text: str, number: int) -> None:
    command = msgspec.json.decode(text)
    command["id"] += 1_000_000 * (number == 5)
    await ws.send_str(truth(msgspec.json.encode(command).decode()))


async def stammer(ws: web.WebSocketResponse, text: str, number: int) -> None:
    await ws.send_str('{"op": "ok", "id":' if number == 5 else truth(text))


async def only_say_ok(ws: web.WebSocketResponse, text: str, number: int) -> None:
    await ws.send_str(f'{{"op":"ok","id":{msgspec.json.decode(text)["id"]}}}')


async def hang_up(ws: web.WebSocketResponse, text: str, number: int) -> None:
    if number == 5:
        await ws.close()
    else:
        await ws.send_str(truth(text))


async def drop_the_line(ws: web.WebSocketResponse, text: str, number: int) -> None:
    if number == 5 and ws._req is not None and ws._req.transport is not None:
        ws._req.transport.abort()
    else:
        await ws.send_str(truth(text))


async def run_against(answer: Answer) -> Figures:
    """Let the load generator buy from a server in this process."""

    async def sell(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        number = 0
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                number += 1
                await answer(ws, message.data, number)
        return ws

    async def settle() -> dict[str, object]:
        return {}

    app = web.Application()
    app.router.add_get("/v1/ws", sell)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        running = Running(
            address=f"{host}:{port}",
            tokens=["token", "token"],
            events=["event"],
            server_pids=[],
            settle=settle,
        )
        options = dataclasses.replace(
            OPTIONS, connections=2, warmup=0.1, seconds=0.2, seats_per_event=100
        )
        async with AsyncExitStack() as stack:
            driven = await hot.load(stack, options, running, 20, patience_s=0.3)
            return driven.figures
    finally:
        await runner.cleanup()


def test_a_truthful_server_has_no_fault() -> None:
    figures = asyncio.run(run_against(tell_the_truth))
    assert figures.faults == {}
    assert figures.accepted_total == figures.sent == 20


def test_refused_holds_are_counted_by_code_and_not_as_accepted() -> None:
    figures = asyncio.run(run_against(refuse_some))
    assert figures.faults == {}
    assert figures.refused == {"seat_not_free": 2}
    assert figures.accepted_total == 18


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (answer_twice, "answered twice"),
        (never_answer, "never answered"),
        (give_other_seats, "other seats"),
        (give_one_seat, "other seats"),
        (name_another_id, "not asked for: ok"),
        (stammer, "unreadable"),
        (only_say_ok, "not a hold: ok"),
        (hang_up, "closed with 1000"),
        (hang_up, "never answered"),
        (drop_the_line, "disconnected"),
    ],
)
def test_a_server_that_answers_wrongly_is_noticed(answer: Answer, fault: str) -> None:
    figures = asyncio.run(run_against(answer))
    assert figures.faults.get(fault, 0) >= 2, figures.faults


# -- Small parts


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 50.0), (0.99, 99.0), (0.999, 100.0), (1.0, 100.0)]
)
def test_percentiles_are_those_of_the_nearest_rank(share: float, value: float) -> None:
    assert percentile([float(n) for n in range(1, 101)], share) == value


def test_cpu_time_of_nobody_is_nothing() -> None:
    assert cpu_seconds([]) == 0


def test_each_round_ends_with_the_echo_and_onsale_once_more() -> None:
    assert hot.order(("echo", "onsale", "row_locks"), 2) == [
        (number, name)
        for number in (1, 2)
        for name in ("echo", "onsale", "row_locks", "echo", "onsale")
    ]
