"""The table language of the core's tests: rows of who, what, and the outcome last.

    ann  | hold A-1 A-2 GA*3           | ok hold=h1 total=13500 in=600s
    bob  | hold A-2                    | seat_not_free seats=A-2
    tick +30s
    expect seats A=hhff GA=3/3/0/0

`org` is an organiser; `ann@n1` asks from a network that is limited; `for:ann` is the
shop, which asks in her name. Holds are named
h1, h2 … and bookings b1, b2 … in the order they are made. What stands behind
an outcome is compared, what is not named is not looked at.
`tick` lets time pass and then ends the holds that are due, as the actor does. Areas in
`expect` are free/held/booked/blocked.

Every row also claims what always holds: a refusal or a question changes nothing, what
is accepted is one version, all invariants hold, and at the end the journal of changes,
replayed, gives the same state.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from msgspec import UNSET, convert, msgpack, structs

from inventory.changes import AnyChange
from inventory.commands import AnyCommand
from inventory.decide import decide
from inventory.replies import Refused, Reply
from inventory.rules.common import Request
from inventory.settings import Money, Settings
from inventory.state import Stock
from inventory.venue.map import Area, Category, Point, Seat, Venue, VenueMap

NOW_MS: Final = 1_800_000_000_000
DAY_MS: Final = 86_400_000
EVENT: Final = "evt"
ORGANIZER: Final = "org"
PRICES: Final = {"1": Money(4_500, "EUR"), "2": Money(3_000, "EUR")}


def hall(*rows: str, areas: dict[str, tuple[int, str]] | None = None) -> Venue:
    """Draw a venue: `hall("A 11|1w", "B 222", areas={"GA": (10, "2")})`.

    A digit is a seat of that category, `|` an aisle; `w` an accessible seat, `c` a
    companion's, `r` one with restricted view, all three of category 1. Row by row away
    from the stage.
    """
    seats: list[Seat] = []
    for y, drawn in enumerate(rows, 1):
        row, marks = drawn.split()
        x = number = 0
        for mark in marks:
            x += 1
            if mark == "|":
                x += 2
                continue
            number += 1
            seats.append(
                Seat(
                    index=len(seats),
                    label=f"{row}-{number}",
                    row=row,
                    number=str(number),
                    category=mark if mark.isdigit() else "1",
                    x=float(x),
                    y=float(y),
                    accessible=mark == "w",
                    companion=mark == "c",
                    restricted=mark == "r",
                )
            )
    made = [
        Area(label=label, capacity=capacity, category=category)
        for label, (capacity, category) in (areas or {}).items()
    ]
    keys = {seat.category for seat in seats} | {area.category for area in made}
    middle = max((seat.x for seat in seats), default=0.0) / 2 + 0.5
    return Venue(
        VenueMap(
            seats=seats,
            areas=made,
            categories=[Category(key=key, label=key) for key in sorted(keys)],
            focal_point=Point(middle, 0.0),
        )
    )


def settings_of(**others: Any) -> Settings:
    """An event on sale with the defaults of the contract."""
    return structs.replace(
        Settings(
            name="Evening",
            sale_state="on_sale",
            starts_at_ms=NOW_MS + 30 * DAY_MS,
            prices=PRICES,
        ),
        **others,
    )


class SequentialIds:
    """Names by number; `prefix` is the letter of the next tokens."""

    def __init__(self) -> None:
        self.prefix = "t"
        self._counts: dict[str, int] = {}

    def token(self) -> str:
        return self._next(self.prefix)

    def reference(self) -> str:
        return self._next("R")

    def _next(self, prefix: str) -> str:
        self._counts[prefix] = self._counts.get(prefix, 0) + 1
        return f"{prefix}{self._counts[prefix]}"


class Scene:
    """One event, its clock and all that happened to it so far."""

    def __init__(self, venue: Venue, settings: Settings) -> None:
        self.venue = venue
        self.first_settings = settings
        self.stock = Stock(venue, settings)
        self.now_ms = NOW_MS
        self.ids = SequentialIds()
        self.journal: list[tuple[AnyChange, int]] = []
        self.apply = self.stock.apply

    def ask(self, user: str, command: AnyCommand | str) -> Reply:
        """Decide a command, and apply what it changes."""
        user, _, origin = user.partition("@")
        system = user.startswith("for:")
        user = user.removeprefix("for:")
        if isinstance(command, str):
            command = parse(command)
        stock = self.stock
        before, version = stock.hash(), stock.version
        self.ids.prefix = "b" if type(command).__name__ == "Book" else "h"
        request = Request(
            stock,
            user,
            user == ORGANIZER and not system,
            self.now_ms,
            self.ids,
            origin or None,
            system,
        )
        change, reply = decide(command, request)
        assert stock.hash() == before, "decide changed something"
        if change is not None:
            assert type(reply) is not Refused
            self.apply(change, self.now_ms)
            self.journal.append((change, self.now_ms))
        assert stock.version == version + (change is not None)
        assert reply.version == stock.version
        stock.check()
        return reply

    def refused(self, user: str, command: str) -> Refused:
        """Return why a command is refused."""
        reply = self.ask(user, command)
        assert isinstance(reply, Refused), reply
        return reply

    def wrong_fields(self, command: str) -> str:
        """Return the fields that an organiser's command is refused for."""
        errors = self.refused(ORGANIZER, command).errors
        assert isinstance(errors, list)
        return " ".join(fault.field for fault in errors)

    def tick(self, seconds: float) -> None:
        """Let time pass, then end what is due."""
        self.now_ms += round(seconds * 1_000)
        for token in self.stock.due_holds(self.now_ms, 1_000):
            self.ask("", f"expire {token}")

    def replayed(self) -> Stock:
        """The state that the journal gives, through its encoded form."""
        stock = Stock(self.venue, self.first_settings)
        for change, at_ms in self.journal:
            stock.apply(msgpack.decode(msgpack.encode(change), type=AnyChange), at_ms)
        return stock

    def play(self, text: str) -> "Scene":
        """Play the rows of a table."""
        for row in text.strip().splitlines():
            line = row.partition(" #")[0].strip()
            if line:
                self._play_row(line)
        assert self.replayed().hash() == self.stock.hash()
        return self

    def _play_row(self, line: str) -> None:
        if line.startswith("tick +"):
            self.tick(float(line.removeprefix("tick +").removesuffix("s")))
        elif line.startswith("expect "):
            for expected in line.removeprefix("expect ").split():
                name, _, value = expected.partition("=")
                if name != "seats":
                    assert self._shown(name) == value, line
        else:
            user, command, outcome = (part.strip() for part in line.split("|"))
            reply = self.ask(user, command)
            code, *details = outcome.split()
            got = reply.code if isinstance(reply, Refused) else "ok"
            assert got == code, f"{line}\ngot {reply}"
            for detail in details:
                name, _, value = detail.partition("=")
                assert _VALUES[name](reply) == value, f"{line}\ngot {reply}"

    def _shown(self, name: str) -> str:
        """How a row or an area stands; `version` the version."""
        stock = self.stock
        if name == "version":
            return str(stock.version)
        if name in self.venue.area_index:
            counts = stock.areas[self.venue.area_index[name]].counts()
            return "/".join(map(str, counts))
        indexes = [seat.index for seat in self.venue.seats if seat.row == name]
        return bytes(stock.letters[index] for index in indexes).decode()


