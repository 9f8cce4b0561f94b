"""Watchers in a process of their own: `python -m bench.watching`, asked by lines.

The first line is who watches what; it is answered when every watcher has its first
frames. Each further line asks what they saw in a stretch of time.

They must be cheap, or they would take from the server the machine it shares with them:
only the head of a frame is read, which tells the versions, and the rest is discarded.
Every delta has to begin where the frame before it ended.
"""

import asyncio
import gc
import re
import resource
import time
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable

import msgspec
import uvloop
from msgspec import Struct
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench.check import percentile
from bench.partner import answer_questions

CONNECTING_AT_ONCE = 50
RETURNING_AT_ONCE = 1_000
"""Handshakes under way in one process when all come back."""

CONNECT_TIMEOUT_S = 60
FIRST_FRAMES_TIMEOUT_S = 60
HEAD_BYTES = 512
LOOK_AGAIN_S = 0.01

_now = time.perf_counter
_TEXT = WSMsgType.TEXT
_DELTA = re.compile(rb'"from":(\d+),"to":(\d+)')
_VERSION = re.compile(rb'"version":(\d+)')
_HISTORY = re.compile(rb'"history_id":"([^"]*)"')
_RESUMED = b'"resumed":true'


class Party(Struct, kw_only=True, frozen=True):
    """Who watches what."""

    url: str
    tokens: list[str]
    """One per watcher."""

    event: str
    stalled: bool = False
    """They read nothing any more after their first frames."""


class Ready(Struct, kw_only=True):
    """Every watcher has what it needs to go on from."""

    watchers: int
    first_frame_bytes: int
    connected_s: float


class Question(Struct, kw_only=True, frozen=True):
    """Ask what the watchers saw in a stretch of time."""

    begin: float
    end: float
    commits: list[tuple[float, int]] = []
    """When a buyer heard of a version; the clock is the machine's monotonic one."""

    reach: int = -1
    """Wait until every watcher is at this version."""

    patience_s: float = 10.0


class Return(Struct, kw_only=True, frozen=True):
    """Have every watcher lose its connection at a moment, and come back at once."""

    return_at: float
    patience_s: float = 60.0


class Returned(Struct, kw_only=True):
    """How they came back."""

    back_ms: list[float]
    """From the moment until each was watching again, in order."""

    resumed: int
    """Who went on from where they were, without a snapshot."""

    faults: dict[str, int]


class Seen(Struct, kw_only=True):
    """What they saw."""

    frames: int
    bytes: int
    snapshots: int
    """In place of a delta that would have been longer, since the beginning."""

    faults: dict[str, int]
    behind: int
    """Watchers that never reached the version asked for."""

    delay_p50_ms: float
    """From a commit to a watcher, over all watchers and all commits asked for."""

    delay_p99_ms: float
    last_p50_ms: float
    """From a commit to the last watcher, over the commits."""

    last_max_ms: float
    last_ms: list[float | None] = []
    """The same for each commit asked for; none where a watcher was never told."""

    cpu_s: float
    """CPU time of the watchers' process since the question before."""


