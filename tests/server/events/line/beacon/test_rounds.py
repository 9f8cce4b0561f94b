"""A round is good by its beacon's key, and by nothing else."""

import pytest
from msgspec.structs import replace

from inventory.line.draw import QUICKNET, beacon_fault_of
from server.events.line.beacon.relay import OwnBeacon
from server.events.line.beacon.rounds import is_good

# As it came out, from the specification of the draw.
NUMBER = 657_413
SIGNATURE = bytes.fromhex(
    "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be"
    "41076862b98fad56e91a6b85b89cd97b"
)
IDENTITY = bytes([0xC0]) + bytes(47)
ODD_IDENTITY = bytes([0xE0]) + bytes(46) + b"\x01"
# On the curve, and in none of its subgroups that count.
STRAY = bytes([0x80]) + bytes(46) + b"\x04"
OWN = OwnBeacon(b"a secret", genesis_s=1_700_000_000)


def test_a_round_of_quicknet_is_known_again():
    assert is_good(QUICKNET, NUMBER, SIGNATURE)
    assert not is_good(QUICKNET, NUMBER - 1, SIGNATURE)


@pytest.mark.parametrize(
    "signature",
    [
        IDENTITY,
        ODD_IDENTITY,
        STRAY,
        bytes(48),
        b"\xff" * 48,
        SIGNATURE[:-1],
        SIGNATURE + b"\0",
        b"",
        bytes([SIGNATURE[0] ^ 0x20]) + SIGNATURE[1:],
        SIGNATURE[:-1] + bytes([SIGNATURE[-1] ^ 1]),
        OWN.sign(NUMBER),
    ],
    ids=range(11),
)
def test_what_is_no_signature_of_it_is_refused(signature):
    assert not is_good(QUICKNET, NUMBER, signature)


@pytest.mark.parametrize(
    "key",
    [bytes([0xC0]) + bytes(95), bytes([0xE0]) + bytes(94) + b"\1", bytes(96)],
    ids=range(3),
)
def test_a_key_by_which_anything_is_signed_signs_nothing(key):
    beacon = replace(QUICKNET, public_key=key.hex())
    for signature in (IDENTITY, ODD_IDENTITY, SIGNATURE):
        assert not is_good(beacon, NUMBER, signature)


def test_a_beacon_of_our_own_is_one_with_another_name():
    assert beacon_fault_of(OWN.beacon) is None
    assert OWN.beacon.chain != QUICKNET.chain
    assert is_good(OWN.beacon, 7, OWN.sign(7))
    assert not is_good(OWN.beacon, 8, OWN.sign(7))
    other = OwnBeacon(b"another secret", genesis_s=1_700_000_000)
    assert not is_good(other.beacon, 7, OWN.sign(7))
