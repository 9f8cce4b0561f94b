"""Sockets that wait: joins, memory, CPU, coming back, and being told what was freed.

Beside an echo of the same run, at which the same people send the same frames.
"""

import asyncio
from contextlib import AsyncExitStack
from time import perf_counter

import aiohttp
import msgspec
from msgspec import Struct

from bench import arena
from bench.check import percentile
from bench.children import ChildError
from bench.contenders import start_echo
from bench.lab import Lab
from bench.line_parts import Part, p50_p99
from bench.line_people import Answer, Come, Join, Ping, Rest, Return, Tell
from bench.onsale import Onsale
from bench.partner import Partner
from bench.usage import cpu_seconds, resident_bytes

WARM = 100
"""People who come before the first look, and pay for what is made only once."""

WITHIN_S = 240.0
SETTLE_S = 2.0
FREED_EVERY_S = 0.01
PUSHES_PER_S = 6_700
"""To 100,000 who wait, of whom 5 % are near, and 15 % not far."""

JOIN_US_MAX, SOCKET_KIB_MAX, WAITING_CORES_MAX = 100.0, 15.0, 0.08
BACK_S_MAX = 10.0
TOLD_P50_MS_MAX, TOLD_P99_MS_MAX = 5.0, 50.0


class Size(Struct, frozen=True):
    """How many come."""

    sockets: int
    freed: int
    rest_s: float


class Bare(Struct, kw_only=True):
    """What an echo took for the same."""

    kib: float
    join_us: float
    burst: str
    ping: str
    ping_max_ms: float
    back_s: float


async def measure(lab: Lab, size: Size) -> Part:
    """Measure all that sockets take."""
    part = Part()
    lab = lab.shaped(
        connections=WARM + size.sockets, seats_per_event=arena.SEATS_PER_ROW
    )
    bare = await _echo(lab, size, part)
    async with AsyncExitStack() as stack:
        server = Onsale(lab, stack)
        await server.start()
        await _wait(stack, server, size, bare, part)
        await _free(stack, server, size, bare, part)
    return part


async def _echo(lab: Lab, size: Size, part: Part) -> Bare:
    """Let an echo take what our server does not do."""
    async with AsyncExitStack() as stack:
        running = await start_echo(stack, lab, 1)
        people = await Partner.start(stack, "bench.line_people")
        url, (pid,) = running.ws_url, running.server_pids
        tokens = running.tokens
        await ask(people, Come(url, tokens[:WARM], "e"))
        before = await _resting(pid)
        await ask(people, Come(url, tokens[WARM:], "e"))
        kib = (await _resting(pid) - before) / size.sockets / 1024
        used = cpu_seconds([pid])
        burst = await ask(people, Join(ranked=False))
        used = cpu_seconds([pid]) - used
        ping = await ask(people, Ping(min(1.0, size.rest_s)))
        part.fault("echo", ping.faults)
        return Bare(
            kib=kib,
            join_us=1e6 * used / (WARM + size.sockets),
            burst=p50_p99(burst.ms),
            ping=p50_p99(ping.ms),
            ping_max_ms=ping.ms[-1],
            back_s=_last_s(burst),
        )


async def _resting(pid: int) -> int:
    await asyncio.sleep(SETTLE_S)
    return resident_bytes(pid)


async def ask(people: Partner, question: object) -> Answer:
    """Have people do something."""
    return await people.ask(question, Answer, WITHIN_S)


async def _wait(
    stack: AsyncExitStack, server: Onsale, size: Size, bare: Bare, part: Part
) -> None:
    """Have people join and wait in front of a sale that hardly moves."""
    (event,) = await server.open_sales(
        1, line={"mode": "fifo", "turns_per_min": 1, "wish_floor": 0}
    )
    await server.ask("POST", f"/v1/events/{event}/line/open", {})
    tokens = await server.guests(WARM + size.sockets)
    people = await Partner.start(stack, "bench.line_people")
    url, pid, count = f"ws://{server.address}/v1/ws", server.pid, size.sockets
    await ask(people, Come(url, tokens[:WARM], event))
    await ask(people, Join())
    before = await _resting(pid)
    await ask(people, Come(url, tokens[WARM:], event))
    idle = cpu_seconds([pid])
    await ask(people, Rest(size.rest_s))
    idle = cpu_seconds([pid]) - idle
    used = cpu_seconds([pid])
    joined = await ask(people, Join())
    used = cpu_seconds([pid]) - used
    _tell_joins(joined, 1e6 * used / count, count, bare, part)
    kib = (await _resting(pid) - before) / count / 1024
    part.add(
        "a waiting socket, memory",
        kib,
        "KiB",
        f"{count:,} more who wait; their share of the line is in it",
        echo=f"{bare.kib:.1f} KiB",
        at_most=SOCKET_KIB_MAX,
    )
    waited = cpu_seconds([pid])
    rest = await ask(people, Rest(size.rest_s))
    waited = max(0.0, cpu_seconds([pid]) - waited - idle)
    _tell_rest(rest.frames, waited, idle, size, part)
    back = await ask(people, Return())
    part.add(
        "a refresh storm, until the last knows the rank",
        _last_s(back),
        "s",
        f"{WARM + count:,} lose their connections at once; p50 / p99"
        f" {p50_p99(back.ms)}. Of 100,000, over several processes, that is to be"
        " multiplied",
        echo=f"{bare.back_s:.2f} s for answers alone",
        at_most=BACK_S_MAX,
    )
    part.fault("those who wait", back.faults)
    await people.stop()


