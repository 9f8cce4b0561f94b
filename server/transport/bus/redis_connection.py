"""What the bus has with one Redis: a link, and a new one whenever it breaks.

Concurrency: one task speaks, and puts all that was published during a round trip into
the next; one listens; one probes. When one of them fails all three end, and a new link
is made.
"""

import asyncio
import random
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple, Protocol

import structlog
from redis.exceptions import MovedError, RedisError, ResponseError

from server.base.limits import (
    BUS_BACKOFF_S_MAX,
    BUS_BACKOFF_S_MIN,
    BUS_CLOSE_S_MAX,
    BUS_MESSAGE_BYTES_EXTRA,
    BUS_OUTBOX_BYTES_MAX,
    BUS_PROBE_S,
    BUS_PROBES_LOST_MAX,
    BUS_SLICE_MESSAGES,
    BUS_TURN_BYTES,
    BUS_TURN_MESSAGES_MAX,
)
from server.transport.bus.bus import BusError, BusRefused, OnSent
from server.transport.bus.redis_link import ANY, Dialect, Link, address_of

log = structlog.get_logger()


class Hub(Protocol):
    """What a connection needs of the bus."""

    reconnects: int

    def hear(self, channel: bytes, body: bytes) -> None:
        """Take a message."""

    def begin(self, channel: bytes) -> None:
        """Learn that a subscription begins."""

    def wanted(self, connection: "RedisConnection") -> Iterable[bytes]:
        """Return the channels that are heard over this connection."""

    def wants(self, connection: "RedisConnection", channel: bytes) -> bool:
        """Return whether a channel is heard over this connection."""

    def probe(self, connection: "RedisConnection") -> tuple[bytes, bytes]:
        """Return a channel where this connection hears itself, and what to say there.

        Raises BusError where there is none.
        """

    def moved(self, connection: "RedisConnection", slot: int) -> None:
        """Learn that the Redis of this connection has a slot no more."""

    def ended(self, connection: "RedisConnection", channel: bytes) -> None:
        """Learn that a subscription has ended."""

    def missing(self, connection: "RedisConnection") -> None:
        """Learn that the Redis of this connection is out of reach."""


class OutgoingMessage(NamedTuple):
    """A message on its way to Redis, as the command that publishes it."""

    command: bytes
    on_sent: OnSent | None


