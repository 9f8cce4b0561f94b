"""The draw of a line, byte for byte: what is promised, what is fixed, what follows.

All of it are functions of what is written down in public, so that anybody can do it
again: docs/fairness.md says how it holds together. Hashes are SHA-256; numbers in what
is hashed are unsigned and big-endian; times are Unix milliseconds.
"""

from base64 import b64decode, b64encode
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from inventory.line import canonical

STUB_BYTES: Final = 16
BUCKETS: Final = 1_024
HASH_BYTES: Final = 32
NO_RANDOMNESS: Final = bytes(HASH_BYTES)
"""What stands for a beacon's randomness where there was none."""
LATE_STEP_MS: Final = 250
FORMAT: Final = "onsale line 1"

_ENTRY: Final = b"onsale entry 1\n"
_COMMITMENT: Final = b"onsale line commitment 1\n"
_BUCKET: Final = b"onsale line bucket 1\n"
_ENTRANTS: Final = b"onsale line entrants 1\n"
_FIXED: Final = b"onsale line fixed 1\n"
_KEY: Final = b"onsale line key 1\n"
_LATE: Final = b"late"
_ORDER: Final = b"onsale line order 1\n"

TEXT_MAX: Final = 500
"""How many characters a string has at most in what is published."""

Count = Annotated[int, Meta(ge=0, le=canonical.INTEGER_MAX)]
Text = Annotated[str, Meta(max_length=TEXT_MAX)]
Mode = Literal["draw", "fifo", "list"]
Source = Literal["beacon", "seed_only", "none"]


# -- What is promised


class Beacon(Struct, frozen=True, forbid_unknown_fields=True):
    """A source of rounds that nobody knows before their time. `chain` names it."""

    chain: Text
    genesis_s: Count
    group: Text
    id: Text
    period_s: Count
    public_key: Text
    scheme: Text


SCHEME: Final = "bls-unchained-g1-rfc9380"
QUICKNET: Final = Beacon(
    chain="52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971",
    genesis_s=1_692_803_367,
    group="f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e",
    id="quicknet",
    period_s=3,
    public_key=(
        "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c"
        "8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb"
        "5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
    ),
    scheme=SCHEME,
)
"""The League of Entropy's network that has a round every three seconds."""


