"""A transcript from the journal: the same bytes each time it is made.

It is fed one change after the other, from the first of the event on, and gives the
lines that each makes. Nothing of it is kept but counts and the holds that are live.
"""

from hashlib import sha256
from typing import Final

from inventory.changes import (
    AnyChange,
    EntrantsFixed,
    EventConfigured,
    LineDrawn,
    LineOpened,
    RoundPutOff,
    SaleChanged,
)
from inventory.line.draw import (
    Rules,
    Statement,
    fixed_bytes,
    rules_of,
)
from inventory.settings import SaleState
from server.events.audit.receipts import ReceiptKey
from server.events.line.transcript.recorder import Recorder
from server.events.line.transcript.records import (
    FORMAT,
    SIGNED,
    AnyRecord,
    Counts,
    Earlier,
    End,
    Ended,
    Fixed,
    Head,
    Joins,
    Journal,
    Key,
    Late,
    Open,
    Place,
    Segment,
    Signature,
    Turn,
    TurnEnd,
    line_of,
)
from server.events.line.transcript.taken import Takings

FIRST_STATE: Final[SaleState] = "draft"
"""What a sale is before it is anything else."""
NOTHING: Final = b""


class NoSuchDraw(Exception):
    """The journal was read, and the draw is not in it."""


class _Draw:
    """What is known of the draw that is open at a version."""

    def __init__(self, change: LineOpened) -> None:
        self.number = change.draw
        self.rules: Rules = rules_of(change.rules.encode())
        self.commitment = change.commitment
        self.round = self.rules.round
        self.drawn_at_ms: int | None = None
        self.seed: bytes | None = None

    def earlier(self, seed: bytes | None, at_ms: int) -> Earlier:
        """Return the record of it when another one was opened, at `at_ms`."""
        drawn = self.drawn_at_ms is not None
        told = self.seed or seed
        return Earlier(
            draw=self.number,
            rules=self.rules,
            commitment=self.commitment.hex(),
            seed=None if told is None else told.hex(),
            round=self.round,
            state="drawn" if drawn else "given_up",
            at_ms=self.drawn_at_ms if self.drawn_at_ms is not None else at_ms,
        )


class _Tally:
    """Counts what `end` tells, from the records."""

    def __init__(self) -> None:
        self.records = 0
        self.entries = 0
        self.late = 0
        self.left = 0
        self.turns = 0
        self.waiting = 0
        self.ended = {"booked": 0, "left": 0, "ran_out": 0, "sale": 0}

    def take(self, record: AnyRecord) -> None:
        """Count a record."""
        self.records += 1
        match record:
            case Segment(stubs=stubs, left=left) | Late(stubs=stubs, left=left):
                count = len(stubs) // 16
                if isinstance(record, Late):
                    self.late += count
                else:
                    self.entries += count
                self.left += len(left)
                self.waiting += count - len(left)
            case Place(to="left"):
                self.left += 1
                self.waiting -= 1
            case Turn():
                self.turns += 1
                self.waiting -= 1
            case TurnEnd(why=why):
                self.ended[why] += 1
            case _:
                pass  # Nothing in it is counted.

    def counts(self) -> Counts:
        """Return the counts."""
        return Counts(
            ended=Ended(**self.ended),
            entries=self.entries,
            late=self.late,
            left=self.left,
            open=self.turns - sum(self.ended.values()),
            records=self.records,
            turns=self.turns,
            waiting=self.waiting,
        )


