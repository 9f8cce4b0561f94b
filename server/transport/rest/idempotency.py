"""Ids of new things, so that the same request made twice makes one thing.

With an idempotency key the id follows from who asked, for what kind of thing, under
which key; without one it is random. Either way it has 128 bits. A second creation
under the same key finds the first by its id, and the hash kept with it tells whether it
is the same request.
"""

import base64
import secrets
from hashlib import blake2b
from typing import Final

import msgspec

ID_BYTES: Final = 16


def new_id(kind: str, user: str, key: str | None) -> str:
    """Return the id for something new, as `kind_…`."""
    if key is None:
        return f"{kind}_{secrets.token_urlsafe(ID_BYTES)}"
    named = msgspec.msgpack.encode([kind, user, key])
    digest = blake2b(named, digest_size=ID_BYTES, person=b"onsale creation").digest()
    return f"{kind}_{base64.urlsafe_b64encode(digest).rstrip(b'=').decode('ascii')}"


def hash_request(content: object) -> bytes:
    """Return the hash that tells one request's content from another's."""
    encoded = msgspec.json.encode(content, order="deterministic")
    return blake2b(encoded, digest_size=ID_BYTES).digest()
