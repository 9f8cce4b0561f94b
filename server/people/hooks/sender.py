"""Sends what hooks are told, in order and again until it is taken.

Purpose: one process has a hook at a time, and sends its messages one after the other.
One that fails comes again later, and lets the others pass. A receiver that fails often
is left alone for longer each time; one that says 410 hears nothing more.

Nothing that a receiver does costs more than ten seconds and 64 KiB: no redirect is
followed, nothing is unpacked, and what it says beyond its status is not looked at.
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Final

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver

from persistence.errors import Unavailable
from persistence.people.hooks.deliveries import (
    HOOKS_MAX,
    LEASE_S,
    Deliveries,
    Message,
    Outcome,
    TakenHook,
    Waiting,
)
from server.base.jobs import Job
from server.people.hooks.addresses import PublicResolver, check_host
from server.people.hooks.discord import shaped
from server.people.hooks.secret_box import SecretBox
from server.transport.outbox.signatures import headers_of

POLL_S: Final = 0.5
SEND_S_MAX: Final = 10.0
READ_BYTES_MAX: Final = 64 << 10
FORGET_S: Final = 600.0
WAITING_S: Final = 5.0
"""How often it is counted what waits."""

BATCH_S_MAX: Final = LEASE_S - 2 * SEND_S_MAX
"""What of a hook was not begun by then is left for the next turn."""

WAITS_S: Final = (10, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Before each further attempt, give or take a tenth; after the last one it is dead."""

RESTS_FROM: Final = 3
REST_S: Final = 5.0
REST_S_MAX: Final = 300.0
"""From so many failures in a row the hook rests, each time twice as long."""

ASKED_S_MAX: Final = 86_400.0
"""Nobody has us wait longer."""

GONE: Final = 410
SLOWER: Final = frozenset({429, 503})
"""With these a receiver may say when it wants to hear more."""

LATE_S: Final = 600.0
"""What waits longer, though nothing is in its way, is a problem."""

ERROR_LENGTH_MAX: Final = 200
AGENT: Final = "Onsale-Hooks/1"

log = structlog.get_logger()


