"""One batch in the making: changes applied in memory, and the rows they will write.

Rows are netted: what a batch both sells and frees again never reaches the tables.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from msgspec import msgpack

from inventory.changes import (
    BOOKED,
    CANCELLED,
    CONFIGURED,
    REDUCED,
    TURNS,
    AnyChange,
    BookingCancelled,
    BookingReduced,
    EventConfigured,
    HoldBooked,
    HoldExpired,
    HoldReleased,
    LineFed,
    PlaceLeft,
    SaleChanged,
    Seats,
    TurnEnded,
    TurnGiven,
    TurnGranted,
    WishesRecast,
)
from inventory.line.draw import split
from inventory.pledges import left_of
from inventory.ports import (
    Batch,
    BookingRow,
    Envelope,
    Expiry,
    KeyedResult,
    Ownership,
    Publication,
    ReducedRow,
    TurnNews,
    TurnOver,
)
from inventory.records import Corrupt
from inventory.rules.common import labels_of, lines_of, names_of
from inventory.state import Stock

if TYPE_CHECKING:
    from inventory.replies import Reply

encode = msgpack.Encoder().encode


class BatchBuilder:
    """Applies changes to the stock and collects what their commit writes and tells."""

    __slots__ = (
        "_area_sold",
        "_bookings",
        "_cancelled",
        "_expired",
        "_freed",
        "_ranked",
        "_reduced",
        "_settings_changed",
        "_sold",
        "_turns",
        "_turns_marked",
        "_turns_over",
        "base",
        "changes",
        "prepared",
        "released",
        "results",
        "sent",
        "stock",
    )

    def __init__(self, stock: Stock) -> None:
        self.stock = stock
        self.base = stock.version
        self.sent = False
        self.prepared: list[tuple[Envelope, Reply]] = []
        self.changes: list[AnyChange] = []
        self.results: list[KeyedResult] = []
        self.released = 0
        self._sold: dict[int, str] = {}
        self._freed: dict[int, str] = {}
        self._area_sold: dict[int, int] = {}
        self._bookings: list[BookingRow] = []
        self._cancelled: list[str] = []
        self._reduced: dict[str, ReducedRow] = {}
        self._expired: list[Expiry] = []
        self._settings_changed = False
        self._turns: list[TurnNews] = []
        self._turns_over: list[TurnOver] = []
        self._turns_marked = False
        self._ranked: list[tuple[bytes, int]] = []

    def add(self, change: AnyChange, at_ms: int) -> None:
        """Note what the change writes, then make it happen."""
        note = _NOTES.get(type(change))
        if note is not None:
            note(self, change)
        self.stock.apply(change, at_ms)
        self.changes.append(change)

    def batch(self, ownership: Ownership, batch_id: str, at_ms: int) -> Batch:
        """Return what the commit writes."""
        body = encode(self.changes)
        return Batch(
            base=self.base,
            to=self.stock.version,
            batch_id=batch_id,
            at_ms=at_ms,
            body=body,
            chain=chained(
                ownership.chain,
                ownership.event,
                self.base,
                self.stock.version,
                at_ms,
                body,
            ),
            sold=list(self._sold.items()),
            freed=list(self._freed.items()),
            area_sold={area: n for area, n in self._area_sold.items() if n},
            results=self.results,
            bookings=self._bookings,
            cancelled=self._cancelled,
            settings=self.stock.settings if self._settings_changed else None,
            reduced=list(self._reduced.values()),
            marks=self._marks(),
            ranked=self._ranked,
        )

    def publication(self, ownership: Ownership) -> Publication:
        """Return what the watchers are told after the commit."""
        stock = self.stock
        seats = tuple(dict.fromkeys(stock.touched_seats))
        letters = stock.letters
        publication = Publication(
            event=ownership.event,
            history_id=ownership.history_id,
            epoch=ownership.epoch,
            base=self.base,
            to=stock.version,
            seats=seats,
            letters=bytes([letters[seat] for seat in seats]),
            areas={i: stock.areas[i].counts() for i in stock.touched_areas},
            settings=stock.settings if self._settings_changed else None,
            expired=self._expired,
            marks=self._marks(),
            turns=self._turns,
            turns_over=self._turns_over,
        )
        stock.touched_seats.clear()
        stock.touched_areas.clear()
        return publication

    def _marks(self) -> int:
        """Return which `MARKS` the changes have: all of these have left a note."""
        return (
            (BOOKED if self._bookings else 0)
            | (CANCELLED if self._cancelled else 0)
            | (REDUCED if self._reduced else 0)
            | (CONFIGURED if self._settings_changed else 0)
            | (TURNS if self._turns_marked else 0)
        )

    def _note_booked(self, change: HoldBooked) -> None:
        stock = self.stock
        hold = stock.holds[change.hold]
        self._sell(hold.seats, change.booking)
        if hold.areas:
            self._add_area_sold(hold.areas, 1)
        self._bookings.append(
            BookingRow(
                change.booking,
                change.reference,
                hold.user,
                change.order,
                stock.version + 1,
                labels_of(stock, hold.seats),
                names_of(stock, hold.areas),
                lines_of(stock, hold),
            )
        )

    def _sell(self, seats: Seats, booking: str) -> None:
        """Note seats as sold; the table, which sees the last one, cannot tell twice."""
        sold = self._sold
        for seat in seats:
            if seat in sold:
                raise Corrupt(f"seat {seat} is sold twice within one batch")
            sold[seat] = booking

    def _note_cancelled(self, change: BookingCancelled) -> None:
        booking = self.stock.bookings[change.booking]
        self._unsell(booking.seats, change.booking)
        self._add_area_sold(booking.areas, -1)
        self._cancelled.append(change.booking)

    def _note_reduced(self, change: BookingReduced) -> None:
        """Note what is left of a booking; of several parts the last one tells."""
        stock = self.stock
        left = left_of(stock.bookings[change.booking], change)
        self._unsell(change.seats, change.booking)
        self._add_area_sold(change.areas, -1)
        self._reduced[change.booking] = ReducedRow(
            change.booking,
            labels_of(stock, left.seats),
            names_of(stock, left.areas),
            lines_of(stock, left),
        )

    def _unsell(self, seats: Seats, booking: str) -> None:
        """Note seats as freed, but for those that were sold in this batch."""
        for seat in seats:
            if self._sold.get(seat) == booking:
                del self._sold[seat]
            else:
                self._freed[seat] = booking

    def _note_expired(self, change: HoldExpired) -> None:
        stock = self.stock
        hold = stock.holds[change.hold]
        self._expired.append(
            Expiry(
                hold.user,
                hold.token,
                labels_of(stock, hold.seats),
                names_of(stock, hold.areas),
            )
        )

    def _note_released(self, change: HoldReleased) -> None:
        self.released += 1

    def _note_settings(self, change: EventConfigured | SaleChanged) -> None:
        self._settings_changed = True

    def _note_turn(self, change: TurnGiven) -> None:
        stock, prices = self.stock, change.prices
        self._turns_marked = True
        self._turns.append(
            TurnNews(
                change.user,
                change.rank,
                change.because,
                change.until_ms,
                change.hold,
                labels_of(stock, change.seats),
                names_of(stock, change.areas),
                None if prices is None else prices.total(),
                change.deadline_ms,
            )
        )

    def _note_turn_over(self, change: TurnEnded) -> None:
        self._turns_marked = True
        self._turns_over.append(TurnOver(change.user, change.rank, change.why))

    def _note_for_followers(
        self, change: TurnGranted | WishesRecast | PlaceLeft
    ) -> None:
        self._turns_marked = True

    def _note_fed(self, change: LineFed) -> None:
        """Note the ranks of late entries; the others have theirs by the draw."""
        if change.step is not None:
            stubs = split(change.stubs)
            self._ranked += [
                (stub, rank) for rank, stub in enumerate(stubs, change.first_rank)
            ]

    def _add_area_sold(self, areas: dict[int, int], sign: int) -> None:
        for area, count in areas.items():
            self._area_sold[area] = self._area_sold.get(area, 0) + sign * count


_NOTES: dict[type, Callable[[BatchBuilder, Any], None]] = {
    HoldBooked: BatchBuilder._note_booked,
    BookingCancelled: BatchBuilder._note_cancelled,
    BookingReduced: BatchBuilder._note_reduced,
    HoldExpired: BatchBuilder._note_expired,
    HoldReleased: BatchBuilder._note_released,
    EventConfigured: BatchBuilder._note_settings,
    SaleChanged: BatchBuilder._note_settings,
    TurnGiven: BatchBuilder._note_turn,
    TurnEnded: BatchBuilder._note_turn_over,
    TurnGranted: BatchBuilder._note_for_followers,
    WishesRecast: BatchBuilder._note_for_followers,
    PlaceLeft: BatchBuilder._note_for_followers,
    LineFed: BatchBuilder._note_fed,
}


def chained(
    chain: bytes, event: str, base: int, to: int, at_ms: int, body: bytes
) -> bytes:
    """Return the journal's hash chain after this batch: what happened, where and when.

    Packed together, so that no two batches are the same bytes. `epoch` and `batch_id`
    are left out: who wrote it says nothing about what became of a seat.
    """
    return sha256(encode((chain, event, base, to, at_ms, body))).digest()
