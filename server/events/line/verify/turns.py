"""Whether places and turns were treated by the rules, as far as a transcript shows."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from server.events.line.transcript.records import (
    Act,
    AnyRecord,
    Counts,
    Ended,
    Fed,
    Kept,
    Late,
    Open,
    Place,
    Presence,
    Recast,
    Sale,
    Segment,
    Turn,
    TurnEnd,
    TurnUntil,
    WishSet,
)
from server.events.line.verify.form import classes_of
from server.events.line.verify.queues import (
    AWAY,
    DONE,
    LEFT,
    LIMITED,
    NAMES,
    PAUSED,
    TURN,
    WAITING,
    Queues,
)
from server.events.line.verify.report import Report

EXTENSIONS_MAX: Final = 10

_TO: Final = {"paused": PAUSED, "limited": LIMITED, "waiting": WAITING, "left": LEFT}
_FROM: Final = {
    PAUSED: (WAITING, AWAY),
    LIMITED: (WAITING, AWAY),
    WAITING: (PAUSED, LIMITED),
    LEFT: (WAITING, AWAY, PAUSED, LIMITED),
}


class _OpenTurn:
    __slots__ = ("extensions", "until_ms")

    def __init__(self, until_ms: int) -> None:
        self.until_ms = until_ms
        self.extensions = 0


class Turns:
    """Follows each place from its rank to its end."""

    def __init__(self, report: Report, opened: Open) -> None:
        self.queues = Queues()
        self.turns = 0
        self.ended: Counter[str] = Counter()
        self.late = 0
        self._report = report
        self._opened = opened
        self._sale = opened.sale
        self._settings: dict[str, Any] = {
            "turn_s": opened.rules.turn_s,
            "offer_s": opened.rules.offer_s,
            "serve_away": opened.rules.serve_away,
        }
        self._paused = False
        self._closed = False
        self._open: dict[int, _OpenTurn] = {}

    def take(self, record: AnyRecord) -> None:
        """Take the next record, of whatever kind."""
        look = _LOOKS.get(type(record))
        if look is not None:
            look(self, record)

    def state_of(self, rank: int) -> str:
        """Return what a place is at now, in a word."""
        return NAMES[self.queues.states[rank]]

    def counts(self, *, entries: int, records: int) -> Counts:
        """Return what there was so far, as `end` has it."""
        states = Counter(self.queues.states)
        return Counts(
            ended=Ended(
                booked=self.ended["booked"],
                left=self.ended["left"],
                ran_out=self.ended["ran_out"],
                sale=self.ended["sale"],
            ),
            entries=entries,
            late=self.late,
            left=states[LEFT],
            open=states[TURN],
            records=records,
            turns=self.turns,
            waiting=sum(states[one] for one in (WAITING, AWAY, PAUSED, LIMITED)),
        )

    # -- Places

    def _fed(self, record: Fed) -> None:
        queues = self.queues
        queues.define(record.wishes)
        first, last = len(queues.states), len(queues.states) - 1
        left = set(record.left)
        for class_ in classes_of(record.classes):
            last += 1
            queues.feed(class_, left=last in left)
        if isinstance(record, Late):
            self.late += 1 + last - first
        self._require(
            all(first <= rank <= last for rank in left),
            record.version,
            "somebody left whom it does not feed",
        )

    def _wish(self, record: WishSet) -> None:
        self.queues.define(record.wishes)
        if self._is_in(record.rank, record.version, not_in=(LEFT, DONE)):
            self.queues.set_class(record.rank, record.class_)

    def _recast(self, record: Recast) -> None:
        queues, pairs = self.queues, dict(record.pairs)
        queues.define(record.wishes)
        for rank, class_ in enumerate(queues.classes):
            new = pairs.get(class_)
            if new is not None and queues.states[rank] not in (LEFT, DONE):
                queues.set_class(rank, new)

    def _presence(self, record: Presence) -> None:
        for ranks, old, new in (
            (record.away, WAITING, AWAY),
            (record.back, AWAY, WAITING),
        ):
            for rank in ranks:
                self._move(rank, (old,), new, record.version)

    def _place(self, record: Place) -> None:
        new = _TO[record.to]
        self._move(record.rank, _FROM[new], new, record.version)

    def _move(self, rank: int, old: tuple[int, ...], new: int, version: int) -> None:
        states = self.queues.states
        state = states[rank] if rank < len(states) else 0
        if self._require(
            state in old,
            version,
            f"rank {rank:,} cannot be {NAMES[new]}, it is"
            f" {NAMES.get(state, 'not in the line')}",
        ):
            self.queues.set_state(rank, new)

    def _is_in(self, rank: int, version: int, *, not_in: tuple[int, ...]) -> bool:
        states = self.queues.states
        return self._require(
            rank < len(states) and states[rank] not in not_in,
            version,
            f"rank {rank:,} is not in the line, or no longer",
        )

    # -- Turns

    def _turn(self, record: Turn) -> None:
        self.turns += 1
        rank = record.rank
        wrong = (
            self._fault_of_time(record)
            or self._fault_of_place(record)
            or self._fault_of_wish(record)
        )
        if wrong is None:
            before = self.queues.passed_over(rank, record.category, record.quantity)
            if before is not None:
                wrong = f"rank {before:,} waited before it, and could have had the same"
        self._require(wrong is None, record.version, f"turn of rank {rank:,}: {wrong}")
        if rank < len(self.queues.states):
            self.queues.set_state(rank, TURN)
            self._open[rank] = _OpenTurn(record.until_ms)

    def _fault_of_time(self, record: Turn) -> str | None:
        if self._sale != "on_sale":
            return f"the sale was {self._sale}"
        if self._paused or self._closed:
            return "the line was paused or closed"
        if record.at_ms < (self._opened.rules.opens_at_ms or 0):
            return "the line was not open"
        least_s = self._settings["turn_s"]
        if record.category is not None:
            least_s = min(least_s, self._settings["offer_s"])
        if record.until_ms < record.at_ms + 1_000 * least_s:
            return f"it is shorter than {least_s:,} s"
        return None

    def _fault_of_place(self, record: Turn) -> str | None:
        states = self.queues.states
        state = states[record.rank] if record.rank < len(states) else 0
        serve_away = self._settings["serve_away"] and record.category is not None
        if state == WAITING or (state == AWAY and serve_away):
            return None
        return f"it is {NAMES.get(state, 'not in the line')}"

    def _fault_of_wish(self, record: Turn) -> str | None:
        wish = self.queues.wishes.get(self.queues.classes[record.rank])
        if record.category is None:
            if record.quantity != 0:
                return "it has seats of no category"
            if wish is not None and wish.if_none != "browse":
                return "it has no seats, but wished for some"
            return None
        if wish is None:
            return "it has seats, but no wish"
        if record.quantity != wish.quantity:
            return f"it has {record.quantity:,} seats and not {wish.quantity:,}"
        if wish.categories and record.category not in wish.categories:
            return f"it has seats of {record.category}, which it did not wish for"
        return None

    def _until(self, record: TurnUntil) -> None:
        turn = self._open.get(record.rank)
        if turn is None:
            self._has_no_turn(record.rank, record.version)
            return
        turn.extensions += 1
        self._require(
            record.until_ms > turn.until_ms and turn.extensions <= EXTENSIONS_MAX,
            record.version,
            f"the turn of rank {record.rank:,} was not made longer, or too often",
        )
        turn.until_ms = record.until_ms

    def _kept(self, record: Kept) -> None:
        for turn in self._open.values():
            turn.until_ms = max(turn.until_ms, record.until_ms)

    def _end_turn(self, record: TurnEnd) -> None:
        turn = self._open.pop(record.rank, None)
        if turn is None:
            self._has_no_turn(record.rank, record.version)
            return
        self.ended[record.why] += 1
        self._require(
            record.why != "ran_out" or record.at_ms >= turn.until_ms,
            record.version,
            f"the turn of rank {record.rank:,} ran out before its time",
        )
        self.queues.set_state(record.rank, DONE)

    def _has_no_turn(self, rank: int, version: int) -> None:
        self._require(False, version, f"rank {rank:,} has no turn")

    # -- What was done to the line

    def _act(self, record: Act) -> None:
        if record.act == "set":
            self._settings |= record.detail
        elif record.act == "close":
            self._closed = True
        elif record.act != "message":
            self._paused = record.act == "pause"

    def _set_sale(self, record: Sale) -> None:
        self._sale = record.to

    def _require(self, holds: bool, version: int, sentence: str) -> bool:
        return self._report.require(
            "turns", holds, f"at version {version:,}, {sentence}"
        )


_LOOKS: Final[dict[type[AnyRecord], Callable[..., None]]] = {
    Segment: Turns._fed,
    Late: Turns._fed,
    WishSet: Turns._wish,
    Recast: Turns._recast,
    Presence: Turns._presence,
    Place: Turns._place,
    Turn: Turns._turn,
    TurnUntil: Turns._until,
    Kept: Turns._kept,
    TurnEnd: Turns._end_turn,
    Act: Turns._act,
    Sale: Turns._set_sale,
}
