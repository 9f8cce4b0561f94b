"""The secrets with which hooks are signed: made here, shown once, stored sealed.

They are needed each time that something is sent, so a hash of them will not do. Where
the instance has no secret of its own they are stored as they are.
"""

import hmac
import secrets
from base64 import b64encode
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

SECRET_BYTES: Final = 32
NONCE_BYTES: Final = 12
PURPOSE: Final = b"onsale hooks 1"
PLAIN: Final = b"\0"
SEALED: Final = b"\1"


class SecretBox:
    """Seals and opens secrets, with those of the instance, the newest first."""

    def __init__(self, secrets_: Sequence[str | None]) -> None:
        self._boxes = [
            ChaCha20Poly1305(hmac.digest(one.encode(), PURPOSE, "sha256"))
            for one in secrets_
            if one is not None
        ]

    def seal(self, secret: bytes, hook: str) -> bytes:
        """Return a secret as it is stored; it can be opened for this hook only."""
        if not self._boxes:
            return PLAIN + secret
        nonce = secrets.token_bytes(NONCE_BYTES)
        return SEALED + nonce + self._boxes[0].encrypt(nonce, secret, hook.encode())

    def open(self, stored: bytes, hook: str) -> bytes | None:
        """Return a secret; None where no secret of ours that we know opens it."""
        kind, rest = stored[:1], stored[1:]
        if kind == PLAIN:
            return rest
        nonce, sealed = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
        for box in self._boxes:
            try:
                return box.decrypt(nonce, sealed, hook.encode())
            except InvalidTag:
                continue
        return None


def new_secret() -> bytes:
    """Return a secret that nobody knows."""
    return secrets.token_bytes(SECRET_BYTES)


def text_of(secret: bytes) -> str:
    """Return a secret as libraries of Standard Webhooks take it."""
    return f"whsec_{b64encode(secret).decode('ascii')}"
