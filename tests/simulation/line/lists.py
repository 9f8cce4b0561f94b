"""The tables of draws: lists, buckets, orders, and what their SQL does to them."""

from collections import Counter
from typing import Any, Final

import msgspec

from persistence.events.line import lists
from tests.simulation.line.tables import columns, places
from tests.simulation.statements import Connection, Rows, does

LIST: Final = (
    *("event_id", "draw", "closed_ms", "entries", "root", "joins", "statement"),
    *("signature", "beacon", "order_key", "line_hash", "drawn"),
)
STUB: Final = 16
MINUTE_S: Final = 60


@does(lists._DUE)
def _due(connection: Connection, at_ms: int, most: int) -> Rows:
    found = []
    for event, line in connection.store.line.items():
        open_ = line["phase"] in ("gathering", "late") and line["order_key"] is None
        closes_ms = msgspec.json.decode(line["rules"]).get("closes_at_ms")
        due = closes_ms is not None and closes_ms <= at_ms
        if line["mode"] == "draw" and open_ and due:
            found.append({"event_id": event})
    return found[:most]


@does(lists._BEGIN)
def _begin(connection: Connection, event: str, draw: int, closed_ms: int) -> Rows:
    if (event, draw) not in connection.store.line_list:
        row = {
            **dict.fromkeys((*LIST, "hashes")),
            "event_id": event,
            "draw": draw,
            "closed_ms": closed_ms,
            "drawn": False,
        }
        connection.put(connection.store.line_list, (event, draw), row)
    return []


@does(lists._FIND)
def _find(connection: Connection, event: str, draw: int) -> Rows:
    row = connection.store.line_list.get((event, draw))
    return [] if row is None else [columns(row, LIST)]


@does(lists._STUBS)
def _stubs(connection: Connection, event: str, draw: int) -> Rows:
    mine = places(connection, event, draw, late=False)
    return [{"stubs": b"".join(one["stub"] for one in mine)}]


