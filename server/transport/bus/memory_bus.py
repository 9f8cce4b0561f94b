"""The bus of a process that is alone: what its parts say comes back to them.

Purpose: who uses a bus need not know whether there are other processes.

Concurrency: `publish`, `subscribe` and `unsubscribe` never wait and call nobody. What
was said is brought in later turns of the loop, a slice in each.

Invariants: those of `Bus`. Here nothing is lost that was said after a subscription
began, and `on_sent` always tells how many heard it.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

import structlog

from server.base.limits import (
    BUS_MESSAGE_BYTES_EXTRA,
    BUS_MESSAGE_BYTES_MAX,
    BUS_OUTBOX_BYTES_MAX,
    BUS_SLICE_MESSAGES,
)
from server.transport.bus.bus import OnSent

log = structlog.get_logger()


class Exchange:
    """Where the buses of one process meet: brings all that is said, in order."""

    def __init__(self) -> None:
        self.buses: list[MemoryBus] = []
        self._waiting: deque[Callable[[], None]] = deque()
        self._working = False

    def put(self, step: Callable[[], None]) -> None:
        """Do something after all that waits already."""
        self._waiting.append(step)
        if not self._working:
            self._working = True
            asyncio.get_running_loop().call_soon(self._work)

    def _work(self) -> None:
        for _ in range(min(len(self._waiting), BUS_SLICE_MESSAGES)):
            self._waiting.popleft()()
        self._working = bool(self._waiting)
        if self._working:
            asyncio.get_running_loop().call_soon(self._work)


class Subscription:
    """Who hears a topic, once that has begun."""

    __slots__ = ("began", "handler", "on_gap")

    def __init__(
        self, handler: Callable[[bytes], None], on_gap: Callable[[], None]
    ) -> None:
        self.handler = handler
        self.on_gap = on_gap
        self.began = False


class MemoryBus:
    """A bus within this process.

    Those that are given the same exchange hear each other.
    """

    def __init__(self, exchange: Exchange | None = None) -> None:
        self._exchange = exchange or Exchange()
        self._topics: dict[str, Subscription] = {}
        self._open = False
        self._waiting_bytes = 0
        self.published = 0
        self.received = 0
        self.dropped = 0
        """Always 0: only our own process speaks here."""
        self.reconnects = 0
        """Always 0: there is no connection."""

    @property
    def status(self) -> str:
        """Return ok, or down before the start and after the end."""
        return "ok" if self._open else "down"

    @property
    def refusal(self) -> None:
        """Return None: nobody refuses us."""
        return None

    @property
    def health(self) -> dict[str, object]:
        """Return what the health page shows: there is no bus to other processes."""
        return {"status": "off", "kind": "in process"}

    async def start(self) -> None:
        """Begin to speak and to listen."""
        assert not self._open, "the bus is started once"
        self._open = True
        self._exchange.buses.append(self)
        for topic, subscription in self._topics.items():
            self._exchange.put(partial(self._begin, topic, subscription))

    async def close(self) -> None:
        """Wait until all was heard that was said before, and fall silent."""
        if not self._open:
            return
        self._open = False
        said = asyncio.Event()
        self._exchange.put(said.set)
        try:
            await said.wait()
        finally:
            self._exchange.buses.remove(self)

    def publish(self, topic: str, data: bytes, on_sent: OnSent | None = None) -> bool:
        """Say something; see Bus."""
        if not self._open or self._waiting_bytes >= BUS_OUTBOX_BYTES_MAX:
            return False
        if len(data) > BUS_MESSAGE_BYTES_MAX:
            log.error("too long for the bus", topic=topic, bytes=len(data))
            return False
        self._waiting_bytes += len(data) + BUS_MESSAGE_BYTES_EXTRA
        self._exchange.put(partial(self._bring, topic, data, on_sent))
        self.published += 1
        return True

    def subscribe(
        self,
        topic: str,
        handler: Callable[[bytes], None],
        on_gap: Callable[[], None],
    ) -> None:
        """Hear a topic; see Bus."""
        self._topics[topic] = subscription = Subscription(handler, on_gap)
        if self._open:
            self._exchange.put(partial(self._begin, topic, subscription))

    def unsubscribe(self, topic: str) -> None:
        """Hear a topic no longer; see Bus."""
        self._topics.pop(topic, None)

    def _begin(self, topic: str, subscription: Subscription) -> None:
        if self._topics.get(topic) is not subscription:
            return  # It has ended, or another has taken its place.
        subscription.began = True
        try:
            subscription.on_gap()
        except Exception:
            log.exception("who hears the bus failed", topic=topic)

    def _bring(self, topic: str, data: bytes, on_sent: OnSent | None) -> None:
        self._waiting_bytes -= len(data) + BUS_MESSAGE_BYTES_EXTRA
        receivers = sum(bus.hear(topic, data) for bus in list(self._exchange.buses))
        if on_sent is None:
            return
        try:
            on_sent(receivers)
        except Exception:
            log.exception("who published on the bus failed")

    def hear(self, topic: str, data: bytes) -> bool:
        """Give a message to who hears its topic here; return whether somebody does."""
        subscription = self._topics.get(topic)
        if subscription is None or not subscription.began:
            return False
        self.received += 1
        try:
            subscription.handler(data)
        except Exception:
            log.exception("who hears the bus failed", topic=topic)
        return True
