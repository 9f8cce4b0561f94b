"""Clients that vanish while they wait, and clients that do not read their socket."""

import asyncio
import base64
import json
import os
import random
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.contract.client import Api, Person
from tests.faults.rig import SETTLE_S_MAX, Json, Result, Rig

VANISHING = 1_000
AT_A_TIME = 100
STALLING = 200
STALLED_BYTES_MAX = 32 * 1_024
SEGMENT = 536
WARM_S = 4.0
FILLED_S = 4.0
CLOSED_S = 14.5
"""Buffers are full after a second or two, and a stall lasts ten. Whoever reads within
five more sees why he was closed."""

DRAIN_S = 4.0
LIVE_S = 5.0
CLOSE_4008 = struct.pack(">H", 4008)


# -- Clients that vanish


def vanish(
    rig: Rig, number: int, dice: random.Random, count: int = VANISHING
) -> Result:
    """Let clients send a keyed command and be gone before its answer."""
    before = rig.counts()
    lines = asyncio.run(_vanish_all(rig, number, dice, count))
    rig.ledger.lines += lines
    healed = time.monotonic()
    happened = sum(line["r"]["op"] == "ok" for line in lines if line["r"])
    note = f"{count} vanished, of whose commands {happened} have happened"
    return rig.judge("vanish", number, before, healed, LIVE_S, note)


async def _vanish_all(
    rig: Rig, number: int, dice: random.Random, count: int
) -> list[Json]:
    lines: list[Json] = []
    async with Api(rig.server) as api:
        for _ in range(0, count, AT_A_TIME):
            people = await api.guests(min(AT_A_TIME, count))
            await asyncio.gather(
                *(_vanish(api, rig.event, who, number, dice, lines) for who in people)
            )
    return lines


async def _vanish(
    api: Api,
    event: str,
    who: Person,
    number: int,
    dice: random.Random,
    lines: list[Json],
) -> None:
    """Ask, vanish, and ask again over REST with the same key, twice."""
    row, seat = dice.randint(1, 10), dice.randint(1, 30)
    wish = {"op": "hold", "seats": [f"R{row}-{seat}"], "ttl_s": 1}
    key = f"vanishing-{number}"
    pause_s = dice.choice([0.0, 0.0, 0.002, 0.01])
    line = {"c": who.id, "u": who.id, "k": key, "q": wish, "s": time.monotonic()}
    reader, writer = await asyncio.open_connection(*address_of(api.url))
    writer.write(handshake(api.url, who))
    await reader.readuntil(b"\r\n\r\n")
    writer.write(masked(json.dumps({**wish, "id": 1, "event": event, "key": key})))
    if pause_s:
        await asyncio.sleep(pause_s)
    writer.transport.abort()
    lines.append({**line, "d": time.monotonic(), "r": None})
    for _ in range(2):
        again = {**line, "s": time.monotonic()}
        fields = {name: value for name, value in wish.items() if name != "op"}
        answer = await api.command(event, who, "hold", idempotency_key=key, **fields)
        lines.append(
            {**again, "d": time.monotonic(), "r": _reply(answer.body, answer.status)}
        )


def _reply(body: Json, status: int) -> Json | None:
    """Give a command's answer over REST the form it has on a websocket."""
    if status < 300:
        return {**body, "id": 0}
    extra = {"type", "title", "status", "request_id", "errors", "instance"}
    return {
        "op": "refused",
        "id": 0,
        **{name: value for name, value in body.items() if name not in extra},
    }


# -- Clients that take nothing


