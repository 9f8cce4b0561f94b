"""What every bus promises to those who speak and listen, in memory and on a server."""

import asyncio
import functools

import pytest
import structlog.testing

from server.base.limits import BUS_MESSAGE_BYTES_MAX, BUS_OUTBOX_BYTES_MAX
from server.transport.bus import memory_bus, redis_bus, redis_connection
from tests.cluster.ears import Ear, hears_again, listening, said, started, until
from tests.server.transport.bus.conftest import Join

# -- Speaking and listening


async def test_messages_arrive_in_order_and_only_where_they_are_wanted(join: Join):
    one, two = await started(join()), await started(join())
    ear, other = await listening(two, "a"), await listening(two, "b")
    for number in range(1_000):
        assert one.publish("a" if number % 2 else "b", b"%d" % number)
    await until(lambda: len(ear.heard) + len(other.heard) == 1_000)
    assert ear.heard == [b"%d" % number for number in range(1, 1_000, 2)]
    assert other.heard == [b"%d" % number for number in range(0, 1_000, 2)]
    assert (one.published, two.received, two.dropped) == (1_000, 1_000, 0)
    assert one.reconnects == two.reconnects == 0


async def test_any_bytes_arrive_as_they_were(join: Join):
    bus = await started(join())
    ear = await listening(bus, "a")
    data = [b"", b"\r\n", bytes(range(256)) * 400, b"x" * BUS_MESSAGE_BYTES_MAX]
    for each in data:
        assert bus.publish("a", each)
    await until(lambda: len(ear.heard) == len(data))
    assert ear.heard == data


async def test_who_speaks_hears_how_many_listened(join: Join):
    one, two = await started(join()), await started(join())
    assert await said(one, "a") == 0
    await listening(one, "a")
    assert await said(one, "a") == 1
    await listening(two, "a")
    assert await said(one, "a") == 2
    two.unsubscribe("a")
    await listening(two, "b")  # It comes after, so that one is done.
    assert await said(one, "a") == 1


async def test_a_topic_is_heard_by_the_last_who_asked(join: Join):
    bus = await started(join())
    first = await listening(bus, "a")
    second = await listening(bus, "a")
    assert first.gaps == 1
    assert await said(bus, "a", b"word") == 1
    await until(lambda: second.heard)
    bus.unsubscribe("a")
    bus.unsubscribe("never")
    third = await listening(bus, "b")
    assert await said(bus, "a", b"word") == 0
    assert (first.heard, second.heard, third.heard) == ([], [b"word"], [])


async def test_what_was_asked_for_before_the_start_is_heard(join: Join):
    bus = join()
    ear, gone = Ear(bus, "a"), Ear(bus, "b")
    bus.unsubscribe("b")
    await bus.start()
    await until(lambda: ear.gaps)
    assert (await said(bus, "a", b"x"), await said(bus, "b", b"x")) == (1, 0)
    await until(lambda: ear.heard)
    assert (gone.gaps, gone.heard) == (0, [])


async def test_whoever_hears_what_is_said_is_called_later(join: Join):
    bus = await started(join())
    ear = await listening(bus, "a")
    told: list[int | None] = []
    bus.publish("a", b"word", told.append)
    bus.subscribe("b", ear.heard.append, lambda: told.append(None))
    # A handler may hold what the one who spoke is still about to change.
    assert (ear.heard, told) == ([], [])
    await until(lambda: len(told) == 2)
    assert ear.heard == [b"word"]
    assert set(told) == {1, None}


def nothing() -> None:
    pass


async def test_a_message_that_makes_another_is_followed_by_it(join: Join):
    bus = await started(join())
    answers: list[bool] = []
    bus.subscribe("a", lambda data: answers.append(bus.publish("b", data)), nothing)
    ear = await listening(bus, "b")
    for number in range(200):
        assert bus.publish("a", b"%d" % number)
    await until(lambda: len(ear.heard) == 200)
    assert ear.heard == [b"%d" % number for number in range(200)]
    assert answers == [True] * 200


# -- Starting, closing, and those who misbehave


async def test_nothing_is_said_before_the_start_and_after_the_end(join: Join):
    bus = join()
    assert bus.status == "down"
    assert not bus.publish("a", b"early")
    await bus.start()
    assert bus.status == "ok"
    ear = await listening(bus, "a")
    await bus.close()
    assert bus.status == "down"
    assert not bus.publish("a", b"late")
    assert (bus.published, bus.received, ear.heard) == (0, 0, [])


async def test_a_bus_that_was_closed_hears_nothing_more(join: Join):
    one, two = await started(join()), await started(join())
    ear = await listening(two, "a")
    await two.close()
    await until(lambda: two.status == "down")
    # A server may learn of it a little later.
    async with asyncio.timeout(60):
        while await said(one, "a", b"word"):
            pass
    assert ear.heard == []


async def test_closing_leaves_no_task_behind(join: Join):
    before = asyncio.all_tasks()
    bus = await started(join())
    await listening(bus, "a")
    await bus.close()
    await bus.close()
    assert asyncio.all_tasks() == before


async def test_what_waits_is_bounded(join: Join):
    bus = await started(join())
    told: list[int | None] = []
    size = 1 << 20
    taken = 0
    while bus.publish("a", bytes(size), told.append):
        taken += 1
        assert taken <= BUS_OUTBOX_BYTES_MAX // size
    assert taken >= BUS_OUTBOX_BYTES_MAX // size - 1
    assert told == []
    await until(lambda: len(told) == taken)
    assert told == [0] * taken
    assert await said(bus, "a") == 0


async def test_what_was_said_before_the_end_is_heard(join: Join):
    one, two = await started(join()), await started(join())
    ear = await listening(two, "a")
    for number in range(1_000):
        assert one.publish("a", b"%d" % number)
    await one.close()
    await until(lambda: len(ear.heard) == 1_000)


async def test_what_is_too_long_is_not_taken(join: Join):
    bus = await started(join())
    assert not bus.publish("a", bytes(BUS_MESSAGE_BYTES_MAX + 1))
    assert await said(bus, "a") == 0


async def test_those_who_fail_are_logged_and_stop_nobody(
    join: Join, monkeypatch: pytest.MonkeyPatch
):
    logger = structlog.testing.CapturingLogger()
    for module in (memory_bus, redis_bus, redis_connection):
        monkeypatch.setattr(module, "log", logger)
    bus = await started(join())

    def fail(what: str, *_: object) -> None:
        raise RuntimeError(what)

    failing = functools.partial(fail, "heard"), functools.partial(fail, "began")
    bus.subscribe("a", *failing)
    assert bus.publish("a", b"", functools.partial(fail, "sent"))
    ear = await listening(bus, "b")
    assert await said(bus, "a") == 1
    await hears_again(ear, bus, "b")
    assert bus.reconnects == 0
    calls = [call for call in logger.calls if call.method_name == "exception"]
    # One for the beginning, one for each word, one for who said the first.
    assert len(calls) in {3, 4}
    assert {call.kwargs.get("topic") for call in calls} == {"a", None}


async def test_a_flood_leaves_room_for_others(join: Join):
    one, two = await started(join()), await started(join())
    ear = await listening(two, "a")
    turns = 0
    for _ in range(20_000):
        one.publish("a", b"x" * 100)
    while len(ear.heard) < 20_000:
        await asyncio.sleep(0)
        turns += 1
    assert turns > 20_000 / 1_000
