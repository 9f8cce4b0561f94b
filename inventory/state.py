"""The mutable state of one event, and the only function that changes it.

Rule 1: all that changes an event's state lives in `Stock.apply`; replay uses it.
Rule 2: `apply` needs no clock and asks no rule: the change holds all it needs.
Rule 3: what guards a seat raises `Corrupt` and stops the event, and is no `assert`.

Invariants, checked by `invariants.check` (I1 to I4 also change by change, in `apply`):

I1  a seat's letter goes free → held → booked, free ↔ blocked, held/booked → free
I2  a seat is in exactly one hold or booking, if its letter is h or b, and in none else
I3  an area's free, held, booked and blocked are never negative and sum to its capacity
I4  a user's count is the number of seats and places in that user's holds and bookings
I5  the version rises by one with each change
I6  the finder knows exactly the free seats
I7  the prices of a hold or booking, where it keeps any, are of its seats and places
I8  a network's count is the number of seats and places in the holds that are from it
I9  a pledged hold ends with its pledge, 1,800 s after the first one at most; it neither
    grows nor shrinks, and only its order books it
I10 only a seat that is off sale has a reason for that
"""

from collections import deque
from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush, nsmallest
from itertools import compress
from typing import Any, Final

from msgspec.structs import replace

from inventory import invariants, limits, pledges
from inventory.changes import (
    AnyChange,
    BookingCancelled,
    BookingReduced,
    EventConfigured,
    HoldBooked,
    HoldExpired,
    HoldExtended,
    HoldPledged,
    HoldReleased,
    HoldsKept,
    LineOpened,
    PledgeEnded,
    SaleChanged,
    Seats,
    SeatsBlocked,
    SeatsHeld,
    SeatsUnblocked,
    TurnEnded,
    TurnGiven,
    TurnsKept,
)
from inventory.hoarding import Hoarding
from inventory.line.line import ALIVE, DONE, HAPPEN, TURN, Line
from inventory.line.serving import note_freed
from inventory.records import (
    BLOCKED,
    BOOKED,
    FREE,
    HELD,
    AreaCount,
    BookingRecord,
    Corrupt,
    HoldRecord,
    UserRecord,
    capacities,
)
from inventory.settings import Money, Settings, settled_in
from inventory.venue.finder import SeatFinder
from inventory.venue.map import Venue


