"""The shop's half of the slow twin: orders have holds, and give parts back."""

from typing import Any

from inventory import commands as c
from inventory.settings import Money, SaleState, Settings
from tests.naive_sale import Places, Reply


class NaiveShop:
    """What the shop asks; the rest of the stock is its heir's."""

    settings: Settings
    state: SaleState
    user: str
    system: bool
    now_ms: int
    reasons: dict[str, Reply]
    holds: list[dict[str, Any]]
    bookings: list[dict[str, Any]]

    def refuse(self, code: str, **more: Any) -> Reply:
        raise NotImplementedError

    def changed(self) -> None:
        raise NotImplementedError

    def find_hold(self, token: str) -> dict[str, Any] | None:
        raise NotImplementedError

    def find_places(self, command: Any) -> tuple[list[str], Places]:
        raise NotImplementedError

    def check_one_booking(self, but: str | None = None) -> None:
        raise NotImplementedError

    def count_of(self, user: str) -> int:
        raise NotImplementedError

    def total(self, hold: dict[str, Any]) -> Reply | None:
        raise NotImplementedError

    def told(self, labels: list[str]) -> list[tuple[str, int]]:
        raise NotImplementedError

    def ends(self, deadline: int) -> Reply:
        raise NotImplementedError

    def category_of(self, label: str) -> str:
        raise NotImplementedError

    def let_go(self, hold: dict[str, Any]) -> None:
        raise NotImplementedError

    def find_loose_hold(self, token: str) -> dict[str, Any] | None:
        hold = self.find_hold(token)
        if hold is not None and hold["order"]:
            self.refuse("hold_pledged")
        return hold

    def check_total(self, hold: dict[str, Any], told: Money | None) -> None:
        if told is None:
            return
        total = self.total(hold)
        shown = {"amount": told.amount, "currency": told.currency}
        if shown != total and (total is not None or told.amount):
            self.refuse("price_changed", total=total)

    def take_out(self, record: dict[str, Any], seats: list[str], areas: Places) -> None:
        """Take places out of a hold or booking: those that were added last."""
        record["seats"] = [seat for seat in record["seats"] if seat not in seats]
        places = [label for label, count in areas.items() for _ in range(count)]
        record["told"] = list(record["told"])
        for label in (*seats, *places):
            last = max(i for i, one in enumerate(record["told"]) if one[0] == label)
            del record["told"][last]
        record["areas"] = dict(record["areas"])
        for label, count in areas.items():
            record["areas"][label] -= count
            if not record["areas"][label]:
                del record["areas"][label]

    def pledge(self, command: c.Pledge) -> Reply:
        if not self.system:
            return self.refuse("forbidden")
        if self.state == "cancelled":
            return self.refuse("sale_closed")
        hold = self.find_hold(command.hold)
        if hold is None:
            return {}
        if hold["order"] not in (None, command.order):
            self.refuse("hold_pledged")
        self.check_total(hold, command.total)
        until = self.now_ms + min(command.until_s, 1_020) * 1_000
        if hold["first"] is not None:
            until = min(until, hold["first"] + 1_800_000)
        if hold["order"] is None:
            if until <= self.now_ms:
                self.refuse("extend_limit")
            if self.count_of(self.user) > self.settings.max_per_user:
                self.refuse("user_limit")
            self.check_one_booking(but=command.hold)
        if self.reasons:
            return {}
        if hold["order"] is None:
            hold["plain"] = hold["deadline"]
            hold["deadline"] = until
        if hold["first"] is None:
            hold["first"] = self.now_ms
        hold["order"] = command.order
        hold["deadline"] = max(hold["deadline"], until)
        hold["ends"] = hold["deadline"] + 5_000
        self.changed()
        return {
            "hold": hold["token"],
            "order": command.order,
            **self.ends(hold["deadline"]),
            "lines": self.lines(hold),
            "total": self.total(hold),
        }

    def lines(self, hold: dict[str, Any]) -> list[Reply]:
        """The seats first, then the places, each in the order they were added."""
        told = [(label, each) for label, each in hold["told"]]
        told.sort(key=lambda one: one[0] not in hold["seats"])
        return [
            {"label": label, "category": self.category_of(label), "amount": each}
            for label, each in told
        ]

    def unpledge(self, command: c.Unpledge) -> Reply:
        if not self.system:
            return self.refuse("forbidden")
        hold = self.find_hold(command.hold)
        if hold is None:
            return {}
        if hold["order"] != command.order:
            return self.refuse("hold_not_found")
        if command.release:
            self.holds.remove(hold)
            self.let_go(hold)
            self.changed()
            return {"expires_at": None, "seats": hold["seats"], "areas": hold["areas"]}
        minute = min(self.now_ms + 60_000, hold["first"] + 1_800_000)
        kept = hold["ends"] if hold["ends"] > hold["deadline"] + 5_000 else 0
        hold["deadline"] = max(hold["plain"], minute)
        hold["ends"] = max(hold["deadline"] + 5_000, kept)
        hold["order"] = None
        self.changed()
        at = self.ends(hold["deadline"])["expires_at"]
        return {"expires_at": at, "seats": [], "areas": {}}

    def cancelpart(self, command: c.CancelPart) -> Reply:
        if not self.system:
            return self.refuse("forbidden")
        for booking in self.bookings:
            if (booking["booking"], booking["user"]) == (command.booking, self.user):
                return self.give_back(booking, command)
        return self.refuse("booking_not_found")

    def give_back(self, booking: dict[str, Any], command: c.CancelPart) -> Reply:
        seats, areas = self.find_places(command)
        seats = list(dict.fromkeys(seats))
        if not command.seats and not command.areas:
            seats, areas = list(booking["seats"]), dict(booking["areas"])
        if set(seats) - set(booking["seats"]) and "seat_not_found" not in self.reasons:
            self.refuse("seat_not_found")
        if any(booking["areas"].get(label, 0) < n for label, n in areas.items()):
            self.refuse("area_not_found")
        if self.reasons:
            return {}
        if set(seats) == set(booking["seats"]) and areas == booking["areas"]:
            self.bookings.remove(booking)
        else:
            self.take_out(booking, seats, areas)
            booking["total"] = self.total(booking)
        self.changed()
        return {"seats": seats, "areas": areas}
