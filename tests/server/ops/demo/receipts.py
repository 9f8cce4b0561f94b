"""What an audit says of the events of the demos' tests."""

from collections.abc import Iterable
from datetime import UTC, datetime

from persistence.journal.audit import Counts, Digest, Receipt


def receipt_of(
    *,
    seats: int,
    places: int,
    bookings: int,
    version: int,
    ok: bool = True,
    differences: Iterable[str] = (),
) -> Receipt:
    """Return the receipt of an event of which so much was sold."""

    def counts(booked: int) -> Counts:
        return Counts(free=0, held=0, booked=booked, blocked=0)

    return Receipt(
        event="e",
        name="n",
        ok=ok,
        history_id="h",
        epoch=1,
        version=version,
        replayed_to=version,
        batches=1,
        counts=counts(seats + places),
        seats=counts(seats),
        places=counts(places),
        holds=0,
        bookings=bookings,
        seats_booked=seats,
        revenue=[],
        digest=Digest(state="s", chain="c", origin="o"),
        differences=list(differences),
        audited_at=datetime.now(UTC),
    )
