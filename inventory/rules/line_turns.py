"""Rules of turns: who is next, until when, and who may hold something meanwhile."""

from typing import Final

from inventory import limits
from inventory.changes import (
    PlaceLimited,
    TurnEnded,
    TurnExtended,
    TurnGiven,
    TurnGranted,
    TurnsKept,
)
from inventory.commands import EndTurn, ExtendTurn, GiveTurn, GrantTurn, KeepTurns
from inventory.line.line import Line
from inventory.line.serving import (
    Found,
    all_places,
    free_places,
    held_places,
    next_wish,
    serve,
)
from inventory.rejections import MANAGERS_ONLY
from inventory.replies import ExtendOk, Ok, Refused, refuse
from inventory.rules.common import Decision, Request, has_booked, price, rfc3339
from inventory.rules.line_guard import expected_back, most_choosing, wish_floor
from inventory.settings import Settings
from inventory.state import Stock

OVER: Final = frozenset({"closed", "completed", "cancelled"})
"""The states of a sale in which nobody waits any more."""


def gate(request: Request) -> Refused | None:
    """Refuse to hold anything to who has no turn, where that is needed."""
    if request.organizer or request.system:
        return None
    stock = request.stock
    line = stock.line
    if line is None:
        return refuse("wait_your_turn") if needs_turns(stock.settings) else None
    if not line.gated or line.turns.lets(request.user, request.now_ms):
        return None
    if line.turns.ran_out(request.user):
        return refuse("turn_over")
    return refuse("line_over" if line.closed else "wait_your_turn")


def needs_turns(settings: Settings) -> bool:
    """Return whether it takes a turn to hold anything, before the line is opened."""
    return settings.line is not None and settings.line.mode != "list"


def no_turns(stock: Stock, now_ms: int) -> Refused | None:
    """Return why nobody can be given a turn now."""
    line, settings = stock.line, stock.settings
    if line is None or line.drawn is None:
        return refuse("wrong_state", "There is no line yet.")
    if line.paused or line.closed or settings.sale_state != "on_sale":
        return refuse("wrong_state", "The line or the sale does not go on.")
    opens_ms = line.rules.opens_at_ms
    if opens_ms is not None and now_ms < opens_ms:
        return refuse("wrong_state", "It is not the time yet.")
    if not line.gated and now_ms >= settings.starts_at_ms:
        return refuse("wrong_state", "The event has begun.")
    return None


def give_turn(request: Request, command: GiveTurn) -> Decision:
    """Give the next turn: to the first in line whose wish fits.

    Who may have no more is passed over first; the next is asked for again then.
    """
    stock = request.stock
    if not request.system:
        return None, refuse("forbidden")
    refused = no_turns(stock, request.now_ms)
    line = stock.line
    if refused is not None or line is None:
        return None, refused or refuse("wrong_state")
    rank, wishes = next_wish(stock, line), True
    if line.gated:
        browsing = line.first_browsing()
        before = browsing is not None and (rank is None or browsing < rank)
        if before and may_browse(stock, line):
            rank, wishes = browsing, False
    if rank is None:
        return None, refuse("nobody_next")
    if not may_have(stock, line, rank):
        return PlaceLimited(rank), Ok()
    found = None
    if wishes:
        wish = line.wish_of(rank)
        found = None if wish is None else serve(stock, wish)
        if found is None:
            raise AssertionError(f"what fits rank {rank} is not found")
    return _turn(request, line, rank, found, command.because), Ok()


def _turn(
    request: Request, line: Line, rank: int, found: Found | None, because: str
) -> TurnGiven:
    stock, now_ms = request.stock, request.now_ms
    times = 2_000 if rank in line.more_time else 1_000
    user = line.user_of(rank) or ""
    if found is None:
        return TurnGiven(rank, user, because, now_ms + times * line.turn_s)
    offer_s = min(line.offer_s, stock.settings.hold_ttl_s)
    deadline_ms = now_ms + times * offer_s
    until_ms = max(deadline_ms, now_ms + 1_000 * min(line.turn_s, line.offer_s))
    return TurnGiven(
        rank,
        user,
        because,
        until_ms,
        request.ids.token(),
        found.seats,
        found.areas,
        deadline_ms,
        price(stock, found.seats, found.areas),
        found.category,
        len(found.seats) + sum(found.areas.values()),
    )


