"""What a round of a beacon is, and whether it is one.

A beacon is a group of machines that sign the number of each round together, by a key of
which each has a part. Its signature follows from key and number alone: whoever has not
enough of the parts can neither know it early nor have another one.
"""

from hashlib import sha256
from typing import Final, Protocol

from inventory.line.draw import Beacon

try:
    from py_arkworks_bls12381 import GT, G1Point, G2Point
except ImportError:
    # Who only checks a transcript may not have it, and is told what is left out.
    CAN_CHECK = False
else:
    CAN_CHECK = True

SIGNATURE_BYTES: Final = 48
DOMAIN: Final = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
"""Keeps a signature by this key from being one of anything else."""


class RoundUnavailable(Exception):
    """No relay had a good signature of the round; it may have one later."""


class BeaconSource(Protocol):
    """Where rounds of one beacon come from."""

    @property
    def beacon(self) -> Beacon:
        """Which beacon it is."""
        ...

    async def fetch(self, number: int) -> bytes:
        """Return the signature of a round, which is good.

        Raises `RoundUnavailable`.
        """
        ...

    async def newest(self) -> int | None:
        """Return the number of the newest round that can be shown to be out.

        None where that cannot be known now.
        """
        ...

    def verify(self, number: int, signature: bytes) -> bool:
        """Return whether a signature is that of a round."""
        ...


def message_of(number: int) -> bytes:
    """Return what the machines of a beacon sign for a round."""
    return sha256(number.to_bytes(8, "big")).digest()


def is_good(beacon: Beacon, number: int, signature: bytes) -> bool:
    """Return whether a signature is that of a round: 9 ms of CPU.

    Only where `CAN_CHECK`.
    """
    try:
        key_bytes = bytes.fromhex(beacon.public_key)
        point = G1Point.from_compressed_bytes(signature)
        key = G2Point.from_compressed_bytes(key_bytes)
    except ValueError:
        return False
    # The decoder lets odd spellings of the identity pass, by which anything is signed.
    if G1Point.identity() == point or G2Point.identity() == key:
        return False
    if (point.to_compressed_bytes(), key.to_compressed_bytes()) != (
        signature,
        key_bytes,
    ):
        return False
    signed = G1Point.hash_to_curve(message_of(number), DOMAIN)
    return GT.pairing_check([point, -signed], [G2Point(), key])
