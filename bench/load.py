"""The load generator: `python -m bench.load`, a plan on stdin, figures on stdout.

A closed loop: every connection keeps a fixed number of commands unanswered and sends
the next one the moment a reply arrives. The latencies are therefore those of a server
that is always busy, not those that a visitor of a calm one would see.

It must be faster than any server it measures. So the frames are made beforehand, a
reply is only stored with its time, and everything is judged when the clock has stopped.
"""

import asyncio
import gc
import resource
import sys
import time
from array import array

import msgspec
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench import arena
from bench.check import Verdict, judge, percentile
from bench.plan import Cpu, Figures, Plan
from bench.usage import cpu_seconds, machine_seconds

CONNECTING_AT_ONCE = 50
CONNECT_TIMEOUT_S = 30
ANSWERS_TOO_MANY_S = 0.1

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
        self.sent_at = array("d")
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
            self.send_next(transport)
        else:
            self._course.count_down()

    def send_next(self, transport: WSTransport) -> None:
        """Send one more command, if there are seats left for it."""
        frame = next(self._left, None)
        if frame is None:
            self.selling = False
            self._course.sold_out.set()
            return
        self.sent_at.append(_now())
        transport.send(_TEXT, frame)

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


def build_frames(plan: Plan, connection: int) -> list[bytes]:
    """All the commands of one connection, ids counting up from 0."""
    encode = msgspec.json.Encoder().encode
    connections = len(plan.tokens)
    limit = -(-plan.holds_max // connections) if plan.holds_max is not None else None
    frames: list[bytes] = []
    for event in plan.events:
        for seats in arena.seats_of(
            connection, connections, plan.seats_per_event, plan.seats_per_hold
        ):
            if len(frames) == limit:
                return frames
            command = {"op": "hold", "id": len(frames), "event": event, "seats": seats}
            if plan.keys:
                command["key"] = f"{event}-{connection}-{len(frames)}"
            frames.append(encode(command))
    return frames


async def connect(plan: Plan, course: Course) -> list[Buyer]:
    """Open all connections, a few at a time."""
    gate = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def open_one(connection: int) -> Buyer:
        buyer = Buyer(build_frames(plan, connection), course)
        async with gate:
            await ws_connect(
                lambda: buyer,
                plan.url,
                websocket_handshake_timeout=CONNECT_TIMEOUT_S,
                extra_headers={"Authorization": f"Bearer {plan.tokens[connection]}"},
            )
        return buyer

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(open_one(connection))
            for connection in range(len(plan.tokens))
        ]
    return [task.result() for task in tasks]


class Window:
    """The measured stretch of time, and the CPU used in it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._edges: list[tuple[float, Cpu]] = []

    def edge(self) -> None:
        """Begin, or end."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        cpu = Cpu(
            server=cpu_seconds(self._plan.server_pids),
            store=cpu_seconds(self._plan.store_pids),
            generator=usage.ru_utime + usage.ru_stime,
            machine=machine_seconds(),
        )
        self._edges.append((_now(), cpu))

    def times(self) -> tuple[float, float]:
        """When it began and ended."""
        (begin, _), (end, _) = self._edges
        return begin, end

    def cpu(self) -> Cpu:
        """What was used in between."""
        (_, a), (_, b) = self._edges
        return Cpu(
            server=b.server - a.server,
            store=b.store - a.store,
            generator=b.generator - a.generator,
            machine=b.machine - a.machine,
        )


async def run(plan: Plan) -> Figures:
    """Connect, warm up, measure, collect the last replies, judge."""
    course = Course()
    buyers = await connect(plan, course)
    gc.collect()
    gc.freeze()
    gc.disable()  # nothing here makes cycles, and a collection would be a pause
    window = Window(plan)
    for buyer in buyers:
        for _ in range(plan.in_flight):
            if buyer.transport is not None:
                buyer.send_next(buyer.transport)
    await _happens(course.sold_out, plan.warmup_s)
    window.edge()
    await _happens(course.sold_out, plan.seconds)
    window.edge()
    for buyer in buyers:
        buyer.selling = False
    course.due = sum(len(buyer.sent_at) - len(buyer.replies) for buyer in buyers)
    if course.due:
        await _happens(course.answered, plan.patience_s)
    # An answer too many would come after the last one due: it gets its chance.
    await asyncio.sleep(ANSWERS_TOO_MANY_S)
    for buyer in buyers:
        if buyer.transport is not None:
            transport, buyer.transport = buyer.transport, None
            transport.disconnect(False)
    return _figures(plan, buyers, window, course.sold_out.is_set())


async def _happens(event: asyncio.Event, within_s: float) -> None:
    """Wait for the event, but no longer than that."""
    try:
        async with asyncio.timeout(within_s):
            await event.wait()
    except TimeoutError:
        pass  # the usual case: there were seats to the end


def _figures(
    plan: Plan, buyers: list[Buyer], window: Window, sold_out: bool
) -> Figures:
    verdict = Verdict()
    for buyer in buyers:
        verdict.faults.update(buyer.faults)
        judge(
            buyer.frames,
            buyer.sent_at,
            buyer.replies,
            buyer.received_at,
            plan.echo,
            verdict,
        )
    begin, end = window.times()
    inside = [(s, r) for s, r in verdict.accepted if begin <= r < end]
    delays = sorted((received - sent) * 1e3 for sent, received in inside)
    seconds = end - begin
    first = next((buyer.replies[0] for buyer in buyers if buyer.replies), b"")
    return Figures(
        window_s=seconds,
        sent=sum(len(buyer.sent_at) for buyer in buyers),
        accepted=len(inside),
        accepted_total=len(verdict.accepted),
        refused=dict(verdict.refused),
        faults=dict(verdict.faults),
        per_second=len(inside) / seconds if seconds > 0 else 0.0,
        p50_ms=percentile(delays, 0.5),
        p99_ms=percentile(delays, 0.99),
        p999_ms=percentile(delays, 0.999),
        max_ms=delays[-1] if delays else 0.0,
        cpu=window.cpu(),
        sold_out=sold_out,
        reply_bytes=len(first),
    )


def main() -> None:
    """Read the plan, run it, write the figures."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(run(plan))
    sys.stdout.buffer.write(msgspec.json.encode(figures) + b"\n")


if __name__ == "__main__":
    main()
