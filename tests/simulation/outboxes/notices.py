"""The tables of notices, rounds and mails, and what their SQL does to them."""

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from persistence import mail
from persistence.people.notices import notices, rounds
from tests.simulation.orders.house import MANAGER
from tests.simulation.statements import Connection, Row, Rows, does

if TYPE_CHECKING:
    from tests.simulation.orders.tables import Transaction


@does(notices._RAISE_ONE)
def _raise_one(connection: Connection, *values: Any) -> Rows:
    *row, lasts_s = values
    raised = _raise(connection, *([one] for one in row), lasts_s)
    return [{"raise_notice": bool(raised)}]


@does(notices._RAISE_MANY)
def _raise(connection: Connection, *columns: Any) -> Rows:
    *columns_of, lasts_s = columns
    store, raised = connection.store, []
    for row in zip(*columns_of, strict=True):
        name, kind, subject, user, email, locale, event, data, more, files = row
        if name in store.notice:
            continue
        raised.append({"notice_id": name})
        notice = {
            "notice_id": name,
            "kind": kind,
            "subject": subject,
            "user_id": user,
            "event_id": event,
            "data": data,
            "at": store.now(),
            "read_at": None,
            "told": False,
        }
        connection.put(store.notice, name, notice)
        # Of accounts, whose addresses would be known, there are none here.
        if email is not None and f"mail_{name}" not in store.mail:
            told = msgspec.json.decode(data) | msgspec.json.decode(more)
            letter = {
                "mail_id": f"mail_{name}",
                "user_id": user or "",
                "recipient": email,
                "subject": "",
                "body": "",
                "created_at": store.now(),
                "attempts": 0,
                "due_at": store.now(),
                "expires_at": store.now() + timedelta(seconds=lasts_s),
                "sent_at": None,
                "failed_at": None,
                "reason": None,
                "attachments": "[]",
                "kind": kind,
                "notice_id": name,
                "locale": locale,
                "event_id": event,
                "data": msgspec.json.encode(told).decode(),
                "files": files.split("\n") if files else [],
            }
            connection.put(store.mail, f"mail_{name}", letter)
    return raised


@does(notices._ORGANISERS)
def _organisers(connection: Connection, event: str, most: int) -> Rows:
    return [{"user_id": MANAGER.user}]


@does(notices._TELL)
def _tell(connection: Connection, most: int) -> Rows:
    table = connection.store.notice
    fresh = sorted((x for x in table.values() if not x["told"]), key=lambda x: x["at"])
    for one in fresh[:most]:
        connection.change(table, one["notice_id"], told=True)
    kept = ("notice_id", "kind", "subject", "event_id", "data", "at", "read_at")
    # An event is called by its id here.
    return [
        {key: one[key] for key in (*kept, "user_id")} | {"event_name": one["event_id"]}
        for one in fresh[:most]
    ]


# Mails.


def state_of(store: Any, one: Row) -> str:
    """Return whether a mail is `due`, `sent` or `dead`."""
    if one["sent_at"] is not None:
        return "sent"
    dead = one["failed_at"] is not None or one["expires_at"] <= store.now()
    return "dead" if dead else "due"


@does(mail._TAKE_LETTERS)
def _take(connection: Connection, taken_s: float, most: int) -> Rows:
    store = connection.store
    due = [
        one
        for one in store.mail.values()
        if state_of(store, one) == "due" and one["due_at"] <= store.now()
    ]
    due.sort(key=lambda one: (one["due_at"], one["mail_id"]))
    until = store.now() + timedelta(seconds=taken_s)
    for one in due[:most]:
        attempts = one["attempts"] + 1
        connection.change(store.mail, one["mail_id"], attempts=attempts, due_at=until)
    named = ("mail_id", "recipient", "subject", "body", "created_at", "attempts")
    words = ("attachments", "kind", "locale", "event_id", "data", "files")
    return [
        {key: store.mail[one["mail_id"]][key] for key in (*named, *words)}
        for one in due[:most]
    ]


@does(mail._TAKE_ANNOUNCED)
def _take_announced(connection: Connection, taken_s: float, most: int) -> Rows:
    return []


