"""What the shop asks of the stock: an order has a hold, books it, gives parts back."""

from typing import Any

import pytest

from inventory import limits
from inventory.changes import (
    BookingReduced,
    HoldBooked,
    HoldExpired,
    HoldExtended,
    HoldPledged,
    HoldReleased,
    PledgeEnded,
    SaleChanged,
    SeatsHeld,
)
from inventory.prices import Kinds, Prices
from inventory.records import Corrupt
from inventory.replies import PledgeOk
from inventory.settings import Money, PriceType
from inventory.snapshot import decode_snapshot, encode_snapshot
from tests.scenario import DAY_MS, NOW_MS, Scene, play

PLEDGED = """
    ann     | hold A-1 A-2 GA*2            | ok hold=h1 total=15000
    for:ann | pledge h1 order=o1 until=900 | ok total=15000 in=900s
"""


def pledged(**settings: Any) -> Scene:
    return play(PLEDGED, **settings)


def test_a_pledge_lists_each_seat_and_place_with_its_price():
    play("""
        ann     | hold A-1 C-1 GA*2 | ok hold=h1
        org     | configure price.1=5000 price.2=9900 | ok
        ann     | hold B-1 on=h1    | ok total=18500
        for:ann | pledge h1 order=o1 until=600 total=18500EUR | ok total=18500 \
lines=A-1:4500,C-1:3000,B-1:5000,GA:3000,GA:3000
        expect seats A=hfff GA=8/2/0/0
    """)


def test_an_event_without_prices_is_pledged_for_nothing():
    play(
        """
        ann     | hold A-1 | ok hold=h1
        for:ann | pledge h1 order=o1 until=600 total=1EUR | price_changed
        for:ann | pledge h1 order=o1 until=600 total=0EUR | ok total=None lines=A-1:0
        for:ann | book h1 order=o1 | ok total=None
        """,
        prices={},
    )


def test_a_quote_tells_what_a_pledge_would_and_leaves_the_hold_alone():
    types = {"child": PriceType("Child", {"1": Money(2_000, "EUR")})}
    scene = play(
        """
        ann     | hold A-1 C-1 GA*2 | ok hold=h1
        org     | configure price.1=5000 | ok
        for:ann | quote h1 | ok total=13500 lines=A-1:4500,C-1:3000,GA:3000,GA:3000
        for:ann | quote h1 types=A-1:child,GA:child*1 | ok total=11000 \
lines=A-1:2000/child,C-1:3000,GA:3000/child,GA:3000
        for:ann | quote h1 types=B-1:child  | seat_not_found
        for:ann | quote h1 types=GA:child*3 | area_not_found
        for:ann | quote h1 types=A-1:senior | type_not_found
        ann     | quote h1 | forbidden
        for:bob | quote h1 | hold_not_found
        ann     | release h1 C-1 | ok
        for:ann | pledge h1 order=o1 until=600 types=A-1:child | ok total=8000
        for:ann | quote h1 | hold_pledged
        """,
        types=types,
    )
    assert scene.stock.holds["h1"].order == "o1"


def test_only_the_shop_pledges_for_whom_it_asks():
    pledged().play("""
        ann     | pledge h1 order=o1 until=60  | forbidden
        org     | pledge h1 order=o1 until=60  | forbidden
        ann     | unpledge h1 order=o1         | forbidden
        org     | unpledge h1 order=o1 release | forbidden
        bob     | part b1                      | forbidden
        for:bob | pledge h1 order=o1 until=60  | hold_not_found
        for:bob | unpledge h1 order=o1         | hold_not_found
        for:ann | pledge h9 order=o1 until=60  | hold_not_found
        org     | delete                       | tickets_sold
        for:ann | unpledge h1 order=o1 release | ok
        org     | delete                       | ok
        ann     | pledge h1 order=o1 until=60  | forbidden
        for:ann | pledge h1 order=o1 until=60  | event_not_found
    """)


