"""Commits that were no clean success, bugs, and other surprises."""

import asyncio

import pytest

from inventory import limits
from inventory.commands import Holding
from inventory.decide import decide
from inventory.ports import CommitStatus
from inventory.records import Corrupt
from inventory.replies import HoldOk
from tests.fakes import Broken, Fault, new_gate
from tests.scenario import EVENT, SMALL, settings_of
from tests.stage import Stage, settle, soon, until


@pytest.mark.parametrize(
    ("fault", "code", "version"),
    [
        (Fault.ABORTED, "unavailable", 0),
        (Fault.AMBIGUOUS_LOST, "unavailable", 0),
        (Fault.TOO_LATE, "unavailable", 0),
        (Fault.AMBIGUOUS_WRITTEN, "ok", 2),
        (Fault.LATE, "ok", 2),
        (Fault.RAISES, "outcome_unknown", 0),
        (Fault.RAISES_WRITTEN, "outcome_unknown", 2),
    ],
)
async def test_a_doubtful_commit_is_resolved_by_a_fence(stage, fault, code, version):
    await stage.ready()
    stage.journal.faults.append(fault)
    hold, other = stage.send("ann", "hold A-1"), stage.send("bob", "hold A-2")
    refused = stage.send("bob", "hold A-1")
    await until(lambda: stage.code(refused))
    expected = "seat_not_free" if code == "ok" else code
    assert [stage.code(one) for one in (hold, other, refused)] == [code, code, expected]
    assert "fence" in stage.journal.calls or code == "outcome_unknown"
    # It goes on from what is true.
    again = await stage.ask("ann", "holding")
    assert again.version == version
    assert len(again.holds) == bool(version)
    assert "fence" in stage.journal.calls
    assert stage.head.version == version
    assert stage.board.version == version


async def test_a_late_commit_cannot_arrive_after_the_fence(stage):
    await stage.ready()
    stage.journal.faults.append(Fault.TOO_LATE)
    refused = await stage.ask("ann", "hold A-1")
    assert refused.code == "unavailable"
    assert stage.journal.late_statuses == [CommitStatus.FENCED]
    assert isinstance(await stage.ask("bob", "hold A-1"), HoldOk)


async def test_what_waits_while_a_commit_is_in_doubt_is_served_after_it(stage):
    await stage.ready()
    stage.journal.faults.append(Fault.AMBIGUOUS_WRITTEN)
    gate = stage.journal.gate = new_gate()
    first = stage.send("ann", "hold A-1")
    await settle()
    stage.journal.gate = None
    waiting = stage.send("bob", "hold A-1")
    gate.set_result(None)
    await until(lambda: stage.code(waiting))
    assert [stage.code(one) for one in (first, waiting)] == ["ok", "seat_not_free"]


@pytest.mark.parametrize("fault", [Fault.AMBIGUOUS_WRITTEN, Fault.AMBIGUOUS_LOST])
async def test_after_the_patience_the_outcome_is_unknown(stage, fault, monkeypatch):
    monkeypatch.setattr(limits, "RESOLVE_S_MAX", 0.001)
    monkeypatch.setattr(limits, "PATIENCE_S_MAX", 0.001)
    await stage.ready()
    gate = stage.journal.fence_gate = new_gate()
    stage.journal.faults.append(fault)
    sent = stage.send("ann", "hold A-1")
    await soon(lambda: stage.code(sent))
    assert stage.code(sent) == "outcome_unknown"
    # Until the database answers nothing is decided, and nobody is kept waiting.
    while_fenced = stage.send("bob", "hold A-2")
    await soon(lambda: stage.code(while_fenced))
    assert stage.code(while_fenced) == "unavailable"
    stage.journal.fence_gate = None
    gate.set_result(None)
    await until(lambda: len(stage.board.resets) == 2)
    written = fault is Fault.AMBIGUOUS_WRITTEN
    assert len((await stage.ask("ann", "holding")).holds) == written
    assert len(stage.board.publications) == written


