"""Whether a webhook is signed as Standard Webhooks has it, by who should, and now.

So nobody else can say anything, and nobody can say it again later. How messages are
signed is in `server/transport/outbox/signatures.py`.
"""

import hmac
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Final

from server.shop.payments.provider import Forged, Stale
from server.transport.outbox.signatures import ID, SIGNATURE, TIMESTAMP, VERSION

TOLERANCE_S: Final = 300
"""How far the sender's clock, and what is on its way, may be from ours."""

SIGNATURES_MAX: Final = 8
"""So many are looked at: nobody has that many secrets."""

SECRET_BYTES_MIN: Final = 32
SIGNS_MIN: Final = 10
"""A random secret has more different characters; `changeme` again and again has not."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SECONDS: Final = re.compile(r"[0-9]{1,12}")


def secrets_of(text: str) -> tuple[bytes, ...]:
    """Return the secrets in a setting: one, or while it is changed the new and the old.

    Raises ValueError, with a sentence that repeats none of them.
    """
    secrets = text.split()
    if not 1 <= len(secrets) <= 2:
        raise ValueError(
            "Expected one secret, or the new one, a space and the old one."
        )
    for secret in secrets:
        if len(secret.encode()) < SECRET_BYTES_MIN:
            raise ValueError(f"A secret needs at least {SECRET_BYTES_MIN} bytes.")
        if len(set(secret)) < SIGNS_MIN:
            raise ValueError("A secret has to be random: this one can be guessed.")
    return tuple(secret.encode() for secret in secrets)


def verify(
    secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now_s: float
) -> str:
    """Return the id of a message that was signed with one of the secrets, and just now.

    Raises Forged and Stale. The time it takes tells nothing of a secret.
    """
    known = {name.lower(): value for name, value in headers.items()}
    message_id, seconds = known.get(ID, ""), known.get(TIMESTAMP, "")
    if not _ID.fullmatch(message_id) or not _SECONDS.fullmatch(seconds):
        raise Forged("the message has no id or no time")
    shown = [_bytes_of(text) for text in known.get(SIGNATURE, "").split()]
    if not 1 <= len(shown) <= SIGNATURES_MAX:
        raise Forged("the message has no signature, or too many")
    signed = f"{message_id}.{seconds}.".encode() + body
    # All are compared, whichever fits.
    fits = [
        hmac.compare_digest(hmac.digest(secret, signed, "sha256"), one)
        for secret in secrets
        for one in shown
    ]
    if not any(fits):
        raise Forged("no signature of the message is ours")
    if abs(now_s - int(seconds)) > TOLERANCE_S:
        raise Stale("the message was signed at another time")
    return message_id


def _bytes_of(signature: str) -> bytes:
    """Return the digest in a signature; nothing where it is of another kind."""
    if not signature.startswith(VERSION):
        return b""
    try:
        return b64decode(signature.removeprefix(VERSION), validate=True)
    except ValueError:
        return b""
