"""What the buyers themselves write down: their bookings, and how long answers took."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

PROBLEMS_MAX = 20


class Purchase(Struct, frozen=True):
    """One acknowledged booking."""

    buyer: int
    reference: str
    seats: list[str]
    areas: dict[str, int]


class Ledger:
    """Every booking that a server said `ok` to, and everything odd that was seen.

    The buyers' side of the audit: it is filled from replies alone.
    """

    def __init__(self) -> None:
        self.purchases: dict[str, Purchase] = {}
        self.seats: dict[str, str] = {}
        self.areas: dict[str, int] = {}
        self.problems: list[str] = []
        self.paid = 0
        """What left the buyers' accounts, in the minor unit."""
        self.declined = 0
        """How often a bank said no at first."""
        self.left = 0
        """Orders that were left without paying."""

    @property
    def places(self) -> int:
        """How many seats and places in areas were bought."""
        return len(self.seats) + sum(self.areas.values())

    def complain(self, problem: str) -> None:
        """Write down a broken promise; the first few tell enough."""
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(problem)

    def add(self, buyer: int, reply: dict[str, Any]) -> None:
        """Write down an acknowledged booking."""
        booking = reply["booking"]
        if booking in self.purchases:
            self.complain(f"Booking {booking} was acknowledged twice.")
            return
        self.purchases[booking] = Purchase(
            buyer, reply["reference"], reply["seats"], reply["areas"]
        )
        for seat in reply["seats"]:
            other = self.seats.setdefault(seat, booking)
            if other != booking:
                self.complain(f"Seat {seat} is in two bookings: {other}, {booking}.")
        for area, quantity in reply["areas"].items():
            self.areas[area] = self.areas.get(area, 0) + quantity

    def pay(self, buyer: int, order: dict[str, Any], paid: int) -> None:
        """Write down an order that was paid, and what came of it."""
        self.paid += paid
        if order["status"] not in ("confirmed", "completed"):
            self.complain(f"Order {order['order']} was paid and is {order['status']}.")
            return
        seats = [line["label"] for line in order["lines"] if line["kind"] == "seat"]
        places = [line["label"] for line in order["lines"] if line["kind"] == "place"]
        bought = {
            "booking": order["booking"],
            "reference": order["reference"],
            "seats": seats,
            "areas": dict(Counter(places)),
        }
        self.add(buyer, bought)

    def compare(self, buyer: int, bookings: Iterable[dict[str, Any]]) -> None:
        """Compare one buyer's purchases with what the server says it has."""
        known = {
            booking: (sorted(purchase.seats), purchase.areas)
            for booking, purchase in self.purchases.items()
            if purchase.buyer == buyer
        }
        stated = {b["booking"]: (sorted(b["seats"]), b["areas"]) for b in bookings}
        for booking in known.keys() - stated.keys():
            self.complain(f"Booking {booking} was acknowledged and is gone.")
        for booking in stated.keys() - known.keys():
            self.complain(f"Booking {booking} exists and was never acknowledged.")
        for booking in known.keys() & stated.keys():
            if known[booking] != stated[booking]:
                self.complain(f"Booking {booking} differs from what was acknowledged.")