def stall(rig: Rig, number: int, dice: random.Random, count: int = STALLING) -> Result:
    """Let watchers stop reading while seats change all the time."""
    before = rig.counts()
    people = asyncio.run(_guests(rig, count))
    quiet_from = time.monotonic()
    asyncio.run(_churn(rig, WARM_S))
    quiet_to = time.monotonic()
    # What buyers leave behind in memory would drown what the stalled ones cost.
    found = rig.load.tell("settle", within_s=SETTLE_S_MAX)["violations"]
    asyncio.run(_churn(rig, FILLED_S))
    memory_warm = memory_of(rig)
    asyncio.run(_churn(rig, FILLED_S))
    memory_before = memory_of(rig)
    sockets = [_watch(rig, who) for who in people]
    stalled_from = time.monotonic()
    asyncio.run(_churn(rig, FILLED_S))
    # The changes themselves are remembered for a while: as much as without the crowd.
    each = (memory_of(rig) - memory_before - (memory_before - memory_warm)) / count
    rig.load.tell("go")
    busy_from = time.monotonic()
    asyncio.run(_churn(rig, CLOSED_S - (busy_from - stalled_from)))
    healed = time.monotonic()
    with ThreadPoolExecutor(count) as threads:
        ends = list(threads.map(_drain, sockets))
    result = rig.judge("stall", number, before, healed, LIVE_S)
    result.violations += found
    quiet = percentile_ms(rig.ledger.lines, quiet_from, quiet_to)
    busy = percentile_ms(rig.ledger.lines, busy_from, healed)
    told = ends.count("4008")
    result.note = (
        f"{count} stalled at {each / 1_024:.1f} KiB each; all closed but"
        f" {ends.count('open')}, {told} saw 4008; p99 of the others {quiet:.0f} ms"
        f" before, {busy:.0f} ms meanwhile"
    )
    if each > STALLED_BYTES_MAX:
        result.violations.append(f"a stalled client costs {each / 1_024:.1f} KiB")
    if "open" in ends or told < count // 2:
        result.violations.append(f"{ends.count('open')} are open, {told} saw 4008")
    return result


async def _guests(rig: Rig, count: int) -> list[Person]:
    async with Api(rig.server) as api:
        return await api.guests(count)


async def _churn(rig: Rig, seconds: float) -> None:
    """Block and unblock whatever is free of the hall, again and again."""
    async with Api(rig.server) as api:
        labels = [seat["label"] for seat in (await api.map(rig.event))["seats"]]
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            letters = (await api.availability(rig.event))["seats"]
            for op, letter in (("block", "f"), ("unblock", "x")):
                seats = [
                    label
                    for label, found in zip(labels, letters, strict=True)
                    if found == letter
                ]
                if seats:
                    rig.ledger.lines.append(await _organize(api, rig, op, seats))


async def _organize(api: Api, rig: Rig, op: str, seats: list[str]) -> Json:
    began = time.monotonic()
    answer = await api.command(rig.event, api.admin, op, seats=seats)
    return {
        "c": "organizer",
        "u": "",
        "k": None,
        "q": {"op": op, "seats": seats},
        "s": began,
        "d": time.monotonic(),
        "r": _reply(answer.body, answer.status),
        "organizer": True,
    }


def memory_of(rig: Rig) -> int:
    """Return the resident memory of the server's process, in bytes."""
    assert rig.server.process is not None
    status = Path(f"/proc/{rig.server.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1_024


def _watch(rig: Rig, who: Person) -> socket.socket:
    """Open a websocket, watch, and read nothing after the handshake."""
    plain = socket.socket()
    # Small segments and a small window: the kernel keeps little for us, on both sides.
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
    plain.settimeout(10)
    plain.connect(address_of(rig.server.url))
    plain.sendall(handshake(rig.server.url, who))
    told = b""
    while b"\r\n\r\n" not in told:
        told += plain.recv(1)
    frame: dict[str, Any] = {"op": "watch", "id": 1, "event": rig.event}
    plain.sendall(masked(json.dumps(frame)))
    return plain


def _drain(plain: socket.socket) -> str:
    """Read to the end at last; tell how the connection ended."""
    tail = b""
    ends = time.monotonic() + DRAIN_S
    with plain:
        plain.settimeout(DRAIN_S)
        try:
            while data := plain.recv(65_536):
                tail = (tail + data)[-200:]
                if time.monotonic() > ends:
                    return "open"
        except TimeoutError:
            return "open"
        except OSError:
            return "reset"
    return "4008" if CLOSE_4008 in tail else "end"


def percentile_ms(lines: list[Json], start: float, end: float) -> float:
    """Return the 99th percentile of the waits that began in that time."""
    waits = sorted(
        line["d"] - line["s"]
        for line in lines
        if start <= line["s"] and line["r"] and line["d"] <= end
    )
    return waits[int(len(waits) * 0.99)] * 1_000 if waits else 0.0


# -- Websockets by hand


def address_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 80


def handshake(url: str, who: Person) -> bytes:
    host, port = address_of(url)
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        "GET /v1/ws HTTP/1.1\r\n"
        f"Host: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {who.token}\r\n\r\n"
    ).encode()


def masked(text: str) -> bytes:
    """Make a client's text frame; a mask of zeros is one too."""
    data = text.encode()
    size = len(data)
    head = bytes([0x81, 0x80 | size]) if size < 126 else b"\x81\xfe" + size.to_bytes(2)
    return head + bytes(4) + data
