"""Places that are rows: whose they are, who is before them, what is set and left."""

from datetime import UTC, datetime
from typing import Any

import pytest

from persistence.events.line.entries import Entries, forget_entries
from persistence.events.line.feeding import Feeding
from persistence.events.line.joining import JoinLane
from persistence.events.line.lines import Lines
from persistence.events.line.turns import GivenTurn, note_given
from tests.persistence.events.line.places import new_entry, opened

pytestmark = pytest.mark.postgres


class Place:
    def __init__(self, pool) -> None:
        self.pool = pool
        self.lines, self.entries = Lines(pool), Entries(pool)
        self.lane, self.feeding = JoinLane(pool), Feeding(pool)

    async def join(self, *users, event="evt"):
        return [await self.lane.join(new_entry(user, event)) for user in users]

    async def rank(self, *users, event="evt"):
        """Give ranks, as commits do."""
        await self.feeding.take(event, 1, 0)
        for rank, user in enumerate(users, 1):
            await self.pool.fetch(
                "UPDATE line_entry SET rank = $3 WHERE event_id = $1 AND user_id = $2",
                event,
                user,
                rank,
            )

    async def told(self, *users):
        found: list[Any] = [await self.entries.mine("evt", user) for user in users]
        return [(one.rank, one.ahead) for one in found]


@pytest.fixture
async def place(store):
    place = Place(store.pool)
    await opened(place.lines)
    return place


async def test_the_second_of_four_leaves(place):
    """The others move up by one; their ranks are theirs for good."""
    await place.join("ann", "bert", "carl", "dora")
    assert await place.told("ann", "dora") == [(None, None), (None, None)]
    await place.rank("ann", "bert", "carl", "dora")
    assert await place.told("ann", "carl", "dora") == [(1, 0), (3, 2), (4, 3)]
    bert = await place.entries.mine("evt", "bert")
    # It is the event's by then, which says that it was left.
    assert await place.entries.leave("evt", "bert") == "event"
    assert (await place.entries.mine("evt", "bert")).over_at is None
    await place.entries.note_left("evt", bert.entry_id)
    assert await place.told("ann", "carl", "dora") == [(1, 0), (3, 1), (4, 2)]
    left = await place.entries.mine("evt", "bert")
    assert (left.ended, left.rank, left.ahead) == ("left", 2, None)
    await place.entries.note_left("evt", bert.entry_id)
    assert (await place.entries.mine("evt", "bert")).over_at == left.over_at


async def test_a_row_is_left_and_wishes_are_set_until_it_is_taken(place):
    ann, bert = await place.join("ann", "bert")
    assert await place.entries.set_wish("evt", "ann", '{"quantity": 3}') == "here"
    assert await place.entries.leave("evt", "bert") == "here"
    (row,) = await place.feeding.take("evt", 1, 0)
    assert (row.entry_id, row.wish) == (ann.entry_id, '{"quantity": 3}')
    # From now on the event has it: whoever changed the row would be overlooked.
    assert await place.entries.set_wish("evt", "ann", None) == "event"
    assert await place.entries.leave("evt", "ann") == "event"
    assert (await place.entries.mine("evt", "ann")).wish == '{"quantity": 3}'
    await place.entries.note_wish("evt", ann.entry_id, None)
    assert (await place.entries.mine("evt", "ann")).wish is None
    assert await place.entries.leave("evt", "nobody") == "nowhere"
    assert (await place.entries.mine("evt", "bert")).entry_id == bert.entry_id


async def test_places_of_all_events_the_newest_first(place):
    events = [f"evt-{n}" for n in range(5)]
    for event in events:
        await opened(place.lines, event)
        await place.join("ann", "bert", event=event)
    await place.entries.leave("evt-2", "ann")
    first, cursor = await place.entries.list_of("ann", limit=3, cursor=None, live=False)
    second, end = await place.entries.list_of("ann", limit=3, cursor=cursor, live=False)
    assert [one.event_id for one in first + second] == events[::-1]
    assert end is None
    live, _ = await place.entries.list_of("ann", limit=9, cursor=None, live=True)
    assert "evt-2" not in {one.event_id for one in live}
    assert await place.entries.count_of("ann", live=True) == len(live) == 4
    assert await place.entries.count_of("ann", live=False) == 5


async def test_a_place_is_found_by_its_secret(place):
    (ann,) = await place.join("ann")
    found = await place.entries.find(ann.entry_id)
    assert (found.user_id, found.stub) == ("ann", ann.stub)
    assert await place.entries.find("no such entry") is None
    assert ann.entry_id not in repr(found) + repr(ann)


async def test_who_is_forgotten_leaves_the_place_alone(place):
    entry = new_entry("ann", email_hash=b"mail", device_hash=b"phone", net="1.2.3.0")
    await place.lane.join(entry)
    async with place.pool.transaction() as connection:
        await forget_entries(connection, "ann")
        # Nothing of what is over is told to anybody.
        await forget_entries(connection, "nobody")
    (leaving,) = await place.entries.leaving()
    assert (leaving.user_id, leaving.rank) == ("ann", None)
    assert entry.entry_id not in repr(leaving)
    assert await place.entries.leave("evt", "ann") == "here"
    assert await place.entries.leaving() == []
    (row,) = await place.pool.fetch("SELECT * FROM line_entry")
    assert (row["email_hash"], row["device_hash"], row["net"]) == (None, None, None)
    assert row["stub"] == entry.stub


async def test_a_turn_is_only_ever_made_longer(place):
    await place.join("ann")
    await place.rank("ann")
    ann = await place.entries.mine("evt", "ann")
    until = datetime.fromtimestamp(5, UTC)
    # Who has no turn has none after this either.
    await place.entries.note_longer("evt", ann.entry_id, until)
    assert (await place.entries.mine("evt", "ann")).turn_until is None
    await note_given(place.pool, "evt", [GivenTurn(1, "ann", "line", 5_000, None)])
    for later, told in ((6, 6), (4, 6), (6, 6), (7, 7)):
        end = datetime.fromtimestamp(later, UTC)
        await place.entries.note_longer("evt", ann.entry_id, end)
        row = await place.entries.mine("evt", "ann")
        assert row.turn_until == datetime.fromtimestamp(told, UTC)


async def test_crowds_are_of_one_event_and_of_places_that_are_not_over(place):
    await opened(place.lines, "other")
    for user, event in (("ann", "evt"), ("bert", "evt"), ("carl", "other")):
        await place.lane.join(new_entry(user, event, net="school"))
    await place.lane.join(new_entry("dora", "evt", net="home"))
    await place.entries.leave("evt", "dora")
    asked = [("evt", "school"), ("other", "school"), ("evt", "home")]
    assert await place.entries.counts_from(asked) == dict(
        zip(asked, (2, 1, 0), strict=True)
    )
