"""What the buyers' process tells the demo: JSON lines, of which the last is final."""

from msgspec import Struct


class Report(Struct, kw_only=True):
    """How the sale stands, as the buyers see it."""

    elapsed_s: float
    free: int
    held: int
    booked: int
    bookings: int
    commands: int
    commands_per_s: float
    p50_ms: float
    p99_ms: float
    refused: int
    retries: int
    connected: int


class Final(Struct, kw_only=True):
    """The buyers' own records, when all is sold or they gave up."""

    report: Report
    sold_out: bool
    capacity: int
    seats: int
    places_in_areas: int
    bookings: int
    paid: int
    """What left the buyers' accounts, in the minor unit of the event's currency."""
    declined: int
    left: int
    watchers: int
    gaps: int
    version: int
    problems: list[str]

    @property
    def places(self) -> int:
        """Seats and places in areas that were bought."""
        return self.seats + self.places_in_areas
