"""A bus that loses, slows, doubles and forgets, between the processes of one world.

`Exchange` stands for Redis, `SimBus` for what a process has of it; together they keep
the promises of the bus in `server.transport.bus` and no more: what goes over one link
arrives in order or not at all, unless the world is told to lose or double some of it,
`on_sent` is called once for each `publish` that returned True, and `on_gap` whenever a
subscription begins.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random

from server.base.limits import BUS_CLOSE_S_MAX
from tests.simulation.loop import ProcessLoop, Scheduler

NOTICED_S = 2.5
"""How long a process takes to notice that nothing comes back any more."""

BACKOFF_S = 1.0

OnSent = Callable[[int | None], None]


class Letter:
    """A message on its way; without data it is a wish to hear the topic."""

    __slots__ = ("data", "on_sent", "topic")

    def __init__(
        self, topic: str, data: bytes | None, on_sent: OnSent | None = None
    ) -> None:
        self.topic = topic
        self.data = data
        self.on_sent = on_sent


class Burst:
    """Something that befalls messages until some time."""

    def __init__(self) -> None:
        self.until = 0.0
        self.strength = 0.0

    def begin(self, until: float, strength: float) -> None:
        self.until, self.strength = until, strength


class Exchange:
    """The server in the middle: who hears what, and what befalls it."""

    def __init__(self, scheduler: Scheduler, random: Random, latency_s: float) -> None:
        self.scheduler = scheduler
        self.random = random.random
        self.latency_s = latency_s
        self.down = self.frozen = False
        self.links: list[Link] = []
        self.late: list[tuple[Link, list[Letter]]] = []
        self.losing, self.doubling, self.slowing = Burst(), Burst(), Burst()
        self.messages = 0

    def delay(self) -> float:
        """Draw how long something takes from here to there."""
        if self.scheduler.now < self.slowing.until:
            return self.slowing.strength * self.random()
        return self.latency_s * self.random()

    def _befalls(self, burst: Burst) -> bool:
        return self.scheduler.now < burst.until and self.random() < burst.strength

    def take(self, link: "Link", letters: list[Letter]) -> None:
        """Take what arrived over one link."""
        if self.frozen:
            self.late.append((link, letters))
            return
        if self.down:
            return  # The link is broken: who sent it hears of that.
        for letter in letters:
            if letter.data is None:
                link.begin(letter.topic)
            else:
                link.settle(letter, self.say(letter.topic, letter.data))

    def say(self, topic: str, data: bytes) -> int:
        """Bring a message to all who hear its topic; return how many."""
        if self.down or self.frozen:
            return 0
        hearing = [link for link in self.links if topic in link.topics]
        for link in hearing:
            self.messages += 1
            if self._befalls(self.losing):
                continue
            link.bring(topic, data)
            if self._befalls(self.doubling):
                link.bring(topic, data)
        return len(hearing)

    # Faults.

    def stop(self, seconds: float) -> None:
        """Be gone, forget who hears what, and come back empty."""
        self.down, self.frozen = True, False
        for link in list(self.links):
            link.cut()
        self.late.clear()
        self.scheduler.call_later(seconds, self._back)

    def _back(self) -> None:
        self.down = False

    def freeze(self, seconds: float) -> None:
        """Do nothing for a while; what was sent meanwhile comes late."""
        if self.frozen or self.down:
            return
        self.frozen = True
        for link in self.links:
            self.scheduler.call_later(NOTICED_S, self._notice, link)
        self.scheduler.call_later(seconds, self._thaw)

    def _notice(self, link: "Link") -> None:
        if self.frozen and link.open:
            link.cut()

    def _thaw(self) -> None:
        if self.frozen:
            self.frozen = False
            late, self.late = self.late, []
            for link, letters in late:
                self.take(link, letters)

    def heal(self) -> None:
        self._back()
        self._thaw()
        for burst in (self.losing, self.doubling, self.slowing):
            burst.until = 0.0
        for link in self.links:
            link.doomed = False


class Link:
    """One process's connection, from its beginning to its break."""

    def __init__(self, bus: "SimBus", exchange: Exchange) -> None:
        self.open = True
        self.doomed = False
        """It breaks as soon as something more arrives over it, before the answer."""
        self.topics: set[str] = set()
        self._bus = bus
        self._exchange = exchange
        self._scheduler = exchange.scheduler
        self._outbox: deque[Letter] = deque()
        self._in_flight: dict[Letter, None] = {}
        self._inbox: deque[tuple[str, bytes | None]] = deque()
        self._reading = self._sending = False
        exchange.links.append(self)

    # From the process.

    def put(self, letter: Letter) -> None:
        self._outbox.append(letter)
        if not self._sending:
            self._sending = True
            self._bus.loop.call_soon(self._send)

    def _send(self) -> None:
        """Send what waits in one go; the next goes when that has arrived."""
        if not self.open:
            return
        batch, self._outbox = list(self._outbox), deque()
        self._in_flight.update(
            (letter, None) for letter in batch if letter.on_sent is not None
        )
        self._scheduler.call_later(self._exchange.delay(), self._arrive, batch)

    def _arrive(self, batch: list[Letter]) -> None:
        if self.doomed and self.open:
            self.cut()
            self._exchange.take(self, batch)
            return
        # What is under way when the link breaks may or may not arrive.
        if self.open or self._exchange.random() < 0.5:
            self._exchange.take(self, batch)
        if self.open:
            self._bus.loop.call_soon(self._sent)

    def _sent(self) -> None:
        self._sending = False
        if self._outbox and self.open:
            self._sending = True
            self._send()

    def settle(self, letter: Letter, receivers: int) -> None:
        """Tell who published how many heard it."""
        if letter.on_sent is not None and self.open:
            self._bus.loop.call_soon(self._settle, letter, receivers)

    def _settle(self, letter: Letter, receivers: int) -> None:
        if letter in self._in_flight:
            del self._in_flight[letter]
            assert letter.on_sent is not None
            letter.on_sent(receivers)

    # To the process.

    def begin(self, topic: str) -> None:
        """Begin a subscription that is still wanted."""
        if self.open and self._bus.wants(topic):
            self.topics.add(topic)
            self.bring(topic, None)

    def bring(self, topic: str, data: bytes | None) -> None:
        self._inbox.append((topic, data))
        if not self._reading:
            self._reading = True
            self._scheduler.call_later(self._exchange.delay(), self._knock)

    def _knock(self) -> None:
        self._bus.loop.call_soon(self._read)

    def _read(self) -> None:
        self._reading = False
        while self._inbox and self.open:
            self._bus.hear(*self._inbox.popleft())

    def cut(self) -> None:
        """Break: what is in the buffers is lost."""
        self.open = False
        self._exchange.links.remove(self)
        self._inbox.clear()
        self._bus.loop.call_soon(self._lose)

    def _lose(self) -> None:
        in_flight, self._in_flight = self._in_flight, {}
        outbox, self._outbox = self._outbox, deque()
        self._bus.lost(self)
        for letter in in_flight:
            assert letter.on_sent is not None
            letter.on_sent(None)
        for letter in outbox:
            if letter.on_sent is not None:
                letter.on_sent(0)