def _change(connection: Connection, name: str, **fields: Any) -> Rows:
    if name in connection.store.mail:
        connection.change(connection.store.mail, name, **fields)
    return []


@does(mail._SENT)
def _sent(connection: Connection, name: str) -> Rows:
    gone: dict[str, Any] = {"body": "", "data": "{}", "files": [], "reason": None}
    now = connection.store.now()
    return _change(connection, name, sent_at=now, attachments="[]", **gone)


@does(mail._LATER)
def _later(connection: Connection, name: str, wait_s: float, reason: str) -> Rows:
    due = connection.store.now() + timedelta(seconds=wait_s)
    return _change(connection, name, due_at=due, reason=reason)


@does(mail._FAILED)
def _failed(connection: Connection, name: str, reason: str) -> Rows:
    now = connection.store.now()
    return _change(connection, name, failed_at=now, reason=reason)


@does(mail._REPLAY)
def _replay(connection: Connection, name: str) -> Rows:
    store = connection.store
    one = store.mail.get(name)
    if one is not None and state_of(store, one) == "dead":
        lasts = one["expires_at"] - one["created_at"]
        connection.change(
            store.mail,
            name,
            failed_at=None,
            attempts=0,
            due_at=store.now(),
            reason=None,
            expires_at=max(one["expires_at"], store.now() + lasts),
        )
    return []


@does(f"{mail._ROWS} WHERE mail_id = $1")
def _find(connection: Connection, name: str) -> Rows:
    one = connection.store.mail.get(name)
    if one is None:
        return []
    kept = ("recipient", "kind", "attempts", "created_at", "due_at", "reason")
    return [
        {
            "row": name,
            "state": state_of(connection.store, one),
            "notice": one["notice_id"],
            "ended_at": one["sent_at"] or one["failed_at"],
            **{key: one[key] for key in kept},
        }
    ]


# Rounds: what all are told who hold something of an event.


@does(rounds._TOLD)
def _note_time(connection: Connection, *_: object) -> Rows:
    return []


@does(rounds._PUT)
def _put(
    connection: Connection, kind: str, subject: str, event: str, data: str, before: Any
) -> Rows:
    table = connection.store.notice_round
    if (kind, subject) not in table:
        row = {
            "kind": kind,
            "subject": subject,
            "event_id": event,
            "data": data,
            "booked_before": before,
            "after_version": -1,
            "raised": 0,
            "done": False,
        }
        connection.put(table, (kind, subject), row)
    return []


@does(rounds._TAKE)
def _take_round(connection: Connection) -> Rows:
    table = connection.store.notice_round.values()
    return [one for one in table if not one["done"]][:1]


@does(rounds._HOLDS)
def _holds(connection: Connection, kind: str, subject: str, event: str) -> Rows:
    return [{"holds": kind != "reminder"}]


@does(rounds._SLICE)
def _slice(
    connection: "Transaction", event: str, after: int, before: Any, most: int
) -> Rows:
    head = connection.tables.world.database.head(event)
    rows = sorted(head.bookings.values(), key=lambda row: row.version)
    some = [row for row in rows if row.version > after][:most]
    orders = {one.stored.state.booking: one for one in connection.tables.rows.values()}
    told: list[tuple[str, str | None, str]] = []
    others: Counter[str] = Counter()
    for row in some:
        if row.booking in head.cancelled:
            continue
        order = orders.get(row.booking)
        email = None if order is None else order.stored.buyer.email
        told.append((row.user, email, ""))
        for one in connection.tickets.tickets.values():
            mine = one.booking == row.booking and one.state != "revoked"
            if mine and one.holder != row.user:
                others[one.holder] += 1
    told += [(user, None, "") for user in others]
    last = some[-1].version if some else None
    encoded = msgspec.json.encode(told).decode()
    return [{"last": last, "seen": len(some), "told": encoded}]


@does(rounds._MOVE)
def _move(
    connection: Connection,
    kind: str,
    subject: str,
    last: int | None,
    raised: int,
    done: bool,
) -> Rows:
    table = connection.store.notice_round
    one = table[kind, subject]
    after = one["after_version"] if last is None else last
    raised += one["raised"]
    connection.change(
        table, (kind, subject), after_version=after, raised=raised, done=done
    )
    return []
