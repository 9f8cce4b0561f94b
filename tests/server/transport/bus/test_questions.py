"""Asking the other processes: each answers once, and nobody is waited for for long."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.transport.bus import questions as module
from server.transport.bus.memory_bus import Exchange, MemoryBus
from server.transport.bus.questions import QUESTIONS, Questions


class Parlour:
    """Processes that hear each other, and how often each was asked."""

    def __init__(self) -> None:
        self.buses: dict[str, MemoryBus] = {}
        exchange = Exchange()
        self.asked = dict.fromkeys("abc", 0)
        self.of: dict[str, Questions] = {}
        for name in self.asked:
            self.buses[name] = MemoryBus(exchange)
            self.of[name] = Questions(self.buses[name], name)

    async def start(self) -> None:
        for bus in self.buses.values():
            await bus.start()
        for name, one in self.of.items():
            one.answer("name", lambda name=name: self.say(name))  # type: ignore[misc]
        await asyncio.sleep(0.01)

    def say(self, name: str) -> bytes:
        self.asked[name] += 1
        return f"I am {name}".encode()


@pytest.fixture
async def parlour() -> AsyncIterator[Parlour]:
    parlour = Parlour()
    await parlour.start()
    yield parlour
    for bus in parlour.buses.values():
        await bus.close()


async def test_those_who_are_asked_answer_and_nobody_else(parlour):
    assert await parlour.of["a"].ask("name", ["b", "c"]) == {
        "b": b"I am b",
        "c": b"I am c",
    }
    assert await parlour.of["a"].ask("name", ["c"]) == {"c": b"I am c"}
    assert parlour.asked == {"a": 0, "b": 1, "c": 2}
    assert await parlour.of["a"].ask("name", []) == {}


async def test_a_kind_of_question_is_answered_for_every_subject(parlour):
    parlour.of["b"].answer_of("age", lambda whose: f"of {whose}".encode())
    assert await parlour.of["a"].ask("age cleo", ["b"]) == {"b": b"of cleo"}
    assert await parlour.of["a"].ask("name", ["b"]) == {"b": b"I am b"}


async def test_who_is_silent_is_missing_and_not_waited_for_for_long(
    parlour, monkeypatch
):
    monkeypatch.setattr(module, "WITHIN_S", 0.3)
    assert await parlour.of["a"].ask("name", ["b", "dead"]) == {"b": b"I am b"}
    assert await parlour.of["a"].ask("unheard of", ["b"]) == {}
    await parlour.buses["a"].close()
    assert await parlour.of["a"].ask("name", ["b"]) == {}


async def test_who_asks_what_is_being_asked_shares_the_answers(parlour):
    asking = [parlour.of["a"].ask("name", ["b"]) for _ in range(50)]
    assert await asyncio.gather(*asking) == [{"b": b"I am b"}] * 50
    assert parlour.asked["b"] == 1
    await parlour.of["a"].ask("name", ["b"])
    assert parlour.asked["b"] == 2


async def test_one_who_goes_away_leaves_the_answers_to_the_others(parlour):
    impatient = asyncio.create_task(parlour.of["a"].ask("name", ["b"]))
    patient = asyncio.create_task(parlour.of["a"].ask("name", ["b"]))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == {"b": b"I am b"}


async def test_what_is_no_question_is_passed_over(parlour):
    parlour.buses["c"].publish(QUESTIONS, b"\xc1")
    parlour.buses["c"].publish("answers a", module._encode(module.Answer("b", 7, b"")))
    assert await parlour.of["a"].ask("name", ["b"]) == {"b": b"I am b"}