class Watcher(WSListener):
    """One connection that watches, and how far it was told."""

    def __init__(self, first: bytes, token: str) -> None:
        self.cursor = -1
        self.token = token
        self.history = ""
        self.resumed = False
        self.ready_at = 0.0
        self.at = array("d")
        self.to = array("q")
        self.sizes = array("q")
        self.snapshots = 0
        self.ready = False
        self.faults: Counter[str] = Counter()
        self.transport: WSTransport | None = None
        self._first = first

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Ask for the event."""
        self.transport = transport
        transport.send(_TEXT, self._first)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Read the head, note where it leads to, and discard the rest."""
        if frame.msg_type is not _TEXT:
            if frame.msg_type is WSMsgType.CLOSE:
                self.faults[f"closed with {frame.get_close_code()}"] += 1
                transport.disconnect()
            return
        head = bytes(frame.get_payload_as_memoryview()[:HEAD_BYTES])
        if head.startswith(b'{"op":"delta"'):
            self._go_on(head)
        elif head.startswith(b'{"op":"snapshot"'):
            self.snapshots += 1
            self._begin(head)
        elif head.startswith(b'{"op":"beat"'):
            return
        elif head == self._first:  # from a server that is an echo
            self.ready = True
        elif not head.startswith(b'{"op":"ok"'):
            self.faults["unexpected frame"] += 1
            return
        elif _RESUMED in head:
            self.resumed = self.ready = True
            self.ready_at = _now()
        self.at.append(_now())
        self.to.append(self.cursor)
        self.sizes.append(frame.payload_size)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Tell a connection that was lost from one that we closed."""
        if self.transport is not None:
            self.transport = None
            self.faults["disconnected"] += 1

    def first_at(self, version: int) -> float | None:
        """When this watcher was first at a version, if ever."""
        place = bisect_left(self.to, version)
        return self.at[place] if place < len(self.at) else None

    def _go_on(self, head: bytes) -> None:
        found = _DELTA.search(head)
        if found is None:
            self.faults["delta without versions"] += 1
            return
        if int(found[1]) != self.cursor:
            self.faults["gap before a delta"] += 1
        self._take(int(found[2]))

    def _begin(self, head: bytes) -> None:
        self.ready, self.ready_at = True, _now()
        version, history = _VERSION.search(head), _HISTORY.search(head)
        if history is not None:
            self.history = history[1].decode()
        if version is None:
            self.faults["snapshot without a version"] += 1
        else:
            self._take(int(version[1]))

    def go_back_with(self, frame: bytes) -> None:
        """Say this once connected again."""
        self._first = frame

    def drop(self) -> None:
        """Lose the connection without a word, to come back from where we are."""
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.disconnect(False)
        self.ready = self.resumed = False

    def _take(self, to: int) -> None:
        if to < self.cursor:
            self.faults["went back"] += 1
        else:
            self.cursor = to


class Watching:
    """The child: makes the watchers and answers for them."""

    def __init__(self) -> None:
        self.watchers: list[Watcher] = []
        self._party: Party | None = None
        self._cpu_s = 0.0

    async def answer(self, line: bytes) -> object:
        """Answer the first line with Ready, others with Seen or Returned."""
        if not self.watchers:
            return await self.begin(msgspec.json.decode(line, type=Party))
        if b'"return_at"' in line:
            return await self.come_back(msgspec.json.decode(line, type=Return))
        return await self.look(msgspec.json.decode(line, type=Question))

    async def begin(self, party: Party) -> Ready:
        """Connect everyone and wait for their first frames."""
        began = _now()
        self._party = party
        first = msgspec.json.encode({"op": "watch", "id": 1, "event": party.event})
        self.watchers = [Watcher(first, token) for token in party.tokens]
        await self._connect_all(CONNECTING_AT_ONCE)
        if not await _happens(
            lambda: all(watcher.ready for watcher in self.watchers),
            FIRST_FRAMES_TIMEOUT_S,
        ):
            raise TimeoutError("not every watcher got its first frames")
        for watcher in self.watchers:
            if party.stalled and watcher.transport is not None:
                watcher.transport.underlying_transport.pause_reading()
        gc.collect()
        gc.freeze()
        gc.disable()  # nothing here makes cycles, and a collection would be a pause
        self._cpu_s = time.process_time()
        return Ready(
            watchers=len(self.watchers),
            first_frame_bytes=max(max(w.sizes) for w in self.watchers),
            connected_s=_now() - began,
        )

    async def _connect_all(self, at_once: int) -> None:
        gate = asyncio.Semaphore(at_once)
        party = self._party
        assert party is not None

        async def connect(watcher: Watcher) -> None:
            async with gate:
                await ws_connect(
                    lambda: watcher,
                    party.url,
                    websocket_handshake_timeout=CONNECT_TIMEOUT_S,
                    extra_headers={"Authorization": f"Bearer {watcher.token}"},
                )

        async with asyncio.TaskGroup() as group:
            for watcher in self.watchers:
                group.create_task(connect(watcher))

    async def come_back(self, back: Return) -> Returned:
        """Drop everyone, and have everyone come back from where they were."""
        await asyncio.sleep(back.return_at - _now())
        began = _now()
        party = self._party
        assert party is not None
        for watcher in self.watchers:
            watcher.drop()
            since = {"history_id": watcher.history, "version": watcher.cursor}
            watch = {"op": "watch", "id": 2, "event": party.event, "since": since}
            watcher.go_back_with(msgspec.json.encode(watch))
        await self._connect_all(RETURNING_AT_ONCE)
        all_back = await _happens(
            lambda: all(watcher.ready for watcher in self.watchers), back.patience_s
        )
        faults: Counter[str] = Counter()
        if not all_back:
            faults["never came back"] = sum(not w.ready for w in self.watchers)
        ready = [watcher for watcher in self.watchers if watcher.ready]
        return Returned(
            back_ms=sorted((watcher.ready_at - began) * 1e3 for watcher in ready),
            resumed=sum(watcher.resumed for watcher in ready),
            faults=dict(faults),
        )

    async def look(self, question: Question) -> Seen:
        """Wait for the version asked for, then say what everyone saw."""
        cpu_s = time.process_time() - self._cpu_s
        await _happens(lambda: self._behind(question.reach) == 0, question.patience_s)
        faults: Counter[str] = Counter()
        for watcher in self.watchers:
            faults.update(watcher.faults)
        first = [bisect_left(w.at, question.begin) for w in self.watchers]
        last = [bisect_left(w.at, question.end) for w in self.watchers]
        inside = list(zip(self.watchers, first, last, strict=True))
        delays, last_ms = self._delays(question.commits)
        lasts = sorted(last for last in last_ms if last is not None)
        answer = Seen(
            frames=sum(b - a for _, a, b in inside),
            bytes=sum(sum(w.sizes[a:b]) for w, a, b in inside),
            snapshots=sum(w.snapshots for w in self.watchers) - len(self.watchers),
            faults=dict(faults),
            behind=self._behind(question.reach),
            delay_p50_ms=percentile(delays, 0.5),
            delay_p99_ms=percentile(delays, 0.99),
            last_p50_ms=percentile(lasts, 0.5),
            last_max_ms=lasts[-1] if lasts else 0.0,
            last_ms=last_ms,
            cpu_s=cpu_s,
        )
        self._cpu_s = time.process_time()
        return answer

    def _behind(self, version: int) -> int:
        return sum(watcher.cursor < version for watcher in self.watchers)

    def _delays(
        self, commits: list[tuple[float, int]]
    ) -> tuple[list[float], list[float | None]]:
        """Delays in ms of each watcher, in order, and of the last one, by commit."""
        delays: list[float] = []
        lasts: list[float | None] = []
        for at, version in commits:
            seen = [w.first_at(version) for w in self.watchers]
            known = [(moment - at) * 1e3 for moment in seen if moment is not None]
            delays += known
            lasts.append(max(known) if len(known) == len(seen) else None)
        return sorted(delays), lasts


async def _happens(condition: Callable[[], bool], within_s: float) -> bool:
    """Look often whether something is so, for no longer than that."""
    for _ in range(1 + int(within_s / LOOK_AGAIN_S)):
        if condition():
            return True
        await asyncio.sleep(LOOK_AGAIN_S)
    return False


def main() -> None:
    """Answer until nobody asks any more."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(answer_questions(Watching().answer))


if __name__ == "__main__":
    main()
