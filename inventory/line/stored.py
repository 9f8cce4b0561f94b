"""The line in a snapshot, and back; whether it keeps its invariants; its digest."""

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from inventory.changes import EntrantsFixed, LineDrawn, LineOpened
from inventory.line.line import DONE, LEFT, LIMITED, TURN, Line
from inventory.line.turns import Turn
from inventory.line.wishes import Wish
from inventory.records import Corrupt

if TYPE_CHECKING:
    from inventory.state import Stock


class LineFacts(Struct, frozen=True, array_like=True):
    """All of a line but who has which rank; fields are appended, with defaults."""

    opened: LineOpened
    round: int | None
    put_off: int
    fixed: EntrantsFixed | None
    drawn: LineDrawn | None
    step: int
    step_goes_on: bool
    last_key: bytes
    paused: bool
    closed: bool
    turn_s: int
    offer_s: int
    serve_away: bool
    turns_per_min: int | None
    sell_out_s: int
    count_returns: bool
    mean_milli: int
    variance_milli: int
    returning_ppm: int
    wishes: list[Wish]
    turns: list[Turn]
    granted: list[tuple[str, int]]
    over: list[tuple[int, str]]
    limited: list[tuple[str, int]]
    more_time: list[int]
    states: bytes
    classes: bytes


_PLAIN = LineFacts.__struct_fields__[1:19]
"""What a line has under the same name."""


def facts_of(line: Line) -> LineFacts:
    """Note a line, which may go on at once."""
    turns = line.turns
    plain: dict[str, Any] = {name: getattr(line, name) for name in _PLAIN}
    return LineFacts(
        **plain,
        opened=line.opened,
        wishes=list(line.wishes),
        turns=list(turns.open.values()),
        granted=list(turns.granted.items()),
        # Not of those who had another turn since.
        over=[one for one in turns.over_at if turns.over.get(one[1]) == one[0]],
        limited=list(line.limited.items()),
        more_time=sorted(line.more_time),
        states=bytes(line.states),
        classes=line.packed_classes(),
    )


def restore(stock: "Stock", facts: LineFacts, users: list[tuple[str, ...]]) -> None:
    """Put a line back into a stock that has its holds."""
    line = stock.line = Line(facts.opened)
    for name in _PLAIN:
        setattr(line, name, getattr(facts, name))
    line.states[:] = facts.states
    first = 1
    for segment in users:
        line.firsts.append(first)
        line.users.append(segment)
        first += len(segment)
    if first != line.fed + 1 or len(facts.classes) != 2 * line.fed:
        raise Corrupt("a snapshot of a line that has lost places")
    line.limited.update(facts.limited)
    line.more_time.update(facts.more_time)
    line.rebuild(facts.wishes, facts.classes)
    turns = line.turns
    turns.granted.update(facts.granted)
    for at_ms, user in facts.over:
        turns.over_at.append((at_ms, user))
        turns.over[user] = at_ms
    for turn in facts.turns:
        turns.over.pop(turn.user, None)
        turns.restore(turn, _is_holding(stock, line, turn))


def _is_holding(stock: "Stock", line: Line, turn: Turn) -> bool:
    """Return whether a turn is to end with a hold."""
    if not line.gated:
        return turn.hold in stock.holds
    record = stock.users.get(turn.user)
    return record is not None and bool(record.holds)


def check(stock: "Stock", line: Line) -> None:
    """Raise `Corrupt` unless the line keeps its invariants. Changes nothing."""
    fed, states = line.fed, line.states
    if fed != len(line.classes) or fed != sum(map(len, line.users)):
        raise Corrupt("W1: ranks without a user or a class")
    if max(line.classes, default=0) > len(line.wishes):
        raise Corrupt("W1: a rank of a class that there is not")
    _check_turns(stock, line)
    _check_queues(line)
    limited = line.limited.values()
    if len(limited) != states.count(LIMITED) or any(
        states[rank - 1] != LIMITED for rank in limited
    ):
        raise Corrupt("W4: who is limited, and whose place is")


def _check_turns(stock: "Stock", line: Line) -> None:
    turns = line.turns
    in_turn = {rank for rank, state in enumerate(line.states, 1) if state == TURN}
    if in_turn != {turn.rank for turn in turns.open.values()} or any(
        line.user_of(turn.rank) != user or turn.user != user
        for user, turn in turns.open.items()
    ):
        raise Corrupt("W2: whose turn it is, and who has one")
    choosing = {
        user for user, turn in turns.open.items() if not _is_holding(stock, line, turn)
    }
    if choosing != turns.choosing:
        raise Corrupt("W5: who chooses, and who holds something")


def _check_queues(line: Line) -> None:
    for rank, state in enumerate(line.states, 1):
        if state in (TURN, DONE, LEFT):
            continue
        number = line.classes[rank - 1]
        queues = [line.queues[atom] for atom in line.atoms[number]]
        if line.browses(number):
            queues.append(line.browsing)
        if not all(queue.has(rank) for queue in queues):
            raise Corrupt(f"W3: rank {rank} is not in a queue that it waits in")
    if line.waiting_wishes != sum(map(line.counts_as_wish, range(1, line.fed + 1))):
        raise Corrupt("W3: how many wishes wait")


def parts_of(line: Line) -> tuple[Any, ...]:
    """Return what a line is, the same for equal lines, for the digest of a state."""
    facts = facts_of(line)
    return (
        *[getattr(facts, name) for name in LineFacts.__struct_fields__[:20]],
        sorted(facts.turns, key=lambda turn: turn.rank),
        sorted(facts.granted),
        facts.over,
        sorted(facts.limited),
        facts.more_time,
        facts.states,
        facts.classes,
        [user for segment in line.users for user in segment],
    )
