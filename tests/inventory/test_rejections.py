"""Every refusal of the core, in the contract's order of precedence."""

import pytest

from inventory import rejections
from inventory.replies import refuse
from tests.scenario import Scene, hall, play, settings_of

CONTRACT = [
    "unauthenticated",
    "forbidden",
    "event_not_found",
    "key_reused",
    "line_not_open",
    "line_over",
    "sale_not_open",
    "sale_paused",
    "sale_closed",
    "wait_your_turn",
    "turn_over",
    "hold_not_found",
    "hold_expired",
    "hold_pledged",
    "price_changed",
    "extend_limit",
    "too_many_seats",
    "user_limit",
    "seat_not_found",
    "area_not_found",
    "seat_not_free",
    "not_enough_seats",
    "orphan_seat",
    "booking_not_found",
    "cancel_too_late",
    "place_not_found",
    "already_waiting",
    "bad_wish",
    "too_many_places",
    "proof_needed",
    "payment_required",
    "overloaded",
    "unavailable",
    "outcome_unknown",
]

HALL = hall("A 11111", "B 11111", "C 22222", areas={"GA": (3, "2")})


def on_sale(**settings: object) -> Scene:
    """At most 3 a booking and 4 a user; ann holds h1 with C-1; h2 of hers ran out.

    A-5 and two of three places are blocked; zoe has h3 and, as b1, B-1.
    """
    chosen = {"max_per_booking": 3, "max_per_user": 4, "prevent_orphans": True}
    return play(
        """
        ann | hold C-1        | ok hold=h1
        ann | hold B-5 ttl=5  | ok hold=h2
        zoe | hold C-5        | ok hold=h3
        zoe | hold B-1        | ok hold=h4
        zoe | book h4         | ok booking=b1
        org | block A-5 GA*2  | ok
        tick +10s
        """,
        venue=HALL,
        **(chosen | settings),
    )


# The state of the sale, the command, and the first of the reasons against it.
TABLE = [
    # Everything is wrong with it; then one reason less each time.
    ("pause", "ann", "hold Z-1 A-5 A-2 B-2 XX*1 on=h9", "sale_paused"),
    ("close", "ann", "hold Z-1 A-5 A-2 B-2 XX*1 on=h9", "sale_closed"),
    ("cancel", "ann", "hold Z-1 A-5 A-2 B-2 XX*1 on=h9", "sale_closed"),
    ("", "ann", "hold Z-1 A-5 A-2 B-2 XX*1 on=h9", "hold_not_found"),
    ("", "ann", "hold Z-1 A-5 A-2 B-2 XX*1 on=h3", "hold_not_found"),
    ("", "ann", "hold Z-1 A-5 A-2 B-2 XX*1 on=h2", "hold_expired"),
    ("", "ann", "hold Z-1 A-5 A-2 B-2 XX*1 on=h1", "too_many_seats"),
    ("", "ann", "hold Z-1 A-5 A-2 XX*1", "too_many_seats"),
    ("", "bob", "hold Z-1 A-5 XX*1", "seat_not_found"),
    ("", "bob", "hold A-5 A-2 XX*1", "area_not_found"),
    ("", "bob", "hold A-5 GA*2", "seat_not_free"),
    ("", "bob", "hold A-2 GA*2", "not_enough_seats"),
    ("", "bob", "hold A-2", "orphan_seat"),
    ("", "bob", "hold A-2 A-1", "ok"),
    # The limit of a user, between the limit of a booking and what is not there.
    ("user", "ann", "hold Z-1 A-5 A-2 B-2", "too_many_seats"),
    ("user", "ann", "hold Z-1 A-5 XX*1", "user_limit"),
    ("user", "ann", "hold Z-1", "seat_not_found"),
    ("one", "zoe", "hold Z-1 A-5 A-2", "user_limit"),
    ("one", "zoe", "hold Z-1 XX*1", "already_booked"),
    ("one", "zoe", "best 2 category=9", "already_booked"),
    ("one", "zoe", "book h9", "hold_not_found"),
    ("one", "zoe", "book h3", "already_booked"),
    ("pause", "ann", "best 9 on=h9 category=9", "sale_paused"),
    ("", "ann", "best 9 on=h9 category=9", "hold_not_found"),
    ("", "ann", "best 9 on=h2 category=9", "hold_expired"),
    ("", "ann", "best 9 on=h1 category=9", "too_many_seats"),
    ("user", "ann", "best 3 category=9", "user_limit"),
    ("", "bob", "best 3 category=9", "not_enough_seats"),
    ("pause", "ann", "extend h9", "sale_paused"),
    ("close", "ann", "extend h9", "sale_closed"),
    ("", "ann", "extend h9", "hold_not_found"),
    ("", "bob", "extend h2", "hold_not_found"),
    ("", "ann", "extend h2", "hold_expired"),
    ("pause", "ann", "release h9 Z-1", "hold_not_found"),
    ("pause", "ann", "release h2 Z-1", "hold_expired"),
    ("pause", "ann", "release h1 Z-1 XX*1", "seat_not_found"),
    ("pause", "ann", "release h1 C-1 XX*1", "area_not_found"),
    ("pause", "ann", "release h1 C-2 GA*1", "seat_not_found"),
    ("pause", "ann", "release h1 C-1", "ok"),
    ("paid", "ann", "book h9", "hold_not_found"),
    ("paid", "ann", "book h2", "hold_expired"),
    ("paid", "ann", "book h1", "payment_required"),
    ("cancel", "ann", "book h9", "sale_closed"),
    ("pause", "ann", "book h1", "ok"),
    ("late", "ann", "cancel b1", "booking_not_found"),
    ("late", "zoe", "cancel b1", "cancel_too_late"),
    ("close", "zoe", "cancel b1", "ok"),
    ("close", "ann", "block Z-1 A-5 XX*1", "forbidden"),
    ("", "org", "block Z-1 A-5 XX*1", "seat_not_found"),
    ("", "org", "block A-5 XX*1", "area_not_found"),
    ("", "org", "block A-5 GA*2", "seat_not_free"),
    ("", "org", "block A-4 GA*2", "not_enough_seats"),
    ("", "org", "block A-4 GA*1", "ok"),
    ("close", "ann", "unblock Z-1 C-1 XX*1", "forbidden"),
    ("", "org", "unblock C-1 GA*3", "seat_not_free"),
    ("", "org", "unblock A-5 GA*3", "not_enough_seats"),
    ("cancel", "ann", "sale pause", "forbidden"),
    ("cancel", "org", "sale pause", "wrong_state"),
    ("cancel", "ann", "configure max_per_user=1", "forbidden"),
    ("cancel", "org", "configure max_per_user=1", "wrong_state"),
    ("cancel", "ann", "delete", "forbidden"),
    ("cancel", "org", "delete", "tickets_sold"),
]


