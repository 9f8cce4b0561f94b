"""What the long random runs let the shop ask: mostly right, now and then wrong."""

import random
from typing import Any

from inventory.pledges import none_of
from inventory.records import BookingRecord
from inventory.settings import Money, PriceType
from inventory.state import Stock
from inventory.venue.map import Venue

TYPES = {
    "child": PriceType("Child", {"1": Money(2_000, "EUR"), "2": Money(0, "EUR")}),
    "senior": PriceType("Senior", {"2": Money(2_500, "EUR")}),
    "press": PriceType("Press", {"2": Money(2_500, "EUR")}),
}


class ShopAsks:
    """The shop's half of a run; the rest of it is its heir's."""

    dice: random.Random
    stock: Stock
    venue: Venue

    def token(self) -> str:
        raise NotImplementedError

    def places(self) -> dict[str, Any]:
        raise NotImplementedError

    def holds_of_user(self) -> list[str]:
        raise NotImplementedError

    def bookings_of_user(self) -> list[str]:
        raise NotImplementedError

    def order(self, token: str) -> str:
        """The order that has a hold, mostly."""
        hold = self.stock.holds.get(token)
        known = None if hold is None else hold.order
        if known is not None and self.dice.random() < 0.8:
            return known
        return self.dice.choice(["o1", "o2", "o3"])

    def pledge(self) -> dict[str, Any]:
        token, total = self.token(), None
        if self.dice.random() < 0.1:
            total = {"amount": self.dice.choice([0, 4_500]), "currency": "EUR"}
        return {
            "op": "pledge",
            "hold": token,
            "order": self.order(token),
            "until_s": self.dice.choice([1, 60, 900, 1_020, 1_800]),
            "total": total,
            "types": self.types(token) if self.dice.random() < 0.5 else None,
            "lines": self.lines(token) if self.dice.random() < 0.2 else None,
        }

    def quote(self) -> dict[str, Any]:
        token = self.token()
        types = self.types(token) if self.dice.random() < 0.5 else None
        return {"op": "quote", "hold": token, "types": types}

    def lines(self, token: str) -> list[dict[str, Any]]:
        """Name all of a hold at other prices, now and then not all of it, or more."""
        hold, dice = self.stock.holds.get(token), self.dice
        labels = ["A-1"] if hold is None else []
        if hold is not None:
            labels += [self.venue.labels[seat] for seat in hold.seats]
            for area, count in hold.areas.items():
                labels += [self.venue.areas[area].label] * count
        if dice.random() < 0.2:
            labels = [*labels[1:], dice.choice([*labels, "GA", "B-2", "ZZ"])]
        dice.shuffle(labels)
        return [
            {
                "label": label,
                "amount": dice.choice([0, 700, 800]),
                "type": dice.choice([None, None, "child"]),
            }
            for label in labels
        ]

    def types(self, token: str) -> dict[str, Any]:
        """Sell some of a hold as types, now and then what is not there or is none."""
        hold, dice = self.stock.holds.get(token), self.dice
        keys = [*TYPES, *(["nobody"] if dice.random() < 0.05 else [])]
        found: dict[str, Any] = {}
        for seat in () if hold is None else hold.seats:
            if dice.random() < 0.6:
                found[self.venue.labels[seat]] = dice.choice(keys)
        for area, count in {} if hold is None else hold.areas.items():
            for key in dice.sample(keys, min(2, count)):
                some = dice.randint(1, max(1, count // 2 + (dice.random() < 0.1)))
                found.setdefault(self.venue.areas[area].label, {})[key] = some
        if dice.random() < 0.05:
            label = dice.choice(["A-1", "B-2", "GA", "ZZ"])
            found[label] = dice.choice(["child", {"child": 1}])
        return found

    def unpledge(self) -> dict[str, Any]:
        token, pledged = self.token(), self.pledged_of_user()
        if pledged and self.dice.random() < 0.8:
            token = self.dice.choice(pledged)
        released = self.dice.random() < 0.4
        order = self.order(token)
        return {"op": "unpledge", "hold": token, "order": order, "release": released}

    def part(self) -> dict[str, Any]:
        known = [*self.stock.bookings, *self.bookings_of_user() * 3, "nothing"]
        name = self.dice.choice(known)
        booking = self.stock.bookings.get(name)
        places: dict[str, Any] = {}
        if booking is not None and self.dice.random() < 0.7:
            labels = [self.venue.labels[seat] for seat in booking.seats]
            size = self.dice.randint(0, len(labels))
            places["seats"] = self.dice.sample(labels, size) or None
            if booking.areas and self.dice.random() < 0.5:
                area = self.dice.choice(list(booking.areas))
                count = self.dice.randint(1, booking.areas[area])
                places["areas"] = {self.venue.areas[area].label: count}
            if booking.areas and self.dice.random() < 0.5:
                places["places"] = self.told_apart(booking)
        elif self.dice.random() < 0.3:
            places = self.places()
        return {"op": "cancel_part", "booking": name, **places}

    def told_apart(self, booking: BookingRecord) -> list[dict[str, Any]]:
        """Name places of a booking by what they cost, mostly rightly."""
        prices, found = booking.prices, []
        assert prices is not None
        kinds = booking.kinds or none_of(prices)
        for (area, count, each), kind in zip(prices.areas, kinds.areas, strict=True):
            if self.dice.random() < 0.6:
                wrong = self.dice.random() < 0.05
                found.append(
                    {
                        "area": self.venue.areas[area].label,
                        "amount": each + wrong,
                        "type": self.dice.choice([kind, kind, kind, "child"]),
                        "quantity": self.dice.randint(1, count + wrong),
                    }
                )
        return found or [{"area": "GA", "amount": 1}]

    def pledged_of_user(self) -> list[str]:
        holds = self.stock.holds
        return [token for token in self.holds_of_user() if holds[token].order]