def test_a_pledged_hold_is_not_its_buyers_to_change():
    pledged().play("""
        ann     | release h1                | hold_pledged
        ann     | release h1 A-1            | hold_pledged
        ann     | hold A-3 on=h1            | hold_pledged
        ann     | best 1 on=h1              | hold_pledged
        ann     | extend h1                 | hold_pledged
        ann     | book h1                   | hold_pledged
        ann     | book h1 order=o1          | hold_pledged
        org     | book h1 order=o1          | hold_not_found
        for:ann | hold A-3 on=h1            | hold_pledged
        for:ann | release h1                | hold_pledged
        for:ann | book h1                   | hold_pledged
        for:ann | book h1 order=o2          | hold_pledged
        for:ann | pledge h1 order=o2 until=60 | hold_pledged
        for:ann | unpledge h1 order=o2      | hold_not_found
        bob     | hold A-1                  | seat_not_free
        ann     | holding                   | ok holds=h1:A-1,A-2,GA*2
        for:ann | book h1 order=o1 total=15000EUR | ok booking=b1 total=15000
        expect seats A=bbff GA=8/0/2/0
    """)


def test_prices_are_those_of_the_pledge_whatever_comes():
    pledged().play("""
        org     | configure price.1=9900 price.2=9900  | ok
        for:ann | pledge h1 order=o1 until=9 total=14000EUR  | price_changed total=15000
        for:ann | pledge h1 order=o1 until=900 total=15000EUR | ok total=15000
        for:ann | book h1 order=o1 total=39600EUR      | price_changed total=15000
        for:ann | book h1 order=o1                     | ok total=15000
    """)


def test_the_shop_passes_a_paused_and_a_closed_sale_and_the_payment_rule():
    """But never a cancelled event."""
    scene = pledged(payment="required", prevent_orphans=True)
    for state, refused in (("pause", "sale_paused"), ("close", "sale_closed")):
        scene.play(f"""
            org     | sale {state}    | ok
            ann     | hold B-1        | {refused}
        """)
    scene.play("""
        for:ann | hold B-2                    | ok hold=h2
        for:ann | book h2 order=o2            | ok booking=b1
        for:ann | pledge h1 order=o1 until=60 | ok
        org     | sale cancel                 | ok
        for:ann | pledge h1 order=o1 until=60 | sale_closed
        for:ann | book h1 order=o1            | sale_closed
        for:ann | hold B-4                    | sale_closed
        for:ann | part b1                     | ok
        for:ann | unpledge h1 order=o1 release | ok
        expect seats A=ffff B=ffff GA=10/0/0/0
    """)
    play("for:ann | hold A-1 | sale_not_open", sale_state="draft")


def test_a_pledge_outlives_the_hold_and_ends_by_itself():
    """120 s behind the pay time the seats are free, 5 s and a batch later at most."""
    pledged(hold_ttl_s=60).play("""
        tick +904s
        ann     | holding                    | ok holds=h1:A-1,A-2,GA*2
        expect seats A=hhff
        tick +1s
        expect seats A=ffff GA=10/0/0/0
        ann     | release h1                 | hold_expired
        for:ann | book h1 order=o1           | hold_expired
        for:ann | unpledge h1 order=o1       | hold_expired
    """)


def test_an_order_has_a_hold_for_half_an_hour_at_most():
    scene = pledged(hold_ttl_s=60)
    scene.play("""
        tick +800s
        for:ann | pledge h1 order=o1 until=1800 | ok in=1000s
        for:ann | pledge h1 order=o1 until=1800 | ok in=1000s
        tick +800s
        for:ann | pledge h1 order=o1 until=1    | ok in=200s
        tick +205s
        expect seats A=ffff
    """)
    play("""
        ann     | hold A-1 | ok hold=h1
        for:ann | pledge h1 order=o1 until=1800 | ok in=1020s
        org     | configure pay_s=1500          | ok
        for:ann | pledge h1 order=o1 until=1800 | ok in=1620s
        org     | configure pay_s=60            | ok
        ann     | hold A-2                      | ok hold=h2
        for:ann | pledge h2 order=o2 until=1800 | ok in=180s
    """)


def test_what_a_recovery_keeps_is_kept_when_its_order_asks_once_more():
    """At its last moment, too, when no pledge can be any longer."""
    pledged(hold_ttl_s=60).play(f"""
        tick +800s
        for:ann | pledge h1 order=o1 until=1800 | ok in=1000s
        tick +1004s
        x       | keep {NOW_MS + 1_809_000}     | ok
        for:ann | pledge h1 order=o1 until=60   | ok in=0s
        tick +4.9s
        expect seats A=hhff
        tick +0.1s
        expect seats A=ffff
    """)