class Rules(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is promised before anybody joins; its hash goes into everything after."""

    beacon: Beacon | None
    beacon_wait_s: Count
    closes_at_ms: Count | None
    draw: Count
    event: Text
    fix_within_s: Count
    format: Literal["onsale line 1"] = FORMAT
    late_step_ms: Count = LATE_STEP_MS
    mode: Mode
    offer_s: Count
    opens_at_ms: Count | None
    round: Count | None
    serve_away: bool
    skip: Literal["first_that_fits"] = "first_that_fits"
    turn_s: Count
    without_beacon: Literal["seed_only", "wait"]


def text_of(rules: Rules) -> bytes:
    """Return rules as they are published, which is what is hashed."""
    return canonical.encode(msgspec.to_builtins(rules))


def rules_of(text: bytes) -> Rules:
    """Return rules as they were published.

    Raises `NotCanonical` where the bytes are another spelling, and msgspec's
    ValidationError where they are no rules.
    """
    rules = msgspec.convert(canonical.decode(text), Rules)
    if text_of(rules) != text:
        raise canonical.NotCanonical("A member is missing.")
    return rules


def rules_hash_of(rules: Rules) -> bytes:
    """Return the hash of rules."""
    return sha256(text_of(rules)).digest()


def fault_of(rules: Rules) -> str | None:
    """Return what rules promise that no draw can keep; None where they are sound."""
    drawn = rules.mode == "draw"
    numbers: dict[str, tuple[int, int, int]] = {
        "draw": (rules.draw, 1, canonical.INTEGER_MAX),
        "fix_within_s": (rules.fix_within_s, 2, 600),
        "beacon_wait_s": (rules.beacon_wait_s, 0, 86_400),
        "turn_s": (rules.turn_s, 1, 86_400),
        "offer_s": (rules.offer_s, 1, 86_400),
        "late_step_ms": (rules.late_step_ms, LATE_STEP_MS, LATE_STEP_MS),
    }
    wrong = next(
        (
            f"{name} is {value:,}"
            for name, (value, least, most) in numbers.items()
            if not least <= value <= most
        ),
        None,
    )
    if wrong is not None:
        return wrong
    if drawn != (rules.closes_at_ms is not None):
        return f"closes_at_ms does not go with mode {rules.mode}"
    if (rules.mode != "list") != (rules.opens_at_ms is not None):
        return f"opens_at_ms does not go with mode {rules.mode}"
    if min(rules.closes_at_ms or 0, rules.opens_at_ms or 0) < 0:
        return "a time is before 1970"
    if drawn and (rules.opens_at_ms or 0) < (rules.closes_at_ms or 0):
        return "it opens before it closes"
    if rules.beacon is None:
        if rules.round is not None or rules.without_beacon != "seed_only":
            return "a beacon is waited for that is not named"
        return None
    if rules.closes_at_ms is None:
        return f"a beacon does not go with mode {rules.mode}"
    wrong = beacon_fault_of(rules.beacon)
    if wrong is None and rules.round != first_round(
        rules.beacon, rules.closes_at_ms + 1_000 * rules.fix_within_s
    ):
        return "the round is not the first after the list is fixed"
    return wrong


def beacon_fault_of(beacon: Beacon) -> str | None:
    """Return why a beacon is not what it says it is; None where it is."""
    if not (_is_hex(beacon.public_key, 96) and _is_hex(beacon.group, HASH_BYTES)):
        return "the beacon's key or group is not spelled as they are"
    if not (0 < beacon.period_s < 2**32 and beacon.genesis_s >= 0):
        return "the beacon's times are none"
    if beacon.scheme != SCHEME or beacon.chain != chain_of(beacon):
        return "the beacon is not the one that its chain names"
    return None


def _is_hex(text: str, count: int) -> bool:
    try:
        return len(text) == 2 * count and bytes.fromhex(text).hex() == text
    except ValueError:
        return False


def commitment_of(seed: bytes, rules_hash: bytes) -> bytes:
    """Return what is published instead of a seed, before it is."""
    return sha256(_COMMITMENT + seed + rules_hash).digest()


# -- Rounds


def chain_of(beacon: Beacon) -> str:
    """Return the name that follows from what a beacon is."""
    return sha256(
        beacon.period_s.to_bytes(4, "big")
        + beacon.genesis_s.to_bytes(8, "big")
        + bytes.fromhex(beacon.public_key)
        + bytes.fromhex(beacon.group)
        + beacon.id.encode()
    ).hexdigest()


def time_of(beacon: Beacon, number: int) -> int:
    """Return when a round comes out, in ms."""
    return 1_000 * (beacon.genesis_s + (number - 1) * beacon.period_s)


def first_round(beacon: Beacon, at_ms: int) -> int:
    """Return the first round that comes out at a time or after it."""
    after_ms = at_ms - 1_000 * beacon.genesis_s
    return max(1, 1 - -after_ms // (1_000 * beacon.period_s))


def next_round(beacon: Beacon, void: int, at_ms: int, fix_within_s: int) -> int:
    """Return the round that a void one is put off to: there is no choice."""
    return max(void + 1, first_round(beacon, at_ms + 1_000 * fix_within_s))


def randomness_of(signature: bytes) -> bytes:
    """Return the randomness of a round from its signature."""
    return sha256(signature).digest()


# -- Entrants


def stub_of(entry: str) -> bytes:
    """Return the public stub of an entry's secret id."""
    return sha256(_ENTRY + entry.encode("ascii")).digest()[:STUB_BYTES]


def bucket_of(stub: bytes) -> int:
    """Return the bucket of a stub: its first 10 bits."""
    return stub[0] << 2 | stub[1] >> 6


def split(stubs: bytes) -> list[bytes]:
    """Return the single stubs of a row. Raises ValueError for a piece of one."""
    if len(stubs) % STUB_BYTES:
        raise ValueError("These are not whole stubs.")
    return [stubs[at : at + STUB_BYTES] for at in range(0, len(stubs), STUB_BYTES)]


def buckets_of(ascending: Sequence[bytes]) -> list[bytes]:
    """Return the stubs of each bucket in a row, from all of them in ascending order."""
    starts = [
        bisect_left(ascending, (bucket << 6).to_bytes(2, "big"))
        for bucket in range(BUCKETS)
    ]
    ends = [*starts[1:], len(ascending)]
    return [
        b"".join(ascending[start:end]) for start, end in zip(starts, ends, strict=True)
    ]


def bucket_hash_of(stubs: bytes) -> bytes:
    """Return the hash of a bucket's stubs, which are in ascending order."""
    return sha256(_BUCKET + stubs).digest()


def root_of(entries: int, hashes: Iterable[bytes]) -> bytes:
    """Return the root of a list from the hashes of all its buckets, in order."""
    count = entries.to_bytes(8, "big")
    return sha256(_ENTRANTS + count + b"".join(hashes)).digest()


def entrants_root(stubs: Iterable[bytes]) -> bytes:
    """Return the root of a list of stubs. Raises ValueError where one is twice."""
    ascending = sorted(stubs)
    if any(a == b for a, b in pairwise(ascending)):
        raise ValueError("A stub is there twice.")
    return root_of(len(ascending), map(bucket_hash_of, buckets_of(ascending)))


def shown(root: bytes) -> str:
    """Return a root as people compare it: 32 digits in groups of four."""
    digits = root.hex()[:32]
    return " ".join(digits[at : at + 4] for at in range(0, 32, 4))


class BucketProof(Struct, frozen=True, forbid_unknown_fields=True):
    """One bucket with what is needed to tie it to the root: what a page checks."""

    bucket: int
    draw: int
    entries: int
    event: str
    hashes: str
    ranks: list[int] | None
    root: str
    stubs: str


def proof_of(
    *,
    event: str,
    draw: int,
    entries: int,
    hashes: Sequence[bytes],
    bucket: int,
    stubs: bytes,
    ranks: list[int] | None,
) -> BucketProof:
    """Return the proof of a bucket; `hashes` are those of all buckets, in order."""
    others = b"".join([*hashes[:bucket], *hashes[bucket + 1 :]])
    return BucketProof(
        bucket=bucket,
        draw=draw,
        entries=entries,
        event=event,
        hashes=b64encode(others).decode(),
        ranks=ranks,
        root=root_of(entries, hashes).hex(),
        stubs=b64encode(stubs).decode(),
    )


def is_proven(
    proof: BucketProof, *, root: str, stub: bytes, key: bytes | None = None
) -> bool:
    """Return whether a proof shows that a stub is in the list that has this root.

    With the key of the draw the ranks of its bucket have to be in the order of it.
    """
    try:
        stubs = split(b64decode(proof.stubs, validate=True))
        others = b64decode(proof.hashes, validate=True)
    except ValueError:
        return False
    if len(others) != HASH_BYTES * (BUCKETS - 1) or not 0 <= proof.bucket < BUCKETS:
        return False
    if any(bucket_of(one) != proof.bucket for one in stubs):
        return False
    if stubs != sorted(set(stubs)) or stub not in stubs:
        return False
    if key is not None and not _are_ranks(proof.ranks, key, stubs):
        return False
    at = HASH_BYTES * proof.bucket
    own = bucket_hash_of(b"".join(stubs))
    found = root_of(proof.entries, [others[:at], own, others[at:]]).hex()
    return found == proof.root == root


def _are_ranks(ranks: list[int] | None, key: bytes, stubs: list[bytes]) -> bool:
    """Return whether ranks of stubs ascend as their hashes do."""
    if ranks is None or len(ranks) != len(stubs) or len(set(ranks)) != len(ranks):
        return False
    by_rank = [stub for _, stub in sorted(zip(ranks, stubs, strict=True))]
    return is_in_order(key, by_rank)


# -- The list is told


class Statement(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is told, signed, when the list is fixed and before its round is out."""

    at_ms: Count
    commitment: Text
    draw: Count
    entries: Count
    event: Text
    root: Text
    round: Count | None
    round_at_ms: Count | None


def fixed_bytes(statement: Statement) -> bytes:
    """Return what the signature under a statement is over."""
    return _FIXED + canonical.encode(msgspec.to_builtins(statement))


# -- Key and order


def key_of(seed: bytes, root: bytes, randomness: bytes, rules_hash: bytes) -> bytes:
    """Return the key of a draw, from which the whole order follows."""
    return sha256(_KEY + seed + root + randomness + rules_hash).digest()


def order_of(key: bytes, stubs: Iterable[bytes]) -> list[bytes]:
    """Return the entrants' stubs in the order of their ranks."""
    return _by_hash(key, stubs)


def late_order_of(key: bytes, stubs: Iterable[bytes]) -> list[bytes]:
    """Return the stubs of one late step in the order of their ranks."""
    return _by_hash(key + _LATE, stubs)


def is_in_order(key: bytes, stubs: Iterable[bytes], *, late: bool = False) -> bool:
    """Return whether stubs stand in the order that a key gives them, none twice."""
    prefix = key + _LATE if late else key
    last = b""
    for stub in stubs:
        own = sha256(prefix + stub).digest() + stub
        if own <= last:
            return False
        last = own
    return True


def line_hash_of(stubs: Sequence[bytes]) -> bytes:
    """Return the hash of an order: of all entrants' stubs by rank."""
    count = len(stubs).to_bytes(8, "big")
    return sha256(_ORDER + count + b"".join(stubs)).digest()


def _by_hash(prefix: bytes, stubs: Iterable[bytes]) -> list[bytes]:
    # With its stub behind it, a hash that two have alike is settled by the stub.
    keyed = sorted(sha256(prefix + stub).digest() + stub for stub in stubs)
    return [one[HASH_BYTES:] for one in keyed]
