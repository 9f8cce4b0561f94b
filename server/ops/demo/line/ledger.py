"""What the people in the line write down beside their bookings."""

from server.ops.demo.ledger import Ledger, Purchase


class LineLedger(Ledger):
    """Bookings that may be given back, and what became of places in the line."""

    def __init__(self) -> None:
        super().__init__()
        self.joined = 0
        self.entrants = 0
        self.turns = 0
        self.wishes = 0
        self.slept = 0
        self.reloaded = 0
        self.given_on = 0
        self.returned_ms: list[float] = []

    def give_back(self, booking: str) -> Purchase:
        """Strike out a booking, before the server is asked to cancel it.

        Afterwards it may be somebody else's at once.
        """
        purchase = self.purchases.pop(booking)
        for seat in purchase.seats:
            del self.seats[seat]
        for area, quantity in purchase.areas.items():
            self.areas[area] -= quantity
        return purchase

    def quantile_ms(self, share: float) -> float | None:
        """Return how long it took until the next was told; None where nobody was."""
        times = sorted(self.returned_ms)
        return times[min(len(times) - 1, int(share * len(times)))] if times else None
