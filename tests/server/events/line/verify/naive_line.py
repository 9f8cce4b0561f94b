"""A line that is played at random, and its transcript, written from the specification.

Nothing of ours is used, so that what is checked with it is not checked against itself:
hashes by hashlib, JSON by json, signatures by their libraries, and the skip rule by
looking at everybody.
"""

import json
from base64 import b64encode
from hashlib import sha256
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

Json = dict[str, Any]
KEY = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
BEACON_KEY = Scalar(123_456_789)
GENESIS_S = 1_700_000_000
PERIOD_S = 3
OPENED_MS = 1_700_000_100_000
EVENT = "evt_naïve 🎭"
CATEGORIES = ("front", "back", "side")
STUB_BYTES = 16


def spelled(document: Any) -> bytes:
    text = json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return text.encode()


def big(number: int, count: int) -> bytes:
    return number.to_bytes(count, "big")


def root_of(stubs: list[bytes]) -> bytes:
    """The root of a list, bit by bit."""
    buckets: dict[str, list[bytes]] = {f"{one:010b}": [] for one in range(1_024)}
    for stub in stubs:
        bits = f"{int.from_bytes(stub, 'big'):0128b}"
        buckets[bits[:10]].append(stub)
    hashes = b""
    for bits in sorted(buckets):
        rows = b"".join(sorted(buckets[bits]))
        hashes += sha256(b"onsale line bucket 1\n" + rows).digest()
    return sha256(b"onsale line entrants 1\n" + big(len(stubs), 8) + hashes).digest()


def order_of(key: bytes, stubs: list[bytes], word: bytes = b"") -> list[bytes]:
    return sorted(stubs, key=lambda stub: (sha256(key + word + stub).digest(), stub))


def line_hash_of(line: list[bytes]) -> str:
    told = b"onsale line order 1\n" + big(len(line), 8) + b"".join(line)
    return sha256(told).hexdigest()


def key_of(seed: bytes, root: bytes, randomness: bytes, rules_hash: bytes) -> bytes:
    told = b"onsale line key 1\n" + seed + root + randomness + rules_hash
    return sha256(told).digest()


def beacon() -> Json:
    key = (G2Point() * BEACON_KEY).to_compressed_bytes()
    group = bytes(32)
    told = big(PERIOD_S, 4) + big(GENESIS_S, 8) + key + group + b"naive"
    return {
        "chain": sha256(told).hexdigest(),
        "genesis_s": GENESIS_S,
        "group": group.hex(),
        "id": "naive",
        "period_s": PERIOD_S,
        "public_key": key.hex(),
        "scheme": "bls-unchained-g1-rfc9380",
    }


def round_signature(number: int) -> bytes:
    message = sha256(big(number, 8)).digest()
    domain = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
    point = G1Point.hash_to_curve(message, domain) * BEACON_KEY
    return bytes(point.to_compressed_bytes())


def takes(wish: Json, category: str) -> bool:
    return not wish["categories"] or category in wish["categories"]


