"""A process of the load generator: `python -m bench.load`, asked by lines.

The first line is its plan, answered when all connections are open; the second says when
to begin, and is answered when all is over.

An open loop sends by a schedule that was fixed before: command k is due k / rate after
the begin, whatever the server does meanwhile, and latency counts from then, so that a
server that stands still is charged for everyone who would have come. A closed loop
keeps a fixed number of commands unanswered on every connection: it finds the most that
a server can do, and its latencies are those of a server that is always busy.

It must be faster than any server it measures. So the frames are made beforehand, a
reply is only stored with its time, and everything is judged when the clock has stopped.
"""

import asyncio
import gc
import resource
import time
from array import array
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench import arena
from bench.check import Verdict, judge, percentile
from bench.partner import answer_questions
from bench.plan import Connected, Go, Plan, Taken
from bench.samples import write_samples

CONNECTING_AT_ONCE = 50
CONNECT_TIMEOUT_S = 30
ANSWERS_TOO_MANY_S = 0.1
TICK_S = 0.001
"""The event loop's timers are no finer."""

_now = time.perf_counter
_TEXT = WSMsgType.TEXT


class Course:
    """What all connections of a run share."""

    def __init__(self) -> None:
        self.sold_out = asyncio.Event()
        """Some connection has bought all its seats."""

        self.answered = asyncio.Event()
        """No reply is due any more, or will come."""

        self.due: int | None = None
        """Replies still to come, counted once nothing is sent any more."""

    def count_down(self) -> None:
        """Count one of the last replies."""
        if self.due is not None:
            self.due -= 1
            if self.due <= 0:
                self.answered.set()


