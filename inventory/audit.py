"""Replaying a whole journal with suspicion: what is wrong with it, in sentences.

The rules behind the changes are not asked again, but what they promise is checked where
the journal alone can tell: limits per user, and that no hold ended before its time.
"""

from msgspec import MsgspecError, Struct

from inventory import limits
from inventory.batch import chained
from inventory.changes import (
    AnyChange,
    BookingCancelled,
    BookingReduced,
    HoldBooked,
    HoldExpired,
    HoldExtended,
    SeatsHeld,
    TurnGiven,
)
from inventory.loading import decode_changes
from inventory.ports import BookingRow, JournalRow, ReducedRow
from inventory.records import Corrupt, HoldRecord
from inventory.rules.common import labels_of, lines_of, names_of, told
from inventory.settings import Money, Settings, Sum
from inventory.snapshot import decode_snapshot
from inventory.state import Stock
from inventory.venue.map import Venue


class Differences:
    """Sentences about what is wrong: all are counted, and the first ones kept."""

    def __init__(self) -> None:
        self.count = 0
        self._sentences: list[str] = []

    def add(self, sentence: str) -> None:
        """Note a difference."""
        self.count += 1
        if self.count <= limits.DIFFERENCES_MAX:
            self._sentences.append(sentence)

    def sentences(self) -> list[str]:
        """Return what was noted, and how much more there was."""
        more = self.count - len(self._sentences)
        return self._sentences + ([f"And {more} more differences."] if more else [])


class CheckedSnapshot(Struct):
    """A stored snapshot that is to equal the replay at its version."""

    version: int
    body: bytes
    checked: bool = False


