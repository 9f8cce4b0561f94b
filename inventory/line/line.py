"""The line of one event: who waits, in which order, for what, and whose turn it is.

A part of `Stock`, which alone changes it (rule 1 there). Invariants, checked by
`inventory/line/stored.py`:

W1  the ranks are 1 to `fed`, each with a user, a class and a state
W2  who is in state `t` is who has an open turn, with that rank
W3  a queue has every rank that waits for its atom, and nobody waits for what has none
W4  who is in `limited` is in state `u`
W5  whose turn it is while nothing is held in it is in `choosing`, and nobody else
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from heapq import heappush
from sys import byteorder
from typing import Any, Final

from inventory import limits
from inventory.changes import (
    EntrantsFixed,
    LineDrawn,
    LineFed,
    LineOpened,
    LineSet,
    LineTuned,
    PlaceLeft,
    PlaceLimited,
    PlacePaused,
    PlaceResumed,
    PresenceNoted,
    Ranks,
    RoundPutOff,
    TurnExtended,
    TurnGranted,
    WishesRecast,
    WishSet,
)
from inventory.line import draw
from inventory.line.queues import GONE, LATER, READY, Queue, Standing
from inventory.line.turns import Turns
from inventory.line.wishes import NO_WISH, Atom, Kind, Wish
from inventory.records import Corrupt, HoldRecord

WAITING: Final = ord("w")
AWAY: Final = ord("a")
PAUSED: Final = ord("p")
LIMITED: Final = ord("u")
TURN: Final = ord("t")
DONE: Final = ord("d")
LEFT: Final = ord("l")

_OUT: Final = frozenset({TURN, DONE, LEFT})
"""Who will never be given a turn any more, at this place."""
ALIVE: Final = frozenset({WAITING, AWAY, PAUSED, LIMITED})

MEAN_MILLI: Final = 1_600
VARIANCE_MILLI: Final = 1_440
"""Of what a turn takes, before anybody knows: four of five take two, more or less."""


class Line:
    """Everything about the line that `decide` reads."""

    def __init__(self, opened: LineOpened) -> None:
        self.opened = opened
        self.rules = draw.rules_of(opened.rules.encode())
        self.gated = opened.mode != "list"
        """Whether it takes a turn to hold anything."""
        self.round = self.rules.round
        self.put_off = 0
        self.fixed: EntrantsFixed | None = None
        self.drawn: LineDrawn | None = None
        self.step = 0
        self.step_goes_on = False
        """Whether the next late entries may be of the same step."""
        self.last_key = b""
        """The order key of who was fed last, in what must be in order."""
        self.paused = False
        self.closed = False
        self.turn_s = self.rules.turn_s
        self.offer_s = self.rules.offer_s
        self.serve_away = self.rules.serve_away
        self.turns_per_min = opened.turns_per_min
        self.sell_out_s = opened.sell_out_s
        self.count_returns = opened.count_returns
        self.mean_milli = MEAN_MILLI
        self.variance_milli = VARIANCE_MILLI
        self.returning_ppm = 0
        self.firsts: list[int] = []
        self.users: list[tuple[str, ...]] = []
        self.classes = array("H")
        self.states = bytearray()
        self.wishes: list[Wish] = []
        self.class_of: dict[Wish, int] = {}
        self.atoms: list[tuple[Atom, ...]] = [()]
        """Of each class, the best first; class 0 has none."""
        self.browsing = Queue()
        self.queues: dict[Atom, Queue] = {}
        self.heads: list[tuple[int, Atom]] = []
        """No atom's lowest rank is below its entry here, or in `unfit`."""
        self.unfit: dict[Kind, dict[Atom, int]] = {}
        """Atoms that nothing fits, by kind, and no rank that waits is below."""
        self.freed: set[str] = set()
        """Categories of what was freed since these were looked at."""
        self._active: set[Atom] = set()
        self._standing_of: dict[Atom, partial[Standing]] = {}
        self.waiting_wishes = 0
        """How many wait, here or away, with a wish."""
        self.turns = Turns()
        self.limited: dict[str, int] = {}
        self.more_time: set[int] = set()

    # -- Who is where

    @property
    def fed(self) -> int:
        """The last rank that is known."""
        return len(self.states)

    def user_of(self, rank: int) -> str | None:
        """Return whose rank it is; None where it is not known yet."""
        if not 1 <= rank <= self.fed:
            return None
        at = bisect_right(self.firsts, rank) - 1
        return self.users[at][rank - self.firsts[at]]

    def state_of(self, rank: int) -> int:
        """Return the state of a rank that there is."""
        return self.states[rank - 1]

    def wish_of(self, rank: int) -> Wish | None:
        """Return what the owner of a rank would like; None to choose himself."""
        number = self.classes[rank - 1]
        return None if number == NO_WISH else self.wishes[number - 1]

    def browses(self, number: int) -> bool:
        """Return whether those of a class may choose when it is their turn."""
        return number == NO_WISH or self.wishes[number - 1].if_none == "browse"

    def first_of(self, atom: Atom) -> int | None:
        """Return the lowest rank that can be served with an atom."""
        return self.queues[atom].first(self._standing_of[atom])

    def first_browsing(self) -> int | None:
        """Return the lowest rank that may choose, where anybody may."""
        return self.browsing.first(self._standing_browsing)

    def _standing(self, atom: Atom, rank: int) -> Standing:
        state = self.states[rank - 1]
        if state in _OUT or atom not in self.atoms[self.classes[rank - 1]]:
            return GONE
        if state == WAITING or (state == AWAY and self.serve_away):
            return READY
        return LATER

    def _standing_browsing(self, rank: int) -> Standing:
        state = self.states[rank - 1]
        if state in _OUT or not self.browses(self.classes[rank - 1]):
            return GONE
        return READY if state == WAITING else LATER

    # -- What happens to the line

    def fix(self, change: EntrantsFixed) -> None:
        """Take the list of those who gathered as it is."""
        self.fixed = change

    def draw(self, change: LineDrawn) -> None:
        """Take the order as it was drawn."""
        self.drawn = change

    def feed(self, change: LineFed) -> None:
        """Add the next places behind all that are known."""
        count, first = len(change.users), change.first_rank
        if first != self.fed + 1 or len(change.classes) != 2 * count or not count:
            raise Corrupt(f"{count} places from rank {first} after {self.fed}")
        self._learn(change.wishes)
        if self.users and len(self.users[-1]) + count <= limits.LINE_FEED_MAX // 4:
            self.users[-1] += change.users
        else:
            self.firsts.append(first)
            self.users.append(change.users)
        classes = _numbers(change.classes)
        if max(classes) > len(self.wishes):
            raise Corrupt(f"rank {first} and on: a class that nobody defined")
        self.classes.extend(classes)
        self.states.extend(b"w" * count)
        for rank in change.left:
            self.states[rank - 1] = LEFT
        self.more_time.update(change.more_time)
        late = change.step is not None
        if self.drawn is None:
            raise Corrupt("a line is fed before it is drawn")
        stub = change.stubs[-draw.STUB_BYTES :]
        self.last_key = order_key(self.drawn.key, stub, late=late)
        if change.step is not None:
            self.step = change.step
            self.step_goes_on = count == limits.LINE_FEED_MAX
        self._queue_up(first, classes)

    def _queue_up(self, first: int, classes: "array[int]") -> None:
        """Put ranks that were never in a queue into those of their wishes."""
        by_class: dict[int, list[int]] = {}
        states = self.states
        for rank, number in enumerate(classes, first):
            if states[rank - 1] not in _OUT:
                by_class.setdefault(number, []).append(rank)
        browsing: list[int] = []
        by_atom: dict[Atom, list[int]] = {}
        for number, ranks in by_class.items():
            if self.browses(number):
                browsing += ranks
            for atom in self.atoms[number]:
                by_atom.setdefault(atom, []).extend(ranks)
        if browsing:
            self.browsing.extend(sorted(browsing))
        for atom, ranks in by_atom.items():
            ranks.sort()
            self._queue(atom).extend(ranks)
            self._offer(atom, ranks[0])
        self.waiting_wishes += sum(
            len(ranks) for number, ranks in by_class.items() if number != NO_WISH
        )

    def set_wish(self, change: WishSet) -> None:
        """Give a place another wish."""
        self._learn(change.wishes)
        rank, number = change.rank, change.class_
        if number > len(self.wishes) or not 1 <= rank <= self.fed:
            raise Corrupt(f"rank {rank} wishes for class {number}")
        if self.states[rank - 1] not in ALIVE:
            raise Corrupt(f"rank {rank} waits no more, and wishes")
        if change.more_time:
            self.more_time.add(rank)
        else:
            self.more_time.discard(rank)
        self._reclass(rank, number)

    def recast(self, change: WishesRecast) -> None:
        """Put all places of some classes into others."""
        self._learn(change.wishes)
        into = dict(change.pairs)
        for rank, number in enumerate(list(self.classes), 1):
            if number in into and self.states[rank - 1] in ALIVE:
                self._reclass(rank, into[number])

    def _reclass(self, rank: int, number: int) -> None:
        former = self.classes[rank - 1]
        counts = self.counts_as_wish(rank)
        self.classes[rank - 1] = number
        self.waiting_wishes += self.counts_as_wish(rank) - counts
        had = self.atoms[former]
        for atom in self.atoms[number]:
            if atom not in had:
                self._queue(atom).insert(rank)
                self._offer_before(atom, rank)
        if self.browses(number) and not self.browses(former):
            self.browsing.insert(rank)

    def set(self, change: LineSet) -> None:
        """Go on as an organiser says."""
        self.paused = change.act == "pause" or (self.paused and change.act != "resume")
        self.closed = self.closed or change.act == "close"
        if change.turn_s is not None:
            self.turn_s = change.turn_s
        if change.offer_s is not None:
            self.offer_s = change.offer_s
        if change.turns_per_min is not None:
            self.turns_per_min = change.turns_per_min
        if change.sell_out_s is not None:
            self.sell_out_s = change.sell_out_s
        if change.count_returns is not None:
            self.count_returns = change.count_returns
        if change.serve_away is not None and change.serve_away != self.serve_away:
            self.serve_away = change.serve_away
            if change.serve_away:
                for rank, state in enumerate(self.states, 1):
                    if state == AWAY:
                        self._come_back(rank)

    def tune(self, change: LineTuned) -> None:
        """Count with what turns take now."""
        self.mean_milli = change.mean_milli
        self.variance_milli = change.variance_milli
        self.returning_ppm = change.returning_ppm

    def note_presence(self, change: PresenceNoted) -> None:
        """Note who went away, and who came back."""
        self._move_all(change.away, WAITING, AWAY)
        self._move_all(change.back, AWAY, WAITING)

    def _move_all(self, ranks: Ranks, old: int, new: int) -> None:
        for rank in ranks:
            self.move(rank, frozenset({old}), new)

    def move(self, rank: int, sources: frozenset[int], to: int) -> None:
        """Take a place from one of some states to another."""
        state = self.states[rank - 1] if 1 <= rank <= self.fed else 0
        if state not in sources:
            raise Corrupt(f"rank {rank} is {chr(state)!r} and cannot be {chr(to)}")
        counted = self.counts_as_wish(rank)
        self.states[rank - 1] = to
        self.waiting_wishes += self.counts_as_wish(rank) - counted
        user = self.user_of(rank) or ""
        if state == LIMITED:
            del self.limited[user]
        if to == LIMITED:
            self.limited[user] = rank
        elif to == WAITING:
            self._come_back(rank)
        elif to in (DONE, LEFT):
            self.more_time.discard(rank)

    def counts_as_wish(self, rank: int) -> bool:
        """Return whether somebody waits at a rank with a wish, here or away."""
        waits = self.states[rank - 1] in (WAITING, AWAY)
        return waits and self.classes[rank - 1] != NO_WISH

    def _come_back(self, rank: int) -> None:
        """Let a rank in again wherever it was passed over."""
        number = self.classes[rank - 1]
        for atom in self.atoms[number]:
            self.queues[atom].put_back(rank)
            self._offer_before(atom, rank)
        if self.browses(number):
            self.browsing.put_back(rank)

    def note_held(self, user: str, token: str) -> None:
        """Note that a hold was made, or added to."""
        turn = self.turns.open.get(user)
        if turn is not None and (self.gated or turn.hold == token):
            self.turns.note_holding(user, holding=True)

    def note_hold_ended(self, hold: HoldRecord, *, last: bool) -> None:
        """Note that a hold is gone; `last` tells that its user has no other.

        In a list only what a turn came with counts: there anybody may hold things.
        """
        turn = self.turns.open.get(hold.user)
        if turn is None:
            return
        if last if self.gated else turn.hold == hold.token:
            self.turns.note_holding(hold.user, holding=False)

    # -- Queues and classes

    def park(self, rank: int, atom: Atom) -> None:
        """Put an atom aside until something is freed that it may be served with."""
        self.unfit.setdefault(atom[1:], {})[atom] = rank

    def unpark(self, atom: Atom) -> None:
        """Look at an atom again, as something may fit."""
        heappush(self.heads, (self.unfit[atom[1:]].pop(atom), atom))

    def is_parked(self, atom: Atom) -> bool:
        """Return whether an atom is put aside."""
        return atom in self.unfit.get(atom[1:], ())

    def idle(self, atom: Atom) -> None:
        """Forget that anybody waits for an atom, until somebody does."""
        self._active.discard(atom)

    def _offer(self, atom: Atom, rank: int) -> None:
        """Note that somebody waits for an atom, behind all who do already."""
        if atom not in self._active:
            self._active.add(atom)
            heappush(self.heads, (rank, atom))

    def _offer_before(self, atom: Atom, rank: int) -> None:
        """Note that the lowest rank of an atom may be this one from now on."""
        if self.is_parked(atom):
            parked = self.unfit[atom[1:]]
            parked[atom] = min(parked[atom], rank)
        else:
            self._active.add(atom)
            heappush(self.heads, (rank, atom))

    def _queue(self, atom: Atom) -> Queue:
        queue = self.queues.get(atom)
        if queue is None:
            queue = self.queues[atom] = Queue()
            self._standing_of[atom] = partial(self._standing, atom)
        return queue

    def _learn(self, wishes: tuple[Wish, ...]) -> None:
        """Number wishes that nobody had before."""
        for wish in wishes:
            if wish in self.class_of:
                raise Corrupt("a class of wishes is defined twice")
            self.wishes.append(wish)
            self.class_of[wish] = len(self.wishes)
            self.atoms.append(wish.atoms())
            for atom in wish.atoms():
                self._queue(atom)

    def packed_classes(self) -> bytes:
        """Return the class of each rank, two bytes each, most significant first."""
        classes = self.classes[:]
        if byteorder == "little":
            classes.byteswap()
        return classes.tobytes()

    def rebuild(self, wishes: list[Wish], packed: bytes) -> None:
        """Make classes, queues and counts of what a snapshot has beside the states."""
        self._learn(tuple(wishes))
        self.classes = _numbers(packed)
        self._queue_up(1, self.classes)
        self.waiting_wishes = sum(map(self.counts_as_wish, range(1, self.fed + 1)))