def scene_of(state: str) -> Scene:
    if state == "paid":
        return on_sale().play("org | configure payment=required | ok")
    if state == "late":
        return on_sale(cancel_until_s=31 * 86_400)
    if state == "one":
        scene = on_sale(one_booking_per_user=True)
        return scene.play("org | configure payment=required | ok")
    scene = on_sale()
    if state == "user":
        scene.play("ann | hold A-1 A-2 | ok")
    elif state:
        scene.play(f"org | sale {state} | ok")
    return scene


@pytest.mark.parametrize(("state", "user", "command", "first"), TABLE)
def test_the_first_reason_of_several_is_answered(state, user, command, first):
    scene_of(state).play(f"{user} | {command} | {first}")


def test_a_sale_that_has_not_begun_is_the_first_reason():
    scene = Scene(HALL, settings_of(sale_state="scheduled"))
    scene.play("""
        ann | hold Z-1 on=h9        | sale_not_open
        ann | best 99 category=9    | sale_not_open
        ann | extend h9             | sale_not_open
        ann | book h9               | hold_not_found
        ann | release h9            | hold_not_found
        ann | cancel b9             | booking_not_found
    """)


def test_an_extension_beyond_the_limit_is_refused_only_to_the_holder():
    scene = on_sale()
    scene.now_ms += 580_000
    scene.play("""
        ann | extend h1 | ok
        bob | extend h1 | hold_not_found
    """)
    scene.now_ms += 20_000
    scene.play("""
        org | sale pause  | ok
        ann | extend h1   | sale_paused
        org | sale resume | ok
        bob | extend h1   | hold_not_found
        ann | extend h1   | extend_limit
    """)


def test_the_codes_are_the_contracts_in_its_order():
    ours = [code for code in rejections.CODES if code in CONTRACT]
    assert ours == CONTRACT


def test_refusals_say_whether_the_same_may_be_accepted_later():
    transient = {code for code in rejections.CODES if refuse(code).transient}
    assert transient == {
        "sale_not_open",
        "sale_paused",
        "line_not_open",
        "wait_your_turn",
        "proof_needed",
        "held_too_often",
        "overloaded",
        "unavailable",
        "outcome_unknown",
    }


def test_refusals_have_a_detail_of_their_own_or_the_usual_one():
    assert refuse("seat_not_free").detail == "Somebody else was faster."
    assert refuse("seat_not_free", "Gone.").detail == "Gone."
