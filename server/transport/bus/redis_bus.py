"""The bus over the pub/sub of Redis: see `Bus`, whose promises these are.

Concurrency: `publish`, `subscribe` and `unsubscribe` never wait. Behind them is a
connection to the Redis there is, or to each master of a Redis Cluster, which has the
topics of its slots; there a survey learns anew who has what whenever a connection says
that we know it wrongly.

Invariants:
- What was published over one link arrives in order, at most once, or not at all.
- Every beginning of a subscription is told with `on_gap`, for nobody can tell what was
  said before it.
- `on_sent` is called exactly once for each `publish` that returned True.
- What has no right tag of the cluster's secret reaches no handler.

Imports: redis and hiredis, only in `redis_link.py`, `redis_connection.py`
and `cluster_slots.py`.
"""

import asyncio
import hashlib
import hmac
import random
import secrets
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import structlog

from server.base.limits import BUS_MESSAGE_BYTES_MAX, BUS_REFUSED_S_MAX, BUS_SURVEY_S
from server.transport.bus.bus import BusError, OnSent
from server.transport.bus.cluster_slots import SLOTS, Range, key_slot, node_of, ranges
from server.transport.bus.redis_connection import RedisConnection
from server.transport.bus.redis_link import SHARDED

TAG_BYTES: Final = 16
PROBE_TRIES_MAX: Final = 20 * SLOTS

log = structlog.get_logger()


class Topic(NamedTuple):
    """Who hears a topic of ours."""

    name: str
    handler: Callable[[bytes], None]
    on_gap: Callable[[], None]


