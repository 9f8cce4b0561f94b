"""Unguessable names for holds, bookings, users and whatever else needs one."""

import secrets

_READABLE = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_REFERENCE_LENGTH = 10


class RandomIds:
    """Implements `inventory.ports.Ids` with the system's randomness."""

    def token(self) -> str:
        """Return 128 random bits as text that is safe in URLs."""
        return secrets.token_urlsafe(16)

    def reference(self) -> str:
        """Return fifty random bits in letters that nobody confuses."""
        number = secrets.randbits(5 * _REFERENCE_LENGTH)
        return "".join(
            _READABLE[number >> 5 * place & 31] for place in range(_REFERENCE_LENGTH)
        )
