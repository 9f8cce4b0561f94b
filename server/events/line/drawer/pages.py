"""A list and an order cut into the rows that they are kept in: pure, off the loop."""

import sys

from inventory import limits
from inventory.line.draw import BUCKETS, STUB_BYTES, bucket_of, split
from persistence.events.line.lists import RANK_BYTES
from server.events.line.drawing.computing import Listed, Ordered


def buckets_of(listed: Listed) -> list[bytes]:
    """Return the stubs of all buckets, in order."""
    buckets, at = [], 0
    for count in listed.counts:
        end = at + STUB_BYTES * count
        buckets.append(listed.stubs[at:end])
        at = end
    return buckets


def order_of(order: Ordered, stubs: bytes) -> tuple[dict[int, bytes], list[bytes]]:
    """Return the segments of an order by first rank, and the ranks of each bucket.

    `stubs` are those that were ordered. Ranks are four bytes each, as of the bucket's
    stubs ascending.
    """
    size = STUB_BYTES * limits.LINE_FEED_MAX
    segments = {
        1 + at // STUB_BYTES: order.stubs[at : at + size]
        for at in range(0, len(order.stubs), size)
    }
    counts = [0] * BUCKETS
    for stub in split(stubs):
        counts[bucket_of(stub)] += 1
    packed = order.ranks[:]
    if sys.byteorder == "little":
        packed.byteswap()
    ranks = packed.tobytes()
    pages, at = [], 0
    for count in counts:
        end = at + RANK_BYTES * count
        pages.append(ranks[at:end])
        at = end
    return segments, pages