class HookSender:
    """Sends messages of hooks. With `private` they may lead anywhere."""

    def __init__(
        self,
        deliveries: Deliveries,
        box: SecretBox,
        *,
        private: bool,
        resolver: AbstractResolver | None = None,
        send_s: float = SEND_S_MAX,
    ) -> None:
        self.sent = 0
        """Attempts that were taken, and below those that were not."""
        self.failed = 0
        self.waiting = Waiting(0, 0.0)
        """As of the last count."""
        self._deliveries = deliveries
        self._box = box
        self._private = private
        self._resolver = resolver
        self._send_s = send_s
        self._session: aiohttp.ClientSession | None = None
        self._at_work: dict[str, asyncio.Task[None]] = {}
        self._done = asyncio.Event()

    async def run(self, job: Job) -> None:
        """Send whatever is due, for ever."""
        forgot_s = counted_s = -FORGET_S
        while True:
            try:
                with job:
                    await self.begin()
                    now_s = time.monotonic()
                    if now_s - counted_s >= WAITING_S:
                        self.waiting = await self._deliveries.waiting()
                        counted_s = now_s
                    if now_s - forgot_s >= FORGET_S:
                        await self._deliveries.forget()
                        forgot_s = now_s
            except Unavailable as error:
                log.warning("no webhooks can be read", reason=str(error))
            try:
                async with asyncio.timeout(POLL_S):
                    await self._done.wait()
            except TimeoutError:
                pass  # Then it is time to look.
            self._done.clear()

    async def begin(self) -> int:
        """Take hooks with something to send, and begin; return how many.

        Raises `Unavailable`.
        """
        room = HOOKS_MAX - len(self._at_work)
        if room <= 0:
            return 0
        taken = await self._deliveries.take(self._at_work, room)
        for hook in taken:
            name = hook.hook_id
            task = asyncio.create_task(self._send_all(hook), name=f"hook {name}")
            self._at_work[name] = task
            task.add_done_callback(partial(self._ended, name))
        return len(taken)

    async def settle(self) -> None:
        """Send all that is due, for tests and for the end of what was begun."""
        while await self.begin() or self._at_work:
            await asyncio.gather(*self._at_work.values())

    async def close(self) -> None:
        """End what is being sent: it is sent again, by whoever comes."""
        tasks = list(self._at_work.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def health(self) -> dict[str, object]:
        """Return what the health page shows: whether messages get away."""
        part: dict[str, object] = {
            "status": "ok",
            "waiting": self.waiting.waiting,
            "oldest_s": round(self.waiting.oldest_s, 1),
        }
        if self.waiting.oldest_s > LATE_S:
            late = f"Webhooks wait for {self.waiting.oldest_s:.0f} s to be sent."
            part |= {"status": "degraded", "problems": [late]}
        return part

    def _ended(self, hook: str, task: "asyncio.Task[None]") -> None:
        del self._at_work[hook]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("webhooks of a hook broke", hook=hook, exc_info=error)
        self._done.set()

    async def _send_all(self, hook: TakenHook) -> None:
        """Send the messages of a hook one after the other, until it is to rest."""
        ends = time.monotonic() + BATCH_S_MAX
        failures = hook.failures
        try:
            for message in hook.messages:
                if time.monotonic() > ends:
                    break
                outcome = await self._attempt(hook, message, failures)
                await self._deliveries.note(hook.hook_id, message.delivery_id, outcome)
                if outcome.state == "sent":
                    self.sent += 1
                    failures = 0
                else:
                    self.failed += 1
                    failures += 1
                if outcome.gone or outcome.rest_s:
                    break
            await self._deliveries.give_back(hook)
        except Unavailable as error:
            # When the lease is over they are sent again: twice is better than never.
            log.warning("a webhook is not noted", hook=hook.hook_id, reason=str(error))

    async def _attempt(
        self, hook: TakenHook, message: Message, failures: int
    ) -> Outcome:
        """Send a message once; return what that came to."""
        secrets = self._secrets_of(hook)
        if not secrets:
            # Nobody could tell that it is from us.
            return Outcome("dead", None, "its secret cannot be opened: rotate it", 0)
        body = (
            message.body.encode() if hook.form == "standard" else shaped(message.body)
        )
        began = time.monotonic()
        asked_s, status, error = 0.0, None, None
        try:
            async with asyncio.timeout(self._send_s):
                status, asked_s = await self._post(hook.url, secrets, message, body)
        except TimeoutError:
            error = f"no answer within {self._send_s:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as failed:
            error = _told(failed)
        took_ms = round((time.monotonic() - began) * 1_000)
        return outcome_of(message.attempts, failures, status, error, took_ms, asked_s)

    async def _post(
        self, url: str, secrets: Sequence[bytes], message: Message, body: bytes
    ) -> tuple[int, float]:
        """Send it; return the status, and how long the receiver wants to be left."""
        if not self._private:
            check_host(url)
        headers = headers_of(secrets, message.delivery_id, int(time.time()), body)
        headers |= {"Content-Type": "application/json", "User-Agent": AGENT}
        async with self._open().post(
            url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            await _read(answer)
            return answer.status, _asked_s(answer.status, answer.headers)

    def _secrets_of(self, hook: TakenHook) -> list[bytes]:
        stored = (
            [hook.secret] if hook.old_secret is None else [hook.secret, hook.old_secret]
        )
        opened = [self._box.open(one, hook.hook_id) for one in stored]
        return [one for one in opened if one is not None]

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            resolver = self._resolver
            if not self._private:
                resolver = PublicResolver(resolver)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=resolver, use_dns_cache=False, limit_per_host=HOOKS_MAX
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                # A small answer may become very large.
                auto_decompress=False,
                # No proxy of the machine's: what it reaches is not what we looked at.
                trust_env=False,
            )
        return self._session


def outcome_of(
    before: int,
    failures: int,
    status: int | None,
    error: str | None,
    took_ms: int,
    asked_s: float = 0.0,
) -> Outcome:
    """Return what becomes of a message after another attempt.

    It was tried so often `before`, and the hook failed so often in a row. `asked_s` is
    how long its receiver wants to be left alone.
    """
    if status is not None and 200 <= status < 300:
        return Outcome("sent", status, None, took_ms)
    if error is None:
        error = f"it answered {status}"
    if status == GONE:
        return Outcome("dead", status, error, took_ms, gone=True)
    rest_s = asked_s
    if failures + 1 >= RESTS_FROM:
        doubled = REST_S * 2.0 ** min(failures + 1 - RESTS_FROM, 20)
        rest_s = max(rest_s, min(REST_S_MAX, doubled))
    if before >= len(WAITS_S):
        return Outcome("dead", status, error, took_ms, rest_s=rest_s)
    wait_s = max(WAITS_S[before] * random.uniform(0.9, 1.1), asked_s)
    return Outcome("due", status, error, took_ms, wait_s, rest_s)


async def _read(answer: aiohttp.ClientResponse) -> None:
    """Read what is said, so that the connection can be used again; not too much."""
    left = READ_BYTES_MAX
    async for chunk in answer.content.iter_any():
        left -= len(chunk)
        if left < 0:
            answer.close()
            return


def _asked_s(status: int, headers: Mapping[str, str]) -> float:
    """Return for how many seconds a receiver wants to be left alone."""
    told = headers.get("Retry-After")
    if status not in SLOWER or told is None:
        return 0.0
    if told.isascii() and told.isdigit():
        asked_s = float(told[:9])
    else:
        try:
            at = parsedate_to_datetime(told)
        except ValueError:
            return 0.0
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        asked_s = (at - datetime.now(UTC)).total_seconds()
    return min(max(asked_s, 0.0), ASKED_S_MAX)


def _told(error: Exception) -> str:
    """Return what went wrong, for the log of deliveries."""
    inner = getattr(error, "os_error", None) or error
    text = f"{type(inner).__name__}: {inner}" if str(inner) else type(inner).__name__
    return text[:ERROR_LENGTH_MAX]
