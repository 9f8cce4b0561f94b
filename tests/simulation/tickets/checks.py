"""What must be true of tickets, followers and gates once all is at rest."""

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from server.shop.checkin.rules import fold
from tests.simulation.orders.checks import KEPT

if TYPE_CHECKING:
    from inventory.state import Stock
    from tests.simulation.world import World


def check_tickets(world: "World") -> None:
    """Note what is wrong with tickets, by themselves and beside journal and orders."""
    for sentence in world.tickets.is_behind():
        world.violate(f"Not followed to the end: {sentence}")
    for event in world.events:
        stock = world.stock(event)
        if stock is not None:
            _check_live(world, event, stock)
            _check_whose(world, event, stock)
    _check_orders(world)
    _check_codes(world)
    _check_letters(world)
    _check_gates(world)


def _check_live(world: "World", event: str, stock: "Stock") -> None:
    """T1: one ticket that counts for each seat and place that is booked."""
    booked: Counter[tuple[str, str, str]] = Counter()
    for booking in stock.bookings.values():
        for seat in booking.seats:
            booked[booking.booking, "seat", stock.venue.labels[seat]] += 1
        for area, count in booking.areas.items():
            booked[booking.booking, "place", stock.venue.areas[area].label] += count
    for row in world.tables.rows.values():
        # Booked for nobody, so that nobody buys it.
        order = row.stored.state
        booked.subtract(
            (order.booking or "", line.kind, line.label)
            for line in order.lines
            if line.kept and order.event == event
        )
    live: Counter[tuple[str, str, str]] = Counter(
        (one.booking, one.kind, one.label)
        for one in world.tickets.tickets.values()
        if one.event == event and one.state != "revoked"
    )
    for place in [one for one in (*booked, *live) if booked[one] != live[one]]:
        world.violate(
            f"{event}: {booked[place]} of {place} are booked, and have"
            f" {live[place]} tickets"
        )


def _check_whose(world: "World", event: str, stock: "Stock") -> None:
    """T1: a ticket is of the order of its booking, if that is one of the shop's."""
    for one in world.tickets.tickets.values():
        booking = stock.bookings.get(one.booking)
        if one.event != event or booking is None:
            continue
        order = booking.order if booking.by_order else None
        if one.order != order:
            world.violate(f"{one} is of the booking of {order}")


def _check_orders(world: "World") -> None:
    """T1: each live line of an order has its ticket, and no other line has one."""
    lines: Counter[tuple[str, int]] = Counter()
    for name, row in world.tables.rows.items():
        order = row.stored.state
        if order.step in KEPT:
            lines.update(
                (name, one.line)
                for one in order.lines
                if one.kind in ("seat", "place") and one.state == "live"
            )
    tickets = Counter(
        (one.order, one.line)
        for one in world.tickets.tickets.values()
        if one.state != "revoked" and one.order in world.tables.rows
    )
    if lines != tickets:
        world.violate(f"Lines have no ticket, or tickets no line: {lines} {tickets}")


def _check_codes(world: "World") -> None:
    """T2: one generation of a number is good at most, all others are in the list."""
    tables = world.tickets
    numbers = Counter(one.number for one in tables.tickets.values())
    wrong = [number for number, count in numbers.items() if count > 1]
    for one in tables.tickets.values():
        last = one.generation if one.state == "revoked" else one.generation - 1
        listed = {x for number, x in tables.revoked if number == one.number}
        if listed != set(range(1, last + 1)):
            wrong.append(f"{one}: {listed}")
    for sentence in wrong[:3]:
        world.violate(f"Codes of {sentence} are not what is revoked")


def _check_letters(world: "World") -> None:
    """R2: each change has had its effect, once, and in the order of versions."""
    for event in world.events:
        versions = [x for name, x in world.tickets.letters if name == event]
        if any(after != before + 1 for before, after in pairwise([0, *versions])):
            world.violate(f"Effects of {event} are of {versions[:20]}")


def _check_gates(world: "World") -> None:
    """T3, T4: one scan enters, every green is kept, in whatever order they came."""
    gates = world.gates
    for ticket, greens in world.tickets.greens.items():
        seen = gates.seen.get(ticket, set())
        if {one.nonce for one in greens} != seen:
            world.violate(f"Greens of {ticket} are {greens}, and were {seen}")
        folded = fold(greens)
        for other in (greens[::-1], sorted(greens, key=lambda one: one.nonce)):
            if fold(other) != folded:
                world.violate(f"Greens of {ticket} come to another end: {other}")
        kinds = Counter(one.outcome for one in folded.outcomes.values())
        good = sum(not one.revoked for one in greens)
        if kinds["entry"] != min(1, good) or kinds["double_entry"] != max(0, good - 1):
            world.violate(f"{ticket} was entered with as {kinds}")
        if folded.standing != ("in" if good else "never"):
            world.violate(f"{ticket} is {folded.standing} after {good} greens")
        first = min((x for x in greens if not x.revoked), key=_time, default=None)
        if folded.since != first:
            world.violate(f"{ticket} is in since {folded.since}, not {first}")


def _time(green: object) -> tuple[object, str]:
    return green.sort_at, green.nonce  # type: ignore[attr-defined]
