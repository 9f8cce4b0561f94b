"""A transcript that is whole, to bend and sign again, as its operator could."""

import base64
import json
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import convert

import tests.inventory.line.test_draw as vector
from inventory.line import draw
from server.events.audit.receipts import ReceiptKey
from server.events.line.verify.checker import check
from server.events.line.verify.options import Options

Json = dict[str, Any]
OTHER = "ab" * 32
OUT_MS = 1_694_775_603_000
"""When the round of the draw came out."""
EVENT = "evt_Jt8Zk0bTQyW2mGq1c5uVhA"
SERVER = ReceiptKey(bytes(range(0x20, 0x40)))
Bend = Callable[[list[Json]], object]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(0x20, 0x40)))
PUBLIC = "29acbae141bccaf0b22e1a94d34d0bc7361e526d0bfe12c89794bc9322966dd7"
WHOLE = vector.WHOLE.read_bytes()


def canonical(document: Any) -> bytes:
    """The spelling of a document, without any code of ours."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


def whole() -> list[Json]:
    """The records of the whole draw, all but the signature."""
    return [json.loads(line) for line in WHOLE.splitlines()[:-1]]


def signed(records: Iterable[Json], key: Ed25519PrivateKey = KEY) -> list[bytes]:
    """The lines of records, with the count of them, and signed at the end."""
    told = list(records)
    if told[-1]["type"] == "end":
        told[-1]["counts"]["records"] = len(told) - 1
    lines = [canonical(record) + b"\n" for record in told]
    digest = sha256(b"".join(lines)).digest()
    under = key.sign(b"onsale transcript 1\n" + digest).hex()
    last = {"type": "signature", "digest": digest.hex(), "signature": under}
    return [*lines, canonical(last) + b"\n"]


def bent(bend: Callable[[list[Json]], object]) -> list[bytes]:
    """The lines of the whole draw with something changed, signed again."""
    records = whole()
    bend(records)
    return signed(records)


def of(records: list[Json], kind: str, at: int = 0) -> Json:
    """The record of a kind, the first or a later one."""
    return [record for record in records if record["type"] == kind][at]


def tell(records: list[Json]) -> None:
    """Sign again what was told of the list, as its operator could."""
    opened, fixed = of(records, "open"), of(records, "fixed")
    beacon, number = opened["rules"]["beacon"], fixed["round"]
    at_ms = None
    if beacon is not None:
        at_ms = 1000 * (beacon["genesis_s"] + (number - 1) * beacon["period_s"])
    statement = {
        "at_ms": fixed["at_ms"],
        "commitment": opened["commitment"],
        "draw": opened["rules"]["draw"],
        "entries": fixed["entries"],
        "event": opened["rules"]["event"],
        "root": fixed["root"],
        "round": number,
        "round_at_ms": at_ms,
    }
    fixed["signature"] = KEY.sign(b"onsale line fixed 1\n" + canonical(statement)).hex()


def judged(lines: list[bytes], **options: Any) -> dict[str, str]:
    """What is said of each check, the mark first, and `verdict`."""
    report = check(lines, Options(**options))
    *told, verdict = report.lines()
    found = {"verdict": verdict}
    for line in told:
        mark, _, rest = line.partition(" ")
        name, _, sentence = rest.partition(": ")
        if mark in ("ok", "weak", "open", "BAD"):
            found[name] = f"{mark} {sentence}"
    return found


def bad(found: dict[str, str]) -> set[str]:
    return {name for name, told in found.items() if told.startswith("BAD ")}


def lines() -> list[bytes]:
    return WHOLE.splitlines(keepends=True)


def set_in(kind: str, at: int = 0, **members: Any) -> Bend:
    def bend(records: list[Json]) -> None:
        of(records, kind, at).update(members)

    return bend


def told(bend: Bend) -> Bend:
    """Bend, and sign the list anew, too."""

    def both(records: list[Json]) -> None:
        bend(records)
        tell(records)

    return both


def drop(kind: str, at: int = 0) -> Bend:
    def bend(records: list[Json]) -> None:
        records.remove(of(records, kind, at))

    return bend


def put(before: str, **record: Any) -> Bend:
    """Put a record before one, at the same time; versions count on."""

    def bend(records: list[Json]) -> None:
        next_one = of(records, before)
        at_ms = record.pop("at_ms", next_one["at_ms"])
        where = records.index(next_one)
        records.insert(where, {**record, "at_ms": at_ms, "version": 0})
        for version, one in enumerate((one for one in records if "version" in one), 12):
            one["version"] = version
        of(records, "end")["journal"]["version"] = 99

    return bend


def stubs(kind: str, change: Callable[[list[bytes]], list[bytes]]) -> Bend:
    def bend(records: list[Json]) -> None:
        own = of(records, kind)
        changed = change(draw.split(base64.b64decode(own["stubs"])))
        own["stubs"] = base64.b64encode(b"".join(changed)).decode()
        classes = base64.b64decode(own["classes"]) + bytes(20)
        own["classes"] = base64.b64encode(classes[: 2 * len(changed)]).decode()

    return bend


def swapped(own: list[bytes]) -> list[bytes]:
    return [own[0], own[2], own[1], *own[3:]]


def all_of(*bends: Bend) -> Bend:
    def bend(records: list[Json]) -> None:
        for one in bends:
            one(records)

    return bend


def rule(**members: Any) -> Bend:
    """Change rules, and all that follows from them but the order."""

    def bend(records: list[Json]) -> None:
        opened = of(records, "open")
        opened["rules"].update(members)
        own = convert(opened["rules"], draw.Rules)
        opened["rules_hash"] = draw.rules_hash_of(own).hex()
        seed = bytes.fromhex(of(records, "drawn")["seed"])
        commitment = draw.commitment_of(seed, draw.rules_hash_of(own))
        opened["commitment"] = commitment.hex()
        tell(records)

    return bend


def count(**members: Any) -> Bend:
    def bend(records: list[Json]) -> None:
        of(records, "end")["counts"].update(members)

    return bend


def former(**members: Any) -> Bend:
    return set_in("earlier", **members)


TURN = {"type": "turn", "because": "line", "category": None, "quantity": 0}
UNTIL = 1_694_776_400_000


def ends_early(kind: str, at_ms: int | None = None, *, over: bool = False) -> Bend:
    """A transcript that was fetched early."""

    def bend(records: list[Json]) -> None:
        last = records.index(of(records, kind))
        end = of(records, "end")
        records[:] = [*records[: last + 1], end]
        end["at_ms"] = at_ms or records[-2].get("at_ms", 1_694_775_598_000)
        end["over"] = over
        fed = kind == "segment"
        end["counts"].update(
            ended={"booked": 0, "left": 0, "ran_out": 0, "sale": 0},
            entries=8 if fed else 0,
            late=0,
            left=1 if fed else 0,
            open=0,
            turns=0,
            waiting=7 if fed else 0,
        )

    return bend
