"""Commands with a key: one effect, and always the same answer."""

from inventory import limits
from inventory.replies import BookOk, HoldOk, PledgeOk
from tests.fakes import Broken, Fault, new_gate
from tests.stage import settle, until


async def test_a_key_has_one_effect_and_always_the_same_answer(stage):
    await stage.ready()
    first = await stage.ask("ann", "hold A-1 ttl=100", key="k")
    stage.clock.advance(10)
    again = await stage.ask("ann", "hold A-1 ttl=100", key="k")
    assert (again.hold, again.version, again.seats) == (
        first.hold,
        first.version,
        ["A-1"],
    )
    assert (first.expires_in_ms, again.expires_in_ms) == (100_000, 90_000)
    assert stage.head.version == 1
    reused = await stage.ask("ann", "hold A-2 ttl=100", key="k")
    assert reused.code == "key_reused"
    other = await stage.ask("bob", "hold A-2", key="k")
    assert isinstance(other, HoldOk)


async def test_a_key_is_looked_up_before_anything_else_is_judged(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1", key="k")
    await stage.ask("org", "sale pause")
    assert isinstance(await stage.ask("ann", "hold A-1", key="k"), HoldOk)
    assert (await stage.ask("ann", "hold A-9", key="k")).code == "key_reused"
    assert (await stage.ask("ann", "hold A-9")).code == "sale_paused"


async def test_nobody_uses_up_a_key_of_the_shop(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1", key="o:ord_1:pledge")
    pledge = "pledge t1 order=ord_1 until=900"
    first = await stage.ask("for:ann", pledge, key="o:ord_1:pledge")
    assert isinstance(first, PledgeOk)
    await stage.reopen()
    stage.clock.advance(10)
    again = await stage.ask("for:ann", pledge, key="o:ord_1:pledge")
    assert isinstance(again, PledgeOk)
    assert (again.lines, again.expires_at) == (first.lines, first.expires_at)
    assert again.expires_in_ms == 890_000
    assert isinstance(await stage.ask("ann", "hold A-1", key="o:ord_1:pledge"), HoldOk)


async def test_an_order_books_after_a_restart_what_it_was_pledged_before(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1")
    await stage.ask("for:ann", "pledge t1 order=ord_1 until=900")
    await stage.reopen()
    assert (await stage.ask("ann", "release t1")).code == "hold_pledged"
    stage.clock.advance(800)
    booked = await stage.ask("for:ann", "book t1 order=ord_1", key="o:ord_1:book")
    assert isinstance(booked, BookOk)
    part = await stage.ask("for:ann", f"part {booked.booking} A-1", key="r:1:seats")
    assert part.seats == ["A-1"]


async def test_the_same_key_twice_in_one_batch_has_one_effect(stage):
    await stage.ready()
    hold = await stage.ask("ann", "hold A-1")
    sent = [stage.send("ann", f"book {hold.hold}", key="k") for _ in range(3)]
    await until(lambda: stage.code(sent[-1]))
    replies = [stage.caller.answers[one] for one in sent]
    assert isinstance(replies[0], BookOk)
    assert replies[0] == replies[1] == replies[2]
    assert len(stage.head.results) == 1


async def test_refusals_are_judged_anew(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1")
    assert (await stage.ask("bob", "hold A-1", key="k")).code == "seat_not_free"
    await stage.ask("ann", "release t1")
    assert isinstance(await stage.ask("bob", "hold A-1", key="k"), HoldOk)


async def test_a_fresh_event_needs_no_look_up_of_keys(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1", key="k")
    assert "find_results" not in stage.journal.calls


async def test_after_a_restart_a_retry_gets_the_first_answer(stage):
    await stage.ready()
    first = await stage.ask("ann", "hold A-1", key="k")
    await stage.reopen()
    again = await stage.ask("ann", "hold A-1", key="k")
    assert again == first
    assert (await stage.ask("ann", "hold A-2", key="k")).code == "key_reused"
    assert stage.journal.asked_keys == [{("ann", "k")}], "asked once, then remembered"


async def test_keys_are_fetched_in_one_question_per_batch(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1", key="k1")
    await stage.reopen()
    sent = [
        stage.send("ann", "hold A-1", key="k1"),
        stage.send("ann", "hold A-2", key="k2"),
        stage.send("bob", "hold A-3", key="k1"),
        stage.send("bob", "hold A-4"),
    ]
    await until(lambda: stage.code(sent[-1]))
    assert stage.journal.asked_keys == [{("ann", "k1"), ("ann", "k2"), ("bob", "k1")}]
    assert [stage.code(one) for one in sent] == ["ok"] * 4
    assert stage.head.version == 4


async def test_a_key_that_comes_during_the_fetch_is_not_decided_without_look_up(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1", key="old")
    await stage.reopen()
    gate = stage.journal.find_gate = new_gate()
    first = stage.send("ann", "hold A-2", key="new")
    await until(lambda: stage.journal.calls[-1] == "find_results")
    retry = stage.send("ann", "hold A-1", key="old")
    await settle()
    stage.journal.find_gate = None
    gate.set_result(None)
    await until(lambda: stage.code(retry))
    assert stage.code(first) == stage.code(retry) == "ok"
    assert stage.journal.asked_keys == [{("ann", "new")}, {("ann", "old")}]
    assert stage.head.version == 2


async def test_a_memory_that_forgot_asks_the_table(stage, monkeypatch):
    monkeypatch.setattr(limits, "KEYS_REMEMBERED_MAX", 1)
    await stage.ready()
    first = await stage.ask("ann", "hold A-1", key="k1")
    await stage.ask("ann", "hold A-2", key="k2")
    assert await stage.ask("ann", "hold A-1", key="k1") == first
    assert stage.journal.asked_keys == [{("ann", "k1")}]


async def test_what_was_not_written_is_not_remembered(stage):
    await stage.ready()
    stage.journal.faults.append(Fault.AMBIGUOUS_LOST)
    assert (await stage.ask("ann", "hold A-1", key="k")).code == "unavailable"
    assert isinstance(await stage.ask("ann", "hold A-2", key="k"), HoldOk)


async def test_a_retry_after_an_unknown_outcome_gets_the_first_answer(stage):
    await stage.ready()
    hold = await stage.ask("ann", "hold A-1")
    stage.journal.faults.append(Fault.RAISES_WRITTEN)
    unknown = await stage.ask("ann", f"book {hold.hold}", key="k")
    assert unknown.code == "outcome_unknown"
    booked = await stage.ask("ann", f"book {hold.hold}", key="k")
    assert isinstance(booked, BookOk)
    assert [row.booking for row in stage.head.bookings.values()] == [booked.booking]


async def test_a_failed_fetch_of_keys_refuses_and_goes_on(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1", key="k")
    await stage.reopen()
    stage.journal.fail("find_results", Broken())
    assert (await stage.ask("ann", "hold A-1", key="k")).code == "unavailable"
    assert isinstance(await stage.ask("ann", "hold A-1", key="k"), HoldOk)
