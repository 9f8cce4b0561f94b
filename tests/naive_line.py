"""The slow twin of the line: `waiting-room.md` 14 word for word, change by change.

It sees what was journaled, and the settings; it keeps its own picture of seats, holds
and ranks, looks for seats one by one, and asks nothing of the product but the guard's
numbers, which it counts again with fractions.
"""

from fractions import Fraction
from itertools import pairwise
from typing import Any

from msgspec.structs import replace

from inventory import changes as c
from inventory.line.draw import rules_of
from inventory.line.wishes import Wish
from inventory.settings import Settings
from inventory.state import Stock
from inventory.venue.map import Venue
from tests.naive_house import NaiveHouse

GRACE_MS = 5_000
RETURNED_MAX = 16
WORTH_Z = Fraction(164, 100)


class Place:
    """One rank."""

    def __init__(self, user: str, wish: Wish | None, state: str) -> None:
        self.user = user
        self.wish = wish
        self.state = state
        self.turns = 0
        self.more_time = False


class Turn:
    def __init__(self, rank: int, until_ms: int, hold: str | None) -> None:
        self.rank = rank
        self.until_ms = until_ms
        self.hold = hold
        self.extended = 0


class NaiveLine(NaiveHouse):
    """What is known of one event from its journal alone."""

    def __init__(self, venue: Venue, settings: Settings) -> None:
        super().__init__(venue)
        self.settings = settings
        self.now_ms = 0
        self.holds: dict[str, tuple[str, set[int], dict[int, int], int]] = {}
        self.bookings: dict[str, tuple[str, set[int], dict[int, int]]] = {}
        self.places: list[Place] = []
        self.wishes: list[Wish] = []
        self.turns: dict[str, Turn] = {}
        self.granted: dict[str, int] = {}
        self.mode = ""
        self.drawn = self.paused = self.closed = False
        self.opens_ms: int | None = None
        self.serve_away = True
        self.turn_s = self.offer_s = 0
        self.floor = 0
        self.mean, self.variance = Fraction(1_600, 1_000), Fraction(1_440, 1_000)
        self.returning = Fraction(0)
        self.count_returns = True
        self.steps: list[int] = []
        self.freed_turns: int | None = None
        """Turns given since something was freed; None where that is settled."""
        self.freed_places = 0
        """How many places were, by the last change that freed some."""
        self.returned = 0
        """Places that came back, less the turns that were given because of them."""

    # -- Who may

    def count(self, user: str) -> int:
        held = [
            (seats, areas)
            for one, seats, areas, _ in self.holds.values()
            if one == user
        ]
        booked = [
            (seats, areas)
            for one, seats, areas in self.bookings.values()
            if one == user
        ]
        return sum(
            len(seats) + sum(areas.values()) for seats, areas in [*held, *booked]
        )

    def may_have(self, place: Place) -> bool:
        if place.user in self.turns:
            return False
        wanted = 1 if place.wish is None else place.wish.quantity
        return self.count(place.user) + wanted <= self.settings.max_per_user

    def choosing(self) -> int:
        return sum(not self.has_hold(user) for user in self.turns)

    def has_hold(self, user: str) -> bool:
        if self.mode == "list":
            return self.turns[user].hold in self.holds
        return any(hold[0] == user for hold in self.holds.values())

    def free_places(self) -> int:
        return sum(map(self.general, self.free)) + sum(self.areas)

    def wishes_wait(self) -> bool:
        return any(one.wish is not None and one.state in "wa" for one in self.places)

    def may_browse(self) -> bool:
        """6.1 and decision 16, with one more who chooses."""
        if self.mode == "list":
            return False
        free = self.free_places()
        total = len(self.venue.seats) + sum(a.capacity for a in self.venue.areas)
        if free < max(self.floor, total * 2 // 100) or free < 1:
            return False
        expected = Fraction(free)
        if self.count_returns and not self.wishes_wait():
            held = sum(len(h[1]) + sum(h[2].values()) for h in self.holds.values())
            expected += held * self.returning // 1
        many = self.choosing() + 1
        left = expected - many * self.mean
        enough = left >= 0 and WORTH_Z**2 * many * self.variance <= left**2
        return enough or many == 1

    def servable(self, rank: int, *, browse: bool) -> str | None:
        """Return how a rank could be served now: `wish`, `browse`, or not at all."""
        place = self.places[rank - 1]
        if place.state not in ("w", "a") or not self.may_have(place):
            return None
        here = place.state == "w" or self.serve_away
        if here and place.wish is not None and self.fits(place.wish):
            return "wish"
        browses = place.wish is None or place.wish.if_none == "browse"
        if browses and place.state == "w" and browse:
            return "browse"
        return None

    def first(self) -> int | None:
        browse = self.may_browse()
        for rank in range(1, len(self.places) + 1):
            if self.servable(rank, browse=browse):
                return rank
        return None

    def turns_are_given(self) -> bool:
        opens = self.opens_ms is None or self.now_ms >= self.opens_ms
        begun = self.mode == "list" and self.now_ms >= self.settings.starts_at_ms
        on_sale = self.settings.sale_state == "on_sale"
        stopped = self.paused or self.closed or not self.drawn
        return opens and on_sale and not begun and not stopped

    # -- What happens

    def judge(self, change: c.AnyChange) -> None:
        """Take one change into the picture; fail where it breaks a promise."""
        taken = type(change) in (c.SeatsHeld, c.SeatsBlocked)
        if taken and self.freed_turns is not None:
            # L11
            assert (
                self.is_full()
                or not self.turns_are_given()
                or self.first_fits() is None
            )
        getattr(self, type(change).__name__.lower(), self.other)(change)

    def is_full(self) -> bool:
        """Return whether so many turns were given of what was freed as may be."""
        most = min(RETURNED_MAX, self.freed_places)
        return self.mode != "list" and (self.freed_turns or 0) >= most

    def note_freed(self, places: int) -> None:
        self.freed_turns, self.freed_places = 0, places
        self.returned += places

    def first_fits(self) -> int | None:
        """Return the first whom what is free fits, in a line that takes turns."""
        for rank in range(1, len(self.places) + 1):
            if self.servable(rank, browse=False) == "wish":
                return rank
        return None

    def other(self, change: c.AnyChange) -> None:
        pass

    def free_up(self, seats: Any, areas: dict[int, int]) -> None:
        assert not self.free & set(seats)
        self.free |= set(seats)
        for area, count in areas.items():
            self.areas[area] += count
        if seats or areas:
            self.note_freed(len(seats) + sum(areas.values()))

    def take(self, seats: Any, areas: dict[int, int]) -> None:
        assert set(seats) <= self.free, "L8: a seat that is not free"
        self.free -= set(seats)
        for area, count in areas.items():
            self.areas[area] -= count
            assert self.areas[area] >= 0

    def seatsheld(self, change: c.SeatsHeld) -> None:
        if self.mode in ("draw", "fifo") and change.user != "org":
            # L10
            turn, granted = self.turns.get(change.user), self.granted.get(change.user)
            ends = [turn.until_ms if turn else 0, granted or 0]
            assert self.now_ms < max(ends) + GRACE_MS, f"{change.user} has no turn"
        self.take(change.seats, change.areas)
        user, seats, areas, _ = self.holds.get(
            change.hold, (change.user, set(), {}, change.deadline_ms)
        )
        more = dict(areas)
        for area, count in change.areas.items():
            more[area] = more.get(area, 0) + count
        self.holds[change.hold] = (
            user,
            seats | set(change.seats),
            more,
            change.deadline_ms,
        )

    def holdextended(self, change: c.HoldExtended) -> None:
        user, seats, areas, _ = self.holds[change.hold]
        self.holds[change.hold] = user, seats, areas, change.deadline_ms

    def holdreleased(self, change: c.HoldReleased) -> None:
        user, seats, areas, deadline = self.holds.pop(change.hold)
        left = seats - set(change.seats)
        rest = {a: n - change.areas.get(a, 0) for a, n in areas.items()}
        rest = {a: n for a, n in rest.items() if n}
        if left or rest:
            self.holds[change.hold] = user, left, rest, deadline
        self.free_up(change.seats, change.areas)

    def holdexpired(self, change: c.HoldExpired) -> None:
        _, seats, areas, deadline = self.holds.pop(change.hold)
        assert self.now_ms >= deadline + GRACE_MS, "L14: a hold that was promised"
        self.free_up(seats, areas)

    def holdbooked(self, change: c.HoldBooked) -> None:
        user, seats, areas, _ = self.holds.pop(change.hold)
        self.bookings[change.booking] = user, seats, areas

    def bookingcancelled(self, change: c.BookingCancelled) -> None:
        _, seats, areas = self.bookings.pop(change.booking)
        self.free_up(seats, areas)

    def bookingreduced(self, change: c.BookingReduced) -> None:
        user, seats, areas = self.bookings[change.booking]
        rest = {a: n - change.areas.get(a, 0) for a, n in areas.items()}
        self.bookings[change.booking] = user, seats - set(change.seats), rest
        self.free_up(change.seats, change.areas)

    def seatsblocked(self, change: c.SeatsBlocked) -> None:
        self.take(change.seats, change.areas)

    def seatsunblocked(self, change: c.SeatsUnblocked) -> None:
        self.free_up(change.seats, change.areas)

    def salechanged(self, change: c.SaleChanged) -> None:
        self.settings = replace(self.settings, sale_state=change.to)

    def eventconfigured(self, change: c.EventConfigured) -> None:
        former, self.settings = self.settings.capacity, change.settings
        now = self.settings.capacity
        if now != former and now is not None:
            had = self.venue.areas[0].capacity if former is None else former
            self.areas[0] += now - had
            self.note_freed(max(0, now - had))

    def lineopened(self, change: c.LineOpened) -> None:
        rules = rules_of(change.rules.encode())
        self.mode, self.opens_ms = change.mode, rules.opens_at_ms
        self.turn_s, self.offer_s = rules.turn_s, rules.offer_s
        self.serve_away, self.floor = rules.serve_away, change.wish_floor
        self.count_returns = change.count_returns
        self.places, self.wishes, self.turns = [], [], {}
        self.drawn = self.paused = self.closed = False

    def linedrawn(self, change: c.LineDrawn) -> None:
        self.drawn = True

    def linefed(self, change: c.LineFed) -> None:
        # L1
        assert self.drawn
        assert change.first_rank == len(self.places) + 1
        self.wishes += change.wishes
        for at, user in enumerate(change.users):
            number = int.from_bytes(change.classes[2 * at : 2 * at + 2], "big")
            wish = None if number == 0 else self.wishes[number - 1]
            left = change.first_rank + at in change.left
            self.places.append(Place(user, wish, "l" if left else "w"))
            self.places[-1].more_time = change.first_rank + at in change.more_time
        if change.step is not None:
            # L5: steps count on, and the order within one is by the key.
            assert change.step in (len(self.steps), len(self.steps) + 1)
            if change.step > len(self.steps):
                self.steps.append(len(change.users))

    def linetuned(self, change: c.LineTuned) -> None:
        self.mean = Fraction(change.mean_milli, 1_000)
        self.variance = Fraction(change.variance_milli, 1_000)
        self.returning = Fraction(change.returning_ppm, 1_000_000)

    def lineset(self, change: c.LineSet) -> None:
        if change.act in ("pause", "resume"):
            self.paused = change.act == "pause"
        self.closed = self.closed or change.act == "close"
        self.turn_s = change.turn_s or self.turn_s
        self.offer_s = change.offer_s or self.offer_s
        if change.serve_away is not None:
            self.serve_away = change.serve_away
        if change.count_returns is not None:
            self.count_returns = change.count_returns

    def presencenoted(self, change: c.PresenceNoted) -> None:
        self.move(change.away, "w", "a")
        self.move(change.back, "a", "w")

    def move(self, ranks: Any, sources: str, to: str) -> None:
        for rank in ranks:
            assert self.places[rank - 1].state in sources, f"rank {rank} to {to}"
            self.places[rank - 1].state = to

    def placepaused(self, change: c.PlacePaused) -> None:
        self.move([change.rank], "wa", "p")

    def placelimited(self, change: c.PlaceLimited) -> None:
        assert not self.may_have(self.places[change.rank - 1]), "limited for nothing"
        self.move([change.rank], "wa", "u")

    def placeresumed(self, change: c.PlaceResumed) -> None:
        self.move([change.rank], "pu", "w")

    def placeleft(self, change: c.PlaceLeft) -> None:
        self.move([change.rank], "wapu", "l")

    def wishset(self, change: c.WishSet) -> None:
        self.wishes += change.wishes
        number, place = change.class_, self.places[change.rank - 1]
        assert place.state in "wapu"
        place.wish = self.wishes[number - 1] if number else None
        place.more_time = change.more_time

    def wishesrecast(self, change: c.WishesRecast) -> None:
        former = list(self.wishes)
        self.wishes += change.wishes
        into = {former[a - 1]: self.wishes[b - 1] for a, b in change.pairs}
        for place in self.places:
            if place.state in "wapu" and place.wish in into:
                place.wish = into[place.wish]

    def turngiven(self, change: c.TurnGiven) -> None:
        rank, place = change.rank, self.places[change.rank - 1]
        assert self.turns_are_given(), "L15"
        assert change.user == place.user
        # L9
        assert place.user not in self.turns
        assert place.turns == 0
        # L7, and with it L17 and L18.
        assert self.first() == rank, f"rank {self.first()} comes before {rank}"
        how = self.servable(rank, browse=self.may_browse())
        assert (change.hold is not None) == (how == "wish"), how
        if change.hold is None:
            # L13
            assert self.may_browse()
            assert change.until_ms >= self.now_ms + 1_000 * self.turn_s
        else:
            self.serve(change, place)
        self.turns[place.user] = Turn(rank, change.until_ms, change.hold)
        place.state, place.turns = "t", 1
        if self.freed_turns is not None:
            self.freed_turns += 1
        if change.because == "returned" and self.mode != "list":
            self.returned -= 1
            assert self.returned >= 0, "L29: more turns of returns than came back"

    def serve(self, change: c.TurnGiven, place: Place) -> None:
        """L8, and how long it lasts."""
        wish, drawn = place.wish, self.venue.seats
        assert wish is not None
        size = len(change.seats) + sum(change.areas.values())
        assert size == wish.quantity == change.quantity
        fitted = [one for one in self.categories(wish) if self.fits_in(wish, one)]
        got = {drawn[seat].category for seat in change.seats}
        got |= {self.venue.areas[area].category for area in change.areas}
        assert got == {change.category}
        assert change.category == fitted[0] or not wish.categories
        assert change.category in fitted
        if change.seats and wish.together:
            at = sorted(self.position(seat) for seat in change.seats)
            assert all(a[0] == b[0] and b[1] - a[1] == 1 for a, b in pairwise(at))
        accessible = [seat for seat in change.seats if drawn[seat].accessible]
        assert bool(accessible) == wish.accessible
        lasts_s = min(self.offer_s, self.settings.hold_ttl_s)
        lasts_ms = 1_000 * lasts_s * (2 if place.more_time else 1)
        assert change.deadline_ms == self.now_ms + lasts_ms
        least_ms = 1_000 * min(self.turn_s, self.offer_s)
        assert change.until_ms >= max(change.deadline_ms, self.now_ms + least_ms)
        self.take(change.seats, change.areas)
        assert change.hold is not None
        self.holds[change.hold] = (
            place.user,
            set(change.seats),
            dict(change.areas),
            change.deadline_ms,
        )

    def turnextended(self, change: c.TurnExtended) -> None:
        turn = self.turns[self.places[change.rank - 1].user]
        turn.extended += 1
        assert turn.extended <= 10
        assert change.until_ms == turn.until_ms + 100 * self.turn_s
        turn.until_ms = change.until_ms

    def turnskept(self, change: c.TurnsKept) -> None:
        for turn in self.turns.values():
            turn.until_ms = max(turn.until_ms, change.until_ms)
        for user, until_ms in self.granted.items():
            self.granted[user] = max(until_ms, change.until_ms)

    def turngranted(self, change: c.TurnGranted) -> None:
        self.granted[change.user] = max(
            change.until_ms, self.granted.get(change.user, 0)
        )

    def turnended(self, change: c.TurnEnded) -> None:
        place, turn = self.places[change.rank - 1], self.turns[change.user]
        assert turn.rank == change.rank
        if change.why == "ran_out":
            # L14
            assert self.now_ms >= turn.until_ms + GRACE_MS
            assert not self.has_hold(change.user)
        elif change.why == "sale":
            over = self.settings.sale_state in ("closed", "completed", "cancelled")
            assert over or self.closed
        elif change.why == "booked":
            assert any(one[0] == change.user for one in self.bookings.values())
        for token in change.holds:
            user, seats, areas, _ = self.holds.pop(token)
            assert user == change.user
            self.free_up(seats, areas)
        del self.turns[change.user]
        place.state = "d"

    # -- At the end of a batch

    def compare(self, stock: Stock, *, owed: int = 0) -> None:
        """L16, L19: counts and states are those of the product."""
        line = stock.line
        if not owed:
            self.settle()
        if line is None:
            assert not self.places
            return
        assert line.states.decode() == "".join(one.state for one in self.places)
        for rank, place in enumerate(self.places, 1):
            assert line.user_of(rank) == place.user
            assert line.wish_of(rank) == place.wish
        assert {u: t.rank for u, t in self.turns.items()} == {
            user: turn.rank for user, turn in line.turns.open.items()
        }
        for user, turn in self.turns.items():
            assert line.turns.open[user].until_ms == turn.until_ms
            # L16, as everything that is due is done in a batch.
            assert self.now_ms < turn.until_ms + GRACE_MS or self.has_hold(user)
        assert set(stock.holds) == set(self.holds)
        assert {i for i, x in enumerate(stock.letters) if x == ord("f")} == self.free
        assert [area.free for area in stock.areas] == self.areas

    def settle(self) -> None:
        """L11: what was freed was offered to the line in the step that freed it."""
        if self.freed_turns is not None and self.turns_are_given():
            # Who may choose follows from more than what was freed.
            assert self.is_full() or self.first_fits() is None
        self.freed_turns = None

    def rest(self) -> None:
        """L12: with pace unlimited and nothing new nobody who waits could be served."""
        if self.turns_are_given():
            assert self.first() is None
