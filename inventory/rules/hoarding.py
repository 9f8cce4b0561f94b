"""Rules against hoarding: what one network may hold, and what is closed for a while.

They are for commands that come with an `origin`; who runs the event, and the system,
come without one. What they refuse may be had later: `held_too_often`.
"""

from collections.abc import Iterable
from typing import Final

from inventory import limits
from inventory.changes import Seats
from inventory.records import HoldRecord
from inventory.replies import Refused, refuse
from inventory.rules.common import Request, labels_of

Closed = dict[int, int]
"""Until when places are closed: seats by their index, areas by -1 less theirs."""

NOTHING: Final[Closed] = {}
"""What is closed to nearly everybody; never added to."""

_CROWDED: Final = (
    "As much is held from your network as one may hold; try again when some of that is"
    " booked, or a minute after it was let go."
)
_CLOSED: Final = "This was taken and let go too often; for a while it is for others."


def refuse_hoarding(
    request: Request,
    hold: HoldRecord | None,
    quantity: int,
    seats: Seats,
    areas: Iterable[int],
) -> Refused | None:
    """Refuse places that others should have first; the request has an origin."""
    refused = refuse_crowded(request, hold, quantity)
    if refused is not None:
        return refused
    closed = closed_to(request)
    if not closed:
        return None
    named = [seat for seat in seats if seat in closed]
    places = named + [-1 - area for area in areas if -1 - area in closed]
    return refuse_until(request, closed, places, named) if places else None


def refuse_crowded(
    request: Request, hold: HoldRecord | None, quantity: int
) -> Refused | None:
    """Refuse more than one network may hold; what it let go counts a while longer.

    Whatever one booking may have can be held when nothing else is. The request has an
    origin.
    """
    stock = request.stock
    origin = request.origin if hold is None else hold.origin
    network = stock.hoarding.networks.get(origin or "")
    if network is None:
        return None
    settings = stock.settings
    most = max(settings.max_held_per_network, settings.max_per_booking)
    if network.held + network.gone + quantity <= most:
        return None
    counted = stock.hoarding.counted(network, request.now_ms)
    if counted + quantity <= most:
        return None
    refused = refuse("held_too_often", _CROWDED)
    refused.retry_after_ms = limits.CROWDED_RETRY_MS
    refused.limit, refused.has = most, counted
    return refused


def refuse_until(
    request: Request, closed: Closed, places: Iterable[int], seats: Iterable[int] = ()
) -> Refused:
    """Refuse what is closed, and tell when it is not any more."""
    refused = refuse("held_too_often", _CLOSED)
    until_ms = max(closed.get(place, 0) for place in places)
    refused.retry_after_ms = max(1, until_ms - request.now_ms)
    labels = labels_of(request.stock, seats)
    if labels:
        refused.seats = labels
    return refused


def closed_to(request: Request) -> Closed:
    """Return what is closed just now to a caller that has an origin: mostly nothing."""
    hoarding = request.stock.hoarding
    now_ms = request.now_ms
    closed = NOTHING
    for memory in (
        hoarding.by_user.of(request.user),
        hoarding.by_network.of(request.origin or ""),
    ):
        if memory is not None and memory.closed_until_ms > now_ms:
            closed = dict(closed)
            for place, one in memory.places.items():
                if one.closed_until_ms > now_ms:
                    closed[place] = max(one.closed_until_ms, closed.get(place, 0))
    return closed