class Replay:
    """One event's journal, row by row from version 0.

    Where a row cannot be applied `stock` stays what it was (`broken`); the rows behind
    are still checked for holes and for their hash chain.
    """

    def __init__(
        self,
        event: str,
        venue: Venue,
        first_settings: Settings,
        differences: Differences,
        snapshot: CheckedSnapshot | None = None,
    ) -> None:
        self.event = event
        self.stock = Stock(venue, first_settings)
        self.differences = differences
        self.snapshot = snapshot
        self.broken = False
        self.batches = 0
        self.version = 0
        self.chain = b""
        self.epoch = 0
        self.at_ms = 0
        self.paid: dict[str, Money] = {}
        """What the live bookings cost when they were made, where there were prices."""
        self.booked: list[BookingRow] = []
        """The bookings that the rows made; whoever compares them empties it."""
        self.reduced: dict[str, ReducedRow] = {}
        """What is left of those that gave back a part."""

    def read(self, row: JournalRow, epoch: int) -> None:
        """Check one row against the one before it, and apply it."""
        add = self.differences.add
        where = f"The journal's batch to version {row.to}"
        if row.base != self.version:
            add(
                f"{where} follows {row.base}, and the batch before ends at"
                f" {self.version}."
            )
            self.broken = True
        chain = chained(self.chain, self.event, row.base, row.to, row.at_ms, row.body)
        if row.chain != chain:
            add(f"{where} breaks the hash chain.")
        if epoch < self.epoch:
            add(f"{where} is of epoch {epoch}, after one of epoch {self.epoch}.")
        if row.at_ms < self.at_ms:
            add(f"{where} is older than the batch before it.")
        self.batches += 1
        self.version, self.chain = row.to, row.chain
        self.epoch, self.at_ms = max(epoch, self.epoch), max(row.at_ms, self.at_ms)
        if not self.broken:
            self._apply(row, where)
        snapshot = self.snapshot
        if snapshot is not None and snapshot.version == self.stock.version:
            self._check_snapshot(snapshot)

    def _apply(self, row: JournalRow, where: str) -> None:
        stock = self.stock
        try:
            for change in decode_changes(row.body):
                self._before(change, row.at_ms)
                stock.apply(change, row.at_ms)
                if type(change) is SeatsHeld or type(change) is TurnGiven:
                    self._check_limit(change.user)
                elif type(change) is BookingReduced:
                    self._reduce(change)
        except Corrupt as error:
            self.differences.add(f"{where} cannot be applied: {error}.")
            self.broken = True
        except (LookupError, ValueError, MsgspecError) as error:
            # Their messages may hold the token of a hold, which is a secret.
            name = type(error).__name__
            self.differences.add(f"{where} cannot be applied: {name}.")
            self.broken = True
        if stock.version != row.to and not self.broken:
            self.differences.add(f"{where} ends at version {stock.version}.")
            self.broken = True
        stock.touched_seats.clear()
        stock.touched_areas.clear()

    def _before(self, change: AnyChange, at_ms: int) -> None:
        """Look at what the change is about to end."""
        stock = self.stock
        version = stock.version + 1
        if isinstance(change, HoldBooked):
            hold = stock.holds[change.hold]
            self._price(change, hold, version)
            self.booked.append(
                BookingRow(
                    change.booking,
                    change.reference,
                    hold.user,
                    change.order,
                    version,
                    labels_of(stock, hold.seats),
                    names_of(stock, hold.areas),
                    lines_of(stock, hold),
                )
            )
        elif isinstance(change, BookingCancelled):
            self.paid.pop(change.booking, None)
        elif isinstance(change, HoldExpired):
            hold = stock.holds[change.hold]
            over = stock.settings.sale_state == "cancelled"
            if hold.deadline_ms > at_ms and not over:
                self.differences.add(
                    f"Version {version} ends a hold of user {hold.user}"
                    f" {hold.deadline_ms - at_ms} ms before its time."
                )

        elif isinstance(change, HoldExtended):
            self._check_life(change, stock.holds[change.hold])

    def _check_life(self, change: HoldExtended, hold: HoldRecord) -> None:
        """No hold outlives twice the event's hold length, unless an order has it."""
        life_ms = limits.HOLD_LIFE_FACTOR * self.stock.settings.hold_ttl_s * 1_000
        last_ms = max(hold.deadline_ms, hold.created_ms + life_ms)
        if change.deadline_ms > last_ms:
            self.differences.add(
                f"Version {self.stock.version + 1} lets a hold of user {hold.user} last"
                f" {change.deadline_ms - last_ms} ms too long."
            )

    def _reduce(self, change: BookingReduced) -> None:
        """Note what is left of a booking, and what that costs."""
        stock = self.stock
        left = stock.bookings[change.booking]
        row = ReducedRow(
            left.booking,
            labels_of(stock, left.seats),
            names_of(stock, left.areas),
            lines_of(stock, left),
        )
        self.reduced[change.booking] = row
        before = self.paid.get(change.booking)
        if before is None or change.total is None:
            return
        self.paid[change.booking] = total = told(stock, left).total() or before
        if before.amount - total.amount != change.total.amount:
            self.differences.add(
                f"Version {stock.version} gives back {change.total.amount} of a booking"
                f" for {before.amount}, and {total.amount} are left."
            )

    def _price(self, change: HoldBooked, hold: HoldRecord, version: int) -> None:
        """Note what a booking cost: as was told, and else as of now."""
        total = told(self.stock, hold).total()
        if total is not None:
            self.paid[change.booking] = total
        known = change.total
        if known is not None and known.amount != (total.amount if total else 0):
            self.differences.add(
                f"Version {version} books for {known.amount} what was held for"
                f" {total.amount if total else 0}."
            )

    def _check_limit(self, user: str) -> None:
        stock = self.stock
        record, most = stock.users.get(user), stock.settings.max_per_user
        count = 0 if record is None else record.count
        if count > most:
            self.differences.add(
                f"At version {stock.version} user {user} has {count} seats and"
                f" places, and the limit is {most}."
            )

    def _check_snapshot(self, snapshot: CheckedSnapshot) -> None:
        snapshot.checked = True
        where = f"The stored snapshot of version {snapshot.version}"
        try:
            restored = decode_snapshot(snapshot.body, self.stock.venue)
            restored.check()
        except (Corrupt, LookupError, ValueError, MsgspecError) as error:
            reason = str(error) if isinstance(error, Corrupt) else type(error).__name__
            self.differences.add(f"{where} cannot be restored: {reason}.")
        else:
            if restored.hash() != self.stock.hash():
                self.differences.add(f"{where} restores another state than replay's.")

    def finish(self) -> None:
        """Check the state at the end, and that the snapshot was met on the way."""
        try:
            self.stock.check()
        except Corrupt as error:
            self.differences.add(f"The replayed state contradicts itself: {error}.")
        snapshot = self.snapshot
        if snapshot is not None and not snapshot.checked and not self.broken:
            self.differences.add(
                f"No batch of the journal ends at version {snapshot.version}, of which"
                " there is a stored snapshot."
            )

    def revenue(self) -> list[Sum]:
        """Sum what the live bookings cost, one amount for each currency."""
        sums: dict[str, int] = {}
        for money in self.paid.values():
            sums[money.currency] = sums.get(money.currency, 0) + money.amount
        return [Sum(amount, currency) for currency, amount in sorted(sums.items())]
