"""Miniatures of the benches that have a figure: they count right, and can miss it."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
from aiohttp import WSMsgType, web

from bench import memory, outcome, snapshot, start, trading, watchers
from bench.children import ChildError
from bench.contenders import Running
from bench.lab import Lab
from bench.partner import Partner
from bench.plan import Cpu
from bench.usage import resident_bytes
from bench.watching import Party, Question, Ready, Seen

WATCHERS, TRADERS = 12, 8

Socket = web.WebSocketResponse
Behave = Callable[[Socket, dict[str, object]], Awaitable[None]]


@pytest.fixture
def lab(tmp_path: Path, server_url: str) -> Lab:
    return Lab(
        directory=tmp_path,
        admin_url=server_url,
        store_pids=[],
        connections=WATCHERS + TRADERS,
        seats_per_event=watchers.SEATS,
        seats_per_hold=2,
        loop="uvloop",
    )


@pytest.mark.postgres
def test_watchers_of_a_sale_are_told_everything(lab: Lab) -> None:
    runs = asyncio.run(watchers.measure(lab, WATCHERS, TRADERS, 0.8, 0.3, 1))
    assert [run.watchers for run in runs] == [0, WATCHERS, 0]
    for run in runs:
        assert run.traded.faults == {}
        assert run.traded.accepted > 0
        assert run.traded.last_version >= run.traded.accepted
    seen = runs[1].seen
    assert seen is not None
    assert seen.faults == {}
    assert seen.behind == 0
    assert seen.frames >= WATCHERS
    # A watcher may well hear of a commit before the buyer does.
    assert -1_000 < seen.delay_p50_ms <= seen.delay_p99_ms < 5_000
    assert seen.last_p50_ms <= seen.last_max_ms
    assert len(watchers.kept(runs)) == 1
    assert 0 < runs[1].fanout_s < runs[1].traded.loaded_s


@pytest.mark.postgres
def test_memory_is_measured_beside_a_bare_server(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "WARM", 2)
    monkeypatch.setattr(memory, "STALLED", 4)
    monkeypatch.setattr(memory, "BUYERS", 2)
    monkeypatch.setattr(memory, "STALLED_S", 0.5)
    found = asyncio.run(memory.measure(lab, [6, 12], 0.3))
    assert [row[:2] for row in found.rows] == [
        ["bare aiohttp", "6"],
        ["bare aiohttp", "12"],
        ["onsale", "6"],
        ["onsale", "12"],
        [memory.STALLING, "4"],
    ]
    assert not [sentence for sentence in found.missed if "KiB" not in sentence]
    whole = msgspec.to_builtins(found)
    frames = [step["first_frame_bytes"] for step in whole["figures"]["steps"]]
    assert frames[0] < 200
    assert frames[2] > watchers.SEATS


def test_a_watcher_over_its_memory_misses_the_figure() -> None:
    steps = [
        memory.Step(
            server=server,
            connections=10,
            grown_bytes=kib * 10_240,
            kib_each=kib,
            first_frame_bytes=1,
        )
        for server, kib in (("bare aiohttp", 40), ("onsale", 26))
    ]
    (sentence,) = memory.judge(steps)
    assert "26.0 KiB" in sentence


def test_frames_are_timed_for_both_codecs() -> None:
    samples = snapshot.measure(3)
    assert len(samples) == 8
    assert all(0 < s.median_ms <= s.p99_ms <= s.max_ms for s in samples)
    assert min(s.bytes for s in samples if s.call == "snapshot") > snapshot.SEATS
    again = [s.bytes for s in samples if s.call == "the same again"]
    assert again == [s.bytes for s in samples if s.call == "snapshot"]


def test_a_slow_snapshot_misses_the_figure() -> None:
    sample = snapshot.Sample(
        call="snapshot", codec="json", bytes=1, median_ms=0.5, p99_ms=1.5, max_ms=2
    )
    (sentence,) = snapshot.judge([sample])
    assert "p99 1.500 ms" in sentence
    assert snapshot.judge([msgspec.structs.replace(sample, call="delta")]) == []


def test_only_warm_starts_have_a_figure_to_miss() -> None:
    starts = [
        start.Start(kind=kind, seconds=seconds, cpu_s=1, others_share=0)
        for kind, seconds in (("cold", 9), ("warm", 2.1), ("warm", 2.3), ("warm", 1))
    ]
    found = start.conclude_starts(starts)
    assert found.missed == ["warm: 2.10 s (median), over 2 s"]


def trade(per_second: float, **more: object) -> trading.Traded:
    plain = trading.Traded(
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
    return msgspec.structs.replace(plain, **more)


SEEN = Seen(
    frames=1,
    bytes=1,
    snapshots=0,
    faults={},
    behind=0,
    delay_p50_ms=1,
    delay_p99_ms=1,
    last_p50_ms=1,
    last_max_ms=1,
    cpu_s=0,
)


@pytest.mark.parametrize(
    ("with_watchers", "seen", "missed"),
    [
        (trade(500), SEEN, []),
        (trade(499), SEEN, ["with watchers the sale keeps 0.50 of its throughput,"]),
        (trade(600, faults={"refused": 2}), SEEN, ["traders: refused, 2 times"]),
        (
            trade(600),
            msgspec.structs.replace(SEEN, faults={"gap": 1}, behind=3),
            ["watchers: gap, 1 times", "3 watchers never saw the last version"],
        ),
    ],
)
def test_a_sale_that_loses_too_much_misses_the_figure(
    with_watchers: trading.Traded, seen: Seen, missed: list[str]
) -> None:
    runs = [
        watchers.Run(watchers=0, traded=trade(900)),
        watchers.Run(watchers=5, traded=with_watchers, seen=seen),
        watchers.Run(watchers=0, traded=trade(1_100)),
    ]
    found = watchers.missed(runs)
    assert len(found) == len(missed)
    assert all(
        sentence.startswith(begin)
        for sentence, begin in zip(found, missed, strict=True)
    )


@pytest.mark.parametrize(("missed", "status"), [([], 0), (["too slow"], 1)])
def test_a_missed_figure_is_the_exit_status(
    tmp_path: Path, missed: list[str], status: int
) -> None:
    path = tmp_path / "out.json"
    found = outcome.Outcome(
        bench="one",
        title="One",
        columns=["a", "b"],
        rows=[["x", "1"]],
        figures={"b": 1},
        missed=missed,
    )
    assert outcome.conclude(found, outcome.Common(json=path)) == status
    written = msgspec.json.decode(path.read_bytes())
    assert written["ok"] is (status == 0)
    assert written["figures"] == {"b": 1}


def test_resident_memory_grows_with_what_is_held() -> None:
    before = resident_bytes(os.getpid())
    held = os.urandom(32 << 20)
    assert resident_bytes(os.getpid()) - before > len(held) // 2


# -- Servers that tell watchers or traders something wrong


def delta(begin: int, end: int) -> str:
    return f'{{"op":"delta","event":"e","from":{begin},"to":{end},"seats":{{}}}}'


SNAPSHOT = '{"op":"snapshot","event":"e","version":5}'


async def tell_all(ws: Socket, frame: dict[str, object]) -> None:
    for text in (SNAPSHOT, delta(5, 7), '{"op":"beat","version":7}', delta(7, 8)):
        await ws.send_str(text)


async def leave_a_gap(ws: Socket, frame: dict[str, object]) -> None:
    for text in (SNAPSHOT, delta(6, 8)):
        await ws.send_str(text)


async def go_back(ws: Socket, frame: dict[str, object]) -> None:
    for text in (SNAPSHOT, SNAPSHOT.replace("5", "4"), delta(4, 8)):
        await ws.send_str(text)


async def talk_nonsense(ws: Socket, frame: dict[str, object]) -> None:
    for text in (SNAPSHOT, '{"op":"surprise"}', delta(5, 8)):
        await ws.send_str(text)


async def hang_up(ws: Socket, frame: dict[str, object]) -> None:
    await ws.send_str(SNAPSHOT)
    await ws.send_str(delta(5, 8))
    await ws.close(code=4008)


async def tell_too_little(ws: Socket, frame: dict[str, object]) -> None:
    await ws.send_str(SNAPSHOT)


class Sale:
    """Answers holds and releases; `answer` is what may lie."""

    def __init__(self) -> None:
        self.version = 0

    async def answer(self, ws: Socket, frame: dict[str, object]) -> None:
        self.version += 1
        reply: dict[str, object] = {"op": "ok", "id": frame["id"]}
        if frame["op"] == "hold":
            reply["hold"] = "token"
        await ws.send_json(self.lie(reply | {"version": self.version}))

    def lie(self, reply: dict[str, object]) -> dict[str, object]:
        return reply


class Skips(Sale):
    def lie(self, reply: dict[str, object]) -> dict[str, object]:
        return reply | {"version": self.version + (self.version > 5)}


class Refuses(Sale):
    def lie(self, reply: dict[str, object]) -> dict[str, object]:
        refused = {"op": "refused", "id": reply["id"], "code": "seat_not_free"}
        return refused if self.version == 5 else reply


class ServedBy:
    """A websocket server in this process that behaves as told."""

    def __init__(self, behave: Behave) -> None:
        self._behave = behave
        self.url = ""

    async def __aenter__(self) -> "ServedBy":
        async def serve(request: web.Request) -> Socket:
            ws = Socket()
            await ws.prepare(request)
            async for message in ws:
                if message.type is WSMsgType.TEXT:
                    await self._behave(ws, msgspec.json.decode(message.data))
            return ws

        app = web.Application()
        app.router.add_get("/v1/ws", serve)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


async def watch(behave: Behave) -> Seen:
    """Let two watchers watch a server in this process."""
    async with ServedBy(behave) as server, AsyncExitStack() as stack:
        partner = await Partner.start(stack, "bench.watching")
        party = Party(url=f"ws://{server.url}/v1/ws", tokens=["a", "b"], event="e")
        assert (await partner.ask(party, Ready, 10)).watchers == 2
        question = Question(begin=0, end=1e12, reach=8, patience_s=0.3)
        return await partner.ask(question, Seen, 10)


@pytest.mark.parametrize(
    ("behave", "faults", "behind"),
    [
        (tell_all, {}, 0),
        (leave_a_gap, {"gap before a delta": 2}, 0),
        (go_back, {"went back": 2, "gap before a delta": 2}, 0),
        (talk_nonsense, {"unexpected frame": 2}, 0),
        (hang_up, {"closed with 4008": 2, "disconnected": 2}, 0),
        (tell_too_little, {}, 2),
    ],
)
def test_what_watchers_are_told_is_held_against_what_was_before(
    behave: Behave, faults: dict[str, int], behind: int
) -> None:
    seen = asyncio.run(watch(behave))
    assert (seen.faults, seen.behind) == (faults, behind)


def test_a_partner_that_ends_instead_of_answering_is_noticed() -> None:
    async def ask() -> None:
        async with AsyncExitStack() as stack:
            partner = await Partner.start(stack, "bench.watching")
            await partner.ask({"no": "party"}, Ready, 10)

    with pytest.raises(ChildError, match=r"bench\.watching ended"):
        asyncio.run(ask())


async def trade_with(sale: Sale) -> trading.Traded:
    """Let two traders trade with a server in this process."""

    async def settle() -> dict[str, object]:
        return {}

    async with ServedBy(sale.answer) as server, AsyncExitStack() as stack:
        running = Running(
            address=server.url,
            tokens=["a", "b"],
            events=["e"],
            server_pids=[],
            settle=settle,
        )
        return await watchers.trade(stack, running, 2, 0.3, 0.1)


@pytest.mark.parametrize(
    ("sale", "faults"),
    [
        (Sale(), {}),
        (Skips(), {"versions with a hole, or twice": 1}),
        (Refuses(), {"refused seat_not_free": 1}),
    ],
)
def test_what_traders_are_answered_is_judged(
    sale: Sale, faults: dict[str, int]
) -> None:
    traded = asyncio.run(trade_with(sale))
    assert traded.faults.items() >= faults.items()
    assert bool(traded.faults) == bool(faults)
    assert traded.accepted > 0