def test_orders_one_after_the_other_keep_a_hold_no_longer():
    """Half an hour after the first pledge the seats are free."""
    scene = pledged(hold_ttl_s=60)
    for number in range(29):
        scene.play(f"""
            tick +60s
            for:ann | unpledge h1 order=o{number + 1}            | ok
            for:ann | pledge h1 order=o{number + 2} until=1020 | ok
        """)
    scene.play("""
        tick +60s
        for:ann | unpledge h1 order=o30            | ok
        tick +2s
        for:ann | pledge h1 order=o31 until=60     | extend_limit
        tick +3s
        expect seats A=ffff GA=10/0/0/0
    """)


def test_a_hold_that_comes_back_has_what_was_left_of_it_and_a_minute_at_least():
    pledged().play("""
        tick +100s
        for:ann | unpledge h1 order=o1 | ok until=2027-01-15T08:10:00.000Z seats=
        for:ann | unpledge h1 order=o1 | hold_not_found
        ann     | release h1 A-1       | ok
        ann     | hold A-3 on=h1       | ok
        ann     | extend h1            | ok in=600s
        ann     | book h1              | ok
        expect seats A=fbbf
    """)
    pledged(hold_ttl_s=60).play("""
        tick +100s
        for:ann | unpledge h1 order=o1 | ok until=2027-01-15T08:02:40.000Z
        tick +64s
        ann     | holding | ok holds=h1:A-1,A-2,GA*2
        tick +1s
        expect seats A=ffff
    """)


def test_what_a_pledge_gives_back_is_free_at_once():
    pledged().play("""
        for:ann | unpledge h1 order=o1 release | ok until=None has=A-1,A-2,GA*2
        expect seats A=ffff GA=10/0/0/0
        bob     | hold A-1 A-2 | ok
        ann     | holding | ok holds=
    """)


def test_nobody_pays_for_what_could_not_be_booked():
    scene = pledged(one_booking_per_user=True, max_per_user=6)
    scene.play("""
        ann     | hold B-1                     | already_booked
        bob     | hold B-1                     | ok hold=h2
        bob     | hold B-2                     | ok hold=h3
        for:bob | pledge h2 order=o2 until=600 | ok
        for:bob | pledge h3 order=o3 until=600 | already_booked
        bob     | book h3                      | already_booked
        for:bob | pledge h2 order=o2 until=600 | ok
        for:bob | book h2 order=o2             | ok
        for:bob | pledge h3 order=o3 until=600 | already_booked
        for:ann | book h1 order=o1             | ok
    """)
    play("""
        ann     | hold A-1 A-2                 | ok hold=h1
        org     | configure max_per_user=1     | ok
        for:ann | pledge h1 order=o1 until=600 | user_limit
        org     | configure max_per_user=2     | ok
        for:ann | pledge h1 order=o1 until=600 | ok
        org     | configure max_per_user=1     | ok
        for:ann | pledge h1 order=o1 until=700 | ok
        for:ann | book h1 order=o1             | ok
    """)


def test_a_pledged_hold_counts_as_held_from_its_network():
    play(
        """
        ann@n1  | hold A-1 A-2                  | ok hold=h1
        for:ann | pledge h1 order=o1 until=900  | ok
        bob@n1  | hold A-3                      | held_too_often
        for:ann | book h1 order=o1              | ok
        bob@n1  | hold A-3                      | ok
        """,
        max_held_per_network=2,
        max_per_booking=2,
    )


def test_a_booking_of_an_order_is_cancelled_by_its_order_alone():
    pledged().play("""
        for:ann | book h1 order=o1 | ok booking=b1
        ann     | cancel b1        | belongs_to_order
        org     | cancel b1        | belongs_to_order
        bob     | cancel b1        | booking_not_found
        for:bob | part b1          | booking_not_found
        for:ann | part b1          | ok has=A-1,A-2,GA*2
        for:ann | part b1          | booking_not_found
        bob     | hold B-1         | ok hold=h2
        bob     | book h2 order=note | ok booking=b2
        bob     | cancel b2        | ok
    """)