async def test_who_waits_for_a_reload_is_refused_after_the_patience(stage, monkeypatch):
    monkeypatch.setattr(limits, "PATIENCE_S_MAX", 0.001)
    monkeypatch.setattr(limits, "RELOAD_PAUSE_S", 0.001)
    await stage.ready()
    gate = stage.journal.fence_gate = new_gate()
    # A surprise of the driver: the reload begins with a fence, which is not answered.
    stage.journal.faults.append(Fault.RAISES)
    stage.send("ann", "hold A-1")
    await until(lambda: stage.journal.calls[-1] == "fence")
    first = stage.send("bob", "hold A-2")
    await soon(lambda: stage.code(first))
    second = stage.send("cid", "hold A-2")
    await soon(lambda: stage.code(second))
    assert [stage.code(one) for one in (first, second)] == ["unavailable"] * 2
    stage.journal.fence_gate = None
    gate.set_result(None)
    await until(lambda: len(stage.board.resets) == 2)
    assert (await stage.ask("bob", "hold A-2")).seats == ["A-2"]


async def test_recoveries_in_doubt_are_one_wait(stage, monkeypatch):
    """However many there are, one behind the other, before anybody is served."""
    monkeypatch.setattr(limits, "PATIENCE_S_MAX", 0.05)
    await stage.ready()
    await stage.ask("ann", "hold A-1 ttl=10")
    await stage.close()
    stage.clock.advance(12)
    stage.journal.calls.clear()
    stage.journal.faults.append(Fault.AMBIGUOUS_WRITTEN)
    first, second = new_gate(), new_gate()
    stage.journal.gate = first
    stage.open()
    await until(lambda: stage.journal.calls.count("commit") == 1)
    # A patience that began anew would last for ever.
    monkeypatch.setattr(limits, "PATIENCE_S_MAX", 3_600.0)
    stage.clock.advance(1)
    stage.journal.gate = second
    first.set_result(None)
    await until(lambda: stage.journal.calls.count("commit") == 2)
    waiting = stage.send("bob", "hold A-2")
    await soon(lambda: stage.code(waiting))
    assert stage.code(waiting) == "unavailable"
    stage.journal.gate = None
    second.set_result(None)
    await until(lambda: stage.board.version == 3)
    assert (await stage.ask("bob", "hold A-2")).seats == ["A-2"]


