"""Passwords: argon2id in two threads of its own.

A hash takes memory and time on purpose, so a login storm must neither stall the loop
nor take the machine's memory: two at a time, a bounded number waiting.

It takes what OWASP recommends for argon2id, 19 MiB twice over in one lane, because
buyers sign in all at once and wait for each other. Measured (medians of 9 on a busy
machine of 2 cores, argon2-cffi 25.1): 0.019 s of CPU, where the choice of the library,
64 MiB three times in four lanes, takes 0.178. A thousand sign-ins are 19 s, not 178.
What was hashed with other costs is still compared, and hashed anew at the next login.
"""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from server.people.auth.passwords.common_passwords import is_common

TIME_COST: Final = 2
MEMORY_KIB: Final = 19_456
LANES: Final = 1
THREADS: Final = 2
WAITING_MAX: Final = 64
PASSWORD_LENGTH_MIN: Final = 8
PASSWORD_LENGTH_MAX: Final = 1024

T = TypeVar("T")


def normal_password(password: str) -> str:
    """Return what is hashed: keyboards write the same letter in several ways."""
    return unicodedata.normalize("NFKC", password)


def weakness_of(password: str) -> str | None:
    """Return why nobody may choose a password; None for one that will do."""
    # Shorter than what was typed, which types of bodies have measured.
    if len(normal_password(password)) < PASSWORD_LENGTH_MIN:
        return f"At least {PASSWORD_LENGTH_MIN} characters."
    if is_common(password):
        return "This is one of the passwords that are tried first: choose another."
    return None


class PasswordsBusy(Exception):
    """More logins are waiting than can be served soon; nothing was checked."""


class Passwords:
    """Hashes and checks passwords off the loop."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(
            time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=LANES
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="passwords")
        self._under_way = 0

    async def hash(self, password: str) -> str:
        """Return the hash to store for a password."""
        return await self._run(lambda: self._hasher.hash(normal_password(password)))

    async def verify(self, stored_hash: str | None, password: str) -> bool:
        """Return whether the password is the stored one.

        For an unknown account (`stored_hash` is None) a hash is computed all the same,
        so that the time taken does not tell who has an account.
        """
        return await self._run(lambda: self._verify(stored_hash, password))

    def is_outdated(self, stored_hash: str) -> bool:
        """Return whether a hash has other costs than one that is made today."""
        return self._hasher.check_needs_rehash(stored_hash)

    def close(self) -> None:
        """End the threads; what is under way is finished."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _verify(self, stored_hash: str | None, password: str) -> bool:
        if stored_hash is None:
            self._hasher.hash(normal_password(password))
            return False
        try:
            return self._hasher.verify(stored_hash, normal_password(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way >= THREADS + WAITING_MAX:
            raise PasswordsBusy
        self._under_way += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, work)
        finally:
            self._under_way -= 1
