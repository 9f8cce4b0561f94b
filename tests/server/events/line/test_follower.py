"""Rows and notices of turns, each once."""

import pytest

from inventory.changes import MARKS, SaleChanged
from inventory.commands import KeepTurns, LeaveLine
from persistence.people.notices.notices import Notices
from server.events.line.follower import KINDS
from server.events.line.service import order
from server.live.actors.registry import ask
from tests.server.events.line.room import who
from tests.server.identities import OLGA

pytestmark = pytest.mark.postgres


@pytest.fixture
async def offered(room):
    await room.house.put("evt", capacity=1)
    booking = await room.buy("early", 1)
    await room.join("ann", "bert")
    await room.cancel("early", booking)
    return room


async def told(room, name):
    store = Notices(room.house.pool)
    rows, _ = await store.list_of(who(name).user, limit=9, cursor=None, unread=False)
    return [(row.kind, row.data) for row in rows]


def test_all_that_it_follows_has_a_mark():
    assert all(kind in MARKS for kind in KINDS)
    assert SaleChanged in KINDS


async def test_an_offer_is_told_once_however_often_it_is_read(offered):
    await offered.follow()
    row = await offered.entries.mine("evt", who("ann").user)
    assert (row.turn, row.hold is None, row.over_at) == ("returned", False, None)
    ((kind, data),) = await told(offered, "ann")
    assert (kind, data["rank"], data["quantity"]) == ("offer", 1, 1)
    assert data["until_ms"] == int(row.turn_until.timestamp() * 1_000)
    # A cursor that was lost reads it all again.
    await offered.house.pool.fetch("DELETE FROM follower")
    await offered.follow()
    assert len(await told(offered, "ann")) == 1
    assert await told(offered, "bert") == []
    again = await offered.entries.mine("evt", who("ann").user)
    assert again == row


async def test_a_turn_that_ran_out_is_over_and_told(offered):
    await offered.follow()
    ann = await offered.entries.mine("evt", who("ann").user)
    await offered.run_out(ann.hold)
    assert await offered.turns("ann", "bert") == ["ran_out", "turn"]
    kinds = [kind for kind, _ in await told(offered, "ann")]
    assert sorted(kinds) == ["offer", "offer_over"]
    assert [kind for kind, _ in await told(offered, "bert")] == ["offer"]


async def test_what_was_booked_is_told_by_the_booking_alone(offered):
    await offered.book("ann", await offered.offered("ann"))
    assert await offered.turns("ann") == ["booked"]
    assert [kind for kind, _ in await told(offered, "ann")] == ["offer"]


async def test_a_sale_that_is_over_closes_its_line(offered):
    await offered.house.events.take_step(OLGA, "evt", "close", None)
    await offered.follow()
    row = await offered.lines.find("evt")
    assert row.phase == "over"
    assert row.closed_at is not None


async def test_who_left_and_died_before_the_row_knew_may_come_again(offered):
    """Found by simulation: else the place that is over would be theirs for ever."""
    found = await offered.house.events.load("evt")
    await order(found, who("bert").user, LeaveLine(id=0, event="evt", rank=2))
    assert (await offered.entries.mine("evt", who("bert").user)).over_at is None
    await offered.follow()
    row = await offered.entries.mine("evt", who("bert").user)
    assert (row.rank, row.ended) == (2, "left")
    (again,) = await offered.join("bert")
    assert again.new


async def test_who_is_ended_may_come_again(offered):
    await offered.desk.leave(who("ann"), "evt")
    await offered.follow()
    row = await offered.entries.mine("evt", who("ann").user)
    assert row.ended == "left"
    (again,) = await offered.join("ann")
    assert again.new
    assert await offered.ranks("ann") == [(3, 1)]


async def test_what_a_recovery_keeps_stands_in_the_rows_of_open_turns(offered):
    """Or who comes back then is told of less time than there is."""
    await offered.follow()
    before = await offered.entries.mine("evt", who("ann").user)
    local = await offered.house.registry.find("evt")
    until_ms = int(before.turn_until.timestamp() * 1_000) + 30_000
    keep = KeepTurns(id=0, event="evt", until_ms=until_ms)
    await ask(local, keep, "", False, None, system=True)
    await offered.follow()
    kept = await offered.entries.mine("evt", who("ann").user)
    assert int(kept.turn_until.timestamp() * 1_000) == until_ms
    assert (await offered.entries.mine("evt", who("bert").user)).turn_until is None
    # Sooner it ends for nobody, and who is done has no time any more.
    sooner = KeepTurns(id=0, event="evt", until_ms=until_ms - 10_000)
    await ask(local, sooner, "", False, None, system=True)
    await offered.follow()
    assert await offered.entries.mine("evt", who("ann").user) == kept
