"""Taking, extending, giving back and running out."""

import pytest

from inventory import limits
from inventory.changes import HoldExpired
from inventory.commands import Hold
from inventory.replies import HoldOk, Refused
from tests.scenario import EVENT, NOW_MS, SMALL, Scene, hall, play, settings_of


def test_seats_and_places_are_taken_together():
    play("""
        ann | hold A-1 A-2 GA*3 | ok hold=h1 has=A-1,A-2,GA*3 added=A-1,A-2,GA*3
        expect seats A=hhff GA=7/3/0/0 version=1
        bob | hold GA*7         | ok hold=h2 has=GA*7
        expect seats GA=0/10/0/0
    """)


def test_commands_on_several_seats_are_all_or_nothing():
    play("""
        ann | hold A-2           | ok
        bob | hold A-1 A-2 GA*1  | seat_not_free seats=A-2
        bob | hold A-1 GA*11     | too_many_seats
        bob | hold A-1 Z-1       | seat_not_found seats=Z-1
        bob | hold A-1 GA*1 XX*1 | area_not_found
        expect seats A=fhff GA=10/0/0/0 version=1
    """)


def test_an_area_without_enough_places_has_not_enough_seats():
    play("""
        ann | hold GA*8     | ok
        bob | hold A-1 GA*3 | not_enough_seats
        bob | hold A-1 GA*2 | ok
        expect seats A=hfff GA=0/10/0/0
    """)


def test_all_taken_seats_are_named_in_the_order_asked_for():
    play("""
        ann | hold A-1 A-3         | ok
        bob | hold A-3 A-2 A-1 A-4 | seat_not_free seats=A-3,A-1
    """)


def test_adding_to_a_hold_never_moves_the_clock():
    play("""
        ann | hold A-1              | ok hold=h1 in=600s
        tick +100s
        ann | hold A-2 on=h1        | ok hold=h1 in=500s has=A-1,A-2 added=A-2
        ann | hold GA*2 on=h1       | ok has=A-1,A-2,GA*2 added=GA*2
        ann | hold GA*1 on=h1 ttl=600 | ok has=A-1,A-2,GA*3 added=GA*1 in=500s
        ann | best 2 on=h1 category=2 | ok hold=h1 in=500s added=C-1,C-2 adjacent=True
        tick +505s
        expect seats A=ffff C=ffff GA=10/0/0/0
    """)


def test_adding_sets_the_clock_aside_even_in_the_last_seconds():
    play("""
        ann | hold A-1       | ok
        tick +602s
        ann | hold A-2 on=h1 | ok in=0s
        tick +3s
        expect seats A=ffff
    """)


def test_a_hold_may_be_shorter_than_the_events_but_not_longer():
    play("""
        ann | hold A-1 ttl=30  | ok in=30s
        ann | hold A-2 ttl=900 | ok in=600s
        tick +35s
        expect seats A=fhff
    """)


def test_nobody_adds_to_the_hold_of_another():
    play("""
        ann | hold A-1       | ok hold=h1
        bob | hold A-2 on=h1 | hold_not_found
        org | hold A-2 on=h1 | hold_not_found
        bob | best 1 on=h1   | hold_not_found
    """)


def test_extending_counts_from_now_and_never_shortens():
    play("""
        ann | hold A-1         | ok in=600s
        tick +100s
        ann | extend h1        | ok in=600s
        ann | extend h1 ttl=10 | ok in=600s
        tick +600s
        ann | extend h1 ttl=10 | ok in=10s
        tick +14s
        expect seats A=hfff
        tick +1s
        expect seats A=ffff
    """)


def test_no_hold_outlives_twice_the_holds_length():
    play("""
        ann | hold A-1          | ok
        tick +550s
        ann | extend h1         | ok in=600s
        tick +50s
        ann | extend h1         | ok in=600s
        tick +1s
        ann | extend h1         | extend_limit
        ann | extend h1 ttl=599 | ok in=599s
        tick +604s
        expect seats A=ffff
    """)


def test_a_shorter_length_of_the_event_ends_no_hold_early():
    play("""
        ann | hold A-1                 | ok in=600s
        org | configure hold_ttl_s=10  | ok
        ann | extend h1                | ok in=600s
        tick +595s
        ann | extend h1                | extend_limit
        ann | book h1                  | ok
    """)


def test_a_hold_is_given_back_in_part():
    play("""
        ann | hold A-1 A-2 GA*3  | ok
        ann | release h1 A-1 GA*1 | ok has=A-1,GA*1
        expect seats A=fhff GA=8/2/0/0
        ann | holding            | ok holds=h1:A-2,GA*2
        ann | release h1 GA*2    | ok has=GA*2
        ann | release h1 A-2     | ok has=A-2
        ann | release h1         | hold_not_found
        expect seats A=ffff GA=10/0/0/0
    """)


