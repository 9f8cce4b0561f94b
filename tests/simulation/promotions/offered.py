"""Promotions of a world: which there are, who names their codes, and who counts them.

The twin knows which order named which code, and what its lines cost. It looks at no
count that the tables keep: after each commit the orders that have a promotion are as
many as may be at most, and each costs what it takes off.
"""

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING, Any, Final

from persistence.shop.orders.records import OrderLine, OrderState
from server.shop.promotions.codes import hash_of
from tests.simulation.promotions.tables import ENDED, SEED, promotion

if TYPE_CHECKING:
    from tests.simulation.orders.tables import Row
    from tests.simulation.statements import Store
    from tests.simulation.world import World

ONE_USE: Final = 2
"""So many codes of each promotion are good for one order."""

MILLION: Final = 1_000_000
UNITS: Final = ("seat", "place")


class Offered:
    """The promotions of all events, and what may be had of them."""

    def __init__(self, world: "World", random: Random) -> None:
        self.world = world
        self.codes: dict[str, list[str]] = {event: [] for event in world.events}
        self.named: dict[str, tuple[str, tuple[str, ...]]] = {}
        """The event and the codes that a request named, by the order that it makes."""
        if not world.plan.codes:
            return
        for event in world.events:
            for number in range(random.choice((1, 2, 3))):
                self._put(event, number, random)
        ended = random.choice((0.3, 0.8, 2.0)) * world.plan.seconds
        world.scheduler.call_later(ended, self._end_one)

    def _put(self, event: str, number: int, random: Random) -> None:
        store: Store = self.world.tables.store
        name = f"prm {event} {number}"
        rules: dict[str, Any] = {
            "uses_max": random.choice((None, 1, 2, 5)),
            "per_user": random.choice((None, None, 1, 2)),
            "stacks": random.random() < 0.6,
            "categories": random.choice((None, None, ["1"])),
        }
        if random.random() < 0.5:
            rules["ppm"] = random.choice((100_000, 333_333, 1_000_000))
        else:
            rules["amount"] = random.choice((1, 500, 5_000))
        if "amount" in rules or random.random() < 0.3:
            rules["currency"] = "EUR"
            rules["minimum"] = random.choice((0, 4_000)) if "amount" in rules else 6_000
        store.promotion[name] = promotion(name, event, **rules)
        for code in (f"ALL{number}", *(f"ONE{number}{n}" for n in range(ONE_USE))):
            self.codes[event].append(code)
            store.promotion_code[event, hash_of(SEED, event, code)] = {
                "promotion_id": name,
                "uses_max": 1 if code.startswith("ONE") else None,
                "taken": 0,
            }

    def _end_one(self) -> None:
        """End a promotion; who has it keeps it."""
        store = self.world.tables.store
        name = sorted(store.promotion)[0]
        store.promotion[name] = {**store.promotion[name], "active": False}

    def some_codes(self, event: str, draw: Callable[[int], int]) -> tuple[str, ...]:
        """Choose what codes somebody names: none, one, two, or one that is none."""
        codes, kind = self.codes[event], draw(8)
        if kind < 2:
            return ()
        if kind == 2:
            return ("GUESSED",)
        chosen = [codes[draw(len(codes))] for _ in range(1 if kind < 6 else 2)]
        # As people type them.
        return tuple(dict.fromkeys(one.lower().replace("0", "0 ") for one in chosen))

    def outcomes(self) -> Counter[str]:
        """Count what became of codes that orders were made with."""
        table = self.world.tables.store.redemption.values()
        return Counter(f"code {one['state']}" for one in table)

    # The twin.

    def check_made(self, order: OrderState) -> None:
        """No order begins with what is over by then: R1."""
        for one in order.rules.discounts:
            if not self.world.tables.store.promotion[one.promotion]["active"]:
                self.world.violate(f"{order.order} has {one.promotion}, which is over")

    def check_limits(self) -> None:
        """So many orders have a promotion, or a code, at a moment as may: R1."""
        store = self.world.tables.store
        rows = [
            row for row in self.world.tables.rows.values() if _has_codes(row, ENDED)
        ]
        for event, codes in self.codes.items():
            mine = [row for row in rows if row.stored.state.event == event]
            self._check_codes(event, codes, mine)
        for name, rules in store.promotion.items():
            having = [row for row in rows if name in _promotions(row)]
            most, each = rules["uses_max"], rules["per_user"]
            if most is not None and len(having) > most:
                self._wrong(f"{len(having)} orders have {name}, of {most}")
            users = Counter(row.stored.user for row in having)
            people = Counter(row.stored.buyer.email.lower() for row in having)
            for of in (users, people):
                who, count = next(iter(of.most_common(1)), ("", 0))
                if each is not None and count > each:
                    self._wrong(f"{who} has {name} {count} times, of {each}")

    def _check_codes(self, event: str, codes: list[str], rows: list["Row"]) -> None:
        named: Counter[str] = Counter()
        for row in rows:
            _of, typed = self.named.get(row.stored.state.order, (event, ()))
            named.update(one.upper().replace(" ", "") for one in typed)
        for code in codes:
            if code.startswith("ONE") and named[code] > 1:
                self._wrong(f"{named[code]} orders have {code} of {event}")

    def _wrong(self, sentence: str) -> None:
        self.world.violate(f"Promotions: {sentence}")

    def check_rest(self) -> None:
        """At rest nothing is reserved, and what is used are confirmed orders: R1."""
        store = self.world.tables.store
        used: Counter[str] = Counter()
        for (order, name), one in store.redemption.items():
            state = self.world.tables.rows[order].stored.state
            wanted = "back" if state.status in ENDED else "used"
            if one["state"] != wanted:
                self._wrong(f"{order}, {state.step}, has {name} as {one['state']}")
            used[name] += wanted == "used"
        for name, rules in store.promotion.items():
            if rules["taken"] != used[name]:
                self._wrong(f"{name} counts {rules['taken']}, and {used[name]} have it")
        for row in self.world.tables.rows.values():
            self._check_row(row)

    def _check_row(self, row: "Row") -> None:
        state = row.stored.state
        _, typed = self.named.get(state.order, ("", ()))
        having, wanted = len(state.rules.discounts), len(typed)
        if having != wanted:
            self._wrong(f"{state.order} named {typed}, and has {having}")
        units = [one for one in state.lines if one.kind in UNITS]
        told, due = [one.discount for one in units], _taken_off(state, units)
        if due != told:
            self._wrong(f"{state.order} costs {told} less, and not {due}")


