"""Making holds final, undoing it, and what a user has."""

from inventory.changes import HoldBooked, SeatsHeld
from inventory.commands import Configure
from inventory.prices import Prices
from inventory.replies import HoldingOk
from inventory.settings import Money, SettingsPatch
from tests.scenario import EVENT, NOW_MS, SMALL, Scene, play, settings_of


def test_a_hold_becomes_a_booking():
    scene = play("""
        ann | hold A-1 GA*2      | ok
        ann | book h1 order=o-7  | ok booking=b1 reference=R1 has=A-1,GA*2 total=10500
        expect seats A=bfff GA=8/0/2/0 version=2
        ann | book h1            | hold_not_found
        ann | holding            | ok holds= bookings=b1:A-1,GA*2
    """)
    assert scene.stock.bookings["b1"].order == "o-7"


def test_a_booking_outlives_its_hold():
    play("""
        ann | hold A-1 | ok
        ann | book h1  | ok
        tick +10000s
        expect seats A=bfff
    """)


def test_only_its_holder_books_a_hold():
    play("""
        ann | hold A-1 | ok
        bob | book h1  | hold_not_found
        org | book h1  | hold_not_found
        bob | book x   | hold_not_found
    """)


def test_a_live_hold_is_booked_while_the_sale_is_paused_or_closed():
    play("""
        ann | hold A-1   | ok
        ann | hold A-2   | ok
        org | sale pause | ok
        ann | book h1    | ok
        org | sale close | ok
        ann | book h2    | ok
        expect seats A=bbff
    """)


def test_nothing_is_booked_after_the_event_was_cancelled():
    play("""
        ann | hold A-1    | ok
        org | sale cancel | ok
        ann | book h1     | sale_closed
        ann | book x      | sale_closed
        ann | release h1  | ok
    """)


def test_where_payment_is_required_nobody_books_directly():
    """Organisers have no seats of their own paid events for nothing, either."""
    play(
        """
        ann | hold A-1 | ok
        org | hold A-2 | ok
        ann | book h1  | payment_required
        ann | book x   | hold_not_found
        org | book h2  | payment_required
        for:org | book h2 order=o1 | ok
        expect seats A=hbff
        """,
        payment="required",
    )


def test_where_one_booking_is_allowed_there_is_one_until_it_is_cancelled():
    play(
        """
        ann | hold A-1   | ok
        ann | hold A-2   | ok
        bob | hold A-3   | ok
        ann | book h1    | ok
        ann | book h2    | already_booked
        ann | book x     | hold_not_found
        ann | hold A-4   | already_booked
        ann | hold A-3   | already_booked
        ann | best 1     | already_booked
        ann | hold A-4 on=h2 | already_booked
        ann | extend h2  | ok
        bob | book h3    | ok
        ann | cancel b1  | ok
        ann | book h2    | ok
        expect seats A=fbbf
        """,
        one_booking_per_user=True,
    )


def test_organisers_have_one_booking_as_well():
    play(
        """
        org | hold A-1 | ok
        org | hold A-2 | ok
        org | book h1  | ok
        org | book h2  | already_booked
        """,
        one_booking_per_user=True,
    )


def test_the_first_booking_after_one_is_enough_is_refused_to_whoever_has_one():
    scene = play("""
        ann | hold A-1 | ok
        ann | book h1  | ok
        ann | hold A-2 | ok
    """)
    patch = SettingsPatch(one_booking_per_user=True)
    scene.ask("org", Configure(id=1, event=EVENT, patch=patch))
    scene.play("ann | book h2 | already_booked")


def test_a_cancelled_booking_frees_what_it_had():
    play("""
        ann | hold A-1 GA*2 | ok
        ann | book h1       | ok
        ann | cancel b1     | ok has=A-1,GA*2
        expect seats A=ffff GA=10/0/0/0 version=3
        ann | cancel b1     | booking_not_found
        ann | holding       | ok holds= bookings=
        bob | hold A-1      | ok
    """)


def test_only_its_buyer_or_an_organiser_cancels_a_booking():
    play("""
        ann | hold A-1  | ok
        ann | book h1   | ok
        bob | cancel b1 | booking_not_found
        bob | cancel b9 | booking_not_found
        org | cancel b1 | ok
        expect seats A=ffff
    """)


