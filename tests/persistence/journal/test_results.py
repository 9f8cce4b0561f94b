import pytest

from inventory.commands import Hold
from inventory.replies import HoldOk
from persistence.journal import results
from persistence.journal.audit import audit_event
from persistence.journal.results import KEPT_DAYS, Results
from tests.persistence.journals import Store, make_batch, make_result
from tests.persistence.sales import selling

DAY_MS = 86_400_000


async def end(store: Store, event: str, days: float) -> None:
    """Let an event have been over for so many days, as far as its row tells."""
    await store.query(
        "UPDATE event SET settings = settings"
        " || jsonb_build_object('completes_at_ms', clock_ms() - $2::bigint)"
        " WHERE event_id = $1",
        event,
        round(days * DAY_MS),
    )


async def keep(store: Store, event: str, keys: int, days: float) -> None:
    """Make an event with so many outcomes that is over for so many days."""
    ownership = await store.own(event)
    stored = [make_result(f"k{number}") for number in range(keys)]
    await store.commit(ownership, make_batch(ownership, results=stored))
    await end(store, event, days)


async def left(store: Store) -> dict[str, int]:
    rows = "SELECT event_id, count(*) FROM command_result GROUP BY 1"
    return dict(await store.query(rows))


@pytest.mark.parametrize("events_max", [1, 2, 5, 200])
async def test_outcomes_go_in_batches_when_nobody_may_ask(
    store, monkeypatch, events_max
):
    monkeypatch.setattr(results, "EVENTS_MAX", events_max)
    monkeypatch.setattr(results, "ROWS_MAX", 3)
    for number, days in enumerate((31, 29, 40, -1, 31)):
        await keep(store, f"evt{number}", 7, days)
    gone = [rows async for rows in Results(store.pool).trim()]
    assert gone == [3, 3, 1] * 3
    assert await left(store) == {"evt1": 7, "evt3": 7}
    assert [rows async for rows in Results(store.pool).trim()] == []


async def test_an_event_that_says_nothing_is_over_a_day_after_it_began(store):
    for event, days in (("old", KEPT_DAYS + 1.1), ("new", KEPT_DAYS + 0.9)):
        await keep(store, event, 1, 0)
        await store.query(
            "UPDATE event SET settings = settings - 'completes_at_ms' - 'ends_at_ms'"
            " || jsonb_build_object('starts_at_ms', clock_ms() - $2::bigint)"
            " WHERE event_id = $1",
            event,
            round(days * DAY_MS),
        )
    assert [rows async for rows in Results(store.pool).trim()] == [1]
    assert await left(store) == {"new": 1}


async def test_a_key_has_its_answer_to_the_last_day_and_no_effect_besides(store):
    command = Hold(id=1, event="evt", seats=["A-1"])
    async with selling(store, "evt") as sale:
        first = await sale.ask(command, "ann", "k1")
    await end(store, "evt", KEPT_DAYS - 0.01)
    assert [rows async for rows in Results(store.pool).trim()] == []
    # An owner that has to look: it began with what is in the journal.
    async with selling(store, "evt", new=False) as sale:
        again = await sale.ask(command, "ann", "k1")
    assert isinstance(first, HoldOk)
    assert isinstance(again, HoldOk)
    assert (again.hold, again.version) == (first.hold, first.version)
    await end(store, "evt", KEPT_DAYS + 0.01)
    assert [rows async for rows in Results(store.pool).trim()] == [1]
    receipt = await audit_event(store.url, "evt")
    assert all("outcome" not in told for told in receipt.differences)


async def test_two_processes_trim_side_by_side(store, monkeypatch):
    monkeypatch.setattr(results, "ROWS_MAX", 1)
    await keep(store, "evt", 4, 31)
    one, other = Results(store.pool).trim(), Results(store.pool).trim()
    gone = 0
    for _ in range(2):
        gone += await anext(one) + await anext(other)
    assert gone == 4
    assert await left(store) == {}
