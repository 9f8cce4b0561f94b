"""API keys: which machine a request comes from, and what it may do.

A key that was found is believed for ten seconds without asking the database again; what
revokes or rotates one here, or is heard of from another process, ends that at once.
When a key was last used is written by the way, at most once a minute for each.
"""

import asyncio
import hmac
import re
import secrets
import time
from hashlib import sha256
from typing import Final

import structlog
from msgspec import Struct

from persistence.errors import Unavailable
from persistence.people.api_keys import ApiKeys, StoredKey
from server.base.identity import Machine
from server.base.jobs import Job

BELIEVED_S: Final = 10.0
KNOWN_MAX: Final = 4_096
LOOKS_MAX: Final = 3
"""How often a key is read while keys are being changed."""

NOTED_EVERY_S: Final = 60.0
NOTE_S: Final = 5.0
"""How often it is written which keys were used."""

PREFIX_BYTES: Final = 6
SECRET_BYTES: Final = 32
_KEY: Final = re.compile(r"onsale_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")

assert BELIEVED_S <= 30.0

log = structlog.get_logger()


class FreshKey(Struct, frozen=True):
    """A key that was just made, to be shown once."""

    prefix: str
    text: str
    hash: bytes

    def __repr__(self) -> str:
        """Leave out the secret."""
        return f"FreshKey({self.prefix!r})"


class Known(Struct):
    """A key that was found in the database."""

    stored: StoredKey
    read_at: float


def make_key(prefix: str | None = None) -> FreshKey:
    """Return a new key, or a new secret for the key with this prefix."""
    prefix = prefix or secrets.token_hex(PREFIX_BYTES)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    return FreshKey(prefix, f"onsale_{prefix}_{secret}", _digest(secret))


class Machines:
    """Finds out which machine a key proves."""

    def __init__(self, store: ApiKeys) -> None:
        self._store = store
        self._known: dict[str, Known] = {}
        self._changes = 0
        """Counts what was forgotten: what was read before that is not kept."""
        self._noted: dict[str, float] = {}
        self._used: dict[str, float] = {}
        self._forgotten = asyncio.Event()

    def is_key(self, text: str) -> bool:
        """Return whether this looks like a key; no access token does."""
        return _KEY.fullmatch(text) is not None

    def knows(self, text: str) -> bool:
        """Return whether a key can be checked without asking the database."""
        found = _KEY.fullmatch(text)
        return found is None or self._find(found[1]) is not None

    async def identify(self, text: str) -> Machine | None:
        """Return the machine that a key proves. Raises `Unavailable`."""
        found = _KEY.fullmatch(text)
        if found is None:
            return None
        prefix, secret = found.groups()
        stored = self._find(prefix)
        if stored is None:
            stored = await self._read(prefix)
            if stored is None:
                return None
        now_s = time.time()
        if not _is_right(stored, _digest(secret), now_s):
            return None
        self._note(stored.key_id, now_s)
        return Machine(
            user=stored.key_id,
            role="key",
            expires_at_s=int(stored.expires_at_s or now_s + BELIEVED_S),
            organisation=stored.organisation_id,
            scopes=frozenset(stored.scopes),
        )

    def forget(self, organisation: str | None = None) -> None:
        """Look keys up anew: those of an organisation, or all."""
        self._changes += 1
        for prefix, known in list(self._known.items()):
            if organisation in (None, known.stored.organisation_id):
                del self._known[prefix]
        self._forgotten.set()
        self._forgotten = asyncio.Event()

    async def forgotten(self, within_s: float) -> None:
        """Wait until keys are to be looked up anew, for so long at most."""
        forgotten = self._forgotten
        try:
            async with asyncio.timeout(within_s):
                await forgotten.wait()
        except TimeoutError:
            # Nothing was changed, as usual.
            return

    async def note_used(self) -> None:
        """Write when keys were last used. Raises `Unavailable`."""
        used, self._used = self._used, {}
        if not used:
            return
        try:
            await self._store.note_used(used)
        except Unavailable:
            self._used = used | self._used
            raise

    async def run(self, job: Job) -> None:
        """Write what was used, for ever."""
        while True:
            await asyncio.sleep(NOTE_S)
            try:
                with job:
                    await self.note_used()
            except Unavailable as error:
                log.warning("the use of keys is not noted", reason=str(error))

    async def _read(self, prefix: str) -> StoredKey | None:
        """Read a key, and once more where any was changed meanwhile: perhaps this."""
        stored: StoredKey | None = None
        for _ in range(LOOKS_MAX):
            changes = self._changes
            stored = await self._store.find_by_prefix(prefix)
            if changes == self._changes:
                if stored is not None:
                    self._remember(stored)
                break
        return stored

    def _find(self, prefix: str) -> StoredKey | None:
        known = self._known.get(prefix)
        if known is None or time.monotonic() - known.read_at > BELIEVED_S:
            return None
        return known.stored

    def _remember(self, stored: StoredKey) -> None:
        self._known.pop(stored.prefix, None)
        if len(self._known) >= KNOWN_MAX:
            del self._known[next(iter(self._known))]
        self._known[stored.prefix] = Known(stored, time.monotonic())

    def _note(self, key: str, now_s: float) -> None:
        if now_s - self._noted.get(key, 0.0) < NOTED_EVERY_S:
            return
        self._noted.pop(key, None)
        if len(self._noted) >= KNOWN_MAX:
            del self._noted[next(iter(self._noted))]
        self._noted[key] = self._used[key] = now_s


def _is_right(stored: StoredKey, digest: bytes, now_s: float) -> bool:
    """Return whether the digest of a secret is that of the key, or was a moment ago."""
    if stored.expires_at_s is not None and stored.expires_at_s <= now_s:
        return False
    right = hmac.compare_digest(stored.hash, digest)
    if stored.old_hash is not None and now_s < (stored.old_until_s or 0.0):
        right |= hmac.compare_digest(stored.old_hash, digest)
    return right


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("ascii")).digest()
