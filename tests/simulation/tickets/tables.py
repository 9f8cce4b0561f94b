"""The tables of tickets and followers, and what their SQL does to them.

A transaction's own changes lie over what is committed, as with those of orders; what
the fake does is held against Postgres by the tests of `persistence/shop/tickets`.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

import persistence.shop.orders.giving_back as giving_back
import server.shop.tickets.follower as follower
from persistence.shop.tickets import booked, register
from persistence.shop.tickets.booked import Places, TicketEvent
from persistence.shop.tickets.register import Kind, State
from server.shop.checkin.rules import fold
from tests.simulation.statements import Rows, does

if TYPE_CHECKING:
    from persistence.shop.checkin.facts import Green
    from tests.simulation.orders.tables import Transaction
    from tests.simulation.world import World

FOLLOWERS: Final = ("tickets", "letters", "notices", "hooks")
"""The last two where anybody is told of anything."""

Code = tuple[str, int]
"""A number and a generation."""


class SimTicket(Struct, frozen=True):
    """A ticket's row."""

    ticket: str
    order: str | None
    line: int | None
    booking: str
    event: str
    number: str
    kind: Kind
    label: str
    made: int
    holder: str
    generation: int = 1
    state: State = "valid"

    @property
    def is_good(self) -> bool:
        """Whether it lets somebody in."""
        return self.state in ("valid", "offered")


class TicketTables:
    """What is committed of tickets, followers and gates."""

    def __init__(self, world: "World", random: Random) -> None:
        self.world = world
        self.random = random
        self.tickets: dict[str, SimTicket] = {}
        self.revoked: set[Code] = set()
        self.cursors: dict[tuple[str, str], int] = {}
        self.letters: list[tuple[str, int]] = []
        """Each effect of the follower that has one for each change."""
        self.locks: dict[tuple[str, str], Any] = {}
        """Who is at a follower and event; of the dead the server frees them."""
        self.greens: dict[str, list[Green]] = {}
        """Who was let through with a ticket, and not undone."""
        self.numbered = 0

    def number(self) -> int:
        self.numbered += 1
        return self.numbered

    def check(self, one: SimTicket) -> None:
        """No ticket lets anybody in that is of a line being given back: S8."""
        row = self.world.tables.rows.get(one.order or "")
        for line in () if row is None else row.stored.state.lines:
            if line.line == one.line and line.state != "live" and one.is_good:
                self.world.violate(f"{one} is good, and is {line.state}")

    def is_behind(self) -> list[str]:
        """Return which followers have not followed all of an event."""
        names = FOLLOWERS[: 4 if self.world.plan.outboxes else 2]
        if self.world.crowd.events:
            names = (*names, "line")
        return [
            f"{name} is at {self.cursors.get((name, event), 0)} of {event}"
            for name in names
            for event in self.world.events
            if self.cursors.get((name, event), 0)
            != self.world.database.head(event).version
        ]

    def is_in(self, ticket: str) -> bool:
        """Return whether somebody is in with a ticket."""
        return fold(self.greens.get(ticket, ())).standing == "in"


class Changed:
    """What one transaction does to tickets, before it is committed."""

    def __init__(self) -> None:
        self.tickets: dict[str, SimTicket] = {}
        self.revoked: set[Code] = set()
        self.cursors: dict[tuple[str, str], int] = {}
        self.letters: list[tuple[str, int]] = []

    def commit(self, tables: TicketTables) -> None:
        for one in self.tickets.values():
            tables.check(one)
            before = tables.tickets.get(one.ticket)
            if before is not None:
                tables.world.passing.commit(before, one)
        tables.tickets |= self.tickets
        tables.revoked |= self.revoked
        tables.cursors |= self.cursors
        tables.letters += self.letters


def _all(connection: "Transaction") -> Iterable[SimTicket]:
    """Return all tickets as this transaction sees them."""
    mine = connection.changed.tickets
    return (connection.tickets.tickets | mine).values()


async def read_event(connection: "Transaction", event: str) -> TicketEvent:
    return TicketEvent(None, "venue", 0)


@does(booked._BOOKINGS)
def _bookings(connection: "Transaction", bookings: Sequence[str]) -> Rows:
    wanted, encode = set(bookings), msgspec.json.encode
    database = connection.tables.world.database
    return [
        {
            "booking_id": name,
            "user_id": row.user,
            "seats": encode(row.seats),
            "areas": encode(row.areas),
            "lines": None if row.lines is None else encode(row.lines),
            "cancelled": name in head.cancelled,
        }
        for head in map(database.head, connection.tables.world.events)
        for name, row in head.bookings.items()
        if name in wanted
    ]


@does(booked._KEPT)
def _kept(connection: "Transaction", bookings: Sequence[str]) -> Rows:
    if not connection.tables.world.plan.gives:
        return []
    kept = Counter(
        (order.booking, line.label)
        for order in connection.orders()
        if order.booking in bookings
        for line in order.lines
        if line.kept and line.kind in ("seat", "place")
    )
    return [
        {"booking_id": booking, "label": label, "count": count}
        for (booking, label), count in kept.items()
    ]