def test_a_hold_is_given_back_as_a_whole():
    play("""
        ann | hold A-1 GA*3 | ok
        ann | release h1    | ok has=A-1,GA*3
        ann | holding       | ok holds= bookings=
        expect seats A=ffff GA=10/0/0/0
    """)


def test_only_what_a_hold_has_is_given_back():
    play("""
        ann | hold A-1 GA*1       | ok
        ann | hold A-2            | ok
        ann | release h1 A-1 A-2  | seat_not_found
        ann | release h1 A-1 Z-1  | seat_not_found seats=Z-1
        ann | release h1 GA*2     | area_not_found
        ann | release h1 A-1 XX*1 | area_not_found
        bob | release h1          | hold_not_found
        expect seats A=hhff GA=9/1/0/0 version=2
    """)


def test_a_hold_is_kept_five_seconds_past_its_promised_end():
    play("""
        ann | hold A-1 ttl=10 | ok in=10s
        ann | hold A-2 ttl=10 | ok
        tick +14.999s
        ann | holding         | ok holds=h1:A-1;h2:A-2
        ann | book h1         | ok
        expect seats A=bhff
        tick +0.001s
        expect seats A=bfff
    """)


def test_an_expired_token_is_told_apart_for_an_hour():
    play("""
        ann | hold A-1 ttl=10  | ok hold=h1
        tick +15s
        ann | book h1          | hold_expired
        ann | hold A-1 on=h1   | hold_expired
        ann | extend h1        | hold_expired
        ann | release h1       | hold_expired
        bob | book h1          | hold_not_found
        bob | hold A-1 ttl=10  | ok hold=h2
        tick +3600s
        ann | book h1          | hold_expired
        bob | hold A-1 ttl=10  | ok hold=h3
        tick +15s
        ann | book h1          | hold_not_found
        bob | book h2          | hold_expired
    """)


def test_holds_end_in_the_order_of_their_deadlines():
    scene = play("""
        ann | hold A-1 ttl=30 | ok
        ann | hold A-2 ttl=10 | ok
        ann | hold A-3 ttl=20 | ok
        tick +60s
        expect seats A=ffff version=6
    """)
    ended = [change for change, _ in scene.journal[3:]]
    assert ended == [HoldExpired("h2"), HoldExpired("h3"), HoldExpired("h1")]


def test_only_due_holds_expire():
    play("""
        ann | hold A-1 ttl=10 | ok
        x   | expire h1       | hold_not_found
        x   | expire h9       | hold_not_found
        tick +14.999s
        x   | expire h1       | hold_not_found
        expect seats A=hfff
    """)


def test_recovery_keeps_every_live_hold_for_a_while():
    until = NOW_MS + 20_000
    play(f"""
        ann | hold A-1 ttl=5    | ok
        ann | hold A-2 ttl=30   | ok
        x   | keep {until}      | ok
        expect version=3
        x   | keep {until}      | ok
        expect version=3
        tick +19.9s
        expect seats A=hhff
        tick +0.1s
        expect seats A=fhff
    """)


def test_limits_hold_per_booking_and_per_user():
    play(
        """
        ann | hold A-1 A-2 A-3 GA*1 | too_many_seats
        ann | hold A-1 A-2          | ok
        ann | hold A-3 A-4 on=h1    | too_many_seats
        ann | hold A-3 on=h1        | ok
        ann | best 3                | user_limit
        ann | hold GA*2             | ok hold=h2
        ann | hold B-1              | user_limit
        ann | release h2 GA*1       | ok
        ann | hold B-1              | ok hold=h3
        ann | book h1               | ok
        ann | hold B-2              | user_limit
        ann | cancel b1             | ok
        ann | hold B-2              | ok
        bob | hold C-1 C-2 C-3      | ok
        """,
        max_per_booking=3,
        max_per_user=5,
    )


def test_an_expired_hold_counts_no_more_for_its_user():
    play(
        """
        ann | hold A-1 ttl=10 | ok
        ann | hold A-2        | user_limit
        tick +15s
        ann | hold A-2        | ok
        """,
        max_per_user=1,
    )


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("draft", "sale_not_open"),
        ("scheduled", "sale_not_open"),
        ("paused", "sale_paused"),
        ("closed", "sale_closed"),
        ("completed", "sale_closed"),
        ("cancelled", "sale_closed"),
    ],
)
def test_only_an_open_sale_gives_holds(state, code):
    play(
        f"""
        ann | hold A-1 | {code}
        org | hold A-1 | {code}
        ann | best 1   | {code}
        ann | extend x | {code}
        """,
        sale_state=state,
    )


