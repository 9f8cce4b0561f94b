"""The slow twin of the whole stock: lists, dicts and the contract, word for word.

It never asks the real rules. Where a command could be refused for several reasons it
collects all that apply and answers the one that the contract names first. Seats are
labels, everything is counted anew each time; only best seats and alternatives come from
elsewhere, the slow twin of the finder.
"""

from datetime import UTC, datetime
from typing import Any

from inventory import commands as c
from inventory.rejections import CODES, TRANSIENT
from inventory.settings import Settings
from inventory.venue.map import Venue
from tests import naive_hoarding, naive_orphans
from tests.naive_finder import NaiveFinder
from tests.naive_sale import HOUR_MS, NaiveSale, Places, Reply
from tests.naive_shop import NaiveShop, Told

GRACE_MS = 5_000
CLOSED = {
    "draft": "sale_not_open",
    "scheduled": "sale_not_open",
    "paused": "sale_paused",
    "closed": "sale_closed",
    "completed": "sale_closed",
    "cancelled": "sale_closed",
}


class NaiveStock(NaiveShop, NaiveSale):
    def __init__(self, venue: Venue, settings: Settings, ids: Any) -> None:
        self.venue = venue
        self.ids = ids
        self.finder = NaiveFinder(venue)
        self.state = settings.sale_state
        self.settings = settings
        self.version = 0
        self.holds: list[dict[str, Any]] = []
        self.bookings: list[dict[str, Any]] = []
        self.expired: list[tuple[int, str, str]] = []
        self.log: list[dict[str, Any]] = []
        self.blocked_seats: set[str] = set()
        self.why: dict[str, str] = {}
        self.blocked_places: Places = {area.label: 0 for area in venue.areas}

    # What there is, counted anew each time.

    def letter(self, label: str) -> str:
        found = [
            *("h" for hold in self.holds if label in hold["seats"]),
            *("b" for booking in self.bookings if label in booking["seats"]),
            *("x" for seat in self.blocked_seats if seat == label),
        ]
        assert len(found) <= 1, "sold twice"
        return found[0] if found else "f"

    def area(self, label: str) -> tuple[int, int, int, int]:
        capacity = {area.label: area.capacity for area in self.venue.areas}[label]
        if not self.venue.labels and len(self.venue.areas) == 1:
            capacity = self.settings.capacity or capacity
        held = sum(hold["areas"].get(label, 0) for hold in self.holds)
        booked = sum(booking["areas"].get(label, 0) for booking in self.bookings)
        blocked = self.blocked_places[label]
        return capacity - held - booked - blocked, held, booked, blocked

    def picture(self) -> tuple[str, list[tuple[int, int, int, int]]]:
        return (
            "".join(self.letter(label) for label in self.venue.labels),
            [self.area(area.label) for area in self.venue.areas],
        )

    def count_of(self, user: str) -> int:
        mine = [one for one in self.holds + self.bookings if one["user"] == user]
        return sum(size(one["seats"], one["areas"]) for one in mine)

    def indexes(self, labels: list[str]) -> list[int]:
        return [self.venue.labels.index(label) for label in labels]

    def look(self, closed: naive_hoarding.Closed | None = None) -> NaiveFinder:
        self.finder.open = {
            index
            for index, label in enumerate(self.venue.labels)
            if self.letter(label) == "f" and label not in (closed or {})
        }
        return self.finder

    def due(self, now_ms: int) -> list[str]:
        over = self.state == "cancelled"
        ends = [(hold["ends"], hold["token"]) for hold in self.holds]
        return [token for end, token in sorted(ends) if over or end <= now_ms]

    # Asking.

    def ask(
        self,
        command: Any,
        user: str,
        organizer: bool,
        now_ms: int,
        origin: str | None = None,
        system: bool = False,
    ) -> Reply:
        self.user, self.organizer, self.now_ms = user, organizer, now_ms
        self.system = system
        self.origin = origin
        self.reasons: dict[str, Reply] = {}
        reply: Reply = {}
        if not self.gone(command):
            reply = getattr(self, type(command).__name__.lower())(command)
        if self.reasons:
            code = min(self.reasons, key=CODES.index)
            reply = {
                "op": "refused",
                "code": code,
                "transient": code in TRANSIENT,
                **self.reasons[code],
            }
        else:
            reply = {"op": "ok", **reply}
        return {**reply, "id": 0, "version": self.version}

    def refuse(self, code: str, **more: Any) -> Reply:
        self.reasons[code] = more
        return {}

    def changed(self) -> None:
        self.version += 1

    def check_sale(self) -> None:
        passes = self.system and self.state in ("paused", "closed")
        if self.state in CLOSED and not passes:
            self.refuse(CLOSED[self.state])

    def find_hold(self, token: str) -> dict[str, Any] | None:
        for hold in self.holds:
            if hold["token"] == token and hold["user"] == self.user:
                return hold
        mine = [one for _, one, user in self.expired if user == self.user]
        self.refuse("hold_expired" if token in mine else "hold_not_found")
        return None

    def find_places(self, command: Any) -> tuple[list[str], Places]:
        seats, areas = list(command.seats or []), dict(command.areas or {})
        unknown = [label for label in seats if label not in self.venue.labels]
        if unknown:
            self.refuse("seat_not_found", seats=unknown)
        if any(label not in self.blocked_places for label in areas):
            self.refuse("area_not_found")
        return seats, areas

    def check_limits(self, token: str | None, quantity: int) -> dict[str, Any] | None:
        hold = None if token is None else self.find_loose_hold(token)
        has = 0 if hold is None else size(hold["seats"], hold["areas"])
        if has + quantity > self.settings.max_per_booking:
            self.refuse("too_many_seats")
        if self.count_of(self.user) + quantity > self.settings.max_per_user:
            self.refuse("user_limit")
        self.check_one_booking()
        return hold

    def check_one_booking(self, but: str | None = None) -> None:
        pledged = [one for one in self.holds if one["order"] and one["token"] != but]
        mine = [one for one in self.bookings + pledged if one["user"] == self.user]
        if self.settings.one_booking_per_user and mine:
            self.refuse("already_booked")

    def check_orphans(self, found: Reply | None) -> None:
        if self.settings.prevent_orphans and found:
            self.refuse("orphan_seat", **found)

    def labels(self, indexes: list[int]) -> list[str]:
        return [self.venue.labels[index] for index in indexes]

    def told(self, labels: list[str]) -> list[Told]:
        """What each seat and each single place costs now, by label, of no type."""
        prices = self.settings.prices
        categories = {seat.label: seat.category for seat in self.venue.seats}
        categories |= {area.label: area.category for area in self.venue.areas}
        amounts = {key: money.amount for key, money in prices.items()}
        return [(label, amounts.get(categories[label], 0), None) for label in labels]

    def category_of(self, label: str) -> str:
        categories = {seat.label: seat.category for seat in self.venue.seats}
        categories |= {area.label: area.category for area in self.venue.areas}
        return categories[label]

    def let_go(self, hold: dict[str, Any]) -> None:
        naive_hoarding.let_go(self, hold, hold["seats"], hold["areas"], over=True)

    def total(self, hold: dict[str, Any]) -> Reply | None:
        if hold["currency"] is None:
            return None
        amount = sum(amount for _, amount, _ in hold["told"])
        return {"amount": amount, "currency": hold["currency"]}

    def ends(self, deadline: int) -> Reply:
        at = datetime.fromtimestamp(deadline / 1_000, UTC)
        return {
            "expires_in_ms": max(0, deadline - self.now_ms),
            "expires_at": f"{at:%Y-%m-%dT%H:%M:%S}.{deadline % 1_000:03}Z",
        }

    def take(
        self,
        hold: dict[str, Any] | None,
        seats: list[str],
        areas: Places,
        ttl_s: int | None = None,
    ) -> Reply:
        if hold is None:
            longest = self.settings.hold_ttl_s
            deadline = self.now_ms + min(ttl_s or longest, longest) * 1_000
            hold = {
                "token": self.ids.token(),
                "user": self.user,
                "seats": [],
                "areas": {},
                "created": self.now_ms,
                "deadline": deadline,
                "ends": deadline + GRACE_MS,
                "told": [],
                "currency": None,
                "origin": self.origin,
                "order": None,
                "first": None,
            }
            self.holds.append(hold)
        hold["seats"] += seats
        for label, count in areas.items():
            hold["areas"][label] = hold["areas"].get(label, 0) + count
        places = [label for label, count in areas.items() for _ in range(count)]
        hold["told"] += self.told([*seats, *places])
        if hold["currency"] is None and self.settings.prices:
            [hold["currency"]] = {
                money.currency for money in self.settings.prices.values()
            }
        self.changed()
        return {**self.shown(hold), "added": {"seats": seats, "areas": areas}}

    def shown(self, hold: dict[str, Any]) -> Reply:
        return {
            "hold": hold["token"],
            **self.ends(hold["deadline"]),
            "seats": list(hold["seats"]),
            "areas": dict(hold["areas"]),
            "total": self.total(hold),
        }

    # The commands.

    def hold(self, command: c.Hold) -> Reply:
        seats, areas = self.find_places(command)
        self.check_sale()
        hold = self.check_limits(command.hold, size(seats, areas))
        naive_hoarding.check(self, hold, size(seats, areas), seats, areas)
        known = [seat for seat in seats if seat in self.venue.labels]
        taken = [seat for seat in known if self.letter(seat) != "f"]
        if taken and known == seats:
            others = naive_orphans.instead_of_taken(self, seats)
            self.refuse("seat_not_free", seats=taken, alternatives=others)
        for label, count in areas.items():
            if label in self.blocked_places and self.area(label)[0] < count:
                self.refuse("not_enough_seats")
        if seats and known == seats and not taken and not self.system:
            self.check_orphans(naive_orphans.of_hold(self, seats, hold))
        if self.reasons:
            return {}
        return self.take(hold, seats, areas, command.ttl_s)

    def holdbest(self, command: c.HoldBest) -> Reply:
        self.check_sale()
        hold = self.check_limits(command.hold, command.quantity)
        naive_hoarding.check(self, hold, command.quantity, [], {})
        closed = naive_hoarding.closed(self)
        seats, areas, adjacent = self.find_best(command, closed)
        if not seats and not areas:
            more, places, _ = self.find_best(command, {})
            if more or places:
                found = [*more, *(("area", label) for label in places)]
                ends = [closed[place] for place in found if place in closed]
                naive_hoarding.refuse_until(self, ends)
            self.refuse("not_enough_seats")
        if self.reasons:
            return {}
        return {**self.take(hold, seats, areas), "adjacent": adjacent}

    def find_best(
        self, command: c.HoldBest, closed: naive_hoarding.Closed
    ) -> tuple[list[str], Places, bool]:
        category, quantity = command.category, command.quantity
        if command.accessible or any(
            category in (None, seat.category) for seat in self.venue.seats
        ):
            ask: Any = {"category": category, "accessible": command.accessible}
            found = self.look(closed).best(quantity, **ask)
            adjacent = found is not None
            if found is None and not command.adjacent:
                found = self.finder.scattered(quantity, **ask)
            return self.labels(found or []), {}, adjacent
        roomy = [
            area.label
            for area in self.venue.areas
            if category in (None, area.category) and ("area", area.label) not in closed
        ]
        roomy.sort(key=lambda label: -self.area(label)[0])
        if roomy and self.area(roomy[0])[0] >= quantity:
            return [], {roomy[0]: quantity}, True
        return [], {}, True

    def extend(self, command: c.Extend) -> Reply:
        self.check_sale()
        hold = self.find_loose_hold(command.hold)
        longest = self.settings.hold_ttl_s
        if hold is None:
            return {}
        wanted = self.now_ms + min(command.ttl_s or longest, longest) * 1_000
        if wanted > max(hold["deadline"], hold["created"] + 2 * longest * 1_000):
            self.refuse("extend_limit")
        if self.reasons:
            return {}
        hold["deadline"] = max(wanted, hold["deadline"])
        hold["ends"] = hold["deadline"] + GRACE_MS
        self.changed()
        return self.ends(hold["deadline"])

    def release(self, command: c.Release) -> Reply:
        hold = self.find_loose_hold(command.hold)
        seats, areas = self.find_places(command)
        if hold is None:
            return {}
        if command.seats is None and command.areas is None:
            seats, areas = list(hold["seats"]), dict(hold["areas"])
        if "seat_not_found" not in self.reasons and set(seats) - set(hold["seats"]):
            self.refuse("seat_not_found")
        if any(hold["areas"].get(label, 0) < n for label, n in areas.items()):
            self.refuse("area_not_found")
        if not self.reasons:
            self.check_orphans(naive_orphans.of_release(self, hold, seats))
        if self.reasons:
            return {}
        self.take_out(hold, seats, areas)
        over = not hold["seats"] and not hold["areas"]
        naive_hoarding.let_go(self, hold, seats, areas, over=over)
        if over:
            self.holds.remove(hold)
        self.changed()
        return {"seats": seats, "areas": areas}

    def book(self, command: c.Book) -> Reply:
        if not self.system and (command.order or "").startswith("ord_"):
            return self.refuse("forbidden")
        if self.state == "cancelled":
            return self.refuse("sale_closed")
        hold = self.find_hold(command.hold)
        total = None if hold is None else self.total(hold)
        if hold is not None:
            self.check_total(hold, command.total)
        pledged = hold is not None and hold["order"]
        if pledged and (not self.system or command.order != pledged):
            self.refuse("hold_pledged")
        if not pledged:
            self.check_one_booking()
        if self.settings.payment == "required" and not self.system:
            self.refuse("payment_required")
        payment, state = self.settings.payment, self.state
        asks = (payment, state) == ("none", "on_sale") and not self.system
        if hold is not None and asks:
            self.check_orphans(naive_orphans.of_booking(self, hold))
        if hold is None or self.reasons:
            return {}
        booking = {
            "booking": self.ids.token(),
            "reference": self.ids.reference(),
            "user": self.user,
            "seats": hold["seats"],
            "areas": hold["areas"],
            "total": total,
            "currency": hold["currency"],
            "told": hold["told"],
            "by_order": self.system and command.order is not None,
        }
        self.holds.remove(hold)
        self.bookings.append(booking)
        self.changed()
        return without_user(booking)

    def cancel(self, command: c.Cancel) -> Reply:
        for booking in self.bookings:
            if booking["booking"] == command.booking and (
                self.organizer or booking["user"] == self.user
            ):
                if booking["by_order"]:
                    return self.refuse("belongs_to_order")
                last = self.settings.starts_at_ms - self.settings.cancel_until_s * 1_000
                if self.now_ms > last and not self.organizer:
                    return self.refuse("cancel_too_late")
                self.bookings.remove(booking)
                self.changed()
                return {"seats": booking["seats"], "areas": booking["areas"]}
        return self.refuse("booking_not_found")

    def block(self, command: c.Block) -> Reply:
        seats, areas = self.may_block(command, "f", 0)
        if self.reasons:
            return {}
        self.blocked_seats |= set(seats)
        self.why |= dict.fromkeys(seats, (command.reason or "").strip())
        for label, count in areas.items():
            self.blocked_places[label] += count
        self.changed()
        return {"seats": seats, "areas": areas}

    def unblock(self, command: c.Unblock) -> Reply:
        seats, areas = self.may_block(command, "x", 3)
        if self.reasons:
            return {}
        self.blocked_seats -= set(seats)
        for label, count in areas.items():
            self.blocked_places[label] -= count
        self.changed()
        return {"seats": seats, "areas": areas}

    def blocked(self, _: c.Blocked) -> Reply:
        if not self.system:
            return self.refuse("forbidden")
        off = [label for label in self.venue.labels if label in self.blocked_seats]
        whys = dict.fromkeys(self.why[label] for label in off)
        groups = {why: [seat for seat in off if self.why[seat] == why] for why in whys}
        return {"groups": [{"reason": x or None, "seats": groups[x]} for x in whys]}

    def may_block(
        self, command: Any, letter: str, column: int
    ) -> tuple[list[str], Places]:
        if not self.organizer:
            self.refuse("forbidden")
        seats, areas = self.find_places(command)
        if "seat_not_found" not in self.reasons:
            others = [seat for seat in seats if self.letter(seat) != letter]
            if others:
                self.refuse("seat_not_free", seats=others)
        for label, count in areas.items():
            if label in self.blocked_places and self.area(label)[column] < count:
                self.refuse("not_enough_seats")
        return seats, areas

    def holding(self, _: c.Holding) -> Reply:
        return {
            "holds": [
                {
                    **self.shown(hold),
                    **({"order": hold["order"]} if hold["order"] else {}),
                }
                for hold in self.holds
                if self.mine(hold)
            ],
            "bookings": [without_user(one) for one in self.bookings if self.mine(one)],
        }

    def mine(self, one: dict[str, Any]) -> bool:
        return bool(one["user"] == self.user)

    def expirehold(self, command: c.ExpireHold) -> Reply:
        over = self.state == "cancelled"
        for hold in self.holds:
            if hold["token"] == command.hold and (over or hold["ends"] <= self.now_ms):
                self.holds.remove(hold)
                naive_hoarding.let_go(
                    self, hold, hold["seats"], hold["areas"], over=True
                )
                self.expired = [
                    one for one in self.expired if one[0] >= self.now_ms - HOUR_MS
                ]
                self.expired.append((self.now_ms, hold["token"], hold["user"]))
                self.changed()
                return {}
        return self.refuse("hold_not_found")

    def keepholds(self, command: c.KeepHolds) -> Reply:
        short = [hold for hold in self.holds if hold["ends"] < command.until_ms]
        for hold in short:
            hold["ends"] = command.until_ms
        if short:
            self.changed()
        return {}


def size(seats: list[str], areas: Places) -> int:
    return len(seats) + sum(areas.values())


def without_user(booking: dict[str, Any]) -> Reply:
    return {
        name: value
        for name, value in booking.items()
        if name not in ("user", "currency", "told", "by_order")
    }
