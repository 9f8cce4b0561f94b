"""Who came late is taken once, and gets a rank in the commit that feeds it, or none."""

import pytest
from msgspec.structs import replace

from inventory.ports import CommitStatus
from persistence.events.line.entries import Entries
from persistence.events.line.feeding import Feeding
from persistence.events.line.joining import JoinLane
from persistence.events.line.lines import Lines
from tests.persistence.events.line.places import new_entry, opened
from tests.persistence.journals import make_batch

pytestmark = pytest.mark.postgres


class Feeder:
    def __init__(self, store) -> None:
        self.store = store
        self.feeding, self.lane = Feeding(store.pool), JoinLane(store.pool)

    async def join(self, *users, event="evt"):
        return [(await self.lane.join(new_entry(user, event))).stub for user in users]

    async def ranks(self, event="evt"):
        rows = await self.store.query(
            "SELECT user_id, rank FROM line_entry WHERE event_id = $1 ORDER BY 1", event
        )
        return dict(rows)


@pytest.fixture
async def feeder(store):
    await opened(Lines(store.pool))
    return Feeder(store)


async def test_a_commit_ranks_the_rows_it_feeds(feeder, store):
    ownership = await store.own("evt")
    ann, bert, _ = await feeder.join("ann", "bert", "carl")
    assert await feeder.feeding.unfed() == ["evt"]
    assert await feeder.feeding.unfed(older_s=3_600) == []
    taken = await feeder.feeding.take("evt", 1, 0)
    assert {(row.step, row.after) for row in taken} == {(1, 0)}
    assert len(taken) == 3
    batch = make_batch(ownership, ranked=[(bert, 1), (ann, 2)])
    assert await store.commit(ownership, batch) is CommitStatus.COMMITTED
    assert await feeder.ranks() == {"ann": 2, "bert": 1, "carl": None}
    # Taken and not fed: the next step has it again, with whoever came meanwhile.
    (dora,) = await feeder.join("dora")
    rows = await feeder.feeding.take("evt", 1, 0)
    assert {row.user_id for row in rows} == {"carl", "dora"}
    assert dora in {row.stub for row in rows}
    assert {(row.step, row.after) for row in rows} == {(2, 2)}


async def test_rows_are_in_the_order_in_which_they_joined(feeder):
    users = [f"u{number * 7 % 20}" for number in range(20)]
    for user in users:
        await feeder.join(user)
    rows = await feeder.feeding.take("evt", 1, 0)
    assert [row.user_id for row in rows] == users


async def test_late_ones_come_behind_all_entrants(feeder):
    await feeder.join("ann")
    (row,) = await feeder.feeding.take("evt", 1, 98_302)
    assert (row.step, row.after) == (1, 98_302)
    assert row.entry_id not in repr(row)


@pytest.mark.parametrize("wrong", ["twice", "unknown", "of another event", "untaken"])
async def test_a_row_that_is_not_there_to_be_ranked_stops_the_commit(
    feeder, store, wrong
):
    ownership = await store.own("evt")
    await opened(Lines(store.pool), "other")
    (ann,) = await feeder.join("ann")
    (other,) = await feeder.join("bert", event="other")
    await feeder.feeding.take("evt", 1, 0)
    await feeder.feeding.take("other", 1, 0)
    (untaken,) = await feeder.join("carl")
    first = make_batch(ownership, ranked=[(ann, 1)])
    assert await store.commit(ownership, first) is CommitStatus.COMMITTED
    stub = {
        "twice": ann,
        "unknown": bytes(16),
        "of another event": other,
        "untaken": untaken,
    }[wrong]
    second = make_batch(ownership, ranked=[(stub, 2)])
    assert await store.commit(ownership, second) is CommitStatus.ABORTED
    assert await feeder.ranks() == {"ann": 1, "carl": None}
    assert await feeder.ranks("other") == {"bert": None}


async def test_who_is_fenced_ranks_nobody(feeder, store):
    ownership = await store.own("evt")
    (ann,) = await feeder.join("ann")
    await feeder.feeding.take("evt", 1, 0)
    late = replace(ownership, epoch=ownership.epoch - 1)
    batch = make_batch(late, ranked=[(ann, 1)])
    assert await store.journal.commit(late, batch) is CommitStatus.FENCED
    assert await feeder.ranks() == {"ann": None}


async def test_two_places_have_two_ranks(feeder, store):
    ownership = await store.own("evt")
    ann, bert = await feeder.join("ann", "bert")
    await feeder.feeding.take("evt", 1, 0)
    batch = make_batch(ownership, ranked=[(ann, 1), (bert, 1)])
    assert await store.commit(ownership, batch) is CommitStatus.ABORTED
    assert await feeder.ranks() == {"ann": None, "bert": None}


async def test_who_left_before_is_in_no_step(feeder, store):
    await feeder.join("ann", "bert")
    await Entries(store.pool).leave("evt", "ann")
    assert [row.user_id for row in await feeder.feeding.take("evt", 1, 0)] == ["bert"]
