"""The arithmetic on masks, beside the same said with lists of free seats.

A mask is drawn from its lowest bit, the leftmost seat, on.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.venue.windows import (
    ACCESSIBLE,
    CLEAN,
    INDEX_MAX,
    PLAIN,
    RESTRICTED,
    RESTRICTED_CLEAN,
    mix,
    next_bit,
    positions,
    sizes_of,
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
    assert sizes_of_runs(general) == sizes_of(general, general, 0)


@given(MASKS, MASKS, MASKS)
def test_each_level_has_the_sizes_that_some_window_has(general, part, restricted):
    expected: dict[int, set[int]] = {number: set() for number in range(5)}
    free = general & part
    for quantity in range(1, INDEX_MAX + 1):
        for start in positions(windows(free, quantity)):
            window = ((1 << quantity) - 1) << start
            closed = bool(window & restricted)
            expected[RESTRICTED if closed else PLAIN].add(quantity)
            if singles(general & ~window) & ~singles(general) == 0:
                expected[RESTRICTED_CLEAN if closed else CLEAN].add(quantity)
    sizes = sizes_of(general, free, restricted)
    for number, quantities in expected.items():
        assert set(level(sizes, number)) == quantities


@given(MASKS, MASKS)
def test_accessible_windows_have_an_accessible_seat(free, accessible):
    expected = [
        quantity
        for quantity in range(1, INDEX_MAX + 1)
        if any(
            ((1 << quantity) - 1) << start & accessible
            for start in positions(windows(free, quantity))
        )
    ]
    assert level(sizes_with(free, accessible), ACCESSIBLE) == expected


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


def singles(free: int) -> int:
    return free & ~(free << 1) & ~(free >> 1)