async def test_a_fenced_owner_answers_unavailable_and_starts_over(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1")
    stage.journal.faults.append(Fault.FENCED)
    sent, waiting = stage.send("ann", "hold A-2"), stage.send("bob", "hold B-1")
    await until(lambda: stage.code(sent))
    assert [stage.code(one) for one in (sent, waiting)] == ["unavailable"] * 2
    assert "fence" not in stage.journal.calls, "there is nothing left to find out"
    # Another one has it: who comes is refused, until that one's lease is over.
    refused = stage.send("ann", "hold A-3")
    await soon(lambda: stage.code(refused))
    assert stage.code(refused) == "unavailable"
    stage.clock.advance(11)
    await soon(lambda: len(stage.board.resets) == 2)
    assert (await stage.ask("ann", "holding")).holds[0].seats == ["A-1"]


async def test_somebody_who_took_over_in_doubt_leaves_the_outcome_unknown(stage):
    await stage.ready()
    stage.journal.faults.append(Fault.AMBIGUOUS_WRITTEN)
    gate = stage.journal.fence_gate = new_gate()
    sent = stage.send("ann", "hold A-1")
    await until(lambda: stage.journal.calls[-1] == "fence")
    stage.head.epoch, stage.head.token = 7, "somebody else"
    gate.set_result(None)
    await until(lambda: stage.code(sent))
    assert stage.code(sent) == "outcome_unknown"
    assert stage.notes.doubts == [CommitStatus.AMBIGUOUS]


async def test_an_aborted_batch_is_unavailable_even_where_somebody_took_over(stage):
    await stage.ready()
    stage.journal.faults.append(Fault.ABORTED)
    gate = stage.journal.fence_gate = new_gate()
    sent = stage.send("ann", "hold A-1")
    await until(lambda: stage.journal.calls[-1] == "fence")
    stage.head.epoch, stage.head.token = 7, "somebody else"
    gate.set_result(None)
    await until(lambda: stage.code(sent))
    assert stage.code(sent) == "unavailable"


async def test_a_head_that_contradicts_stops_the_event(stage):
    await stage.ready()
    stage.journal.faults.append(Fault.AMBIGUOUS_LOST)
    gate = stage.journal.fence_gate = new_gate()
    sent = stage.send("ann", "hold A-1")
    await until(lambda: stage.journal.calls[-1] == "fence")
    stage.head.version = 99
    waiting = stage.send("bob", "hold A-2")
    gate.set_result(None)
    await until(lambda: stage.code(waiting))
    assert [stage.code(one) for one in (sent, waiting)] == [
        "outcome_unknown",
        "unavailable",
    ]
    assert isinstance(stage.notes.failures[-1], Corrupt)
    assert stage.code(stage.send("ann", "hold A-3")) == "unavailable"
    await stage.actor.task


async def test_another_batch_at_the_expected_version_stops_the_event(stage):
    await stage.ready()
    stage.journal.faults.append(Fault.AMBIGUOUS_WRITTEN)
    gate = stage.journal.fence_gate = new_gate()
    sent = stage.send("ann", "hold A-1")
    await until(lambda: stage.journal.calls[-1] == "fence")
    stage.head.batch_id = "somebody else's"
    gate.set_result(None)
    await until(lambda: stage.code(sent))
    assert stage.code(sent) == "outcome_unknown"
    assert isinstance(stage.notes.failures[-1], Corrupt)


async def test_a_journal_that_contradicts_its_head_stops_the_event():
    stage = Stage(SMALL, settings_of())
    stage.head.version = 5
    actor = stage.open()
    sent = stage.send("ann", "hold A-1")
    with pytest.raises(Corrupt):
        await actor.ready
    assert stage.code(sent) == "unavailable"
    assert stage.code(stage.send("ann", "hold A-1")) == "unavailable"
    await actor.stop(1.0)


async def test_an_event_may_stop_before_anybody_waits_for_it():
    stage = Stage(SMALL, settings_of())
    stage.head.version = 5
    actor = stage.open()
    await until(lambda: actor.ready.done())
    await actor.stop(1.0)


async def test_a_bug_costs_its_caller_an_answer_and_nobody_the_event(
    stage, monkeypatch
):
    await stage.ready()
    await stage.ask("ann", "hold A-1")
    poison = Holding(id=1, event=EVENT)

    def buggy(command, request):
        if command is poison:
            raise ZeroDivisionError("a bug")
        return decide(command, request)

    monkeypatch.setattr("inventory.drain.decide", buggy)
    before = stage.send("bob", "hold B-1")
    bad = stage.send("bob", poison)
    after = stage.send("bob", "hold B-2")
    await until(lambda: stage.code(after))
    assert [stage.code(one) for one in (before, bad, after)] == ["unavailable"] * 3
    assert isinstance(stage.notes.failures[0], ZeroDivisionError)
    await soon(lambda: len(stage.board.resets) == 2)
    # Nothing of the batch happened, everything before it did.
    reply = await stage.ask("bob", "hold B-1")
    assert isinstance(reply, HoldOk)
    assert reply.version == 2


async def test_a_change_that_does_not_fit_stops_the_event(stage, monkeypatch):
    await stage.ready()
    await stage.ask("ann", "hold A-1")
    stage.actor._state.stock.letters[1] = ord("b")
    sent = stage.send("bob", "best 3")
    await until(lambda: stage.code(sent))
    assert stage.code(sent) == "unavailable"
    assert isinstance(stage.notes.failures[-1], Corrupt)
    assert stage.head.version == 1


@pytest.mark.parametrize("call", ["acquire", "load_snapshot", "load_rows"])
async def test_a_journal_that_fails_while_loading_is_asked_again(call):
    stage = Stage(SMALL, settings_of())
    stage.open()
    await stage.ready()
    await stage.ask("ann", "hold A-1")
    await stage.close()
    stage.journal.fail(call, Broken(), Broken())
    actor = stage.open()
    async with asyncio.timeout(60):
        await actor.ready
    assert len(stage.notes.failures) == 2
    assert (await stage.ask("ann", "holding")).holds[0].seats == ["A-1"]
    await stage.close()


async def test_a_fence_that_fails_leaves_the_outcome_unknown(stage):
    await stage.ready()
    stage.journal.faults.append(Fault.AMBIGUOUS_WRITTEN)
    stage.journal.fail("fence", Broken())
    sent = stage.send("ann", "hold A-1")
    await until(lambda: stage.code(sent))
    assert stage.code(sent) == "outcome_unknown"
    await soon(lambda: len(stage.board.resets) == 2)
    assert len((await stage.ask("ann", "holding")).holds) == 1
