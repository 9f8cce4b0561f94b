"""The bus between processes: short messages by topic, over the pub/sub of Redis.

Purpose: to say something to whoever listens, quickly, and to know when something may
have been missed. Nothing that is said here is true for being said: the database is.

Concurrency: `publish`, `subscribe` and `unsubscribe` never wait. Behind them one task
speaks, and puts all that was published during a round trip into the next; one listens;
one probes. They share a link, and when it breaks all three end and a new link is made.

Invariants:
- What was published over one link arrives in order, at most once, or not at all.
- Every beginning of a subscription is told with `on_gap`, for nobody can tell what was
  said before it.
- `on_sent` is called exactly once for each `publish` that returned True.
- What has no right tag of the cluster's secret reaches no handler.

Imports: redis and hiredis, below in `link.py` only.
"""

import asyncio
import hashlib
import hmac
import random
import secrets
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import structlog
from redis.exceptions import RedisError, ResponseError

from server.cluster.link import BusError, Link, address_of, publication
from server.limits import (
    BUS_BACKOFF_S_MAX,
    BUS_BACKOFF_S_MIN,
    BUS_CLOSE_S_MAX,
    BUS_MESSAGE_BYTES_EXTRA,
    BUS_MESSAGE_BYTES_MAX,
    BUS_OUTBOX_BYTES_MAX,
    BUS_PROBE_S,
    BUS_PROBES_LOST_MAX,
    BUS_SLICE_MESSAGES,
    BUS_TURN_BYTES,
    BUS_TURN_MESSAGES_MAX,
)

__all__ = ["Bus", "BusError", "RedisBus"]

TAG_BYTES: Final = 16

OnSent = Callable[[int | None], None]

log = structlog.get_logger()


class Bus(Protocol):
    """What may be said and heard; a topic is a short name that all processes know."""

    def publish(self, topic: str, data: bytes, on_sent: OnSent | None = None) -> bool:
        """Say something; never waits, never raises.

        False: surely nobody hears it, and `on_sent` is not called. Else `on_sent` is
        called later with how many received it, or None where that is not known.
        """
        ...

    def subscribe(
        self,
        topic: str,
        handler: Callable[[bytes], None],
        on_gap: Callable[[], None],
    ) -> None:
        """Hear a topic from now on; a second call for it replaces the first.

        `on_gap` is called whenever the subscription begins, the first time too: what
        was said before may be lost.
        """
        ...

    def unsubscribe(self, topic: str) -> None:
        """Hear a topic no longer."""
        ...

    @property
    def status(self) -> str:
        """Return ok, degraded (what we say does not come back), or down."""
        ...


class Topic(NamedTuple):
    """Who hears a topic of ours."""

    name: str
    handler: Callable[[bytes], None]
    on_gap: Callable[[], None]


class Letter(NamedTuple):
    """A message on its way to Redis, as the command that publishes it."""

    command: bytes
    on_sent: OnSent | None


