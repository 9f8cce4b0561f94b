"""The sale of an event: what it does by itself, and what is told of it."""

from functools import partial

import pytest

from inventory import limits
from tests.scenario import NOW_MS, ORGANIZER, SMALL, settings_of
from tests.stage import Stage, soon, wake

GRACE_S = limits.HOLD_GRACE_MS / 1_000


def is_at(stage: Stage, version: int) -> bool:
    return bool(stage.board.version == version)


@pytest.mark.usefixtures("leases_last")
async def test_a_scheduled_sale_opens_by_itself():
    stage = Stage(
        SMALL, settings_of(sale_state="scheduled", on_sale_at_ms=NOW_MS + 60_000)
    )
    stage.open()
    await stage.ready()
    assert (await stage.ask("ann", "hold A-1")).code == "sale_not_open"
    stage.clock.advance(59.998)
    await wake(stage)
    stage.clock.advance(0.002)
    await soon(lambda: stage.board.version == 1)
    assert stage.board.settings is not None
    assert stage.board.settings.sale_state == "on_sale"
    assert stage.head.settings == stage.board.settings
    assert (await stage.ask("ann", "hold A-1")).version == 2
    await stage.close()


@pytest.mark.usefixtures("leases_last")
async def test_a_scheduled_sale_wakes_for_holds_too():
    """A hold taken before the sale was scheduled anew ends first."""
    stage = Stage(SMALL, settings_of(on_sale_at_ms=NOW_MS + 60_000))
    stage.open()
    await stage.ready()
    await stage.ask("ann", "hold A-1 ttl=10")
    assert stage.actor is not None
    assert stage.actor._state is not None
    stage.actor._state.stock.settings = settings_of(
        sale_state="scheduled", on_sale_at_ms=NOW_MS + 60_000
    )
    stage.clock.advance(10 + GRACE_S - 0.001)
    await wake(stage)
    stage.clock.advance(0.001)
    await soon(lambda: stage.board.version == 2)
    await stage.close()


@pytest.mark.usefixtures("leases_last")
async def test_a_sale_opens_closes_and_ends_by_itself():
    stage = Stage(
        SMALL,
        settings_of(
            sale_state="scheduled",
            on_sale_at_ms=NOW_MS + 10_000,
            off_sale_at_ms=NOW_MS + 20_000,
            completes_at_ms=NOW_MS + 30_000,
        ),
    )
    stage.open()
    await stage.ready()
    for number, state in enumerate(("on_sale", "closed", "completed"), 1):
        stage.clock.advance(9.998)
        await wake(stage)
        assert stage.board.version == number - 1
        stage.clock.advance(0.002)
        await soon(partial(is_at, stage, number))
        assert stage.head.settings is not None
        assert stage.head.settings.sale_state == state
    await stage.close()


async def test_what_was_due_while_nobody_was_there_is_done_in_one_batch():
    stage = Stage(
        SMALL,
        settings_of(
            sale_state="scheduled",
            on_sale_at_ms=NOW_MS - 30_000,
            off_sale_at_ms=NOW_MS - 20_000,
            completes_at_ms=NOW_MS - 10_000,
        ),
    )
    stage.open()
    await stage.ready()
    await soon(lambda: stage.board.version == 3)
    assert [batch.to - batch.base for batch in stage.journal.batches] == [3]
    assert (await stage.ask("ann", "hold A-1")).code == "sale_closed"
    await stage.close()


async def test_a_change_of_the_sale_is_published(stage):
    await stage.ready()
    await stage.ask(ORGANIZER, "sale pause")
    assert stage.board.publications[0].settings.sale_state == "paused"
    await stage.ask(ORGANIZER, "sale resume")
    await stage.ask("ann", "hold A-1")
    assert stage.board.publications[2].settings is None


@pytest.mark.usefixtures("leases_last")
async def test_what_waits_when_the_sale_closes_finds_it_closed():
    stage = Stage(SMALL, settings_of(off_sale_at_ms=NOW_MS + 10_000))
    stage.open()
    await stage.ready()
    stage.clock.advance(9.999)
    assert (await stage.ask("ann", "hold A-1")).version == 1
    stage.clock.advance(0.001)
    sent = stage.send("bob", "hold A-2"), stage.send("ann", "book t1")
    await soon(lambda: stage.code(sent[1]))
    assert [stage.code(one) for one in sent] == ["sale_closed", "ok"]
    assert stage.board.version == 3
    await stage.close()
