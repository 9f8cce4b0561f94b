"""Codes of tickets, read with the keys of those who sell them.

Keys are kept for a minute. One that is not known may be new, and is asked for once more
but not again and again: codes of other shops cost no look each.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from server.shop.tickets.token import Claims, verify

KEPT_S: Final = 60.0
ASKED_EVERY_S: Final = 2.0
"""How often keys are asked for at most because of a code whose key is not known."""

KEPT_MAX: Final = 1_024
"""Organisations whose keys are kept."""

PublicKeys = Mapping[str, Ed25519PublicKey]


class KeySource(Protocol):
    """Knows the keys that tickets are signed with."""

    async def public_keys(self, organisation: str | None, /) -> PublicKeys:
        """Return the keys of an organisation, or of the house; by id."""


class _Kept(Struct):
    keys: PublicKeys
    read_at: float


class CodeReader:
    """Reads codes. Raises `Unavailable`."""

    def __init__(
        self, source: KeySource, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._clock = clock
        self._kept: dict[str | None, _Kept] = {}

    async def read(self, code: str, organisation: str | None) -> Claims | None:
        """Return what a code says; None for one that an organisation did not sign."""
        read = verify(code, await self.keys(organisation, KEPT_S))
        if not isinstance(read, Claims) and read.reason == "unknown_key":
            read = verify(code, await self.keys(organisation, ASKED_EVERY_S))
        return read if isinstance(read, Claims) else None

    async def keys(self, organisation: str | None, s_max: float) -> PublicKeys:
        """Return the keys of an organisation, as they were so long ago at most."""
        kept, now_s = self._kept.get(organisation), self._clock()
        # None at all is not kept: the first ticket brings the first key with it.
        if kept is None or not kept.keys or now_s - kept.read_at > s_max:
            keys = await self._source.public_keys(organisation)
            if kept is None and len(self._kept) >= KEPT_MAX:
                del self._kept[next(iter(self._kept))]
            kept = self._kept[organisation] = _Kept(keys, now_s)
        return kept.keys
