"""What organisers may do, and what a sale does by itself."""

import pytest
from msgspec.structs import replace

from inventory.changes import EventConfigured
from inventory.commands import CloseSale, CompleteEvent, OpenSale
from inventory.records import Corrupt, capacities
from inventory.replies import BlockedOk, TakenOk
from inventory.rules.sale import steps
from tests.scenario import DAY_MS, NOW_MS, SMALL, Scene, hall, play, settings_of

COMMANDS = ("publish", "pause", "resume", "close", "cancel")
ALLOWED = {
    "draft": {"publish": "on_sale", "cancel": "cancelled"},
    "scheduled": {"close": "closed", "cancel": "cancelled"},
    "on_sale": {"pause": "paused", "close": "closed", "cancel": "cancelled"},
    "paused": {"resume": "on_sale", "close": "closed", "cancel": "cancelled"},
    "closed": {"cancel": "cancelled"},
    "completed": {},
    "cancelled": {},
}
DONE = {
    "publish": {"scheduled", "on_sale"},
    "pause": {"paused"},
    "resume": {"on_sale"},
    "close": {"closed"},
    "cancel": {"cancelled"},
}
"""Where there is nothing left to do: it is accepted, and changes nothing."""


@pytest.mark.parametrize("state", ALLOWED)
@pytest.mark.parametrize("command", COMMANDS)
def test_the_sale_goes_only_the_allowed_ways(state, command):
    to = ALLOWED[state].get(command)
    done = state in DONE[command]
    outcome = f"ok status={to or state}" if to or done else "wrong_state"
    scene = play(
        f"""
        ann | sale {command} | forbidden
        org | sale {command} | {outcome}
        """,
        sale_state=state,
    )
    assert scene.stock.settings.sale_state == (to or state)
    assert scene.stock.version == (1 if to else 0)


def test_a_sale_published_before_its_moment_opens_by_itself():
    play(
        """
        org | sale publish | ok status=scheduled
        ann | hold A-1     | sale_not_open
        x   | open         | sale_not_open
        tick +60s
        x   | open         | ok
        x   | open         | wrong_state
        ann | hold A-1     | ok
        """,
        sale_state="draft",
        on_sale_at_ms=NOW_MS + 60_000,
    )


def test_a_sale_published_after_its_moment_is_open():
    play(
        "org | sale publish | ok status=on_sale",
        sale_state="draft",
        on_sale_at_ms=NOW_MS,
    )


def test_a_scheduled_sale_without_a_moment_opens_at_once():
    play("x | open | ok", sale_state="scheduled")


@pytest.mark.parametrize("state", ["scheduled", "on_sale", "paused"])
def test_a_sale_closes_by_itself_at_its_moment(state):
    play(
        """
        x   | shut         | wrong_state
        tick +59.999s
        x   | shut         | wrong_state
        tick +0.001s
        x   | shut         | ok
        x   | shut         | wrong_state
        ann | hold A-1     | sale_closed
        """,
        sale_state=state,
        off_sale_at_ms=NOW_MS + 60_000,
    )


@pytest.mark.parametrize("state", ["scheduled", "on_sale", "paused", "closed"])
def test_an_event_that_is_over_is_completed(state):
    scene = play(
        """
        x   | complete      | wrong_state
        tick +60s
        x   | complete      | ok
        x   | complete      | wrong_state
        ann | hold A-1      | sale_closed
        org | sale cancel   | wrong_state
        """,
        sale_state=state,
        completes_at_ms=NOW_MS + 60_000,
    )
    assert scene.stock.settings.sale_state == "completed"


@pytest.mark.parametrize("state", ["draft", "completed", "cancelled"])
def test_what_was_never_on_sale_or_is_over_does_nothing_by_itself(state):
    scene = play(
        """
        tick +60s
        x   | open          | wrong_state
        x   | shut          | wrong_state
        x   | complete      | wrong_state
        """,
        sale_state=state,
        off_sale_at_ms=NOW_MS,
        completes_at_ms=NOW_MS,
    )
    assert steps(scene.stock.settings) == []


