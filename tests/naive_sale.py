"""The organiser's half of the slow twin: sale states, settings, what is due."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import UNSET
from msgspec.structs import replace

from inventory import commands as c
from inventory.settings import SaleState, Settings
from inventory.venue.map import Venue

Reply = dict[str, Any]
Places = dict[str, int]

HOUR_MS = 3_600_000
START = datetime(1970, 1, 1, tzinfo=UTC)
SALE_WAYS = {
    "publish": ["draft"],
    "pause": ["on_sale"],
    "resume": ["paused"],
    "close": ["scheduled", "on_sale", "paused"],
    "cancel": ["draft", "scheduled", "on_sale", "paused", "closed"],
}
DONE = {
    "publish": ["scheduled", "on_sale"],
    "pause": ["paused"],
    "resume": ["on_sale"],
    "close": ["closed"],
    "cancel": ["cancelled"],
}


class NaiveSale:
    """What it changes; the rest of the stock is its heir's."""

    venue: Venue
    settings: Settings
    state: SaleState
    is_deleted = False
    now_ms: int
    organizer: bool
    system: bool
    reasons: dict[str, Reply]
    holds: list[dict[str, Any]]
    bookings: list[dict[str, Any]]

    def refuse(self, code: str, **more: Any) -> Reply:
        raise NotImplementedError

    def changed(self) -> None:
        raise NotImplementedError

    def area(self, label: str) -> tuple[int, int, int, int]:
        raise NotImplementedError

    def changesale(self, command: c.ChangeSale) -> Reply:
        if not self.organizer:
            self.refuse("forbidden")
        elif self.state in DONE[command.to]:
            return {"status": self.state}
        if self.state not in SALE_WAYS[command.to]:
            self.refuse("wrong_state")
        if command.to == "publish" and (
            self.is_past()
            or not fits(self.settings)
            or not self.is_priced()
            or not self.has_types_priced()
        ):
            self.refuse("wrong_state")
        if self.reasons:
            return {}
        opens = self.settings.on_sale_at_ms
        if command.to in ("publish", "resume"):
            later = command.to == "publish" and (opens or 0) > self.now_ms
            self.state = "scheduled" if later else "on_sale"
        elif command.to == "pause":
            self.state = "paused"
        else:
            self.state = "closed" if command.to == "close" else "cancelled"
        self.changed()
        return {"status": self.state}

    def configure(self, command: c.Configure) -> Reply:
        if not self.organizer:
            return self.refuse("forbidden")
        if self.state in ("cancelled", "completed"):
            return self.refuse("wrong_state")
        given = {
            field: value
            for field in command.patch.__struct_fields__
            if (value := getattr(command.patch, field)) is not UNSET
        }
        capacity = given.get("capacity")
        if capacity is not None and capacity != self.settings.capacity:
            if self.venue.labels or len(self.venue.areas) != 1:
                return self.refuse("wrong_state")
            _, *taken = self.area(self.venue.areas[0].label)
            if sum(taken) > capacity:
                return self.refuse("tickets_sold")
        former, prices = self.settings, dict(self.settings.prices)
        for category, money in given.get("prices", {}).items():
            prices.pop(category, None)
            if money is not None:
                prices[category] = money
        types = {**former.types, **given.get("types", {})}
        types = {key: one for key, one in types.items() if one is not None}
        moved = self.moved(given)
        changed = {**moved, **given, "prices": prices, "types": types}
        self.settings = replace(former, **changed)
        self.judge(given)
        if self.reasons:
            self.settings = former
            return {}
        if any(field.endswith("_at_ms") for field in given):
            self.settings = replace(self.settings, completes_at_ms=None)
        unfinished = self.state in (*SALE_WAYS["close"], "closed")
        if unfinished and self.now_ms >= self.ends_at():
            self.state = "completed"
        self.changed()
        return {"status": self.state}

    def moved(self, given: dict[str, Any]) -> dict[str, int]:
        """What moves with the beginning, as a clock on the wall shows it."""
        if "starts_at_ms" not in given:
            return {}
        zone = ZoneInfo(given.get("timezone", self.settings.timezone))
        begins, begun = (
            (START + timedelta(milliseconds=ms)).astimezone(zone).replace(tzinfo=None)
            for ms in (given["starts_at_ms"], self.settings.starts_at_ms)
        )
        found = {}
        for field in ("ends_at_ms", "on_sale_at_ms", "off_sale_at_ms"):
            time = getattr(self.settings, field)
            opened = self.state not in ("draft", "scheduled")
            if time is None or (field == "on_sale_at_ms" and opened):
                continue
            wall = (START + timedelta(milliseconds=time)).astimezone(zone)
            moved = wall.replace(tzinfo=None) + (begins - begun)
            since = moved.replace(tzinfo=zone) - START
            found[field] = since // timedelta(milliseconds=1)
        return found

    def judge(self, given: dict[str, Any]) -> None:
        """Refuse settings that do not go together, where what is wrong was given."""
        if any(field.endswith("_at_ms") for field in given) and not fits(self.settings):
            self.refuse("bad_field")
        if "prices" in given:
            currencies = {money.currency for money in self.settings.prices.values()}
            told = {one["currency"] for one in self.holds + self.bookings} - {None}
            if currencies and any(currencies != {currency} for currency in told):
                self.refuse("tickets_sold")
            if (
                len(currencies) > 1
                or currencies - {"EUR", "JPY"}
                or set(self.settings.prices) - self.venue.categories
                or (self.state != "draft" and not self.is_priced())
            ):
                self.refuse("bad_field")

        if ("prices" in given or "types" in given) and not self.has_types_priced():
            self.refuse("bad_field")

    def has_types_priced(self) -> bool:
        """Whether each price of a type is beside one of its category, in its money."""
        usual = self.settings.prices
        return all(
            key in usual and money.currency == usual[key].currency
            for kind in self.settings.types.values()
            for key, money in kind.prices.items()
        )

    def is_priced(self) -> bool:
        priced = set(self.settings.prices)
        drawn = {seat.category for seat in self.venue.seats}
        drawn |= {area.category for area in self.venue.areas}
        return not priced or drawn <= priced

    def is_past(self) -> bool:
        s = self.settings
        times = (s.starts_at_ms, s.ends_at_ms, s.off_sale_at_ms)
        return any(time is not None and time <= self.now_ms for time in times)

    def ends_at(self) -> int:
        return self.settings.completes_at_ms or over(self.settings)

    def deleteevent(self, _: c.DeleteEvent) -> Reply:
        if not self.organizer:
            self.refuse("forbidden")
        if self.bookings or any(hold["order"] for hold in self.holds):
            self.refuse("tickets_sold")
        if not self.reasons:
            self.state = "cancelled"
            self.is_deleted = True
            self.changed()
        return {"status": self.state}

    def gone(self, command: Any) -> bool:
        """Refuse what a deleted event takes no more; return whether it did."""
        own = c.ExpireHold | c.OpenSale | c.CloseSale | c.CompleteEvent | c.KeepHolds
        if not self.is_deleted or isinstance(command, own | c.DeleteEvent):
            return False
        kinds = c.Block | c.Unblock | c.ChangeSale | c.Configure
        self.refuse("event_not_found")
        if isinstance(command, kinds) and not self.organizer:
            self.refuse("forbidden")
        if isinstance(command, c.SystemCommand) and not self.system:
            self.refuse("forbidden")
        return True

    def opensale(self, _: c.OpenSale) -> Reply:
        if self.state != "scheduled":
            return self.refuse("wrong_state")
        if (self.settings.on_sale_at_ms or 0) > self.now_ms:
            return self.refuse("sale_not_open")
        self.state = "on_sale"
        self.changed()
        return {}

    def closesale(self, _: c.CloseSale) -> Reply:
        return self.end(SALE_WAYS["close"], self.settings.off_sale_at_ms, "closed")

    def completeevent(self, _: c.CompleteEvent) -> Reply:
        states = [*SALE_WAYS["close"], "closed"]
        return self.end(states, self.ends_at(), "completed")

    def end(self, states: list[str], at_ms: int | None, state: SaleState) -> Reply:
        if self.state not in states or at_ms is None or self.now_ms < at_ms:
            return self.refuse("wrong_state")
        self.state = state
        self.changed()
        return {}


def over(settings: Settings) -> int:
    return settings.ends_at_ms or settings.starts_at_ms + 24 * HOUR_MS


def fits(settings: Settings) -> bool:
    """Whether sale, beginning and end come in this order."""
    starts, ends = settings.starts_at_ms, over(settings)
    opens, closes = settings.on_sale_at_ms, settings.off_sale_at_ms
    return starts < ends and (
        (opens is None or opens <= starts)
        and (closes is None or (opens or 0) < closes <= ends)
    )
