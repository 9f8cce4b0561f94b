"""All checks of a transcript, in one pass over its lines."""

from collections.abc import Iterable
from hashlib import sha256
from typing import TypeGuard

from server.events.audit.receipts import PublicKey, is_signed
from server.events.line.rules import OVER
from server.events.line.transcript.records import (
    SIGNED,
    Act,
    AnyRecord,
    Counts,
    Drawn,
    Earlier,
    End,
    Fixed,
    Head,
    Joins,
    Late,
    Malformed,
    Open,
    PutOff,
    Sale,
    Segment,
    Signature,
    read,
)
from server.events.line.verify import witness
from server.events.line.verify.entrants import Entrants
from server.events.line.verify.form import Form
from server.events.line.verify.holder import Holder
from server.events.line.verify.opening import Opening
from server.events.line.verify.options import Options
from server.events.line.verify.report import Broken, Report
from server.events.line.verify.turns import Turns


def check(lines: Iterable[bytes], options: Options) -> Report:
    """Return what a transcript is worth, of which the first line is a `head`."""
    report, form = Report(), Form()
    number = 0
    try:
        checker: _Checker | None = None
        for number, line in enumerate(lines, 1):  # noqa: B007 - told where it broke
            record = read(line)
            form.take(record)
            if checker is None:
                assert isinstance(record, Head)
                checker = _Checker(report, form, record, options)
            checker.take(line, record)
        if checker is None or not form.is_over:
            raise Broken("its end is cut off")
    except (Broken, Malformed) as error:
        only = Report()
        only.bad("form", f"line {number:,}: {error}")
        return only
    checker.close()
    report.fine("form", f"{number:,} lines, each as it is to be")
    return report


class _Checker:
    """Hands each record to those who judge it."""

    def __init__(
        self, report: Report, form: Form, head: Head, options: Options
    ) -> None:
        own = PublicKey(head.key.key_id, head.key.algorithm, head.key.public_key)
        self._report = report
        self._form = form
        self._options = options
        self._own = own
        self._key = options.key or own
        self._opening = Opening(report, options, head, self._key)
        self._entrants = Entrants(report, self._opening)
        self._turns: Turns | None = None
        self._holder = (
            None
            if options.place is None
            else Holder(report, options.place, head, self._key)
        )
        self._digest = sha256()
        self._end: End | None = None

    def take(self, line: bytes, record: AnyRecord) -> None:
        """Take the next line."""
        if isinstance(record, Signature):
            self._judge_signature(record)
        self._digest.update(line)
        self._hand_on(record)
        if _is_last(record):
            self._opening.take_over(record.at_ms)
        if self._turns is not None:
            self._turns.take(record)
        if self._holder is not None:
            self._holder.take(record)

    def _hand_on(self, record: AnyRecord) -> None:
        opening, entrants = self._opening, self._entrants
        match record:
            case Earlier():
                opening.take_earlier(record)
            case Open():
                opening.take_open(record)
                self._turns = Turns(self._report, record)
            case PutOff():
                opening.take_put_off(record)
            case Fixed():
                opening.take_fixed(record)
            case Joins():
                opening.take_joins(record)
            case Drawn():
                opening.take_drawn(record)
                entrants.begin()
            case Segment():
                entrants.take_segment(record)
            case Late():
                entrants.take_late(record)
            case End():
                self._end = record
                self._judge_counts(record)
            case _:
                pass  # The places' and turns' business.

    def _judge_signature(self, record: Signature) -> None:
        report, given, own = self._report, self._options.key, self._own
        report.require(
            "signature",
            given is None or given == own,
            f"it names the key {own.key_id} and not the one given",
        )
        digest = self._digest.digest()
        report.require(
            "signature",
            digest.hex() == record.digest
            and is_signed(self._key, SIGNED + digest, bytes.fromhex(record.signature)),
            "it was changed after it had been signed",
        )
        whose = (
            f"the key that it names, {own.key_id} (no --key given)"
            if given is None
            else f"the given key, {own.key_id}"
        )
        report.fine("signature", f"signed under {whose}")

    def _judge_counts(self, record: End) -> None:
        report, turns, fixed = self._report, self._turns, self._opening.fixed
        assert turns is not None
        entries = self._entrants.entrants
        if fixed is not None and not self._entrants.are_complete:
            # Whether those who are not fed yet are counted makes no difference.
            entries = record.counts.entries
        counts = turns.counts(entries=entries, records=self._form.records - 1)
        report.require("end", record.counts == counts, f"{_differs(record, counts)}")
        report.require(
            "end", not (record.over and counts.open), "it is over, with a turn open"
        )

    def close(self) -> None:
        """Judge what can only be judged in the end."""
        end, turns, report = self._end, self._turns, self._report
        assert end is not None
        assert turns is not None
        self._opening.close(end)
        self._entrants.close()
        report.is_complete = self._entrants.are_complete
        report.fine("turns", f"{turns.turns:,} turns, each as the rules say")
        final = "over, final" if end.over else "not over yet"
        report.fine("end", f"{final}; as of version {end.journal.version:,}")
        if self._options.witness is not None:
            witness.judge(report, self._options.witness, self._opening, self._key)
        if self._holder is not None:
            rank = self._holder.rank
            self._holder.close(
                fed=self._entrants.fed,
                complete=report.is_complete,
                state="" if rank is None else turns.state_of(rank),
            )


def _is_last(record: AnyRecord) -> TypeGuard[Act | Sale]:
    """Return whether nobody joins the line any more after this."""
    if isinstance(record, Act):
        return record.act == "close"
    return isinstance(record, Sale) and record.to in OVER


def _differs(record: End, counts: Counts) -> str:
    """Return the first count that is another than was told."""
    for name in counts.__struct_fields__:
        told, found = getattr(record.counts, name), getattr(counts, name)
        if told != found:
            return f"it counts {name} as {told}, there are {found}"
    return "its counts are right"
