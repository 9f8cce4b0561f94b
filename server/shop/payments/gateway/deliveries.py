"""Sends webhooks, and lets happen what is due.

A webhook is sent until its receiver answers 2xx, later each time, for three days. Which
order they arrive in, and how often, is left to the world, as others leave it.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Final

import aiohttp
import structlog

from server.shop.payments.gateway.book import Book, Message
from server.shop.payments.signing import TOLERANCE_S
from server.transport.outbox.signatures import headers_of

AT_ONCE_MAX: Final = 32
SEND_S_MAX: Final = 10.0
PAUSE_MS_MIN: Final = 250
PAUSE_MS_MAX: Final = 300_000
GIVE_UP_MS: Final = 3 * 86_400_000
IDLE_S_MAX: Final = 60.0
STALE_S: Final = 2 * TOLERANCE_S
TAKEN: Final = range(200, 300)

MADE_UP: Final = b"a secret that nobody ever agreed on"
"""What forged webhooks are signed with."""

log = structlog.get_logger()


class Deliveries:
    """Sends what the book has."""

    def __init__(self, book: Book, secrets: Sequence[bytes]) -> None:
        self._book = book
        self._secrets = secrets
        self._news = asyncio.Event()
        self._sending: dict[str, asyncio.Task[None]] = {}
        book.wake = self._news.set

    async def run(self) -> None:
        """Send what is due, for ever."""
        # Not as many to one receiver as it takes: that is what a crowd is for.
        connector = aiohttp.TCPConnector(limit=AT_ONCE_MAX * 2)
        timeout = aiohttp.ClientTimeout(total=SEND_S_MAX)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout
        ) as session:
            try:
                while True:
                    self._news.clear()
                    passed_ms = self._book.pass_time()
                    self._begin(session)
                    await self._wait(passed_ms)
            finally:
                for task in self._sending.values():
                    task.cancel()
                await asyncio.gather(*self._sending.values(), return_exceptions=True)

    def _begin(self, session: aiohttp.ClientSession) -> None:
        """Begin to send what is due, as much as may be at once."""
        # What is being sent is due until it was: it is asked for, too, and skipped.
        for message in self._book.messages(AT_ONCE_MAX):
            if len(self._sending) >= AT_ONCE_MAX:
                return
            if message.id not in self._sending:
                task = asyncio.create_task(self._send(session, message))
                self._sending[message.id] = task
                task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._sending = {
            name: one for name, one in self._sending.items() if one is not task
        }
        if not task.cancelled() and task.exception() is not None:
            log.error("a webhook broke", exc_info=task.exception())
        self._news.set()

    async def _wait(self, passed_ms: int) -> None:
        due_ms = self._book.next_due_ms(passed_ms)
        idle_s = IDLE_S_MAX
        if due_ms is not None:
            idle_s = min(idle_s, max(0.0, due_ms / 1_000 - time.time()))
        try:
            async with asyncio.timeout(idle_s):
                await self._news.wait()
        except TimeoutError:
            pass  # Something is due now.

    async def _send(self, session: aiohttp.ClientSession, message: Message) -> None:
        """Send one webhook, and note what became of it."""
        answers = await asyncio.gather(
            *(self._post(session, message) for _ in range(message.copies))
        )
        now_ms = int(time.time() * 1_000)
        over = now_ms - message.first_ms > GIVE_UP_MS
        # What has to be refused is not sent again for that.
        if message.kind != "true" or any(answer in TAKEN for answer in answers):
            self._book.sent(message)
        elif over:
            log.error("a webhook was given up", message=message.id, answers=answers)
            self._book.sent(message)
        else:
            pause_ms = min(PAUSE_MS_MAX, PAUSE_MS_MIN << min(message.tries, 20))
            pause_ms = int(pause_ms * random.uniform(0.8, 1.2))
            log.info(
                "a webhook is sent again",
                message=message.id,
                answers=answers,
                in_ms=pause_ms,
            )
            self._book.later(message, now_ms + pause_ms)

    async def _post(self, session: aiohttp.ClientSession, message: Message) -> int:
        """Send it once; return the status, 0 where there was none."""
        seconds, secrets = int(time.time()), self._secrets
        if message.kind == "forged":
            secrets = [MADE_UP]
        elif message.kind == "stale":
            seconds -= STALE_S
        headers = headers_of(secrets, message.id, seconds, message.body)
        headers["Content-Type"] = "application/json"
        try:
            async with session.post(
                message.url, data=message.body, headers=headers, allow_redirects=False
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return 0
