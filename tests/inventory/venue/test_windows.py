"""The arithmetic on masks, beside the same said with lists of free seats.

A mask is drawn from its lowest bit, the leftmost seat, on.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.venue.windows import (
    ACCESSIBLE,
    ACCESSIBLE_CLEAN,
    CLEAN,
    INDEX_MAX,
    PLAIN,
    RESTRICTED,
    RESTRICTED_CLEAN,
    mix,
    next_bit,
    positions,
    sizes_of,
    sizes_of_ring,
    sizes_of_runs,
    sizes_with,
    windows,
)

MASKS = st.integers(0, (1 << 18) - 1)


def mask(text: str) -> int:
    return sum(1 << place for place, mark in enumerate(text) if mark == ".")


def level(sizes: int, number: int) -> list[int]:
    """The sizes that a level has windows of."""
    own = sizes >> (number * INDEX_MAX) & ((1 << INDEX_MAX) - 1)
    return [place + 1 for place in positions(own)]


@pytest.mark.parametrize(
    ("text", "quantity", "starts"),
    [
        ("....", 1, [0, 1, 2, 3]),
        ("....", 3, [0, 1]),
        ("..x...", 2, [0, 3, 4]),
        ("....", 5, []),
        ("." * 100, 99, [0, 1]),
    ],
)
def test_windows_start_where_that_many_are_free(text, quantity, starts):
    assert list(positions(windows(mask(text), quantity))) == starts


@pytest.mark.parametrize(
    ("text", "clean", "plain"),
    [
        ("", [], []),
        (".", [1], [1]),
        ("..", [2], [1, 2]),
        (".x..", [1, 2], [1, 2]),
        ("....", [1, 2, 4], [1, 2, 3, 4]),
        ("...x....", [1, 2, 3, 4], [1, 2, 3, 4]),
        ("." * 11, [1, 2, 3, 4, 5, 6, 7, 8, 9], list(range(1, 11))),
        ("." * 12, list(range(1, 11)), list(range(1, 11))),
    ],
)
def test_a_run_has_clean_windows_of_all_sizes_but_its_own_less_one(text, clean, plain):
    sizes = sizes_of_runs(mask(text))
    assert level(sizes, CLEAN) == clean
    assert level(sizes, PLAIN) == plain
    assert sizes >> (2 * INDEX_MAX) == 0


@given(MASKS)
def test_the_lengths_of_runs_tell_the_same_as_every_window(general):
    assert sizes_of_runs(general) == sizes_of(general, general, general, 0)


@given(st.integers(3, 14), MASKS)
def test_a_ring_has_the_sizes_that_some_window_around_it_has(count, mask):
    free = {place for place in range(count) if mask >> place & 1}
    plain, clean = set(), set()
    for quantity in range(1, min(count, INDEX_MAX) + 1):
        for start in range(count):
            window = {(start + place) % count for place in range(quantity)}
            if window <= free:
                plain.add(quantity)
                if alone(free - window, count) <= alone(free, count):
                    clean.add(quantity)
    sizes = sizes_of_ring(mask & ((1 << count) - 1), count)
    assert set(level(sizes, PLAIN)) == plain
    assert set(level(sizes, CLEAN)) == clean
    assert sizes >> (2 * INDEX_MAX) == 0


def alone(free: set[int], count: int) -> set[int]:
    """Who sits at a round table without a free neighbour."""
    return {
        seat for seat in free if not free & {(seat - 1) % count, (seat + 1) % count}
    }


@given(MASKS, MASKS, MASKS, MASKS)
def test_each_level_has_the_sizes_that_some_window_has(
    company, seats, part, restricted
):
    expected: dict[int, set[int]] = {number: set() for number in range(6)}
    general = company & seats
    free = general & part
    for quantity in range(1, INDEX_MAX + 1):
        for start in positions(windows(free, quantity)):
            window = ((1 << quantity) - 1) << start
            closed = bool(window & restricted)
            expected[RESTRICTED if closed else PLAIN].add(quantity)
            if leaves_nobody_alone(window, general, company):
                expected[RESTRICTED_CLEAN if closed else CLEAN].add(quantity)
    sizes = sizes_of(general, company, free, restricted)
    for number, quantities in expected.items():
        assert set(level(sizes, number)) == quantities


@given(MASKS, MASKS, MASKS, MASKS)
def test_accessible_windows_have_an_accessible_seat(company, seats, part, accessible):
    general = company & seats & ~accessible
    free = company & part
    found, clean = [], []
    for quantity in range(1, INDEX_MAX + 1):
        those = [
            ((1 << quantity) - 1) << start
            for start in positions(windows(free, quantity))
        ]
        those = [window for window in those if window & accessible]
        if those:
            found.append(quantity)
        if any(leaves_nobody_alone(window, general, company) for window in those):
            clean.append(quantity)
    sizes = sizes_with(general, company, free, accessible)
    assert level(sizes, ACCESSIBLE) == found
    assert level(sizes, ACCESSIBLE_CLEAN) == clean


def leaves_nobody_alone(window: int, general: int, company: int) -> bool:
    left = company & ~window
    after = general & left & ~(left << 1 | left >> 1)
    return not after & (company << 1 | company >> 1)


@given(st.integers(1, 1 << 200), st.integers(0, 210))
def test_the_next_bit_is_the_first_from_there_going_around(bits, position):
    places = list(positions(bits))
    later = [place for place in places if place >= position]
    assert next_bit(bits, position) == (later or places)[0]


def test_positions_are_those_of_the_bits():
    assert list(positions(0b10110)) == [1, 2, 4]
    assert list(positions(0)) == []


def test_mix_spreads_neighbouring_salts_and_numbers():
    mixed = {mix(salt, number) for salt in range(100) for number in range(100)}
    assert len(mixed) == 10_000
    assert max(mixed) < 1 << 64
    thirds = [sum(bits % 3 == third for bits in mixed) for third in range(3)]
    assert all(3_100 < count < 3_570 for count in thirds)
