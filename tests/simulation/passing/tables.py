"""The table of transfers, and what its SQL does to it and to tickets."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from persistence.errors import Revisions
from persistence.postgres.pool import UniqueViolation
from persistence.shop.tickets import transfers
from tests.simulation.outboxes.hooks import raise_all
from tests.simulation.statements import Connection, Row, Rows, does

if TYPE_CHECKING:
    from tests.simulation.orders.tables import Transaction
    from tests.simulation.tickets.tables import SimTicket

LASTS_S: Final = 8.0


def latest(connection: Connection, ticket: str) -> Row | None:
    """Return the last offer of a ticket, however it ended."""
    table = connection.store.ticket_transfer.values()
    mine = [one for one in table if one["ticket_id"] == ticket]
    return max(
        mine, key=lambda one: (one["created_at"], one["transfer_id"]), default=None
    )


def _revision(connection: Connection, ticket: str) -> int:
    """Return how many offers of a ticket there were, and how many ended, together."""
    table = connection.store.ticket_transfer.values()
    states = [one["state"] for one in table if one["ticket_id"] == ticket]
    return sum(1 if state == "offered" else 2 for state in states)


@does(transfers._LATEST)
def _latest(connection: Connection, ticket: str) -> Rows:
    found = latest(connection, ticket)
    revision = _revision(connection, ticket)
    return [] if found is None else [{**found, "revision": revision}]


def _open(connection: Connection, ticket: str) -> Row | None:
    table = connection.store.ticket_transfer.values()
    mine = [x for x in table if (x["ticket_id"], x["state"]) == (ticket, "offered")]
    return mine[0] if mine else None


@does(transfers._OFFER)
def _offer(connection: Connection, name: str, ticket: str, *rest: Any) -> Rows:
    event, from_user, email, code = rest
    if name in connection.store.ticket_transfer or _open(connection, ticket):
        raise UniqueViolation
    now = connection.store.now()
    row = {
        "transfer_id": name,
        "ticket_id": ticket,
        "event_id": event,
        "from_user": from_user,
        "email": email,
        "code": code,
        "state": "offered",
        "to_user": None,
        "created_at": now,
        "expires_at": now + timedelta(seconds=LASTS_S),
    }
    connection.put(connection.store.ticket_transfer, name, row)
    return [{**row, "revision": _revision(connection, ticket)}]


@does(transfers._ACCEPT)
def _accept(connection: Connection, ticket: str, code: bytes, user: str) -> Rows:
    table = connection.store.ticket_transfer
    one = _open(connection, ticket)
    if one is None or one["code"] != code:
        return []
    if one["expires_at"] <= connection.store.now():
        return []
    connection.change(table, one["transfer_id"], state="accepted", to_user=user)
    return [{"from_user": one["from_user"], "event_id": one["event_id"]}]


def ticket_of(connection: "Transaction", ticket: str) -> "SimTicket | None":
    """Return a ticket as this transaction sees it."""
    changed = connection.changed.tickets.get(ticket)
    return changed or connection.tickets.tickets.get(ticket)


@does(transfers._PASS_ON)
def _pass_on(
    connection: "Transaction", ticket: str, revision: int, key: str, user: str
) -> Rows:
    before = ticket_of(connection, ticket)
    if before is None or before.state != "offered":
        return []
    connection.changed.revoked.add((before.number, before.generation))
    after = replace(
        before, generation=before.generation + 1, state="valid", holder=user
    )
    connection.changed.tickets[ticket] = after
    if before.holder != user:
        data = {"ticket": ticket, "label": after.label}
        told = "ticket.transferred", f"{ticket}:{after.generation}", data
        raise_all(connection, [told])
    return [{"number": after.number, "generation": after.generation}]


@does(transfers._WITHDRAW)
def _withdraw(connection: Connection, ticket: str, user: str, seen: Revisions) -> Rows:
    one = _open(connection, ticket)
    if one is None or one["from_user"] != user:
        return []
    if seen is not None and _revision(connection, ticket) not in seen:
        return []
    name = one["transfer_id"]
    connection.change(connection.store.ticket_transfer, name, state="withdrawn")
    return [{"transfer_id": name}]


def _over(connection: Connection) -> list[Row]:
    now = connection.store.now()
    return [
        one
        for one in connection.store.ticket_transfer.values()
        if one["state"] == "offered" and one["expires_at"] <= now
    ]


@does(transfers._OVER)
def _events_over(connection: Connection, most: int) -> Rows:
    events = dict.fromkeys(one["event_id"] for one in _over(connection))
    return [{"event_id": one} for one in [*events][:most]]


@does(transfers._END)
def _end(connection: Connection, event: str) -> Rows:
    ended = [one for one in _over(connection) if one["event_id"] == event]
    table = connection.store.ticket_transfer
    for one in ended:
        connection.change(table, one["transfer_id"], state="expired")
    return [{"ticket_id": one["ticket_id"]} for one in ended]


@does(transfers._IN)
def _is_in(connection: "Transaction", ticket: str) -> Rows:
    return [{"count": int(connection.tickets.is_in(ticket))}]


@does(transfers._SELLER)
def _seller(connection: "Transaction", ticket: str) -> Rows:
    one = ticket_of(connection, ticket)
    row = None if one is None else connection.tables.rows.get(one.order or "")
    if row is None:
        return []
    buyer = row.stored.buyer
    return [{"user_id": row.stored.user, "email": buyer.email, "locale": buyer.locale}]
