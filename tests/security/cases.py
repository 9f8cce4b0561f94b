"""What the fuzzer sends: frames that are wrong in one of many ways, made from a seed.

Each case says which ends are right. A close code, where the protocol or the contract
names one; STAYS, where the connection has to go on as if nothing had been.
"""

import json
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import msgspec

from tests.security.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    JSON,
    MSGPACK,
    PING,
    PONG,
    TEXT,
    frame,
)

STAYS = 0
"""The connection is as good as before."""

OPEN = -1
"""It is still open, but in the middle of something that only its client can end."""

FRAME_BYTES_MAX = 4_096

Dice = random.Random
Pieces = list[bytes]


class Case(NamedTuple):
    """Bytes to send, and what may come of it."""

    kind: str
    protocol: str
    pieces: Pieces
    ends: frozenset[int]
    messages: int | None = 0
    """How many replies it must bring; None where nobody can tell."""

    pongs: int = 0
    after: Literal["message", "ping", "half-close", "vanish"] = "message"
    """What the client does next, to see where it stands."""


def mask(dice: Dice) -> bytes:
    return dice.randbytes(4)


VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**53 + 1, 2**63, 2**64, 10**40, 1.5,
    1e308, -0.0, "", "A-1", "x" * 200, "\x00", "é", "😀", "\ud800", "\udfff", [], {},
    [[]], {"": ""}, ["A-1", "A-1"], {"GA1": 1}, {"GA1": -1}, {"GA1": 10**9}, ["A-1", 1],
]  # fmt: skip
OPS = [
    "hello", "watch", "unwatch", "hold", "hold_best", "extend", "release", "book",
    "cancel", "block", "unblock", "join_waitlist", "leave_waitlist", "holding", "ping",
    "watch_events", "unwatch_events", "steal", "", "snapshot", "expire", "change_sale",
    "__init__",
]  # fmt: skip
FIELDS = [
    "op", "id", "key", "event", "seats", "areas", "hold", "ttl_s", "quantity",
    "category", "accessible", "adjacent", "order", "booking", "token", "since", "entry",
    "organisation", "events", "nonsense", "user", "organizer", "\x00",
]  # fmt: skip


def a_value(dice: Dice, depth: int = 0) -> Any:
    if depth < 3 and dice.random() < 0.2:
        if dice.random() < 0.5:
            return [a_value(dice, depth + 1) for _ in range(dice.randrange(5))]
        names = dice.choices(FIELDS, k=dice.randrange(4))
        return {name: a_value(dice, depth + 1) for name in names}
    return dice.choice(VALUES)


def a_command(dice: Dice, event: str) -> dict[str, Any]:
    """Make something near a command: most of it right, some of it not."""
    good: dict[str, Any] = {
        "event": event,
        "events": [event],
        "seats": [f"{dice.choice('ABC')}-{dice.randrange(1, 10)}"],
        "areas": {"GA1": dice.randrange(1, 3)},
        "hold": "x" * dice.randrange(1, 30),
        "quantity": dice.randrange(1, 5),
        "booking": "bkg_x",
        "key": f"k{dice.randrange(50)}",
        "ttl_s": dice.randrange(1, 700),
        "since": {"history_id": "x", "version": dice.randrange(5)},
    }
    wanted = {
        "hold": ["event", "seats"],
        "hold_best": ["event", "quantity"],
        "extend": ["event", "hold", "ttl_s"],
        "release": ["event", "hold"],
        "book": ["event", "hold", "key"],
        "cancel": ["event", "booking"],
        "watch": ["event", "since"],
        "watch_events": ["events"],
        "unwatch_events": [],
    }
    op = dice.choice(OPS)
    names = wanted.get(op, ["event"])
    made = {"op": op, "id": dice.randrange(1000)} | {n: good[n] for n in names}
    for _ in range(dice.choice((0, 1, 1, 2, 3))):
        name = dice.choice(FIELDS)
        if dice.random() < 0.3:
            made.pop(name, None)
        else:
            made[name] = a_value(dice)
    return made


def a_text(kind: str, protocol: str, body: bytes, key: bytes) -> Case:
    """Make the case of a text frame: it ends the connection where it is no UTF-8."""
    sent = [frame(TEXT, body, mask=key)]
    try:
        body.decode()
    except UnicodeDecodeError:
        return Case(f"{kind} of no text", protocol, sent, frozenset({1007}))
    return Case(kind, protocol, sent, frozenset({STAYS}), 1)


def near_json(dice: Dice, event: str) -> Case:
    text = json.dumps(a_command(dice, event), ensure_ascii=dice.random() < 0.9)
    body = text.encode(errors="surrogatepass")[:FRAME_BYTES_MAX]
    return a_text("near json", JSON, body, mask(dice))


