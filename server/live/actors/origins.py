"""Where commands come from, as the rules against hoarding count it: by network.

Journals keep for as long as an event which network a hold came from, so it is no
address that stands there but a keyed hash of the network: enough to count by, and
nothing to anybody without the server's secret.
"""

import hmac
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from aiohttp import web

from server.transport.http.client_address import crowd_of

PURPOSE: Final = b"onsale origins of holds 1"
REMEMBERED_MAX: Final = 16_384
DIGEST_BYTES: Final = 8


class Origins:
    """Names networks. Without rate limits there is none: then nothing is counted."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, PURPOSE, "sha256")
        self.of = lru_cache(REMEMBERED_MAX)(self._of)
        """Returns what stands for the network of a client's address."""

    def _of(self, client: str) -> str:
        network = crowd_of(client).encode()
        digest = blake2b(network, key=self._key, digest_size=DIGEST_BYTES)
        return digest.hexdigest()


ORIGINS: Final = web.AppKey("origins", Origins)