class Stock:
    """One event's seats, areas, holds, bookings and settings at one version."""

    def __init__(self, venue: Venue, settings: Settings) -> None:
        self.venue = venue
        self.settings = settings
        self.version = 0
        self.at_ms = 0
        self.letters = bytearray(b"f" * len(venue.seats))
        self.areas = [AreaCount(places) for places in capacities(venue, settings)]
        self.holds: dict[str, HoldRecord] = {}
        self.bookings: dict[str, BookingRecord] = {}
        self.users: dict[str, UserRecord] = {}
        self.expired: dict[str, str] = {}
        self.expired_at: deque[tuple[int, str, str]] = deque()
        self.hoarding = Hoarding()
        self.reasons: dict[int, str] = {}  # why seats are off sale, where that was said
        self.line: Line | None = None
        """None where nobody ever waited."""
        self.finder = SeatFinder(venue)
        self.deadlines: list[tuple[int, str]] = []
        self.touched_seats: list[int] = []
        self.touched_areas: set[int] = set()
        self._amounts: list[int] = []
        self._currency: str | None = None
        self._priced_by: dict[str, Money] | None = None

    def apply(self, change: AnyChange, at_ms: int) -> None:
        """Make `change` happen as the next version; raise `Corrupt` where it cannot."""
        _APPLY[type(change)](self, change, at_ms)
        self.version += 1
        self.at_ms = at_ms

    def amounts(self) -> tuple[list[int], str | None]:
        """Return each seat's price in minor units, and the currency of all.

        0 where it has none; the currency is None where nothing has a price.
        """
        if self._priced_by is not self.settings.prices:
            prices = self.settings.prices
            amount_of = {key: money.amount for key, money in prices.items()}
            self._amounts = [
                amount_of.get(seat.category, 0) for seat in self.venue.seats
            ]
            self._currency = settled_in(prices)
            self._priced_by = prices
        return self._amounts, self._currency

    def area_counts(self) -> list[tuple[int, int, int, int]]:
        """Return free, held, booked, blocked of each area."""
        return [area.counts() for area in self.areas]

    def _hold(self, change: SeatsHeld, at_ms: int) -> None:
        self._move(change.seats, FREE, HELD)
        if change.areas:
            self._count(change.areas, "free", "held")
        self.finder.take(change.seats)
        hold = self.holds.get(change.hold)
        user = self.users.get(change.user)
        if user is None:
            user = self.users[change.user] = UserRecord()
        if hold is None:
            origin = change.origin
            ends_ms = change.deadline_ms + limits.HOLD_GRACE_MS
            self.holds[change.hold] = HoldRecord(
                change.hold,
                change.user,
                change.seats,
                change.areas,
                at_ms,
                change.deadline_ms,
                ends_ms,
                change.prices,
                origin,
            )
            user.holds[change.hold] = None
            self.set_deadline(ends_ms, change.hold)
        else:
            pledges.refuse_pledged(hold)
            origin = hold.origin
            self.holds[change.hold] = replace(
                hold,
                seats=hold.seats + change.seats,
                areas=pledges.summed(hold.areas, change.areas),
                prices=pledges.added(hold.prices, change.prices),
            )
        more = len(change.seats)
        if change.areas:
            more += sum(change.areas.values())
        user.count += more
        if origin is not None:
            self.hoarding.hold(origin, more, at_ms)
        if self.line is not None:
            self.line.note_held(change.user, change.hold)

    def _book(self, change: HoldBooked, at_ms: int) -> None:
        hold = self._end_hold(change.hold)
        pledge, kinds = hold.pledge, None
        if pledge is not None:
            pledges.refuse_others(pledge, change)
            kinds = pledge.kinds
        if hold.origin is not None:
            self.hoarding.book(hold.origin, hold.size())
        if change.booking in self.bookings:
            raise Corrupt(f"booking {change.booking} is there already")
        self._move(hold.seats, HELD, BOOKED)
        if hold.areas:
            self._count(hold.areas, "held", "booked")
        self.bookings[change.booking] = BookingRecord(
            change.booking,
            change.reference,
            hold.user,
            change.order,
            hold.seats,
            hold.areas,
            hold.prices,
            change.by_order,
            kinds,
        )
        self.users[hold.user].bookings[change.booking] = None

    def _release(self, change: HoldReleased, at_ms: int) -> None:
        hold = self._hold_of(change.hold)
        gone = set(change.seats)
        if not gone.issubset(hold.seats):
            raise Corrupt(f"a release of seats that its hold at {self.version} has not")
        kept = [seat not in gone for seat in hold.seats]
        seats = tuple(compress(hold.seats, kept))
        areas = pledges.difference(hold.areas, change.areas)
        self._free(hold.user, change.seats, change.areas, HELD, "held")
        if hold.origin is not None:
            over = not seats and not areas
            self._note_let_go(hold, change.seats, change.areas, at_ms, over=over)
        if seats or areas:
            pledges.refuse_pledged(hold)
            prices = hold.prices
            if prices is not None:
                prices = prices.keeping(kept, change.areas)
            self.holds[change.hold] = replace(
                hold, seats=seats, areas=areas, prices=prices
            )
        else:
            self._end_hold(change.hold)
            self._forget_if_idle(hold.user)

    def _expire(self, change: HoldExpired, at_ms: int) -> None:
        hold = self._end_hold(change.hold)
        self._free(hold.user, hold.seats, hold.areas, HELD, "held")
        if hold.origin is not None:
            self._note_let_go(hold, hold.seats, hold.areas, at_ms, over=True)
        self._forget_if_idle(hold.user)
        self.expired[change.hold] = hold.user
        self.expired_at.append((at_ms, change.hold, hold.user))
        while self.expired_at[0][0] < at_ms - limits.EXPIRED_MEMORY_MS:
            del self.expired[self.expired_at.popleft()[1]]

    def _cancel(self, change: BookingCancelled, at_ms: int) -> None:
        booking = self.bookings.pop(change.booking, None)
        if booking is None:
            raise Corrupt(f"no booking {change.booking} to cancel")
        del self.users[booking.user].bookings[change.booking]
        self._free(booking.user, booking.seats, booking.areas, BOOKED, "booked")
        self._forget_if_idle(booking.user)

    def _reduce(self, change: BookingReduced, at_ms: int) -> None:
        booking = self.bookings.get(change.booking)
        if booking is None:
            raise Corrupt(f"no booking {change.booking} to reduce")
        left = pledges.left_of(booking, change)
        self._free(booking.user, change.seats, change.areas, BOOKED, "booked")
        self.bookings[change.booking] = left

    def _pledge(self, change: HoldPledged, at_ms: int) -> None:
        self._let_end(pledges.pledged(self._hold_of(change.hold), change, at_ms))

    def _unpledge(self, change: PledgeEnded, at_ms: int) -> None:
        self._let_end(pledges.unpledged(self._hold_of(change.hold), change))

    def _let_end(self, hold: HoldRecord) -> None:
        """Put a hold in the place of itself, which may have had another end."""
        former = self.holds[hold.token]
        self.holds[hold.token] = hold
        # A second entry for the same end would never go stale.
        if hold.ends_ms != former.ends_ms:
            self.set_deadline(hold.ends_ms, hold.token)

    def _extend(self, change: HoldExtended, at_ms: int) -> None:
        hold = self._hold_of(change.hold)
        pledges.refuse_pledged(hold)
        ends_ms = change.deadline_ms + limits.HOLD_GRACE_MS
        self._let_end(replace(hold, deadline_ms=change.deadline_ms, ends_ms=ends_ms))

    def _keep(self, change: HoldsKept, at_ms: int) -> None:
        self._keep_until(list(self.holds.values()), change.until_ms)

    def _keep_until(self, holds: Iterable[HoldRecord], until_ms: int) -> None:
        for hold in holds:
            if hold.ends_ms < until_ms:
                self.holds[hold.token] = replace(hold, ends_ms=until_ms)
                self.set_deadline(until_ms, hold.token)

    def _block(self, change: SeatsBlocked, at_ms: int) -> None:
        self._move(change.seats, FREE, BLOCKED)
        self._count(change.areas, "free", "blocked")
        self.finder.take(change.seats)
        if change.reason:
            self.reasons |= dict.fromkeys(change.seats, change.reason)

    def _unblock(self, change: SeatsUnblocked, at_ms: int) -> None:
        self._move(change.seats, BLOCKED, FREE)
        self._count(change.areas, "blocked", "free")
        for seat in change.seats if self.reasons else ():
            self.reasons.pop(seat, None)
        self.finder.free(change.seats)
        if self.line is not None:
            note_freed(self.line, self.venue, change.seats, change.areas)

    def _open_line(self, change: LineOpened, at_ms: int) -> None:
        former, self.line = self.line, Line(change)
        if former is not None:
            # What was given outside the line is not of one draw.
            self.line.turns.granted = former.turns.granted

    def _happen_to_line(self, change: AnyChange, at_ms: int) -> None:
        HAPPEN[type(change)](self._opened(), change, at_ms)

    def _give_turn(self, change: TurnGiven, at_ms: int) -> None:
        line = self._opened()
        line.move(change.rank, ALIVE, TURN)
        user = self.users.get(change.user)
        line.turns.give(change, holding=line.gated and bool(user and user.holds))
        if change.hold is not None:
            seats, areas, until_ms = change.seats, change.areas, change.deadline_ms
            held = (change.hold, change.user, seats, areas, until_ms, change.prices)
            self._hold(SeatsHeld(*held), at_ms)

    def _end_turn(self, change: TurnEnded, at_ms: int) -> None:
        line = self._opened()
        line.move(change.rank, frozenset({TURN}), DONE)
        line.turns.end(change.rank, change.user, change.why, at_ms)
        for token in change.holds:
            hold = self._hold_of(token)
            self._release(HoldReleased(token, hold.seats, hold.areas), at_ms)

    def _keep_turns(self, change: TurnsKept, at_ms: int) -> None:
        turns = self._opened().turns
        turns.keep(change.until_ms)
        holders = [self.users[one] for one in turns.open if one in self.users]
        tokens = [token for user in holders for token in user.holds]
        self._keep_until([self.holds[token] for token in tokens], change.until_ms)

    def _opened(self) -> Line:
        if self.line is None:
            raise Corrupt(f"no line at version {self.version}")
        return self.line

    def _change_sale(self, change: SaleChanged, at_ms: int) -> None:
        self.settings = replace(self.settings, sale_state=change.to)

    def _configure(self, change: EventConfigured, at_ms: int) -> None:
        former = capacities(self.venue, self.settings)
        self.settings = change.settings
        for index, capacity in enumerate(capacities(self.venue, self.settings)):
            if capacity != former[index]:
                self._resize(index, capacity - former[index])

    def _resize(self, index: int, more: int) -> None:
        """Give an area more places, or fewer: I3, and nobody loses what is taken."""
        area = self.areas[index]
        if area.free + more < 0:
            raise Corrupt(f"area {index} has no {-more} free places to lose")
        area.free += more
        self.touched_areas.add(index)
        if self.line is not None:
            note_freed(self.line, self.venue, (), (index,))

    def _free(
        self,
        user: str,
        seats: Seats,
        areas: dict[int, int],
        letter: int,
        count: str,
    ) -> None:
        """Give seats and places of a user back."""
        self._move(seats, letter, FREE)
        self._count(areas, count, "free")
        self.finder.free(seats)
        self.users[user].count -= len(seats) + sum(areas.values())
        if self.line is not None:
            note_freed(self.line, self.venue, seats, areas)

    def _note_let_go(
        self,
        hold: HoldRecord,
        seats: Seats,
        areas: dict[int, int],
        at_ms: int,
        *,
        over: bool,
    ) -> None:
        """Note what a hold gave back unbooked, for the rules against hoarding."""
        self.hoarding.let_go(
            hold,
            seats,
            len(seats) + sum(areas.values()),
            at_ms,
            self.settings.hold_ttl_s,
            whole=areas if over else (),
        )

    def _move(self, seats: Seats, old: int, new: int) -> None:
        """Change the letters of seats: I1, and with it promise 1 of the contract."""
        letters = self.letters
        for seat in seats:
            if letters[seat] != old:
                raise Corrupt(
                    f"seat {seat} is {chr(letters[seat])}, not {chr(old)},"
                    f" at version {self.version}"
                )
            letters[seat] = new
        self.touched_seats.extend(seats)

    def _count(self, areas: dict[int, int], old: str, new: str) -> None:
        """Move places of areas from one count to another: I3."""
        for index, quantity in areas.items():
            area = self.areas[index]
            left = getattr(area, old) - quantity
            if left < 0 or quantity < 1:
                raise Corrupt(f"area {index} has no {quantity} {old} places to move")
            setattr(area, old, left)
            setattr(area, new, getattr(area, new) + quantity)
            self.touched_areas.add(index)

    def _hold_of(self, token: str) -> HoldRecord:
        hold = self.holds.get(token)
        if hold is None:
            raise Corrupt(f"no such hold at version {self.version}")
        return hold

    def _end_hold(self, token: str) -> HoldRecord:
        hold = self._hold_of(token)
        del self.holds[token]
        holds = self.users[hold.user].holds
        del holds[token]
        if self.line is not None:
            self.line.note_hold_ended(hold, last=not holds)
        return hold

    def _forget_if_idle(self, user: str) -> None:
        record = self.users[user]
        if not record.holds and not record.bookings:
            if record.count:
                raise Corrupt(f"a user without holds or bookings counts {record.count}")
            del self.users[user]

    def set_deadline(self, ends_ms: int, token: str) -> None:
        """Note when a hold ends; drop stale entries when they are the most.

        A former entry of the hold goes stale by itself.
        """
        heappush(self.deadlines, (ends_ms, token))
        if len(self.deadlines) > 2 * len(self.holds) + 1_024:
            self.deadlines = [(h.ends_ms, h.token) for h in self.holds.values()]
            heapify(self.deadlines)

    def next_deadline_ms(self) -> int | None:
        """Return when the next hold ends, dropping stale entries on the way."""
        if self.settings.sale_state == "cancelled":
            return self.at_ms if self.holds else None
        while self.deadlines:
            ends_ms, token = self.deadlines[0]
            hold = self.holds.get(token)
            if hold is not None and hold.ends_ms == ends_ms:
                return ends_ms
            heappop(self.deadlines)
        return None

    def due_holds(self, now_ms: int, count_max: int) -> list[str]:
        """Return the holds whose time is over, earliest first.

        A cancelled event has none to keep: there the time of all is over.
        """
        if self.settings.sale_state == "cancelled":
            return nsmallest(count_max, self.holds, key=self._end_of)
        due: list[tuple[int, str]] = []
        while len(due) < count_max:
            ends_ms = self.next_deadline_ms()
            if ends_ms is None or ends_ms > now_ms:
                break
            due.append(heappop(self.deadlines))
        for entry in due:
            heappush(self.deadlines, entry)
        return [token for _, token in due]

    def _end_of(self, token: str) -> tuple[int, str]:
        return self.holds[token].ends_ms, token

    def check(self) -> None:
        """Raise `Corrupt` unless every invariant holds. Changes nothing."""
        invariants.check(self)

    def hash(self) -> bytes:
        """Digest of everything that `decide` reads, the same for equal states."""
        return invariants.digest(self)


_APPLY: Final[dict[type, Callable[[Stock, Any, int], None]]] = {
    SeatsHeld: Stock._hold,
    HoldBooked: Stock._book,
    HoldReleased: Stock._release,
    HoldExpired: Stock._expire,
    HoldExtended: Stock._extend,
    BookingCancelled: Stock._cancel,
    SeatsBlocked: Stock._block,
    SeatsUnblocked: Stock._unblock,
    SaleChanged: Stock._change_sale,
    EventConfigured: Stock._configure,
    HoldsKept: Stock._keep,
    HoldPledged: Stock._pledge,
    PledgeEnded: Stock._unpledge,
    BookingReduced: Stock._reduce,
    LineOpened: Stock._open_line,
    TurnGiven: Stock._give_turn,
    TurnEnded: Stock._end_turn,
    TurnsKept: Stock._keep_turns,
    **dict.fromkeys(HAPPEN, Stock._happen_to_line),
}
