"""The form of a transcript: which record may stand where, and what fits in it.

Whatever this lets pass can be judged by the other checks without their having to look
whether it is there at all.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Final

from inventory.line.draw import STUB_BYTES
from server.events.line.transcript.records import (
    PLACES_MAX,
    RECORDS_MAX,
    SEGMENT_MAX,
    Act,
    AnyRecord,
    Change,
    Drawn,
    Earlier,
    End,
    Fed,
    Fixed,
    Grant,
    Head,
    Joins,
    Kept,
    Late,
    Open,
    Place,
    Presence,
    PutOff,
    Recast,
    Sale,
    Segment,
    Signature,
    Turn,
    TurnEnd,
    TurnUntil,
    Wish,
    WishSet,
)
from server.events.line.verify.report import Broken

_ANYWHERE: Final = (Act, Sale, Grant, End)
_IN_LINE: Final = (
    *(*_ANYWHERE, WishSet, Recast, Presence, Place),
    *(Turn, TurnUntil, Kept, TurnEnd),
)
NEXT: Final[dict[type[AnyRecord], tuple[type[AnyRecord], ...]]] = {
    Head: (Earlier, Open),
    Earlier: (Earlier, Open),
    Open: (*_ANYWHERE, PutOff, Fixed),
    Fixed: (Joins,),
    Joins: (*_ANYWHERE, Drawn),
    Drawn: (*_IN_LINE, Segment, Late),
    Late: (*_IN_LINE, Late),
    End: (Signature,),
    Signature: (),
}
"""What may follow, by the last of these that was there."""

_INTEGERS: Final = {"turns_per_min", "sell_out_s", "turn_s", "offer_s"}
_BOOLEANS: Final = {"serve_away", "count_returns"}


class Form:
    """Takes one record after the other, and raises `Broken` for what has no place."""

    def __init__(self) -> None:
        self.records = 0
        self.places = 0
        self._phase: type[AnyRecord] | None = None
        self._version = -1
        self._at_ms = 0
        self._classes = 0
        self._wishes: set[tuple[object, ...]] = set()

    @property
    def is_over(self) -> bool:
        """Return whether the last line was there."""
        return self._phase is Signature

    def take(self, record: AnyRecord) -> None:
        """Take the next record."""
        kind = type(record)
        allowed = (Head,) if self._phase is None else NEXT[self._phase]
        _require(kind in allowed, "it may not stand here")
        if kind in NEXT:
            self._phase = kind
        self.records += 1
        _require(self.records <= RECORDS_MAX, "there are too many records")
        if isinstance(record, Change):
            _require(
                record.version > self._version, "its version is not above the last"
            )
            _require(record.at_ms >= self._at_ms, "its time is before the last")
            self._version, self._at_ms = record.version, record.at_ms
        look = _LOOKS.get(kind)
        if look is not None:
            look(self, record)

    def _head(self, record: Head) -> None:
        key = bytes.fromhex(record.key.public_key)
        named = sha256(key).hexdigest()[:16]
        _require(record.key.key_id == named, "its key has another name")

    def _joins(self, record: Joins) -> None:
        _ascending([minute for minute, _ in record.minutes])

    def _fed(self, record: Fed) -> None:
        count = len(record.stubs) // STUB_BYTES
        _require(
            1 <= count <= SEGMENT_MAX
            and len(record.stubs) == STUB_BYTES * count
            and len(record.classes) == 2 * count,
            "its stubs and classes are not so many as they may be",
        )
        self.places += count
        _require(self.places <= PLACES_MAX, "there are too many places")
        _ascending(record.left)
        self._take_wishes(record.wishes, classes_of(record.classes))

    def _wish(self, record: WishSet) -> None:
        self._take_wishes(record.wishes, [record.class_])

    def _recast(self, record: Recast) -> None:
        _ascending([old for old, _ in record.pairs])
        known = self._classes
        _require(
            all(1 <= old <= known for old, _ in record.pairs),
            "nobody is in a class of it",
        )
        self._take_wishes(record.wishes, [new for _, new in record.pairs])

    def _presence(self, record: Presence) -> None:
        _ascending(record.away)
        _ascending(record.back)
        _require(
            not set(record.away) & set(record.back), "a rank of it is away and back"
        )

    def _act(self, record: Act) -> None:
        detail = record.detail
        if record.act == "message":
            fits = detail.keys() == {"id"} and isinstance(detail["id"], str)
        elif record.act == "set":
            fits = all(
                (name in _BOOLEANS and isinstance(value, bool))
                or (name in _INTEGERS and type(value) is int)
                for name, value in detail.items()
            )
        else:
            fits = not detail
        _require(fits, f"its detail is none of {record.act}")

    def _end(self, record: End) -> None:
        _require(
            record.journal.version >= self._version, "it ends before its last line"
        )
        _require(record.at_ms >= self._at_ms, "its time is before the last")

    def _take_wishes(self, wishes: list[Wish], used: Iterable[int]) -> None:
        """Take the classes that are new, as they occur first, with the wish of each."""
        last = self._classes
        for one in used:
            if one > last:
                _require(one == last + 1, "its classes do not count on")
                last = one
        told = [wish.class_ for wish in wishes]
        _require(
            told == list(range(self._classes + 1, last + 1)),
            "its wishes are not those of its new classes",
        )
        self._classes = last
        for wish in wishes:
            _require(
                len(set(wish.categories)) == len(wish.categories),
                "a category is wished twice",
            )
            what = (
                *(wish.quantity, wish.categories, wish.together),
                *(wish.accessible, wish.if_none),
            )
            _require(what not in self._wishes, "two classes have the same wish")
            self._wishes.add(what)


_LOOKS: Final[dict[type[AnyRecord], Callable[..., None]]] = {
    Head: Form._head,
    Joins: Form._joins,
    Segment: Form._fed,
    Late: Form._fed,
    WishSet: Form._wish,
    Recast: Form._recast,
    Presence: Form._presence,
    Act: Form._act,
    End: Form._end,
}


def classes_of(packed: bytes) -> list[int]:
    """Return classes from two bytes each."""
    return [
        high << 8 | low for high, low in zip(packed[::2], packed[1::2], strict=True)
    ]


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise Broken(sentence)


def _ascending(numbers: Sequence[int]) -> None:
    _require(all(a < b for a, b in pairwise(numbers)), "its numbers do not ascend")