class RedisBus:
    """The bus over Redis, or what speaks its language.

    `url` is redis://, rediss:// or unix://; `prefix` begins the names of all channels
    of this cluster; `secret` has 16 to 64 bytes, and whoever has it may speak here.
    """

    def __init__(self, url: str, prefix: str, secret: bytes) -> None:
        if not 16 <= len(secret) <= hashlib.blake2b.MAX_KEY_SIZE:
            raise ValueError("the secret of the bus has 16 to 64 bytes")
        self._url = url
        self._prefix = prefix
        self._seal = hashlib.blake2b(key=secret, digest_size=TAG_BYTES)
        self._topics: dict[bytes, Topic] = {}
        self._changed: dict[bytes, None] = {}
        self._outbox: deque[Letter] = deque()
        self._in_flight: deque[Letter] = deque()
        self._waiting_bytes = 0
        self._wake = asyncio.Event()
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._probe_channel = self._channel(f"probe:{secrets.token_hex(8)}")
        self._probes_unheard = 0
        self.published = 0
        """Messages taken for sending, without probes."""
        self.received = 0
        """Messages given to a handler, without probes."""
        self.dropped = 0
        """Messages on our topics that had no right tag."""
        self.reconnects = 0

    @property
    def status(self) -> str:
        """Return ok, degraded (the last probe did not come back yet), or down."""
        if self._link is None:
            return "down"
        return "degraded" if self._probes_unheard > 1 else "ok"

    async def start(self) -> None:
        """Connect; from then on the bus keeps itself connected.

        Raises BusError with a sentence when Redis is out of reach, or is none.
        """
        assert self._task is None, "the bus is started once"
        link = await Link.open(self._url, self._probe_channel)
        self._link = link
        self._task = asyncio.create_task(self._run(link), name="bus")

    async def close(self) -> None:
        """Say what was published before, for a second at most, and disconnect."""
        task, self._task = self._task, None
        if task is None:
            return
        said = asyncio.get_running_loop().create_future()
        if self._link is not None:
            # The last in the queue: what stood before it has been said, or lost.
            self._put(self._probe_channel, b"", lambda _: said.set_result(None))
            await asyncio.wait(
                {said, task},
                timeout=BUS_CLOSE_S_MAX,
                return_when=asyncio.FIRST_COMPLETED,
            )
        task.cancel()
        await asyncio.wait({task})

    def publish(self, topic: str, data: bytes, on_sent: OnSent | None = None) -> bool:
        """Say something; see Bus."""
        if self._link is None or self._task is None:
            return False
        if self._waiting_bytes >= BUS_OUTBOX_BYTES_MAX:
            return False
        if len(data) > BUS_MESSAGE_BYTES_MAX:
            log.error("too long for the bus", topic=topic, bytes=len(data))
            return False
        self._put(self._channel(topic), data, on_sent)
        self.published += 1
        return True

    def subscribe(
        self,
        topic: str,
        handler: Callable[[bytes], None],
        on_gap: Callable[[], None],
    ) -> None:
        """Hear a topic; see Bus."""
        channel = self._channel(topic)
        self._topics[channel] = Topic(topic, handler, on_gap)
        self._change(channel)

    def unsubscribe(self, topic: str) -> None:
        """Hear a topic no longer; see Bus."""
        channel = self._channel(topic)
        if self._topics.pop(channel, None) is not None:
            self._change(channel)

    def _change(self, channel: bytes) -> None:
        # A new link begins with all topics there are.
        if self._link is not None:
            self._changed[channel] = None
            self._wake.set()

    def _channel(self, topic: str) -> bytes:
        return f"{self._prefix}:{topic}".encode()

    def _tag(self, channel: bytes, data: bytes) -> bytes:
        seal = self._seal.copy()
        # With its length: else a part of the name could pass for a part of the data.
        seal.update(b"%d:%b" % (len(channel), channel))
        seal.update(data)
        return seal.digest()

    def _put(
        self,
        channel: bytes,
        data: bytes,
        on_sent: OnSent | None,
        *,
        first: bool = False,
    ) -> None:
        command = publication(channel, self._tag(channel, data) + data)
        letter = Letter(command, on_sent)
        self._waiting_bytes += len(command) + BUS_MESSAGE_BYTES_EXTRA
        if first:
            self._outbox.appendleft(letter)
        else:
            self._outbox.append(letter)
        self._wake.set()

    async def _run(self, link: Link) -> None:
        """Use one link after the other until the bus is closed."""
        while True:
            error = await self._use(link)
            if isinstance(error, BusError | RedisError | OSError):
                log.warning("the bus is lost", reason=str(error))
            else:
                log.error("the bus is lost by an error of ours", exc_info=error)
            link = await self._connect_again()
            self.reconnects += 1
            log.info("the bus is back")

    async def _use(self, link: Link) -> BaseException | None:
        """Speak, listen and probe until one of them fails; return its error."""
        self._link = link
        self._probes_unheard = 0
        self._changed = dict.fromkeys(self._topics)
        tasks = {
            asyncio.create_task(self._speak(link), name="bus speaks"),
            asyncio.create_task(self._listen(link), name="bus listens"),
            asyncio.create_task(self._probe(), name="bus probes"),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().exception()
        finally:
            self._link = None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await link.close()
            self._lose()

    async def _connect_again(self) -> Link:
        backoff_s = BUS_BACKOFF_S_MIN
        while True:
            await asyncio.sleep(random.random() * backoff_s)
            try:
                return await Link.open(self._url, self._probe_channel)
            except BusError as error:
                log.debug("the bus stays lost", reason=str(error))
            except Exception:
                log.exception("the bus stays lost by an error of ours")
            backoff_s = min(backoff_s * 2, BUS_BACKOFF_S_MAX)

    async def _speak(self, link: Link) -> None:
        while True:
            self._wake.clear()
            if self._changed:
                await self._resubscribe(link)
            if self._outbox:
                await self._turn(link)
            if not (self._outbox or self._changed):
                await self._wake.wait()

    async def _resubscribe(self, link: Link) -> None:
        changed, self._changed = self._changed, {}
        # A subscription that stands is asked for again: only so does its new handler
        # hear that it begins.
        await link.subscribe([name for name in changed if name in self._topics])
        await link.unsubscribe([name for name in changed if name not in self._topics])

    async def _turn(self, link: Link) -> None:
        """Send what waits in one round trip, up to what one may have."""
        batch = self._in_flight
        size = 0
        while self._outbox and size < BUS_TURN_BYTES:
            if len(batch) == BUS_TURN_MESSAGES_MAX:
                break
            letter = self._outbox.popleft()
            batch.append(letter)
            size += len(letter.command)
        await link.send([letter.command for letter in batch])
        while batch:
            try:
                receivers: int | None = await link.answer()
            except ResponseError as error:
                log.error("the bus refused a message", reason=str(error))
                receivers = None
            if not receivers and not link.counts_all:
                receivers = None
            self._settle(batch.popleft(), receivers)

    def _lose(self) -> None:
        """Answer for what the broken link leaves: nobody knows what became of some."""
        while self._in_flight:
            self._settle(self._in_flight.popleft(), None)
        while self._outbox:
            self._settle(self._outbox.popleft(), 0)

    def _settle(self, letter: Letter, receivers: int | None) -> None:
        self._waiting_bytes -= len(letter.command) + BUS_MESSAGE_BYTES_EXTRA
        if letter.on_sent is None:
            return
        try:
            letter.on_sent(receivers)
        except Exception:
            log.exception("who published on the bus failed")

    async def _listen(self, link: Link) -> None:
        heard = 0
        while True:
            kind, channel, body = await link.read()
            if kind == b"message":
                self._hear(channel, body)
            elif kind == b"subscribe":
                self._begin(channel)
            heard += 1
            if heard == BUS_SLICE_MESSAGES:
                # While there is something to read, reading it never waits.
                heard = 0
                await asyncio.sleep(0)

    def _hear(self, channel: bytes, body: bytes) -> None:
        topic = self._topics.get(channel)
        if topic is None and channel != self._probe_channel:
            return  # Not ours any more.
        data = body[TAG_BYTES:]
        if not hmac.compare_digest(body[:TAG_BYTES], self._tag(channel, data)):
            self.dropped += 1
            return
        if topic is None:
            self._probes_unheard = 0
            return
        self.received += 1
        try:
            topic.handler(data)
        except Exception:
            log.exception("who hears the bus failed", topic=topic.name)

    def _begin(self, channel: bytes) -> None:
        topic = self._topics.get(channel)
        if topic is None:
            return
        try:
            topic.on_gap()
        except Exception:
            log.exception("who hears the bus failed", topic=topic.name)

    async def _probe(self) -> None:
        """Say something to ourselves every second; raise when it does not come back."""
        while self._probes_unheard < BUS_PROBES_LOST_MAX:
            self._probes_unheard += 1
            # Before all that waits: it asks for life, not for speed.
            self._put(self._probe_channel, b"", None, first=True)
            await asyncio.sleep(BUS_PROBE_S)
        where = address_of(self._url)
        raise BusError(f"Redis at {where} does not bring back what is sent to it.")