def may_browse(stock: Stock, line: Line) -> bool:
    """Return whether one more may choose among what is free."""
    return len(line.turns.choosing) < choosing_at_most(stock, line)


def choosing_at_most(stock: Stock, line: Line) -> int:
    """Return how many may choose at once; nobody where turns go to wishes only."""
    free = free_places(stock)
    if free < wish_floor(all_places(stock), line.opened.wish_floor):
        return 0
    returning = 0
    if line.count_returns and not line.waiting_wishes:
        returning = expected_back(held_places(stock), line.returning_ppm)
    return most_choosing(free, line.mean_milli, line.variance_milli, returning)


def may_have(stock: Stock, line: Line, rank: int) -> bool:
    """Return whether the limits let the user of a rank have what is wished."""
    user, wish = line.user_of(rank) or "", line.wish_of(rank)
    if user in line.turns.open:
        return False
    quantity = 1 if wish is None else wish.quantity
    record = stock.users.get(user)
    count = 0 if record is None else record.count
    if count + quantity > stock.settings.max_per_user:
        return False
    return not has_booked(stock, user)


def end_turn(request: Request, command: EndTurn) -> Decision:
    """End a turn of one who holds nothing, or who booked."""
    stock, line, rank = request.stock, request.stock.line, command.rank
    if not request.system:
        return None, refuse("forbidden")
    user = None if line is None else line.user_of(rank)
    turn = None if line is None or user is None else line.turns.open.get(user)
    if line is None or turn is None or turn.rank != rank:
        return None, refuse("wrong_state", "This place has no turn.")
    why = command.why
    if why is None:
        if turn.user not in line.turns.choosing:
            return None, refuse("wrong_state", "Something is held in this turn.")
        over_ms = turn.until_ms + limits.TURN_GRACE_MS
        if request.now_ms >= over_ms:
            return TurnEnded(rank, turn.user, "ran_out"), Ok()
        if not is_over(stock, line):
            return None, refuse("wrong_state", "This turn is not over.")
        return TurnEnded(rank, turn.user, "sale"), Ok()
    return TurnEnded(rank, turn.user, why), Ok()


def is_over(stock: Stock, line: Line) -> bool:
    """Return whether nobody will be given a turn any more."""
    return line.closed or stock.settings.sale_state in OVER


def keep_turns(request: Request, command: KeepTurns) -> Decision:
    """Let every open turn, and what is held in it, last until then at least."""
    line = request.stock.line
    if line is None or not (line.turns.open or line.turns.granted):
        return None, Ok()
    return TurnsKept(command.until_ms), Ok()


def grant_turn(request: Request, command: GrantTurn) -> Decision:
    """Give somebody a turn outside the line, seen by all."""
    stock = request.stock
    if not (request.system or request.organizer):
        return None, refuse("forbidden", MANAGERS_ONLY)
    line = stock.line
    if line is None or not line.gated or is_over(stock, line):
        return None, refuse("wrong_state", "Nobody needs a turn here.")
    until_ms = request.now_ms + command.until_s * 1_000
    reply = ExtendOk(
        expires_in_ms=until_ms - request.now_ms, expires_at=rfc3339(until_ms)
    )
    return TurnGranted(command.user, until_ms, command.because), reply


def extend_turn(request: Request, command: ExtendTurn) -> Decision:
    """Have a tenth more of the time for a turn, ten times at most; no reason asked."""
    line = request.stock.line
    if line is None:
        return None, refuse("line_not_open")
    turn = line.turns.open.get(request.user)
    if turn is None or request.now_ms >= turn.until_ms + limits.TURN_GRACE_MS:
        return None, refuse("turn_over")
    if turn.extended >= limits.TURN_EXTENSIONS_MAX:
        refused = refuse("extend_limit")
        refused.deadline = rfc3339(turn.until_ms)
        return None, refused
    until_ms = turn.until_ms + line.turn_s * 1_000 // limits.TURN_EXTENSIONS_MAX
    reply = ExtendOk(
        expires_in_ms=until_ms - request.now_ms, expires_at=rfc3339(until_ms)
    )
    return TurnExtended(turn.rank, until_ms), reply