def order_key(key: bytes, stub: bytes, *, late: bool) -> bytes:
    """Return what an entrant, or a late entry of one step, is ordered by."""
    prefix = key + b"late" if late else key
    return sha256(prefix + stub).digest() + stub


def _extend(line: Line, change: TurnExtended, at_ms: int) -> None:
    user = line.user_of(change.rank) or ""
    line.turns.extend(change.rank, user, change.until_ms)


def _grant(line: Line, change: TurnGranted, at_ms: int) -> None:
    line.turns.grant(change.user, change.until_ms, at_ms)


def _put_off(line: Line, change: RoundPutOff, at_ms: int) -> None:
    line.round = change.round
    line.put_off += 1


def _pause(line: Line, change: PlacePaused, at_ms: int) -> None:
    line.move(change.rank, frozenset({WAITING, AWAY}), PAUSED)


def _limit(line: Line, change: PlaceLimited, at_ms: int) -> None:
    line.move(change.rank, frozenset({WAITING, AWAY}), LIMITED)


def _resume(line: Line, change: PlaceResumed, at_ms: int) -> None:
    line.move(change.rank, frozenset({PAUSED, LIMITED}), WAITING)


def _leave(line: Line, change: PlaceLeft, at_ms: int) -> None:
    line.move(change.rank, ALIVE, LEFT)


HAPPEN: Final[dict[type, Callable[[Line, Any, int], None]]] = {
    RoundPutOff: _put_off,
    EntrantsFixed: lambda line, change, _: line.fix(change),
    LineDrawn: lambda line, change, _: line.draw(change),
    LineFed: lambda line, change, _: line.feed(change),
    LineTuned: lambda line, change, _: line.tune(change),
    LineSet: lambda line, change, _: line.set(change),
    PresenceNoted: lambda line, change, _: line.note_presence(change),
    WishSet: lambda line, change, _: line.set_wish(change),
    WishesRecast: lambda line, change, _: line.recast(change),
    TurnExtended: _extend,
    TurnGranted: _grant,
    PlacePaused: _pause,
    PlaceLimited: _limit,
    PlaceResumed: _resume,
    PlaceLeft: _leave,
}
"""What happens to the line alone; to seats, too, is in `Stock`."""


def _numbers(packed: bytes) -> "array[int]":
    numbers = array("H")
    numbers.frombytes(packed)
    if byteorder == "little":
        numbers.byteswap()
    return numbers