class Transcript:
    """Writes the transcript of one draw, signed by the key of its receipts.

    `joins` tell how the entrants came, from the rows of their entries; they have to be
    there when the list is fixed, so read them after the journal, or in one snapshot.
    """

    def __init__(
        self, *, event: str, draw: int, key: ReceiptKey, joins: Joins | None
    ) -> None:
        self._event = event
        self._number = draw
        self._key = key
        self._joins = joins
        self._digest = sha256()
        self._tally = _Tally()
        self._takings = Takings()
        self._recorder = Recorder()
        self._sale = FIRST_STATE
        self._draw: _Draw | None = None
        self._earlier: list[Earlier] = []
        self.is_past = False
        """Whether the next draw was opened, so that nothing is to be read any more."""

    def take(self, version: int, at_ms: int, change: AnyChange) -> bytes:
        """Return the lines of a change; most have one, or none."""
        if self.is_past:
            return NOTHING
        self._takings.take(at_ms, change)
        lines = NOTHING
        match change:
            case LineOpened():
                lines = self._open(version, at_ms, change)
            case _ if self._draw is None or self._draw.number != self._number:
                self._note_former(at_ms, change)
            case EntrantsFixed():
                lines = self._fix(version, at_ms, change)
            case _:
                record = self._recorder.record_of(version, at_ms, change)
                if record is not None:
                    lines = self._line(record)
        if isinstance(change, SaleChanged):
            self._sale = change.to
        elif isinstance(change, EventConfigured):
            self._sale = change.settings.sale_state
        return lines

    def end(self, *, over: bool, at_ms: int, journal: Journal) -> bytes:
        """Return the last lines, as of the last commit that was read.

        `over` says that the line is over; while a turn is open it is not told so, and
        of a draw before another one always.
        Raises `NoSuchDraw`.
        """
        if self._draw is None or self._draw.number < self._number:
            raise NoSuchDraw(f"{self._event} has no draw {self._number:,}")
        counts = self._tally.counts()
        lines = self._line(
            End(
                over=(over or self.is_past) and not counts.open,
                at_ms=at_ms,
                counts=counts,
                taken=self._takings.taken(),
                journal=journal,
            )
        )
        digest = self._digest.digest()
        signature = self._key.sign_bytes(SIGNED + digest)
        return lines + line_of(
            Signature(digest=digest.hex(), signature=signature.hex())
        )

    def _open(self, version: int, at_ms: int, change: LineOpened) -> bytes:
        former, self._draw = self._draw, _Draw(change)
        if change.draw > self._number:
            self.is_past = True
            return NOTHING
        if former is not None:
            self._earlier.append(former.earlier(change.former_seed, at_ms))
        if change.draw < self._number:
            return NOTHING
        self._takings.begin(gated=change.mode != "list")
        key = self._key.public
        head = Head(
            format=FORMAT,
            event=self._event,
            draw=self._number,
            key=Key(
                algorithm=key.algorithm, key_id=key.key_id, public_key=key.public_key
            ),
        )
        opened = Open(
            version=version,
            at_ms=at_ms,
            rules=self._draw.rules,
            rules_hash=change.rules_hash.hex(),
            commitment=change.commitment.hex(),
            sale=self._sale,
        )
        records: list[AnyRecord] = [head, *self._earlier, opened]
        return b"".join(map(self._line, records))

    def _note_former(self, at_ms: int, change: AnyChange) -> None:
        if self._draw is None:
            return
        if isinstance(change, RoundPutOff):
            self._draw.round = change.round
        elif isinstance(change, LineDrawn):
            self._draw.drawn_at_ms, self._draw.seed = at_ms, change.seed

    def _fix(self, version: int, at_ms: int, change: EntrantsFixed) -> bytes:
        assert self._draw is not None
        assert self._joins is not None, "the entries were read before the journal"
        told = statement_of(
            change,
            event=self._event,
            draw=self._number,
            commitment=self._draw.commitment,
            at_ms=at_ms,
        )
        fixed = Fixed(
            version=version,
            at_ms=at_ms,
            closed_at_ms=change.closed_at_ms,
            entries=change.entries,
            root=change.root.hex(),
            round=change.round,
            signature=self._key.sign_bytes(fixed_bytes(told)).hex(),
        )
        return self._line(fixed) + self._line(self._joins)

    def _line(self, record: AnyRecord) -> bytes:
        line = line_of(record)
        self._tally.take(record)
        self._digest.update(line)
        return line


def statement_of(
    change: EntrantsFixed, *, event: str, draw: int, commitment: bytes, at_ms: int
) -> Statement:
    """Return what is told, and signed, when the list is fixed."""
    return Statement(
        at_ms=at_ms,
        commitment=commitment.hex(),
        draw=draw,
        entries=change.entries,
        event=event,
        root=change.root.hex(),
        round=change.round,
        round_at_ms=change.round_at_ms,
    )
