"""Unguessable names for holds, bookings, users and whatever else needs one."""

import os
import secrets
from base64 import urlsafe_b64encode

_READABLE = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_REFERENCE_LENGTH = 10
_TOKEN_BYTES = 18
_TOKEN_LENGTH = 24
_TOKENS_DRAWN = 128

# Drawn many at a time, because one call to the system costs more than a whole hold. A
# forked process must not hand out the names that its parent hands out.
_tokens: list[str] = []
os.register_at_fork(after_in_child=_tokens.clear)


class RandomIds:
    """Implements `inventory.ports.Ids` with the system's randomness."""

    def token(self) -> str:
        """Return 144 random bits as text that is safe in URLs."""
        if not _tokens:
            drawn = urlsafe_b64encode(os.urandom(_TOKENS_DRAWN * _TOKEN_BYTES)).decode()
            _tokens.extend(
                drawn[start : start + _TOKEN_LENGTH]
                for start in range(0, len(drawn), _TOKEN_LENGTH)
            )
        return _tokens.pop()

    def reference(self) -> str:
        """Return fifty random bits in letters that nobody confuses."""
        number = secrets.randbits(5 * _REFERENCE_LENGTH)
        return "".join(
            _READABLE[number >> 5 * place & 31] for place in range(_REFERENCE_LENGTH)
        )