class SimBus:
    """Implements `server.transport.bus.bus.Bus` for one process."""

    def __init__(self, exchange: Exchange, loop: ProcessLoop) -> None:
        self.loop = loop
        self.exchange = exchange
        self.closed = False
        self._link: Link | None = None
        self._topics: dict[str, tuple[Callable[[bytes], None], Callable[[], None]]] = {}

    @property
    def status(self) -> str:
        if self._link is None:
            return "down"
        return "degraded" if self.exchange.frozen else "ok"

    def connect(self) -> None:
        """Make a new link, as soon as there is somebody to connect to."""
        if self.closed or self._link is not None or not self.loop.alive:
            return
        if self.exchange.down or self.exchange.frozen:
            wait_s = BACKOFF_S * self.exchange.random()
            self.loop.call_later(wait_s, self.connect)
            return
        self._link = link = Link(self, self.exchange)
        for topic in self._topics:
            link.put(Letter(topic, None))

    def publish(self, topic: str, data: bytes, on_sent: OnSent | None = None) -> bool:
        if self._link is None:
            return False
        self._link.put(Letter(topic, data, on_sent))
        return True

    def wants(self, topic: str) -> bool:
        return topic in self._topics

    def subscribe(
        self,
        topic: str,
        handler: Callable[[bytes], None],
        on_gap: Callable[[], None],
    ) -> None:
        self._topics[topic] = handler, on_gap
        if self._link is not None:
            self._link.put(Letter(topic, None))

    def unsubscribe(self, topic: str) -> None:
        self._topics.pop(topic, None)
        if self._link is not None:
            self._link.topics.discard(topic)

    def hear(self, topic: str, data: bytes | None) -> None:
        """Hand on what the link brought; no data is the start of a subscription."""
        found = self._topics.get(topic)
        if found is None:
            return
        handler, on_gap = found
        if data is None:
            on_gap()
        else:
            handler(data)

    def lost(self, link: Link) -> None:
        """Go on without that link until there is another."""
        if self._link is link:
            self._link = None
            wait_s = BACKOFF_S * self.exchange.random()
            self.loop.call_later(wait_s, self.connect)

    def cut(self) -> None:
        """Lose the connection, and the end of what came over it."""
        if self._link is not None and self._link.open:
            self._link.cut()

    def doom(self) -> None:
        """Lose it when it is used the next time."""
        if self._link is not None:
            self._link.doomed = True

    async def flush(self) -> None:
        """Wait until what was published has been said, or is lost; not for ever."""
        said: asyncio.Future[int | None] = self.loop.create_future()
        if self.publish("last", b"", said.set_result):
            await asyncio.wait([said], timeout=BUS_CLOSE_S_MAX)

    def close(self) -> None:
        """Be gone, as the process is; the kernel tells the server."""
        self.closed = True
        self.cut()
        self._link = None
