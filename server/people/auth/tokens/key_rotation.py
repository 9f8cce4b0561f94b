"""Keeps the keys of access tokens up to date, the same in all processes.

With a secret of the operator's the key follows from it, and a new secret is a new key;
the one before may be named beside it, so that nobody is signed out by the change.
Without one, keys live in the database and follow each other by themselves.
"""

import asyncio

import structlog

from persistence.errors import Unavailable
from persistence.people.tokens.token_keys import TokenKeys
from server.base.jobs import Job
from server.people.auth.tokens.signing_keys import (
    KEY_S,
    READ_KEYS_S,
    KeyPair,
    choose_keys,
)
from server.people.auth.tokens.tokens import SigningKey, Tokens, key_from_secret

log = structlog.get_logger()


class KeyRotation:
    """Reads keys when the server starts, and again every minute."""

    def __init__(
        self, store: TokenKeys, secret: str | None, former_secret: str | None
    ) -> None:
        self._store = store
        self._secrets = [one for one in (secret, former_secret) if one is not None]
        self._own = secret is not None

    async def start(self) -> Tokens:
        """Return what issues and checks tokens.

        Raises `Unavailable`, and ValueError for a secret that can be guessed.
        """
        return Tokens(*await self._read())

    async def run(self, tokens: Tokens, job: Job) -> None:
        """Let the tokens follow the keys, for ever."""
        while True:
            await asyncio.sleep(READ_KEYS_S)
            try:
                with job:
                    tokens.use(*await self._read())
            except Unavailable as error:
                log.warning("keys could not be read", reason=str(error))

    async def _read(self) -> tuple[list[KeyPair], list[SigningKey]]:
        pairs = [KeyPair.from_secret(secret) for secret in self._secrets]
        old = [key_from_secret(secret) for secret in self._secrets]
        if self._own:
            return pairs, old
        choice = choose_keys(await self._store.read(every_s=KEY_S))
        if choice.over:
            await self._store.forget(choice.over)
            log.info("forgot keys that are over", keys=len(choice.over))
        stored = await self._store.old_keys()
        old += [SigningKey(key.kid, key.secret) for key in stored]
        return [*choice.pairs, *pairs], old
