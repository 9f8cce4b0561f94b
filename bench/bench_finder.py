"""How long the seat finder takes, by how much is sold: `python -m bench.bench_finder`.

A decide is budgeted 50 µs median and 300 µs p99 on 20,000 seats, its search included.
"""

import random
from collections.abc import Callable
from time import perf_counter, perf_counter_ns

from inventory.venue.finder import SeatFinder
from inventory.venue.map import Category, Seat, Venue, VenueMap

ROW_SEATS = 20
ROUNDS = 1_000
SEED = 1

Operation = Callable[[], object]


def arena(seats: int, row_seats: int = ROW_SEATS) -> Venue:
    """Twenty blocks side by side, as deep as it takes.

    Three price levels by row, an accessible seat with a companion's in every tenth row,
    a seat with restricted view in each row of the outermost blocks.
    """
    rows = seats // row_seats
    made: list[Seat] = []
    for row in range(rows):
        block, depth = row % 20, row // 20
        for number in range(row_seats):
            made.append(
                Seat(
                    index=len(made),
                    label=f"B{block}-{depth}-{number}",
                    section=f"B{block}",
                    row=str(depth),
                    number=str(number),
                    category=str(min(2, depth * 3 * 20 // rows)),
                    x=float(block * (row_seats + 3) + number),
                    y=float(depth),
                    accessible=row % 10 == 0 and number == 0,
                    companion=row % 10 == 0 and number == 1,
                    restricted=block in (0, 19) and number == 5,
                )
            )
    categories = [Category(key=str(key), label=f"Level {key}") for key in range(3)]
    return Venue(VenueMap(seats=made, areas=[], categories=categories))


def sold(venue: Venue, share: float, order: str, choose: random.Random) -> SeatFinder:
    """A finder of which this share is sold: seat by seat anywhere, or front first."""
    finder = SeatFinder(venue)
    seats = list(range(len(venue.seats)))
    if order == "random":
        choose.shuffle(seats)
    else:
        seats.sort(key=lambda seat: venue.focal_distances[seat])
    finder.take(seats[: int(len(seats) * share)])
    return finder


def operations(
    venue: Venue, finder: SeatFinder, choose: random.Random
) -> dict[str, Callable[[], Operation]]:
    """What is measured: each makes a call ready, so that only the call is timed."""

    def best(accessible: bool = False) -> Operation:
        quantity, category = choose.randint(1, 6), choose.choice((None, "0", "2"))
        return lambda: finder.best(quantity, category=category, accessible=accessible)

    def large() -> Operation:
        quantity = choose.randint(11, 20)
        return lambda: finder.best(quantity)

    def scattered() -> Operation:
        quantity = choose.randint(2, 10)
        return lambda: finder.scattered(quantity)

    def alternatives() -> Operation:
        quantity, category = choose.randint(1, 6), choose.choice((None, "0", "2"))
        salt = choose.getrandbits(64)
        return lambda: finder.alternatives(quantity, category=category, salt=salt)

    def orphans() -> Operation:
        seats = finder.best(2) or finder.best(1) or []
        return lambda: finder.orphans(seats)

    def change() -> Operation:
        quantity = choose.randint(1, 2)
        windows = finder.alternatives(
            quantity, category=None, salt=choose.getrandbits(64), count=1
        )
        if not windows or choose.random() < 0.5:
            seat = choose.randrange(len(venue.seats))
            if finder.is_free(seat):
                return lambda: finder.take([seat])
            return lambda: finder.free([seat])
        return lambda: finder.take(windows[0])

    return {
        "best of 1-6": best,
        "best, accessible": lambda: best(accessible=True),
        "best of 11-20": large,
        "scattered 2-10": scattered,
        "3 alternatives": alternatives,
        "orphans": orphans,
        "take or free 1-2": change,
    }


def main() -> None:
    """Print one table per size of venue."""
    for seats in (20_000, 100_000):
        venue = arena(seats)
        _ = venue.segments, venue.focal_distances
        begun = perf_counter()
        SeatFinder(venue)
        built_ms = (perf_counter() - begun) * 1_000
        print(f"\n{seats:,} seats, {len(venue.segments):,} segments; ", end="")
        print(f"built in {built_ms:.0f} ms; median / p99 in µs")
        print(f"{'sold':<14}", end="")
        for name in operations(venue, SeatFinder(venue), random.Random(SEED)):
            print(f"{name:>18}", end="")
        print()
        for share in (0.0, 0.5, 0.99):
            for order in ("random", "front") if share else ("",):
                choose = random.Random(SEED)
                finder = sold(venue, share, order, choose)
                print(f"{share:<6.0%}{order:<8}", end="")
                for prepare in operations(venue, finder, choose).values():
                    print(f"{measure(prepare):>18}", end="")
                print(flush=True)


def measure(prepare: Callable[[], Operation]) -> str:
    """Median and p99 of single calls, each with other arguments."""
    taken = []
    for _ in range(ROUNDS):
        operation = prepare()
        begun = perf_counter_ns()
        operation()
        taken.append(perf_counter_ns() - begun)
    taken.sort()
    median, p99 = taken[len(taken) // 2], taken[len(taken) * 99 // 100]
    return f"{median / 1_000:.1f} / {p99 / 1_000:.1f}"


if __name__ == "__main__":
    main()
