"""What became of one place."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from inventory.line.draw import STUB_BYTES, split, stub_of
from server.events.audit.receipts import PublicKey
from server.events.line.place_token import NotAPlace, Place, read
from server.events.line.transcript import records
from server.events.line.transcript.records import (
    AnyRecord,
    Change,
    Fed,
    Head,
    Presence,
    Segment,
    Turn,
    TurnEnd,
    TurnUntil,
    WishSet,
)
from server.events.line.verify.report import Report

HISTORY_MAX: Final = 200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_is_entry = re.compile(r"[A-Za-z0-9_-]{24}").fullmatch
_is_stub = re.compile(r"[0-9a-f]{32}").fullmatch


def is_asked(text: str) -> bool:
    """Return whether a text is an entry's id, or a stub."""
    return _is_entry(text) is not None or _is_stub(text) is not None


class Holder:
    """Follows the place of whoever asks."""

    def __init__(self, report: Report, asked: str, head: Head, key: PublicKey) -> None:
        self.rank: int | None = None
        self._report = report
        self._place: Place | None = None
        self._is_late = False
        self._stub = self._stub_of(asked, head, key)

    def _stub_of(self, asked: str, head: Head, key: PublicKey) -> bytes:
        """Return the stub that is asked about; none where nothing can be asked."""
        if _is_stub(asked):
            return bytes.fromhex(asked)
        if _is_entry(asked):
            return stub_of(asked)
        try:
            place = read(asked, key)
        except NotAPlace as error:
            self._report.bad("place", f"{error}")
            return b""
        self._report.require(
            "place",
            (place.event, place.draw) == (head.event, head.draw),
            "it is of another event or draw",
        )
        self._place = place
        return bytes.fromhex(place.stub)

    def take(self, record: AnyRecord) -> None:
        """Take the next record, of whatever kind."""
        if isinstance(record, Fed) and self.rank is None:
            self._find(record)
        told = self._told(record)
        if told is not None and len(self._report.history) < HISTORY_MAX:
            self._report.history.append(told)

    def _find(self, record: Fed) -> None:
        if self._stub not in record.stubs or not self._stub:
            return
        stubs = split(record.stubs)
        if self._stub in stubs:
            self.rank = record.first + stubs.index(self._stub)
            self._is_late = not isinstance(record, Segment)

    def _told(self, record: AnyRecord) -> str | None:
        """Return what a record says of the place; None where it says nothing."""
        if self.rank is None or not isinstance(record, Change):
            return None
        what = _in_list(record, self.rank) or _alone(record, self.rank)
        return None if what is None else f"{_time(record.at_ms)} {what}"

    def close(self, *, fed: int, complete: bool, state: str) -> None:
        """Judge the place in the end; `state` is that of its rank."""
        report, place = self._report, self._place
        if self.rank is None:
            if not complete:
                report.open("place", "it is not in the line, which is not whole yet")
            elif place is not None and place.late:
                report.open("place", "it came late, and is not in the line yet")
            else:
                report.bad("place", "it is not in the line: somebody was dropped")
            return
        kind = "late" if self._is_late else "entrant"
        if place is not None:
            report.require(
                "place", place.late == self._is_late, f"it is in the line as {kind}"
            )
            report.require(
                "place",
                place.rank in (None, self.rank),
                f"it is in the line with rank {self.rank:,}",
            )
        report.fine("place", f"rank {self.rank:,} of {fed:,}, {kind}, {state}")


def _in_list(record: Change, rank: int) -> str | None:
    """Return what a record of many places says of one."""
    match record:
        case Fed(first=first, stubs=stubs, left=left):
            if first <= rank < first + len(stubs) // STUB_BYTES:
                return "in the line" + (", left before" if rank in left else "")
        case Presence(away=away, back=back):
            if rank in away or rank in back:
                return "away" if rank in away else "back"
        case _:
            pass
    return None


def _alone(record: Change, rank: int) -> str | None:
    """Return what a record of one place says of it."""
    if getattr(record, "rank", None) != rank:
        return None
    match record:
        case WishSet():
            return "another wish"
        case records.Place(to=to):
            return to
        case Turn(quantity=0):
            return "turn"
        case Turn(quantity=quantity, category=category):
            return f"turn, {quantity:,} of {category}"
        case TurnUntil(until_ms=until_ms):
            return f"turn until {_time(until_ms)}"
        case TurnEnd(why=why):
            return f"turn over: {why}"
        case _:
            return None


def _time(at_ms: int) -> str:
    """Return a time in words; its number where no calendar has it."""
    try:
        at = _EPOCH + timedelta(milliseconds=at_ms)
    except OverflowError:
        return f"{at_ms}"
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