class RedisBus:
    """The bus over Redis, or what speaks its language.

    `url` is redis://, rediss:// or unix://, or that of one node of a cluster,
    redis+cluster:// or rediss+cluster://; `prefix` begins the names of all channels of
    this cluster; `secret` has 16 to 64 bytes, and whoever has it may speak here.
    """

    def __init__(self, url: str, prefix: str, secret: bytes) -> None:
        if not 16 <= len(secret) <= hashlib.blake2b.MAX_KEY_SIZE:
            raise ValueError("the secret of the bus has 16 to 64 bytes")
        self._url = url
        self._node = node_of(url)
        self._prefix = prefix
        self._seal = hashlib.blake2b(key=secret, digest_size=TAG_BYTES)
        self._topics: dict[bytes, Topic] = {}
        self._connections: dict[str, RedisConnection] = {}
        self._only: RedisConnection | None = None
        self._slots: list[RedisConnection | None] | None = None
        """Whose each slot is; None where the only Redis has all."""
        self._whole = True
        self._stale = asyncio.Event()
        self._moved: set[int] = set()
        self._witness = ""
        """Who said last that a slot has moved: it knows where to."""
        self._surveyor: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self.published = 0
        """Messages taken for sending, without probes."""
        self.received = 0
        """Messages given to a handler, without probes."""
        self.dropped = 0
        """Messages on our topics that had no right tag."""
        self.reconnects = 0

    @property
    def status(self) -> str:
        """Return ok, degraded (a last probe did not come back yet), or down.

        In a cluster it is that of the worst of its masters.
        """
        statuses = {connection.status for connection in self._connections.values()}
        if not statuses or "down" in statuses or not self._whole:
            return "down"
        return "degraded" if "degraded" in statuses else "ok"

    @property
    def health(self) -> dict[str, object]:
        """Return what the health page shows."""
        told: dict[str, object] = {
            "status": self.status,
            "kind": "redis",
            "dropped": self.dropped,
        }
        refusals = {one.refusal for one in self._connections.values() if one.refusal}
        if refusals:
            told["problems"] = sorted(refusals)
        return told

    @property
    def refusal(self) -> str | None:
        """Return in a sentence that it has not let us in for long; None otherwise."""
        late = asyncio.get_running_loop().time() - BUS_REFUSED_S_MAX
        for connection in self._connections.values():
            if connection.refusal is not None and connection.refused_since <= late:
                return connection.refusal
        return None

    async def start(self) -> None:
        """Connect; from then on the bus keeps itself connected.

        Raises BusError with a sentence when Redis is out of reach, or is none; of a
        cluster some master must be in reach.
        """
        assert not self._connections, "the bus is started once"
        if self._node is None:
            self._only = RedisConnection(self, self._url)
            self._connections[self._url] = self._only
        else:
            self._arrange(await ranges(self._node), set())
        connections = list(self._connections.values())
        try:
            errors = await asyncio.gather(
                *(connection.start() for connection in connections),
                return_exceptions=True,
            )
            failed = [error for error in errors if error is not None]
            for each in failed:
                if len(failed) == len(connections) or not isinstance(each, BusError):
                    raise each
            if not connections:
                raise BusError("The Redis Cluster has no slots.")
        except BaseException:
            await self.close()
            raise
        for connection, error in zip(connections, errors, strict=True):
            if error is not None:
                log.warning("the bus begins without a Redis", reason=str(error))
                connection.start_later()
        if self._node is not None:
            self._surveyor = asyncio.create_task(self._survey(), name="bus survey")

    async def close(self) -> None:
        """Say what was published before, for a second at most, and disconnect."""
        connections, self._connections = self._connections, {}
        self._only = self._slots = None
        surveyor, self._surveyor = self._surveyor, None
        if surveyor is not None:
            surveyor.cancel()
            await asyncio.wait({surveyor})
        await asyncio.gather(
            *(connection.close() for connection in connections.values()), *self._ending
        )

    def publish(self, topic: str, data: bytes, on_sent: OnSent | None = None) -> bool:
        """Say something; see Bus."""
        channel = self._channel(topic)
        connection = self._only or self._connection_of(channel)
        if connection is None or not connection.takes:
            return False
        if len(data) > BUS_MESSAGE_BYTES_MAX:
            log.error("too long for the bus", topic=topic, bytes=len(data))
            return False
        connection.put(channel, self._tag(channel, data) + data, on_sent)
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
        connection = self._connection_of(channel)
        if connection is not None:
            connection.change(channel)

    def _channel(self, topic: str) -> bytes:
        return f"{self._prefix}:{topic}".encode()

    def _connection_of(self, channel: bytes) -> RedisConnection | None:
        if self._slots is None:
            return self._only
        return self._slots[key_slot(channel)]

    def _tag(self, channel: bytes, data: bytes) -> bytes:
        seal = self._seal.copy()
        # With its length: else a part of the name could pass for a part of the data.
        seal.update(b"%d:%b" % (len(channel), channel))
        seal.update(data)
        return seal.digest()

    # -- What the connections ask for and tell

    def hear(self, channel: bytes, body: bytes) -> None:
        """Give a message to who hears its topic."""
        topic = self._topics.get(channel)
        connection = None if topic is not None else self._prober(channel)
        if topic is None and connection is None:
            return  # Not ours any more.
        data = body[TAG_BYTES:]
        if not hmac.compare_digest(body[:TAG_BYTES], self._tag(channel, data)):
            self.dropped += 1
            return
        if topic is None:
            assert connection is not None
            connection.live()
            return
        self.received += 1
        try:
            topic.handler(data)
        except Exception:
            log.exception("who hears the bus failed", topic=topic.name)

    def _prober(self, channel: bytes) -> RedisConnection | None:
        connections = self._connections.values()
        return next(
            (connection for connection in connections if connection.probe == channel),
            None,
        )

    def begin(self, channel: bytes) -> None:
        """Tell who hears a topic that its subscription begins."""
        topic = self._topics.get(channel)
        if topic is None:
            return
        try:
            topic.on_gap()
        except Exception:
            log.exception("who hears the bus failed", topic=topic.name)

    def wanted(self, connection: RedisConnection) -> Iterable[bytes]:
        """Return the channels that are heard over a connection."""
        return [
            channel
            for channel in self._topics
            if self._connection_of(channel) is connection
        ]

    def wants(self, connection: RedisConnection, channel: bytes) -> bool:
        """Return whether a channel is heard over a connection."""
        return channel in self._topics and self._connection_of(channel) is connection

    def probe(self, connection: RedisConnection) -> tuple[bytes, bytes]:
        """Return a channel where a connection hears itself, and what to say there."""
        # One try is enough where there is one Redis, and few are in any usual cluster.
        for _ in range(PROBE_TRIES_MAX):
            channel = self._channel(f"probe:{secrets.token_hex(8)}")
            if self._connection_of(channel) is connection:
                return channel, self._tag(channel, b"")
        raise BusError("A Redis of the cluster has no slot any more.")

    def moved(self, connection: RedisConnection, slot: int) -> None:
        """Learn where a slot is now that a connection has it no more."""
        self._moved.add(slot)
        self._witness = connection.url
        self._stale.set()

    def ended(self, connection: RedisConnection, channel: bytes) -> None:
        """Look for a topic again whose subscription ended, though we did not ask."""
        if self._slots is not None and self.wants(connection, channel):
            self.moved(connection, key_slot(channel))

    def missing(self, connection: RedisConnection) -> None:
        """Ask whether another Redis has taken over from one that is out of reach."""
        self._stale.set()

    # -- A Redis Cluster

    async def _survey(self) -> None:
        """Learn anew who has which slot, whenever we may know it wrongly."""
        while True:
            await self._stale.wait()
            self._stale.clear()
            found = await self._ask_around()
            (moved, self._moved), self._witness = (self._moved, set()), ""
            self._arrange(found, moved)
            if not self._whole:
                self._stale.set()
            await asyncio.sleep(BUS_SURVEY_S)

    async def _ask_around(self) -> list[Range]:
        """Ask one node after the other until one answers."""
        assert self._node is not None
        while True:
            urls = {self._node, *self._connections}
            # First who must know, last who is out of reach anyway.
            for url in sorted(urls, key=self._trust):
                try:
                    found = await ranges(url)
                except BusError as error:
                    log.debug("no word from a Redis", reason=str(error))
                else:
                    if found:
                        return found
            await asyncio.sleep(BUS_SURVEY_S)

    def _trust(self, url: str) -> tuple[bool, bool, float]:
        connection = self._connections.get(url)
        is_down = connection is None or connection.status != "ok"
        return url != self._witness, is_down, random.random()

    def _arrange(self, found: list[Range], moved: set[int]) -> None:
        """Have a connection to each master, and each topic on that of its slot."""
        slots: list[RedisConnection | None] = [None] * SLOTS
        connections: dict[str, RedisConnection] = {}
        for first, last, url in found:
            master = connections.get(url) or self._connections.get(url)
            connections[url] = master = master or RedisConnection(self, url, SHARDED)
            slots[first : last + 1] = [master] * (last + 1 - first)
        (gone, self._connections), before = (
            (self._connections, connections),
            self._slots,
        )
        self._slots, self._whole = slots, None not in slots
        if before is None:
            return  # It starts: nobody hears anything yet.
        for channel in self._topics:
            slot = key_slot(channel)
            if before[slot] is slots[slot] and slot not in moved:
                continue
            connection = slots[slot]
            if connection is not None:
                # Who had it before has ended the subscription by itself.
                connection.change(channel)
        for url in gone.keys() - connections.keys():
            # At once: as a replica it would bring what its new master brings too.
            task = asyncio.create_task(gone[url].end(), name="bus ends a connection")
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        for url in connections.keys() - gone.keys():
            connections[url].start_later()
