import asyncio
from copy import copy

import pytest

from inventory.ports import CommitStatus
from persistence import limits
from tests.persistence.journals import make_batch, open_store, session
from tests.persistence.proxy import open_proxy

pytestmark = pytest.mark.postgres

FENCE = """
SELECT status, epoch, version FROM
    fence_heads(ARRAY['evt'], ARRAY[$1::bigint], ARRAY[$2], ARRAY[$3], 10000)
"""


async def test_a_fence_bumps_the_epoch_and_shuts_the_old_owner_out(store):
    old = await store.own("evt")
    fenced = await store.journal.fence(old, "token-2")
    assert fenced is not None
    renewed = fenced.ownership
    assert (renewed.epoch, renewed.token) == (old.epoch + 1, "token-2")
    assert await store.commit(old, make_batch(old)) is CommitStatus.FENCED
    status = await store.commit(renewed, make_batch(renewed))
    assert status is CommitStatus.COMMITTED


async def test_a_fence_of_an_event_that_was_taken_over_finds_nothing(store):
    old = await store.own("evt")
    await store.journal.release(old, due=False)
    assert await store.journal.acquire("evt") is not None
    assert await store.journal.fence(old, "token-2") is None


@pytest.mark.parametrize("field", ["epoch", "token"])
async def test_a_fence_is_only_for_the_owner(store, field):
    owner = await store.own("evt")
    other = copy(owner)
    setattr(other, field, {"epoch": owner.epoch + 1, "token": "another"}[field])
    assert await store.journal.fence(other, "token-2") is None
    committed = await store.commit(owner, make_batch(owner))
    assert committed is CommitStatus.COMMITTED


async def test_a_fence_of_an_event_that_is_not_there_finds_nothing(store):
    old = await store.own("evt")
    old.event = "nothing"
    assert await store.journal.fence(old, "token-2") is None


async def test_a_repeated_fence_gets_the_same_answer_and_harms_nobody(store):
    old = await store.own("evt")
    question = (old.epoch, old.token, "token-2")
    assert await store.query(FENCE, *question) == [("fenced", 2, 0)]
    fenced = await store.journal.fence(old, "token-2")
    assert fenced is not None
    renewed = fenced.ownership
    assert renewed.epoch == 2
    committed = await store.commit(renewed, make_batch(renewed))
    assert committed is CommitStatus.COMMITTED
    # A copy of the question that arrives late does not shut the renewed owner out.
    assert await store.query(FENCE, *question) == [("fenced", 2, 1)]
    committed = await store.commit(renewed, make_batch(renewed))
    assert committed is CommitStatus.COMMITTED
    # And after the next fence it is nobody's any more.
    assert await store.journal.fence(renewed, "token-3") is not None
    assert await store.query(FENCE, *question) == [("lost", 3, 2)]


async def test_a_lost_answer_is_asked_for_again(store):
    old = await store.own("evt")
    async with (
        open_proxy(store.url) as proxy,
        open_store(proxy.url, call_deadline_s=0.3) as one,
    ):
        # The first fence makes the connection over which the second answer is lost.
        first = await one.journal.fence(old, "token-2")
        assert first is not None
        proxy.losing_answers = True
        fencing = asyncio.create_task(one.journal.fence(first.ownership, "token-3"))
        await proxy.answer_lost.wait()
        proxy.losing_answers = False
        second = await fencing
        assert second is not None
        assert second.ownership.epoch == first.ownership.epoch + 1


async def test_a_locked_event_delays_no_other(store):
    locked, free = await store.own("locked"), await store.own("free")
    async with session(store.url) as other:
        await other.execute(
            "BEGIN; SELECT FROM event_head WHERE event_id = 'locked' FOR UPDATE"
        )
        waiting = asyncio.create_task(store.journal.fence(locked, "token-2"))
        await asyncio.sleep(0.05)
        assert await store.journal.fence(free, "token-2") is not None
        assert not waiting.done()
        # The question stays what it was, whatever becomes of the asker's copy.
        locked.epoch += 7
        await other.execute("ROLLBACK")
        assert await waiting is not None


async def test_a_caller_without_patience_may_leave_and_ask_anew(store):
    ownership = await store.own("evt")
    async with session(store.url) as other:
        await other.execute("BEGIN; SELECT FROM event_head FOR UPDATE")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await store.journal.fence(ownership, "token-2")
    assert await store.journal.fence(ownership, "token-2") is not None


async def test_closing_lets_go_of_who_still_waits(store):
    ownership = await store.own("evt")
    async with session(store.url) as other:
        await other.execute("BEGIN; SELECT FROM event_head FOR UPDATE")
        waiting = asyncio.create_task(store.journal.fence(ownership, "token-2"))
        await asyncio.sleep(0.05)
        await store.journal.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    with pytest.raises(asyncio.CancelledError):
        await store.journal.fence(ownership, "token-2")


async def test_closing_gives_up_a_database_that_does_not_answer(store, monkeypatch):
    monkeypatch.setattr(limits, "CLOSE_S_MAX", 0.2)
    monkeypatch.setattr(limits, "GOODBYE_S_MAX", 0.2)
    async with open_proxy(store.url) as proxy, open_store(proxy.url) as one:
        ownership = await one.own("evt")
        renewed = await one.journal.fence(ownership, "token-2")
        assert renewed is not None
        proxy.losing_answers = True
        waiting = asyncio.create_task(one.journal.fence(renewed.ownership, "token-3"))
        await proxy.answer_lost.wait()
        async with asyncio.timeout(60):
            await one.journal.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
