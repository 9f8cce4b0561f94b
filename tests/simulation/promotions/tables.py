"""The tables of promotions, and what their SQL, functions and triggers do to them."""

from datetime import UTC, datetime
from typing import Any, Final

from persistence.postgres.pool import UniqueViolation
from persistence.shop.promotions import promotions, redemptions
from tests.simulation.statements import Connection, Rows, does

SEED: Final = b"s" * 32
LONG_AGO: Final = datetime(2026, 1, 1, tzinfo=UTC)
LIVE: Final = frozenset({"reserved", "used"})
KEPT: Final = frozenset({"confirmed", "completed"})
ENDED: Final = frozenset({"cancelled", "refunded"})


def promotion(name: str, event: str, **rules: Any) -> dict[str, Any]:
    """Return a new promotion's row."""
    row: dict[str, Any] = {
        "promotion_id": name,
        "event_id": event,
        "name": name,
        "active": True,
        "ppm": 0,
        "amount": 0,
        "minimum": 0,
        "currency": None,
        "categories": None,
        "types": None,
        "starts_at": None,
        "ends_at": None,
        "uses_max": None,
        "per_user": None,
        "stacks": False,
        "taken": 0,
        "request_hash": b"",
        "created_at": LONG_AGO,
        "revision": 0,
    }
    return row | rules


@does(promotions._FIND_SEED)
def _find_seed(connection: Connection) -> Rows:
    return [{"seed": SEED}]


@does(promotions._OF_CODES)
def _of_codes(connection: Connection, event: str, hashes: list[bytes]) -> Rows:
    store = connection.store
    found = []
    for name in hashes:
        code = store.promotion_code.get((event, name))
        if code is not None:
            of = store.promotion[code["promotion_id"]]
            found.append(
                {
                    "hash": name,
                    "code_uses_max": code["uses_max"],
                    "code_taken": code["taken"],
                    "open": _is_open(connection, of),
                    **of,
                    "used": 0,
                    "codes": 0,
                }
            )
    return found


def _is_open(connection: Connection, of: dict[str, Any]) -> bool:
    now, starts, ends = connection.store.now(), of["starts_at"], of["ends_at"]
    begun, over = starts is None or starts <= now, ends is not None and ends <= now
    return of["active"] and begun and not over


@does(redemptions._RESERVE)
def _reserve(
    connection: Connection,
    order: str,
    event: str,
    user: str,
    who: bytes | None,
    hashes: list[bytes],
) -> Rows:
    store = connection.store
    codes = [
        (row["promotion_id"], name)
        for name in dict.fromkeys(hashes)
        if (row := store.promotion_code.get((event, name))) is not None
    ]
    for promotion_id, name in sorted(codes):
        refused = _take(connection, order, event, user, who, promotion_id, name)
        if refused is not None:
            return [{"refused": refused}]
    return [{"refused": None}]


def _take(
    connection: Connection,
    order: str,
    event: str,
    user: str,
    who: bytes | None,
    promotion_id: str,
    name: bytes,
) -> str | None:
    """Take one code for an order; return why it is not to be had."""
    store = connection.store
    of, code = store.promotion[promotion_id], store.promotion_code[event, name]
    if of["uses_max"] is not None and of["taken"] >= of["uses_max"]:
        return "code_used_up"
    connection.change(store.promotion, promotion_id, taken=of["taken"] + 1)
    if not _is_open(connection, of):
        return "code_invalid"
    mine = [
        row
        for (_, other), row in store.redemption.items()
        if other == promotion_id
        and row["state"] in LIVE
        and (row["user_id"] == user or (who is not None and row["who"] == who))
    ]
    if of["per_user"] is not None and of["per_user"] <= len(mine):
        return "code_used_up"
    if code["uses_max"] is not None and code["taken"] >= code["uses_max"]:
        return "code_used_up"
    taken = code["taken"] + 1
    connection.change(store.promotion_code, (event, name), taken=taken)
    if (order, promotion_id) in store.redemption:
        raise UniqueViolation
    row = {
        "order_id": order,
        "promotion_id": promotion_id,
        "event_id": event,
        "hash": name,
        "user_id": user,
        "who": who,
        "state": "reserved",
    }
    connection.put(store.redemption, (order, promotion_id), row)
    return None


def move_redemptions(connection: Connection, order: str, status: str) -> None:
    """Do what the trigger of that name does where an order has another status."""
    store = connection.store
    mine = [key for key in store.redemption if key[0] == order]
    for key in mine:
        row = store.redemption[key]
        if status in KEPT and row["state"] == "reserved":
            connection.change(store.redemption, key, state="used")
        elif status in ENDED and row["state"] in LIVE:
            of, name = row["promotion_id"], (row["event_id"], row["hash"])
            taken = store.promotion[of]["taken"] - 1
            connection.change(store.promotion, of, taken=taken)
            taken = store.promotion_code[name]["taken"] - 1
            connection.change(store.promotion_code, name, taken=taken)
            connection.change(store.redemption, key, state="back")
