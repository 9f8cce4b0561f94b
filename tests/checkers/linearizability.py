"""The black-box checker: is there an order in which each seat's story makes sense.

It believes no version and knows no rule but a seat's: free, held, booked, blocked. The
history falls into one per seat (linearizability is local), and each is searched as Wing
and Gong do, with Lowe's two savings: configurations met before are not met again, and
an operation takes its place only when somebody's return leaves no other choice.

A command whose outcome is unknown may take its place at any time after its call, or
never. A hold that was promised until some moment may end by itself from then on. What
concerns several seats at once is the witness's business.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from msgspec import Struct

from inventory import commands as c
from inventory.replies import (
    BookOk,
    GivenBackOk,
    HoldingOk,
    HoldOk,
    Refused,
    TakenOk,
    UnpledgeOk,
)
from tests.checkers.answers import same
from tests.checkers.history import NEVER, History, Operation

CONFIGURATIONS_MAX = 50_000
"""How many a seat's search may meet before it is given up as not checked."""

NOT_CHECKED_MAX = 0.01
"""Which share of the seats may be given up before the run counts as failed."""

GONE = frozenset({"hold_not_found", "hold_expired"})


class State(NamedTuple):
    """How a seat stands: its letter, the hold or booking it is in, and whose it is."""

    letter: str
    name: str = ""
    user: str = ""


FREE = State("f")
BLOCKED = State("x")


class Step(Struct, gc=False):
    """What one operation does to one seat, or saw of it."""

    kind: str
    called: int
    returned: int
    user: str = ""
    name: str = ""
    new: str = ""
    organizer: bool = False
    looks: bool = False

    def __post_init__(self) -> None:
        self.looks = self.kind.startswith("sees")


class Verdict(Struct):
    """How the seats of a history came out."""

    checked: int = 0
    not_checked: int = 0
    steps: int = 0
    violations: list[str] = []

    def sentences(self) -> list[str]:
        """Return what is wrong, too many unchecked seats among it."""
        seats = self.checked + self.not_checked
        if self.not_checked > NOT_CHECKED_MAX * seats:
            return [
                *self.violations,
                f"{self.not_checked} of {seats} seats could not be checked.",
            ]
        return self.violations


def check(
    history: History, seats: Iterable[str] | None = None, *, skew_s: float = 0.0
) -> Verdict:
    """Check these seats by label, or all that the history names.

    `skew_s` is by how much the clocks of client and server may differ in the length of
    a hold: a hold may end that much before the client expected it.
    """
    stories = _Stories(history.operations, skew_s)
    verdict = Verdict()
    for seat in stories.seats if seats is None else seats:
        steps = stories.of(seat)
        verdict.steps += len(steps)
        fits = linearizable(steps, stories.ends, stories.known)
        if fits is None:
            verdict.not_checked += 1
        else:
            verdict.checked += 1
        if fits is False:
            told = "; ".join(map(_sentence, sorted(steps, key=lambda x: x.called)))
            verdict.violations.append(f"Seat {seat} has no possible order: {told}.")
    return verdict


def linearizable(
    steps: list[Step], ends: dict[str, int], known: frozenset[str] = frozenset()
) -> bool | None:
    """Return whether there is an order; None when the search became too long.

    `ends` tells from which moment a hold may end by itself, by its name; what is not in
    it may end at any time. `known` are the names that somebody was told.
    """
    moments = [(step.called, False, index) for index, step in enumerate(steps)]
    moments += [
        (step.returned, True, index)
        for index, step in enumerate(steps)
        if step.returned != NEVER
    ]
    moments.sort()
    doubtful = sum(1 << n for n, step in enumerate(steps) if step.returned == NEVER)
    # Which of those under way have taken their place, and how the seat stands then.
    configurations = {(0, FREE)}
    under_way: list[int] = []
    met = 0
    for moment, is_return, index in moments:
        if not is_return:
            under_way.append(index)
            continue
        seen = configurations
        work = list(seen)
        configurations = set()
        while work:
            taken, state = work.pop()
            taken |= _seen(taken, state, steps, under_way, known)
            if taken >> index & 1:
                configurations.add((taken & ~(1 << index), state))
                continue
            for following in _following(taken, state, steps, under_way, known):
                if following not in seen:
                    seen.add(following)
                    work.append(following)
            over = state.letter == "h" and ends.get(state.name, 0) <= moment
            if over and (taken, FREE) not in seen:
                seen.add((taken, FREE))
                work.append((taken, FREE))
            if len(seen) + met > CONFIGURATIONS_MAX:
                return None
        under_way.remove(index)
        if not configurations:
            return False
        met += len(seen)
        configurations = _without_needless(configurations, doubtful)
    return True


