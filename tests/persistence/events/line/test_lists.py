"""Entrants that are taken to be fed: ranks without a row being written."""

import asyncio

import msgspec
import pytest

from persistence.events.line.entries import Entries
from persistence.events.line.feeding import Feeding
from persistence.events.line.joining import JoinLane
from persistence.events.line.lines import Lines, NewLine
from persistence.events.line.lists import Lists
from persistence.events.line.turns import (
    EndedTurn,
    GivenTurn,
    note_ended,
    note_given,
)
from server.events.line.drawer import pages
from server.events.line.drawing import computing
from tests.persistence.events.line.places import new_entry

pytestmark = pytest.mark.postgres
KEY = b"k" * 32
SIZE = 4
"""Of a segment here."""

STORED = """
SELECT coalesce(array_agg(ARRAY[xmin::text, ctid::text] ORDER BY entry_id), '{}') AS at
FROM line_entry WHERE user_id = ANY ($1::text[])
"""


class Draw:
    """The draw of one event, as far as its rows go."""

    def __init__(self, pool) -> None:
        self.pool = pool
        self.lines, self.lists = Lines(pool), Lists(pool)
        self.entries, self.joins = Entries(pool), JoinLane(pool)
        self.order: list[str] = []

    async def gather(self, people):
        """Open a line in which so many gather; two of them leave again."""
        row = await self.lines.begin(
            NewLine("evt", 1, "draw", "{}", b"rules", b"commitment", b"seed")
        )
        self.line = await self.lines.move(row, "gathering")
        self.users = [f"u{number}" for number in range(people)]
        new = [new_entry(user, wish='{"quantity": 1}') for user in self.users]
        self.places = await asyncio.gather(*map(self.joins.join, new))
        self.user_of = {
            place.stub: user
            for place, user in zip(self.places, self.users, strict=True)
        }
        for user in ("u0", "u1"):
            assert await self.entries.leave("evt", user) == "here"

    async def close(self):
        """Close the list, and write its order down."""
        self.line = await self.lines.move(self.line, "late")
        self.row = await self.lists.begin("evt", 1, 1)
        stubs = await self.lists.stubs("evt", 1)
        listed = computing.listed(computing.fix(stubs))
        buckets = pages.buckets_of(listed)
        values = len(self.users), listed.root, b"".join(listed.hashes), "[]"
        await self.lists.note_listed(self.row, *values, buckets)
        order = computing.ordered(computing.order(KEY, stubs))
        _, ranks = pages.order_of(order, stubs)
        split = [order.stubs[at : at + 16] for at in range(0, len(order.stubs), 16)]
        self.order = [self.user_of[one] for one in split]
        segments = {
            1 + at: b"".join(split[at : at + SIZE]) for at in range(0, len(split), SIZE)
        }
        await self.lists.note_order(self.row, KEY, order.line_hash, segments, ranks)
        await self.lists.note_drawn(self.row, b"seed")

    async def take(self, first, fed=None):
        fed = first - 1 if fed is None else fed
        return await self.lists.take(self.row, first, fed)

    async def stored(self, *users):
        """Return where rows are stored, which changes when they are written."""
        (row,) = await self.pool.fetch(STORED, list(users))
        return row["at"]

    async def mine(self, user):
        found = await self.entries.mine("evt", user)
        assert found is not None
        return found

    async def within(self, note, *values):
        async with self.pool.transaction() as connection:
            return await note(connection, "evt", values)


@pytest.fixture
async def drawn(store):
    draw = Draw(store.pool)
    await draw.gather(10)
    await draw.close()
    return draw


async def test_a_segment_is_taken_without_a_row_being_written(drawn):
    live = [user for user in drawn.users if user not in ("u0", "u1")]
    before = await drawn.stored(*live)
    fed = 0
    while fed < len(drawn.order):
        segment = await drawn.take(fed + 1)
        assert segment.users == drawn.order[fed : fed + SIZE]
        assert [drawn.order[rank - 1] for rank in segment.gone] == [
            user for user in segment.users if user in ("u0", "u1")
        ]
        fed += len(segment.users)
    await drawn.lists.note_done(drawn.row)
    assert await drawn.stored(*live) == before
    over = {drawn.order.index(user) + 1 for user in ("u0", "u1")}
    for rank, user in enumerate(drawn.order, 1):
        one = await drawn.mine(user)
        assert one.rank == rank
        ahead = None if rank in over else sum(x not in over for x in range(1, rank))
        assert one.ahead == ahead
    ranks = await drawn.entries.ranks("evt", 1, drawn.users)
    assert ranks == {
        user: rank for rank, user in enumerate(drawn.order, 1) if rank not in over
    }


