"""What follows of a change by itself, in the same step: for an event with a line.

Turns end with what was booked or given back in them, who may have more waits again, and
what was freed goes to the next in line before anybody else can ask for it.
"""

from collections.abc import Iterator
from typing import Final

from inventory import limits
from inventory.changes import (
    AnyChange,
    BookingCancelled,
    BookingReduced,
    EventConfigured,
    HoldBooked,
    HoldExpired,
    HoldReleased,
    LineDrawn,
    LineFed,
    LineOpened,
    LineSet,
    PlaceResumed,
    PresenceNoted,
    SaleChanged,
    SeatsUnblocked,
    TurnEnded,
    WishesRecast,
    WishSet,
)
from inventory.commands import (
    AnyCommand,
    Because,
    DrawLine,
    EndTurn,
    FixEntrants,
    OpenLine,
    RecastWishes,
    ResumePlace,
)
from inventory.line import draw
from inventory.line.line import Line
from inventory.records import BookingRecord, HoldRecord, capacities
from inventory.rules.line_turns import is_over, may_have
from inventory.rules.line_wishes import impossible
from inventory.state import Stock

_FREEING: Final = frozenset(
    {
        HoldReleased,
        HoldExpired,
        BookingCancelled,
        BookingReduced,
        SeatsUnblocked,
        EventConfigured,
    }
)
_LETTING_IN: Final = frozenset(
    {
        LineDrawn,
        LineFed,
        LineSet,
        PlaceResumed,
        PresenceNoted,
        SaleChanged,
        TurnEnded,
        WishSet,
        WishesRecast,
    }
)
"""After these somebody may be served who could not before, though nothing is freed."""

NO_END: Final = 1 << 30
"""Turns of a list: nobody else would give them."""


def concerned(stock: Stock, change: AnyChange) -> str:
    """Return the user whose holds and bookings a change is about to change."""
    match change:
        case HoldBooked() | HoldReleased() | HoldExpired():
            return stock.holds[change.hold].user
        case BookingCancelled() | BookingReduced():
            return stock.bookings[change.booking].user
        case TurnEnded():
            return change.user
        case WishSet() if stock.line is not None:
            return stock.line.user_of(change.rank) or ""
        case _:
            return ""


def after(
    stock: Stock, command: AnyCommand, change: AnyChange, user: str, now_ms: int
) -> Iterator[AnyCommand]:
    """Return what the actor does at once because of a change, but for turns.

    `user` is whom it `concerned`. Each is decided before the next is asked for.
    """
    line, event = stock.line, command.event
    if line is None:
        return
    match change:
        case LineOpened() if type(command) is OpenLine and command.seed is not None:
            yield from _draw_nothing(command, now_ms)
        case HoldBooked() | HoldReleased() | HoldExpired():
            end = _end_of_turn(line, change, user, event, now_ms)
            if end is not None:
                yield end
        case EventConfigured():
            if impossible(stock, line):
                yield RecastWishes(id=0, event=event)
            for one in list(line.limited.values()):
                if may_have(stock, line, one):
                    yield ResumePlace(id=0, event=event, rank=one)
        case _:
            pass
    rank = line.limited.get(user)
    if rank is not None and may_have(stock, line, rank):
        yield ResumePlace(id=0, event=event, rank=rank)


def _draw_nothing(command: OpenLine, now_ms: int) -> Iterator[AnyCommand]:
    """Fix and draw the empty list of a line of which nothing is drawn."""
    yield FixEntrants(
        id=0,
        event=command.event,
        draw=command.draw,
        entries=0,
        root=draw.entrants_root([]),
        closed_at_ms=now_ms,
    )
    yield DrawLine(
        id=0,
        event=command.event,
        draw=command.draw,
        seed=command.seed or b"",
        line_hash=draw.line_hash_of([]),
    )


def _end_of_turn(
    line: Line,
    change: HoldBooked | HoldReleased | HoldExpired,
    user: str,
    event: str,
    now_ms: int,
) -> EndTurn | None:
    """Return the end of the turn that a hold was of, where that ends it.

    In a list whoever gives back an offer is done; in front of a sale one may choose
    something else as long as the turn lasts.
    """
    turn = line.turns.open.get(user)
    if turn is None or not (line.gated or turn.hold == change.hold):
        return None
    if type(change) is HoldBooked:
        return EndTurn(id=0, event=event, rank=turn.rank, why="booked")
    if user not in line.turns.choosing:
        return None
    if now_ms >= turn.until_ms + limits.TURN_GRACE_MS:
        return EndTurn(id=0, event=event, rank=turn.rank)
    if line.gated:
        return None
    return EndTurn(id=0, event=event, rank=turn.rank, why="left")


def freed_by(stock: Stock, change: AnyChange) -> int:
    """Return how many seats and places a change is about to free."""
    match change:
        case HoldReleased() | BookingReduced() | SeatsUnblocked():
            return _size(change)
        case HoldExpired():
            return _size(stock.holds[change.hold])
        case BookingCancelled():
            return _size(stock.bookings[change.booking])
        case TurnEnded():
            return sum(_size(stock.holds[one]) for one in change.holds)
        case EventConfigured():
            former = sum(capacities(stock.venue, stock.settings))
            return max(0, sum(capacities(stock.venue, change.settings)) - former)
        case _:
            return 0


def _size(
    one: HoldReleased | BookingReduced | SeatsUnblocked | HoldRecord | BookingRecord,
) -> int:
    return len(one.seats) + sum(one.areas.values())


def turns_owed(stock: Stock, change: AnyChange, freed: int) -> tuple[int, Because]:
    """Return how many turns a change may give in its own step, and because of what.

    In front of a sale the pace is another's: no more turns follow of what came back
    than seats and places did, whatever else is free, or one seat that is given back
    again and again would sell the house. A list goes on until nobody fits.
    """
    line = stock.line
    if line is None or line.drawn is None:
        return 0, "line"
    frees = type(change) in _FREEING or (type(change) is TurnEnded and change.holds)
    if frees:
        most = min(freed, limits.LINE_RETURNED_MAX)
        return most if line.gated else NO_END, "returned"
    if not line.gated and type(change) in _LETTING_IN:
        return NO_END, "line"
    return 0, "line"


def turns_owed_at_first(stock: Stock) -> tuple[int, Because]:
    """Return how many turns an owner may give that begins, and because of what.

    The one before may have ended when it had freed something, and given no turn yet. In
    front of a sale the pace goes on with that; in a list nobody else would.
    """
    line = stock.line
    if line is None or line.gated or line.drawn is None:
        return 0, "line"
    return NO_END, "line"


def line_due_ms(stock: Stock, line: Line) -> int | None:
    """Return when the next turn of one who holds nothing ends."""
    if line.turns.choosing and is_over(stock, line):
        return stock.at_ms
    end = line.turns.next_end()
    return None if end is None else end[0]


def line_due(stock: Stock, line: Line, event: str, now_ms: int) -> list[EndTurn]:
    """Return the ends of turns that are due now, as many as a batch takes."""
    turns = line.turns
    if is_over(stock, line):
        ended = sorted(turns.open[user].rank for user in turns.choosing)
    else:
        ended = turns.due(now_ms, limits.EXPIRIES_PER_BATCH_MAX)
    return [
        EndTurn(id=0, event=event, rank=rank)
        for rank in ended[: limits.EXPIRIES_PER_BATCH_MAX]
    ]
