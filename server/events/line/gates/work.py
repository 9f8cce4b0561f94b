"""Proof of work by the protocol of ALTCHA, version 1: made and checked here.

Pure. A challenge is SHA-256 of a salt and a secret number; whoever finds the number has
tried half of all on average. It is signed, so nothing is kept of it until it is used.
The salt names until when it counts, for whom and what; it ends with a separator, so
that none of its digits can be taken for digits of the number.
"""

import base64
import binascii
import hmac
import re
from hashlib import sha256
from typing import Final, Literal

import msgspec
from msgspec import Struct

ALGORITHM: Final = "SHA-256"
LASTS_S: Final = 600
"""So long a challenge may be solved."""

SALT_BYTES: Final = 12
PURPOSE: Final = b"onsale gates of lines 1"
PROOF_LENGTH_MAX: Final = 2_048

_SALT: Final = re.compile(
    r"[0-9a-f]{24}\?expires=([0-9]{1,12})&bits=([0-9]{1,2})&for=([0-9a-f]{32})&"
)

Reason = Literal["unreadable", "not ours", "wrong", "expired", "of another", "too easy"]


class Challenge(Struct, frozen=True):
    """What is to be solved, as ALTCHA's widget takes it."""

    algorithm: str
    challenge: str
    salt: str
    signature: str
    maxnumber: int


class Solution(Struct, frozen=True):
    """What the widget sends, in base64; what else it says does not count."""

    algorithm: str
    challenge: str
    number: int
    salt: str
    signature: str


class BadProof(Exception):
    """A proof does not count; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


_decode: Final = msgspec.json.Decoder(Solution).decode


class Work:
    """Makes challenges and checks proofs, by a secret that all processes have."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, PURPOSE, "sha256")

    def challenge(
        self, event: str, user: str, bits: int, now_s: int, random: bytes
    ) -> Challenge:
        """Return a challenge for somebody who joins a line.

        `random` is 20 bytes that nobody knows: the salt's, and the number's.
        """
        most = 1 << bits
        number = int.from_bytes(random[SALT_BYTES:], "big") % most
        salt = (
            f"{random[:SALT_BYTES].hex()}?expires={now_s + LASTS_S}"
            f"&bits={bits}&for={_named(event, user)}&"
        )
        digest = _digest(salt, number)
        return Challenge(ALGORITHM, digest, salt, self._sign(digest), most - 1)

    def check(self, proof: str, event: str, user: str, bits: int, now_s: int) -> bytes:
        """Return what stands for the challenge that was solved: for once.

        Raises `BadProof`.
        """
        solution = _read(proof)
        salt = _SALT.fullmatch(solution.salt)
        if salt is None or solution.algorithm != ALGORITHM:
            raise BadProof("unreadable")
        signature = self._sign(solution.challenge).encode()
        if not hmac.compare_digest(signature, solution.signature.encode()):
            raise BadProof("not ours")
        digest = _digest(solution.salt, solution.number)
        if digest != solution.challenge:
            raise BadProof("wrong")
        if int(salt[1]) <= now_s:
            raise BadProof("expired")
        if salt[3] != _named(event, user):
            raise BadProof("of another")
        if int(salt[2]) < bits:
            raise BadProof("too easy")
        return bytes.fromhex(digest)

    def _sign(self, challenge: str) -> str:
        return hmac.new(self._key, challenge.encode(), "sha256").hexdigest()


def solve(challenge: Challenge) -> str:
    """Return the proof, as a client without a widget makes it: for tests, demos."""
    for number in range(challenge.maxnumber + 1):
        if _digest(challenge.salt, number) == challenge.challenge:
            solution = Solution(
                challenge.algorithm,
                challenge.challenge,
                number,
                challenge.salt,
                challenge.signature,
            )
            return base64.b64encode(msgspec.json.encode(solution)).decode()
    raise ValueError("no number solves it")


def _read(proof: str) -> Solution:
    try:
        return _decode(base64.b64decode(proof, validate=True))
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise BadProof("unreadable") from error


def _digest(salt: str, number: int) -> str:
    return sha256(f"{salt}{number}".encode()).hexdigest()


def _named(event: str, user: str) -> str:
    return sha256(f"{event}\n{user}".encode()).hexdigest()[:32]
