"""Long random runs through the stock and through its slow twin: nothing may differ.

A seed is the whole run: `play(seed, steps)` plays it again.
"""

import functools
import random
from typing import Any, get_args

import pytest
from msgspec import convert, msgpack, structs, to_builtins

from inventory.changes import AnyChange
from inventory.commands import AnyCommand, LineCommand
from inventory.decide import decide
from inventory.replies import Refused
from inventory.rules.common import Request
from inventory.settings import Money, Settings, SettingsPatch
from inventory.snapshot import decode_snapshot, encode_snapshot
from inventory.state import Stock
from inventory.venue import rows
from inventory.venue.map import Venue
from tests import scenario
from tests.asks_shop import TYPES, ShopAsks
from tests.naive import NaiveStock
from tests.scenario import EVENT, NOW_MS, PRICES, SequentialIds, hall, settings_of

VENUES = {
    "hall": hall(
        "A 111r11|wc1",
        "B 1111111111",
        "C 22|2222r|2",
        "D 111122221",
        "E 33333",
        areas={"GA": (12, "2"), "GB": (7, "4"), "GC": (9, "4")},
    ),
    "row": hall("A 1111111111111111111111"),
    "field": hall(areas={"GA": (15, "1"), "GB": (20, "2")}),
    "bare": hall(areas={"GA": (15, "1")}),
}
USERS = ["ann", "bob", "cat", "dan", scenario.ORGANIZER]
SEEDS = range(4, 12)
STEPS = 2_000
CHECK_EVERY = 50
SNAPSHOT_EVERY = 200


def random_settings(dice: random.Random) -> Settings:
    settings = settings_of(
        hold_ttl_s=dice.choice([5, 30, 120]),
        max_per_booking=dice.choice([3, 6, 12]),
        max_per_user=dice.choice([5, 12, 40, 40]),
        prevent_orphans=dice.random() < 0.4,
        payment="required" if dice.random() < 0.1 else "none",
        one_booking_per_user=dice.random() < 0.1,
        max_held_per_network=dice.choice([1, 8, 50]),
        pay_s=dice.choice([60, 900, 1_500]),
        types=dice.choice([{}, TYPES, TYPES]),
        # The deadline lies within the run.
        starts_at_ms=NOW_MS + dice.choice([600, 86_400]) * 1_000,
        cancel_until_s=dice.choice([0, 300]),
        on_sale_at_ms=dice.choice([None, NOW_MS + 400_000]),
        off_sale_at_ms=dice.choice([None, NOW_MS + 500_000]),
        completes_at_ms=dice.choice([None, NOW_MS + 3_000_000]),
        capacity=dice.choice([None, None, None, 10, 20]),
        timezone=dice.choice(["UTC", "Europe/Berlin", "America/New_York"]),
    )
    if dice.random() < 0.1:
        settings = structs.replace(settings, prices={})
    elif dice.random() < 0.3:
        settings = structs.replace(settings, prices={"1": Money(70, "JPY")})
    if not set(PRICES) <= set(settings.prices):
        settings = structs.replace(settings, types={})
    return settings


def random_patch(dice: random.Random) -> dict[str, Any]:
    """A few fields, of which some do not fit to the others."""
    other = random_settings(dice)
    # A line is another twin's: `tests/naive_line.py`.
    known = [one for one in SettingsPatch.__struct_fields__ if one != "line"]
    fields = dice.sample(known, dice.randint(0, 4))
    if dice.random() < 0.3:
        fields.append("prices")
    patch = {field: getattr(other, field) for field in fields}
    if patch.get("capacity", 0) is None:
        del patch["capacity"]
    if "types" in patch:
        patch["types"] = {
            key: dice.choice([TYPES[key], TYPES[key], None])
            for key in dice.sample([*TYPES], dice.randint(1, 3))
        }
    if "ends_at_ms" in patch:
        patch["ends_at_ms"] = dice.choice([None, NOW_MS + 300_000, NOW_MS + 10**9])
    if "prices" in patch:
        money = {"amount": dice.choice([0, 50, 700]), "currency": "EUR"}
        if dice.random() < 0.3:
            money["currency"] = dice.choice(["JPY", "JPY", "ABC"])
        keys = dice.sample(["1", "2", "3", "4", "9"], dice.randint(0, 4))
        patch["prices"] = {key: dice.choice([money, money, None]) for key in keys}
        if dice.random() < 0.3:
            patch["prices"] = dict.fromkeys(["1", "2", "3", "4"])
    return patch


