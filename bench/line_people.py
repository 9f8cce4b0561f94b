"""Those who wait, in a process of their own: `python -m bench.line_people`.

Asked by lines, as `bench.partner` has it. Only what is needed of a frame is read: what
it is, whether it answers, a rank, the seats of an offer. At an echo the same frames go
out and come back, which tells what the stack below takes.
"""

import asyncio
import gc
import re
import resource
import time
from collections import Counter
from collections.abc import Callable
from typing import ClassVar

import msgspec
import uvloop
from msgspec import Struct
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench.partner import answer_questions

CONNECTING_AT_ONCE = 50
RETURNING_AT_ONCE = 1_000
CONNECT_TIMEOUT_S = 60
ANSWERED_S = 60.0
LOOK_AGAIN_S = 0.02
PING_EVERY_S = 0.002
PING = b'{"op":"ping","id":9}'

_now = time.perf_counter
_TEXT = WSMsgType.TEXT
_RANK = re.compile(rb'"rank":(\d+)')
_SEATS = re.compile(rb'"seats":\["([^"]+)"')


class Come(Struct, tag=True, frozen=True):
    """Connect more of them."""

    url: str
    tokens: list[str]
    event: str


class Join(Struct, tag=True, frozen=True):
    """Have everybody who has not yet join, all at once."""

    wish: bytes = b"null"
    ranked: bool = True
    """Whether to wait until everybody knows a rank; an echo tells none."""


class Rest(Struct, tag=True, frozen=True):
    """Do nothing for so long."""

    seconds: float


class Return(Struct, tag=True, frozen=True):
    """Lose all connections at once, and come back at once."""


class Ping(Struct, tag=True, frozen=True):
    """Let one of them ask, again and again, for so long."""

    seconds: float


class Tell(Struct, tag=True, frozen=True):
    """Say what was offered so far."""


class Answer(Struct, kw_only=True):
    """What came of any of these."""

    seconds: float = 0.0
    ms: list[float] = []
    """How long each took, in order."""

    frames: int = 0
    """That were told unasked meanwhile."""

    offers: dict[str, float] = {}
    """When the frame came that offered a seat, by the machine's monotonic clock."""

    faults: dict[str, int] = {}