def _has_codes(row: "Row", ended: frozenset[str]) -> bool:
    state = row.stored.state
    return bool(state.rules.discounts) and state.status not in ended


def _promotions(row: "Row") -> list[str]:
    return [one.promotion for one in row.stored.state.rules.discounts]


def _taken_off(state: OrderState, units: list[OrderLine]) -> list[int]:
    """Reckon by fractions what the codes of an order take off its units."""
    off = [0] * len(units)
    percentages = [one for one in state.rules.discounts if one.ppm]
    amounts = [one for one in state.rules.discounts if not one.ppm]
    for one in sorted(percentages, key=lambda x: x.promotion):
        mine = _units_of(one, units)
        for index in mine:
            left = Fraction(units[index].unit - off[index])
            off[index] += int(left * one.ppm / MILLION + Fraction(1, 2))
    for one in sorted(amounts, key=lambda x: x.promotion):
        mine = _units_of(one, units)
        left_of = {index: units[index].unit - off[index] for index in mine}
        whole = sum(left_of.values())
        amount = min(one.amount, whole)
        parts = {n: Fraction(amount * left, whole or 1) for n, left in left_of.items()}
        rest = amount - sum(int(part) for part in parts.values())
        first = sorted(parts, key=lambda n: (int(parts[n]) - parts[n], n))[:rest]
        for index, part in parts.items():
            off[index] += int(part) + (index in first)
    return off


def _units_of(one: Any, units: list[OrderLine]) -> list[int]:
    """Return the units that a discount is for, where they cost enough together."""
    mine = [
        index
        for index, unit in enumerate(units)
        if one.categories is None or unit.category in one.categories
    ]
    if sum(units[index].unit for index in mine) < one.minimum:
        return []
    return mine