class Run(ShopAsks):
    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.venue = VENUES[self.dice.choice([*VENUES, "hall", "hall"])]
        self.settings = random_settings(self.dice)
        self.networks: list[str | None] = [None]
        if self.dice.random() < 0.7:
            self.networks = ["n1", "n2", self.dice.choice(["n2", None])]
        self.stock = Stock(self.venue, self.settings)
        self.twin = NaiveStock(self.venue, self.settings, SequentialIds())
        self.ids = SequentialIds()
        self.now_ms = NOW_MS
        self.user = ""
        self.system = False
        self.journal: list[tuple[bytes, int]] = []
        self.snapshots: list[tuple[int, bytes]] = []
        self.accepted: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self.orphans_refused: set[str] = set()

    def step(self) -> None:
        if self.dice.random() < 0.3:
            self.now_ms += self.dice.choice([1, 400, 3_000, 20_000])
        elif self.dice.random() < 0.002:
            self.now_ms += 3_700_000
        self.expire()
        self.user = self.dice.choice(USERS)
        self.system = self.dice.random() < 0.15
        self.ask(self.command(), self.user, self.system)

    def expire(self) -> None:
        """End what is due, as the actor does before it decides anything else."""
        due = self.stock.due_holds(self.now_ms, 1_000)
        assert due == self.twin.due(self.now_ms)
        for token in due:
            self.ask(scenario.parse(f"expire {token}"), "")

    def ask(self, command: AnyCommand, user: str, system: bool = False) -> None:
        organizer = user == scenario.ORGANIZER and not system
        origin = None if system else self.origin_of(user)
        request = Request(
            self.stock, user, organizer, self.now_ms, self.ids, origin, system
        )
        change, reply = decide(command, request)
        if change is not None:
            self.stock.apply(change, self.now_ms)
            self.journal.append((msgpack.encode(change), self.now_ms))
        expected = self.twin.ask(command, user, organizer, self.now_ms, origin, system)
        got = to_builtins(reply)
        # Words and the numbers behind them: rules/test_numbers.py checks those.
        for field in ("detail", "errors", "limit", "has", "free", "deadline"):
            got.pop(field, None)
        assert got == expected, f"{user} asked {command}"
        name = type(command).__name__
        if isinstance(reply, Refused):
            self.refused[reply.code] = self.refused.get(reply.code, 0) + 1
            if reply.code == "orphan_seat":
                self.orphans_refused.add(name)
        else:
            self.accepted[name] = self.accepted.get(name, 0) + 1

    def origin_of(self, user: str) -> str | None:
        """Where somebody asks from: mostly the same network."""
        if user not in USERS or user == scenario.ORGANIZER:
            return None
        roams = self.dice.random() < 0.1
        at_home = USERS.index(user) % len(self.networks)
        return self.dice.choice(self.networks) if roams else self.networks[at_home]

    def compare(self) -> None:
        self.ask(scenario.parse("blocked"), "ann", system=True)
        stock, (letters, areas) = self.stock, self.twin.picture()
        assert stock.letters.decode() == letters
        assert stock.area_counts() == areas
        assert list(stock.holds) == [hold["token"] for hold in self.twin.holds]
        assert list(stock.bookings) == [one["booking"] for one in self.twin.bookings]
        users = {one["user"] for one in self.twin.holds + self.twin.bookings}
        assert {user: record.count for user, record in stock.users.items()} == {
            user: self.twin.count_of(user) for user in users
        }
        assert stock.version == self.twin.version

    def replay(self, stock: Stock) -> Stock:
        """Apply what came after the version that `stock` has."""
        for body, at_ms in self.journal[stock.version :]:
            stock.apply(msgpack.decode(body, type=AnyChange), at_ms)
        return stock

    # What is asked.

    def command(self) -> AnyCommand:
        dice = self.dice
        kinds = [
            *[self.hold] * 8,
            *[self.best] * 6,
            *[self.extend] * 3,
            *[self.release] * 4,
            *[self.book] * 4,
            *[self.cancel] * 3,
            *[self.block] * (6 if self.user == scenario.ORGANIZER else 1),
            self.holding,
            *[self.manage] * (2 if self.user == scenario.ORGANIZER else 1),
        ]
        if self.system:
            kinds = [
                *[self.pledge] * 6,
                *[self.unpledge] * 3,
                self.quote,
                *[self.book] * 5,
                *[self.part] * 4,
                *[self.hold] * 2,
                self.extend,
                self.release,
                self.cancel,
            ]
        elif dice.random() < 0.01:
            kinds = [self.pledge, self.unpledge, self.part]
        kind = dice.choice(kinds)
        if not self.holds_of_user() and kind in (self.extend, self.release, self.book):
            kind = self.hold if dice.random() < 0.7 else kind
        fields = kind()
        if self.stock.settings.sale_state == "paused" and dice.random() < 0.3:
            fields = {"op": "change_sale", "to": "resume"}
        chosen = {name: value for name, value in fields.items() if value is not None}
        command: AnyCommand = convert({"id": 1, "event": EVENT, **chosen}, AnyCommand)
        return command

    def token(self) -> str:
        """A hold, mostly one's own; or another's, or one that is gone or never was."""
        live = list(self.stock.holds)
        mine = self.holds_of_user()
        if mine and self.dice.random() < 0.75:
            return self.dice.choice(mine)
        if live and self.dice.random() < 0.85:
            return self.dice.choice(live)
        return self.dice.choice([*self.stock.expired, "t1", "t2", "nothing"])

    def seats(self) -> list[str] | None:
        labels = self.venue.labels
        if not labels or self.dice.random() < 0.15:
            return None
        size = self.dice.choice([1, 1, 2, 2, 3, 4, 7])
        if self.dice.random() < 0.8:
            start = self.dice.randrange(len(labels))
            chosen = labels[start : start + size]
        else:
            chosen = self.dice.sample(labels, min(size, len(labels)))
        if self.dice.random() < 0.03:
            chosen = [*chosen, "Z-99"]
        return chosen

    def areas(self, likely: float = 0.3) -> dict[str, int] | None:
        names = [*self.venue.area_index, *(["ZZ"] if self.dice.random() < 0.05 else [])]
        if not names or self.dice.random() > likely:
            return None
        chosen = self.dice.sample(names, self.dice.randint(1, min(2, len(names))))
        return {name: self.dice.randint(1, 5) for name in chosen}

    def places(self) -> dict[str, Any]:
        seats = self.seats()
        return {"seats": seats, "areas": self.areas(0.3 if seats else 1.0)}

    def hold(self) -> dict[str, Any]:
        places = self.places()
        if places["seats"] is None and places["areas"] is None:
            places["seats"] = ["A-1"]
        return {
            "op": "hold",
            **places,
            "hold": self.token() if self.dice.random() < 0.3 else None,
            "ttl_s": self.dice.choice([None, None, 1, 20, 500]),
        }

    def best(self) -> dict[str, Any]:
        return {
            "op": "hold_best",
            "quantity": self.dice.choice([1, 2, 2, 3, 4, 5, 11, 13]),
            "category": self.dice.choice([None, None, "1", "2", "3", "4", "9"]),
            "accessible": self.dice.random() < 0.15,
            "adjacent": self.dice.random() < 0.7,
            "hold": self.token() if self.dice.random() < 0.2 else None,
        }

    def extend(self) -> dict[str, Any]:
        ttl_s = self.dice.choice([None, 1, 10, 1_000])
        return {"op": "extend", "hold": self.token(), "ttl_s": ttl_s}

    def release(self) -> dict[str, Any]:
        token = self.token()
        hold = self.stock.holds.get(token)
        places: dict[str, Any] = {}
        if hold is not None and self.dice.random() < 0.4:
            labels = [self.venue.labels[seat] for seat in hold.seats]
            size = self.dice.randint(0, len(labels))
            places["seats"] = self.dice.sample(labels, size) or None
            if hold.areas and self.dice.random() < 0.5:
                area = self.dice.choice(list(hold.areas))
                count = self.dice.randint(1, hold.areas[area])
                places["areas"] = {self.venue.areas[area].label: count}
        elif self.dice.random() < 0.2:
            places = self.places()
        return {"op": "release", "hold": token, **places}

    def book(self) -> dict[str, Any]:
        total = None
        if self.dice.random() < 0.2:
            currency = self.dice.choice(["EUR", "EUR", "JPY"])
            amount = self.dice.choice([0, 70, 4_500, 9_000])
            total = {"amount": amount, "currency": currency}
        token = self.token()
        order = self.order(token) if self.dice.random() < 0.6 else None
        return {"op": "book", "hold": token, "total": total, "order": order}

    def cancel(self) -> dict[str, Any]:
        return {
            "op": "cancel",
            "booking": self.dice.choice(
                [*self.stock.bookings, *self.bookings_of_user() * 3, "nothing"]
            ),
        }

    def holds_of_user(self) -> list[str]:
        record = self.stock.users.get(self.user)
        return list(record.holds) if record else []

    def bookings_of_user(self) -> list[str]:
        record = self.stock.users.get(self.user)
        return list(record.bookings) if record else []

    def block(self) -> dict[str, Any]:
        places = self.places()
        if places["seats"] is None and places["areas"] is None:
            places["areas"] = {"GA": 1}
        op = self.dice.choice(["block", "unblock"])
        blocked = [n for n, letter in enumerate(self.stock.letters) if letter == 120]
        if op == "unblock" and blocked and self.dice.random() < 0.5:
            places = {"seats": [self.venue.labels[self.dice.choice(blocked)]]}
        # Without the dice, which are for all else.
        reason = [None, "Press", " Press ", "", "A pillar"][self.stock.version % 5]
        return {"op": op, **places, **({"reason": reason} if op == "block" else {})}

    def holding(self) -> dict[str, Any]:
        return {"op": "holding"}

    def manage(self) -> dict[str, Any]:
        """Pause, mostly; what would end the run comes late."""
        chance = self.dice.random()
        late = self.stock.version > 700
        if chance < 0.3:
            return {"op": "change_sale", "to": "pause"}
        if chance < 0.4:
            to = self.dice.choice(["close", "cancel"]) if late else "publish"
            return {"op": "change_sale", "to": to}
        if chance < 0.7:
            return {"op": "configure", "patch": random_patch(self.dice)}
        if chance < 0.9:
            until_ms = self.now_ms + self.dice.choice([0, 5_000, 90_000])
            return {"op": "keep_holds", "until_ms": until_ms}
        ends = ["delete_event", "close_sale", "complete_event"]
        return {"op": self.dice.choice(ends) if late else "open_sale"}


