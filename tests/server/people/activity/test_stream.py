"""The activity stream in a real Redis."""

import pytest

from server.people.activity import stream as module
from server.people.activity.stream import BEGIN, PENDING, NoGroup, Sender
from server.transport.bus.bus import BusError
from tests.server.people.activity.conftest import record, records

pytestmark = pytest.mark.redis

KEY = "onsale:test:activity"


async def names(entries):
    return [entry.record.request_id for entry in entries if entry.record]


async def test_each_record_comes_to_one_consumer_and_stays_until_it_is_settled(stream):
    one, other, sender = stream("p1"), stream("p2"), stream("p1")
    await one.found()
    sent = [record("a", actor="usr_1", details={"role": ["x", "y"]}), record("b")]
    assert await sender.add(sent)
    entries = await one.read()
    assert [entry.record for entry in entries] == sent
    assert await sender.length() == 2
    assert await other.read(PENDING) == []
    assert await names(await one.read(PENDING)) == ["a", "b"]
    await one.settle([entry.entry_id for entry in entries])
    assert await one.read(PENDING) == []
    assert await sender.length() == 0
    assert await sender.oldest_ms() is None


async def test_what_was_added_before_there_was_a_group_is_read_too(stream):
    sender, one = stream(), stream()
    await sender.add(records(3))
    await one.found()
    await one.found()
    assert await names(await one.read()) == ["r0", "r1", "r2"]
    assert await sender.oldest_ms() is not None


async def test_what_another_one_left_is_claimed_and_the_rest_is_not(stream):
    dead, heir = stream("dead"), stream("heir")
    await dead.found()
    await dead.add(records(1_200))
    taken = await dead.read() + await dead.read() + await dead.read()
    assert (await heir.claim(BEGIN, 60.0))[0] == []
    found, cursor = await heir.claim(BEGIN, 0.0)
    while cursor != BEGIN:
        more, cursor = await heir.claim(cursor, 0.0)
        found += more
    assert await names(found) == await names(taken)
    assert await dead.read(PENDING) == []


async def test_what_is_not_sealed_by_us_is_no_record(stream, redis_server):
    one, liar = stream(), stream(secret=bytes(32))
    await one.found()
    await liar.add([record("forged")])
    redis_server.ask("XADD", KEY, "*", "r", "not even long")
    redis_server.ask("XADD", KEY, "*", "other", "field")
    entries = await one.read()
    assert [(entry.record, entry.is_there) for entry in entries] == [(None, True)] * 3


async def test_what_was_removed_while_it_was_pending_is_told_as_gone(
    stream, redis_server
):
    one = stream()
    await one.found()
    await one.add(records(1))
    (entry,) = await one.read()
    redis_server.ask("XDEL", KEY, entry.entry_id)
    (again,) = await one.read(PENDING)
    assert (again.record, again.is_there) == (None, False)
    await one.settle([again.entry_id])
    assert await one.read(PENDING) == []


async def test_a_full_stream_takes_nothing(stream, monkeypatch):
    monkeypatch.setattr(module, "STREAM_FULL", 3)
    one = stream()
    assert await one.add(records(3))
    assert not await one.add(records(1))
    assert await one.length() == 3


async def test_without_a_group_that_is_told(stream, redis_server):
    one = stream()
    with pytest.raises(NoGroup):
        await one.read()
    await one.found()
    redis_server.ask("FLUSHALL")
    with pytest.raises(NoGroup):
        await one.read()
    with pytest.raises(NoGroup):
        await one.claim(BEGIN, 0.0)


async def test_consumers_that_are_gone_and_owe_nothing_are_forgotten(
    stream, redis_server
):
    clean, owing, living = stream("clean"), stream("owing"), stream("living")
    await clean.found()
    await clean.add(records(1))
    await owing.read()
    for each in (clean, living):
        await each.read(PENDING)
    await clean.leave()
    await owing.leave()
    await living.forget_the_gone(60.0)
    info = redis_server.ask("XINFO", "CONSUMERS", KEY, "writers")
    assert sorted(each[1] for each in info) == [b"living", b"owing"]
    await living.forget_the_gone(0.0)
    info = redis_server.ask("XINFO", "CONSUMERS", KEY, "writers")
    assert [each[1] for each in info] == [b"owing"]


async def test_a_redis_that_is_away_is_an_error_and_later_it_is_used_again(
    stream, redis_server
):
    one, losses = stream(), []
    sender = Sender(one, lambda: losses.append("lost"))
    assert await sender.add(records(1))
    redis_server.kill()
    with pytest.raises(BusError):
        await one.length()
    assert not await sender.add(records(1))
    assert not await sender.add(records(1))
    assert losses == ["lost"]
    redis_server.start()
    assert await sender.add(records(2))
    assert await one.length() == 2


async def test_a_redis_that_refuses_is_an_error(stream, redis_server_with):
    redis_server_with_no_memory = redis_server_with("--maxmemory", "1")
    one = module.Stream(redis_server_with_no_memory.url, "test", bytes(32), "p1")
    with pytest.raises(BusError, match="refused"):
        await one.add(records(1))
    await one.close()
