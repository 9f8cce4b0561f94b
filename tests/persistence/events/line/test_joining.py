"""Joining: in groups, once each, and the same place for who comes again."""

import asyncio
from typing import Any, cast

import pytest

from persistence.errors import Unavailable
from persistence.events.line import joining
from persistence.events.line.entries import Entries
from persistence.events.line.joining import JoinLane, NotOpen, Overloaded, TakenPlace
from persistence.events.line.lines import Lines
from tests.persistence.events.line.places import new_entry, opened

pytestmark = pytest.mark.postgres


@pytest.fixture
async def pool(store):
    await opened(Lines(store.pool))
    return store.pool


class Away:
    """A database that is away at first."""

    def __init__(self, pool) -> None:
        self.pool = pool
        self.away = True

    async def fetch(self, *asked):
        if self.away:
            self.away = False
            raise Unavailable("away")
        return await self.pool.fetch(*asked)


async def test_what_comes_together_is_one_statement(pool):
    await opened(Lines(pool), "other")
    lane = JoinLane(pool)
    joins = [lane.join(new_entry(f"u{n}", "evt")) for n in range(300)]
    joins += [lane.join(new_entry(f"u{n}", "other")) for n in range(300)]
    joins.append(lane.join(new_entry("u1", "closed")))
    told: list[Any] = await asyncio.gather(*joins, return_exceptions=True)
    assert isinstance(told.pop(), NotOpen)
    assert {(one.new, one.late, one.rank, one.draw) for one in told} == {
        (True, True, None, 1)
    }
    # The first goes at once; the others were waiting when that was through.
    assert lane.calls <= 2
    rows = await pool.fetch("SELECT event_id, count(*) AS n FROM line_entry GROUP BY 1")
    assert {row["event_id"]: row["n"] for row in rows} == {"evt": 300, "other": 300}


async def test_who_comes_again_has_the_same_place(pool):
    lane = JoinLane(pool)
    first = await lane.join(new_entry("ann", wish='{"quantity": 2}'))
    again = await lane.join(new_entry("ann"))
    assert first.new
    assert (again.new, again.entry_id, again.stub) == (
        False,
        first.entry_id,
        first.stub,
    )
    assert again.wish == '{"quantity": 2}'
    # Twice in one statement, and from two processes at once.
    lanes = [lane, JoinLane(pool)]
    many = await asyncio.gather(
        *(
            one.join(new_entry("bert", locale="x" * n))
            for one in lanes
            for n in range(5)
        )
    )
    assert len({one.entry_id for one in many}) == 1
    assert sum(one.new for one in many) == 1


async def test_one_address_and_one_device_have_one_place(pool):
    lane = JoinLane(pool)
    await lane.join(new_entry("ann", email_hash=b"mail", device_hash=b"phone"))
    with pytest.raises(TakenPlace):
        await lane.join(new_entry("bert", email_hash=b"mail"))
    with pytest.raises(TakenPlace):
        await lane.join(new_entry("carl", device_hash=b"phone"))
    # Of another event it is another place.
    await opened(Lines(pool), "other")
    assert (await lane.join(new_entry("bert", "other", email_hash=b"mail"))).new
    # What was left is free again.
    assert await Entries(pool).leave("evt", "ann") == "here"
    assert (await lane.join(new_entry("bert", email_hash=b"mail"))).new


async def test_who_left_may_join_anew(pool):
    lane, entries = JoinLane(pool), Entries(pool)
    first = await lane.join(new_entry("ann"))
    assert await entries.leave("evt", "ann") == "here"
    assert await entries.leave("evt", "ann") == "nowhere"
    again = await lane.join(new_entry("ann", wish="{}"))
    assert again.new
    assert again.entry_id != first.entry_id


async def test_more_than_may_wait_are_sent_away(pool, monkeypatch):
    monkeypatch.setattr(joining, "JOINS_WAITING_MAX", 2)
    lane = JoinLane(pool)
    two = [asyncio.ensure_future(lane.join(new_entry(f"u{n}"))) for n in range(2)]
    await asyncio.sleep(0)
    # Both wait, as the task that writes them has not begun.
    with pytest.raises(Overloaded):
        await lane.join(new_entry("late"))
    assert all(one.new for one in await asyncio.gather(*two))
    assert (await lane.join(new_entry("late"))).new


async def test_what_is_wrong_with_one_fails_that_one(pool):
    lane = JoinLane(pool)
    joins = [lane.join(new_entry(f"u{n}")) for n in range(3)]
    joins.append(lane.join(new_entry("bad", wish="no JSON")))
    told: list[Any] = await asyncio.gather(*joins, return_exceptions=True)
    *good, bad = told
    assert all(one.new for one in good)
    assert "json" in str(bad)
    assert (await lane.join(new_entry("bad"))).new


async def test_a_database_that_is_away_fails_who_waits_and_nobody_later(pool):
    lane = JoinLane(cast(Any, Away(pool)))
    joins = [lane.join(new_entry(f"u{n}")) for n in range(3)]
    told = await asyncio.gather(*joins, return_exceptions=True)
    assert [type(one) for one in told] == [Unavailable] * 3
    assert lane.calls == 1
    assert (await lane.join(new_entry("u0"))).new


async def test_who_gave_up_waiting_is_in_all_the_same(pool):
    lane = JoinLane(pool)
    join = asyncio.ensure_future(lane.join(new_entry("ann")))
    await asyncio.sleep(0)
    join.cancel()
    other = await lane.join(new_entry("bert"))
    assert other.new
    assert not (await lane.join(new_entry("ann"))).new


def test_what_is_secret_is_not_shown():
    new = new_entry("ann", email_hash=b"mail")
    assert new.entry_id not in repr(new)