def test_best_seats_are_adjacent_and_nearest():
    play("""
        ann | best 2             | ok seats=A-1,A-2 adjacent=True
        ann | best 2             | ok seats=A-3,A-4 adjacent=True
        ann | best 4 category=2  | ok seats=C-1,C-2,C-3,C-4
        ann | best 5             | user_limit
        bob | best 5             | not_enough_seats
        bob | best 1 category=2  | not_enough_seats
        bob | best 2 category=9  | not_enough_seats
    """)


def test_adjacent_seats_are_refused_rather_than_split():
    play(
        """
        org | block A-2          | ok
        ann | best 2             | not_enough_seats
        ann | best 2 scattered   | ok seats=A-1,A-3 adjacent=False
        ann | best 1 scattered   | not_enough_seats
        """,
        venue=hall("A 111"),
    )


def test_scattered_seats_are_adjacent_where_they_can_be():
    play("ann | best 2 scattered | ok adjacent=True")


def test_accessible_seats_are_never_given_to_a_general_request():
    play(
        """
        ann | best 1                     | ok seats=A-3
        ann | best 1                     | not_enough_seats
        ann | best 1 scattered           | not_enough_seats
        ann | best 2 accessible          | ok seats=A-1,A-2 adjacent=True
        ann | best 1 accessible          | not_enough_seats
        ann | best 1 accessible scattered | not_enough_seats
        """,
        venue=hall("A wc1"),
    )


def test_best_takes_places_where_a_category_has_no_seats():
    venue = hall("A 11", areas={"GA": (4, "2"), "GB": (6, "2"), "GC": (9, "3")})
    play(
        """
        ann | best 5 category=2            | ok has=GB*5 adjacent=True
        ann | best 4 category=2            | ok has=GA*4
        ann | best 2 category=2            | not_enough_seats
        ann | best 1 category=2 on=h1      | ok has=GB*6 added=GB*1
        ann | best 1 category=2 accessible | not_enough_seats
        ann | best 3                       | not_enough_seats
        """,
        venue=venue,
        max_per_user=100,
    )


def test_best_takes_places_where_the_venue_has_no_seats():
    play(
        """
        ann | best 3            | ok has=GA*3 adjacent=True
        ann | best 2            | not_enough_seats
        ann | best 1 accessible | not_enough_seats
        """,
        venue=hall(areas={"GA": (4, "1")}),
    )


def test_best_of_a_venue_without_anything_is_refused():
    play("ann | best 1 | not_enough_seats", venue=hall())


def test_orphans_are_refused_with_a_suggestion_where_the_event_asks():
    play(
        """
        ann | hold A-2     | orphan_seat orphans=A-1 offers=3
        ann | hold A-2 A-3 | orphan_seat orphans=A-1,A-4
        ann | hold A-1     | ok
        ann | hold GA*1    | ok
        """,
        prevent_orphans=True,
    )


def test_a_suggestion_instead_of_orphans_leaves_none():
    scene = play("", prevent_orphans=True, venue=hall("A 1111111", "B 11111"))
    refused = scene.ask("ann", "hold A-2 A-3")
    assert isinstance(refused, Refused)
    assert isinstance(refused.alternatives, list)
    assert refused.alternatives
    for labels in refused.alternatives:
        assert isinstance(scene.ask("ann", f"hold {' '.join(labels)}"), HoldOk)
        scene = Scene(scene.venue, scene.first_settings)


def test_the_rule_against_orphans_gives_way_where_nothing_else_is_left():
    play(
        """
        ann | hold A-2 | ok
        """,
        venue=hall("A 11"),
        prevent_orphans=True,
    )
    play(
        """
        ann | hold A-1 A-2 | ok
        """,
        venue=hall("A 111"),
        prevent_orphans=True,
    )


def test_without_the_rule_orphans_are_left():
    play("ann | hold A-2 | ok")


def test_a_total_is_the_sum_of_what_the_whole_hold_costs():
    play("""
        ann | hold A-1 GA*2    | ok total=10500
        ann | hold C-1 on=h1   | ok total=13500
        ann | release h1 GA*2  | ok
        ann | hold A-2 on=h1   | ok total=12000
        ann | book h1          | ok total=12000
    """)


def test_an_event_without_prices_has_no_totals():
    play("ann | hold A-1 | ok total=None", prices={})


def test_a_hold_begins_when_its_first_seat_is_taken():
    scene = Scene(SMALL, settings_of())
    reply = scene.ask("ann", Hold(id=1, event=EVENT, seats=["A-1"]))
    assert isinstance(reply, HoldOk)
    assert reply.expires_at == "2027-01-15T08:10:00.000Z"
    (record,) = scene.stock.holds.values()
    assert (record.created_ms, record.deadline_ms) == (NOW_MS, NOW_MS + 600_000)
    assert record.ends_ms == record.deadline_ms + limits.HOLD_GRACE_MS
