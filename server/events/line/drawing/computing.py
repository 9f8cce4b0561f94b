"""The list and the order of a draw as functions over bytes, for a child process.

`python -m server.events.line.drawing.computing` does one job. Stubs are 16 bytes each,
in whatever order they were read; what comes back is in that order's numbers, so that
whoever asked finds the rest of each row again.
"""

from array import array
from hashlib import sha256
from typing import Final, NamedTuple

from inventory.line.draw import (
    BUCKETS,
    HASH_BYTES,
    STUB_BYTES,
    bucket_hash_of,
    buckets_of,
    line_hash_of,
    root_of,
    split,
)
from server.transport.children.child import run_job

FIX: Final = b"F"
ORDER: Final = b"O"
NUMBER: Final = "I"
"""How a number is packed: four bytes, as this machine has them."""


class Listed(NamedTuple):
    """A list that can be told: what is told of it, and what proves each bucket."""

    root: bytes
    hashes: list[bytes]
    """Of all buckets, in order."""
    counts: list[int]
    """How many stubs each bucket has."""
    stubs: bytes
    """Ascending, so that those of a bucket stand together."""

    def bucket(self, number: int) -> bytes:
        """Return the stubs of a bucket, ascending."""
        first = sum(self.counts[:number])
        last = first + self.counts[number]
        return self.stubs[STUB_BYTES * first : STUB_BYTES * last]


class Ordered(NamedTuple):
    """An order, by rank."""

    line_hash: bytes
    stubs: bytes
    rows: "array[int]"
    """Which row each rank is of, counted from 0 as they were given."""
    ranks: "array[int]"
    """Of the stubs in ascending order: what stands beside them in the buckets."""


class Twice(Exception):
    """A stub was given twice."""


def fix(stubs: bytes) -> bytes:
    """Return what `listed` reads: a list is sorted, and its root computed."""
    ascending = sorted(split(stubs))
    buckets = buckets_of(ascending)
    hashes = [bucket_hash_of(one) for one in buckets]
    counts = array(NUMBER, [len(one) // STUB_BYTES for one in buckets])
    unique = len(set(ascending)) == len(ascending)
    return b"".join(
        (
            bytes([unique]),
            root_of(len(ascending), hashes),
            *hashes,
            counts.tobytes(),
            *buckets,
        )
    )


def listed(answer: bytes) -> Listed:
    """Return a list from the bytes of it. Raises `Twice`."""
    if not answer[0]:
        raise Twice
    at = 1 + HASH_BYTES
    hashes = [
        answer[start : start + HASH_BYTES]
        for start in range(at, at + BUCKETS * HASH_BYTES, HASH_BYTES)
    ]
    counts = array(NUMBER)
    behind = at + BUCKETS * HASH_BYTES
    stubs = behind + BUCKETS * counts.itemsize
    counts.frombytes(answer[behind:stubs])
    return Listed(answer[1:at], hashes, counts.tolist(), answer[stubs:])


def order(key: bytes, stubs: bytes) -> bytes:
    """Return what `ordered` reads: stubs are put in the order that a key gives them."""
    own = split(stubs)
    # With stub and row behind it, each hash is told apart, and knows where it is from.
    keyed = sorted(
        sha256(key + stub).digest() + stub + row.to_bytes(4, "big")
        for row, stub in enumerate(own)
    )
    end = HASH_BYTES + STUB_BYTES
    line = [one[HASH_BYTES:end] for one in keyed]
    rows = array(NUMBER, [int.from_bytes(one[end:], "big") for one in keyed])
    rank_of = array(NUMBER, bytes(rows.itemsize * len(rows)))
    for rank, row in enumerate(rows, 1):
        rank_of[row] = rank
    ranks = array(NUMBER, [rank_of[row] for row in _ascending(own)])
    return b"".join((line_hash_of(line), *line, rows.tobytes(), ranks.tobytes()))


def ordered(answer: bytes) -> Ordered:
    """Return an order from the bytes of it."""
    rows, ranks = array(NUMBER), array(NUMBER)
    count = (len(answer) - HASH_BYTES) // (STUB_BYTES + 2 * rows.itemsize)
    line = HASH_BYTES + STUB_BYTES * count
    behind = line + rows.itemsize * count
    rows.frombytes(answer[line:behind])
    ranks.frombytes(answer[behind:])
    return Ordered(answer[:HASH_BYTES], answer[HASH_BYTES:line], rows, ranks)


def work(job: bytes) -> bytes:
    """Do a job: a letter says which, the rest is what it is about."""
    kind, rest = job[:1], job[1:]
    if kind == FIX:
        return fix(rest)
    return order(rest[:HASH_BYTES], rest[HASH_BYTES:])


def _ascending(stubs: list[bytes]) -> list[int]:
    return sorted(range(len(stubs)), key=stubs.__getitem__)


if __name__ == "__main__":
    run_job(work)
