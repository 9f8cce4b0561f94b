"""What the witness knows of refusals without asking the rules again."""

from msgspec import UNSET

from inventory import commands as c
from inventory import limits
from inventory.records import FREE
from inventory.replies import Refused
from inventory.state import Stock
from tests.checkers.history import Operation


def lists_taken(stock: Stock, operation: Operation, reply: Refused) -> bool:
    """Check a refusal of taken seats by its facts: its alternatives are free.

    Searching them again is what takes the time; it is done for one in a few, and for
    all of which this check does not know better.
    """
    command = operation.command
    if type(command) is not c.Hold or command.hold or command.areas:
        return False
    user = stock.users.get(operation.user)
    labels, settings = command.seats or [], stock.settings
    count = len(labels)
    if settings.sale_state != "on_sale" or count > settings.max_per_booking:
        return False
    if (user.count if user else 0) + count > settings.max_per_user:
        return False
    if operation.origin is not None and _may_hoard(stock, operation, count):
        return False
    letters, index = stock.letters, stock.venue.seat_index
    others = reply.alternatives
    return (
        reply.seats == [x for x in labels if letters[index[x]] != FREE]
        and others is not UNSET
        and all(
            len(set(window)) == count and all(letters[index[x]] == FREE for x in window)
            for window in others
        )
    )


def _may_hoard(stock: Stock, operation: Operation, count: int) -> bool:
    """Return whether the rules against hoarding might have had a word before."""
    hoarding, settings = stock.hoarding, stock.settings
    network = hoarding.networks.get(operation.origin or "")
    most = max(settings.max_held_per_network, settings.max_per_booking)
    return (
        (network is not None and network.held + network.gone + count > most)
        or hoarding.by_user.of(operation.user) is not None
        or hoarding.by_network.of(operation.origin or "") is not None
    )


def openings(
    stock: Stock, operation: Operation, now_ms: int, latest_ms: int
) -> list[int]:
    """Return now, and the moments until `latest_ms` at which something opens to it."""
    hoarding = stock.hoarding
    hold = stock.holds.get(getattr(operation.command, "hold", None) or "")
    ends = {now_ms}
    for origin in {operation.origin, hold and hold.origin}:
        network = hoarding.networks.get(origin or "")
        lately = [] if network is None else network.lately
        ends.update(at_ms + limits.LET_GO_COUNTS_MS for at_ms, _ in lately)
    for memory in (
        hoarding.by_user.of(operation.user),
        hoarding.by_network.of(operation.origin or ""),
    ):
        if memory is not None:
            ends.update(one.closed_until_ms for one in memory.places.values())
    return sorted(end for end in ends if now_ms <= end <= latest_ms)