def test_without_a_moment_a_sale_goes_on():
    play(
        """
        x   | shut          | wrong_state
        x   | complete      | wrong_state
        """
    )


def test_a_live_hold_is_booked_though_the_sale_closed_by_itself():
    play(
        """
        ann | hold A-1      | ok
        tick +60s
        x   | shut          | ok
        ann | extend h1     | sale_closed
        ann | book h1       | ok
        """,
        off_sale_at_ms=NOW_MS + 60_000,
    )


def test_a_sale_that_was_to_end_before_is_not_published():
    play(
        """
        org | sale publish                           | wrong_state
        org | configure off_sale_at_ms=1800000060000 | ok
        org | sale publish                           | ok status=on_sale
        """,
        sale_state="draft",
        off_sale_at_ms=NOW_MS,
    )


def test_what_is_due_is_told_in_its_order():
    settings = settings_of(
        sale_state="scheduled", on_sale_at_ms=5, off_sale_at_ms=9, completes_at_ms=7
    )
    told = [(5, OpenSale), (7, CompleteEvent), (9, CloseSale)]
    assert steps(settings) == told
    assert steps(replace(settings, sale_state="on_sale")) == told[1:]
    assert steps(replace(settings, sale_state="closed")) == [told[1]]
    # Without an end, as in settings of former versions, a day after it began.
    assert steps(settings_of()) == [(NOW_MS + 31 * DAY_MS, CompleteEvent)]


def test_settings_are_changed_but_not_the_sale_state():
    scene = play("""
        ann | configure max_per_user=3 | forbidden
        org | configure max_per_user=3 | ok status=on_sale
        ann | hold A-1 A-2 A-3 A-4     | user_limit
        ann | hold A-1                 | ok
    """)
    settings = scene.stock.settings
    assert (settings.sale_state, settings.max_per_user) == ("on_sale", 3)
    assert settings.name == "Evening"


def test_a_capacity_is_never_below_what_is_taken():
    venue = hall(areas={"GA": (10, "1")})
    scene = play(
        """
        ann | hold GA*3              | ok
        ann | book h1                | ok
        bob | hold GA*2              | ok
        org | block GA*1             | ok
        ann | configure capacity=20  | forbidden
        org | configure capacity=5   | tickets_sold
        org | configure capacity=6   | ok
        expect seats GA=0/2/3/1
        cat | hold GA*1              | not_enough_seats
        org | configure capacity=20  | ok
        expect seats GA=14/2/3/1
        cat | hold GA*9              | ok
        org | configure capacity=15  | ok
        bob | release h2             | ok
        ann | cancel b1              | ok
        expect seats GA=5/9/0/1
        """,
        venue=venue,
    )
    none = replace(scene.stock.settings, capacity=None)
    small = EventConfigured(replace(none, capacity=9))
    with pytest.raises(Corrupt, match="no 6 free"):
        scene.stock.apply(small, NOW_MS)


@pytest.mark.parametrize(
    "venue",
    [hall("A 1", areas={"GA": (9, "1")}), hall(areas={"A": (1, "1"), "B": (1, "1")})],
)
def test_places_that_were_drawn_stay(venue):
    play("org | configure capacity=5 | wrong_state", venue=venue)
    assert capacities(venue, settings_of(capacity=5)) == [
        area.capacity for area in venue.areas
    ]


def test_a_sale_may_begin_with_a_capacity_of_its_own():
    venue = hall(areas={"GA": (10, "1")})
    play("ann | hold GA*4 | not_enough_seats", venue=venue, capacity=3)


@pytest.mark.parametrize("state", ["cancelled", "completed"])
def test_what_is_over_is_not_configured(state):
    play(
        """
        ann | configure max_per_user=3 | forbidden
        org | configure max_per_user=3 | wrong_state
        """,
        sale_state=state,
    )