def torn_json(dice: Dice, event: str) -> Case:
    body = bytearray(json.dumps(a_command(dice, event)).encode()[:FRAME_BYTES_MAX])
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(body))
        body[at : at + dice.randrange(3)] = dice.randbytes(dice.randrange(3))
        body = body or bytearray(b"x")
    return a_text("torn json", JSON, bytes(body), mask(dice))


def deep(dice: Dice, event: str) -> Case:
    depth = dice.randrange(10, 2_000)
    body = dice.choice((b"[", b'{"a":', b'{"seats":[')) * depth
    body = body[:FRAME_BYTES_MAX]
    return Case("deep", JSON, [frame(TEXT, body)], frozenset({STAYS}), 1)


def noise(dice: Dice, event: str) -> Case:
    """Send bytes that are no UTF-8, most of the time."""
    body = dice.randbytes(dice.randrange(FRAME_BYTES_MAX + 1))
    protocol = dice.choice((JSON, MSGPACK))
    if dice.random() < 0.5:
        return a_text("noise", protocol, body, mask(dice))
    return Case("noise", protocol, [frame(BINARY, body)], frozenset({STAYS}), 1)


def near_msgpack(dice: Dice, event: str) -> Case:
    body = packed(a_command(dice, event))
    if dice.random() < 0.5:
        torn = bytearray(body)
        torn[dice.randrange(len(torn))] = dice.randrange(256)
        body = bytes(torn)
    body = body[:FRAME_BYTES_MAX]
    return Case("near msgpack", MSGPACK, [frame(BINARY, body)], frozenset({STAYS}), 1)