class Buyer(WSListener):
    """One connection; everything it sees is kept for `judge`."""

    def __init__(self, frames: list[bytes], course: Course) -> None:
        self.frames = frames
        self.due_at = array("d")
        self.received_at = array("d")
        self.replies: list[bytes] = []
        self.faults: list[str] = []
        self.selling = True
        self.transport: WSTransport | None = None
        self._left = iter(frames)
        self._course = course

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Remember where to write."""
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Store the reply and send the next command."""
        if frame.msg_type is not _TEXT or not frame.fin:
            self._take_other(transport, frame)
            return
        self.replies.append(frame.get_payload_as_bytes())
        self.received_at.append(_now())
        if self.selling:
            self.send_next(_now())
        else:
            self._course.count_down()

    def send_next(self, due: float) -> None:
        """Send one more command, if there are seats left for it."""
        if self.transport is None:
            return
        frame = next(self._left, None)
        if frame is None:
            self.selling = False
            self._course.sold_out.set()
            return
        self.due_at.append(due)
        self.transport.send(_TEXT, frame)

    @property
    def unanswered(self) -> int:
        """Commands that a reply is due for."""
        return len(self.due_at) - len(self.replies)

    def close(self) -> None:
        """Leave without a fault."""
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.disconnect(False)

    def judge(self, echo: bool, verdict: Verdict) -> None:
        """Add what this connection saw."""
        verdict.faults.update(self.faults)
        judge(
            self.frames,
            self.due_at,
            self.replies,
            self.received_at,
            echo,
            verdict,
        )

    def _take_other(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            code = int.from_bytes(frame.get_payload_as_bytes()[:2], "big")
            self._end(f"closed with {code}")
            transport.disconnect()
        elif frame.msg_type is not WSMsgType.PING:  # which picows has answered
            self.faults.append(f"frame of type {frame.msg_type.name}")

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Tell a connection that the server closed from one that we closed."""
        if self.transport is not None:
            self._end("disconnected")

    def _end(self, fault: str) -> None:
        self.transport = None
        self.selling = False
        self.faults.append(fault)
        self._course.answered.set()


def wishes(plan: Plan, connection: int) -> Iterator[tuple[str, list[str]]]:
    """Yield the event and the seats of each hold that a connection asks for."""
    count, events = plan.connections, plan.events
    each = plan.seats_per_event, plan.seats_per_hold
    if not plan.side_by_side:
        for event in events:
            for seats in arena.seats_of(connection, count, *each):
                yield event, seats
        return
    for seats in arena.seats_of(connection, count, *each):
        for number in range(len(events)):
            yield events[(connection + number) % len(events)], seats


def build_frames(plan: Plan, connection: int) -> list[bytes]:
    """All the commands of one connection, ids counting up from 0."""
    encode = msgspec.json.Encoder().encode
    limit = -(-plan.holds_max // plan.connections) if plan.holds_max else None
    frames: list[bytes] = []
    for event, seats in wishes(plan, connection):
        if len(frames) == limit:
            break
        command = {"op": "hold", "id": len(frames), "event": event, "seats": seats}
        if plan.keys:
            command["key"] = f"{event}-{connection}-{len(frames)}"
        frames.append(encode(command))
    return frames


class Sender(Protocol):
    """A connection, as the loops see it."""

    due_at: "array[float]"
    selling: bool

    def send_next(self, due: float) -> None: ...
    def close(self) -> None: ...
    def judge(self, echo: bool, verdict: Verdict) -> None: ...
    @property
    def unanswered(self) -> int: ...


Connect = Callable[[Plan, Course], Awaitable[Sequence[Sender]]]


async def connect(plan: Plan, course: Course) -> list[Buyer]:
    """Open all connections, a few at a time."""
    gate = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def open_one(number: int) -> Buyer:
        buyer = Buyer(build_frames(plan, plan.first + number), course)
        buyer.selling = plan.rate is None
        async with gate:
            await ws_connect(
                lambda: buyer,
                plan.url,
                websocket_handshake_timeout=CONNECT_TIMEOUT_S,
                extra_headers={"Authorization": f"Bearer {plan.tokens[number]}"},
            )
        return buyer

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(open_one(number)) for number in range(len(plan.tokens))
        ]
    return [task.result() for task in tasks]


class Schedule:
    """The open loop of this process: every so many-th command of the whole schedule."""

    def __init__(self, plan: Plan, senders: Sequence[Sender], at: float) -> None:
        assert plan.rate is not None
        self.lags = array("d")
        """How late each command was sent."""

        self._senders = senders
        self._at = at
        self._rate = plan.rate
        self._first = self._next = plan.process
        self._step = plan.processes
        self._end = int(plan.rate * (plan.warmup_s + plan.seconds))

    def due(self, number: int) -> float:
        """When a command is due."""
        return self._at + number / self._rate

    @property
    def count(self) -> int:
        """How many commands this process has to send."""
        return len(range(self._first, self._end, self._step))

    async def run(self) -> None:
        """Send everything when it is due, or late, but never leave anything out."""
        loop = asyncio.get_running_loop()
        while self._next < self._end:
            now = _now()
            while self._next < self._end and self.due(self._next) <= now:
                self._send(self._next)
                self._next += self._step
            wait_s = max(TICK_S, self.due(self._next) - _now())
            wake = loop.create_future()
            loop.call_later(wait_s, wake.set_result, None)
            await wake

    def _send(self, number: int) -> None:
        sender = self._senders[number // self._step % len(self._senders)]
        due = self.due(number)
        self.lags.append(_now() - due)
        sender.send_next(due)


class Generator:
    """The child: connects, sends and judges as it is asked to."""

    def __init__(self, connect: Connect) -> None:
        self.course = Course()
        self.plan: Plan | None = None
        self.senders: Sequence[Sender] = []
        self._connect = connect

    async def answer(self, line: bytes) -> object:
        """Answer the plan with Connected, Go with Taken."""
        if self.plan is not None:
            go = msgspec.json.decode(line, type=Go)
            return await self.run(self.plan, go.at)
        self.plan = msgspec.json.decode(line, type=Plan)
        self.senders = await self._connect(self.plan, self.course)
        gc.collect()
        gc.freeze()
        gc.disable()  # nothing here makes cycles, and a collection would be a pause
        return Connected(connections=len(self.senders))

    async def run(self, plan: Plan, at: float) -> Taken:
        """Warm up, measure, collect the last replies, judge."""
        course, senders = self.course, self.senders
        await _happens(course.sold_out, at - _now())
        begin, end = at + plan.warmup_s, at + plan.warmup_s + plan.seconds
        schedule = Schedule(plan, senders, at) if plan.rate is not None else None
        if schedule is not None:
            await schedule.run()
        else:
            for sender in senders:
                for _ in range(plan.in_flight):
                    sender.send_next(_now())
            await _happens(course.sold_out, end - _now())
            end = min(end, max(_now(), begin))
        for sender in senders:
            sender.selling = False
        course.due = sum(sender.unanswered for sender in senders)
        if course.due > 0:
            await _happens(course.answered, plan.patience_s)
        # An answer too many would come after the last one due: it gets its chance.
        await asyncio.sleep(ANSWERS_TOO_MANY_S)
        for sender in senders:
            sender.close()
        return self._take(plan, begin, end, schedule)

    def _take(
        self, plan: Plan, begin: float, end: float, schedule: Schedule | None
    ) -> Taken:
        verdict = Verdict()
        for sender in self.senders:
            sender.judge(plan.echo, verdict)
        write_samples(Path(plan.samples), verdict.accepted)
        lags = sorted(lag * 1e3 for lag in schedule.lags) if schedule else []
        return Taken(
            begin=begin,
            end=end,
            due=schedule.count if schedule else 0,
            sent=sum(len(sender.due_at) for sender in self.senders),
            accepted_total=len(verdict.accepted),
            refused=dict(verdict.refused),
            faults=dict(verdict.faults),
            lag_p99_ms=percentile(lags, 0.99),
            lag_max_ms=lags[-1] if lags else 0.0,
            sold_out=self.course.sold_out.is_set(),
            reply_bytes=verdict.reply_bytes,
        )


async def _happens(event: asyncio.Event, within_s: float) -> None:
    """Wait for the event, but no longer than that."""
    try:
        async with asyncio.timeout(within_s):
            await event.wait()
    except TimeoutError:
        pass  # the usual case: there were seats to the end


def serve_plans(connect: Connect) -> None:
    """Be the child, with connections of some kind, until nobody asks any more."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(answer_questions(Generator(connect).answer))


if __name__ == "__main__":
    serve_plans(connect)