@does(booked._LINES)
def _lines(connection: "Transaction", orders: Sequence[str]) -> Rows:
    taken = {(one.order, one.line) for one in _all(connection) if _counts(one)}
    rows = [
        {
            "order_id": name,
            "kind": one.kind,
            "label": one.label,
            "line": one.line,
            "leaving": one.state == "leaving",
        }
        for name in orders
        if name in connection.tables.rows
        for one in connection.row(name).stored.state.lines
        if one.kind in ("seat", "place") and one.state != "gone"
        if (name, one.line) not in taken
    ]
    return sorted(rows, key=lambda row: (not row["leaving"], -row["line"]))


@does(giving_back._OF_LINES)
def _of_lines(connection: "Transaction", order: str, lines: Sequence[int]) -> Rows:
    return [
        {"ticket_id": one.ticket}
        for one in _all(connection)
        if one.order == order and one.line in lines and _counts(one)
    ]


@does(giving_back._IN)
def _are_in(connection: "Transaction", tickets: Sequence[str]) -> Rows:
    return [{"count": sum(map(connection.tickets.is_in, tickets))}]


@does(giving_back._PASSED_ON)
def _passed_on(connection: "Transaction", order: str, buyer: str) -> Rows:
    taken = {
        row["ticket_id"]
        for row in connection.store.ticket_transfer.values()
        if row["state"] == "accepted"
    }
    mine = [one for one in _all(connection) if one.order == order]
    passed = [x for x in mine if x.state == "locked" and x.holder != buyer]
    return [{"count": sum(one.ticket in taken for one in passed)}]


def _counts(one: SimTicket) -> bool:
    return one.state != "revoked"


@does(register._OPEN)
def _open_register(connection: "Transaction", event: str) -> Rows:
    return [{"revision": 0}]


@does(register._LIVE)
def _live(connection: "Transaction", bookings: Sequence[str]) -> Rows:
    return [
        {
            "ticket_id": one.ticket,
            "booking_id": one.booking,
            "kind": one.kind,
            "label": one.label,
            "state": one.state,
            "made": one.made,
        }
        for one in _all(connection)
        if one.booking in bookings and _counts(one)
    ]


@does(register._REVOKE)
def _revoke(connection: "Transaction", tickets: Sequence[str], revision: int) -> Rows:
    gone = [one for one in _all(connection) if one.ticket in tickets and _counts(one)]
    for one in gone:
        connection.changed.tickets[one.ticket] = replace(one, state="revoked")
        connection.changed.revoked.add((one.number, one.generation))
    return [{"count": len(gone)}]


@does(register._ISSUE)
def _issue(
    connection: "Transaction", event: str, key: str, revision: int, *columns: Any
) -> Rows:
    for row in zip(*columns, strict=True):
        new = register.NewTicket(*row)
        made = SimTicket(
            new.ticket,
            new.order,
            new.line,
            new.booking,
            event,
            new.number,
            new.kind,
            new.label,
            connection.tickets.number(),
            new.user,
            state=new.state,
        )
        for one in _all(connection):
            same = (one.event, one.kind, one.label) == (event, "seat", made.label)
            if same and made.kind == "seat" and _counts(one):
                # The table would refuse it, and the follower stand for ever.
                connection.tables.world.violate(f"{made} beside {one}")
        connection.changed.tickets[made.ticket] = made
    return []


@does(register._STATE)
def _change_state(
    connection: "Transaction",
    tickets: Sequence[str],
    to: State,
    revision: int,
    was: State,
) -> Rows:
    found = [x for x in _all(connection) if x.ticket in tickets and x.state == was]
    for one in found:
        connection.changed.tickets[one.ticket] = replace(one, state=to)
    return [{"ticket_id": one.ticket} for one in found]


def reissue(connection: "Transaction", one: SimTicket) -> None:
    """Give a valid ticket another code."""
    connection.changed.tickets[one.ticket] = replace(one, generation=one.generation + 1)
    connection.changed.revoked.add((one.number, one.generation))


class Secrets:
    """Stands for `secrets`: names that are the same in each run."""

    def token_urlsafe(self, size: int) -> str:
        loop: Any = asyncio.get_running_loop()
        return f"{loop.world.tickets.number():06}"


class SimPlaces:
    """Stands for `PlaceIndexes`: no code is drawn here."""

    async def of(self, connection: "Transaction", event: TicketEvent) -> Places:
        return Places({}, {})


class SimKeyring:
    """Stands for `Keyring`: nothing is signed here."""

    key = "key"

    async def current(self, *_: object) -> "SimKeyring":
        return self


PATCHES: Final[tuple[tuple[Any, str, Any], ...]] = (
    (follower, "read_event", read_event),
    (follower, "secrets", Secrets()),
)
"""What stands here instead of what is beside SQL."""