def play(text: str, *, venue: Venue | None = None, **settings: Any) -> Scene:
    """Play a table on a small hall, or on `venue`."""
    scene = Scene(SMALL if venue is None else venue, settings_of(**settings))
    return scene.play(text)


SMALL: Final = hall("A 1111", "B 1111", "C 2222", areas={"GA": (10, "2")})


def busy() -> Scene:
    """Seats 0 and 1 and two places are held as h1, seat 4 and a place booked as b1.

    Seat 8 and three places are blocked; h3 of bob ran out.
    """
    return play("""
        ann | hold A-1 A-2 GA*2 | ok hold=h1
        ann | hold B-1 GA*1     | ok hold=h2
        ann | book h2           | ok booking=b1
        bob | hold B-4 ttl=1    | ok hold=h3
        org | block C-1 GA*3    | ok
        tick +6s
    """)


_OPS: Final = {
    "best": "hold_best",
    "sale": "change_sale",
    "delete": "delete_event",
    "expire": "expire_hold",
    "open": "open_sale",
    "shut": "close_sale",
    "complete": "complete_event",
    "keep": "keep_holds",
    "part": "cancel_part",
}
_POSITIONAL: Final = {
    "hold_best": "quantity",
    "extend": "hold",
    "release": "hold",
    "book": "hold",
    "cancel": "booking",
    "pledge": "hold",
    "unpledge": "hold",
    "quote": "hold",
    "cancel_part": "booking",
    "change_sale": "to",
    "expire_hold": "hold",
    "keep_holds": "until_ms",
}
_OPTIONS: Final = {"on": "hold", "ttl": "ttl_s", "until": "until_s"}


