"""Whether the line has everybody of the list, once, in the order of the draw."""

from hashlib import sha256
from typing import Final

from inventory.line import draw
from inventory.line.draw import BUCKETS, STUB_BYTES, bucket_of
from server.events.line.transcript.records import SEGMENT_MAX, Late, Segment
from server.events.line.verify.opening import Opening
from server.events.line.verify.report import Report

_ORDER: Final = b"onsale line order 1\n"


class Entrants:
    """Judges stubs as they are fed. 16 bytes each are kept, to find what is twice."""

    def __init__(self, report: Report, opening: Opening) -> None:
        self._report = report
        self._opening = opening
        self._buckets = [bytearray() for _ in range(BUCKETS)]
        self._late_buckets = [bytearray() for _ in range(BUCKETS)]
        self._key = b""
        self._line = sha256()
        self._last = b""
        self.fed = 0
        """How many places there are, late ones too."""
        self.entrants = 0
        self._step = 0
        self._step_is_full = False

    @property
    def are_complete(self) -> bool:
        """Return whether all entrants of the list are in the line."""
        fixed = self._opening.fixed
        drawn = self._opening.drawn is not None
        return drawn and fixed is not None and self.entrants == fixed.entries

    def begin(self) -> None:
        """Take the key of the draw, once it was drawn."""
        fixed, drawn = self._opening.fixed, self._opening.drawn
        assert fixed is not None
        assert drawn is not None
        randomness = (
            draw.randomness_of(bytes.fromhex(drawn.signature))
            if drawn.source == "beacon" and drawn.signature is not None
            else draw.NO_RANDOMNESS
        )
        self._key = draw.key_of(
            bytes.fromhex(drawn.seed),
            bytes.fromhex(fixed.root),
            randomness,
            draw.rules_hash_of(self._opening.rules),
        )
        self._line.update(_ORDER + fixed.entries.to_bytes(8, "big"))

    def take_segment(self, record: Segment) -> None:
        """Judge the next entrants."""
        self._report.require(
            "order",
            record.first == self.fed + 1,
            f"rank {record.first:,} follows on rank {self.fed:,}",
        )
        self._line.update(record.stubs)
        self._take(record.stubs, self._buckets, late=False)
        self.entrants = self.fed

    def take_late(self, record: Late) -> None:
        """Judge the next who came late: steps count on, each has an order."""
        report = self._report
        report.require(
            "late", self.are_complete, "somebody came in before the last entrant"
        )
        report.require(
            "late",
            record.first == self.fed + 1,
            f"rank {record.first:,} follows on rank {self.fed:,}",
        )
        goes_on = record.step == self._step and self._step_is_full
        report.require(
            "late",
            goes_on or record.step == self._step + 1,
            f"step {record.step:,} follows on step {self._step:,}",
        )
        if not goes_on:
            self._last = b""
        self._step = record.step
        self._step_is_full = len(record.stubs) == SEGMENT_MAX * STUB_BYTES
        self._take(record.stubs, self._late_buckets, late=True)

    def _take(self, stubs: bytes, buckets: list[bytearray], *, late: bool) -> None:
        prefix = self._key + b"late" if late else self._key
        last, wrong = self._last, 0
        for at in range(0, len(stubs), STUB_BYTES):
            stub = stubs[at : at + STUB_BYTES]
            buckets[bucket_of(stub)] += stub
            own = sha256(prefix + stub).digest() + stub
            if own <= last and not wrong:
                wrong = self.fed + at // STUB_BYTES + 1
            last = own
        self._last = last
        self.fed += len(stubs) // STUB_BYTES
        self._report.require(
            "late" if late else "order",
            not wrong,
            f"rank {wrong:,} is not where its key puts it",
        )

    def close(self) -> None:
        """Judge the list as a whole."""
        report, fixed, drawn = self._report, self._opening.fixed, self._opening.drawn
        if fixed is None or drawn is None:
            for check in ("root", "order", "late"):
                report.open(check, "nothing is drawn yet")
            return
        self._judge_late()
        if self.entrants < fixed.entries and not self._step:
            told = f"{self.entrants:,} of {fixed.entries:,} entrants are in the line"
            report.open("root", told)
            report.open("order", told)
            return
        report.require(
            "order",
            self._line.hexdigest() == drawn.line_hash,
            "the line is not the one of line_hash",
        )
        report.fine("order", f"{self.entrants:,} entrants, each where its key puts it")
        self._judge_root(fixed.entries, fixed.root)

    def _judge_root(self, entries: int, root: str) -> None:
        hashes, twice = [], False
        for bucket in self._buckets:
            stubs = sorted(draw.split(bytes(bucket)))
            twice = twice or len(set(stubs)) < len(stubs)
            hashes.append(draw.bucket_hash_of(b"".join(stubs)))
        report = self._report
        report.require(
            "root", self.entrants == entries, "there are more than were told"
        )
        report.require("root", not twice, "somebody is in the list twice")
        report.require(
            "root",
            draw.root_of(self.entrants, hashes).hex() == root,
            "the list is not the one that was told",
        )
        report.fine("root", "the list is the one that was told, nobody is in it twice")

    def _judge_late(self) -> None:
        twice = False
        for own, late in zip(self._buckets, self._late_buckets, strict=True):
            if late:
                stubs = draw.split(bytes(late))
                both = {*stubs, *draw.split(bytes(own))}
                twice = twice or len(both) * STUB_BYTES < len(late) + len(own)
        count = self.fed - self.entrants
        self._report.require("late", not twice, "somebody is in the line twice")
        self._report.fine("late", f"{count:,} came late, each in its step")
