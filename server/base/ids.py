"""Unguessable names for holds, bookings, users and whatever else needs one."""

import os
from base64 import urlsafe_b64encode

_READABLE = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_REFERENCE_LENGTH = 10
_REFERENCES_DRAWN = 128
# Each of the 32 letters for eight of the 256 bytes: all are as likely.
_LETTER_OF = _READABLE * 8
_TOKEN_BYTES = 18
_TOKEN_LENGTH = 24
_TOKENS_DRAWN = 128

# Drawn many at a time, because one call to the system costs more than a whole hold. A
# forked process must not hand out the names that its parent hands out.
_tokens: list[str] = []
_references: list[str] = []
os.register_at_fork(after_in_child=_tokens.clear)
os.register_at_fork(after_in_child=_references.clear)


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
        if not _references:
            drawn = os.urandom(_REFERENCES_DRAWN * _REFERENCE_LENGTH)
            letters = drawn.translate(_LETTER_OF).decode()
            _references.extend(
                letters[start : start + _REFERENCE_LENGTH]
                for start in range(0, len(letters), _REFERENCE_LENGTH)
            )
        return _references.pop()
