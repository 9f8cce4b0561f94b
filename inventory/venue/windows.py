"""Windows of free seats in a segment, as arithmetic on bit masks.

Bit i of a mask stands for the i-th seat of the segment. `finder` says what the words
mean: window, clean, company, level.
"""

from collections.abc import Iterator

INDEX_MAX = 10
"""Windows up to this many seats are indexed; larger ones are looked for in the segments
that have a window of this many."""

CLEAN, PLAIN, RESTRICTED_CLEAN, RESTRICTED, ACCESSIBLE_CLEAN, ACCESSIBLE = range(6)
GENERAL_LEVELS = (CLEAN, PLAIN, RESTRICTED_CLEAN, RESTRICTED)
ACCESSIBLE_LEVELS = (ACCESSIBLE_CLEAN, ACCESSIBLE)
LEVELS = (*GENERAL_LEVELS, *ACCESSIBLE_LEVELS)
CLEAN_LEVELS = (CLEAN, RESTRICTED_CLEAN, ACCESSIBLE_CLEAN)

_PLAIN_SHIFT = PLAIN * INDEX_MAX
_RESTRICTED_CLEAN_SHIFT = RESTRICTED_CLEAN * INDEX_MAX
_RESTRICTED_SHIFT = RESTRICTED * INDEX_MAX
_ACCESSIBLE_CLEAN_SHIFT = ACCESSIBLE_CLEAN * INDEX_MAX
_ACCESSIBLE_SHIFT = ACCESSIBLE * INDEX_MAX
_ALL_SIZES = (1 << INDEX_MAX) - 1

_WORD = (1 << 64) - 1


def mix(salt: int, number: int) -> int:
    """64 well-spread bits from two numbers (the finaliser of splitmix64)."""
    bits = (salt + (number + 1) * 0x9E3779B97F4A7C15) & _WORD
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & _WORD
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & _WORD
    return bits ^ bits >> 31


def windows(free: int, quantity: int) -> int:
    """Where `quantity` bits in a row start, by doubling what is known to be free."""
    known = 1
    while known < quantity:
        step = min(known, quantity - known)
        free &= free >> step
        known += step
    return free


def sizes_of_runs(general: int) -> int:
    """`sizes_of` all general seats of a segment, from the lengths of its runs.

    A run of n + 1 has no clean window of n; every other run that is long enough has.
    """
    two = general & general >> 1
    four = two & two >> 2
    if four & four >> 4 & four >> 8:
        return _ALL_SIZES | _ALL_SIZES << _PLAIN_SHIFT
    length = 0
    starts, longer = 0, general
    while longer:
        length += 1
        starts, longer = longer, longer & general >> length
    plain = (1 << length) - 1
    clean = plain
    if length > 1 and not windows(general, length - 1) & ~(starts | starts << 1):
        clean ^= 1 << (length - 2)
    return clean & _ALL_SIZES | (plain & _ALL_SIZES) << _PLAIN_SHIFT


def sizes_of_ring(free: int, count: int) -> int:
    """`sizes_of` all the seats of a ring of `count`, all of them general.

    With a seat taken it is a line from there. All free, only a window of all but one
    leaves somebody alone.
    """
    taken = ~free & ((1 << count) - 1)
    if taken:
        begin = (taken & -taken).bit_length()
        return sizes_of_runs(free >> begin | (free << (count - begin) & ~(-1 << count)))
    plain = (1 << count) - 1
    clean = plain & ~(1 << (count - 2))
    return clean & _ALL_SIZES | (plain & _ALL_SIZES) << _PLAIN_SHIFT


def sizes_of(general: int, company: int, free: int, restricted: int) -> int:
    """Which general levels and sizes have windows in `free`, a part of `general`.

    `company` are all free seats, `general` those that can be left alone.
    """
    first_after = (general & ~(company << 1)) << 1
    last = general & ~(company >> 1)
    if not free & restricted:
        return _sizes_open(free, first_after, last)
    open_view = open_windows = free & ~restricted
    windows = free
    sizes = 0
    for quantity in range(1, INDEX_MAX + 1):
        if not windows:
            break
        bit = 1 << (quantity - 1)
        clean = ~(first_after | last >> quantity)
        closed = windows & ~open_windows
        if open_windows:
            sizes |= bit << _PLAIN_SHIFT
            if open_windows & clean:
                sizes |= bit
        if closed:
            sizes |= bit << _RESTRICTED_SHIFT
            if closed & clean:
                sizes |= bit << _RESTRICTED_CLEAN_SHIFT
        windows &= free >> quantity
        open_windows &= open_view >> quantity
    return sizes


def _sizes_open(free: int, first_after: int, last: int) -> int:
    """`sizes_of` seats without restricted view."""
    windows = free
    plain = clean = 0
    for quantity in range(1, INDEX_MAX + 1):
        if not windows:
            break
        bit = 1 << (quantity - 1)
        plain |= bit
        if windows & ~(first_after | last >> quantity):
            clean |= bit
        windows &= free >> quantity
    return clean | plain << _PLAIN_SHIFT


def sizes_with(general: int, company: int, free: int, accessible: int) -> int:
    """Which accessible levels and sizes have windows in `free`, a part of `company`."""
    if not free & accessible:
        return 0
    first_after = (general & ~(company << 1)) << 1
    last = general & ~(company >> 1)
    others = without = free & ~accessible
    windows = free
    sizes = 0
    for quantity in range(1, INDEX_MAX + 1):
        found = windows & ~without
        if found:
            bit = 1 << (quantity - 1)
            sizes |= bit << _ACCESSIBLE_SHIFT
            if found & ~(first_after | last >> quantity):
                sizes |= bit << _ACCESSIBLE_CLEAN_SHIFT
        windows &= free >> quantity
        without &= others >> quantity
    return sizes


def positions(bits: int) -> Iterator[int]:
    """The positions of the bits set, lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def next_bit(bits: int, position: int) -> int:
    """The first bit set at or after a position, else the first of all."""
    above = bits >> position
    if above:
        return position + (above & -above).bit_length() - 1
    return (bits & -bits).bit_length() - 1