def parse(text: str) -> AnyCommand:
    """Read a command such as `hold A-1 GA*2 on=h1` or `best 2 category=1 scattered`.

    Prices are `configure price.1=70JPY price.2=none`, in EUR where they do not say.
    """
    op, *words = text.split()
    op = _OPS.get(op, op)
    fields: dict[str, Any] = {"op": op, "id": 1, "event": EVENT}
    if op in _POSITIONAL:
        fields[_POSITIONAL[op]] = _number(words.pop(0))
    patch: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if op == "configure" and name.startswith("price."):
            prices = patch.setdefault("prices", {})
            prices[name.removeprefix("price.")] = _money(value)
        elif equals and op == "configure":
            patch[name] = None if value == "none" else _number(value)
        elif equals and name == "total":
            fields[name] = _money(value)
        elif equals and name == "types":
            fields[name] = _types(value)
        elif equals and name == "lines":
            fields[name] = [_line(one) for one in value.split(",")]
        elif equals and name == "places":
            fields[name] = [_place(one) for one in value.split(",")]
        elif equals:
            fields[_OPTIONS.get(name, name)] = _number(value, name in ("ttl", "until"))
        elif word in ("accessible", "scattered"):
            fields["accessible" if word == "accessible" else "adjacent"] = (
                word == "accessible"
            )
        elif op == "unpledge" and word == "release":
            fields["release"] = True
        elif "*" in word:
            label, _, count = word.partition("*")
            fields.setdefault("areas", {})[label] = int(count)
        else:
            fields.setdefault("seats", []).append(word)
    if op == "configure":
        fields["patch"] = patch
    command: AnyCommand = convert(fields, AnyCommand, from_attributes=True)
    return command


def _number(value: str, needed: bool = True) -> int | str:
    return int(value) if needed and re.fullmatch(r"\d{1,15}", value) else value


def _types(value: str) -> dict[str, Any]:
    """Read `A-1:child,GA:child*2,GA:senior`."""
    found: dict[str, Any] = {}
    for one in value.split(","):
        label, _, kind = one.partition(":")
        kind, times, count = kind.partition("*")
        if times:
            found.setdefault(label, {})[kind] = int(count)
        else:
            found[label] = kind
    return found


def _line(value: str) -> dict[str, Any]:
    """Read `A-1:4500` or `GA:1500:child`."""
    label, amount, kind = [*value.split(":"), ""][:3]
    return {"label": label, "amount": int(amount), "type": kind or None}


def _place(value: str) -> dict[str, Any]:
    """Read `GA:3000*2` or `GA:1500:child*1`."""
    named, _, count = value.partition("*")
    area, amount, kind = [*named.split(":"), ""][:3]
    place = {"area": area, "amount": int(amount), "quantity": int(count)}
    return {**place, "type": kind or None}


def _money(value: str) -> dict[str, Any] | None:
    if value == "none":
        return None
    digits = re.match(r"\d+", value)
    assert digits is not None
    currency = value[digits.end() :] or "EUR"
    return {"amount": int(digits[0]), "currency": currency}


def _places(seats: Any, areas: Any) -> str:
    return ",".join([*seats, *(f"{name}*{count}" for name, count in areas.items())])


def _held(reply: Any) -> str:
    return ";".join(f"{h.hold}:{_places(h.seats, h.areas)}" for h in reply.holds)


def _orders(reply: Any) -> str:
    return ";".join(f"{h.hold}:{h.order or '-'}" for h in reply.holds)


def _booked(reply: Any) -> str:
    return ";".join(f"{b.booking}:{_places(b.seats, b.areas)}" for b in reply.bookings)


_VALUES: Final[dict[str, Callable[[Any], str]]] = {
    "hold": lambda reply: reply.hold,
    "booking": lambda reply: reply.booking,
    "reference": lambda reply: reply.reference,
    "seats": lambda reply: ",".join(reply.seats),
    "has": lambda reply: _places(reply.seats, reply.areas),
    "added": lambda reply: _places(reply.added.seats, reply.added.areas),
    "orphans": lambda reply: ",".join(reply.orphans),
    "alternatives": lambda reply: ";".join(map(",".join, reply.alternatives)),
    "offers": lambda reply: str(len(reply.alternatives)),
    "total": lambda reply: str(reply.total and reply.total.amount),
    "in": lambda reply: f"{reply.expires_in_ms / 1_000:g}s",
    "adjacent": lambda reply: {UNSET: "unset"}.get(reply.adjacent, str(reply.adjacent)),
    "status": lambda reply: reply.status,
    "lines": lambda reply: ",".join(
        f"{x.label}:{x.amount}{(x.type and '/' + x.type) or ''}" for x in reply.lines
    ),
    "until": lambda reply: str(reply.expires_at),
    "holds": _held,
    "orders": _orders,
    "bookings": _booked,
}
