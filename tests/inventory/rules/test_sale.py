"""What organisers may do, and what a sale does by itself."""

import pytest

from inventory.commands import Configure
from inventory.replies import TakenOk
from inventory.settings import Money
from tests.scenario import EVENT, NOW_MS, Scene, hall, play, settings_of

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


@pytest.mark.parametrize("state", ALLOWED)
@pytest.mark.parametrize("command", COMMANDS)
def test_the_sale_goes_only_the_allowed_ways(state, command):
    to = ALLOWED[state].get(command)
    outcome = f"ok status={to}" if to else "wrong_state"
    scene = play(
        f"""
        ann | sale {command} | forbidden
        org | sale {command} | {outcome}
        """,
        sale_state=state,
    )
    assert scene.stock.settings.sale_state == (to or state)


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


def test_settings_are_replaced_but_not_the_sale_state():
    scene = play("""
        ann | configure max_per_user=3 sale_state=closed | forbidden
        org | configure max_per_user=3 sale_state=closed | ok status=on_sale
        ann | hold A-1 A-2 A-3 A-4                       | user_limit
        ann | hold A-1                                   | ok
    """)
    settings = scene.stock.settings
    assert (settings.sale_state, settings.max_per_user) == ("on_sale", 3)
    assert settings.name == "Evening"


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
    scene = Scene(hall("A 11"), settings_of())
    dearer = settings_of(prices={"1": Money(9_900, "EUR")})
    scene.play("ann | hold A-1 | ok total=4500")
    scene.ask("org", Configure(id=1, event=EVENT, settings=dearer))
    scene.play("ann | hold A-2 on=h1 | ok total=19800")


def test_an_event_is_deleted_only_without_bookings():
    scene = play("""
        ann | hold A-1 | ok
        ann | book h1  | ok
        ann | delete   | forbidden
        org | delete   | tickets_sold
        ann | cancel b1 | ok
        org | delete   | ok status=cancelled
        ann | hold A-1 | sale_closed
    """)
    assert scene.stock.settings.deleted


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
