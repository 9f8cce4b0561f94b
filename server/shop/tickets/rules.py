"""What tickets a booking should have, beside those it has. Pure.

It looks at what is left of a booking and not at what became of it: so whoever follows
the journal may be late, or begin anew, and ends with the same tickets.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from persistence.shop.tickets.booked import Left
from persistence.shop.tickets.register import Kind, LiveTicket, State

GIVEN_FIRST: Final[tuple[State, ...]] = ("locked", "valid", "offered")
"""Of places that are alike, which goes first: the one that is being given back."""


class Due(Struct, frozen=True):
    """A ticket that is to be issued."""

    booking: str
    user: str
    kind: Kind
    label: str
    category: str | None


class Plan(Struct, frozen=True):
    """What makes the tickets of bookings right: first these go, then those come."""

    revoke: list[str]
    issue: list[Due]


def settle(bookings: Iterable[Left], live: Iterable[LiveTicket]) -> Plan:
    """Return what is to be done so that each seat and place left has one ticket.

    `live` are all tickets of these bookings that are not revoked.
    """
    having: defaultdict[str, list[LiveTicket]] = defaultdict(list)
    for ticket in live:
        having[ticket.booking].append(ticket)
    revoke: list[str] = []
    issue: list[Due] = []
    for left in bookings:
        _settle_seats(left, having[left.booking], revoke, issue)
        _settle_places(left, having[left.booking], revoke, issue)
    return Plan(revoke, issue)


def _settle_seats(
    left: Left, having: list[LiveTicket], revoke: list[str], issue: list[Due]
) -> None:
    seats = dict(left.seats)
    there = {one.label for one in having if one.kind == "seat"}
    revoke += [
        one.ticket for one in having if one.kind == "seat" and one.label not in seats
    ]
    issue += [
        Due(left.booking, left.user, "seat", label, category)
        for label, category in left.seats
        if label not in there
    ]


def _settle_places(
    left: Left, having: list[LiveTicket], revoke: list[str], issue: list[Due]
) -> None:
    """Places of one area are alike: only how many there are has to be right."""
    places: defaultdict[str, list[LiveTicket]] = defaultdict(list)
    for one in having:
        if one.kind == "place":
            places[one.label].append(one)
    wanted: Counter[str] = Counter()
    categories: dict[str, str | None] = {}
    for label, category, count in left.areas:
        wanted[label] += count
        categories[label] = category
    for label, there in places.items():
        there.sort(key=lambda one: (GIVEN_FIRST.index(one.state), -one.made))
        revoke += [one.ticket for one in there[: max(0, len(there) - wanted[label])]]
    for label, count in wanted.items():
        missing = max(0, count - len(places[label]))
        due = Due(left.booking, left.user, "place", label, categories[label])
        issue += [due] * missing