async def test_a_place_is_a_row_until_its_segment_is_taken(drawn):
    live = [user for user in drawn.order if user not in ("u0", "u1")]
    taken = drawn.order[:SIZE]
    for user in live:
        assert await drawn.entries.set_wish("evt", user, None) == "here"
    await drawn.take(1)
    for user in live:
        held = await drawn.entries.set_wish("evt", user, '{"quantity":2}')
        assert held == ("event" if user in taken else "here")
        # What the event does not have yet, it could not be asked about.
        assert (await drawn.mine(user)).rank is None
    segment = await drawn.take(1 + SIZE, fed=SIZE)
    wishes = {
        user: wish and msgspec.json.decode(wish)
        for user, wish in zip(segment.users, segment.wishes, strict=True)
        if user in live
    }
    assert wishes == {user: {"quantity": 2} for user in wishes}
    told = await drawn.entries.ranks("evt", 1, drawn.users)
    assert sorted(told) == sorted(set(taken) & set(live))
    # Whoever goes on begins before what was taken, and takes nothing back.
    await drawn.take(1)
    user = next(one for one in drawn.order[SIZE:] if one in live)
    assert await drawn.entries.leave("evt", user) == (
        "event" if user in segment.users else "here"
    )


async def test_turns_and_ends_are_of_the_place_with_the_rank(drawn):
    await drawn.take(1)
    await drawn.take(1 + SIZE, fed=SIZE)
    rank, user = next(
        (rank, user)
        for rank, user in enumerate(drawn.order[:SIZE], 1)
        if user not in ("u0", "u1")
    )
    other = next(one for one in drawn.order if one not in (user, "u0", "u1"))
    for whose, found in ((other, []), (user, [rank])):
        given = await drawn.within(
            note_given, GivenTurn(rank, whose, "line", 5_000, "hold")
        )
        assert list(given) == found
    assert (await drawn.mine(user)).turn == "line"
    for whose, found in ((other, []), (user, [rank]), (user, [])):
        ended = await drawn.within(note_ended, EndedTurn(rank, whose, "booked"))
        assert list(ended) == found
    # Who is behind has one less ahead, and one who left by the event another.
    last = next(one for one in drawn.order[:SIZE][::-1] if one not in ("u0", "u1"))
    assert last != user
    place = await drawn.mine(last)
    over = sum(
        one in ("u0", "u1", user) for one in drawn.order[: drawn.order.index(last)]
    )
    assert place.ahead == drawn.order.index(last) - over
    await drawn.take(1 + 2 * SIZE, fed=2 * SIZE)
    behind = next(one for one in drawn.order[SIZE:] if one not in ("u0", "u1"))
    before = (await drawn.mine(behind)).ahead
    await drawn.entries.note_left("evt", place.entry_id)
    assert (await drawn.mine(behind)).ahead == before - 1
    left = await drawn.mine(last)
    assert (left.ended, left.rank) == ("left", drawn.order.index(last) + 1)


async def test_who_comes_late_is_behind_all_who_were_drawn(drawn):
    """Though a row or two have the ranks of theirs, and others have none."""
    await drawn.take(1)
    first = drawn.order.index("u0") + 1
    if first > SIZE:
        await drawn.take(first - (first - 1) % SIZE)
    await drawn.lists.note_done(drawn.row)
    await drawn.joins.join(new_entry("late"))
    (row,) = await Feeding(drawn.pool).take("evt", 1, len(drawn.users))
    assert (row.step, row.after) == (1, len(drawn.users))


RACES = 60


async def test_a_wish_is_the_rows_or_the_events_and_never_lost(store):
    """Whoever is told that it is here finds it in what is fed."""
    draw = Draw(store.pool)
    await draw.gather(2 + RACES)
    await draw.close()
    lost = []
    for first in range(1, 1 + len(draw.order), SIZE):
        some = [user for user in draw.order[first - 1 :][:SIZE] if user > "u1"]
        segment, *held = await asyncio.gather(
            draw.take(first),
            *(draw.entries.set_wish("evt", user, '{"quantity":9}') for user in some),
        )
        fed = dict(zip(segment.users, segment.wishes, strict=True))
        for user, told in zip(some, held, strict=True):
            wish = msgspec.json.decode(fed[user])["quantity"]
            if (wish == 9) != (told == "here"):
                lost.append((user, told, wish))
    assert lost == []


async def test_gates_are_counted_one_by_one_of_entrants(drawn):
    assert await drawn.lists.gates("evt", 1) == {}
    for user, gates in (("u1", "pow"), ("u2", "captcha pow"), ("u3", "")):
        await drawn.pool.fetch(
            "UPDATE line_entry SET gates = $2 WHERE user_id = $1", user, gates
        )
    late = new_entry("late", gates="pow")
    await drawn.joins.join(late)
    assert await drawn.lists.gates("evt", 1) == {"captcha": 1, "pow": 2}


async def test_places_of_many_are_those_of_each(drawn):
    await drawn.take(1)
    await drawn.take(1 + SIZE, fed=SIZE)
    asked = [("evt", user) for user in [*drawn.users, "nobody"]] + [("other", "u2")]
    found = await drawn.entries.several(asked)
    assert found == {("evt", user): await drawn.mine(user) for user in drawn.users}
    rows = await drawn.lines.several(["evt", "other"])
    assert rows == {"evt": await drawn.lines.find("evt")}
