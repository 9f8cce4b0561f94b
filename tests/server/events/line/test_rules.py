"""What a line is at a moment, and what may be wished: pure."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from inventory.line.wishes import Wish
from inventory.settings import LineSettings, Settings
from inventory.venue.map import Venue
from persistence.events.line.lines import LineRow
from server.events.line.rules import (
    first_phase,
    is_hidden,
    mode_of,
    opens_by_joining,
    opens_ms,
    phase_of,
    refusal_of_join,
    state_of,
    terms_of,
    wish_fault,
)
from tests.persistence.journals import VENUE

NOW = 1_800_000_000_000
PLAIN = Settings(name="A talk", sale_state="on_sale", starts_at_ms=NOW + 9)
DRAW = replace(PLAIN, line=LineSettings(), on_sale_at_ms=NOW)
FIFO = replace(DRAW, line=LineSettings(mode="fifo"))


def row(phase="late", mode="list", key=b"key", fed=0):
    return LineRow(
        "evt",
        1,
        mode,
        phase,
        False,
        "{}",
        b"",
        b"",
        None,
        None,
        None,
        key,
        None,
        datetime.now(UTC),
        None,
        0,
        fed,
        None,
    )


def test_each_event_has_a_waitlist_unless_it_wants_none():
    assert mode_of(PLAIN) == "list"
    assert mode_of(replace(PLAIN, waitlist=False)) is None
    assert mode_of(DRAW) == "draw"
    assert terms_of(PLAIN).again
    assert not terms_of(DRAW).again
    assert opens_by_joining(PLAIN)
    assert not opens_by_joining(DRAW)
    assert [first_phase(mode) for mode in ("draw", "fifo", "list")] == [
        "gathering",
        "late",
        "late",
    ]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("scheduled", "sale_not_open"),
        ("on_sale", None),
        ("paused", "sale_paused"),
        ("closed", "line_over"),
        ("completed", "line_over"),
        ("cancelled", "line_over"),
    ],
)
def test_a_waitlist_is_joined_while_something_is_sold(state, code):
    assert refusal_of_join(replace(PLAIN, sale_state=state), NOW) == code
    without = replace(PLAIN, sale_state=state, waitlist=False)
    assert refusal_of_join(without, NOW) == "line_not_open"


@pytest.mark.parametrize("state", ["scheduled", "on_sale", "paused"])
def test_a_line_in_front_is_joined_once_it_gathers(state):
    later = LineSettings(mode="fifo", gather_at_ms=NOW + 1)
    settings = replace(DRAW, sale_state=state, line=later)
    assert refusal_of_join(settings, NOW) == "line_not_open"
    assert refusal_of_join(settings, NOW + 1) is None
    closed = replace(settings, sale_state="closed")
    assert refusal_of_join(closed, NOW + 1) == "line_over"


def test_when_turns_begin():
    assert opens_ms(PLAIN, NOW) is None
    assert opens_ms(DRAW, NOW - 5) == NOW
    assert opens_ms(replace(DRAW, on_sale_at_ms=None), NOW - 5) == NOW - 5
    told = replace(DRAW, line=LineSettings(mode="fifo", opens_at_ms=NOW + 7))
    assert opens_ms(told, NOW) == NOW + 7


@pytest.mark.parametrize(
    ("given", "settings", "free", "phase"),
    [
        (None, PLAIN, 0, "waitlist"),
        (None, replace(PLAIN, sale_state="scheduled"), 0, "off"),
        (None, replace(PLAIN, sale_state="closed"), 0, "over"),
        (None, replace(PLAIN, sale_state="closed", waitlist=False), 0, "off"),
        (None, replace(PLAIN, waitlist=False), 0, "off"),
        (None, DRAW, 9, "off"),
        (row("opening", "draw"), DRAW, 9, "off"),
        (row(), PLAIN, 9, "waitlist"),
        (row("gathering", "draw", None), DRAW, 900, "gathering"),
        (row("late", "draw", None), DRAW, 900, "drawing"),
        (row("late", "draw"), DRAW, 20, "open"),
        (row("late", "draw"), DRAW, 19, "waitlist"),
        (row("late", "fifo"), FIFO, 900, "open"),
        (row("late", "fifo"), replace(FIFO, on_sale_at_ms=NOW + 1), 900, "gathering"),
        (row("over"), PLAIN, 900, "over"),
        (row("late", "draw"), replace(DRAW, sale_state="closed"), 900, "over"),
    ],
)
def test_the_phase_follows_row_sale_and_what_is_left(given, settings, free, phase):
    assert phase_of(given, settings, free, 1_000, NOW) == phase


def test_two_per_cent_of_many_are_the_floor():
    assert phase_of(row("late", "draw"), DRAW, 199, 10_000, NOW) == "waitlist"
    assert phase_of(row("late", "draw"), DRAW, 200, 10_000, NOW) == "open"


def test_ranks_of_a_line_without_a_draw_are_told_when_it_opens():
    assert is_hidden(row("late", "fifo"), FIFO, NOW - 1)
    assert not is_hidden(row("late", "fifo"), FIFO, NOW)
    assert not is_hidden(row("late", "draw"), DRAW, NOW - 1)


@pytest.mark.parametrize(
    ("wish", "mode", "fault"),
    [
        (None, "fifo", None),
        (None, "list", "A waitlist needs a wish."),
        (Wish(10), "list", None),
        (Wish(11), "list", "One booking has 10 at most."),
        (Wish(1, ("1",)), "list", None),
        (Wish(1, ("9",)), "list", "There is no category '9'."),
        (Wish(1, ("1", "1")), "fifo", "A category is named twice."),
    ],
)
def test_what_nobody_can_have_is_no_wish(wish, mode, fault):
    assert wish_fault(wish, mode, PLAIN, Venue(VENUE)) == fault


@pytest.mark.parametrize(
    ("rank", "turn", "paused", "ended", "state"),
    [
        (None, False, False, None, "joined"),
        (1, False, False, None, "waiting"),
        (1, False, True, None, "paused"),
        (1, True, False, None, "turn"),
        (1, True, False, "booked", "done"),
        (None, False, False, "left", "left"),
    ],
)
def test_how_a_place_is(rank, turn, paused, ended, state):
    assert state_of(rank, turn, paused, ended) == state