def test_a_booking_gives_back_a_part_and_the_total_agrees_with_what_is_left():
    scene = pledged().play("""
        for:ann | book h1 order=o1    | ok booking=b1
        for:ann | part b1 A-3         | seat_not_found
        for:ann | part b1 Z-9         | seat_not_found
        for:ann | part b1 GA*3        | area_not_found
        for:ann | part b1 XX*1        | area_not_found
        for:ann | part b1 A-2 A-2 GA*1 | ok has=A-2,GA*1 total=7500
        expect seats A=bfff GA=9/0/1/0
        ann     | holding             | ok bookings=b1:A-1,GA*1
        for:ann | part b1 A-2         | seat_not_found
        bob     | hold A-2            | ok
    """)
    change, _ = scene.journal[-2]
    assert isinstance(change, BookingReduced)
    assert change.total is not None
    booking = scene.stock.bookings["b1"]
    assert booking.prices == Prices("EUR", (4_500,), ((0, 1, 3_000),))
    assert change.total.amount == 7_500
    scene.play("""
        for:ann | part b1 A-1 GA*1 | ok has=A-1,GA*1 total=7500
        ann     | holding          | ok bookings=
        expect seats A=fhff GA=10/0/0/0
    """)


def test_places_go_back_at_just_what_they_cost():
    """Four places of one area at three prices: each gives back its own."""
    scene = play("""
        ann     | hold GA*1                   | ok hold=h1
        org     | configure price.2=4000      | ok
        ann     | hold GA*1 on=h1             | ok
        org     | configure price.2=5000      | ok
        ann     | hold GA*2 on=h1             | ok total=17000
        for:ann | book h1 order=o1            | ok booking=b1
        for:ann | part b1 places=GA:4500*1    | area_not_found
        for:ann | part b1 places=GA:4000*2    | area_not_found
        for:ann | part b1 places=GA:4000:x*1  | area_not_found
        for:ann | part b1 places=ZZ:4000*1    | area_not_found
        for:ann | part b1 GA*2 places=GA:5000*3 | area_not_found
        for:ann | part b1 places=GA:4000*1    | ok has=GA*1 total=4000
        for:ann | part b1 GA*1 places=GA:3000*1 | ok has=GA*2 total=8000
        expect seats GA=9/0/1/0
    """)
    booking = scene.stock.bookings["b1"]
    assert booking.prices == Prices("EUR", (), ((0, 1, 5_000),))
    scene.play("for:ann | part b1 places=GA:5000*1 | ok total=5000")


def test_what_a_former_version_booked_is_given_back_as_a_whole():
    scene = play("ann | hold B-1 | ok hold=h1")
    old = SeatsHeld("old", "ann", (0, 1), {}, scene.now_ms + DAY_MS)
    scene.stock.apply(old, scene.now_ms)
    scene.ask("ann", "book old")
    assert scene.refused("for:ann", "part b1 A-1").code == "wrong_state"
    assert scene.ask("for:ann", "part b1 A-1 A-2").version == 4


def test_a_hold_of_a_former_version_gets_its_prices_with_the_pledge():
    scene = play("")
    scene.stock.apply(
        SeatsHeld("old", "ann", (0,), {0: 1}, scene.now_ms + DAY_MS), scene.now_ms
    )
    reply = scene.ask("for:ann", "pledge old order=o1 until=60")
    assert isinstance(reply, PledgeOk)
    assert scene.stock.holds["old"].prices == Prices("EUR", (4_500,), ((0, 1, 3_000),))


def test_a_snapshot_keeps_pledges_and_what_was_one():
    scene = pledged().play("""
        bob     | hold B-1 B-2                 | ok hold=h2
        for:bob | pledge h2 order=o2 until=60  | ok
        for:bob | unpledge h2 order=o2         | ok
        cat     | hold C-1 C-2                 | ok hold=h3
        for:cat | book h3 order=o3             | ok booking=b1
        for:cat | part b1 C-1                  | ok
    """)
    stock = decode_snapshot(encode_snapshot(scene.stock), scene.venue)
    assert stock.hash() == scene.stock.hash()
    assert stock.holds["h1"].order == "o1"
    assert stock.holds["h1"].pledged_until_ms == scene.now_ms + 900_000
    assert (stock.holds["h2"].order, stock.holds["h2"].pledged_until_ms) == (None, None)
    assert stock.bookings["b1"].by_order
    assert stock.next_deadline_ms() == scene.stock.next_deadline_ms()


