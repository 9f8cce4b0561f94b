"""Scenarios as pictures, long runs beside the slow twin, and what always holds.

A row is drawn from left to right, the stage above it: `.` a free seat, `x` a taken one,
`w` accessible, `c` companion, `r` restricted view, `|` an aisle; `#` the seats found.
"""

import random
from math import cos, pi, sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.venue.finder import (
    DRAWS_MAX,
    LARGE_TRIED_MAX,
    SEGMENTS_EXAMINED_MAX,
    SeatFinder,
)
from inventory.venue.map import Category, Point, Seat, Venue, VenueMap
from inventory.venue.windows import INDEX_MAX
from tests.naive_finder import NaiveFinder

AISLE = 3.0


def draw(*rows: str, levels: dict[int, str] | None = None) -> Venue:
    """The venue of a picture; `levels` gives the category of each seat of some rows."""
    seats: list[Seat] = []
    levels = levels or {}
    width = max(len(row) for row in rows)
    for number, row in enumerate(rows):
        x = (width - len(row)) / 2
        place = 0
        for mark in row:
            if mark == "|":
                x += AISLE
                continue
            seats.append(
                Seat(
                    index=len(seats),
                    label=f"{number}-{place}",
                    row=str(number),
                    number=str(place),
                    category=levels[number][place] if number in levels else "a",
                    x=x,
                    y=float(number + 1),
                    accessible=mark == "w",
                    companion=mark == "c",
                    restricted=mark == "r",
                )
            )
            x += 1.0
            place += 1
    keys = sorted({seat.category for seat in seats})
    return venue_of(seats, keys, Point((width - 1) / 2, 0.0))


def venue_of(seats: list[Seat], keys: list[str], focal: Point | None) -> Venue:
    categories = [Category(key=key, label=key) for key in keys]
    return Venue(
        VenueMap(seats=seats, areas=[], categories=categories, focal_point=focal)
    )


def with_taken(rows: tuple[str, ...], venue: Venue) -> SeatFinder:
    finder = SeatFinder(venue)
    marks = [mark for row in rows for mark in row if mark != "|"]
    finder.take([index for index, mark in enumerate(marks) if mark == "x"])
    return finder


def picture(rows: tuple[str, ...], found: list[int] | None) -> tuple[str, ...]:
    """The same picture with what was found in it; empty where nothing was."""
    if found is None:
        return ()
    drawn = []
    index = 0
    for row in rows:
        line = ""
        for mark in row:
            line += "#" if mark != "|" and index in found else mark
            index += mark != "|"
        drawn.append(line)
    return tuple(drawn)