class Waiter(WSListener):
    """One connection of somebody who waits."""

    __slots__ = (
        "answered",
        "answered_at",
        "joined",
        "pushed",
        "rank",
        "token",
        "transport",
    )

    def __init__(self, token: str) -> None:
        self.token = token
        self.joined = False
        self.rank = 0
        self.answered_at = 0.0
        self.pushed = 0
        self.answered: asyncio.Event | None = None
        self.transport: WSTransport | None = None

    def ask(self, frame: bytes) -> None:
        """Send a frame; `answered_at` tells when its answer came."""
        self.answered_at = 0.0
        if self.transport is not None:
            self.transport.send(_TEXT, frame)

    def drop(self) -> None:
        """Lose the connection without a word."""
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.disconnect(False)

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Keep where to write."""
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take what matters."""
        if frame.msg_type is not _TEXT:
            if frame.msg_type is WSMsgType.CLOSE:
                People.faults[f"closed with {frame.get_close_code()}"] += 1
                transport.disconnect()
            return
        text = frame.get_payload_as_bytes()
        if b'"id":' in text:
            self.answered_at = _now()
            if self.answered is not None:
                self.answered.set()
            if text.startswith(b'{"op":"error"'):
                People.faults[f"refused: {text[:120].decode()}"] += 1
        else:
            self.pushed += 1
            if text.startswith((b'{"op":"offer"', b'{"op":"turn"')):
                seat = _SEATS.search(text)
                if seat is not None:
                    People.offers[seat[1].decode()] = _now()
        rank = _RANK.search(text) if not self.rank else None
        if rank is not None:
            self.rank = int(rank[1])

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Tell a connection that was lost from one that we dropped."""
        if transport is self.transport:
            self.transport = None
            People.faults["disconnected"] += 1


class People:
    """The child."""

    faults: ClassVar[Counter[str]] = Counter()
    offers: ClassVar[dict[str, float]] = {}

    def __init__(self) -> None:
        self.waiters: list[Waiter] = []
        self._url = ""
        self._event = ""

    async def answer(self, line: bytes) -> Answer:
        """Do what is asked."""
        begun, pushed = _now(), sum(one.pushed for one in self.waiters)
        asked = msgspec.json.decode(
            line, type=Come | Join | Rest | Return | Ping | Tell
        )
        ms: list[float] = []
        match asked:
            case Come():
                await self.come(asked)
            case Join():
                ms = await self.join(asked)
            case Rest():
                await asyncio.sleep(asked.seconds)
            case Return():
                ms = await self.come_back()
            case Ping():
                ms = await self.ping(asked.seconds)
            case _:
                pass
        return Answer(
            seconds=_now() - begun,
            ms=sorted(ms),
            frames=sum(one.pushed for one in self.waiters) - pushed,
            offers=People.offers if isinstance(asked, Tell) else {},
            faults=dict(People.faults),
        )

    async def come(self, asked: Come) -> None:
        """Connect more people."""
        self._url, self._event = asked.url, asked.event
        more = [Waiter(token) for token in asked.tokens]
        await self._connect(more, CONNECTING_AT_ONCE)
        self.waiters += more
        gc.collect()
        gc.freeze()

    async def join(self, asked: Join) -> list[float]:
        """Have those join who have not yet."""
        new = [one for one in self.waiters if not one.joined]
        frame = (
            b'{"op":"join_line","id":1,"event":"'
            + self._event.encode()
            + b'","wish":'
            + asked.wish
            + b"}"
        )
        begun = _now()
        for one in new:
            one.joined = True
            one.ask(frame)
        await self._until("answered", lambda: all(one.answered_at for one in new))
        ms = [(one.answered_at - begun) * 1e3 for one in new if one.answered_at]
        if asked.ranked:
            await self._until("ranked", lambda: all(one.rank for one in new))
        return ms

    async def come_back(self) -> list[float]:
        """Have all lose their connections and wait again."""
        frame = b'{"op":"wait","id":2,"event":"' + self._event.encode() + b'"}'
        for one in self.waiters:
            one.drop()
            one.rank, one.answered_at = 0, 0.0
        begun = _now()
        await self._connect(self.waiters, RETURNING_AT_ONCE, frame)
        await self._until(
            "back", lambda: all(one.answered_at and one.rank for one in self.waiters)
        )
        return [(one.answered_at - begun) * 1e3 for one in self.waiters if one.rank]

    async def ping(self, seconds: float) -> list[float]:
        """Ask one thing after the other at one connection."""
        one, ends = self.waiters[0], _now() + seconds
        one.answered = asyncio.Event()
        ms: list[float] = []
        while not ms or _now() < ends:
            begun = _now()
            one.answered.clear()
            one.ask(PING)
            async with asyncio.timeout(ANSWERED_S):
                await one.answered.wait()
            ms.append((one.answered_at - begun) * 1e3)
            await asyncio.sleep(PING_EVERY_S)
        return ms

    async def _connect(
        self, people: list[Waiter], at_once: int, first: bytes = b""
    ) -> None:
        gate = asyncio.Semaphore(at_once)

        async def connect(one: Waiter) -> None:
            async with gate:
                await ws_connect(
                    lambda: one,
                    self._url,
                    websocket_handshake_timeout=CONNECT_TIMEOUT_S,
                    extra_headers={"Authorization": f"Bearer {one.token}"},
                )
            if first:
                one.ask(first)

        async with asyncio.TaskGroup() as group:
            for one in people:
                group.create_task(connect(one))

    async def _until(self, what: str, is_so: Callable[[], bool]) -> None:
        for _ in range(int(ANSWERED_S / LOOK_AGAIN_S)):
            if is_so():
                return
            await asyncio.sleep(LOOK_AGAIN_S)
        People.faults[f"not all {what} within {ANSWERED_S:.0f} s"] += 1


def main() -> None:
    """Answer until nobody asks any more."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(answer_questions(People().answer))


if __name__ == "__main__":
    main()
