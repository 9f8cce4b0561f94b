"""Rules of the organiser: sale state, settings, blocked seats."""

from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from inventory.changes import EventConfigured, SaleChanged, SeatsBlocked, SeatsUnblocked
from inventory.commands import (
    Block,
    Blocked,
    ChangeSale,
    CloseSale,
    CompleteEvent,
    Configure,
    DeleteEvent,
    OpenSale,
    Revisions,
    Unblock,
)
from inventory.records import (
    BLOCKED,
    FREE,
    BookingRecord,
    HoldRecord,
    is_resizable,
)
from inventory.rejections import MANAGERS_ONLY, SYSTEM_ONLY
from inventory.replies import (
    BlockedOk,
    BlockedSeats,
    Fault,
    Ok,
    Refused,
    SaleOk,
    TakenOk,
    refuse,
    refuse_faults,
)
from inventory.rules.common import (
    Decision,
    Request,
    labels_of,
    names_of,
    no_places,
    places_of,
)
from inventory.rules.settings import (
    merged,
    past_faults,
    patched_faults,
    price_faults,
    time_faults,
    type_faults,
)
from inventory.settings import Money, SaleState, Settings, completes_ms, settled_in
from inventory.state import Stock

_CLOSABLE: Final = frozenset[SaleState]({"scheduled", "on_sale", "paused"})
_UNFINISHED: Final = frozenset[SaleState]({*_CLOSABLE, "closed"})
_SALE_CHANGES: Final[dict[str, tuple[frozenset[SaleState], SaleState]]] = {
    "publish": (frozenset({"draft"}), "on_sale"),
    "pause": (frozenset({"on_sale"}), "paused"),
    "resume": (frozenset({"paused"}), "on_sale"),
    "close": (_CLOSABLE, "closed"),
    "cancel": (
        frozenset({"draft", "scheduled", "on_sale", "paused", "closed"}),
        "cancelled",
    ),
}

_DONE: Final[dict[str, tuple[SaleState, ...]]] = {"publish": ("on_sale", "scheduled")}
"""The states in which there is nothing to do, where they are not just the new one."""

OwnStep = type[OpenSale] | type[CloseSale] | type[CompleteEvent]


def change_sale(request: Request, command: ChangeSale) -> Decision:
    """Take the sale from one state to another."""
    settings = request.stock.settings
    if not request.organizer:
        return None, refuse("forbidden", MANAGERS_ONLY)
    sources, to = _SALE_CHANGES[command.to]
    if settings.sale_state in _DONE.get(command.to, (to,)):
        return None, SaleOk(status=settings.sale_state)
    if settings.sale_state not in sources:
        return None, refuse(
            "wrong_state", f"The sale is {settings.sale_state}: no {command.to} now."
        )

    publishes, opens_ms = command.to == "publish", settings.on_sale_at_ms
    period = settings.starts_at_ms, settings.ends_at_ms
    if command.period is not None and command.period != period:
        return None, refuse("precondition_failed")
    if publishes:
        faults = _unfit_for_sale(request.stock, request.now_ms)
        if faults:
            return None, refuse_faults("wrong_state", faults)

    if publishes and opens_ms is not None and opens_ms > request.now_ms:
        to = "scheduled"
    return SaleChanged(to), SaleOk(status=to)


def _unfit_for_sale(stock: Stock, now_ms: int) -> list[Fault]:
    settings, venue = stock.settings, stock.venue
    return [
        *past_faults(settings, now_ms),
        *time_faults(settings),
        *price_faults(settings.prices, venue.categories, venue.used_categories),
        *type_faults(settings),
    ]


def configure(request: Request, command: Configure) -> Decision:
    """Change some of the settings; the sale state has commands of its own.

    Where that makes the event over it is completed, but for a draft, which has no sale.
    """
    stock, patch = request.stock, command.patch
    settings = stock.settings
    if not request.organizer:
        return None, refuse("forbidden", MANAGERS_ONLY)
    refused = _refuse_stale(settings, command.seen)
    if refused is None and command.only_draft and settings.sale_state != "draft":
        refused = refuse("precondition_failed")
    if refused is None and settings.sale_state in ("cancelled", "completed"):
        refused = refuse("wrong_state", f"The event is {settings.sale_state}.")
    if refused is not None:
        return None, refused

    changed = merged(settings, patch)
    if changed.capacity != settings.capacity:
        refused = _refuse_capacity(stock, changed.capacity)
        if refused is not None:
            return None, refused
    if patch.prices is not UNSET:
        refused = _refuse_currency(stock, changed.prices)
        if refused is not None:
            return None, refused
    venue = stock.venue
    faults = patched_faults(
        settings, changed, patch, venue.categories, venue.used_categories
    )
    if faults:
        return None, refuse_faults("bad_field", faults)

    changed = _counted(settings, changed, request.now_ms)
    return EventConfigured(changed), SaleOk(status=changed.sale_state)


def _counted(former: Settings, changed: Settings, now_ms: int) -> Settings:
    """Return settings with their revision, and completed where the event is over."""
    if changed != former:
        changed = replace(changed, revision=former.revision + 1)
    if former.sale_state in _UNFINISHED and completes_ms(changed) <= now_ms:
        changed = replace(changed, sale_state="completed")
    return changed


def _refuse_stale(settings: Settings, seen: Revisions) -> Refused | None:
    """Refuse to change settings that are not as whoever asks has seen them."""
    if seen is None or settings.revision in seen:
        return None
    return refuse("precondition_failed")


