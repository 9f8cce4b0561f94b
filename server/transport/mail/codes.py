"""The secret codes that mails carry, and the names of the mails."""

import secrets
from hashlib import sha256
from typing import Final

CODE_BYTES: Final = 32


def new_code() -> str:
    """Return a code that nobody guesses, safe in URLs."""
    return secrets.token_urlsafe(CODE_BYTES)


def hash_of_code(code: str) -> bytes:
    """Return the digest under which a code is stored."""
    return sha256(code.encode()).digest()


def new_mail_id() -> str:
    """Return a name for a mail."""
    return f"mail_{secrets.token_urlsafe(16)}"
