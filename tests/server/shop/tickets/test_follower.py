"""T1 and T2 over random journals in a real Postgres, followed late, early and twice."""

import asyncio
import random
from collections import Counter
from functools import cache
from itertools import count

import pytest

from inventory.changes import BookingCancelled, BookingReduced, HoldBooked
from persistence.followers.follower import Followed
from persistence.shop.tickets.tickets import Tickets
from server.shop.orders import facts
from tests.inventory.test_twin import VENUES
from tests.persistence.journals import SETTINGS
from tests.persistence.journeys import changes_of, random_sale, store_sale
from tests.server.shop.orders.mortals import Mortal
from tests.server.shop.orders.shop import open_shop
from tests.server.shop.tickets.following import Stretches, there, wanted

pytestmark = pytest.mark.postgres
STEPS = 600
ENDS = (HoldBooked, BookingCancelled, BookingReduced)


@cache
def busy_sale(seed):
    """The first random sale from a seed on in which much is booked and given back."""
    for number in count(seed):
        run = random_sale(number, STEPS)
        kinds = Counter(type(change) for change, _ in changes_of(run, "evt"))
        has_both = run.venue.map.seats and run.venue.map.areas
        if has_both and kinds[HoldBooked] >= 8 and set(ENDS) <= set(kinds):
            return run
    raise AssertionError


async def all_tickets(pool):
    rows = await pool.fetch("SELECT * FROM ticket ORDER BY number")
    return [tuple(row.values()) for row in rows]


async def check_the_list(pool):
    """T2: exactly what was revoked stands in the list, and nothing that is good."""
    listed = await pool.fetch("SELECT number, generation FROM ticket_revoked")
    gone = await pool.fetch(
        "SELECT number, generation FROM ticket WHERE state = 'revoked'"
    )
    assert {tuple(row.values()) for row in listed} == {
        tuple(row.values()) for row in gone
    }
    assert len(listed) == len(gone)


@pytest.mark.parametrize("seed", [10, 19])
async def test_who_follows_at_once_has_a_ticket_for_each_seat_and_place(store, seed):
    """T1 after every stretch."""
    stretches, kinds = Stretches(store.pool), set[type]()
    checked = 0

    async def after():
        nonlocal checked
        stretch = await stretches.read(100)
        kinds.update(type(one.change) for one in stretch)
        await stretches.follow(100)
        if any(isinstance(one.change, (HoldBooked, BookingReduced)) for one in stretch):
            assert await there(store.pool) == await wanted(store.pool)
            checked += 1

    await store_sale(store, "evt", busy_sale(seed), after)
    assert checked >= 4
    assert set(ENDS) <= kinds
    await check_the_list(store.pool)
    revoked = await store.query("SELECT count(*) FROM ticket_revoked")
    assert revoked > [(0,)]


@pytest.mark.parametrize("seed", [10, 19])
async def test_who_follows_late_and_twice_ends_with_the_same_tickets(store, seed):
    dice = random.Random(seed)
    await store_sale(store, "evt", busy_sale(seed))
    stretches = Stretches(store.pool)
    while stretch := await stretches.read(dice.randint(1, 40)):
        await stretches.give(stretch)
        before = await all_tickets(store.pool)
        await stretches.give(stretch)
        assert await all_tickets(store.pool) == before
        stretches.version = stretch[-1].version
    assert await there(store.pool) == await wanted(store.pool) != {}
    await check_the_list(store.pool)


async def test_what_died_in_the_middle_left_nothing(store):
    await store_sale(store, "evt", busy_sale(10))
    stretches = Stretches(store.pool)
    stretch = await stretches.read(1_000)

    async def dies():
        async with store.pool.transaction() as connection:
            await stretches.follower.follow(connection, "evt", stretch)
            raise RuntimeError("here")

    with pytest.raises(RuntimeError, match="here"):
        await dies()
    assert await all_tickets(store.pool) == []
    assert await store.query("SELECT count(*) FROM ticket_key") == [(0,)]
    await stretches.catch_up()
    assert await there(store.pool) == await wanted(store.pool) != {}


async def test_two_who_follow_the_same_stretch_make_each_ticket_once(store):
    """Should both believe that they are the only one."""
    await store_sale(store, "evt", busy_sale(10))
    both = [Stretches(store.pool), Stretches(store.pool)]
    stretch = await both[0].read(1_000)
    await asyncio.gather(*(one.give(stretch) for one in both))
    assert await there(store.pool) == await wanted(store.pool) != {}


