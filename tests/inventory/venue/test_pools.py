"""One segment at a time: where its windows start, and which of them is the nearest."""

import pytest

from inventory.venue.pools import Pool, Segment, Share
from inventory.venue.windows import (
    ACCESSIBLE,
    ACCESSIBLE_CLEAN,
    CLEAN,
    INDEX_MAX,
    LEVELS,
    PLAIN,
    RESTRICTED,
    RESTRICTED_CLEAN,
)
from tests.inventory.venue.test_finder import draw


def share_of(row: str) -> Share:
    """The whole of a row, drawn as for the finder."""
    venue = draw(row)
    distances = [round(10 * distance) for distance in venue.focal_distances]
    (seats,) = venue.segments
    segment = Segment(0, seats, venue, distances)
    for position, mark in enumerate(row):
        if mark == "x":
            segment.free ^= 1 << position
    return Share(segment, (1 << len(row)) - 1, [Pool()])


@pytest.mark.parametrize(
    ("row", "level", "expected"),
    [
        (".....", PLAIN, [0, 1, 2, 3]),
        (".....", CLEAN, [0, 3]),
        ("..x..", CLEAN, [0, 3]),
        (".r...", PLAIN, [2, 3]),
        (".r...", RESTRICTED, [0, 1]),
        ("..w..", PLAIN, [0, 3]),
        ("..w..", ACCESSIBLE, [1, 2]),
        ("..w..", ACCESSIBLE_CLEAN, []),
        ("...w..", ACCESSIBLE_CLEAN, [2]),
        ("..w..", CLEAN, [0, 3]),
        ("x..w..", CLEAN, [1, 4]),
    ],
)
def test_windows_of_two_start(row, level, expected):
    starts = share_of(row).starts(level, 2)
    assert [place for place in range(len(row)) if starts >> place & 1] == expected


@pytest.mark.parametrize("row", [".....", "..x..", ".r.w.", "x.c.r", "." * 14])
def test_what_is_indexed_is_what_there_is(row):
    share = share_of(row)
    present = share.present()
    for level in LEVELS:
        if level in (RESTRICTED_CLEAN, RESTRICTED) and "r" not in row:
            continue
        for size in range(1, INDEX_MAX + 1):
            bit = present >> (level * INDEX_MAX + size - 1) & 1
            assert bool(bit) == bool(share.starts(level, size)), (level, size)


def test_the_nearest_window_is_on_either_side_of_the_middle():
    segment = share_of(".......").segment
    assert segment.window(0b0011111, 3)[1] == 2
    assert segment.window(0b0000001, 3)[1] == 0
    assert segment.window(0b0011001, 3)[1] == 3