def rows(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@pytest.mark.parametrize(
    ("text", "quantity", "expected"),
    [
        pytest.param(".......", 3, "..###..", id="middle-where-two-stay-each-side"),
        pytest.param("......", 2, "..##..", id="middle-of-the-front-row"),
        pytest.param("......x......", 2, "....##x......", id="left-of-two-as-near"),
        pytest.param("......xx.....", 1, ".....#xx.....", id="nearer-side-left"),
        pytest.param(".....xx......", 1, ".....xx#.....", id="nearer-side-right"),
        pytest.param("x...x..x...x", 2, "x...x##x...x", id="exact-fit"),
        pytest.param("x..xx...xx..x", 2, "x##xx...xx..x", id="clean-before-near"),
        pytest.param("..|.. .....", 4, "..|.. ####.", id="not-across-an-aisle"),
        pytest.param("..x..", 3, None, id="not-across-a-taken-seat"),
        pytest.param("....", 5, None, id="nothing-longer-than-a-row"),
        pytest.param("x...x ....", 2, "x...x ##..", id="next-row-to-spare-an-orphan"),
        pytest.param("x...x", 2, "x##.x", id="an-orphan-where-there-is-no-other-way"),
        pytest.param("..wc..", 2, "##wc..", id="no-accessible-or-companion-seat"),
        pytest.param(".w.", 2, None, id="accessible-seats-are-no-bridge"),
        pytest.param("w...w ....", 2, "w##.w ....", id="an-accessible-seat-is-company"),
        pytest.param("c...x ....", 2, "c.##x ....", id="a-companion-seat-is-company"),
        pytest.param("x...w ....", 2, "x##.w ....", id="company-on-one-side"),
        pytest.param("..rr.. ......", 2, "..rr.. ..##..", id="restricted-view-last"),
        pytest.param("x.rrx", 3, "x###x", id="restricted-rather-than-nothing"),
        pytest.param("rrr rrrr", 2, "rrr ##rr", id="restricted-but-clean-first"),
        pytest.param("." * 14, 12, "############..", id="more-than-the-index-holds"),
        pytest.param("." * 12, 11, "###########.", id="large-with-an-orphan"),
        pytest.param("x" * 12, 1, None, id="sold-out"),
    ],
)
def test_best_takes(text, quantity, expected):
    drawn = rows(text)
    found = with_taken(drawn, draw(*drawn)).best(quantity)
    assert picture(drawn, found) == (rows(expected) if expected else ())


@pytest.mark.parametrize(
    ("text", "quantity", "expected"),
    [
        pytest.param("....w", 2, "...##", id="with-a-general-neighbour"),
        pytest.param("w.w..c w.....", 2, "w.##.c w.....", id="the-nearest"),
        pytest.param("...... wc....", 1, "...... #c....", id="only-where-there-is-one"),
        pytest.param("....", 1, None, id="none-where-there-is-none"),
        pytest.param("wx..", 2, None, id="none-where-the-neighbour-is-taken"),
        pytest.param("x.wx. .....w", 1, "x.wx. .....#", id="no-orphan-if-it-can-be"),
        pytest.param("x..wx .w....", 2, "x..wx ##....", id="nor-beside-the-pair"),
        pytest.param("x.wx", 1, "x.#x", id="an-orphan-rather-than-nothing"),
        pytest.param("." * 12 + "w", 12, "." + "#" * 12, id="large"),
    ],
)
def test_an_accessible_request_takes(text, quantity, expected):
    drawn = rows(text)
    found = with_taken(drawn, draw(*drawn)).best(quantity, accessible=True)
    assert picture(drawn, found) == (rows(expected) if expected else ())


@pytest.mark.parametrize(
    ("category", "expected"),
    [("a", "##....."), ("b", "....##."), (None, "..##..."), ("c", None)],
)
def test_a_category_bounds_a_window_and_its_neighbours_still_count(category, expected):
    drawn = (".......",)
    finder = SeatFinder(draw(*drawn, levels={0: "aaabbbb"}))
    finder.take([6])
    found = finder.best(2, category=category)
    assert picture(drawn, found) == (rows(expected) if expected else ())


@pytest.mark.parametrize(
    ("text", "quantity", "accessible", "expected"),
    [
        pytest.param("x..x.x", 3, False, "x##x#x", id="largest-pieces-first"),
        pytest.param("..x..|..", 5, False, "##x##|#.", id="no-more-than-asked"),
        pytest.param("x.x.x", 3, False, None, id="too-few"),
        pytest.param("x.xwx", 2, False, None, id="accessible-seats-do-not-count"),
        pytest.param("r.xx.", 2, False, "r#xx#", id="restricted-view-last"),
        pytest.param("r.xx.", 3, False, "##xx#", id="restricted-view-where-needed"),
        pytest.param("." * 13, 12, False, "#" * 12 + ".", id="two-pieces-side-by-side"),
        pytest.param(
            "x.x...x.x xxx....xx",
            5,
            False,
            "x.x#..x.x xxx####xx",
            id="no-orphan-if-it-can-be",
        ),
        pytest.param("w.x.x", 3, True, "##x#x", id="accessible-piece-then-general"),
        pytest.param("wxwx.", 2, True, "wx#x#", id="one-accessible-piece-at-first"),
        pytest.param("wxwx.", 3, True, "#x#x#", id="more-accessible-where-needed"),
        pytest.param("..x..", 2, True, None, id="no-accessible-seat"),
        pytest.param("wxc", 2, True, None, id="no-companion-seat-alone"),
    ],
)
def test_scattered_takes(text, quantity, accessible, expected):
    drawn = rows(text)
    finder = with_taken(drawn, draw(*drawn))
    found = finder.scattered(quantity, accessible=accessible)
    assert picture(drawn, found) == (rows(expected) if expected else ())


@pytest.mark.parametrize(
    ("text", "taken", "orphaned"),
    [
        pytest.param(".....", [1], [0], id="at-the-end"),
        pytest.param(".....", [1, 3], [0, 2, 4], id="between"),
        pytest.param(".....", [0, 1], [], id="none"),
        pytest.param("x.x.x..", [5], [6], id="not-what-was-one-before"),
        pytest.param("w..", [2], [], id="beside-a-free-accessible-seat"),
        pytest.param("c..", [2], [], id="beside-a-free-companion-seat"),
        pytest.param("w.x", [0], [1], id="an-accessible-seat-was-company"),
        pytest.param("w..", [0], [], id="an-accessible-seat-orphans-no-pair"),
        pytest.param("..w", [0, 1], [], id="an-accessible-seat-is-no-orphan"),
        pytest.param("...|...", [4, 1], [3, 5, 0, 2], id="segments-in-the-order-asked"),
    ],
)
def test_orphans_are(text, taken, orphaned):
    drawn = rows(text)
    finder = with_taken(drawn, draw(*drawn))
    assert finder.orphans(taken) == orphaned


def test_alternatives_differ_by_salt_and_are_the_same_for_the_same_salt():
    finder = SeatFinder(draw(*["." * 20] * 30))
    offers = [finder.alternatives(3, category=None, salt=salt) for salt in range(50)]
    again = [finder.alternatives(3, category=None, salt=salt) for salt in range(50)]
    assert offers == again
    assert all(len(offer) == 3 for offer in offers)
    assert len({tuple(window) for offer in offers for window in offer}) > 100


def test_alternatives_take_several_windows_of_one_segment_when_there_is_one_only():
    finder = SeatFinder(draw("." * 7))
    offer = finder.alternatives(2, category="a", salt=1)
    assert 2 <= len(offer) <= 3
    assert len({seat for window in offer for seat in window}) == 2 * len(offer)


def test_alternatives_are_as_many_as_asked_and_clean_before_others():
    finder = SeatFinder(draw("...", "....", "...", "rrrr"))
    first, *rest = finder.alternatives(2, category=None, salt=5, count=2)
    assert finder.orphans(first) == []
    assert len(rest) == 1
    assert finder.alternatives(2, category=None, salt=5, count=0) == []


@pytest.mark.parametrize(("category", "quantity"), [("z", 1), (None, 4)])
def test_there_are_no_alternatives_in_no_category_or_longer_than_a_row(
    category, quantity
):
    finder = SeatFinder(draw("..."))
    assert finder.alternatives(quantity, category=category, salt=0) == []


def test_alternatives_give_up_after_so_many_draws():
    rows_too_short = ["." * INDEX_MAX] * 40 * DRAWS_MAX
    venue = draw(*rows_too_short, "." * (INDEX_MAX + 1))
    assert SeatFinder(venue).alternatives(INDEX_MAX + 1, category=None, salt=3) == []


def test_a_large_clean_window_is_not_looked_for_in_every_row():
    size = INDEX_MAX + 1
    orphaning = ["." * (size + 1)] * LARGE_TRIED_MAX
    near = SeatFinder(draw(*orphaning[1:], "." * size)).best(size)
    far = SeatFinder(draw(*orphaning, "." * size)).best(size)
    assert near is not None
    assert near[0] == len(orphaning[1:]) * (size + 1)
    assert far is not None
    assert far[0] < size


def test_best_compares_so_many_rows_and_no_more():
    ends = "." + "x" * 19 + "."
    middle = "x" * 10 + "." + "x" * 10
    near = (*[ends] * (SEGMENTS_EXAMINED_MAX - 1), middle)
    assert with_taken(near, draw(*near)).best(1) == [len(ends) * (len(near) - 1) + 10]
    far = (ends, *near)
    assert with_taken(far, draw(*far)).best(1) == [0]


def test_a_venue_without_seats_has_nothing():
    finder = SeatFinder(venue_of([], [], None))
    assert finder.best(1) is None
    assert finder.scattered(1) is None
    assert finder.alternatives(1, category=None, salt=0) == []
    assert finder.free_count() == 0


def test_a_seat_cannot_be_taken_or_freed_twice_and_the_refusal_changes_nothing():
    finder = SeatFinder(draw("...", "..."))
    finder.take([1])
    with pytest.raises(ValueError, match="not free"):
        finder.take([4, 1])
    with pytest.raises(ValueError, match="are free"):
        finder.free([1, 4])
    assert [finder.is_free(seat) for seat in range(6)] == [True, False, *[True] * 4]
    assert finder.free_count() == 5


def test_free_count_leaves_out_accessible_and_companion_seats():
    finder = SeatFinder(draw("w.c.", "....", levels={1: "abab"}))
    finder.take([0, 1, 5])
    assert finder.free_count() == 4
    assert finder.free_count("a") == 3
    assert finder.free_count("b") == 1
    assert finder.free_count("z") == 0


def generated(seed: int) -> Venue:
    """A venue of any kind: aisles, mixed rows, flags, tables, slanted and long rows."""
    choose = random.Random(seed)
    keys = ["a", "b", "c"][: 1 + seed % 3]
    seats: list[Seat] = []
    flagged = seed % 4 * 0.06
    for row in range(choose.randint(12, 45)):
        x = choose.uniform(-2.0, 2.0)
        slant = choose.choice((0.0, 0.0, 0.2))
        alone, table = choose.random() < 0.1, choose.random() < 0.2
        key = choose.choice(keys)
        length = choose.choice((1, 2, 3, 8, 12, 14, 25 if seed % 2 else 5))
        for place in range(length):
            if choose.random() < 0.1:
                x += AISLE
            if choose.random() < 0.1:
                key = choose.choice(keys)
            turn = 2 * pi * place / length
            seats.append(
                Seat(
                    index=len(seats),
                    label=f"{row}-{place}",
                    row=None if alone else str(row),
                    number=str(place),
                    category=key,
                    x=length * cos(turn) / 6 if table else x,
                    y=row + (length * sin(turn) / 6 if table else slant * x),
                    accessible=choose.random() < flagged,
                    companion=choose.random() < flagged,
                    restricted=choose.random() < flagged,
                )
            )
            x += 1.0
    focal = Point(4.0, -3.0) if seed % 2 else None
    return venue_of(seats, keys, focal)


def compare(finder: SeatFinder, twin: NaiveFinder, choose: random.Random) -> None:
    category = choose.choice((None, None, "a", "b", "c"))
    quantity = choose.choice((1, 2, 2, 3, 4, 5, 8, INDEX_MAX, 11, 13))
    salt = choose.getrandbits(64)
    assert finder.free_count(category) == twin.free_count(category)
    for accessible in (False, True):
        for search, same in (
            (finder.best, twin.best),
            (finder.scattered, twin.scattered),
        ):
            found = search(quantity, category=category, accessible=accessible)
            assert found == same(quantity, category=category, accessible=accessible)
    offer = finder.alternatives(quantity, category=category, salt=salt)
    assert offer == twin.alternatives(quantity, category=category, salt=salt)
    some = sorted(twin.open)
    picked = choose.sample(some, min(len(some), choose.randint(0, 4)))
    assert finder.orphans(picked) == twin.orphans(picked)
    gone = sorted(set(range(len(twin.venue.seats))) - twin.open)
    kept = choose.sample(gone, min(len(gone), choose.randint(0, 9)))
    back = choose.sample(kept, len(kept) // 2)
    kept = [seat for seat in kept if seat not in back]
    alone = finder.alone_beside(kept, back)
    assert sorted(alone) == sorted(twin.alone_beside(kept, back))


@pytest.mark.parametrize("seed", range(12))
def test_the_finder_finds_what_its_slow_twin_finds(seed):
    choose = random.Random(seed)
    venue = generated(seed)
    finder, twin = SeatFinder(venue), NaiveFinder(venue)
    for step in range(60):
        # The venue fills up, with returns on the way, and empties again.
        taking = choose.random() < (0.75 if step < 40 else 0.2)
        pool = twin.open if taking else set(range(len(venue.seats))) - twin.open
        best = twin.best(choose.randint(1, 6)) if choose.random() < 0.5 else None
        if taking and best:
            changed = best
        else:
            changed = choose.sample(sorted(pool), min(len(pool), choose.randint(1, 12)))
        for one in (finder, twin):
            (one.take if taking else one.free)(changed)
        compare(finder, twin, choose)


@pytest.mark.parametrize("seed", range(12))
def test_the_index_after_many_changes_is_that_of_a_fresh_finder(seed):
    choose = random.Random(seed)
    venue = generated(seed)
    finder, fresh = SeatFinder(venue), SeatFinder(venue)
    everything = list(range(len(venue.seats)))
    taken: list[int] = []
    for _ in range(100):
        if taken:
            finder.free(taken)
        taken = choose.sample(everything, choose.randint(1, len(everything)))
        finder.take(taken)
    finder.free(taken)
    for quantity in range(1, INDEX_MAX + 2):
        for category in (None, "a", "b", "c"):
            best = fresh.best(quantity, category=category)
            assert finder.best(quantity, category=category) == best
    assert finder.free_count() == fresh.free_count()


@st.composite
def sales(draw_from):
    """Some rows, and what is taken in them."""
    marks = st.text(alphabet=".....xxwcr|", min_size=1, max_size=24)
    texts = draw_from(st.lists(marks, min_size=1, max_size=6))
    return tuple(text.strip("|") or "." for text in texts)


@settings(deadline=None, max_examples=150)
@given(sales(), st.integers(1, 12), st.integers(0, 2**64 - 1), st.booleans())
def test_what_is_found_is_free_adjacent_and_for_this_buyer(
    drawn, quantity, salt, accessible
):
    venue = draw(*drawn, levels={0: ("aab" * 9)[: len(drawn[0])]})
    finder = with_taken(drawn, venue)
    for category in (None, "a", "b"):
        offer = finder.alternatives(quantity, category=category, salt=salt)
        best = finder.best(quantity, category=category)
        asked = finder.best(quantity, category=category, accessible=accessible)
        assert bool(offer) <= bool(best)
        for window in [*offer, best or [], asked or []]:
            assert len(window) in (0, quantity)
            assert all(finder.is_free(seat) for seat in window)
            assert all(
                category in (None, venue.seats[seat].category) for seat in window
            )
            assert any(is_part(window, segment) for segment in [[], *venue.segments])
        general = [seat for window in [*offer, best or []] for seat in window]
        for seat in general:
            assert not venue.seats[seat].accessible
            assert not venue.seats[seat].companion
        if asked and accessible:
            assert any(venue.seats[seat].accessible for seat in asked)
        offered = [seat for window in offer for seat in window]
        assert len(offered) == len(set(offered))


@settings(deadline=None, max_examples=150)
@given(sales(), st.integers(1, 12))
def test_scattered_seats_are_found_exactly_when_enough_are_free(drawn, quantity):
    finder = with_taken(drawn, draw(*drawn))
    found = finder.scattered(quantity)
    assert (found is not None) == (finder.free_count() >= quantity)
    if found:
        assert len(set(found)) == quantity
        assert all(finder.is_free(seat) for seat in found)


@settings(deadline=None, max_examples=150)
@given(sales(), st.data())
def test_orphans_are_the_new_single_seats(drawn, data):
    venue = draw(*drawn)
    finder, twin = with_taken(drawn, venue), NaiveFinder(venue)
    twin.open = {i for i in range(len(venue.seats)) if finder.is_free(i)}
    wanted = data.draw(st.sets(st.integers(0, len(venue.seats) - 1)))
    picked = sorted(wanted & twin.open)
    assert finder.orphans(picked) == twin.orphans(picked)


def is_part(window: list[int], segment: list[int]) -> bool:
    size = len(window)
    return any(segment[i : i + size] == window for i in range(len(segment) + 1))
