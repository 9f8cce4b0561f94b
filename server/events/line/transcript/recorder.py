"""The records of changes: what everybody may know of them, and not who it was."""

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from inventory import changes
from inventory.changes import AnyChange
from inventory.line import wishes
from server.events.line.transcript.records import (
    Act,
    AnyRecord,
    Drawn,
    Grant,
    Kept,
    Late,
    Place,
    Presence,
    PutOff,
    Recast,
    Sale,
    Segment,
    Turn,
    TurnEnd,
    TurnUntil,
    Wish,
    WishSet,
)

T = TypeVar("T")

_SET: Final = (
    *("turns_per_min", "sell_out_s", "turn_s", "offer_s"),
    *("serve_away", "count_returns"),
)


class Classes:
    """Numbers classes of wishes as they first occur in a transcript."""

    def __init__(self) -> None:
        self._told: list[wishes.Wish | None] = [None]
        """By the number that the journal has; nobody wishes anything in class 0."""
        self.known = {0: 0}
        """The transcript's number by the journal's, of classes that occurred."""

    def tell(self, new: Iterable[wishes.Wish]) -> None:
        """Take classes that are new in the journal, where they count on."""
        self._told += new

    def number(self, used: Sequence[int]) -> tuple[list[int], list[Wish]]:
        """Return numbers for the journal's, and the wishes of those that are new."""
        new: list[Wish] = []
        for one in used:
            if one not in self.known:
                self.known[one] = len(self.known)
                new.append(self._wish_of(one))
        return [self.known[one] for one in used], new

    def _wish_of(self, class_: int) -> Wish:
        wish = self._told[class_]
        assert wish is not None
        return Wish(
            accessible=wish.accessible,
            categories=wish.categories,
            class_=self.known[class_],
            if_none=wish.if_none,
            quantity=wish.quantity,
            together=wish.together,
        )


class Recorder:
    """Makes the records of one draw, in the order of its changes."""

    def __init__(self) -> None:
        self._classes = Classes()
        self._is_drawn = False

    def record_of(
        self, version: int, at_ms: int, change: AnyChange
    ) -> AnyRecord | None:
        """Return the record of a change while the line is open.

        None where the line does not see it. Openings and lists need more than the
        change, so that the transcript makes them itself.
        """
        make = _RECORDS.get(type(change))
        if make is None:
            return None
        record: AnyRecord | None = make(
            self, change, {"version": version, "at_ms": at_ms}
        )
        return record

    def _put_off(self, change: changes.RoundPutOff, at: Any) -> PutOff:
        return PutOff(**at, void=change.void, round=change.round, why=change.why)

    def _drawn(self, change: changes.LineDrawn, at: Any) -> Drawn:
        self._is_drawn = True
        return _converted(
            Drawn,
            **at,
            source=change.source,
            round=change.round,
            signature=None if change.signature is None else change.signature.hex(),
            seed=change.seed.hex(),
            line_hash=change.line_hash.hex(),
        )

    def _fed(self, change: changes.LineFed, at: Any) -> Segment | Late:
        self._classes.tell(change.wishes)
        pairs = f">{len(change.classes) // 2}H"
        numbers, new = self._classes.number(struct.unpack(pairs, change.classes))
        members: dict[str, Any] = {
            **at,
            "first": change.first_rank,
            "stubs": change.stubs,
            "classes": struct.pack(pairs, *numbers),
            "wishes": new,
            "left": list(change.left),
        }
        if change.step is None:
            return Segment(**members)
        return Late(**members, step=change.step)

    def _wish(self, change: changes.WishSet, at: Any) -> WishSet:
        self._classes.tell(change.wishes)
        (number,), new = self._classes.number([change.class_])
        return WishSet(**at, rank=change.rank, class_=number, wishes=new)

    def _recast(self, change: changes.WishesRecast, at: Any) -> Recast:
        self._classes.tell(change.wishes)
        # Nobody is in a class that did not occur yet.
        numbers = self._classes.known
        told = sorted(
            (numbers[old], new) for old, new in change.pairs if old in numbers
        )
        to, defined = self._classes.number([new for _, new in told])
        pairs = [(old, new) for (old, _), new in zip(told, to, strict=True)]
        return Recast(**at, pairs=pairs, wishes=defined)

    def _presence(self, change: changes.PresenceNoted, at: Any) -> Presence:
        return Presence(**at, away=sorted(change.away), back=sorted(change.back))

    def _turn(self, change: changes.TurnGiven, at: Any) -> Turn:
        has_seats = change.hold is not None
        return _converted(
            Turn,
            **at,
            rank=change.rank,
            because=change.because,
            category=change.category if has_seats else None,
            quantity=change.quantity if has_seats else 0,
            until_ms=change.until_ms,
        )

    def _until(self, change: changes.TurnExtended, at: Any) -> TurnUntil:
        return TurnUntil(**at, rank=change.rank, until_ms=change.until_ms)

    def _kept(self, change: changes.TurnsKept, at: Any) -> Kept | None:
        if not self._is_drawn:
            # Only turns outside the line were kept: nobody has a rank yet.
            return None
        return Kept(**at, until_ms=change.until_ms)

    def _ended(self, change: changes.TurnEnded, at: Any) -> TurnEnd:
        return _converted(TurnEnd, **at, rank=change.rank, why=change.why)

    def _granted(self, change: changes.TurnGranted, at: Any) -> Grant:
        return Grant(**at, because=change.because, until_ms=change.until_ms)

    def _set(self, change: changes.LineSet, at: Any) -> Act:
        detail: dict[str, Any] = {}
        if change.act == "message":
            detail = {"id": change.message}
        elif change.act == "set":
            values = {name: getattr(change, name) for name in _SET}
            detail = {k: v for k, v in values.items() if v is not None}
        return _converted(Act, **at, act=change.act, detail=detail)

    def _sale(self, change: changes.SaleChanged, at: Any) -> Sale:
        return Sale(**at, to=change.to)

    def _paused(self, change: changes.PlacePaused, at: Any) -> Place:
        return Place(**at, rank=change.rank, to="paused")

    def _limited(self, change: changes.PlaceLimited, at: Any) -> Place:
        return Place(**at, rank=change.rank, to="limited")

    def _resumed(self, change: changes.PlaceResumed, at: Any) -> Place:
        return Place(**at, rank=change.rank, to="waiting")

    def _left(self, change: changes.PlaceLeft, at: Any) -> Place:
        return Place(**at, rank=change.rank, to="left")


def _converted(kind: type[T], **members: Any) -> T:
    """Return a record whose members are those that may be."""
    return msgspec.convert(members, kind)


_RECORDS: Final[dict[type, Callable[..., AnyRecord | None]]] = {
    changes.RoundPutOff: Recorder._put_off,
    changes.LineDrawn: Recorder._drawn,
    changes.LineFed: Recorder._fed,
    changes.WishSet: Recorder._wish,
    changes.WishesRecast: Recorder._recast,
    changes.PresenceNoted: Recorder._presence,
    changes.TurnGiven: Recorder._turn,
    changes.TurnExtended: Recorder._until,
    changes.TurnsKept: Recorder._kept,
    changes.TurnEnded: Recorder._ended,
    changes.TurnGranted: Recorder._granted,
    changes.LineSet: Recorder._set,
    changes.SaleChanged: Recorder._sale,
    changes.PlacePaused: Recorder._paused,
    changes.PlaceLimited: Recorder._limited,
    changes.PlaceResumed: Recorder._resumed,
    changes.PlaceLeft: Recorder._left,
}
