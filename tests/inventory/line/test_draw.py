"""The draw's bytes: one whole draw from its specification, and one of each rule."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.line import draw
from inventory.line.canonical import NotCanonical, decode, encode
from inventory.line.draw import QUICKNET, Rules

WHOLE = Path(__file__).with_name("whole.ndjson")
RECORDS = [decode(line) for line in WHOLE.read_bytes().splitlines()]
OPEN, PUT_OFF, FIXED, DRAWN, SEGMENT, LATE = (RECORDS[at] for at in (2, 3, 4, 6, 7, 8))
RULES = msgspec.convert(OPEN["rules"], Rules)

SEED = bytes(range(32))
EMPTY = "fdc06ece25d2988f2dee672e023a6475080778322ab285942d5204dd9bc1767d"
ROOT = bytes.fromhex("ef81ba2699e8556c573014d92f1daaee01d426046f4798c0b39d44e2d86ba4f2")
KEY = bytes.fromhex("006f64877e790fd2bfdc2b02f0f6a0041f9d01f0d3608d2b8a7dc45ced315caa")
ENTRANTS = {
    # By rank: id, stub, bucket.
    "entrant-0000000000000001": ("b92c56fff7fc343319f60fff898e7fc0", 740),
    "entrant-0000000000000002": ("2df3b943fadb850212a5edcbec2ecc89", 183),
    "entrant-0000000000000006": ("84b946277092a06375353d1d2670d988", 530),
    "entrant-0000000000000004": ("6840939ff4825f4d8f90989861948d38", 417),
    "entrant-0000000000000007": ("d9ff0b703b636a10a0383755ce59a00c", 871),
    "entrant-0000000000000003": ("83b9f413cfd24ac711fb4d28b21ff3e8", 526),
    "entrant-0000000000000005": ("fed240a9d66aa6ec2f7333a1425f0109", 1019),
    "entrant-0000000000000044": ("b92b4b6d10d8df79930a00ba6a35994d", 740),
}
LATECOMERS = {
    "late-entry-0000000000001": "d7eb59cb70ef00d11b1f77f4a3d92222",
    "late-entry-0000000000003": "3f55f3d38418d1e2381ed2ca2d814201",
    "late-entry-0000000000002": "102bd7ca0d65ec3accc62c0883b330e2",
}
BUCKET_HASHES = {
    740: "086377420b654e8bc886ecbd7f20ab61d7d4a840e3f73e74a42f7ff29f6c0ae7",
    183: "e894d9efb4fc095e85b27b3e5a28a142f178c4996aa3ca69311539b1d0468359",
    530: "4fdc2bee4cc53322445a279ef3ea2d5a73706f8033570517db66e85134460d26",
    417: "5d801c6f4685a75b5a2debad12b848eebfdb86f4b96d7da53d454397898df0ad",
    871: "7ee0059d993ce52956b7dcb15bc110f3399a1f313df274a368838602758128d5",
    526: "6094256b2437a3857ec89dc2d2a4035e17f57786c25c83b3cd16089615e22890",
    1019: "9132841e74a999613c43007bb7c7d6b185d8269434d1a7b36a5e47a9347c5d06",
}
STUBS = [bytes.fromhex(stub) for stub, _ in ENTRANTS.values()]
A_STUB = st.binary(min_size=16, max_size=16)


def test_stubs_and_buckets_are_those_of_the_ids():
    for entry, (stub, bucket) in ENTRANTS.items():
        assert draw.stub_of(entry).hex() == stub
        assert draw.bucket_of(bytes.fromhex(stub)) == bucket
    for entry, stub in LATECOMERS.items():
        assert draw.stub_of(entry).hex() == stub


def test_rules_are_hashed_as_they_are_published():
    assert draw.text_of(RULES) == encode(OPEN["rules"])
    assert draw.rules_of(draw.text_of(RULES)) == RULES
    assert draw.rules_hash_of(RULES).hex() == OPEN["rules_hash"]
    assert draw.fault_of(RULES) is None


def test_rules_have_all_members_and_no_others():
    for changed in (
        {**OPEN["rules"], "colour": "red"},
        {name: value for name, value in OPEN["rules"].items() if name != "turn_s"},
        {**OPEN["rules"], "mode": "luck"},
        {**OPEN["rules"], "turn_s": True},
    ):
        with pytest.raises(msgspec.ValidationError):
            draw.rules_of(encode(changed))
    without = {name: value for name, value in OPEN["rules"].items() if name != "skip"}
    for text in (encode(without), draw.text_of(RULES) + b" "):
        with pytest.raises(NotCanonical):
            draw.rules_of(text)


def test_the_seed_opens_the_commitment():
    found = draw.commitment_of(SEED, draw.rules_hash_of(RULES))
    assert found.hex() == OPEN["commitment"]


def test_the_former_draw_opens_too():
    former = RECORDS[1]
    rules = msgspec.convert(former["rules"], Rules)
    assert draw.fault_of(rules) is None
    found = draw.commitment_of(bytes(range(0x40, 0x60)), draw.rules_hash_of(rules))
    assert found.hex() == former["commitment"]


def test_quicknet_names_itself():
    assert draw.chain_of(QUICKNET) == QUICKNET.chain
    assert RULES.beacon == QUICKNET


def test_rounds_come_out_when_they_do():
    assert draw.time_of(QUICKNET, 1) == 1_692_803_367_000
    assert draw.time_of(QUICKNET, 657_413) == 1_694_775_603_000
    for at_ms, number in (
        (0, 1),
        (1_692_803_367_000, 1),
        (1_692_803_367_001, 2),
        (1_692_803_370_000, 2),
        (1_694_775_603_000, 657_413),
        (1_694_775_602_999, 657_413),
        (1_694_775_600_000, 657_412),
    ):
        assert draw.first_round(QUICKNET, at_ms) == number


@given(st.integers(0, 2**42))
def test_the_first_round_after_a_time_is_the_first(at_ms):
    number = draw.first_round(QUICKNET, at_ms)
    assert draw.time_of(QUICKNET, number) >= at_ms
    assert number == 1 or draw.time_of(QUICKNET, number - 1) < at_ms


def test_a_round_is_put_off_to_the_one_that_follows_from_the_rule():
    found = draw.next_round(
        QUICKNET, PUT_OFF["void"], PUT_OFF["at_ms"], RULES.fix_within_s
    )
    assert found == PUT_OFF["round"]
    # The next one at least, though the void one is far ahead.
    assert draw.next_round(QUICKNET, 900_000, PUT_OFF["at_ms"], 6) == 900_001


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"draw": 0}, "draw is 0"),
        ({"fix_within_s": 1}, "fix_within_s is 1"),
        ({"fix_within_s": 601}, "fix_within_s is 601"),
        ({"beacon_wait_s": -1}, "beacon_wait_s is -1"),
        ({"beacon_wait_s": 86_401}, "beacon_wait_s is 86,401"),
        ({"turn_s": 0}, "turn_s is 0"),
        ({"offer_s": 86_401}, "offer_s is 86,401"),
        ({"late_step_ms": 300}, "late_step_ms is 300"),
        ({"closes_at_ms": None}, "closes_at_ms does not go with mode draw"),
        ({"opens_at_ms": None}, "opens_at_ms does not go with mode draw"),
        ({"opens_at_ms": 1_694_775_588_999}, "it opens before it closes"),
        ({"closes_at_ms": -1}, "a time is before 1970"),
        ({"round": 657_412}, "the round is not the first after the list is fixed"),
        ({"round": None}, "the round is not the first after the list is fixed"),
        ({"beacon": None}, "a beacon is waited for that is not named"),
        (
            {"beacon": None, "round": None, "without_beacon": "wait"},
            "a beacon is waited for that is not named",
        ),
        ({"mode": "fifo"}, "closes_at_ms does not go with mode fifo"),
        ({"mode": "list"}, "closes_at_ms does not go with mode list"),
        (
            {"mode": "fifo", "closes_at_ms": None},
            "a beacon does not go with mode fifo",
        ),
    ],
)
def test_rules_that_cannot_be_kept_are_found(change, told):
    assert draw.fault_of(msgspec.structs.replace(RULES, **change)) == told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": "slownet"}, "the beacon is not the one that its chain names"),
        ({"scheme": "other"}, "the beacon is not the one that its chain names"),
        ({"genesis_s": 1}, "the beacon is not the one that its chain names"),
        ({"period_s": 0}, "the beacon's times are none"),
        ({"genesis_s": -1}, "the beacon's times are none"),
        ({"period_s": 2**32}, "the beacon's times are none"),
        ({"group": "AB" * 32}, "the beacon's key or group is not spelled as they are"),
        ({"public_key": "ab"}, "the beacon's key or group is not spelled as they are"),
        ({"group": "zz" * 32}, "the beacon's key or group is not spelled as they are"),
    ],
)
def test_a_beacon_that_is_not_what_it_says_is_found(change, told):
    beacon = msgspec.structs.replace(QUICKNET, **change)
    rules = msgspec.structs.replace(RULES, beacon=beacon)
    assert draw.fault_of(rules) == told


@pytest.mark.parametrize(
    "change",
    [
        {"beacon": None, "round": None},
        {"mode": "fifo", "beacon": None, "round": None, "closes_at_ms": None},
        {
            "mode": "list",
            "beacon": None,
            "round": None,
            "closes_at_ms": None,
            "opens_at_ms": None,
        },
        {"without_beacon": "wait", "beacon_wait_s": 0},
    ],
)
def test_rules_that_can_be_kept_are_sound(change):
    assert draw.fault_of(msgspec.structs.replace(RULES, **change)) is None


def test_the_root_is_that_of_the_list():
    assert draw.entrants_root(STUBS) == ROOT
    assert draw.entrants_root(reversed(STUBS)) == ROOT
    assert ROOT.hex() == FIXED["root"]
    assert draw.shown(ROOT) == "ef81 ba26 99e8 556c 5730 14d9 2f1d aaee"


def test_each_bucket_has_its_hash():
    buckets = draw.buckets_of(sorted(STUBS))
    assert len(buckets) == draw.BUCKETS
    for bucket, stubs in enumerate(buckets):
        expected = BUCKET_HASHES.get(bucket, EMPTY)
        assert draw.bucket_hash_of(stubs).hex() == expected


@given(st.sets(A_STUB, max_size=40))
def test_every_stub_is_in_its_bucket_and_in_no_other(stubs):
    buckets = draw.buckets_of(sorted(stubs))
    assert b"".join(buckets) == b"".join(sorted(stubs))
    for bucket, own in enumerate(buckets):
        assert all(draw.bucket_of(stub) == bucket for stub in draw.split(own))


def test_nobody_is_in_the_list_twice():
    with pytest.raises(ValueError, match="twice"):
        draw.entrants_root([*STUBS, STUBS[3]])


def test_a_piece_of_a_stub_is_none():
    assert draw.split(b"".join(STUBS)) == STUBS
    with pytest.raises(ValueError, match="whole"):
        draw.split(b"x" * 17)


def proof(bucket: int = 740) -> draw.BucketProof:
    buckets = draw.buckets_of(sorted(STUBS))
    return draw.proof_of(
        event=RULES.event,
        draw=2,
        entries=len(STUBS),
        hashes=[draw.bucket_hash_of(one) for one in buckets],
        bucket=bucket,
        stubs=buckets[bucket],
        ranks=None,
    )


@pytest.mark.parametrize("stub", STUBS)
def test_a_bucket_proves_that_a_stub_is_in_the_list(stub):
    told = proof(draw.bucket_of(stub))
    assert draw.is_proven(told, root=ROOT.hex(), stub=stub)


def without(stubs: str) -> str:
    return b64encode(b64decode(stubs)[16:]).decode()


def turned(stubs: str) -> str:
    own = draw.split(b64decode(stubs))
    return b64encode(b"".join(reversed(own))).decode()


BENT: dict[str, Callable[[draw.BucketProof], dict[str, Any]]] = {
    "one dropped": lambda one: {"stubs": without(one.stubs)},
    "turned round": lambda one: {"stubs": turned(one.stubs)},
    "one twice": lambda one: {"stubs": b64encode(STUBS[0] * 2).decode()},
    "of another bucket": lambda one: {"stubs": b64encode(STUBS[1]).decode()},
    "another count": lambda one: {"entries": one.entries + 1},
    "another place": lambda one: {"bucket": 739},
    "no bucket": lambda one: {"bucket": 1_024},
    "another root": lambda one: {"root": "00" * 32},
    "hashes missing": lambda one: {"hashes": b64encode(b"").decode()},
    "no base64": lambda one: {"hashes": "?"},
    "half a stub": lambda one: {"stubs": b64encode(b"half").decode()},
}


@pytest.mark.parametrize("bend", BENT.values(), ids=list(BENT))
def test_a_bucket_that_was_changed_proves_nothing(bend):
    told = msgspec.structs.replace(proof(), **bend(proof()))
    assert not draw.is_proven(told, root=ROOT.hex(), stub=STUBS[0])


def test_a_bucket_proves_nothing_of_another_list_or_stub():
    assert not draw.is_proven(proof(), root="00" * 32, stub=STUBS[0])
    assert not draw.is_proven(proof(), root=ROOT.hex(), stub=STUBS[1])


def test_who_is_put_into_another_bucket_is_not_in_the_list():
    """A root can be made of such a list: nobody finds themselves in it."""
    buckets = [b""] * draw.BUCKETS
    buckets[3] = STUBS[0]
    hashes = [draw.bucket_hash_of(one) for one in buckets]
    told = draw.proof_of(
        event=RULES.event,
        draw=2,
        entries=1,
        hashes=hashes,
        bucket=3,
        stubs=STUBS[0],
        ranks=None,
    )
    root = draw.root_of(1, hashes).hex()
    assert not draw.is_proven(told, root=root, stub=STUBS[0])


@pytest.mark.parametrize(
    ("ranks", "proven"),
    [
        ([8, 1], True),
        # Between them are others: how many cannot be seen in one bucket.
        ([9, 4], True),
        ([1, 8], False),
        ([1, 1], False),
        ([8], False),
        (None, False),
    ],
)
def test_ranks_of_a_bucket_stand_in_the_order_of_the_draw(ranks, proven):
    told = msgspec.structs.replace(proof(), ranks=ranks)
    assert draw.is_proven(told, root=ROOT.hex(), stub=STUBS[0], key=KEY) == proven
    assert draw.is_proven(told, root=ROOT.hex(), stub=STUBS[0])


def test_the_statement_is_signed_as_it_is_told():
    statement = draw.Statement(
        at_ms=FIXED["at_ms"],
        commitment=OPEN["commitment"],
        draw=2,
        entries=8,
        event=RULES.event,
        root=FIXED["root"],
        round=FIXED["round"],
        round_at_ms=draw.time_of(QUICKNET, FIXED["round"]),
    )
    prefix = b"onsale line fixed 1\n"
    assert draw.fixed_bytes(statement).startswith(prefix)
    assert (
        sha256(draw.fixed_bytes(statement)[len(prefix) :]).hexdigest()
        == "826ea7adba9c1390fbb6b830d80e2a1b9cf788f27a51a48a28830fcd342e5cfc"
    )


def test_key_and_order_follow():
    randomness = draw.randomness_of(bytes.fromhex(DRAWN["signature"]))
    assert randomness.hex() == (
        "fc1873a13f3545aeade8401532ef5519920652eee6b0d2b19ca12643b87b3587"
    )
    assert draw.key_of(SEED, ROOT, randomness, draw.rules_hash_of(RULES)) == KEY
    assert draw.order_of(KEY, sorted(STUBS)) == STUBS
    assert draw.split(b64decode(SEGMENT["stubs"])) == STUBS
    assert draw.line_hash_of(STUBS).hex() == DRAWN["line_hash"]


def test_late_entries_have_an_order_of_their_own():
    late = [bytes.fromhex(stub) for stub in LATECOMERS.values()]
    assert draw.late_order_of(KEY, sorted(late)) == late
    assert draw.split(b64decode(LATE["stubs"])) == late
    assert draw.order_of(KEY, late) != late
    assert draw.is_in_order(KEY, late, late=True)
    assert not draw.is_in_order(KEY, late)


@given(st.sets(A_STUB, max_size=20), st.binary(min_size=32, max_size=32))
def test_order_is_known_again(stubs, key):
    ordered = draw.order_of(key, stubs)
    assert draw.is_in_order(key, ordered)
    assert not ordered or not draw.is_in_order(key, [*ordered, ordered[0]])
    assert len(ordered) < 2 or not draw.is_in_order(key, ordered[::-1])