class RedisConnection:
    """One Redis that the bus speaks with."""

    def __init__(self, hub: Hub, url: str, dialect: Dialect = ANY) -> None:
        self.url = url
        self.probe = b""
        self._hub = hub
        self._dialect = dialect
        self._publication = dialect.publication
        self._probe_body = b""
        self._probes_unheard = 0
        self._changed: dict[bytes, None] = {}
        self._outbox: deque[OutgoingMessage] = deque()
        self._in_flight: deque[OutgoingMessage] = deque()
        self._waiting_bytes = 0
        self._wake = asyncio.Event()
        self.refusal: str | None = None
        """Why the last tries to connect were refused, where they were."""
        self.refused_since = 0.0
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def status(self) -> str:
        """Return ok, degraded (the last probe did not come back yet), or down."""
        if self._link is None:
            return "down"
        return "degraded" if self._probes_unheard > 1 else "ok"

    @property
    def takes(self) -> bool:
        """Whether there is a connection, and room in the queue to it."""
        return self._link is not None and self._waiting_bytes < BUS_OUTBOX_BYTES_MAX

    async def start(self) -> None:
        """Connect, and stay connected from then on; raises BusError."""
        link = await self._open()
        self._link = link
        self._task = asyncio.create_task(self._run(link), name="bus")

    def start_later(self) -> None:
        """Connect as soon as that is possible."""
        self._task = asyncio.create_task(self._run(None), name="bus")

    async def close(self) -> None:
        """Say what was published before, for a second at most, and disconnect."""
        task = self._task
        if task is not None and self._link is not None:
            said = asyncio.get_running_loop().create_future()
            # The last in the queue: what stood before it has been said, or lost.
            self.put(self.probe, self._probe_body, lambda _: said.set_result(None))
            await asyncio.wait(
                {said, task},
                timeout=BUS_CLOSE_S_MAX,
                return_when=asyncio.FIRST_COMPLETED,
            )
        await self.end()

    async def end(self) -> None:
        """Disconnect at once."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    def put(
        self,
        channel: bytes,
        body: bytes,
        on_sent: OnSent | None,
        *,
        first: bool = False,
    ) -> None:
        """Send a message; `on_sent` is called once, as `Bus.publish` says."""
        command = self._publication(channel, body)
        message = OutgoingMessage(command, on_sent)
        self._waiting_bytes += len(command) + BUS_MESSAGE_BYTES_EXTRA
        if first:
            self._outbox.appendleft(message)
        else:
            self._outbox.append(message)
        self._wake.set()

    def change(self, channel: bytes) -> None:
        """Subscribe to a channel, or end that, as the bus wants it now."""
        # A new link begins with all channels there are.
        if self._link is not None:
            self._changed[channel] = None
            self._wake.set()

    def live(self) -> None:
        """Learn that the probe was heard."""
        self._probes_unheard = 0

    async def _open(self) -> Link:
        self.probe, self._probe_body = self._hub.probe(self)
        return await Link.open(self.url, self.probe, self._dialect)

    async def _run(self, link: Link | None) -> None:
        """Use one link after the other until the bus is closed."""
        where = address_of(self.url)
        while True:
            if link is None:
                link = await self._connect_again()
            error = await self._use(link)
            if isinstance(error, BusError | RedisError | OSError):
                log.warning("the bus is lost", redis=where, reason=str(error))
            else:
                log.error("the bus is lost by an error of ours", exc_info=error)
            link = await self._connect_again()
            self._hub.reconnects += 1
            log.info("the bus is back", redis=where)

    async def _use(self, link: Link) -> BaseException | None:
        """Speak, listen and probe until one of them fails; return its error."""
        self._link = link
        self._probes_unheard = 0
        self._changed = dict.fromkeys(self._hub.wanted(self))
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
            self._hub.missing(self)
            await asyncio.sleep(random.random() * backoff_s)
            try:
                link = await self._open()
            except BusError as error:
                self._note(error)
                log.debug("the bus stays lost", reason=str(error))
            except Exception:
                log.exception("the bus stays lost by an error of ours")
            else:
                self.refusal = None
                return link
            backoff_s = min(backoff_s * 2, BUS_BACKOFF_S_MAX)

    def _note(self, error: BusError) -> None:
        """Remember since when we are refused: only a person can end that."""
        if not isinstance(error, BusRefused):
            self.refusal = None
            return
        if self.refusal is None:
            self.refused_since = asyncio.get_running_loop().time()
            log.error("the bus does not let us in", reason=str(error))
        self.refusal = str(error)

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
        wanted = {name: self._hub.wants(self, name) for name in changed}
        # A subscription that stands is asked for again: only so does its new handler
        # hear that it begins.
        await link.subscribe([name for name in changed if wanted[name]])
        await link.unsubscribe([name for name in changed if not wanted[name]])

    async def _turn(self, link: Link) -> None:
        """Send what waits in one round trip, up to what one may have."""
        batch = self._in_flight
        size = 0
        while self._outbox and size < BUS_TURN_BYTES:
            if len(batch) == BUS_TURN_MESSAGES_MAX:
                break
            message = self._outbox.popleft()
            batch.append(message)
            size += len(message.command)
        await link.send([message.command for message in batch])
        while batch:
            try:
                receivers: int | None = await link.answer()
                if not receivers and not link.counts_all:
                    receivers = None
            except MovedError as error:
                self._hub.moved(self, error.slot_id)
                receivers = 0
            except ResponseError as error:
                log.error("the bus refused a message", reason=str(error))
                receivers = None
            self._settle(batch.popleft(), receivers)

    def _lose(self) -> None:
        """Answer for what the broken link leaves: nobody knows what became of some."""
        while self._in_flight:
            self._settle(self._in_flight.popleft(), None)
        while self._outbox:
            self._settle(self._outbox.popleft(), 0)

    def _settle(self, message: OutgoingMessage, receivers: int | None) -> None:
        self._waiting_bytes -= len(message.command) + BUS_MESSAGE_BYTES_EXTRA
        if message.on_sent is None:
            return
        try:
            message.on_sent(receivers)
        except Exception:
            log.exception("who published on the bus failed")

    async def _listen(self, link: Link) -> None:
        hub, dialect = self._hub, link.dialect
        message, hear = dialect.message, hub.hear
        heard = 0
        while True:
            try:
                kind, channel, body = await link.read()
            except MovedError as error:
                hub.moved(self, error.slot_id)
                continue
            if kind == message:
                hear(channel, body)
            elif kind == dialect.subscribed:
                hub.begin(channel)
            elif kind == dialect.unsubscribed:
                hub.ended(self, channel)
            heard += 1
            if heard == BUS_SLICE_MESSAGES:
                # While there is something to read, reading it never waits.
                heard = 0
                await asyncio.sleep(0)

    async def _probe(self) -> None:
        """Say something to ourselves every second; raise when it does not come back."""
        while self._probes_unheard < BUS_PROBES_LOST_MAX:
            self._probes_unheard += 1
            # Before all that waits: it asks for life, not for speed.
            self.put(self.probe, self._probe_body, None, first=True)
            await asyncio.sleep(BUS_PROBE_S)
        where = address_of(self.url)
        raise BusError(f"Redis at {where} does not bring back what is sent to it.")