def _seen(
    taken: int,
    state: State,
    steps: list[Step],
    under_way: list[int],
    known: frozenset[str],
) -> int:
    """Let all who only look, and see what is here, do so now: it costs nobody."""
    bits = 0
    for index in under_way:
        step = steps[index]
        waits = step.looks and not taken >> index & 1
        if waits and after(step, state, known) is not None:
            bits |= 1 << index
    return bits


def _following(
    taken: int,
    state: State,
    steps: list[Step],
    under_way: list[int],
    known: frozenset[str],
) -> Iterator[tuple[int, State]]:
    """Let each of those under way be the next; of doubtful twins only the first."""
    tried = set()
    for index in under_way:
        step = steps[index]
        if step.looks or taken >> index & 1:
            continue
        if step.returned == NEVER:
            twins = (step.kind, step.name, step.new, step.user)
            if twins in tried:
                continue
            tried.add(twins)
        new = after(step, state, known)
        if new is not None:
            yield taken | 1 << index, new


def _without_needless(
    configurations: set[tuple[int, State]], doubtful: int
) -> set[tuple[int, State]]:
    """Leave out what used up more doubtful operations to come to the same."""
    if not doubtful or len(configurations) == 1:
        return configurations
    groups: dict[tuple[int, State], list[int]] = {}
    for taken, state in configurations:
        groups.setdefault((taken & ~doubtful, state), []).append(taken)
    kept: set[tuple[int, State]] = set()
    for (_, state), some in groups.items():
        least: list[int] = []
        for taken in sorted(some, key=int.bit_count):
            if all(less & ~taken for less in least):
                least.append(taken)
        kept.update((taken, state) for taken in least)
    return kept


def after(step: Step, state: State, known: frozenset[str]) -> State | None:
    """Return how the seat stands after `step`; None where that cannot happen now."""
    letter = state.letter
    new: State | None = None
    match step.kind:
        case "take":
            new = State("h", step.name, step.user) if letter == "f" else None
        case "give" | "cancel":
            new = FREE if _is_in(step, state, known) else None
        case "book":
            booked = State("b", step.new, state.user)
            new = booked if _is_in(step, state, known) else None
        case "block":
            new = BLOCKED if letter == "f" else None
        case "unblock":
            new = FREE if letter == "x" else None
        case "sees free":
            new = state if letter == "f" else None
        case "sees taken":
            new = state if letter != "f" else None
        case "sees held" | "sees booked":
            new = state if _is_in(step, state, known) else None
        case "sees not held":
            new = state if letter != "h" or state.name != step.name else None
        case "sees not mine":
            new = state if state.user != step.user else None
        case other:
            raise AssertionError(other)
    return new


def _is_in(step: Step, state: State, known: frozenset[str]) -> bool:
    """Return whether the seat is in the hold or booking that the step names.

    A hold or booking of an unknown outcome has no name: it may be any of that user's
    that nobody was told by another operation.
    """
    if state.letter != ("b" if step.kind in ("cancel", "sees booked") else "h"):
        return False
    if state.name == step.name:
        return True
    return (
        state.name.startswith("?")
        and step.name not in known
        and (state.user == step.user or step.organizer)
    )


