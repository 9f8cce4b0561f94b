"""The tables of webhooks, and what their SQL, functions and triggers do to them."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from persistence.people.hooks import deliveries, raising
from persistence.shop import hooks
from persistence.shop.orders.records import OrderState
from tests.simulation.orders.house import HOUSE
from tests.simulation.statements import Connection, Row, Rows, does

if TYPE_CHECKING:
    from tests.simulation.orders.tables import Transaction

LIFE_S: Final = 25.0
"""What was not taken by then is dead."""

TOLD: Final = {
    "confirmed": "order.confirmed",
    "cancelled": "order.cancelled",
    "refunded": "order.cancelled",
}


def hook(name: str, types: Sequence[str]) -> Row:
    """Return a new hook's row."""
    return {
        "hook_id": name,
        "url": name,
        "form": "standard",
        "types": list(types),
        "secret": b"\0secret",
        "old_secret": None,
        "off": None,
        "failures": 0,
        "taken_until": None,
        "rests_until": None,
    }


def raise_all(
    connection: Connection, told: Sequence[tuple[str, str, dict[str, Any]]]
) -> int:
    """Tell the hooks of types and subjects, as the function of that name does."""
    store, made = connection.store, 0
    for type_, subject, data in told:
        for one in store.hook.values():
            wanted = one["off"] is None and (not one["types"] or type_ in one["types"])
            known = one["hook_id"], type_, subject
            if not wanted or known in store.hook_subject:
                continue
            number = store.number()
            name = f"msg_{number}"
            row = {
                "delivery_id": name,
                "hook_id": one["hook_id"],
                "organisation_id": HOUSE,
                "number": number,
                "type": type_,
                "subject": subject,
                "body": msgspec.json.encode({"type": type_, "data": data}).decode(),
                "state": "due",
                "created_at": store.now(),
                "due_at": store.now(),
                "dies_at": store.now() + timedelta(seconds=LIFE_S),
                "attempts": 0,
                "ended_at": None,
                "status": None,
                "error": None,
                "replay": None,
            }
            connection.put(store.hook_delivery, name, row)
            connection.put(store.hook_subject, known, name)
            made += 1
    return made


def tell_order(connection: Connection, before: OrderState, after: OrderState) -> None:
    """Do what the triggers of orders and refunds do."""
    told: list[tuple[str, str, dict[str, Any]]] = []
    if before.status != after.status and after.status in TOLD:
        data = {"order": after.order, "status": after.status}
        told.append((TOLD[after.status], after.order, data))
    for refund in after.refunds:
        if refund not in before.refunds and refund.state == "settled":
            data = {"refund": refund.refund, "amount": str(refund.amount)}
            told.append(("order.refunded", refund.refund, data))
    raise_all(connection, told)


@does(raising._LISTENS)
def _listens(connection: Connection, organisation: str) -> Rows:
    return [{"listens": any(x["off"] is None for x in connection.store.hook.values())}]


@does(raising._RAISE)
def _raise(
    connection: Connection,
    organisation: str,
    types: list[str],
    subjects: list[str],
    datas: list[str],
    ats: list[Any],
) -> Rows:
    read = [msgspec.json.decode(one) for one in datas]
    made = raise_all(connection, list(zip(types, subjects, read, strict=True)))
    return [{"count": made}]


@does(raising._RAISE_ONE)
def _raise_one(
    connection: Connection,
    organisation: str,
    type: str,
    subject: str,
    data: str,
    at: Any,
) -> Rows:
    return _raise(connection, organisation, [type], [subject], [data], [at])


@does(hooks._ORGANISATION)
def _organisation(connection: Connection, event: str) -> Rows:
    return [{"organisation_id": HOUSE}]


@does(hooks._KNOWN)
def _known(connection: Connection, event: str) -> Rows:
    known = connection.store.hook_event.get(event)
    return [] if known is None else [{"sale_state": known}]


@does(hooks._KNOW)
def _know(connection: Connection, event: str, state: str) -> Rows:
    connection.put(connection.store.hook_event, event, state)
    return []


@does(hooks._TICKETS)
def _tickets(connection: "Transaction", bookings: list[str]) -> Rows:
    mine = (connection.tickets.tickets | connection.changed.tickets).values()
    wanted = [one for one in mine if one.booking in bookings]
    wanted.sort(key=lambda one: (bookings.index(one.booking), one.made))
    return [
        {
            "ticket_id": one.ticket,
            "order_id": one.order,
            "booking_id": one.booking,
            "label": one.label,
            "revoked": one.state == "revoked",
        }
        for one in wanted
    ]


