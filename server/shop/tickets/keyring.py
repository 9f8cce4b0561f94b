"""The keys that sign tickets: made when needed, kept encrypted, rotated by adding.

A private half is stored encrypted with a key that follows from the secret of the
instance, where there is one; else as it is, as those of access tokens are. Where the
secret was changed and the one before is not told, new tickets get a new key, and codes
of old ones are signed with it, too; what is printed already stays good.
"""

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from persistence.postgres.pool import Pool
from persistence.shop.tickets.keys import KeyRow, NewKey, TicketKeys, add_key, keys_of
from server.shop.tickets.token import key_id

SEED_BYTES: Final = 32
NONCE_BYTES: Final = 12
PURPOSE: Final = b"onsale ticket keys 1"

RIPE_S: Final = 86_400.0
"""How long a further key is shown before it signs: gates fetch keys each morning."""

OPENED_MAX: Final = 1_024

log = structlog.get_logger()


class Vault:
    """Encrypts and opens seeds, with the secrets of the instance, the newest first."""

    def __init__(self, secrets_: Sequence[str | None]) -> None:
        self._boxes = [
            ChaCha20Poly1305(hmac.digest(one.encode(), PURPOSE, "sha256"))
            for one in secrets_
            if one is not None
        ]

    def make(self) -> NewKey:
        """Return a new key, sealed where there is a secret."""
        seed = secrets.token_bytes(SEED_BYTES)
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
        raw = public.public_bytes_raw()
        if not self._boxes:
            return NewKey(key_id(raw), raw, seed, sealed=False)
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._boxes[0].encrypt(nonce, seed, raw)
        return NewKey(key_id(raw), raw, sealed, sealed=True)

    def open(self, key: KeyRow) -> Ed25519PrivateKey | None:
        """Return the private half; None where no secret that we know opens it."""
        if not key.sealed:
            return Ed25519PrivateKey.from_private_bytes(key.seed)
        nonce, encrypted = key.seed[:NONCE_BYTES], key.seed[NONCE_BYTES:]
        for box in self._boxes:
            try:
                seed = box.decrypt(nonce, encrypted, key.public)
            except InvalidTag:
                continue
            return Ed25519PrivateKey.from_private_bytes(seed)
        return None


class Signer:
    """A key that can sign, and its id."""

    __slots__ = ("key", "private")

    def __init__(self, key: str, private: Ed25519PrivateKey) -> None:
        self.key, self.private = key, private


class Keyring:
    """Finds the key to sign with. Raises `Unavailable`."""

    def __init__(self, pool: Pool, vault: Vault) -> None:
        self.store = TicketKeys(pool)
        self._pool = pool
        self._vault = vault
        self._opened: OrderedDict[str, Signer] = OrderedDict()

    async def current(self, connection: Any, organisation: str | None) -> Signer:
        """Return what signs new tickets of an organisation, or of the house (None).

        Made in the transaction of the caller where there is none that can be opened.
        """
        keys = await keys_of(connection, organisation)
        for key in keys:
            signer = self._open(key) if key.signs else None
            if signer is not None:
                return signer
        number = keys[0].number + 1 if keys else 1
        await add_key(connection, organisation, self._vault.make(), number, 0)
        log.info("made a key of tickets", organisation=organisation, number=number)
        return await self.current(connection, organisation)

    async def rotate(self, organisation: str | None) -> list[KeyRow]:
        """Add a key, which signs from tomorrow on; return all keys, newest first.

        Where one waits already, or where there was none, that is it.
        """
        async with self._pool.transaction() as connection:
            await self.current(connection, organisation)
            keys = await keys_of(connection, organisation)
            if keys[0].signs and len(keys) > 0:
                made = self._vault.make()
                number = keys[0].number + 1
                await add_key(connection, organisation, made, number, RIPE_S)
            return await keys_of(connection, organisation)

    async def signers(self, keys: Mapping[str, str | None]) -> dict[str, Signer]:
        """Return what signs with each of these keys, which are of these organisations.

        Where one cannot be opened, it is what signs new tickets there.
        """
        found = {key: self._opened[key] for key in keys if key in self._opened}
        missing = [key for key in keys if key not in found]
        if not missing:
            return found
        for row in await self.store.find(missing):
            signer = self._open(row)
            if signer is not None:
                found[row.key] = signer
        for key in missing:
            if key not in found:
                async with self._pool.transaction() as connection:
                    found[key] = await self.current(connection, keys[key])
        return found

    async def public_keys(
        self, organisation: str | None
    ) -> dict[str, Ed25519PublicKey]:
        """Return the keys that tickets of an organisation may be signed with, by id."""
        async with self._pool.transaction(readonly=True) as connection:
            rows = await keys_of(connection, organisation)
        return {row.key: Ed25519PublicKey.from_public_bytes(row.public) for row in rows}

    def _open(self, key: KeyRow) -> Signer | None:
        signer = self._opened.get(key.key)
        if signer is None:
            private = self._vault.open(key)
            if private is None:
                return None
            signer = self._opened[key.key] = Signer(key.key, private)
            if len(self._opened) > OPENED_MAX:
                self._opened.popitem(last=False)
        return signer
