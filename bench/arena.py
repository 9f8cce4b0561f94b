"""A generated arena, and the holds that buy it out two neighbours at a time.

Every server of a run gets the same arena and the same frames. Each connection has seats
of its own, so that every hold can be accepted: what is measured is the server's work,
not who was faster. Connections take turns over the arena, so that all of them are busy
in all of it, as buyers are.
"""

from collections.abc import Iterator

SEATS_PER_ROW = 50
ROWS_PER_SECTION = 40
CATEGORY = "1"

assert SEATS_PER_ROW % 2 == 0, "a pair of neighbours never spans two rows"


def label_of(index: int) -> str:
    """Return the label of a seat, `SECTION-ROW-NUMBER`."""
    row, place = divmod(index, SEATS_PER_ROW)
    section, row = divmod(row, ROWS_PER_SECTION)
    return f"{101 + section}-{row + 1}-{place + 1}"


def build_map(seats: int) -> dict[str, object]:
    """Describe the arena in our own map format; the server derives the places."""
    names = (label_of(index).split("-") for index in range(seats))
    return {
        "categories": [{"key": CATEGORY}],
        "seats": [
            {"section": section, "row": row, "number": number, "category": CATEGORY}
            for section, row, number in names
        ],
    }


def holds_per_connection(seats: int, per_hold: int, connections: int) -> int:
    """How many holds each connection can make in one event."""
    return seats // per_hold // connections


def seats_of(
    connection: int, connections: int, seats: int, per_hold: int
) -> Iterator[list[str]]:
    """Yield the labels of each hold that a connection makes in one event."""
    for turn in range(holds_per_connection(seats, per_hold, connections)):
        first = (turn * connections + connection) * per_hold
        yield [label_of(index) for index in range(first, first + per_hold)]