class _Stories:
    """The steps of each seat, taken from what was asked and told."""

    def __init__(self, operations: list[Operation], skew_s: float) -> None:
        self.seats: dict[str, list[Step]] = {}
        self.everywhere: list[Step] = []
        self.ends: dict[str, int] = {}
        self._ends_s: dict[str, float] = {}
        self._pledged: set[str] = set()
        """Holds that an order has or had, whose end is no more what was promised."""
        self._skew_s = skew_s
        self._of_hold: dict[str, set[str]] = {}
        self._of_user: dict[str, set[str]] = {}
        self._names: set[str] = set()
        self._moment = (0, 0)
        merged = _merged(operations)
        # What was told first: it says which seats a token is about.
        for operation, called, returned in merged:
            if operation.reply is not None and not operation.unknown:
                self._moment = called, returned
                self._take_answer(operation, operation.reply)
        self.known = frozenset(self._names)
        for operation, called, _ in merged:
            if operation.unknown:
                self._moment = called, NEVER
                self._take_doubt(operation, f"?{operation.user}")
        for operation, called, returned in merged:
            if type(operation.reply) is HoldingOk or type(operation.reply) is Refused:
                self._moment = called, returned
                self._take_absence(operation, operation.reply)
        self._set_ends(operations)

    def of(self, seat: str) -> list[Step]:
        """Return the steps of one seat."""
        return self.seats.get(seat, []) + self.everywhere

    def _add(
        self, seat: str, kind: str, operation: Operation, name: str = "", new: str = ""
    ) -> None:
        called, returned = self._moment
        step = Step(
            kind,
            called,
            returned,
            operation.user,
            name,
            new,
            operation.organizer,
        )
        self.seats.setdefault(seat, []).append(step)
        self._of_user.setdefault(operation.user, set()).add(seat)
        if name:
            self._of_hold.setdefault(name, set()).add(seat)

    def _take_answer(self, operation: Operation, reply: Any) -> None:
        command: Any = operation.command
        if type(reply) is HoldOk:
            self._names.add(reply.hold)
            self._promise(operation, reply.hold, reply.expires_in_ms)
            for seat in reply.added.seats:
                self._add(seat, "take", operation, name=reply.hold)
            for seat in set(reply.seats) - set(reply.added.seats):
                self._add(seat, "sees held", operation, name=reply.hold)
        elif type(command) is c.Extend and type(reply) is not Refused:
            self._promise(operation, command.hold, reply.expires_in_ms)
        elif type(reply) is BookOk:
            self._names.add(reply.booking)
            for seat in reply.seats:
                self._add(seat, "book", operation, name=command.hold, new=reply.booking)
        elif type(command) in (c.Pledge, c.Unpledge):
            self._pledged.add(command.hold)
            for seat in reply.seats if type(reply) is UnpledgeOk else ():
                self._add(seat, "give", operation, name=command.hold)
        elif type(reply) in (TakenOk, GivenBackOk):
            kinds = {"Release": "give", "Cancel": "cancel", "CancelPart": "cancel"}
            name = type(command).__name__
            of = {"name": command.hold} if name == "Release" else {}
            of = {"name": command.booking} if name in ("Cancel", "CancelPart") else of
            for seat in reply.seats:
                self._add(seat, kinds.get(name, name.lower()), operation, **of)
        elif type(reply) is HoldingOk:
            for hold in reply.holds:
                for seat in hold.seats:
                    self._add(seat, "sees held", operation, name=hold.hold)
            for booking in reply.bookings:
                for seat in booking.seats:
                    self._add(seat, "sees booked", operation, name=booking.booking)

    def _take_doubt(self, operation: Operation, name: str) -> None:
        """Let what may have happened be possible wherever it may have."""
        command: Any = operation.command
        match command:
            case c.Hold():
                for seat in command.seats or []:
                    self._add(seat, "take", operation, name=command.hold or name)
            case c.HoldBest():
                called, returned = self._moment
                hold = command.hold or name
                self.everywhere.append(
                    Step("take", called, returned, operation.user, hold)
                )
            case c.Release() | c.Book():
                kind = "give" if type(command) is c.Release else "book"
                some = command.seats if type(command) is c.Release else None
                for seat in self._seats_of(operation, command.hold):
                    if some is None or seat in some:
                        self._add(seat, kind, operation, name=command.hold, new=name)
            case c.Pledge() | c.Unpledge():
                self._pledged.add(command.hold)
                if type(command) is c.Unpledge and command.release:
                    for seat in self._seats_of(operation, command.hold):
                        self._add(seat, "give", operation, name=command.hold)
            case c.Cancel() | c.CancelPart():
                some = command.seats if type(command) is c.CancelPart else None
                for seat in self._seats_of(operation, command.booking):
                    if some is None or seat in some:
                        self._add(seat, "cancel", operation, name=command.booking)
            case c.Block() | c.Unblock():
                for seat in command.seats or []:
                    self._add(seat, type(command).__name__.lower(), operation)
            case _:
                pass  # It changes no seat.

    def _seats_of(self, operation: Operation, name: str) -> list[str]:
        """Return the seats that a command about this hold or booking may concern."""
        if name in self.known and name in self._of_hold:
            return sorted(self._of_hold[name])
        mine = self._of_user.get(operation.user, ())
        return sorted(self.seats if operation.organizer else mine)

    def _take_absence(self, operation: Operation, reply: HoldingOk | Refused) -> None:
        """Note what was seen by not being there."""
        command: Any = operation.command
        if type(reply) is HoldingOk:
            mine = {seat for one in reply.holds for seat in one.seats}
            mine |= {seat for one in reply.bookings for seat in one.seats}
            for seat in sorted(self._of_user.get(operation.user, set()) - mine):
                self._add(seat, "sees not mine", operation)
        elif type(reply) is Refused and reply.code == "seat_not_free":
            taken = reply.seats or []
            for seat in command.seats or []:
                if type(command) is c.Hold:
                    kind = "sees taken" if seat in taken else "sees free"
                    self._add(seat, kind, operation)
                elif type(command) is c.Block and seat in taken:
                    self._add(seat, "sees taken", operation)
        elif type(command) is c.Unpledge:
            pass  # Perhaps another order has it.
        elif type(reply) is Refused and reply.code in GONE:
            for seat in sorted(self._of_hold.get(command.hold or "", ())):
                self._add(seat, "sees not held", operation, name=command.hold)

    def _promise(self, operation: Operation, hold: str, left_ms: int) -> None:
        """Note until when a hold was promised, counted from before it was decided."""
        ends_s = operation.called_s + left_ms / 1_000 - self._skew_s
        self._ends_s[hold] = max(self._ends_s.get(hold, 0.0), ends_s)

    def _set_ends(self, operations: list[Operation]) -> None:
        """Find the first moments of the order at which those promises are over.

        A promise is over where somebody's call or return shows a later time.
        """
        clock = [(one.called_s, one.called) for one in operations]
        clock += [
            (one.returned_s, one.returned)
            for one in operations
            if one.returned != NEVER and one.returned_s != float("inf")
        ]
        clock.sort()
        for hold, ends_s in self._ends_s.items():
            if hold in self._pledged:
                continue
            later = (moment for time_s, moment in clock if time_s >= ends_s)
            self.ends[hold] = min(later, default=NEVER)


def _merged(operations: list[Operation]) -> list[tuple[Operation, int, int]]:
    """Make one operation of the attempts under one key; the first answer counts."""
    merged: list[tuple[Operation, int, int]] = []
    of_key: dict[tuple[str, str], list[Operation]] = {}
    for operation in operations:
        refused = type(operation.reply) is Refused and not operation.unknown
        if operation.key is None or refused:
            returned = NEVER if operation.unknown else operation.returned
            merged.append((operation, operation.called, returned))
        else:
            of_key.setdefault((operation.owner, operation.key), []).append(operation)
    for attempts in of_key.values():
        told = [one for one in attempts if not one.unknown]
        first = min(told, key=lambda one: one.returned, default=attempts[0])
        called = min(one.called for one in attempts if same(one, first))
        merged.append((first, called, first.returned if told else NEVER))
        if not told:
            others = [one for one in attempts[1:] if not same(one, first)]
            merged += [(one, one.called, NEVER) for one in others]
    return merged


def _sentence(step: Step) -> str:
    until = "?" if step.returned == NEVER else step.returned
    return f"{step.user} {step.kind} {step.name} {step.called}-{until}"
