"""Send a server frames that are wrong in every way we can think of.

`python3 dev.py fuzz --cases 1000000` runs it against a server of its own. The same seed
sends the same frames; what failed names its seed and number.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.contract.client import Api, Person
from tests.contract.process import Server
from tests.contract.socket_client import Socket
from tests.security.cases import OPEN, STAYS, Case, make_case
from tests.security.wire import CLOSE, JSON, MSGPACK, PING, PONG, Ended, Raw, frame

LANES = 6
PROBE = 2**50
"""Ids from here on are ours, so that no case has one of them by chance."""

REPLIES = {"ok", "refused", "error"}
OF_EVENTS = {"new_event", "event_updated", "event_deleted", "capacity"}
NEWS = {"snapshot", "delta", "beat", "sale", "offer", "expired", "bye"} | OF_EVENTS
CODES_WITH_BYE = {1002, 1007, 1009}
PROBLEMS_MAX = 20
MEMORY_GROWTH_MAX = 16 << 20


@dataclass
class Report:
    """What was sent, and what was wrong with what came back."""

    seed: int
    cases: int = 0
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    ends: Counter[int] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    bystander_s: list[float] = field(default_factory=list)
    grown_bytes: int = 0


class Lane:
    """Sends one case after the other, on one connection as long as that is good."""

    def __init__(self, url: str, token: str, event: str, report: Report) -> None:
        self.url = url
        self.token = token
        self.event = event
        self.report = report
        self.open: dict[str, Raw] = {}
        self.probes = PROBE

    async def connection(self, protocol: str) -> Raw:
        if protocol not in self.open:
            self.open[protocol] = await Raw.open(self.url, self.token, protocol)
        return self.open[protocol]

    def forget(self, protocol: str) -> None:
        raw = self.open.pop(protocol, None)
        if raw is not None:
            raw.abort()

    async def run(self, numbers: "asyncio.Queue[int]") -> None:
        while not numbers.empty() and len(self.report.problems) < PROBLEMS_MAX:
            number = numbers.get_nowait()
            case = make_case(self.report.seed, number, self.event)
            try:
                end = await self.play(case)
            except (AssertionError, Ended, TimeoutError, ValueError) as error:
                where = f"seed {self.report.seed} case {number} ({case.kind})"
                self.report.problems.append(f"{where}: {error!r}")
                self.forget(case.protocol)
                continue
            self.report.cases += 1
            self.report.kinds[case.kind] += 1
            self.report.ends[end] += 1
        for protocol in (JSON, MSGPACK):
            self.forget(protocol)

    async def play(self, case: Case) -> int:
        """Send one case and see how it ends."""
        raw = await self.connection(case.protocol)
        for piece in case.pieces:
            raw.send(piece)
            if len(case.pieces) > 1:
                await asyncio.sleep(0)
        self.probes += 1
        match case.after:
            case "message":
                raw.send(raw.encode({"op": "ping", "id": self.probes}))
            case "ping":
                raw.send(frame(PING, b"%d" % self.probes))
            case "half-close":
                raw.writer.write_eof()
            case "vanish":
                raw.abort()
        end = OPEN if case.after == "vanish" else await self.end_of(raw, case)
        assert end in case.ends, f"ended with {end}"
        if end != STAYS:
            self.forget(case.protocol)
        return end

    async def end_of(self, raw: Raw, case: Case) -> int:
        """Read until the probe is answered and all else too, or the server closes."""
        replies = pongs = 0
        probed = False
        bye: dict[str, Any] | None = None
        while True:
            try:
                opcode, payload = await raw.read()
            except Ended:
                assert case.after == "half-close", "no close frame"
                return OPEN
            if opcode == CLOSE:
                return await self.closed(raw, payload, bye)
            if opcode == PING:
                # On a slow machine we are here for so long that the server looks.
                raw.send(frame(PONG, payload))
                continue
            if opcode == PONG:
                if payload == b"%d" % self.probes:
                    return OPEN
                pongs += 1
            else:
                message = raw.decode(payload)
                assert message["op"] in REPLIES | NEWS, message
                bye = message if message["op"] == "bye" else None
                if message["op"] in REPLIES:
                    if message["id"] == self.probes:
                        probed = True
                    else:
                        replies += 1
            if probed and (
                case.messages is None
                or (replies >= case.messages and pongs >= case.pongs)
            ):
                if case.messages is not None:
                    assert (replies, pongs) == (case.messages, case.pongs)
                return STAYS

    async def closed(self, raw: Raw, payload: bytes, bye: dict[str, Any] | None) -> int:
        """Check the last words of the server."""
        code = int.from_bytes(payload[:2], "big")
        payload[2:].decode()
        if code in CODES_WITH_BYE:
            assert bye is not None, "no bye"
            assert bye["code"] == code
            assert isinstance(bye["reason"], str)
        assert await raw.rest() == b"", "something came after the close frame"
        return code


class Bystander:
    """Somebody who watches the event and buys another, and must not notice anything."""

    def __init__(self, api: Api, event: str, report: Report) -> None:
        self.api = api
        self.event = event
        self.report = report

    async def run(self, socket: Socket) -> None:
        """Hold and release until cancelled, and keep the board up to date."""
        board = await (await socket.watch(self.event)).reach()
        calm = await self.api.sale(chart=None, capacity=10)
        while True:
            began = time.perf_counter()
            held = await socket.ok("hold", event=calm, areas={"GA": 1})
            self.report.bystander_s.append(time.perf_counter() - began)
            await socket.ok("release", event=calm, hold=held["hold"])
            await board.reach()
            await asyncio.sleep(0.02)


def memory_of(pid: int) -> int:
    """Give the resident bytes of a process; 0 where the system does not tell."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * 4_096


