"""What the actor does by itself: expiries, opening, recovery, leases, the end."""

import asyncio
from typing import Any

import pytest

from inventory import limits
from inventory.actor import EventActor
from inventory.loading import Deposed
from inventory.ports import CommitStatus
from inventory.records import Corrupt
from tests.fakes import Broken, Fault, new_gate
from tests.scenario import NOW_MS, SMALL, settings_of
from tests.stage import Stage, settle, soon, until, wake

GRACE_S = limits.HOLD_GRACE_MS / 1_000


# Expiries.


@pytest.mark.usefixtures("leases_last")
async def test_holds_expire_by_themselves_in_order(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1 ttl=20")
    await stage.ask("bob", "hold A-2 GA*2 ttl=10")
    # One moment before the end of both: the alarm is set, nothing is due.
    stage.clock.advance(20 + GRACE_S - 0.001)
    await wake(stage)
    stage.clock.advance(0.001)
    await soon(lambda: stage.board.version == 4)
    expired = [one for p in stage.board.publications for one in p.expired]
    assert [(one.user, one.seats, one.areas) for one in expired] == [
        ("bob", ["A-2"], {"GA": 2}),
        ("ann", ["A-1"], {}),
    ]
    assert stage.board.letters.decode() == "f" * 12
    assert stage.board.areas == [(10, 0, 0, 0)]


@pytest.mark.usefixtures("leases_last")
async def test_the_alarm_goes_off_without_anybody_asking(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1 ttl=10")
    stage.clock.advance(10 + GRACE_S - 0.002)
    await wake(stage)
    stage.clock.advance(0.002)
    await soon(lambda: stage.board.version == 2)
    assert (await stage.ask("ann", "hold A-1")).version == 3


async def test_what_is_due_ends_before_anything_else_is_decided(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1 ttl=10")
    stage.clock.advance(10 + GRACE_S)
    sent = stage.send("bob", "hold A-1"), stage.send("ann", "book t1")
    await until(lambda: stage.code(sent[1]))
    assert [stage.code(one) for one in sent] == ["ok", "hold_expired"]
    assert (stage.journal.batches[-1].base, stage.journal.batches[-1].to) == (1, 3)


async def test_a_booking_in_the_grace_is_not_lost_in_a_queue(stage):
    await stage.ready()
    held = await stage.ask("ann", "hold A-1 ttl=10")
    gate = stage.journal.gate = new_gate()
    stage.send("bob", "hold A-2")
    await settle()
    sent = stage.send("ann", f"book {held.hold}")
    stage.clock.advance(10 + GRACE_S - 0.001)
    stage.journal.gate = None
    gate.set_result(None)
    await until(lambda: stage.code(sent))
    assert stage.code(sent) == "ok"


async def test_many_expiries_are_spread_over_batches(stage, monkeypatch):
    monkeypatch.setattr(limits, "EXPIRIES_PER_BATCH_MAX", 2)
    await stage.ready()
    for n in range(1, 4):
        await stage.ask("ann", f"hold A-{n} ttl=10")
    stage.clock.advance(30)
    await wake(stage)
    await until(lambda: stage.board.version == 6)
    assert [batch.to - batch.base for batch in stage.journal.batches[3:]] == [2, 1]


# Recovery.


async def test_a_new_owner_goes_on_where_the_former_one_was(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1 GA*2")
    await stage.ask("ann", "book t1")
    await stage.ask("bob", "hold A-2")
    before = stage.actor._state.stock.hash()
    await stage.reopen()
    assert stage.actor._state.stock.hash() == before
    assert (await stage.loaded()).hash() == before
    assert stage.board.letters.decode() == "bhffffffffff"
    assert stage.board.areas == [(8, 0, 2, 0)]


async def test_recovery_keeps_every_live_hold_a_while(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1 ttl=10")
    await stage.ask("bob", "hold A-2 ttl=300")
    await stage.close()
    stage.clock.advance(60)
    stage.open()
    await stage.ready()
    assert stage.board.version == 3, "one change keeps them all"
    assert (await stage.ask("ann", "holding")).holds[0].seats == ["A-1"]
    stage.clock.advance(GRACE_S - 0.001)
    await wake(stage)
    assert stage.board.version == 3
    stage.clock.advance(0.001)
    await soon(lambda: stage.board.version == 4)
    assert stage.board.letters.decode() == "fhffffffffff"


async def test_recovery_counts_from_the_time_of_the_event(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1 ttl=10")
    stage.clock.advance(14)
    await stage.ask("bob", "hold A-2")
    await stage.close()
    stage.clock.time_ms -= 3_600_000
    stage.open()
    await stage.ready()
    held = stage.actor._state.stock.holds["t1"]
    assert held.ends_ms == NOW_MS + 14_000 + limits.HOLD_GRACE_MS


async def test_a_clock_set_back_by_an_hour_lets_holds_end_nearly_in_time(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1 ttl=160")
    await stage.close()
    stage.clock.time_ms -= 3_600_000
    stage.open()
    await stage.ready()
    # A sixteenth slower, and what everybody is let off.
    stage.clock.advance((160 + GRACE_S) * 16 / 15 - 1)
    await wake(stage)
    assert stage.board.letters.decode()[0] == "h"
    stage.clock.advance(2)
    await wake(stage)
    await soon(lambda: stage.board.letters.decode()[0] == "f")
    assert (await stage.ask("bob", "hold A-1 ttl=10")).expires_at is not None


async def test_recovery_without_short_holds_writes_nothing(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1")
    await stage.reopen()
    assert stage.head.version == 1


async def test_a_doubtful_commit_during_recovery_is_resolved(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1 ttl=10")
    await stage.close()
    stage.clock.advance(60)
    stage.journal.faults.extend([Fault.AMBIGUOUS_LOST, Fault.AMBIGUOUS_WRITTEN])
    stage.open()
    await stage.ready()
    assert (await stage.ask("ann", "holding")).version == 2


async def test_nothing_is_loaded_before_the_event_is_ours(stage):
    await stage.ready()
    head = stage.head
    head.epoch, head.token, head.lease_until = 5, "another", 1e9
    before = len(stage.journal.calls)
    stage.journal.faults.append(Fault.NONE)
    assert (await stage.ask("ann", "hold A-1")).code == "unavailable"
    waiting = stage.send("ann", "hold A-1")
    await soon(lambda: stage.code(waiting))
    assert stage.code(waiting) == "unavailable"
    assert "load_rows" not in stage.journal.calls[before:]
    assert "load_snapshot" not in stage.journal.calls[before:]
    head.lease_until = 0.0
    await soon(lambda: len(stage.board.resets) == 2)
    assert (await stage.ask("ann", "hold A-1")).version == 1
    assert head.epochs == [6]


# Leases.


def impatient(*arguments: Any, **options: Any) -> EventActor:
    return EventActor(*arguments, patient=False, **options)


async def test_an_owner_with_nothing_to_commit_renews_its_lease(stage, monkeypatch):
    monkeypatch.setattr(limits, "RENEW_AFTER_S", 0.02)
    await stage.ready()
    await settle()
    assert "confirm" not in stage.journal.calls
    stage.clock.advance(1.0)
    await soon(lambda: stage.journal.calls.count("confirm") == 1)
    stage.clock.advance(1.0)
    await soon(lambda: stage.journal.calls.count("confirm") == 2)


async def test_an_owner_that_waits_learns_that_it_is_deposed(stage, monkeypatch):
    monkeypatch.setattr(limits, "RENEW_AFTER_S", 0.02)
    await stage.close()
    stage.open(impatient)
    await stage.ready()
    stage.head.token, stage.head.lease_until = "another", float("inf")
    stage.clock.advance(1.0)
    await soon(stage.actor.task.done)
    assert stage.code(stage.send("ann", "holding")) == "unavailable"


async def test_an_impatient_actor_ends_where_another_has_the_event(stage):
    await stage.close()
    stage.head.token, stage.head.lease_until = "another", float("inf")
    actor = stage.open(impatient)
    held = stage.send("ann", "hold A-1")
    with pytest.raises(Deposed):
        await actor.ready
    await soon(actor.task.done)
    assert stage.code(held) == "unavailable"
    assert stage.code(stage.send("ann", "hold A-1")) == "unavailable"


async def test_a_silent_owner_confirms_before_it_answers(stage, monkeypatch):
    monkeypatch.setattr(limits, "RENEW_AFTER_S", 3_600.0)
    await stage.ready()
    stage.clock.advance(limits.CONFIRM_AFTER_S - 0.001)
    await stage.ask("ann", "holding")
    assert "confirm" not in stage.journal.calls
    stage.clock.advance(0.001)
    await stage.ask("ann", "holding")
    assert stage.journal.calls.count("confirm") == 1
    await stage.ask("ann", "holding")
    assert stage.journal.calls.count("confirm") == 1, "not again at once"


async def test_a_commit_confirms_too(stage):
    await stage.ready()
    stage.clock.advance(limits.CONFIRM_AFTER_S)
    await stage.ask("ann", "hold A-1")
    await stage.ask("ann", "holding")
    assert "confirm" not in stage.journal.calls


async def test_who_lost_the_event_in_silence_answers_nothing_of_it(stage):
    await stage.ready()
    stage.clock.advance(60)
    stage.head.epoch, stage.head.token = 5, "another"
    stage.head.lease_until = stage.clock.monotonic() + 10
    assert (await stage.ask("ann", "holding")).code == "unavailable"
    assert stage.notes.doubts == [CommitStatus.FENCED]


@pytest.mark.parametrize("status", [CommitStatus.ABORTED, CommitStatus.AMBIGUOUS])
async def test_an_unclear_confirmation_costs_no_lease(stage, status):
    await stage.ready()
    await stage.ask("ann", "hold A-1")
    stage.clock.advance(6)
    stage.journal.confirm_faults.append(status)
    assert (await stage.ask("ann", "holding")).code == "unavailable"
    reply = await stage.ask("ann", "holding")
    assert reply.holds[0].seats == ["A-1"], "fenced and loaded again, at once"


async def test_who_lost_the_event_in_doubt_starts_over(stage):
    await stage.ready()
    stage.clock.advance(6)
    stage.journal.confirm_faults.append(CommitStatus.AMBIGUOUS)
    stage.head.epoch, stage.head.token = 5, "another"
    stage.head.lease_until = 0.0
    assert (await stage.ask("ann", "holding")).code == "unavailable"
    assert (await stage.ask("ann", "hold A-1")).version == 1
    assert stage.head.epochs == [6]


# Snapshots.


async def test_a_snapshot_is_stored_every_so_many_versions(stage, monkeypatch):
    monkeypatch.setattr(limits, "SNAPSHOT_EVERY_VERSIONS", 3)
    await stage.ready()
    held = [await stage.ask("ann", f"hold A-{n}") for n in (1, 2, 3)]
    await until(lambda: stage.head.snapshot and stage.head.snapshot.version == 3)
    for one in held:
        await stage.ask("ann", f"release {one.hold}")
    await until(lambda: stage.head.snapshot and stage.head.snapshot.version == 6)
    await stage.ask("ann", "hold A-4")
    await stage.ask("ann", "hold A-3")
    assert stage.journal.calls.count("save_snapshot") == 2
    before = stage.actor._state.stock.hash()
    await stage.reopen()
    assert stage.actor._state.stock.hash() == before
    # What the snapshot has is not read again.
    stage.head.rows[:3] = []
    await stage.reopen()
    assert stage.actor._state.stock.hash() == before
    assert stage.actor._state.snapshot_version == 6


async def test_a_snapshot_that_fails_stops_nothing(stage, monkeypatch):
    monkeypatch.setattr(limits, "SNAPSHOT_EVERY_VERSIONS", 1)
    stage.journal.fail("save_snapshot", Broken())
    await stage.ready()
    await stage.ask("ann", "hold A-1")
    await until(lambda: stage.notes.failures)
    await stage.ask("ann", "hold A-2")
    await until(lambda: stage.head.snapshot)
    assert stage.head.snapshot.version == 2


async def test_one_snapshot_is_written_at_a_time(stage, monkeypatch):
    monkeypatch.setattr(limits, "SNAPSHOT_EVERY_VERSIONS", 1)
    gate = new_gate()
    real = stage.journal.save_snapshot

    async def slow(*args):
        await gate
        await real(*args)

    monkeypatch.setattr(stage.journal, "save_snapshot", slow)
    await stage.ready()
    await stage.ask("ann", "hold A-1")
    await stage.ask("ann", "hold A-2")
    stopping = asyncio.create_task(stage.actor.stop(5.0))
    await settle()
    assert not stopping.done(), "the end waits for it"
    gate.set_result(None)
    await stopping
    assert stage.journal.calls.count("save_snapshot") == 1
    assert stage.head.snapshot.version == 1


# The end.


async def test_a_stop_answers_what_waits_and_gives_the_event_up(stage):
    await stage.ready()
    gate = stage.journal.gate = new_gate()
    first = stage.send("ann", "hold A-1")
    await settle()
    second = stage.send("bob", "hold A-2")
    stopping = asyncio.create_task(stage.actor.stop(5.0))
    await settle()
    assert stage.code(stage.send("bob", "hold A-3")) == "unavailable"
    stage.journal.gate = None
    gate.set_result(None)
    await stopping
    assert [stage.code(first), stage.code(second)] == ["ok", "ok"]
    assert stage.head.token is None
    assert stage.head.version == 2


async def test_a_stop_ends_within_its_patience(stage):
    await stage.ready()
    stage.journal.gate = new_gate()
    first = stage.send("ann", "hold A-1")
    await settle()
    second = stage.send("bob", "hold A-2")
    await stage.actor.stop(0.001)
    assert [stage.code(first), stage.code(second)] == ["outcome_unknown", "unavailable"]


async def test_a_stop_while_loading_answers_everybody():
    stage = Stage(SMALL, settings_of())
    actor = stage.open()
    sent = stage.send("ann", "hold A-1")
    await actor.stop(1.0)
    assert stage.code(sent) == "unavailable"
    with pytest.raises(Deposed):
        await actor.ready


async def test_a_stop_while_another_has_the_event_ends_soon(stage):
    await stage.ready()
    other = Stage(SMALL, settings_of(), stage.journal)
    actor = other.open()
    await soon(lambda: stage.journal.calls.count("acquire") > 2)
    await actor.stop(1.0)
    assert actor.task.done()
    with pytest.raises(Deposed):
        await actor.ready
    assert stage.head.token == "owner 1"


async def test_a_stop_that_must_not_wait_tells_those_who_do(stage, monkeypatch):
    await stage.ready()

    async def never(event):
        await new_gate()

    monkeypatch.setattr(stage.journal, "load_snapshot", never)
    other = Stage(SMALL, settings_of(), stage.journal)
    other.clock = stage.clock
    stage.head.token = None
    actor = other.open()
    waiting = asyncio.ensure_future(actor.ready)
    await settle()
    await actor.stop(0.001)
    with pytest.raises(Deposed):
        await waiting


async def test_a_release_that_fails_is_noted_and_nothing_more(stage):
    await stage.ready()
    stage.journal.fail("release", Broken())
    await stage.actor.stop(1.0)
    assert isinstance(stage.notes.failures[-1], Broken)
    assert stage.actor.task.exception() is None


async def test_a_halted_actor_can_be_stopped(stage):
    await stage.ready()
    stage.actor._halt(Corrupt("as a test says"))
    await stage.actor.stop(1.0)
    assert "release" not in stage.journal.calls


async def test_expiries_that_are_due_are_written_before_the_end(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1 ttl=10")
    stage.clock.advance(60)
    await stage.actor.stop(1.0)
    assert stage.head.version == 2


async def test_publications_are_contiguous_through_everything(stage):
    """`Board.publish` raises on a hole; here is what it sees in a busy life."""
    await stage.ready()
    faults = [Fault.AMBIGUOUS_WRITTEN, Fault.AMBIGUOUS_LOST, Fault.LATE, Fault.ABORTED]
    for n, fault in enumerate(faults * 3):
        await stage.ask("ann", f"hold B-{n % 4 + 1}")
        stage.journal.faults.append(fault)
        await stage.ask("ann", f"hold A-{n % 4 + 1}")
        for hold in (await stage.ask("ann", "holding")).holds:
            await stage.ask("ann", f"release {hold.hold}")
    stock = stage.actor._state.stock
    stock.check()
    assert stage.board.version == stage.head.version == stock.version
    assert stage.board.letters == stock.letters
    assert (await stage.loaded()).hash() == stock.hash()