@does(lists._JOINS)
def _joins(connection: Connection, event: str, draw: int) -> Rows:
    mine = places(connection, event, draw, late=False)
    minutes = Counter(int(x["joined_at"].timestamp()) // MINUTE_S for x in mine)
    return [{"minute": one, "joined": n} for one, n in sorted(minutes.items())]


@does(lists._GATES)
def _gates(connection: Connection, event: str, draw: int) -> Rows:
    mine = places(connection, event, draw, late=False)
    passed = Counter(gate for one in mine for gate in (one["gates"] or "").split())
    return [{"gate": one, "passed": n} for one, n in sorted(passed.items())]


@does(lists._LISTED)
def _listed(connection: Connection, event: str, draw: int, *values: Any) -> Rows:
    entries, root, hashes, joins, numbers, buckets = values
    store = connection.store
    row = store.line_list.get((event, draw))
    if row is None or row["root"] is not None:
        return []
    fields = {"entries": entries, "root": root, "hashes": hashes, "joins": joins}
    connection.change(store.line_list, (event, draw), **fields)
    for number, stubs in zip(numbers, buckets, strict=True):
        if stubs:
            # Those of nobody are never asked for here.
            bucket = {"stubs": stubs, "ranks": None}
            connection.put(store.line_bucket, (event, draw, number), bucket)
    return []


def _set_line(connection: Connection, event: str, draw: int, **fields: Any) -> None:
    row = connection.store.line.get(event)
    if row is not None and row["draw"] == draw:
        connection.change(connection.store.line, event, **fields)


def _set_list(connection: Connection, event: str, draw: int, **fields: Any) -> Any:
    """Change a list; return it, or None where there is none."""
    table = connection.store.line_list
    if (event, draw) not in table:
        return None
    connection.change(table, (event, draw), **fields)
    return table[event, draw]


@does(lists._PUT_OFF)
def _put_off(connection: Connection, event: str, draw: int, number: int) -> Rows:
    _set_line(connection, event, draw, round=number)
    return []


@does(lists._FIXED)
def _fixed(connection: Connection, event: str, draw: int, *values: Any) -> Rows:
    statement, signature, number = values
    told = {"statement": statement, "signature": signature}
    row = _set_list(connection, event, draw, **told)
    if row is not None:
        of_line = {**columns(row, ("entries", "root")), "round": number}
        _set_line(connection, event, draw, **of_line)
    return []


@does(lists._BEACON)
def _beacon(connection: Connection, event: str, draw: int, signature: bytes) -> Rows:
    row = connection.store.line_list.get((event, draw))
    if row is not None and row["beacon"] is None:
        _set_list(connection, event, draw, beacon=signature)
    return []


@does(lists._ORDERED)
def _ordered(connection: Connection, event: str, draw: int, *values: Any) -> Rows:
    key, line_hash, firsts, segments, numbers, ranks = values
    store, of = connection.store, (event, draw)
    _set_list(connection, event, draw, order_key=key, line_hash=line_hash)
    for name in [x for x in store.line_segment if x[:2] == of]:
        if name[2] not in firsts:
            connection.remove(store.line_segment, name)
    for first, stubs in zip(firsts, segments, strict=True):
        connection.put(store.line_segment, (*of, first), {"stubs": stubs})
    for number, some in zip(numbers, ranks, strict=True):
        if (*of, number) in store.line_bucket:
            connection.change(store.line_bucket, (*of, number), ranks=some)
    return []


@does(lists._DRAWN)
def _drawn(connection: Connection, event: str, draw: int, seed: bytes) -> Rows:
    row = _set_list(connection, event, draw, drawn=True)
    if row is not None:
        _set_line(connection, event, draw, seed=seed, line_hash=row["line_hash"])
    return []


@does(lists._TAKE)
def _take(connection: Connection, event: str, draw: int, first: int, fed: int) -> Rows:
    line = connection.store.line.get(event)
    segment = connection.store.line_segment.get((event, draw, first))
    if line is not None:
        upto = 0 if segment is None else first - 1 + len(segment["stubs"]) // STUB
        taken, fed = max(line["taken"], upto), max(line["fed"], fed)
        _set_line(connection, event, draw, taken=taken, fed=fed)
    return []


@does(lists._SEGMENT)
def _segment(connection: Connection, event: str, draw: int, first: int) -> Rows:
    store = connection.store
    segment = store.line_segment.get((event, draw, first), {"stubs": b""})["stubs"]
    by_stub = {x["stub"]: x for x in places(connection, event, draw, late=False)}
    taken = []
    for at in range(0, len(segment), STUB):
        one = by_stub.get(segment[at : at + STUB])
        if one is not None:
            taken.append((first + at // STUB, one))
    if not taken:
        return [{"users": None, "stubs": None, "wishes": None, "gone": []}]
    return [
        {
            "users": [one["user_id"] for _, one in taken],
            "stubs": b"".join(one["stub"] for _, one in taken),
            "wishes": [one["wish"] for _, one in taken],
            "gone": [rank for rank, one in taken if one["over_at"] is not None],
        }
    ]


@does(lists._GONE)
def _gone(
    connection: Connection, event: str, draw: int, ranks: list[int], stubs: list[bytes]
) -> Rows:
    by_stub = {x["stub"]: x for x in places(connection, event, draw, rank=None)}
    for rank, stub in zip(ranks, stubs, strict=True):
        if stub in by_stub:
            entry = by_stub[stub]["entry_id"]
            connection.change(connection.store.line_entry, entry, rank=rank)
    return []


@does(lists._DONE)
def _done(connection: Connection, event: str, draw: int) -> Rows:
    row = connection.store.line_list.get((event, draw))
    if row is not None and row["drawn"]:
        fields = {"order_key": row["order_key"], "fed": row["entries"]}
        _set_line(connection, event, draw, **fields)
    return []