def _refuse_currency(stock: Stock, prices: dict[str, Money]) -> Refused | None:
    """Refuse another currency than the one that something is held or booked in."""
    wanted = {money.currency for money in prices.values()}
    former = settled_in(stock.settings.prices)
    if not wanted or wanted == {former}:
        return None
    records: list[HoldRecord | BookingRecord] = [*stock.holds.values()]
    records += stock.bookings.values()
    for record in records:
        known = former if record.prices is None else record.prices.currency
        if known is not None and wanted != {known}:
            detail = f"Something is held or sold in {known}: the currency stays."
            return refuse("tickets_sold", detail)
    return None


def _refuse_capacity(stock: Stock, capacity: int | None) -> Refused | None:
    """Refuse fewer places than are taken, and others than a bare capacity's."""
    if capacity is None or not is_resizable(stock.venue):
        return refuse("wrong_state", "The places of a venue stay as they are drawn.")
    area = stock.areas[0]
    taken = area.held + area.booked + area.blocked
    if capacity < taken:
        return refuse("tickets_sold", f"{taken} places are held, booked or blocked.")
    return None


def delete(request: Request, command: DeleteEvent) -> Decision:
    """Withdraw an event that nobody has booked, or is about to pay."""
    stock = request.stock
    if not request.organizer:
        return None, refuse("forbidden", MANAGERS_ONLY)
    refused = _refuse_stale(stock.settings, command.seen)
    if refused is not None:
        return None, refused
    if stock.bookings or any(hold.order for hold in stock.holds.values()):
        return None, refuse("tickets_sold")

    changed = replace(stock.settings, sale_state="cancelled", deleted=True)
    return EventConfigured(changed), SaleOk(status="cancelled")


def open_sale(request: Request, command: OpenSale) -> Decision:
    """Open a scheduled sale when its moment has come."""
    settings = request.stock.settings
    opens_ms = settings.on_sale_at_ms
    if settings.sale_state != "scheduled":
        return None, refuse("wrong_state")
    if opens_ms is not None and opens_ms > request.now_ms:
        return None, refuse("sale_not_open")
    return SaleChanged("on_sale"), Ok()


def close_sale(request: Request, command: CloseSale) -> Decision:
    """Close a sale when its moment has come; live holds can still be booked."""
    settings = request.stock.settings
    return _end(request, settings.off_sale_at_ms, _CLOSABLE, "closed")


def complete(request: Request, command: CompleteEvent) -> Decision:
    """End an event that is over."""
    settings = request.stock.settings
    return _end(request, completes_ms(settings), _UNFINISHED, "completed")


def _end(
    request: Request, at_ms: int | None, sources: frozenset[SaleState], to: SaleState
) -> Decision:
    if request.stock.settings.sale_state not in sources:
        return None, refuse("wrong_state")
    if at_ms is None or at_ms > request.now_ms:
        return None, refuse("wrong_state", "It is not the time yet.")
    return SaleChanged(to), Ok()


def steps(settings: Settings) -> list[tuple[int, OwnStep]]:
    """Return what the sale does by itself and when, the first step first.

    Each step is accepted at its time where the ones before it were, so whoever takes
    those that are due comes to an end.
    """
    state = settings.sale_state
    found: list[tuple[int, OwnStep]] = []
    if state == "scheduled":
        found.append((settings.on_sale_at_ms or 0, OpenSale))
    if state in _CLOSABLE and settings.off_sale_at_ms is not None:
        found.append((settings.off_sale_at_ms, CloseSale))
    if state in _UNFINISHED:
        found.append((completes_ms(settings), CompleteEvent))
    if len(found) > 1:
        found.sort(key=lambda step: step[0])
    return found


def block(request: Request, command: Block) -> Decision:
    """Take free seats and places off sale."""
    return _set_blocked(request, command, FREE)


def unblock(request: Request, command: Unblock) -> Decision:
    """Put blocked seats and places back on sale."""
    return _set_blocked(request, command, BLOCKED)


def blocked(request: Request, command: Blocked) -> Decision:
    """Tell which seats are off sale and why, and change nothing."""
    stock = request.stock
    if not request.system:
        return None, refuse("forbidden", SYSTEM_ONLY)
    groups: dict[str, list[str]] = {}
    for seat, letter in enumerate(stock.letters):
        if letter == BLOCKED:
            label = stock.venue.labels[seat]
            groups.setdefault(stock.reasons.get(seat, ""), []).append(label)
    told = [BlockedSeats(reason or None, seats) for reason, seats in groups.items()]
    return None, BlockedOk(groups=told)


def _set_blocked(request: Request, command: Block | Unblock, now: int) -> Decision:
    """Take free places off sale, or blocked ones back: those that are `now` so."""
    stock = request.stock
    if not request.organizer:
        return None, refuse("forbidden", MANAGERS_ONLY)
    places = places_of(stock, command.seats or [], command.areas or {})
    if isinstance(places, Refused):
        return None, places
    seats, areas = places
    others = [seat for seat in seats if stock.letters[seat] != now]
    if others:
        state, asked = ("free", "blocked") if now == FREE else ("blocked", "unblocked")
        refused = refuse("seat_not_free", f"Only {state} seats can be {asked}.")
        refused.seats = labels_of(stock, others)
        return None, refused
    for area, count in areas.items():
        counts = stock.areas[area]
        left, state = (
            (counts.free, "free") if now == FREE else (counts.blocked, "blocked")
        )
        if left < count:
            return None, no_places(stock, area, left, state)

    reply = TakenOk(seats=labels_of(stock, seats), areas=names_of(stock, areas))
    if isinstance(command, Block):
        return SeatsBlocked(seats, areas, (command.reason or "").strip()), reply
    return SeatsUnblocked(seats, areas), reply