def test_holding_names_the_order_that_has_a_hold():
    pledged().play("""
        ann     | hold B-1             | ok hold=h2
        ann     | holding              | ok orders=h1:o1;h2:-
        for:ann | unpledge h1 order=o1 | ok
        ann     | holding              | ok orders=h1:-;h2:-
    """)


def test_a_cancelled_event_keeps_no_hold():
    """Its pledges end with it, and their orders learn that from the journal."""
    scene = pledged().play("""
        bob     | hold B-1         | ok hold=h2
        cat     | hold C-1         | ok hold=h3
        cat     | book h3          | ok booking=b1
        org     | sale cancel      | ok
        for:ann | book h1 order=o1 | sale_closed
        tick +0s
        expect seats A=ffff B=ffff C=bfff GA=10/0/0/0
        ann     | holding          | ok holds=
        bob     | release h2       | hold_expired
    """)
    assert [change for change, _ in scene.journal[-3:]] == [
        SaleChanged("cancelled"),
        HoldExpired("h2"),
        HoldExpired("h1"),
    ]


def test_a_closed_and_a_completed_event_keep_pledges():
    for state in ("close", "complete"):
        pledged(starts_at_ms=NOW_MS + 100_000, completes_at_ms=NOW_MS + 200_000).play(
            f"""
            tick +200s
            org     | {"sale close" if state == "close" else "complete"} | ok
            ann     | hold B-1         | sale_closed
            for:ann | book h1 order=o1 | ok
            """
        )


FITS_NOT = {
    "another order": HoldPledged("h1", "o2", 0, Prices(None, (), ())),
    "a pledge for ever": HoldPledged("h1", "o1", 10**15, Prices(None, (), ())),
    "other types than before": HoldPledged(
        "h1", "o1", 0, Prices(None, (), ()), Kinds((None, "x"), (None,))
    ),
    "a pledge of nothing": HoldPledged("h9", "o1", 0, Prices(None, (), ())),
    "a pledge that is none ends": PledgeEnded("h2", 0),
    "a pledged hold is extended": HoldExtended("h1", 0),
    "a pledged hold shrinks": HoldReleased("h1", (0,), {}),
    "a pledged hold grows": SeatsHeld("h1", "ann", (2,), {}, 0),
    "a buyer books it": HoldBooked("h1", "b9", "R9", "o1"),
    "another order books it": HoldBooked("h1", "b9", "R9", "o2", None, True),
    "no such booking": BookingReduced("b9", (4,), {}, None),
    "a seat that it has not": BookingReduced("b1", (0,), {}, None),
    "a seat twice": BookingReduced("b1", (4, 4), {}, None),
    "more places": BookingReduced("b1", (), {0: 9}, None),
    "places at another price": BookingReduced(
        "b2", (), {0: 1}, None, ((0, 1, 7, None),)
    ),
    "places of another type": BookingReduced(
        "b2", (), {0: 1}, None, ((0, 1, 3_000, "x"),)
    ),
    "more apart than in all": BookingReduced(
        "b2", (), {0: 1}, None, ((0, 2, 3_000, None),)
    ),
    "all of it": BookingReduced("b1", (4, 5), {}, None),
}


@pytest.mark.parametrize("change", FITS_NOT.values(), ids=FITS_NOT)
def test_a_change_that_does_not_fit_stops_the_event(change):
    scene = pledged().play("""
        bob | hold C-4     | ok hold=h2
        ann | hold B-1 B-2 | ok hold=h3
        ann | book h3      | ok booking=b1
        ann | hold GA*3    | ok hold=h4
        ann | book h4      | ok booking=b2
    """)
    with pytest.raises(Corrupt):
        scene.stock.apply(change, scene.now_ms)


def test_a_pledge_fits_between_the_bounds_of_holds():
    assert limits.PAY_S_MIN * 1_000 >= limits.UNPLEDGED_MS > limits.HOLD_GRACE_MS