def packed(value: Any) -> bytes:
    """Encode as MessagePack what msgspec will not: numbers and strings too strange."""
    if isinstance(value, dict):
        head = b"\xdf" + len(value).to_bytes(4, "big")
        return head + b"".join(packed(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return b"\xdd" + len(value).to_bytes(4, "big") + b"".join(map(packed, value))
    if isinstance(value, str):
        data = value.encode(errors="surrogatepass")
        return b"\xdb" + len(data).to_bytes(4, "big") + data
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return packed(str(value))
    return msgspec.msgpack.encode(value)


def exact(dice: Dice, event: str) -> Case:
    """Send a good frame near the limit, dribbled or whole, its head of any length."""
    ping = b'{"op":"ping","id":1}'
    size = dice.choice((len(ping), 125, 126, 127, 4_095, FRAME_BYTES_MAX))
    sent = frame(TEXT, ping.ljust(size), mask=mask(dice), wide=dice.choice((0, 2, 8)))
    pieces = [sent]
    if dice.random() < 0.5:
        step = dice.choice((1, 2, 3, 100)) if size < 200 else dice.choice((50, 999))
        pieces = [sent[at : at + step] for at in range(0, len(sent), step)]
    return Case("exact", JSON, pieces, frozenset({STAYS}), 1)


def unmasked(dice: Dice, event: str) -> Case:
    """Leave the mask away from a frame of any kind."""
    kinds = (TEXT, BINARY, PING, PONG, CLOSE, CONTINUATION)
    body = dice.choice((b"", b'{"op":"ping","id":1}', b"x" * 200))
    sent = frame(dice.choice(kinds), body[:125], mask=None)
    if dice.random() < 0.3:
        sent = frame(TEXT, b"{", fin=False) + frame(CONTINUATION, body, mask=None)
    return Case("unmasked", JSON, [sent], frozenset({1002}))


def oversize(dice: Dice, event: str) -> Case:
    opcode = dice.choice((TEXT, BINARY))
    if dice.random() < 0.5:
        size = dice.choice((4_097, 5_000, 65_535, 65_536, 300_000))
        sent = frame(opcode, b"x" * size, mask=mask(dice))
    else:
        lie = dice.choice((4_097, 2**16, 2**31, 2**32, 2**62, 2**63, 2**64 - 1))
        sent = frame(opcode, dice.randbytes(dice.randrange(200)), declared=lie)
    return Case("oversize", JSON, [sent], frozenset({1009}))


def split(body: bytes, dice: Dice, parts: int) -> list[bytes]:
    cuts = sorted(dice.randrange(len(body) + 1) for _ in range(parts - 1))
    ends = [0, *cuts, len(body)]
    return [body[low:high] for low, high in pairwise(ends)]


def fragments(dice: Dice, event: str) -> Case:
    """Split a good message, with pings between the parts, or until it is too long."""
    size = dice.choice((30, 1_000, FRAME_BYTES_MAX, 4_097, 20_000))
    parts = split(b'{"op":"ping","id":1}'.ljust(size), dice, dice.randrange(2, 40))
    pieces, pongs = [], 0
    for number, part in enumerate(parts):
        opcode = TEXT if number == 0 else CONTINUATION
        pieces.append(frame(opcode, part, fin=number == len(parts) - 1))
        if dice.random() < 0.1:
            pieces.append(frame(PING, b"between"))
            pongs += 1
    if size > FRAME_BYTES_MAX:
        return Case("fragments too long", JSON, pieces, frozenset({1009}))
    return Case("fragments", JSON, pieces, frozenset({STAYS}), 1, pongs)


def endless(dice: Dice, event: str) -> Case:
    """Begin a message and never end it."""
    part = dice.choice((b"", b"", b"x"))
    count = dice.choice((10, 1_000, 3_000))
    pieces = [frame(TEXT, b"{", fin=False)]
    pieces.append(frame(CONTINUATION, part, fin=False) * count)
    return Case("endless", JSON, pieces, frozenset({OPEN}), after="ping")


def astray(dice: Dice, event: str) -> Case:
    """Continue what was not begun, or begin anew before the end."""
    if dice.random() < 0.5:
        sent = frame(CONTINUATION, b"x", fin=dice.random() < 0.5)
        return Case("astray", JSON, [sent], frozenset({1002}))
    first = frame(TEXT, dice.choice((b"", b"{")), fin=False)
    second = frame(dice.choice((TEXT, BINARY)), b"x", fin=dice.random() < 0.5)
    return Case("astray", JSON, [first, second], frozenset({1002}))


def reserved(dice: Dice, event: str) -> Case:
    opcode = dice.choice((TEXT, BINARY, PING, PONG, CLOSE))
    sent = frame(opcode, b"", reserved=dice.randrange(1, 8))
    if dice.random() < 0.4:
        opcode = dice.choice((3, 4, 5, 6, 7, 11, 12, 13, 14, 15))
        sent = frame(opcode, dice.randbytes(dice.randrange(20)))
    return Case("reserved", JSON, [sent], frozenset({1002}))


def bad_control(dice: Dice, event: str) -> Case:
    opcode = dice.choice((PING, PONG, CLOSE))
    if dice.random() < 0.5:
        sent = frame(opcode, dice.randbytes(2), fin=False)
    else:
        sent = frame(opcode, dice.randbytes(dice.randrange(126, 300)))
    return Case("bad control", JSON, [sent], frozenset({1002}))


def closing(dice: Dice, event: str) -> Case:
    """Close with a code and a reason that may be wrong."""
    if dice.random() < 0.15:
        return Case("close", JSON, [frame(CLOSE, b"\x03")], frozenset({1002}))
    if dice.random() < 0.15:
        body = (1000).to_bytes(2, "big") + b"\xff\xfe"
        return Case("close", JSON, [frame(CLOSE, body)], frozenset({1007}))
    codes = (
        0,
        1,
        999,
        1000,
        1001,
        1004,
        1005,
        1006,
        1015,
        1016,
        2999,
        3000,
        4000,
        5000,
    )
    code = dice.choice((*codes, 65_535))
    ends = {1000} if code in (1000, 1001, 3000, 4000) else {1002}
    body = code.to_bytes(2, "big") + b"bye"
    return Case("close", JSON, [frame(CLOSE, body)], frozenset(ends))


def ping_flood(dice: Dice, event: str) -> Case:
    count = dice.choice((1, 20, 300))
    body = dice.randbytes(dice.choice((0, 1, 125)))
    pings = frame(PING, body, mask=mask(dice)) * count
    return Case("pings", JSON, [pings], frozenset({STAYS}), 0, count)


def pong_flood(dice: Dice, event: str) -> Case:
    pongs = frame(PONG, dice.randbytes(dice.randrange(126))) * dice.choice((1, 300))
    return Case("pongs", JSON, [pongs], frozenset({STAYS}))


def cut_off(dice: Dice, event: str) -> Case:
    """Vanish in the middle of a frame."""
    good = frame(TEXT, b'{"op":"ping","id":1}'.ljust(dice.randrange(20, 3_000)))
    part = good[: dice.randrange(1, len(good))]
    return Case("cut off", JSON, [part], frozenset({OPEN}), after="vanish")


def soup(dice: Dice, event: str) -> Case:
    """Send bytes of any kind: whatever comes of it, only this connection has it."""
    ends = frozenset({OPEN, 1000, 1002, 1007, 1009})
    sent = [dice.randbytes(dice.randrange(1, 9_000))]
    return Case("soup", JSON, sent, ends, None, after="half-close")


MAKERS: list[tuple[int, Callable[[Dice, str], Case]]] = [
    (30, near_json),
    (15, torn_json),
    (2, deep),
    (6, noise),
    (20, near_msgpack),
    (4, exact),
    (1, unmasked),
    (4, oversize),
    (5, fragments),
    (1, endless),
    (2, astray),
    (3, reserved),
    (2, bad_control),
    (3, closing),
    (1, ping_flood),
    (1, pong_flood),
    (2, cut_off),
    (3, soup),
]


def make_case(seed: int, number: int, event: str) -> Case:
    """Make the case of that number; the same seed makes the same cases."""
    dice = random.Random(f"{seed} {number}")
    weights = [weight for weight, _ in MAKERS]
    (maker,) = dice.choices([maker for _, maker in MAKERS], weights)
    return maker(dice, event)