@functools.cache
def play(seed: int, steps: int) -> Run:
    run = Run(seed)
    for step in range(steps):
        try:
            run.step()
            run.compare()
            if not step % CHECK_EVERY:
                run.stock.check()
            if not step % SNAPSHOT_EVERY:
                body = encode_snapshot(run.stock)
                run.snapshots.append((run.stock.version, body))
        except BaseException:
            print(f"seed {seed}, step {step}")  # noqa: T201
            raise
    return run


@pytest.mark.parametrize("seed", SEEDS)
def test_the_stock_does_what_its_slow_twin_does(seed):
    run = play(seed, STEPS)
    run.stock.check()
    expected = run.stock.hash()
    assert run.replay(Stock(run.venue, run.settings)).hash() == expected
    for version, body in run.snapshots:
        restored = decode_snapshot(body, run.venue)
        assert restored.version == version
        restored.check()
        replayed = run.replay(restored)
        assert replayed.hash() == expected
        replayed.check()


def test_a_journal_replays_alike_whoever_sits_beside_whom():
    """Neighbours are derived anew at each start, by the rules of that day."""
    plays = (play(seed, STEPS) for seed in SEEDS)
    run = next(run for run in plays if run.venue.seats)
    strangers = Venue(run.venue.map)
    strangers.__dict__["_runs"] = [rows.Run([seat.index]) for seat in strangers.seats]
    assert strangers.segments != run.venue.segments
    replayed = run.replay(Stock(strangers, run.settings))
    replayed.check()
    assert replayed.hash() == run.stock.hash()
    for _, body in run.snapshots:
        assert run.replay(decode_snapshot(body, strangers)).hash() == run.stock.hash()


def test_the_runs_above_try_what_there_is():
    """What nobody asks for proves nothing."""
    runs = [play(seed, STEPS) for seed in SEEDS]
    accepted = {name for run in runs for name in run.accepted}
    kinds = set(get_args(AnyCommand)) - set(get_args(LineCommand))
    commands = {kind.__name__ for kind in kinds}
    assert commands - accepted <= {
        "OpenSale",
        "DeleteEvent",
        "CloseSale",
        "CompleteEvent",
    }
    refused = {code for run in runs for code in run.refused}
    assert refused >= {
        "forbidden",
        "sale_paused",
        "hold_not_found",
        "hold_expired",
        "hold_pledged",
        "belongs_to_order",
        "extend_limit",
        "too_many_seats",
        "user_limit",
        "already_booked",
        "seat_not_found",
        "area_not_found",
        "type_not_found",
        "type_limit",
        "held_too_often",
        "seat_not_free",
        "not_enough_seats",
        "orphan_seat",
        "booking_not_found",
        "cancel_too_late",
        "wrong_state",
        "price_changed",
        "tickets_sold",
        "bad_field",
    }
    by_orphans = {name for run in runs for name in run.orphans_refused}
    assert by_orphans == {"Hold", "Release", "Book"}