def test_buyers_cancel_only_until_the_deadline():
    play(
        """
        ann | hold A-1 | ok
        ann | book h1  | ok
        ann | hold A-2 | ok
        ann | book h2  | ok
        ann | hold A-3 | ok
        ann | book h3  | ok
        tick +2505600s
        ann | cancel b1 | ok
        tick +0.001s
        ann | cancel b2 | cancel_too_late
        bob | cancel b2 | booking_not_found
        org | cancel b2 | ok
        expect seats A=ffbf
        """,
        cancel_until_s=86_400,
    )


def test_holding_tells_what_the_caller_has_and_nobody_elses():
    scene = play("""
        ann | holding             | ok holds= bookings=
        ann | hold A-1 A-2        | ok hold=h1
        bob | hold A-3            | ok hold=h2
        ann | hold GA*1 ttl=60    | ok hold=h3
        ann | book h1             | ok
        ann | hold B-1 ttl=10     | ok hold=h4
        ann | holding | ok holds=h3:GA*1;h4:B-1 bookings=b1:A-1,A-2
        bob | holding | ok holds=h2:A-3 bookings=
        tick +12s
    """)
    reply = scene.ask("ann", "holding")
    assert isinstance(reply, HoldingOk)
    places, seat = reply.holds
    assert (places.expires_in_ms, seat.expires_in_ms) == (48_000, 0)
    assert places.expires_at == "2027-01-15T08:01:00.000Z"
    assert places.total is not None
    assert places.total.amount == 3_000
    assert reply.bookings[0].reference == "R1"


def test_the_price_that_was_shown_is_the_price():
    scene = play("""
        ann | hold A-1 GA*2                  | ok total=10500
        org | configure price.1=99900        | ok
        ann | hold A-2 GA*1 on=h1            | ok total=113400
        org | configure price.2=1            | ok
        ann | release h1 A-1 GA*1            | ok
        ann | book h1 total=1                | price_changed
        ann | book h1 total=105900JPY        | price_changed
        ann | book h1 total=105900           | ok total=105900
    """)
    booking = scene.stock.bookings["b1"]
    assert booking.prices == Prices("EUR", (99_900,), ((0, 2, 3_000),))
    holding = scene.ask("ann", "holding")
    assert isinstance(holding, HoldingOk)
    assert holding.bookings[0].total == Money(105_900, "EUR")


def test_the_refusal_tells_the_sum_that_it_is():
    scene = play("ann | hold A-1 | ok")
    refused = scene.refused("ann", "book h1 total=4499")
    assert (refused.code, refused.total) == ("price_changed", Money(4_500, "EUR"))


def test_what_is_added_where_nothing_had_a_price_has_its_own():
    scene = play("""
        org | configure price.1=none price.2=none | ok
        ann | hold A-1                            | ok total=None
        bob | hold A-3                            | ok
        org | configure price.1=700 price.2=1     | ok
        ann | hold A-2 on=h1                      | ok total=700
        ann | book h1                             | ok total=700
        bob | book h2 total=0                     | ok total=None
    """)
    booked = [change for change, _ in scene.journal if type(change) is HoldBooked]
    assert [change.total for change in booked] == [Money(700, "EUR"), Money(0, "EUR")]


def test_a_hold_of_a_former_version_is_priced_when_it_is_booked():
    scene = Scene(SMALL, settings_of())
    old = SeatsHeld("old", "ann", (0,), {}, NOW_MS + 600_000)
    scene.stock.apply(old, NOW_MS)
    scene.journal.append((old, NOW_MS))
    scene.play("""
        org | configure price.1=9900 | ok
        ann | hold A-2 on=old        | ok total=19800
        ann | book old total=9000    | price_changed
        ann | book old               | ok total=19800
    """)


def test_no_note_of_a_buyer_names_an_order_of_the_shop():
    play("""
        ann     | hold A-1             | ok
        ann     | book h1 order=ord_x  | forbidden
        org     | book h1 order=ord_x  | forbidden
        ann     | book h1 order=order  | ok booking=b1
        bob     | hold A-2             | ok
        for:bob | book h2 order=ord_x  | ok booking=b2
    """)