async def test_a_ticket_knows_its_place_category_and_key(store):
    """Of a booking of today, and of one of before bookings kept categories."""
    venue = VENUES["hall"].map
    await store.catalog.create_venue(
        "ven", "Hall", venue, created_by="usr", request_hash=b""
    )
    await store.catalog.create_event(
        "evt", SETTINGS, venue="ven", created_by="usr", request_hash=b""
    )
    lines = '["EUR",["1","w"],[1,2],[["GC","4",1,5],["GC","4",1,6]]]'
    await store.pool.fetch(
        """INSERT INTO booking
            (event_id, booking_id, reference, user_id, version, seats, areas, lines)
        VALUES ('evt', 'new', 'N', 'ann', 1, '["C-3", "A-2"]', '{"GC": 2}', $1),
            ('evt', 'old', 'O', 'bob', 2, '["D-1"]', '{"GB": 1}', NULL)""",
        lines,
    )
    made = [HoldBooked("h", "new", "N", None), HoldBooked("h", "old", "O", None)]
    stretches = Stretches(store.pool)
    await stretches.give([Followed(n, 0, one) for n, one in enumerate(made, 1)])
    rows = await store.query(
        "SELECT booking_id, kind, label, category, area, place, holder ->> 'user',"
        " key_id FROM ticket ORDER BY booking_id, kind DESC, label"
    )
    index = {seat.label: seat.index for seat in venue.seats}
    ((key, organisation),) = await store.query(
        "SELECT key_id, organisation_id FROM ticket_key"
    )
    assert organisation is None
    place = ("new", "place", "GC", "4", "GC", 2, "ann", key)
    assert rows == [
        ("new", "seat", "A-2", "w", None, index["A-2"], "ann", key),
        ("new", "seat", "C-3", "1", None, index["C-3"], "ann", key),
        place,
        place,
        ("old", "seat", "D-1", None, None, index["D-1"], "bob", key),
        ("old", "place", "GB", None, "GB", 1, "bob", key),
    ]


async def test_each_line_of_a_paid_order_has_one_ticket(database_url, tmp_path):
    """Paid at the gateway, booked by the driver, and only then are there tickets."""
    async with open_shop(database_url, tmp_path) as shop:
        stretches = Stretches(shop.pool)
        order = await shop.priced(3)
        await stretches.catch_up()
        assert await shop.pool.fetch("SELECT FROM ticket") == []
        await shop.pay(order)
        await shop.deliver()
        await shop.settle()
        assert (await shop.state(order)).step == "booked"
        await stretches.catch_up()
        lines = "SELECT line FROM order_line WHERE kind = 'place' ORDER BY line"
        wanted = [row["line"] for row in await shop.pool.fetch(lines)]
        tickets = await Tickets(shop.pool).of_orders([order])
        assert [one.line for one in tickets] == wanted
        assert {one.order for one in tickets} == {order}
        assert len(wanted) == 3


async def test_places_that_stay_have_their_tickets_though_alike_ones_went_before(
    database_url, tmp_path
):
    """T1: the seats are free, and the order has not heard of it, nor are there tickets.

    All of its lines are of one area, and the first of them leaves.
    """
    async with open_shop(database_url, tmp_path) as shop:
        stretches = Stretches(shop.pool)
        order = await shop.priced(3)
        await shop.pay(order)
        await shop.deliver()
        await shop.settle()
        first, *rest = [
            one.line for one in (await shop.state(order)).lines if one.kind == "place"
        ]
        await shop.desk.hear(order, facts.GiveBack((first,)))
        dies = Mortal(shop, 2)
        await dies.drive(order)
        assert dies.died
        assert (await shop.state(order)).lines[0].state == "leaving"
        await stretches.catch_up()
        await shop.settle()
        await stretches.catch_up()
        tickets = await Tickets(shop.pool).of_orders([order])
        assert [(one.line, one.state) for one in tickets] == [
            (line, "valid") for line in rest
        ]


async def test_what_is_given_back_before_it_has_tickets_lets_nobody_in(
    database_url, tmp_path
):
    """S8: giving back locks the tickets that there are, and these come after it."""
    async with open_shop(database_url, tmp_path) as shop:
        stretches = Stretches(shop.pool)
        order = await shop.priced(2)
        await shop.pay(order)
        await shop.deliver()
        await shop.settle()
        await shop.desk.hear(order, facts.GiveBack())
        await stretches.catch_up()
        tickets = await Tickets(shop.pool).of_orders([order])
        assert [one.state for one in tickets] == ["locked", "locked"]
        await shop.settle()
        assert (await shop.state(order)).step == "given_back"
        await stretches.catch_up()
        tickets = await Tickets(shop.pool).of_orders([order])
        assert [one.state for one in tickets] == ["revoked", "revoked"]
        await check_the_list(shop.pool)