def test_new_prices_count_for_new_totals():
    scene = Scene(SMALL, settings_of())
    scene.play("""
        ann | hold A-1                  | ok total=4500
        org | configure price.1=9900    | ok
        ann | hold A-2 on=h1            | ok total=14400
    """)


def test_an_event_is_deleted_only_without_bookings():
    scene = play("""
        ann | hold A-1 | ok
        ann | book h1  | ok
        ann | delete   | forbidden
        org | delete   | tickets_sold
        ann | cancel b1 | ok
        org | delete   | ok status=cancelled
        org | delete   | ok status=cancelled
    """)
    assert scene.stock.settings.deleted


@pytest.mark.parametrize(
    ("user", "command", "code"),
    [
        ("ann", "hold A-1", "event_not_found"),
        ("ann", "best 2", "event_not_found"),
        ("ann", "book h1", "event_not_found"),
        ("ann", "release h1", "event_not_found"),
        ("ann", "holding", "event_not_found"),
        ("ann", "block A-1", "forbidden"),
        ("org", "block A-1", "event_not_found"),
        ("org", "sale cancel", "event_not_found"),
        ("org", "configure max_per_user=1", "event_not_found"),
    ],
)
def test_a_deleted_event_is_like_none_at_all(user, command, code):
    scene = play("ann | hold A-2 | ok\norg | delete | ok")
    assert scene.refused(user, command).code == code


def test_organisers_take_places_off_sale_and_put_them_back():
    play("""
        org | block A-1 A-2 GA*3 | ok has=A-1,A-2,GA*3
        expect seats A=xxff GA=7/0/0/3 version=1
        ann | hold A-1           | seat_not_free seats=A-1 offers=3
        ann | hold GA*8          | not_enough_seats
        ann | best 2             | ok seats=A-3,A-4
        org | unblock A-2 GA*2   | ok has=A-2,GA*2
        expect seats A=xfhh GA=9/0/0/1
        ann | hold A-2           | ok
    """)


def test_blocking_is_all_or_nothing_and_only_of_what_is_free():
    play("""
        ann | hold A-1           | ok
        org | block A-1 A-2      | seat_not_free seats=A-1
        org | block A-2 Z-9      | seat_not_found seats=Z-9
        org | block A-2 XX*1     | area_not_found
        org | block A-2 GA*11    | not_enough_seats
        org | block A-2 GA*1     | ok
        org | block A-2          | seat_not_free seats=A-2
        org | unblock A-2 A-3    | seat_not_free seats=A-3
        org | unblock A-1        | seat_not_free seats=A-1
        org | unblock A-2 GA*2   | not_enough_seats
        expect seats A=hxff GA=9/0/0/1 version=2
    """)


def test_blocking_works_in_any_sale_state_and_counts_for_nobody():
    scene = play("org | block A-1 A-2 A-3 | ok", sale_state="draft", max_per_user=1)
    assert scene.stock.users == {}


def test_a_blocked_seat_ends_in_nobodys_hands():
    scene = play("org | block B-4 | ok")
    reply = scene.ask("org", "unblock B-4")
    assert reply == TakenOk(seats=["B-4"], areas={}, version=2)


def test_why_seats_are_off_sale_is_told_until_they_are_on_sale_again():
    scene = play("""
        org | block A-1 A-2 reason=Press | ok
        org | block A-3                  | ok
        org | block B-1 reason=Pillar    | ok
        org | unblock A-1 B-1            | ok
        ann | blocked                    | forbidden
        org | blocked                    | forbidden
    """)
    told = scene.ask("for:ann", "blocked")
    assert isinstance(told, BlockedOk)
    assert [(one.reason, one.seats) for one in told.groups] == [
        ("Press", ["A-2"]),
        (None, ["A-3"]),
    ]
    # Who blocks them anew says anew why.
    scene.play("""
        org | unblock A-2 A-3 | ok
        org | block A-2 A-3   | ok
    """)
    assert scene.stock.reasons == {}
