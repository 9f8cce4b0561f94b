"""`bench line`: each part works in small, and what is wrong or slow is told."""

import asyncio
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from picows import WSMsgType

from bench import line_behind, line_draws, line_people, lines
from bench.children import ChildError
from bench.lab import Lab
from bench.line_parts import Part


@pytest.fixture
def lab(tmp_path: Path, server_url: str) -> Lab:
    return Lab(directory=tmp_path, admin_url=server_url, store_pids=[])


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "names"),
    [
        (
            "sockets",
            ["joins", "a waiting socket, memory", "freed → next told, p50"],
        ),
        ("draws", ["feeding 300", "turns, with wishes"]),
        ("behind", ["of that without, by throughput"]),
    ],
)
def test_each_part_finds_its_values_and_no_fault(
    lab: Lab, part: str, names: list[str]
) -> None:
    async def work() -> Part:
        return await lines.PARTS[part](lab, True)

    found = asyncio.run(work())
    assert found.faults == []
    values = [value.name for value in found.values]
    assert set(names) <= set(values)
    assert len(found.rows()) == len(found.notes()) == len(values)
    told = [one for one in found.values if one.name == "joins"]
    assert all(one.value > 0 for one in told)


def test_turns_are_measured_in_memory_and_so_is_what_the_bus_carries() -> None:
    found = asyncio.run(lines.measure_giving(Lab(**NOWHERE), True))
    assert found.faults == []
    values = {value.name: value for value in found.values}
    assert values["give_turn, 50% sold, p50"].value > 0
    assert values["line state over the bus"].missed is None


NOWHERE: dict[str, Any] = {"directory": Path(), "admin_url": "", "store_pids": []}


def part_of(**more: Any) -> Part:
    part = Part()
    part.add("turns", 4_000.0, "/s", "so and so", at_least=5_000.0, **more)
    return part


def outcome_of(
    monkeypatch: pytest.MonkeyPatch, part: Part, settings: lines.Settings
) -> Any:
    async def measured(lab: Lab, small: bool) -> Part:
        return part

    async def nowhere(lab: Lab) -> dict[str, object]:
        return {"load_before": 0.5}

    monkeypatch.setattr(lines, "PARTS", {"one": measured, "other": measured})
    monkeypatch.setattr(lines, "describe", nowhere)
    return asyncio.run(lines.measure(Lab(**NOWHERE), settings))


def test_what_is_slow_is_missed_and_in_small_nothing_is_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = lines.Settings(parts=("one",))
    outcome = outcome_of(monkeypatch, part_of(echo="9 ms"), one)
    assert outcome.judged() == ["turns: 4,000 /s, less than 5000"]
    assert outcome.rows == [["turns", "4,000 /s", "≥ 5,000", "9 ms"]]
    assert outcome.notes == ["turns: so and so."]
    small = lines.Settings(parts=("one",), small=True)
    assert outcome_of(monkeypatch, part_of(), small).judged() == []
    both = outcome_of(monkeypatch, part_of(), lines.Settings())
    assert len(both.rows) == 2


def test_a_fault_is_missed_in_small_too(monkeypatch: pytest.MonkeyPatch) -> None:
    part = part_of()
    part.fault("those who wait", {"disconnected": 3})
    outcome = outcome_of(monkeypatch, part, lines.Settings(small=True))
    assert outcome.judged()[0] == "those who wait: disconnected, 3"


def test_a_part_that_there_is_not_is_no_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = lines.Settings(parts=("sokets",))
    with pytest.raises(ChildError, match="sokets"):
        outcome_of(monkeypatch, part_of(), settings)


def test_a_draw_is_told_from_its_journal() -> None:
    part = Part()
    seen = line_draws.Seen(
        drawn_ms=7_000,
        fed=[(7_010, 4_096), (7_020, 4_096), (7_050, 1_808)],
        turns=[7_100, 7_200],
    )
    draw = line_draws.Draw(10_000, 5, 2.0)
    line_draws._tell(draw, seen, 5_000, [1.0, 12.0], [0.5, 1.5], part)
    first, ordered, longest, feeding = part.values
    assert (first.value, ordered.value) == (2.1, 0.1)
    assert first.missed is not None
    assert (longest.value, longest.at_most) == (12.0, 11.5)
    assert feeding.value == pytest.approx(5_904 / 0.04)
    assert feeding.missed is None


def test_holds_with_many_behind_are_set_beside_those_without() -> None:
    def run(per_second: float, server_s: float) -> Any:
        return SimpleNamespace(
            figures=SimpleNamespace(
                per_second=per_second,
                cpu=SimpleNamespace(server=server_s),
                cpu_us=lambda seconds: seconds / per_second * 1e6,
            )
        )

    part = Part()
    crowd = line_behind.Crowd(100, 10, 1.0, 0.0, 1)
    echoes = [run(1_000.0, 0.01)]
    line_behind._tell(crowd, [run(80.0, 0.1)], [run(100.0, 0.1)], echoes, part)
    share, cpu = part.values[2:]
    assert (share.value, cpu.value) == (0.8, 0.8)
    assert share.missed is not None


# -- Those who wait


def frame(text: bytes) -> Any:
    return SimpleNamespace(msg_type=WSMsgType.TEXT, get_payload_as_bytes=lambda: text)


@pytest.fixture
def waiter(monkeypatch: pytest.MonkeyPatch) -> line_people.Waiter:
    monkeypatch.setattr(line_people.People, "faults", Counter())
    monkeypatch.setattr(line_people.People, "offers", {})
    return line_people.Waiter("token")


def test_a_waiter_knows_answers_ranks_and_offers(waiter: line_people.Waiter) -> None:
    transport: Any = object()
    waiter.on_ws_frame(transport, frame(b'{"op":"ok","id":1,"rank":null}'))
    assert waiter.answered_at > 0
    assert (waiter.rank, waiter.pushed) == (0, 0)
    waiter.on_ws_frame(transport, frame(b'{"op":"line","rank":17}'))
    waiter.on_ws_frame(transport, frame(b'{"op":"line","rank":18}'))
    assert (waiter.rank, waiter.pushed) == (17, 2)
    waiter.on_ws_frame(transport, frame(b'{"op":"offer","seats":["1-1-1"]}'))
    assert list(line_people.People.offers) == ["1-1-1"]
    assert line_people.People.faults == {}


def test_a_refusal_and_a_lost_connection_are_faults(
    waiter: line_people.Waiter,
) -> None:
    transport: Any = object()
    waiter.on_ws_connected(transport)
    waiter.on_ws_frame(transport, frame(b'{"op":"error","id":1,"code":"line_over"}'))
    waiter.on_ws_disconnected(transport)
    assert sorted(line_people.People.faults.values()) == [1, 1]
    assert any("line_over" in fault for fault in line_people.People.faults)


def test_questions_survive_the_way_to_the_people() -> None:
    asked = line_people.Join(wish=b'{"quantity":1}')
    kinds = line_people.Come | line_people.Join | line_people.Ping
    found = msgspec.json.decode(msgspec.json.encode(asked), type=kinds)
    assert found == asked
