"""What happens when somebody asks: one function over all rules. It changes nothing."""

from collections.abc import Callable
from typing import Any, Final

from inventory.commands import (
    AnyCommand,
    Block,
    Blocked,
    Book,
    Cancel,
    CancelPart,
    ChangeSale,
    CloseSale,
    CompleteEvent,
    Configure,
    DeleteEvent,
    DrawLine,
    EndTurn,
    ExpireHold,
    Extend,
    ExtendTurn,
    FeedLine,
    FixEntrants,
    GiveTurn,
    GrantTurn,
    Hold,
    HoldBest,
    Holding,
    KeepHolds,
    KeepTurns,
    LeaveLine,
    NotePresence,
    OpenLine,
    OpenSale,
    PausePlace,
    Pledge,
    PutOffRound,
    Quote,
    RecastWishes,
    Release,
    ResumePlace,
    SetLine,
    SetWish,
    TuneLine,
    Unblock,
    Unpledge,
)
from inventory.rejections import MANAGERS_ONLY, SYSTEM_ONLY
from inventory.replies import refuse
from inventory.rules import (
    bookings,
    holds,
    line,
    line_places,
    line_turns,
    line_wishes,
    pledges,
    sale,
)
from inventory.rules.common import Decision, Request

_RULES: Final[dict[type, Callable[[Request, Any], Decision]]] = {
    Hold: holds.hold,
    HoldBest: holds.hold_best,
    Extend: holds.extend,
    Release: holds.release,
    Book: bookings.book,
    Cancel: bookings.cancel,
    Block: sale.block,
    Unblock: sale.unblock,
    Holding: bookings.holding,
    ChangeSale: sale.change_sale,
    Configure: sale.configure,
    DeleteEvent: sale.delete,
    Pledge: pledges.pledge,
    Unpledge: pledges.unpledge,
    CancelPart: pledges.cancel_part,
    Quote: pledges.quote,
    Blocked: sale.blocked,
    ExpireHold: holds.expire_hold,
    OpenSale: sale.open_sale,
    CloseSale: sale.close_sale,
    CompleteEvent: sale.complete,
    KeepHolds: holds.keep_holds,
    OpenLine: line.open_line,
    PutOffRound: line.put_off_round,
    FixEntrants: line.fix_entrants,
    DrawLine: line.draw_line,
    FeedLine: line.feed_line,
    TuneLine: line.tune_line,
    NotePresence: line.note_presence,
    SetLine: line.set_line,
    GiveTurn: line_turns.give_turn,
    EndTurn: line_turns.end_turn,
    KeepTurns: line_turns.keep_turns,
    GrantTurn: line_turns.grant_turn,
    ExtendTurn: line_turns.extend_turn,
    SetWish: line_wishes.set_wish,
    RecastWishes: line_wishes.recast_wishes,
    PausePlace: line_places.pause_place,
    ResumePlace: line_places.resume_place,
    LeaveLine: line_places.leave_line,
}

_EVEN_GONE: Final = frozenset(
    {
        DeleteEvent,
        ExpireHold,
        OpenSale,
        CloseSale,
        CompleteEvent,
        KeepHolds,
        EndTurn,
        KeepTurns,
    }
)
"""What a deleted event still takes: to be deleted again, and what it does by itself."""

_ORGANIZERS: Final = frozenset({Block, Unblock, ChangeSale, Configure})
_SYSTEM: Final = frozenset({Pledge, Unpledge, CancelPart, Quote, Blocked})


def decide(command: AnyCommand, request: Request) -> Decision:
    """Return the change that the command makes, and its reply; None for no change.

    The reply's `version` is the one that the change will be, or, for a refusal or a
    question, the one that was looked at.
    """
    if request.stock.settings.deleted and type(command) not in _EVEN_GONE:
        decision = _refuse_gone(request, command)
    else:
        decision = _RULES[type(command)](request, command)
    version = request.stock.version
    decision[1].version = version if decision[0] is None else version + 1
    return decision


def _refuse_gone(request: Request, command: AnyCommand) -> Decision:
    """Refuse a command to a deleted event, which is like none at all."""
    if type(command) in _ORGANIZERS and not request.organizer:
        return None, refuse("forbidden", MANAGERS_ONLY)
    if type(command) in _SYSTEM and not request.system:
        return None, refuse("forbidden", SYSTEM_ONLY)
    return None, refuse("event_not_found")
