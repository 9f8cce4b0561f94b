"""What several rules need: who asks, their holds, and labels for indexes."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

from inventory.changes import AnyChange, Seats
from inventory.ports import BookedLines, Ids
from inventory.prices import Prices, Run
from inventory.records import BookingRecord, HoldRecord
from inventory.replies import Refused, Reply, refuse
from inventory.settings import Money, SaleState
from inventory.state import Stock

Decision = tuple[AnyChange | None, Reply]


class Request:
    """One command with who asks it, when, and where new names come from.

    The system asks in the name of a user, of whom it has the holds and bookings.
    """

    __slots__ = ("ids", "now_ms", "organizer", "origin", "stock", "system", "user")

    def __init__(
        self,
        stock: Stock,
        user: str,
        organizer: bool,
        now_ms: int,
        ids: Ids,
        origin: str | None = None,
        system: bool = False,
    ) -> None:
        self.stock = stock
        self.user = user
        self.organizer = organizer
        self.system = system
        self.origin = origin
        self.now_ms = now_ms
        self.ids = ids


def closed(state: SaleState) -> Refused | None:
    """Return why nothing new can be held now."""
    if state == "on_sale":
        return None
    if state in ("draft", "scheduled"):
        return refuse("sale_not_open")
    return refuse("sale_paused" if state == "paused" else "sale_closed")


def own_hold(request: Request, token: str) -> HoldRecord | Refused:
    """Find a hold of the caller; somebody else's is not found."""
    stock = request.stock
    hold = stock.holds.get(token)
    if hold is not None and hold.user == request.user:
        return hold
    if stock.expired.get(token) == request.user:
        return refuse("hold_expired")
    return refuse("hold_not_found")


def loose_hold(request: Request, token: str) -> HoldRecord | Refused:
    """Find a hold of the caller that no order has."""
    hold = own_hold(request, token)
    if type(hold) is not Refused and hold.pledge is not None and hold.order is not None:
        return refuse("hold_pledged")
    return hold


def has_booked(stock: Stock, user: str, but: str | None = None) -> bool:
    """Return whether a user has the one booking that the event allows.

    A hold that an order has is as good as one, all `but` the named.
    """
    if not stock.settings.one_booking_per_user:
        return False
    record = stock.users.get(user)
    if record is None:
        return False
    return bool(record.bookings) or any(
        stock.holds[token].order is not None for token in record.holds if token != but
    )


def places_of(
    stock: Stock, labels: list[str], wanted: dict[str, int]
) -> tuple[Seats, dict[int, int]] | Refused:
    """Turn labels into indexes."""
    seats = seats_of(stock, labels)
    if type(seats) is Refused:
        return seats
    areas = areas_of(stock, wanted)
    if type(areas) is Refused:
        return areas
    return seats, areas


def seats_of(stock: Stock, labels: list[str]) -> Seats | Refused:
    """Turn labels of seats into indexes."""
    index = stock.venue.seat_index
    try:
        return tuple([index[label] for label in labels])
    except KeyError:
        refused = refuse("seat_not_found")
        refused.seats = [label for label in labels if label not in index]
        return refused


def areas_of(stock: Stock, wanted: dict[str, int]) -> dict[int, int] | Refused:
    """Turn labels of areas into indexes."""
    venue = stock.venue
    areas = {}
    for label, count in wanted.items():
        index = venue.area_index.get(label)
        if index is None:
            return refuse("area_not_found", f"There is no area {label!r}.")
        areas[index] = count
    return areas


def no_places(stock: Stock, area: int, left: int, state: str) -> Refused:
    """Refuse more places of an area than are `left` in a state, as in "free"."""
    label = stock.venue.areas[area].label
    refused = refuse("not_enough_seats", f"{label} has {left} {state} places.")
    if state == "free":
        refused.free = left
    return refused


def labels_of(stock: Stock, seats: Iterable[int]) -> list[str]:
    """Turn seat indexes into labels."""
    labels = stock.venue.labels
    return [labels[seat] for seat in seats]


def names_of(stock: Stock, areas: dict[int, int]) -> dict[str, int]:
    """Turn area indexes into labels."""
    if not areas:
        return {}
    return {stock.venue.areas[index].label: count for index, count in areas.items()}


def price(stock: Stock, seats: Seats, areas: dict[int, int]) -> Prices:
    """Return what these seats and places cost now."""
    amounts, currency = stock.amounts()
    runs: tuple[Run, ...] = ()
    if areas:
        prices, drawn = stock.settings.prices, stock.venue.areas
        runs = tuple(
            [
                (area, count, _amount_of(prices, drawn[area].category))
                for area, count in areas.items()
            ]
        )
    each = tuple([amounts[seat] for seat in seats])
    return Prices(currency, each, runs)


def _amount_of(prices: dict[str, Money], category: str) -> int:
    money = prices.get(category)
    return 0 if money is None else money.amount


def agree(shown: Money, total: Money | None) -> bool:
    """Return whether a buyer was shown this total; nothing at all may be shown as 0."""
    return shown.amount == 0 if total is None else shown == total


def told(stock: Stock, hold: HoldRecord | BookingRecord) -> Prices:
    """Return what a hold costs: as its holder was told, where it keeps that."""
    return hold.prices or price(stock, hold.seats, hold.areas)


def lines_of(stock: Stock, hold: HoldRecord | BookingRecord) -> BookedLines:
    """Return what the seats and places of a hold or a booking are and cost."""
    venue, prices = stock.venue, told(stock, hold)
    drawn = venue.seat_categories
    places: list[tuple[str, str, int, int]] = []
    if prices.areas:
        areas = venue.areas
        places = [
            (areas[area].label, areas[area].category, count, each)
            for area, count, each in prices.areas
        ]
    categories = [drawn[seat] for seat in hold.seats]
    return BookedLines(prices.currency, categories, prices.seats, places)


@lru_cache(maxsize=256)
def rfc3339(ms: int) -> str:
    """Write a time as clients read it, in UTC.

    Remembered, because the holds of one batch end at the same millisecond.
    """
    text = datetime.fromtimestamp(ms / 1_000, UTC).isoformat(timespec="milliseconds")
    return text[:-6] + "Z"