# Deliveries.


def _due(connection: Connection, name: str) -> list[Row]:
    store = connection.store
    due = [
        one
        for one in store.hook_delivery.values()
        if one["hook_id"] == name
        and one["state"] == "due"
        and one["due_at"] <= store.now()
    ]
    return sorted(due, key=lambda one: one["number"])


@does(deliveries._TAKE)
def _take(
    connection: Connection,
    lease_s: float,
    hooks_max: int,
    messages_max: int,
    without: Collection[str],
) -> Rows:
    store, now = connection.store, connection.store.now()
    free = [
        one
        for one in store.hook.values()
        if one["off"] is None
        and one["hook_id"] not in without
        and (one["taken_until"] is None or one["taken_until"] <= now)
        and (one["rests_until"] is None or one["rests_until"] <= now)
        and _due(connection, one["hook_id"])
    ]
    free.sort(key=lambda one: (one["taken_until"] or store.began, one["hook_id"]))
    found: Rows = []
    for one in free[:hooks_max]:
        name, until = one["hook_id"], now + timedelta(seconds=lease_s)
        connection.change(store.hook, name, taken_until=until)
        kept = ("hook_id", "url", "form", "secret", "old_secret", "failures")
        found += [
            {
                **{key: one[key] for key in kept},
                "taken_until": until,
                "delivery_id": message["delivery_id"],
                "body": message["body"],
                "attempts": message["attempts"],
            }
            for message in _due(connection, name)[:messages_max]
        ]
    return sorted(found, key=lambda row: row["hook_id"])


@does(deliveries._GIVE_BACK)
def _give_back(connection: Connection, name: str, taken_until: Any) -> Rows:
    table = connection.store.hook
    if name in table and table[name]["taken_until"] == taken_until:
        connection.change(table, name, taken_until=None)
    return []


@does(deliveries._NOTE)
def _note(
    connection: Connection,
    name: str,
    delivery: str,
    status: int | None,
    error: str | None,
    took_ms: int,
    state: str,
    wait_s: float,
    rest_s: float,
    gone: bool,
) -> Rows:
    store, now = connection.store, connection.store.now()
    message = store.hook_delivery.get(delivery)
    if message is not None and message["state"] == "due":
        due = now + timedelta(seconds=wait_s) if state == "due" else message["due_at"]
        connection.change(
            store.hook_delivery,
            delivery,
            attempts=message["attempts"] + 1,
            status=status,
            error=error,
            state=state,
            due_at=due,
            ended_at=now if state != "due" else None,
        )
    one = store.hook[name]
    connection.change(
        store.hook,
        name,
        failures=0 if state == "sent" else one["failures"] + 1,
        rests_until=now + timedelta(seconds=rest_s) if rest_s > 0 else None,
        off=one["off"] or ("gone" if gone else None),
    )
    return []


@does(deliveries._REPLAY)
def _replay(
    connection: Connection, life_s: float, replay: str, organisation: str, name: str
) -> Rows:
    store, now = connection.store, connection.store.now()
    before = store.hook_delivery.get(name)
    if before is None or before["replay"] == replay:
        return []
    connection.change(
        store.hook_delivery,
        name,
        state="due",
        ended_at=None,
        attempts=0,
        due_at=now,
        dies_at=now + timedelta(seconds=life_s),
        replay=replay,
    )
    return _shown(store.hook_delivery[name])


def _shown(row: Row) -> Rows:
    """Return a delivery as its organisation sees it."""
    hidden = ("number", "dies_at", "replay")
    return [{key: row[key] for key in row if key not in hidden}]


@does(deliveries._FIND)
def _find(connection: Connection, organisation: str, name: str) -> Rows:
    row = connection.store.hook_delivery.get(name)
    return [] if row is None else _shown(row)


@does(deliveries._END_OLD)
def _end_old(connection: Connection) -> Rows:
    store, now = connection.store, connection.store.now()
    for name, one in list(store.hook_delivery.items()):
        if one["state"] == "due" and one["dies_at"] <= now:
            late = one["error"] or "it was not sent in time"
            ended = {"state": "dead", "ended_at": now, "error": late}
            connection.change(store.hook_delivery, name, **ended)
    return []


@does(deliveries._FORGET)
def _forget(connection: Connection, kept_s: float) -> Rows:
    return []
