"""How webhooks are signed, as Standard Webhooks has it: ours, and those that come in.

The sender signs `id.timestamp.body` with a secret that both know (HMAC-SHA256). While a
secret is changed it signs with both, and the receiver believes either.
"""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from typing import Final

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
VERSION: Final = "v1,"


def sign(secret: bytes, message_id: str, timestamp_s: int, body: bytes) -> str:
    """Return the signature of a message, with its version."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return VERSION + b64encode(hmac.digest(secret, signed, "sha256")).decode("ascii")


def headers_of(
    secrets: Sequence[bytes], message_id: str, timestamp_s: int, body: bytes
) -> dict[str, str]:
    """Return the headers that a message is sent with, signed with each secret."""
    signatures = [sign(secret, message_id, timestamp_s, body) for secret in secrets]
    return {
        ID: message_id,
        TIMESTAMP: str(timestamp_s),
        SIGNATURE: " ".join(signatures),
    }
