"""A process that reads over REST: `python -m bench.getting`, asked as `bench.load` is.

Each connection is kept open and has one request under way; what comes due meanwhile
waits its turn, and its latency counts from when it was due. The client is a bare
protocol: it looks for the length of the answer and takes that many bytes.
"""

import asyncio
import re
import time
from array import array
from collections import Counter, deque
from typing import cast
from urllib.parse import urlsplit

from bench.check import Verdict
from bench.load import CONNECTING_AT_ONCE, Course, serve_plans
from bench.plan import Plan

HEAD_END = b"\r\n\r\n"
OK = b"HTTP/1.1 200 "

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_now = time.perf_counter


class Reader(asyncio.Protocol):
    """One connection, whose answers have to be alike unless they are `changing`."""

    def __init__(self, request: bytes, course: Course, changing: bool = False) -> None:
        self.due_at = array("d")
        self.selling = True
        self.faults: Counter[str] = Counter()
        self._request = request
        self._changing = changing
        self._course = course
        self._transport: asyncio.Transport | None = None
        self._received_at = array("d")
        self._waiting: deque[float] = deque()
        self._buffer = bytearray()
        self._length = 0
        """Of the whole answer; 0 before its head is there."""

        self._head_length = 0
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell a connection that was lost from one that we closed."""
        if self._transport is not None:
            self._fail("disconnected")

    def data_received(self, data: bytes) -> None:
        """Take what came; with a whole answer, note it and ask on."""
        self._buffer += data
        if not self._length and not self._read_head():
            return
        if len(self._buffer) < self._length:
            return
        body = bytes(self._buffer[self._head_length : self._length])
        if len(self._buffer) > self._length:
            self.faults["more than one answer"] += 1
        if not self._body:
            self._body = body
        elif body != self._body and not self._changing:
            self.faults["another answer than before"] += 1
        self._buffer.clear()
        self._length = 0
        self._received_at.append(_now())
        self._waiting.popleft()
        if self._waiting:
            self._write()
        elif self.selling:
            self.send_next(_now())
        self._course.count_down()

    def _read_head(self) -> bool:
        end = self._buffer.find(HEAD_END)
        if end < 0:
            return False
        head = bytes(self._buffer[: end + 2])
        length = _LENGTH.search(head)
        if length is None or not head.startswith(OK):
            self._fail(head.partition(b"\r\n")[0].decode(errors="replace"))
            return False
        self._head_length = end + len(HEAD_END)
        self._length = self._head_length + int(length[1])
        return True

    def send_next(self, due: float) -> None:
        """Ask once more, now or when it is this request's turn."""
        if self._transport is None:
            return
        self.due_at.append(due)
        self._waiting.append(due)
        if len(self._waiting) == 1:
            self._write()

    def _write(self) -> None:
        if self._transport is not None:
            self._transport.write(self._request)

    @property
    def unanswered(self) -> int:
        """Requests that an answer is due for."""
        return len(self._waiting)

    def close(self) -> None:
        """Leave without a fault."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def judge(self, echo: bool, verdict: Verdict) -> None:
        """Add what this connection saw."""
        verdict.faults.update(self.faults)
        verdict.reply_bytes = len(self._body)
        if self._waiting:
            verdict.faults["never answered"] += len(self._waiting)
        # Answers come in the order of the requests.
        verdict.accepted += [
            (due, at, 0.0)
            for due, at in zip(self.due_at, self._received_at, strict=False)
        ]

    def _fail(self, fault: str) -> None:
        transport, self._transport = self._transport, None
        self.selling = False
        self.faults[fault] += 1
        self._course.answered.set()
        if transport is not None:
            transport.abort()


async def connect(plan: Plan, course: Course) -> list[Reader]:
    """Open all connections, a few at a time."""
    parts = urlsplit(plan.url)
    secure = parts.scheme == "wss"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    gate = asyncio.Semaphore(CONNECTING_AT_ONCE)
    loop = asyncio.get_running_loop()

    async def open_one(token: str) -> Reader:
        request = (
            f"GET {plan.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        )
        reader = Reader(request.encode(), course, plan.changing)
        reader.selling = plan.rate is None
        async with gate:
            await loop.create_connection(lambda: reader, host, port, ssl=secure)
        return reader

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(open_one(token)) for token in plan.tokens]
    return [task.result() for task in tasks]


if __name__ == "__main__":
    serve_plans(connect)
