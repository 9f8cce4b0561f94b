"""The actor: who is answered what, and when."""

import asyncio

from inventory import limits
from tests.fakes import new_gate
from tests.scenario import NOW_MS
from tests.stage import settle, until


async def test_a_command_is_answered_after_its_commit(stage):
    await stage.ready()
    gate = stage.journal.gate = new_gate()
    sent = stage.send("ann", "hold A-1")
    await settle()
    assert stage.code(sent) is None
    assert stage.board.version == 0
    gate.set_result(None)
    await until(lambda: stage.code(sent))
    assert stage.code(sent) == "ok"
    assert stage.caller.answers[sent].version == 1
    assert stage.board.letters.decode() == "hfffffffffff"
    assert stage.head.version == 1


async def test_who_asked_hears_before_those_who_watch(stage, monkeypatch):
    await stage.ready()
    publish = stage.board.publish
    heard = []

    def note(publication):
        heard.append(dict(stage.caller.answers))
        publish(publication)

    monkeypatch.setattr(stage.board, "publish", note)
    sent = stage.send("ann", "hold A-1")
    await until(lambda: heard)
    assert sent in heard[0]


async def test_refusals_wait_for_the_commit_of_what_they_saw(stage):
    await stage.ready()
    gate = stage.journal.gate = new_gate()
    first = stage.send("ann", "hold A-1")
    second = stage.send("bob", "hold A-1")
    asked = stage.send("ann", "holding")
    await settle()
    assert [stage.code(one) for one in (first, second, asked)] == [None] * 3
    gate.set_result(None)
    await until(lambda: stage.code(asked))
    assert [stage.code(one) for one in (first, second)] == ["ok", "seat_not_free"]
    assert stage.caller.order == [first, second, asked]
    assert len(stage.journal.batches) == 1


async def test_what_queued_during_a_commit_is_the_next_batch(stage):
    await stage.ready()
    gate = stage.journal.gate = new_gate()
    stage.send("ann", "hold A-1")
    await settle()
    later = [stage.send("ann", f"hold B-{n}") for n in (1, 2, 3)]
    await settle()
    assert len(stage.journal.batches) == 1, "one batch in flight"
    stage.journal.gate = None
    gate.set_result(None)
    await until(lambda: stage.code(later[-1]))
    assert [(batch.base, batch.to) for batch in stage.journal.batches] == [
        (0, 1),
        (1, 4),
    ]
    assert stage.notes.commits == [1, 3]


async def test_a_batch_without_changes_is_answered_at_once(stage):
    await stage.ready()
    reply = await stage.ask("ann", "holding")
    refused = await stage.ask("ann", "book nothing")
    assert (reply.version, refused.code) == (0, "hold_not_found")
    assert stage.journal.batches == []
    assert stage.notes.refusals == ["hold_not_found"]


async def test_refusals_without_a_commit_let_the_loop_turn(stage, monkeypatch):
    await stage.ready()
    monkeypatch.setattr(limits, "BATCH_COMMANDS_MAX", 1)
    others = 0

    async def other() -> None:
        nonlocal others
        while True:
            others += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    sent = [stage.send("ann", "book nothing") for _ in range(20)]
    await until(lambda: stage.code(sent[-1]))
    assert others >= 20
    task.cancel()


async def test_a_batch_has_at_most_so_many_commands(stage, monkeypatch):
    await stage.ready()
    monkeypatch.setattr(limits, "BATCH_COMMANDS_MAX", 2)
    sent = [stage.send("ann", f"hold A-{n}") for n in (1, 2, 3)]
    await until(lambda: stage.code(sent[-1]))
    assert stage.notes.commits == [2, 1]


async def test_a_batch_has_at_most_so_many_bytes(stage, monkeypatch):
    await stage.ready()
    monkeypatch.setattr(limits, "BATCH_BYTES_MAX", 150)
    sent = [stage.send("ann", f"hold A-{n}") for n in (1, 2, 3)]
    await until(lambda: stage.code(sent[-1]))
    assert stage.notes.commits == [2, 1]


async def test_a_drain_ends_when_its_time_is_over(stage, monkeypatch):
    await stage.ready()
    sent = [stage.send("ann", "holding") for _ in range(70)]
    # One look at the clock when a batch begins, and one after each 32 commands.
    looks = iter([0.0, 1.0])
    monkeypatch.setattr(
        stage.clock, "monotonic", lambda: next(looks, 2.0) + stage.clock.seconds
    )
    await until(lambda: stage.code(sent[31]))
    assert stage.code(sent[32]) is None
    await until(lambda: stage.code(sent[-1]))


async def test_a_full_mailbox_is_overloaded(stage, monkeypatch):
    monkeypatch.setattr(limits, "MAILBOX_COMMANDS_MAX", 2)
    await stage.ready()
    gate = stage.journal.gate = new_gate()
    first = stage.send("ann", "hold A-1")
    await settle()
    sent = [stage.send("ann", f"hold B-{n}") for n in (1, 2, 3)]
    assert [stage.code(one) for one in sent] == [None, None, "overloaded"]
    gate.set_result(None)
    await until(lambda: stage.code(sent[1]))
    assert [stage.code(one) for one in [first, *sent]] == ["ok"] * 3 + ["overloaded"]


async def test_commands_that_come_while_it_loads_are_served(stage):
    sent = stage.send("ann", "hold A-1")
    await until(lambda: stage.code(sent))
    assert stage.code(sent) == "ok"


async def test_the_time_of_an_event_never_goes_back(stage):
    await stage.ready()
    await stage.ask("ann", "hold A-1")
    stage.clock.time_ms -= 3_600_000
    reply = await stage.ask("ann", "hold A-2")
    assert reply.expires_at == "2027-01-15T08:10:00.000Z"
    assert [row.at_ms for row in stage.head.rows] == [NOW_MS, NOW_MS]
