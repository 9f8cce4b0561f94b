"""Keys of access tokens: Ed25519 pairs, so that anybody can check a token.

A new key is shown (`/.well-known/jwks.json`) some time before it signs, so that every
process and whoever keeps a copy knows it by then; an old one is shown until the last
token that it signed has expired.
"""

import base64
import hmac
import itertools
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from persistence.people.tokens.token_keys import StoredSeed
from server.people.auth.lifetimes import CLOCK_SKEW_S, DAY_S, TOKEN_S_MAX

SECRET_BYTES_MIN: Final = 32
PURPOSE: Final = b"onsale access tokens 2"

KEY_S: Final = 30 * DAY_S
"""How long a key signs before the next one is made."""

RIPE_S: Final = 900
"""How long a key is shown before it signs."""

READ_KEYS_S: Final = 60.0
"""How often a process looks for new keys."""

SHOWN_S: Final = 300
"""How long others may keep a copy of the keys without asking again."""

assert READ_KEYS_S + SHOWN_S < RIPE_S < KEY_S
KEPT_S: Final = RIPE_S + TOKEN_S_MAX + CLOCK_SKEW_S
"""How long after its successor was made a key may still have to be believed."""


class PublicJwk(Struct):
    """A public key as RFC 8037 writes it."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str
    use: Literal["sig"]
    alg: Literal["EdDSA"]


class KeyPair:
    """One key; its name follows from its public half."""

    __slots__ = ("jwk", "kid", "private", "public")

    def __init__(self, seed: bytes) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self.private.public_key()
        raw = self.public.public_bytes_raw()
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
        self.kid = sha256(raw).hexdigest()[:16]
        self.jwk = PublicJwk("OKP", "Ed25519", x, self.kid, "sig", "EdDSA")

    @classmethod
    def from_secret(cls, secret: str) -> "KeyPair":
        """Return the key for a configured secret, derived under a name of its own.

        Raises ValueError where the secret is short enough to be guessed.
        """
        if len(secret.encode()) < SECRET_BYTES_MIN:
            raise ValueError(f"The secret key needs at least {SECRET_BYTES_MIN} bytes.")
        return cls(hmac.digest(secret.encode(), PURPOSE, "sha256"))

    def __repr__(self) -> str:
        """Return the name only, so that no log shows the secret."""
        return f"KeyPair({self.kid!r})"


class Choice(Struct, frozen=True):
    """Which keys count now: the first signs, all are believed and shown."""

    pairs: list[KeyPair]
    over: list[bytes]
    """Seeds of keys that nothing good was signed with."""


def choose_keys(seeds: Sequence[StoredSeed]) -> Choice:
    """Return which of the stored keys, newest first, count now."""
    assert seeds, "the first key is made before anything is signed"
    over = [
        one.seed for newer, one in itertools.pairwise(seeds) if newer.age_s > KEPT_S
    ]
    good = seeds[: len(seeds) - len(over)]
    signs = next((one for one in good if one.age_s >= RIPE_S), good[-1])
    rest = [one for one in good if one is not signs]
    return Choice([KeyPair(one.seed) for one in (signs, *rest)], over)
