"""What the line of an event is at a moment, and what may be wished there: pure."""

from typing import Final, Literal

from inventory.line import draw
from inventory.line.wishes import Wish
from inventory.rejections import Code
from inventory.settings import LineMode, LineSettings, Settings
from inventory.venue.map import Venue
from persistence.events.line.lines import LineRow, Phase

TellablePhase = Literal["off", "gathering", "drawing", "open", "waitlist", "over"]
State = Literal["joined", "waiting", "paused", "turn", "done", "left"]

OVER: Final = frozenset({"closed", "completed", "cancelled"})
"""Sale states in which no line goes on."""

ON_SALE: Final = frozenset({"on_sale", "paused"})
"""Those in which there is a waitlist, though nobody waits yet."""

FLOOR_SHARE: Final = 50
"""One part in so many of all places is the least floor: below it, wishes only."""


def mode_of(settings: Settings) -> LineMode | None:
    """Return which line an event has; None where it has none."""
    if settings.line is not None:
        return settings.line.mode
    return "list" if settings.waitlist else None


def terms_of(settings: Settings) -> LineSettings:
    """Return how the line of an event goes; a plain waitlist has the usual terms."""
    return settings.line or LineSettings(mode="list", again=True)


def opens_ms(settings: Settings, now_ms: int) -> int | None:
    """Return before when no turn is given; None where that is for the sale alone."""
    terms = terms_of(settings)
    if terms.mode == "list":
        return None
    if terms.opens_at_ms is not None:
        return terms.opens_at_ms
    return settings.on_sale_at_ms if settings.on_sale_at_ms is not None else now_ms


def refusal_of_join(settings: Settings, now_ms: int) -> Code | None:
    """Return why nobody can join the line of an event; None where that can be.

    A line in front of a sale is joined before it; a waitlist while something is sold.
    """
    mode, state = mode_of(settings), settings.sale_state
    if mode is None:
        return "line_not_open"
    if state in OVER:
        return "line_over"
    if mode == "list":
        if state == "paused":
            return "sale_paused"
        return None if state == "on_sale" else "sale_not_open"
    gather_at_ms = terms_of(settings).gather_at_ms
    if state == "draft" or (gather_at_ms is not None and now_ms < gather_at_ms):
        return "line_not_open"
    return None


def opens_by_joining(settings: Settings) -> bool:
    """Return whether who comes first opens the line; else those who manage it do."""
    terms = terms_of(settings)
    return terms.mode == "list" or terms.gather_at_ms is not None


def first_phase(mode: LineMode) -> Phase:
    """Return what becomes of the first joins: only a draw has entrants."""
    return "gathering" if mode == "draw" else "late"


def phase_of(
    row: LineRow | None, settings: Settings, free: int, total: int, now_ms: int
) -> TellablePhase:
    """Return the phase of a line, as section 3 of the protocol names them.

    `free` and `total` are the seats and places of the event.
    """
    mode, state = mode_of(settings), settings.sale_state
    opened = row is not None and row.phase != "opening"
    if state in OVER and (opened or mode is not None):
        return "over"
    if row is None or not opened:
        return "waitlist" if mode == "list" and state in ON_SALE else "off"
    if row.phase == "over":
        return "over"
    if row.mode == "list":
        return "waitlist"
    if row.phase == "gathering" or is_hidden(row, settings, now_ms):
        return "gathering"
    if row.order_key is None and not row.fed:
        return "drawing"
    floor = max(terms_of(settings).wish_floor, total // FLOOR_SHARE)
    return "open" if free >= floor else "waitlist"


def order_is_known(row: LineRow, now_ms: int) -> bool:
    """Return whether somebody may know the order of a draw that is not told yet."""
    if row.mode != "draw" or row.line_hash is not None:
        return False
    rules = draw.rules_of(row.rules.encode())
    number = row.round if row.round is not None else rules.round
    if rules.beacon is None or number is None:
        return row.root is not None
    return now_ms >= draw.time_of(rules.beacon, number)


def is_hidden(row: LineRow, settings: Settings, now_ms: int) -> bool:
    """Return whether ranks are not told yet: of a line without a draw that gathers."""
    at_ms = opens_ms(settings, now_ms)
    return row.mode == "fifo" and at_ms is not None and now_ms < at_ms


def wish_fault(
    wish: Wish | None, mode: LineMode, settings: Settings, venue: Venue
) -> str | None:
    """Return why nobody can have what is wished; None where it can be."""
    if wish is None:
        return "A waitlist needs a wish." if mode == "list" else None
    if wish.quantity > settings.max_per_booking:
        return f"One booking has {settings.max_per_booking} at most."
    known = {category.key for category in venue.map.categories}
    for category in wish.categories:
        if category not in known:
            return f"There is no category {category!r}."
    if len(set(wish.categories)) < len(wish.categories):
        return "A category is named twice."
    return None


def state_of(rank: int | None, turn: bool, paused: bool, ended: str | None) -> State:
    """Return how a place is, from what its row says."""
    if ended is not None:
        return "left" if ended == "left" else "done"
    if turn:
        return "turn"
    if rank is None:
        return "joined"
    return "paused" if paused else "waiting"
