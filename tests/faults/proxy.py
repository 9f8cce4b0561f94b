"""A TCP proxy before Postgres that knows which answer belongs to which commit.

It runs in a thread with an event loop of its own, so that whoever injects the faults
may be as synchronous as a nemesis is. Every verb may be called from any thread.
"""

import asyncio
import random
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.faults.wire import Conversation

TRACE_MAX = 20_000
CHUNK = 65_536
LINGER = struct.pack("ii", 1, 0)


class Cut(Enum):
    """Where a commit is cut."""

    BEFORE_READY = "the answer arrives but for its ReadyForQuery"
    SWALLOW = "nothing of the answer arrives"
    HALF_REQUEST = "half of the request leaves"
    LATE = "the request arrives after its connection was cut"


class Link:
    """One client's connection with the one to Postgres behind it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.talk = Conversation()
        self.writers: list[asyncio.StreamWriter] = []
        self.dead = False
        self.late = False
        self.mute = False


class FaultProxy:
    """Passes everything on until it is told otherwise."""

    def __init__(self, upstream: str, seed: int = 0) -> None:
        self.upstream = upstream
        self.port = 0
        self.trace: deque[tuple[float, int, str]] = deque(maxlen=TRACE_MAX)
        self.commits = 0
        self.fired = threading.Event()
        self.fired_at = 0.0
        self._dice = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._open: asyncio.Event | None = None
        self._refusing = False
        self._delay_s = 0.0
        self._jitter_s = 0.0
        self._cut: tuple[int, Cut, float] | None = None
        self._bytes_left: int | None = None
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = 0
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    # -- Life

    def start(self) -> "FaultProxy":
        self._thread.start()
        self._call(self._listen)
        return self

    def stop(self) -> None:
        self._call(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """The address that the server under test is given."""
        path = urlsplit(self.upstream).path
        return f"postgresql://postgres@127.0.0.1:{self.port}{path}?sslmode=disable"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _call(self, what: Callable[..., Any], *arguments: Any) -> Any:
        async def run() -> Any:
            done = what(*arguments)
            return await done if asyncio.iscoroutine(done) else done

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    async def _listen(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        self._reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- Verbs

    def pass_on(self) -> None:
        """Heal: no delay, no hole, no refusal, nothing armed."""
        self._call(self._heal)

    def delay(self, milliseconds: float, jitter: float = 0.0) -> None:
        """Hold every chunk of bytes up for so long."""
        self._note(0, f"delay {milliseconds} ms")
        self._delay_s, self._jitter_s = milliseconds / 1_000, jitter / 1_000

    def blackhole(self) -> None:
        """Stop reading, in both directions, also on connections that come now."""
        self._note(0, "blackhole")
        self._call(lambda: self._gate.clear())

    def refuse(self) -> None:
        """Reset every connection that comes from now on, and those there are."""
        self._refusing = True
        self.reset()

    def reset(self) -> None:
        """End every connection with a reset."""
        self._call(self._reset)

    def half_close(self) -> None:
        """Close the direction towards the clients; theirs stays open."""
        self._call(self._half_close)

    def cut_after(self, size: int) -> None:
        """Reset the connection on which the byte of that number arrives."""
        self._arm()
        self._note(0, f"cut after {size} bytes")
        self._bytes_left = size

    def cut_commit(self, number: int, how: Cut, late_s: float = 0.0) -> None:
        """Cut the commit that is the `number`th from now."""
        self._arm()
        self._note(0, f"cut commit {number}: {how.name}")
        self._call(self._set_cut, number, how, late_s)

    def _arm(self) -> None:
        self.fired.clear()

    def _fire(self, link: Link, what: str) -> None:
        self._note(link.number, what)
        self.fired_at = time.monotonic()
        self.fired.set()

    def _set_cut(self, number: int, how: Cut, late_s: float) -> None:
        self._cut = (self.commits + number, how, late_s)

    def _heal(self) -> None:
        self._note(0, "pass")
        self._refusing, self._cut, self._bytes_left = False, None, None
        self._delay_s = self._jitter_s = 0.0
        self._gate.set()

    def _reset(self) -> None:
        self._note(0, "reset")
        for link in list(self._links):
            self._kill(link)

    def _half_close(self) -> None:
        self._note(0, "half close")
        for link in list(self._links):
            if link.writers and not link.mute:
                link.mute = True
                link.writers[0].write_eof()

    # -- Connections

    @property
    def _gate(self) -> asyncio.Event:
        if self._open is None:
            raise RuntimeError("start the proxy first")
        return self._open

    def _note(self, number: int, what: str) -> None:
        self.trace.append((time.monotonic(), number, what))

    def _kill(self, link: Link) -> None:
        link.dead = True
        self._links.discard(link)
        for writer in link.writers:
            _reset(writer)

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._numbers += 1
        link = Link(self._numbers)
        link.writers.append(writer)
        if self._refusing:
            self._kill(link)
            return
        self._links.add(link)
        try:
            back_reader, back = await self._connect()
        except OSError as error:
            self._note(link.number, f"Postgres refuses: {error}")
            self._kill(link)
            return
        link.writers.append(back)
        if link.dead:
            self._kill(link)
            return
        self._note(link.number, "open")
        self._spawn(self._questions(link, reader, back))
        self._spawn(self._answers(link, back_reader, writer))

    def _spawn(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self.upstream)
        options = parse_qs(parts.query)
        folder = options.get("host", [""])[0]
        port = options.get("port", [str(parts.port or 5432)])[0]
        if folder.startswith("/"):
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
        return await asyncio.open_connection(parts.hostname or "127.0.0.1", int(port))

    async def _wait(self) -> None:
        if self._delay_s or self._jitter_s:
            jitter = self._jitter_s * self._dice.random()
            await asyncio.sleep(self._delay_s + jitter)
        if not self._gate.is_set():
            await self._gate.wait()

    def _counts_out(self, link: Link, size: int) -> bool:
        """Return whether the connection is to be cut at these bytes."""
        if self._bytes_left is None:
            return False
        self._bytes_left -= size
        if self._bytes_left > 0:
            return False
        self._bytes_left = None
        self._kill(link)
        self._fire(link, "cut at a byte")
        return True

    async def _questions(
        self, link: Link, source: asyncio.StreamReader, target: asyncio.StreamWriter
    ) -> None:
        try:
            while data := await source.read(CHUNK):
                await self._wait()
                if link.dead or self._counts_out(link, len(data)):
                    return
                for message in link.talk.asked.feed(data):
                    if link.talk.ask(message) and await self._cut_question(
                        link, message, target
                    ):
                        return
                    target.write(message)
                await target.drain()
        except OSError:
            pass  # Somebody cut the connection, which is what this proxy is for.
        finally:
            if not link.late:
                target.close()

    async def _cut_question(
        self, link: Link, message: bytes, target: asyncio.StreamWriter
    ) -> bool:
        """Count a commit; cut it where it is its turn and the request is to suffer."""
        self.commits += 1
        if self._cut is None or self.commits < self._cut[0]:
            return False
        _, how, late_s = self._cut
        if how is Cut.HALF_REQUEST:
            self._cut = None
            target.write(message[: len(message) // 2])
            await target.drain()
            self._kill(link)
            self._fire(link, how.value)
            return True
        if how is Cut.LATE:
            self._cut = None
            link.late = link.dead = True
            self._links.discard(link)
            _reset(link.writers[0])
            self._fire(link, how.value)
            self._spawn(self._send_late(link, message, target, late_s))
            return True
        return False

    async def _send_late(
        self, link: Link, message: bytes, target: asyncio.StreamWriter, late_s: float
    ) -> None:
        """Let Postgres have a commit whose sender has long heard of a lost line."""
        await asyncio.sleep(late_s)
        execute, sync = b"E\0\0\0\x09\0\0\0\0\0", b"S\0\0\0\x04"
        try:
            target.write(message + execute + sync)
            await target.drain()
            self._note(link.number, "the late commit was delivered")
            # Postgres would notice a closed client, and end before it commits.
            await asyncio.sleep(2.0)
        except OSError as error:
            self._note(link.number, f"the late commit was not delivered: {error}")
        finally:
            target.close()

    async def _answers(
        self, link: Link, source: asyncio.StreamReader, target: asyncio.StreamWriter
    ) -> None:
        try:
            while data := await source.read(CHUNK):
                await self._wait()
                if link.dead:
                    if not link.late:
                        return
                    continue
                if self._counts_out(link, len(data)):
                    return
                for message in link.talk.answered.feed(data):
                    of_commit = link.talk.answering_commit
                    ready = link.talk.answer(message)
                    if of_commit and self._cuts_answer(link, ready):
                        if ready:
                            return
                        continue
                    if not link.mute:
                        target.write(message)
                await target.drain()
        except OSError:
            pass
        finally:
            if not link.late:
                target.close()

    def _cuts_answer(self, link: Link, ready: bool) -> bool:
        """Return whether this message of a commit's answer is not to arrive."""
        if self._cut is None or self.commits < self._cut[0]:
            return False
        how = self._cut[1]
        if not ready:
            return how is Cut.SWALLOW
        if how not in (Cut.SWALLOW, Cut.BEFORE_READY):
            return False
        self._cut = None
        self._loop.call_soon(self._kill, link)
        self._fire(link, how.value)
        return True


def _reset(writer: asyncio.StreamWriter) -> None:
    plain = writer.get_extra_info("socket")
    if plain is not None and plain.fileno() >= 0 and plain.family != socket.AF_UNIX:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    writer.transport.abort()
