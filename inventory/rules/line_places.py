"""Rules of who waits: pause, wait again, leave."""

from inventory.changes import PlaceLeft, PlacePaused, PlaceResumed, TurnEnded
from inventory.commands import LeaveLine, PausePlace, ResumePlace
from inventory.line.line import AWAY, LIMITED, PAUSED, TURN, WAITING
from inventory.replies import Ok, Refused, refuse
from inventory.rules.common import Decision, Request
from inventory.rules.line_turns import may_have
from inventory.rules.line_wishes import own_place
from inventory.state import Stock


def pause_place(request: Request, command: PausePlace) -> Decision:
    """Be passed over for as long as one likes, and keep the place."""
    line = own_place(request, command.rank)
    if type(line) is Refused:
        return None, line
    state = line.state_of(command.rank)
    if state in (WAITING, AWAY):
        return PlacePaused(command.rank), Ok()
    if state == PAUSED:
        return None, Ok()
    if state == LIMITED:
        return None, refuse("wrong_state", "You have all that one may have.")
    return None, refuse("turn_over" if state != TURN else "wrong_state")


def resume_place(request: Request, command: ResumePlace) -> Decision:
    """Wait again, at the place that one had.

    Who was passed over for having all that one may have waits again by itself.
    """
    rank = command.rank
    line = own_place(request, rank)
    if type(line) is Refused:
        return None, line
    state = line.state_of(rank)
    if state == LIMITED:
        if not may_have(request.stock, line, rank):
            return None, refuse("user_limit")
        return PlaceResumed(rank), Ok()
    if state == PAUSED:
        return PlaceResumed(rank), Ok()
    if state in (WAITING, AWAY):
        return None, Ok()
    return None, refuse("turn_over" if state != TURN else "wrong_state")


def leave_line(request: Request, command: LeaveLine) -> Decision:
    """Give up a place; in a turn with all it holds, but for what an order has."""
    rank = command.rank
    line = own_place(request, rank)
    if type(line) is Refused:
        return None, line
    state = line.state_of(rank)
    if state != TURN:
        if state in (WAITING, AWAY, PAUSED, LIMITED):
            return PlaceLeft(rank, line.user_of(rank) or ""), Ok()
        return None, refuse("turn_over")
    user = line.user_of(rank) or ""
    turn = line.turns.open[user]
    loose = _loose_holds(request.stock, user)
    if not line.gated:
        loose = [token for token in loose if token == turn.hold]
    return TurnEnded(rank, user, "left", tuple(loose)), Ok()


def _loose_holds(stock: Stock, user: str) -> list[str]:
    """Return the holds of a user that no order has."""
    record = stock.users.get(user)
    if record is None:
        return []
    return [token for token in record.holds if stock.holds[token].order is None]
