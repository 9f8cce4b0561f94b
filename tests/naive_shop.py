"""The shop's half of the slow twin: orders have holds, and give parts back."""

from typing import Any

from inventory import commands as c
from inventory.settings import Money, SaleState, Settings
from tests.naive_sale import Places, Reply

Told = tuple[str, int, str | None]
"""A seat or place by its label, what it costs, and its type."""


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
    blocked_places: Places

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
        told = record["told"] = list(record["told"])
        for label in (*seats, *places):
            last = max(i for i, one in enumerate(told) if one[0] == label)
            del told[last]
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
        if command.lines is not None and not hold["order"]:
            told = self.as_before(hold, command.lines)
        else:
            types = None if command.lines is not None else command.types
            told = self.as_types(hold, types)
        if told is not None:
            self.check_total({**hold, "told": told}, command.total)
            if hold["order"] and told != hold["told"]:
                self.refuse("price_changed", total=self.total(hold))
        until = self.now_ms + min(command.until_s, self.settings.pay_s + 120) * 1_000
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
        kept = kept_until(hold)
        if hold["order"] is None:
            hold["plain"] = hold["deadline"]
            hold["untyped"] = hold["told"]
            hold["deadline"] = until
        assert told is not None
        hold["told"] = told
        if hold["first"] is None:
            hold["first"] = self.now_ms
        hold["order"] = command.order
        hold["deadline"] = max(hold["deadline"], until)
        hold["ends"] = max(hold["deadline"] + 5_000, kept)
        self.changed()
        return {
            "hold": hold["token"],
            "order": command.order,
            **self.ends(hold["deadline"]),
            "lines": self.lines(hold),
            "total": self.total(hold),
        }

    def quote(self, command: c.Quote) -> Reply:
        if not self.system:
            return self.refuse("forbidden")
        hold = self.find_loose_hold(command.hold)
        if hold is None:
            return {}
        told = self.as_types(hold, command.types)
        if self.reasons:
            return {}
        asked = {**hold, "told": told}
        return {
            "hold": hold["token"],
            **self.ends(hold["deadline"]),
            "lines": self.lines(asked),
            "total": self.total(asked),
        }

    def lines(self, hold: dict[str, Any]) -> list[Reply]:
        """The seats first, then the places, each in the order they were added."""
        told = sorted(hold["told"], key=lambda one: one[0] not in hold["seats"])
        return [
            {
                "label": label,
                "category": self.category_of(label),
                "amount": each,
                "type": kind,
            }
            for label, each, kind in told
        ]

    def as_before(
        self, hold: dict[str, Any], lines: list[c.Priced]
    ) -> list[Told] | None:
        """What is told of a hold that costs what another one did, line by line."""
        named = [(line.label, line.amount, line.type) for line in lines]
        seats = [one for one in named if one[0] not in self.blocked_places]
        places = [one for one in named if one[0] in self.blocked_places]
        if len({label for label, _, _ in seats}) != len(hold["seats"]) or {
            label for label, _, _ in seats
        } != set(hold["seats"]):
            other = {label for label, _, _ in seats} ^ set(hold["seats"])
            self.refuse("seat_not_found", seats=sorted(other))
        labels = [label for label, _, _ in places]
        counts = {label: labels.count(label) for label in labels}
        if counts != hold["areas"] or len(seats) != len(hold["seats"]):
            self.refuse("area_not_found")
        if self.reasons.keys() & {"seat_not_found", "area_not_found"}:
            return None
        by_label = {one[0]: one for one in seats}
        # Places that are alike stand together.
        alike = [one for key in dict.fromkeys(places) for one in places if one == key]
        return [*(by_label[label] for label in hold["seats"]), *alike]

    def as_types(
        self, hold: dict[str, Any], types: dict[str, Any] | None
    ) -> list[Told] | None:
        """What is told of a hold where some of it is sold as types, each by itself."""
        if types is None and hold["order"]:
            return list(hold["told"])
        wanted: list[tuple[str, str]] = []
        for label, of in (types or {}).items():
            if isinstance(of, str):
                if label not in hold["seats"]:
                    unknown = self.reasons.get("seat_not_found", {}).get("seats", [])
                    self.refuse("seat_not_found", seats=[*unknown, label])
                wanted.append((label, of))
            else:
                if hold["areas"].get(label, 0) < sum(of.values()):
                    self.refuse("area_not_found")
                wanted += [(label, key) for key, n in of.items() for _ in range(n)]
        told = []
        for label, each, _ in hold["untyped"] if hold["order"] else hold["told"]:
            mine = [key for place, key in wanted if place == label]
            key = mine[0] if mine else None
            if key is not None:
                wanted.remove((label, key))
            told.append((label, each, key))
        if self.reasons.keys() & {"seat_not_found", "area_not_found"}:
            return None
        if hold["order"]:
            # What it is sold as is as it was, or it is refused.
            same = [one[2] for one in told] == [one[2] for one in hold["told"]]
            return list(hold["told"]) if same else told
        if any(key and key not in self.settings.types for _, _, key in told):
            self.refuse("type_not_found")
            return None
        keys = [key for _, _, key in told if key]
        limits = {key: self.settings.types[key].max_per_order for key in keys}
        if any(most and keys.count(key) > most for key, most in limits.items()):
            self.refuse("type_limit")
            return None
        return [self.costs(hold, *one) for one in told]

    def costs(
        self, hold: dict[str, Any], label: str, each: int, key: str | None
    ) -> Told:
        """What one of a type costs: now, and else what it was told to."""
        if key is None or hold["currency"] is None:
            return label, each, key
        money = self.settings.types[key].prices.get(self.category_of(label))
        return label, each if money is None else money.amount, key

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
        kept = kept_until(hold)
        hold["deadline"] = max(hold["plain"], minute)
        hold["ends"] = max(hold["deadline"] + 5_000, kept)
        hold["order"] = None
        hold["told"] = hold["untyped"]
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
        named = [
            (one.area, one.amount, one.type)
            for one in command.places or []
            for _ in range(one.quantity)
        ]
        if any(label not in self.blocked_places for label, _, _ in named):
            self.refuse("area_not_found")
        if not (command.seats or command.areas or named):
            seats, areas = list(booking["seats"]), dict(booking["areas"])
        if set(seats) - set(booking["seats"]) and "seat_not_found" not in self.reasons:
            self.refuse("seat_not_found")
        if any(booking["areas"].get(label, 0) < n for label, n in areas.items()):
            self.refuse("area_not_found")
        if self.reasons:
            return {}
        before, left = self.total(booking), {**booking, "told": list(booking["told"])}
        gone = dict(areas)
        for place in named:
            gone[place[0]] = gone.get(place[0], 0) + 1
        if any(booking["areas"].get(label, 0) < n for label, n in gone.items()):
            return self.refuse("area_not_found")
        if set(seats) == set(booking["seats"]) and gone == booking["areas"]:
            self.bookings.remove(booking)
            self.changed()
            return {"seats": seats, "areas": gone, "total": before}
        for place in named:
            if place not in left["told"]:
                return self.refuse("area_not_found")
            last = max(i for i, one in enumerate(left["told"]) if one == place)
            del left["told"][last]
            left["areas"] = {**left["areas"], place[0]: left["areas"][place[0]] - 1}
        left["areas"] = {label: n for label, n in left["areas"].items() if n}
        self.take_out(left, seats, areas)
        booking.update(left, total=self.total(left))
        self.changed()
        total = before and {
            **before,
            "amount": before["amount"] - booking["total"]["amount"],
        }
        return {"seats": seats, "areas": gone, "total": total}


def kept_until(hold: dict[str, Any]) -> int:
    """Return until when a recovery keeps a hold; 0 where none does."""
    ends: int = hold["ends"]
    return ends if ends > hold["deadline"] + 5_000 else 0
