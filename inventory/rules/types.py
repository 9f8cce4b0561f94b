"""What an order sells its seats and places as: reduced prices and others, by type."""

from collections import Counter

from inventory.commands import Priced, Types
from inventory.prices import Kinds, Prices, Run
from inventory.records import HoldRecord
from inventory.replies import Refused, refuse
from inventory.settings import PriceType
from inventory.state import Stock

Sorted = tuple[tuple[Run, ...], Kinds]
"""The runs of a hold, each of one type, and the types of its seats and of those."""


def sort(
    stock: Stock, hold: HoldRecord, plain: Prices, types: Types
) -> Sorted | Refused:
    """Return what each seat and place of a hold is to be sold as.

    Of an area's places those that were added first have the type that is named first.
    Refuses labels that the hold has not; whether there is such a type is not asked.
    """
    venue = stock.venue
    seats: list[str | None] = [None] * len(hold.seats)
    wanted: dict[int, dict[str, int]] = {}
    unknown: list[str] = []
    short = False
    for label, of in types.items():
        if isinstance(of, str):
            seat = venue.seat_index.get(label)
            if seat in hold.seats:
                seats[hold.seats.index(seat)] = of
            else:
                unknown.append(label)
        else:
            area = venue.area_index.get(label)
            if area is not None and hold.areas.get(area, 0) >= sum(of.values()):
                wanted[area] = dict(of)
            else:
                short = True
    if unknown:
        refused = refuse("seat_not_found", "The hold has no such seat.")
        refused.seats = unknown
        return refused
    if short:
        return refuse("area_not_found", "The hold has fewer places there.")
    runs, areas = _split(plain.areas, wanted)
    return runs, Kinds(tuple(seats), areas)


def _split(
    plain: tuple[Run, ...], wanted: dict[int, dict[str, int]]
) -> tuple[tuple[Run, ...], tuple[str | None, ...]]:
    """Cut runs so that each is of one type; what is left over is of none."""
    runs: list[Run] = []
    kinds: list[str | None] = []
    for area, places, each in plain:
        left, asked = places, wanted.get(area, {})
        for kind in [*asked]:
            count = min(left, asked[kind])
            asked[kind] -= count
            left -= count
            if not asked[kind]:
                del asked[kind]
            if count:
                runs.append((area, count, each))
                kinds.append(kind)
        if left:
            runs.append((area, left, each))
            kinds.append(None)
    return tuple(runs), tuple(kinds)


def as_before(
    stock: Stock, hold: HoldRecord, plain: Prices, lines: list[Priced]
) -> tuple[Prices, Kinds] | Refused:
    """Return what a hold costs an order that was told so before, line by line.

    Refuses where the hold is not of just these seats and places.
    """
    labels = stock.venue.labels
    index = stock.venue.area_index
    of_seats = {line.label: line for line in lines if line.label not in index}
    mine = [labels[seat] for seat in hold.seats]
    if len(of_seats) != len(mine) or not of_seats.keys() >= set(mine):
        refused = refuse("seat_not_found", "The hold is of other seats.")
        refused.seats = sorted(of_seats.keys() ^ set(mine))
        return refused
    of_areas = [line for line in lines if line.label not in of_seats]
    counted = Counter(index[line.label] for line in of_areas)
    if counted != hold.areas or len(of_seats) + len(of_areas) != len(lines):
        return refuse("area_not_found", "The hold is of other places.")
    runs = Counter((index[line.label], line.amount, line.type) for line in of_areas)
    seats = [of_seats[label] for label in mine]
    prices = Prices(
        plain.currency,
        tuple([line.amount for line in seats]),
        tuple([(area, count, each) for (area, each, _), count in runs.items()]),
    )
    kinds = Kinds(
        tuple([line.type for line in seats]), tuple([kind for _, _, kind in runs])
    )
    return prices, kinds


def reprice(
    stock: Stock, hold: HoldRecord, plain: Prices, found: Sorted
) -> Prices | Refused:
    """Return what a hold costs where its seats and places are of these types.

    A type costs what it does now, and what the holder was told where it says nothing of
    the category. What was held while nothing had a price goes on to cost nothing.
    Refuses more of a type than one order may have.
    """
    venue, types = stock.venue, stock.settings.types
    runs, kinds = found
    named = {kind for kind in (*kinds.seats, *kinds.areas) if kind is not None}
    missing = sorted(named - types.keys())
    if missing:
        return refuse("type_not_found", f"There is no type {missing[0]!r}.")
    for kind, has in _counted(runs, kinds).items():
        most = types[kind].max_per_order
        if type(most) is int and has > most:
            detail = f"One order may have {most} of type {kind!r}."
            return refuse("type_limit", detail)

    def amount(kind: str | None, category: str, usual: int) -> int:
        if kind is None or plain.currency is None:
            return usual
        return _amount_of(types[kind], category, plain.currency, usual)

    seats = zip(kinds.seats, hold.seats, plain.seats, strict=True)
    areas = zip(kinds.areas, runs, strict=True)
    return Prices(
        plain.currency,
        tuple([amount(kind, venue.seats[s].category, each) for kind, s, each in seats]),
        tuple(
            [
                (area, count, amount(kind, venue.areas[area].category, each))
                for kind, (area, count, each) in areas
            ]
        ),
    )


def _counted(runs: tuple[Run, ...], kinds: Kinds) -> Counter[str]:
    """Return how many seats and places there are of each type."""
    counts = Counter(kind for kind in kinds.seats if kind is not None)
    for kind, (_, count, _) in zip(kinds.areas, runs, strict=True):
        if kind is not None:
            counts[kind] += count
    return counts


def _amount_of(kind: PriceType, category: str, currency: str, usual: int) -> int:
    money = kind.prices.get(category)
    return usual if money is None or money.currency != currency else money.amount