class NaiveLine:
    """Plays a line, one record after the other."""

    def __init__(self, seed: int, *, entrants: int, steps: int) -> None:
        self.random = Random(seed)
        self.records: list[Json] = []
        self.version = self.random.randrange(5)
        self.at_ms = OPENED_MS
        self.states: list[str] = []
        self.classes: list[int] = []
        self.wishes: list[Json | None] = [None]
        self.turns: dict[int, list[int]] = {}
        self.settings = {"turn_s": 30, "offer_s": 60, "serve_away": True}
        self.given = 0
        self.kinds: set[tuple[bool, bool]] = set()
        """Of turns: to choose, and without a wish."""
        self.ended = dict.fromkeys(("booked", "left", "ran_out", "sale"), 0)
        self.late = self.step = 0
        self._draw([self.random.randbytes(16) for _ in range(entrants)])
        for _ in range(steps):
            self.random.choice(MOVES)(self)

    def add(self, kind: str, *, pass_ms: int | None = None, **members: Any) -> None:
        """Add a change, a moment after the last."""
        self.version += self.random.randrange(1, 3)
        self.at_ms += self.random.randrange(2_000) if pass_ms is None else pass_ms
        told = {"type": kind, "version": self.version, "at_ms": self.at_ms}
        self.records.append({**told, **members})

    def _draw(self, stubs: list[bytes]) -> None:
        closes_ms = OPENED_MS + 60_500
        number = -(-(closes_ms + 6_000 - 1000 * GENESIS_S) // (1000 * PERIOD_S)) + 1
        out_ms = 1000 * (GENESIS_S + (number - 1) * PERIOD_S)
        rules = {
            "beacon": beacon(),
            "beacon_wait_s": 60,
            "closes_at_ms": closes_ms,
            "draw": 1,
            "event": EVENT,
            "fix_within_s": 6,
            "format": "onsale line 1",
            "late_step_ms": 250,
            "mode": "draw",
            "offer_s": 60,
            "opens_at_ms": closes_ms + 15_000,
            "round": number,
            "serve_away": True,
            "skip": "first_that_fits",
            "turn_s": 30,
            "without_beacon": "wait",
        }
        seed = self.random.randbytes(32)
        rules_hash = sha256(spelled(rules)).digest()
        told = b"onsale line commitment 1\n" + seed + rules_hash
        commitment = sha256(told).hexdigest()
        named = sha256(PUBLIC).hexdigest()[:16]
        key = {"algorithm": "Ed25519", "key_id": named, "public_key": PUBLIC.hex()}
        head = {"type": "head", "format": "onsale transcript 1", "event": EVENT}
        self.records.append({**head, "draw": 1, "key": key})
        self.add(
            "open",
            rules=rules,
            rules_hash=rules_hash.hex(),
            commitment=commitment,
            sale="scheduled",
        )
        self._fix(stubs, closes_ms, number, out_ms, commitment)
        signature = round_signature(number)
        self.key = key_of(seed, root_of(stubs), sha256(signature).digest(), rules_hash)
        line = order_of(self.key, stubs)
        self.entries = len(line)
        self.at_ms = out_ms
        self.add(
            "drawn",
            source="beacon",
            round=number,
            signature=signature.hex(),
            seed=seed.hex(),
            line_hash=line_hash_of(line),
        )
        for first in range(0, len(line), 7):
            self.feed("segment", line[first : first + 7])
        self.at_ms = max(self.at_ms, closes_ms + 15_000)
        self.add("sale", to="on_sale")

    def _fix(
        self,
        stubs: list[bytes],
        closes_ms: int,
        number: int,
        out_ms: int,
        commitment: str,
    ) -> None:
        self.at_ms = closes_ms + 10
        statement = {
            "at_ms": closes_ms + 20,
            "commitment": commitment,
            "draw": 1,
            "entries": len(stubs),
            "event": EVENT,
            "root": root_of(stubs).hex(),
            "round": number,
            "round_at_ms": out_ms,
        }
        signed = KEY.sign(b"onsale line fixed 1\n" + spelled(statement))
        self.add(
            "fixed",
            pass_ms=10,
            closed_at_ms=closes_ms + 10,
            entries=len(stubs),
            root=statement["root"],
            round=number,
            signature=signed.hex(),
        )
        minute = OPENED_MS // 60_000
        minutes = [[minute, len(stubs)]] if stubs else []
        self.records.append({"type": "joins", "gates": {}, "minutes": minutes})

    def class_of(self, new: list[Json]) -> int:
        """A class for a wish at random; where it is new, its wish is told."""
        if self.random.random() < 0.3:
            return 0
        wish = {
            "accessible": self.random.random() < 0.2,
            "categories": self.random.sample(CATEGORIES, self.random.randrange(3)),
            "if_none": self.random.choice(["wait", "browse"]),
            "quantity": self.random.randrange(1, 3),
            "together": self.random.random() < 0.5,
        }
        if wish not in self.wishes:
            self.wishes.append(wish)
            new.append({**wish, "class": len(self.wishes) - 1})
        return self.wishes.index(wish)

    def feed(self, kind: str, stubs: list[bytes], **more: int) -> None:
        """Feed stubs, which are in order."""
        new: list[Json] = []
        first = len(self.states) + 1
        classes = [self.class_of(new) for _ in stubs]
        left = [r for r, _ in enumerate(stubs, first) if self.random.random() < 0.1]
        self.classes += classes
        self.states += [
            "left" if rank in left else "waiting" for rank, _ in enumerate(stubs, first)
        ]
        self.add(
            kind,
            first=first,
            stubs=b64encode(b"".join(stubs)).decode(),
            classes=b64encode(b"".join(big(one, 2) for one in classes)).decode(),
            wishes=new,
            left=left,
            **more,
        )

    def ranks(self, *states: str) -> list[int]:
        return [r for r, state in enumerate(self.states, 1) if state in states]

    def some(self, *states: str) -> list[int]:
        ranks = self.ranks(*states)
        count = self.random.randrange(4)
        return sorted(self.random.sample(ranks, min(count, len(ranks))))

    def may_have(self, rank: int, category: str | None) -> bool:
        """Whether a turn of a rank is right, by looking at all before it."""
        wish = self.wishes[self.classes[rank - 1]]
        state = self.states[rank - 1]
        if category is None:
            fits = wish is None or wish["if_none"] == "browse"
            return fits and state == "waiting" and not self.passed(rank, category)
        if wish is None or not takes(wish, category):
            return False
        away = state == "away" and bool(self.settings["serve_away"])
        return (state == "waiting" or away) and not self.passed(rank, category)

    def passed(self, rank: int, category: str | None) -> bool:
        own = self.classes[rank - 1]
        wish = self.wishes[own]
        for before in self.ranks("waiting"):
            if before >= rank:
                break
            other = self.wishes[self.classes[before - 1]]
            if self.classes[before - 1] == own:
                return True
            if category is None:
                if other is None:
                    return True
                continue
            if other is None or wish is None:
                continue
            alike = ("quantity", "accessible")
            if (
                all(other[name] == wish[name] for name in alike)
                and takes(other, category)
                and (not other["together"] or wish["together"] or wish["quantity"] == 1)
            ):
                return True
        return False

    def offers(self) -> list[tuple[int, str | None]]:
        """All turns that one might try to give."""
        return [
            (rank, category)
            for rank in self.ranks("waiting", "away", "paused")
            for category in (None, *CATEGORIES)
        ]

    def give(self, rank: int, category: str | None) -> None:
        """Give a turn, whether it is right or not."""
        wish = self.wishes[self.classes[rank - 1]]
        lasts_s = int(self.settings["turn_s"])
        if category is not None:
            lasts_s = min(lasts_s, int(self.settings["offer_s"]))
        quantity = 0 if category is None or wish is None else wish["quantity"]
        self.add(
            "turn",
            rank=rank,
            because="line",
            category=category,
            quantity=quantity,
            until_ms=0,
        )
        until_ms = self.at_ms + 1000 * lasts_s
        self.records[-1]["until_ms"] = until_ms
        self.states[rank - 1] = "turn"
        self.turns[rank] = [until_ms, 0]
        self.given += 1
        self.kinds.add((category is None, wish is None))

    # -- Moves

    def turn(self) -> None:
        right = [offer for offer in self.offers() if self.may_have(*offer)]
        if right:
            self.give(*self.random.choice(right))

    def end_turn(self) -> None:
        if not self.turns:
            return
        rank = self.random.choice(sorted(self.turns))
        why = self.random.choice(sorted(self.ended))
        until_ms, _ = self.turns.pop(rank)
        wait_ms = max(0, until_ms - self.at_ms) if why == "ran_out" else None
        self.add("turn_end", pass_ms=wait_ms, rank=rank, why=why)
        self.ended[why] += 1
        self.states[rank - 1] = "done"

    def extend(self) -> None:
        open_ones = [rank for rank, (_, times) in self.turns.items() if times < 10]
        if open_ones:
            rank = self.random.choice(open_ones)
            self.turns[rank][0] += 1 + self.random.randrange(3_000)
            self.turns[rank][1] += 1
            self.add("turn_until", rank=rank, until_ms=self.turns[rank][0])

    def keep(self) -> None:
        until_ms = self.at_ms + self.random.randrange(60_000)
        self.add("kept", until_ms=until_ms)
        for turn in self.turns.values():
            turn[0] = max(turn[0], until_ms)

    def presence(self) -> None:
        away, back = self.some("waiting"), self.some("away")
        self.add("presence", away=away, back=back)
        for rank in away:
            self.states[rank - 1] = "away"
        for rank in back:
            self.states[rank - 1] = "waiting"

    def place(self) -> None:
        to, states = self.random.choice(
            [
                ("paused", ("waiting", "away")),
                ("limited", ("waiting", "away")),
                ("waiting", ("paused", "limited")),
                ("left", ("waiting", "away", "paused", "limited")),
            ]
        )
        for rank in self.some(*states)[:1]:
            self.add("place", rank=rank, to=to)
            self.states[rank - 1] = to

    def wish(self) -> None:
        for rank in self.some("waiting", "away", "paused", "limited", "turn")[:1]:
            new: list[Json] = []
            self.classes[rank - 1] = self.class_of(new)
            told = {"class": self.classes[rank - 1]}
            self.add("wish", rank=rank, wishes=new, **told)

    def recast(self) -> None:
        if len(self.wishes) < 2:
            return
        old, new = self.random.randrange(1, len(self.wishes)), list[Json]()
        to = self.class_of(new)
        self.add("recast", pairs=[[old, to]], wishes=new)
        for rank, own in enumerate(self.classes, 1):
            if own == old and self.states[rank - 1] not in ("left", "done"):
                self.classes[rank - 1] = to

    def come_late(self) -> None:
        self.step += 1
        count = self.random.randrange(1, 5)
        stubs = [self.random.randbytes(STUB_BYTES) for _ in range(count)]
        self.feed("late", order_of(self.key, stubs, b"late"), step=self.step)
        self.late += count

    def change(self) -> None:
        detail = {
            "turn_s": self.random.randrange(1, 60),
            "offer_s": self.random.randrange(1, 60),
            "serve_away": self.random.random() < 0.5,
        }
        for name in self.random.sample(sorted(detail), self.random.randrange(3)):
            del detail[name]
        self.settings |= detail
        self.add("act", act="set", detail=detail)

    def grant(self) -> None:
        self.add("grant", because="presale", until_ms=self.at_ms)

    # -- The end

    def lines(self) -> list[bytes]:
        """The transcript so far, signed."""
        waiting = self.ranks("waiting", "away", "paused", "limited")
        counts = {
            "ended": self.ended,
            "entries": self.entries,
            "late": self.late,
            "left": len(self.ranks("left")),
            "open": len(self.turns),
            "records": len(self.records),
            "turns": self.given,
            "waiting": len(waiting),
        }
        ways = ("blocked", "box_office", "granted", "other", "turns")
        end = {
            "type": "end",
            "over": False,
            "at_ms": self.at_ms,
            "counts": counts,
            "taken": dict.fromkeys(ways, 0),
            "journal": {"chain": "00" * 32, "history_id": "h", "version": self.version},
        }
        lines = [spelled(one) + b"\n" for one in (*self.records, end)]
        digest = sha256(b"".join(lines)).digest()
        signed = KEY.sign(b"onsale transcript 1\n" + digest).hex()
        last = {"type": "signature", "digest": digest.hex(), "signature": signed}
        return [*lines, spelled(last) + b"\n"]


MOVES = (
    *(NaiveLine.turn,) * 6,
    *(NaiveLine.end_turn,) * 3,
    *(NaiveLine.presence,) * 3,
    *(NaiveLine.place, NaiveLine.wish, NaiveLine.come_late) * 2,
    *(NaiveLine.extend, NaiveLine.keep, NaiveLine.recast),
    *(NaiveLine.change, NaiveLine.grant),
)
