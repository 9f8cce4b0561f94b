"""The waitlist as buyers of other systems miss it: each with the right value."""

import pytest

from inventory.commands import Block, ChangeSale, Unblock
from inventory.venue.own import GA
from server.base.refusals.refusals import Refusal
from server.live.actors.registry import ask
from tests.server.events.line.room import who
from tests.server.identities import OLGA

pytestmark = pytest.mark.postgres


async def sold_out(room, capacity=4, per_user=10):
    """An event of which somebody bought all places; return the bookings."""
    await room.house.put("evt", capacity=capacity)
    return [await room.buy("early", 1) for _ in range(capacity)]


async def change_sale(room, to):
    managed = await room.house.events.find_managed(OLGA, "evt")
    await room.house.events.order(managed, ChangeSale(id=0, event="evt", to=to), None)


async def test_the_second_of_four_leaves(room):
    await sold_out(room)
    await room.join("ann", "bert", "carl", "dora")
    assert await room.ranks("ann", "bert", "carl", "dora") == [
        (1, 0),
        (2, 1),
        (3, 2),
        (4, 3),
    ]
    await room.desk.leave(who("bert"), "evt")
    # As told: 1, 2, 3. The rank itself is theirs for good.
    assert await room.ranks("ann", "carl", "dora") == [(1, 0), (3, 1), (4, 2)]


async def test_a_refresh_keeps_the_place(room):
    await sold_out(room)
    first, *_ = await room.join("ann", "bert")
    (again,) = await room.join("ann")
    assert (again.entry, again.place.rpartition(".")[0] != "", again.new) == (
        first.entry,
        True,
        False,
    )
    assert await room.ranks("ann", "bert") == [(1, 0), (2, 1)]


async def test_the_oldest_that_fits_is_offered_first(room):
    bookings = await sold_out(room)
    await room.join("group", quantity=2)
    await room.join("ann", "bert")
    await room.cancel("early", bookings[0])
    # One place: the group is passed over, and keeps its place.
    assert await room.turns("group", "ann", "bert") == [None, "turn", None]
    await room.cancel("early", bookings[1])
    assert await room.turns("group", "ann", "bert") == [None, "turn", "turn"]
    assert await room.counts() == (0, 2, 2, 0)


async def test_two_that_are_freed_go_to_the_group_in_front(room):
    await room.house.put("evt", capacity=4)
    two = await room.buy("early", 2)
    await room.buy("early", 2)
    await room.join("group", quantity=2)
    await room.join("ann", "bert")
    await room.cancel("early", two)
    assert await room.turns("group", "ann", "bert") == ["turn", None, None]


async def test_no_more_is_offered_than_there_is(room):
    bookings = await sold_out(room)
    await room.join(*[f"u{n}" for n in range(8)])
    for booking in bookings[:3]:
        await room.cancel("early", booking)
    assert await room.counts() == (0, 3, 1, 0)
    given = await room.turns(*[f"u{n}" for n in range(8)])
    assert given == ["turn"] * 3 + [None] * 5
    # What is offered is held: nobody else takes it.
    with pytest.raises(Refusal, match="not_enough_seats"):
        await room.hold("sly", 1)


async def test_nothing_is_offered_before_the_sale_or_after_it(room):
    bookings = await sold_out(room)
    await room.join("ann")
    await change_sale(room, "pause")
    await room.cancel("early", bookings[0])
    assert await room.turns("ann") == [None]
    await change_sale(room, "close")
    await room.cancel("early", bookings[1])
    await room.feed()
    assert await room.turns("ann") == [None]
    assert await room.counts() == (2, 0, 2, 0)
    with pytest.raises(Refusal, match="line_over"):
        await room.join("bert")


async def test_what_came_free_in_a_pause_is_offered_when_the_sale_goes_on(room):
    bookings = await sold_out(room)
    await room.join("ann")
    await change_sale(room, "pause")
    await room.cancel("early", bookings[0])
    await change_sale(room, "resume")
    assert await room.turns("ann") == ["turn"]


async def test_bought_and_cancelled_is_not_offered_to_the_same_again(room):
    bookings = await sold_out(room)
    await room.join("ann", "bert")
    await room.cancel("early", bookings[0])
    booking = await room.book("ann", await room.offered("ann"))
    assert await room.turns("ann", "bert") == ["booked", None]
    await room.cancel("ann", booking)
    assert await room.turns("ann", "bert") == ["booked", "turn"]
    # By herself she may come again, and is the last.
    await room.join("carl", "ann")
    assert await room.ranks("carl", "ann") == [(3, 1), (4, 2)]


async def test_twelve_places_one_sold_another_cancelled(room):
    """11 are free: what nobody waits for is for all."""
    await room.house.put("evt", capacity=12)
    await room.buy("ann", 1)
    await room.cancel("bert", await room.buy("bert", 1))
    assert await room.counts() == (11, 0, 1, 0)
    assert await room.lines.find("evt") is None


async def test_what_is_free_is_offered_to_who_joins(room):
    """Nobody waits for what is there."""
    await room.house.put("evt", capacity=3)
    await room.buy("early", 1)
    await room.join("ann", quantity=2)
    assert await room.turns("ann") == ["turn"]
    assert await room.counts() == (0, 2, 1, 0)


async def test_an_offer_that_is_given_back_goes_to_the_next(room):
    bookings = await sold_out(room)
    await room.join("ann", "bert")
    await room.cancel("early", bookings[0])
    await room.desk.leave(who("ann"), "evt")
    assert await room.turns("ann", "bert") == ["left", "turn"]
    await room.release("bert", await room.offered("bert"))
    assert (await room.turns("bert"))[0] in ("left", "ran_out")
    assert await room.counts() == (1, 0, 3, 0)


async def test_unblocked_places_go_to_the_line(room):
    await room.house.put("evt", capacity=3)
    managed = await room.house.events.find_managed(OLGA, "evt")
    block = Block(id=0, event="evt", areas={GA: 2})
    await ask(managed.local, block, OLGA.user, True, None)
    await room.buy("early", 1)
    await room.join("ann", "bert")
    unblock = Unblock(id=0, event="evt", areas={GA: 1})
    await ask(managed.local, unblock, OLGA.user, True, None)
    assert await room.turns("ann", "bert") == ["turn", None]


async def test_everybody_is_told_once_of_each_turn(room):
    bookings = await sold_out(room)
    await room.join("ann")
    await room.cancel("early", bookings[0])
    await room.follow()
    (told,) = [one for batch in room.told for one in batch.turns]
    assert (told.user, told.rank, told.because) == (who("ann").user, 1, "returned")
    assert told.areas == {GA: 1}
    rows = await room.house.pool.fetch("SELECT kind, user_id, data::text FROM notice")
    kinds = [(row["kind"], row["user_id"]) for row in rows]
    assert kinds == [("offer", who("ann").user)]
    await room.desk.leave(who("ann"), "evt")
    await room.follow()
    (over,) = [one for batch in room.told for one in batch.turns_over]
    assert (over.user, over.why) == (who("ann").user, "left")
    # Who gave it back knows.
    rows = await room.house.pool.fetch("SELECT kind FROM notice")
    assert [row["kind"] for row in rows] == ["offer"]