async def fuzz(server: Server, seed: int, first: int, count: int) -> Report:
    """Send these cases to a server, and look after it and after others meanwhile."""
    assert server.process is not None
    report = Report(seed)
    async with Api(server) as api:
        event = await api.sale("small", max_per_user=100, max_per_booking=100)
        buyer, other = await api.guests(2)
        async with await api.socket(other) as socket:
            watching = asyncio.create_task(Bystander(api, event, report).run(socket))
            # The first cases make what is made once: memory counts from there on.
            warm = count // 10
            began = time.perf_counter()
            await _send(server.url, buyer, event, report, first, warm)
            before = memory_of(server.process.pid)
            await _send(server.url, buyer, event, report, first + warm, count - warm)
            report.seconds = time.perf_counter() - began
            report.grown_bytes = memory_of(server.process.pid) - before
            if watching.done():
                report.problems.append(f"bystander: {watching.exception()!r}")
            watching.cancel()
            await asyncio.wait([watching])
        await api.audit(event)
    return report


async def _send(
    url: str, buyer: Person, event: str, report: Report, first: int, count: int
) -> None:
    numbers: asyncio.Queue[int] = asyncio.Queue()
    for number in range(first, first + count):
        numbers.put_nowait(number)
    lanes = [Lane(url, buyer.token, event, report) for _ in range(LANES)]
    await asyncio.gather(*(lane.run(numbers) for lane in lanes))


def errors_in(log: str) -> list[str]:
    """Give the lines of a log that nobody may cause by sending nonsense."""
    found = []
    for line in log.splitlines():
        if line.startswith("{"):
            if json.loads(line)["level"] == "error":
                found.append(line)
        elif line and not line.startswith("onsale is ready"):
            found.append(line)
    return found


def main() -> int:
    """Fuzz a server of our own and say what came of it."""
    parser = argparse.ArgumentParser(prog="dev.py fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number to begin with")
    options = parser.parse_args()
    server = Server()
    try:
        server.start()
        report = asyncio.run(fuzz(server, options.seed, options.first, options.cases))
        errors = errors_in(server.log())
    finally:
        server.remove()
    slow = sorted(report.bystander_s)
    worst = slow[int(len(slow) * 0.99)] if slow else 0.0
    out = sys.stdout.write
    out(f"{report.cases} cases in {report.seconds:.0f} s, seed {report.seed}\n")
    for kind, number in report.kinds.most_common():
        out(f"  {number:8} {kind}\n")
    ends = {STAYS: "goes on", OPEN: "left open"}
    for end, number in sorted(report.ends.items()):
        out(f"  {number:8} {ends.get(end, f'closed with {end}')}\n")
    out(f"memory grew by {report.grown_bytes / 2**20:.1f} MiB\n")
    out(f"bystander: {len(slow)} holds, p99 {worst * 1000:.1f} ms\n")
    for problem in report.problems + errors:
        out(f"PROBLEM {problem}\n")
    return 1 if report.problems or errors else 0


if __name__ == "__main__":
    sys.exit(main())