def _last_s(answer: Answer) -> float:
    """Return when the last was answered; not a number where nobody was."""
    return answer.ms[-1] / 1e3 if answer.ms else float("nan")


def _tell_joins(
    joined: Answer, cpu_us: float, count: int, bare: Bare, part: Part
) -> None:
    what = f"{count:,} people join at once, each on a socket, a place signed for each"
    part.add(
        "a join, server CPU, with its rank",
        cpu_us,
        "µs",
        what,
        echo=f"{bare.join_us:.0f} µs",
        at_most=JOIN_US_MAX,
    )
    part.add(
        "joins", count / _last_s(joined), "/s", f"{what}, until the last was answered"
    )
    part.add(
        "a join, until it was answered, p99",
        percentile(joined.ms, 0.99),
        "ms",
        f"of that burst; p50 / p99 {p50_p99(joined.ms)}",
        echo=bare.burst,
    )


def _tell_rest(frames: int, waited: float, idle: float, size: Size, part: Part) -> None:
    part.add(
        f"{size.sockets:,} waiting, CPU",
        waited / size.rest_s,
        "cores",
        f"{frames:,} frames in {size.rest_s:g} s; silent sockets took"
        f" {idle / size.rest_s:.3f} cores, which is not in it",
    )
    each = waited / max(1, frames)
    part.add(
        "100,000 waiting, CPU, computed",
        each * PUSHES_PER_S,
        "cores",
        f"{1e6 * each:.1f} µs a frame, times {PUSHES_PER_S:,} frames a second",
        at_most=WAITING_CORES_MAX,
    )


async def _free(
    stack: AsyncExitStack, server: Onsale, size: Size, bare: Bare, part: Part
) -> None:
    """Have seats given back, one by one, while others wait for them."""
    count = min(size.freed, arena.SEATS_PER_ROW)
    (event,) = await server.open_sales(1)
    buyer, *tokens = await server.guests(1 + size.freed)
    people = await Partner.start(stack, "bench.line_people")
    await ask(people, Come(f"ws://{server.address}/v1/ws", tokens, event))
    asked_ms: list[float] = []
    told_ms: list[float] = []
    async with aiohttp.ClientSession() as http:
        socket = await http.ws_connect(
            f"ws://{server.address}/v1/ws", headers={"Authorization": f"Bearer {buyer}"}
        )
        buying = Buying(socket, event)
        bookings = await buying.buy_all()
        await ask(people, Join(wish=b'{"quantity":1}'))
        times = {}
        for seat, booking in list(bookings.items())[:count]:
            begun = perf_counter()
            await buying.ask(op="cancel", booking=booking)
            times[seat] = begun, perf_counter()
            await asyncio.sleep(FREED_EVERY_S)
        await ask(people, Rest(0.2))
        told = await ask(people, Tell())
        await socket.close()
    for seat, (begun, done) in times.items():
        if seat in told.offers:
            asked_ms.append((told.offers[seat] - begun) * 1e3)
            told_ms.append(max(0.0, told.offers[seat] - done) * 1e3)
    part.fault("those who are told", told.faults)
    if len(told_ms) < count:
        part.fault("offers", {"nobody was told of a freed seat": count - len(told_ms)})
    asked_ms.sort()
    told_ms.sort()
    what = f"{count} seats given back one by one, {len(tokens):,} wait on sockets"
    for name, since, ms in (
        ("freed", "confirmed", told_ms),
        ("freeing asked for", "asked for", asked_ms),
    ):
        judged = ms is told_ms
        for share, label, most in (
            (0.5, "p50", TOLD_P50_MS_MAX),
            (0.99, "p99", TOLD_P99_MS_MAX),
        ):
            part.add(
                f"{name} → next told, {label}",
                percentile(ms, share),
                "ms",
                f"{what}; from when it was {since}",
                echo=bare.ping,
                at_most=most if judged else None,
            )


class Buying:
    """Somebody who buys a house out, and gives it back."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, event: str) -> None:
        self._socket = socket
        self._event = event
        self._ids = 0

    async def buy_all(self) -> dict[str, str]:
        """Book each seat by itself; return the bookings by seat."""
        bookings = {}
        for number in range(arena.SEATS_PER_ROW):
            seat = arena.label_of(number)
            held = await self.ask(op="hold", seats=[seat])
            booked = await self.ask(op="book", hold=held["hold"], key=f"b{number}")
            bookings[seat] = str(booked["booking"])
        return bookings

    async def ask(self, **frame: object) -> dict[str, object]:
        """Return the answer to a command. Raises `ChildError`."""
        self._ids += 1
        asked = {"id": self._ids, "event": self._event, **frame}
        await self._socket.send_str(msgspec.json.encode(asked).decode())
        while True:
            found: dict[str, object] = msgspec.json.decode(
                await self._socket.receive_str()
            )
            if found.get("id") == self._ids:
                break
        if found["op"] != "ok":
            raise ChildError(f"{frame['op']}: {found}")
        return found
