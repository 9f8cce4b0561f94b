"""Captchas, by the interface that Turnstile, hCaptcha and others share.

A page shows their widget with a site key; what it gives is sent to their address with
our secret, which says whether it counts. Whoever answers there is believed in nothing
but a plain yes or no: what is slow, gone or nonsense counts as not there, and for half
a minute nobody is made to wait for it again.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import aiohttp
import msgspec
import structlog
from msgspec import Struct

from server.transport.client.answers import open_session, read_answer

TIMEOUT_S: Final = 2.0
PATIENCE_S: Final = 30.0
ANSWER_BYTES_MAX: Final = 16_384
AT_ONCE_MAX: Final = 64
CAPTCHA_LENGTH_MAX: Final = 4_096

log = structlog.get_logger()


class CaptchaGone(Exception):
    """Nobody says whether it counts."""


class Verdict(Struct, frozen=True):
    """What is read of an answer; the rest of it is not looked at."""

    success: bool


_decode: Final = msgspec.json.Decoder(Verdict).decode


class Captcha:
    """One provider. Close it after use.

    `now` is seconds of a clock that never goes back.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        site_key: str,
        now: Callable[[], float],
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.site_key = site_key
        self._url = url
        self._secret = secret
        self._now = now
        self._timeout_s = timeout_s
        self._gone_until = 0.0
        self._turn = asyncio.Semaphore(AT_ONCE_MAX)
        self._session: aiohttp.ClientSession | None = None

    @property
    def is_there(self) -> bool:
        """Return whether it answered when it was asked last, or that is long ago."""
        return self._now() >= self._gone_until

    async def verify(self, answer: str) -> bool:
        """Return whether what a page sent counts. Raises `CaptchaGone`."""
        if not self.is_there:
            raise CaptchaGone
        try:
            async with asyncio.timeout(self._timeout_s), self._turn:
                return _decode(await self._ask(answer)).success
        except (
            TimeoutError,
            aiohttp.ClientError,
            OSError,
            ValueError,
            msgspec.MsgspecError,
        ) as error:
            self._gone_until = self._now() + PATIENCE_S
            log.warning("the captcha is not there", reason=repr(error)[:200])
            raise CaptchaGone from error

    async def _ask(self, answer: str) -> bytes:
        if self._session is None:
            self._session = open_session()
        form = {"secret": self._secret, "response": answer}
        async with self._session.post(
            self._url, data=form, allow_redirects=False
        ) as response:
            if response.status != 200:
                raise ValueError(f"it answered {response.status}")
            return await read_answer(response, ANSWER_BYTES_MAX)

    async def close(self) -> None:
        """Give up connections."""
        if self._session is not None:
            await self._session.close()
