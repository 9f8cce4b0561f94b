"""Lines and their entries, as the tests of the tables make them."""

from hashlib import sha256
from itertools import count

from persistence.events.line.joining import NewEntry
from persistence.events.line.lines import NewLine

_numbers = count(1)
STUB = b"onsale entry 1\n"


def new_line(event="evt", draw=1, mode="list"):
    return NewLine(
        event, draw, mode, "{}", b"rules", b"commitment", b"seed", order_key=b"key"
    )


def new_entry(user, event="evt", **more):
    entry = f"{event}-{user}-{next(_numbers)}".ljust(24, "0")
    stub = sha256(STUB + entry.encode()).digest()[:16]
    return NewEntry(event, entry, stub, user, **more)


async def opened(lines, event="evt", phase="late"):
    """Open a line by hand."""
    row = await lines.begin(new_line(event))
    return await lines.move(row, phase)
